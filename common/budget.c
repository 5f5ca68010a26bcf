/* SPDX-License-Identifier: ISC */
#include "common/budget.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct run;

/* Stands before each block, so that it can be found and its charge given back. */
struct head {
	alignas(max_align_t) struct run *run; /* NULL = allocated outside a run, or outlived it */
	struct head *prev, *next;
	size_t size;
};

struct run {
	struct arena *payer;
	struct head *blocks;
	jmp_buf out;
};

static _Thread_local struct run *current;

static void
detach(struct head *h)
{
	if (h->prev != NULL)
		h->prev->next = h->next;
	else
		h->run->blocks = h->next;
	if (h->next != NULL)
		h->next->prev = h->prev;
	arena_uncharge(h->run->payer, h->size + sizeof(*h));
	h->run = NULL;
}

int
budget_run(struct arena *a, void (*f)(void *), void *arg, void (*left)(void))
{
	struct run run = {.payer = a};

	current = &run;
	if (setjmp(run.out) == 0) {
		f(arg);
		current = NULL;
		/* What a library keeps for later, such as a table made at first use, is its own. */
		while (run.blocks != NULL)
			detach(run.blocks);
		return 0;
	}
	if (left != NULL)
		left();
	current = NULL;
	while (run.blocks != NULL) {
		struct head *h = run.blocks;

		detach(h);
		free(h);
	}
	return -1;
}

void *
budget_malloc(size_t n)
{
	struct run *r = current;
	struct head *h = NULL;

	if (n <= SIZE_MAX / 2 && (r == NULL || arena_charge(r->payer, n + sizeof(*h)) == 0)) {
		h = malloc(n + sizeof(*h));
		if (h == NULL && r != NULL)
			arena_uncharge(r->payer, n + sizeof(*h));
	}
	if (h == NULL && r != NULL)
		longjmp(r->out, 1);
	if (h == NULL)
		return NULL;
	*h = (struct head){.run = r, .next = r != NULL ? r->blocks : NULL, .size = n};
	if (h->next != NULL)
		h->next->prev = h;
	if (r != NULL)
		r->blocks = h;
	return h + 1;
}

static struct head *
head_of(void *p)
{
	return (struct head *)p - 1;
}

void
budget_free(void *p)
{
	struct head *h;

	if (p == NULL)
		return;
	h = head_of(p);
	if (h->run != NULL)
		detach(h);
	free(h);
}

void *
budget_realloc(void *p, size_t n)
{
	void *q = budget_malloc(n);

	if (q != NULL && p != NULL) {
		memcpy(q, p, head_of(p)->size < n ? head_of(p)->size : n);
		budget_free(p);
	}
	return q;
}

char *
budget_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = budget_malloc(n);

	return p != NULL ? memcpy(p, s, n) : NULL;
}
