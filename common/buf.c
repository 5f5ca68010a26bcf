/* SPDX-License-Identifier: ISC */
#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most documents and messages fit at once. */
enum { FIRST_SIZE = 1024 };

void
buf_init(struct buf *b, size_t cap)
{
	*b = (struct buf){.cap = cap};
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.cap = b->cap};
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->size);
	buf_free(b);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

static bool
make_room(struct buf *b, size_t more)
{
	size_t want, size;
	char *p;

	if (b->failed || more > b->cap - b->n) {
		b->failed = true;
		return false;
	}
	want = b->n + more;
	if (want <= b->size)
		return true;
	size = b->size < FIRST_SIZE ? FIRST_SIZE : b->size;
	while (size < want)
		size *= 2;
	if (size > b->cap)
		size = b->cap;
	/* One byte more for the NUL that vsnprintf() writes. Not realloc(): what it leaves behind may
	 * be a secret, and nobody could overwrite it any more. */
	if ((p = malloc(size + 1)) == NULL) {
		b->failed = true;
		return false;
	}
	if (b->p != NULL) {
		memcpy(p, b->p, b->n);
		explicit_bzero(b->p, b->size);
		free(b->p);
	}
	b->p = p;
	b->size = size;
	return true;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || !make_room(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addstr(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	char tmp[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(tmp, sizeof(tmp), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n < sizeof(tmp)) {
		buf_add(b, tmp, (size_t)n);
	} else if (make_room(b, (size_t)n)) {
		va_start(ap, fmt);
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
		va_end(ap);
		b->n += (size_t)n;
	}
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){b->p != NULL ? b->p : "", b->n};
}
