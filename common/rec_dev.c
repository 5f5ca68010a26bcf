/* SPDX-License-Identifier: ISC */
#include "common/rec_dev.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/png.h"

struct maker {
	uint64_t state;
	unsigned flags;
	struct arena *a;
};

/* The form of a picture, as check_picture() looks at it; there is nothing to be seen. */
static const char picture[] = "\x89PNG\r\n\x1a\n"
                              "\0\0\0\rIHDR\0\0\0\x80\0\0\0\x80\x8\6\0\0\0\xc3\x3e\x61\xcb"
                              "\0\0\0\0IDAT\x35\xaf\x06\x1e"
                              "\0\0\0\0IEND\xae\x42\x60\x82";

static int make_record(struct maker *m, const struct rec *r, void *obj);

/* splitmix64: tiny, and any seed will do, 0 included. */
static uint64_t
draw(struct maker *m)
{
	uint64_t z = m->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t
below(struct maker *m, size_t n)
{
	return (size_t)(draw(m) % n);
}

static int64_t
make_int(struct maker *m, int64_t min, int64_t max)
{
	uint64_t width = (uint64_t)max - (uint64_t)min;

	switch (below(m, 4)) {
	case 0:
		return min;
	case 1:
		return max;
	case 2:
		/* Small numbers, which a range up to 2^63 would never show otherwise. */
		return (int64_t)((uint64_t)min + draw(m) % (width < 100 ? width + 1 : 100));
	default:
		return (int64_t)((uint64_t)min + (width == UINT64_MAX ? draw(m) : draw(m) % (width + 1)));
	}
}

static const char *const wild[] = {"a", "Z", "0", " ", "  ", "&", "<", ">", "\"", "'", "\\", "/",
    "\t", "\n", "\r", "\r\n", "]]>", "&amp;", "\x7f", "\xc3\xa9", "\xe2\x82\xac", "\xe4\xb8\xad",
    "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "true", "null", "\x01", "\x1f", "\xef\xbf\xbe"};
enum { WILD = sizeof(wild) / sizeof(wild[0]), WILD_XML = WILD - 3 };

static const char *const tame[] = {"a", "b", "x", "Q", "1", "2", "0", "9"};
enum { TAME = sizeof(tame) / sizeof(tame[0]) };

/* For checks that no random text is likely to pass. */
static const char *const samples[] = {
    "https://pbx.example.net/",
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static int
make_text(struct maker *m, const struct field *f, size_t min, size_t max, struct str *ret)
{
	size_t n = min + below(m, 12), len = 0;
	char *p;

	if (below(m, 16) == 0 && (m->flags & RANDOM_TAME) == 0)
		n = max;
	if (n > max)
		n = max;
	if ((p = arena_alloc(m->a, n * 6 + 1)) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *piece;

		/* Pieces may be several characters long: only the last one may not go over. */
		if (f->check != NULL || f->kind == K_BIN || (m->flags & RANDOM_TAME) != 0)
			piece = tame[below(m, TAME)];
		else
			piece = wild[below(m, (m->flags & RANDOM_XML) != 0 ? WILD_XML : WILD)];
		if (f->check == NULL && strlen(piece) > 1 && (unsigned char)piece[0] < 0x80 &&
		    i + strlen(piece) > n)
			piece = "k";
		memcpy(p + len, piece, strlen(piece));
		len += strlen(piece);
		if ((unsigned char)piece[0] < 0x80)
			i += strlen(piece) - 1;
	}
	*ret = (struct str){p, len};
	for (size_t i = 0; f->check != NULL && f->check(*ret) != NULL && i < SAMPLES; i++)
		*ret = str_c(samples[i]);
	return 0;
}

static int
make_list(struct maker *m, const struct field *f, void *obj)
{
	struct list l = {.n = (size_t)(f->kind == K_INTS ? 0 : f->min) + below(m, 4)};

	if ((m->flags & RANDOM_FULL) != 0 && l.n == 0)
		l.n = 1;
	if (l.n > (size_t)f->max)
		l.n = (size_t)f->max;
	if (l.n > 0 && (l.v = arena_array(m->a, l.n, rec_item_size(f))) == NULL)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		void *at = (char *)l.v + i * rec_item_size(f);
		int rc = 0;

		if (f->kind == K_LIST)
			rc = make_record(m, f->sub, at);
		else if (f->kind == K_STRS)
			rc = make_text(m, f, f->check != NULL, 255, at);
		else
			*(int64_t *)at = make_int(m, INT64_MIN, INT64_MAX);
		if (rc != 0)
			return -1;
	}
	rec_set_list(f, obj, l);
	return 0;
}

static int
make_field(struct maker *m, const struct field *f, void *obj)
{
	void *at = rec_at(f, obj);

	switch (f->kind) {
	case K_BOOL:
		*(bool *)at = below(m, 2) == 1;
		return 0;
	case K_INT:
		*(int64_t *)at = make_int(m, f->min, f->max);
		return 0;
	case K_ENUM:
		*(int *)at = f->en->v[below(m, f->en->n)].value;
		return 0;
	case K_STR:
	case K_BIN: {
		size_t max = f->max != 0 ? (size_t)f->max : 255;

		/* Chance meets no picture. */
		if (f->check == check_picture) {
			*(struct str *)at = (struct str){picture, sizeof(picture) - 1};
			return 0;
		}
		/* Texts that are megabytes long are of no use to anybody. */
		return make_text(
		    m, f, f->min > 0 ? (size_t)f->min : f->check != NULL, max < 2000 ? max : 2000, at);
	}
	case K_REC:
		return make_record(m, f->sub, at);
	default:
		return make_list(m, f, obj);
	}
}

static int
make_record(struct maker *m, const struct rec *r, void *obj)
{
	/* Rules across fields are met by trying: none of ours is rarer than one in a hundred. */
	for (int tries = 0; tries < 2000; tries++) {
		uint64_t has = 0;
		struct err e = {.depth = 0};

		memset(obj, 0, r->size);
		for (size_t i = 0; i < r->nf; i++) {
			const struct field *f = &r->f[i];

			if ((f->flags & F_REQ) == 0 && (m->flags & RANDOM_FULL) == 0 && below(m, 3) == 0)
				continue;
			if (make_field(m, f, obj) != 0)
				return -1;
			has |= (uint64_t)1 << i;
		}
		rec_set_has(obj, has);
		if (rec_validate(r, obj, false, &e) == 0)
			return 0;
	}
	return -1;
}

int
rec_random(const struct rec *r, void *obj, uint64_t seed, unsigned flags, struct arena *a)
{
	struct maker m = {seed, flags, a};

	return make_record(&m, r, obj);
}

static void
print_text(struct str s)
{
	fputc('"', stderr);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			fputc(c, stderr);
		else
			fprintf(stderr, "\\x%02x", c);
	}
	fputc('"', stderr);
}

static void dump_record(const struct rec *r, const void *obj, int indent);

static void
dump_list(const struct field *f, const void *obj, int indent)
{
	struct list l = rec_list(f, obj);

	fprintf(stderr, "%zu item(s)\n", l.n);
	for (size_t i = 0; i < l.n; i++) {
		const void *at = (const char *)l.v + i * rec_item_size(f);

		fprintf(stderr, "%*s[%zu] ", indent, "", i);
		if (f->kind == K_LIST) {
			fputc('\n', stderr);
			dump_record(f->sub, at, indent + 2);
		} else if (f->kind == K_STRS) {
			print_text(*(const struct str *)at);
			fputc('\n', stderr);
		} else {
			fprintf(stderr, "%" PRId64 "\n", *(const int64_t *)at);
		}
	}
}

static void
dump_record(const struct rec *r, const void *obj, int indent)
{
	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];
		const void *at = rec_at(f, obj);

		if ((rec_has(obj) >> i & 1) == 0)
			continue;
		fprintf(stderr, "%*s%s: ", indent, "", f->name);
		switch (f->kind) {
		case K_BOOL:
			fprintf(stderr, "%s\n", *(const bool *)at ? "true" : "false");
			break;
		case K_INT:
			fprintf(stderr, "%" PRId64 "\n", *(const int64_t *)at);
			break;
		case K_ENUM: {
			const char *text = enum_text(f->en, *(const int *)at);

			fprintf(stderr, "%d (%s)\n", *(const int *)at, text != NULL ? text : "unknown");
			break;
		}
		case K_STR:
		case K_BIN:
			print_text(*(const struct str *)at);
			fputc('\n', stderr);
			break;
		case K_REC:
			fputc('\n', stderr);
			dump_record(f->sub, at, indent + 2);
			break;
		default:
			dump_list(f, obj, indent + 2);
			break;
		}
	}
}

void
rec_dump(const struct rec *r, const void *obj)
{
	fprintf(stderr, "%s:\n", r->name);
	dump_record(r, obj, 2);
}
