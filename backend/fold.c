/* SPDX-License-Identifier: ISC */
#include "backend/fold.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { EXPANDED_MAX = 32, REPLACEMENT = 0xfffd, DOTLESS_I = 0x131 };

/* What was folded so far: code points, since marks may have to change places. */
struct folding {
	int32_t *v;
	size_t n, size; /* code points */
	size_t bytes;
};

static bool
is_dropped(int32_t c, const utf8proc_property_t *p)
{
	switch (p->category) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_ME:
		return true;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
		return p->combining_class == 1 || p->combining_class >= 200 ||
		    (p->combining_class >= 10 && p->combining_class <= 36) || p->ignorable;
	default:
		return c == 0 || p->ignorable;
	}
}

static int32_t
simpler(int32_t c, const utf8proc_property_t *p)
{
	if (c == DOTLESS_I)
		return 'i';
	/* Tabs and line ends are controls to Unicode. */
	if ((c >= 0x9 && c <= 0xd) || c == 0x85 || p->category == UTF8PROC_CATEGORY_ZS ||
	    p->category == UTF8PROC_CATEGORY_ZL || p->category == UTF8PROC_CATEGORY_ZP)
		return ' ';
	return c;
}

static size_t
width(int32_t c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Marks of one letter come in the order of their classes, whatever order they were typed in. */
static void
add(struct folding *f, int32_t c)
{
	int class = utf8proc_get_property(c)->combining_class;
	size_t i = f->n;

	f->bytes += width(c);
	while (class > 0 && i > 0 && utf8proc_get_property(f->v[i - 1])->combining_class > class) {
		f->v[i] = f->v[i - 1];
		i--;
	}
	f->v[i] = c;
	f->n++;
}

/* False when there is no room for all of it. */
static bool
fold_one(struct folding *f, int32_t c)
{
	const int options = UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD;
	int32_t to[EXPANDED_MAX];
	int boundary = 0;
	utf8proc_ssize_t n;
	size_t bytes = 0, kept = 0;

	if (c < 0x80) {
		to[0] = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
		n = 1;
	} else if ((n = utf8proc_decompose_char(
	                c, to, EXPANDED_MAX, (utf8proc_option_t)options, &boundary)) < 0 ||
	    n > EXPANDED_MAX) {
		to[0] = c;
		n = 1;
	}
	for (utf8proc_ssize_t i = 0; i < n; i++) {
		const utf8proc_property_t *p = utf8proc_get_property(to[i]);
		int32_t s = simpler(to[i], p);

		if (s == to[i] && is_dropped(s, p))
			continue;
		to[kept++] = s;
		bytes += width(s);
	}
	if (f->bytes + bytes > FOLD_MAX || f->n + kept > f->size)
		return false;
	for (size_t i = 0; i < kept; i++)
		add(f, to[i]);
	return true;
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && s.p[0] == ' ') {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

/* Most texts are ASCII. */
static bool
fold_ascii(char *to, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f)
			return false;
		to[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	return true;
}

static int
fold_unicode(struct arena *a, struct str s, struct str *ret, struct err *e)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)s.p;
	struct folding f = {.size = FOLD_MAX};
	size_t n = 0;
	char *to;

	if (s.n < FOLD_MAX / EXPANDED_MAX)
		f.size = s.n * EXPANDED_MAX;
	f.v = arena_array(a, f.size + 1, sizeof(*f.v));
	if (f.v == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < s.n;) {
		int32_t c;
		utf8proc_ssize_t took = utf8proc_iterate(p + i, (utf8proc_ssize_t)(s.n - i), &c);

		if (took <= 0) {
			c = REPLACEMENT;
			took = 1;
		}
		if (!fold_one(&f, c))
			break;
		i += (size_t)took;
	}
	/* One is encoded at a time, in up to 4 bytes. */
	if ((to = arena_alloc(a, f.bytes + 4)) == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < f.n; i++)
		n += (size_t)utf8proc_encode_char(f.v[i], (utf8proc_uint8_t *)to + n);
	*ret = trim((struct str){to, n});
	return 0;
}

int
fold_text(struct arena *a, struct str s, struct str *ret, struct err *e)
{
	char *to;

	if (s.n <= FOLD_MAX) {
		if ((to = arena_alloc(a, s.n + 1)) == NULL)
			return err_set(e, ERR_TOO_LARGE, NULL);
		if (fold_ascii(to, s)) {
			*ret = trim((struct str){to, s.n});
			return 0;
		}
	}
	return fold_unicode(a, s, ret, e);
}

bool
fold_is_break(char c)
{
	return c != 0 && strchr(" -@+()[]{}<>", c) != NULL;
}

/* The texts and their words: counts them, and puts them down unless `to` is NULL. */
static size_t
list_tokens(const struct str *folded, size_t n, struct str *to)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct str s = folded[i];
		size_t at = 0;

		if (s.n > 0 && to != NULL)
			to[count] = s;
		count += s.n > 0;
		while (at < s.n) {
			size_t end = at;

			while (end < s.n && !fold_is_break(s.p[end]))
				end++;
			if (end > at && at > 0) {
				if (to != NULL)
					to[count] = (struct str){s.p + at, end - at};
				count++;
			}
			at = end + 1;
		}
	}
	return count;
}

static int
compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

int
fold_tokens(
    struct arena *a, const struct str *folded, size_t n, struct str_list *ret, struct err *e)
{
	size_t count = list_tokens(folded, n, NULL), kept = 0;

	ret->n = 0;
	if ((ret->v = arena_array(a, count + 1, sizeof(*ret->v))) == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	list_tokens(folded, n, ret->v);
	qsort(ret->v, count, sizeof(*ret->v), compare);
	/* What begins another one stands right in front of one that it begins. */
	for (size_t i = 0; i < count; i++) {
		struct str s = ret->v[i];

		if (i + 1 < count && ret->v[i + 1].n >= s.n && memcmp(ret->v[i + 1].p, s.p, s.n) == 0)
			continue;
		ret->v[kept++] = s;
	}
	ret->n = kept;
	return 0;
}
