/* SPDX-License-Identifier: ISC */
#include "common/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	alignas(max_align_t) char data[];
};

enum { BLOCK_MIN = 4096 - (int)sizeof(struct arena_block), ALIGN = alignof(max_align_t) };

unsigned long arena_fail_after;

void
arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){.cap = cap};
}

void
arena_free(struct arena *a)
{
	struct arena_block *b = a->head;

	while (b != NULL) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
	a->head = NULL;
	a->used = a->first = 0;
}

void
arena_reset(struct arena *a)
{
	struct arena_block *b = a->head;
	size_t used = a->used;

	if (b != NULL && b->next == NULL) {
		b->used = 0;
		a->used = 0;
	} else if (b != NULL) {
		/* One block instead, so that after a few rounds none is asked for any more. */
		arena_free(a);
		a->first = used;
	}
}

void
arena_wipe(struct arena *a)
{
	for (struct arena_block *b = a->head; b != NULL; b = b->next)
		explicit_bzero(b->data, b->used);
	arena_free(a);
}

int
arena_charge(struct arena *a, size_t n)
{
	if (n > a->cap - a->used)
		return -1;
	a->used += n;
	return 0;
}

void
arena_uncharge(struct arena *a, size_t n)
{
	a->used -= n < a->used ? n : a->used;
}

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *b;

	if (arena_fail_after != 0 && --arena_fail_after == 0)
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (b != NULL) {
		b->size = size;
		b->used = 0;
	}
	return b;
}

/* As arena_alloc(), with whatever was in that memory. */
static void *
take(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	void *p;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (arena_charge(a, n) != 0)
		return NULL;
	if (b == NULL || b->size - b->used < n) {
		size_t size = b == NULL && a->first > BLOCK_MIN ? a->first : BLOCK_MIN;

		/* Blocks double with the arena, so a large document costs few of them. */
		if (a->used > size)
			size = a->used < a->cap - a->used ? a->used : a->cap - a->used;
		if (size < n)
			size = n;
		if ((b = block_new(size)) == NULL) {
			arena_uncharge(a, n);
			return NULL;
		}
		b->next = a->head;
		a->head = b;
	}
	p = b->data + b->used;
	b->used += n;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	void *p = take(a, n);

	return p != NULL ? memset(p, 0, n) : NULL;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(n, size, &total) ? NULL : arena_alloc(a, total);
}

struct str
arena_copy(struct arena *a, struct str s)
{
	char *p = take(a, s.n + 1);

	if (p == NULL)
		return (struct str){NULL, 0};
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct str){p, s.n};
}

struct str
arena_lower(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < s.n; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + ('a' - 'A')) : s.p[i];
	return (struct str){p, s.n};
}

char *
arena_cstr(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	int n;
	char *p = NULL;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && (p = arena_alloc(a, (size_t)n + 1)) != NULL)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return (struct str){p, p != NULL ? (size_t)n : 0};
}
