/* SPDX-License-Identifier: ISC */
#include "gateway/preconditions.h"

#include <string.h>

enum { KEY_MAX = 255 };

/* Each format has a letter of its own, so that no two representations share an ETag. */
static char
letter_of(const struct req *r)
{
	enum format f = r->accept.format;
	int bit = 0;

	if (r->accept.app_xml)
		return 'a';
	switch (f) {
	case FMT_XML:
		return 'x';
	case FMT_JSON:
		return 'j';
	case FMT_NONE:
	case FMT_TEXT:
		return 't';
	default:
		while (((unsigned)f >> bit & 1) == 0)
			bit++;
		return (char)('A' + bit);
	}
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether it can be one of ours; then its bytes. */
static bool
own_tag(struct str opaque, char letter, char bytes[TAG_BYTES])
{
	if (opaque.n != 2 * TAG_BYTES + 1 || (letter != '\0' && opaque.p[2 * TAG_BYTES] != letter))
		return false;
	for (size_t i = 0; i < TAG_BYTES; i++) {
		int hi = nibble(opaque.p[2 * i]), lo = nibble(opaque.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		bytes[i] = (char)(hi << 4 | lo);
	}
	return true;
}

static bool
is_etag_char(char c)
{
	unsigned char u = (unsigned char)c;

	return u == 0x21 || (u >= 0x23 && u <= 0x7e) || u >= 0x80;
}

/* One entity tag at the start of *s. */
static bool
next_tag(struct str *s, bool *is_weak, struct str *opaque)
{
	size_t i = 0;

	*is_weak = str_starts(*s, "W/");
	if (*is_weak)
		*s = (struct str){s->p + 2, s->n - 2};
	if (s->n == 0 || s->p[i++] != '"')
		return false;
	while (i < s->n && is_etag_char(s->p[i]))
		i++;
	if (i == s->n || s->p[i] != '"')
		return false;
	*opaque = (struct str){s->p + 1, i - 1};
	*s = str_trim((struct str){s->p + i + 1, s->n - i - 1});
	return true;
}

int
tags_parse(
    struct str field, bool weak, char letter, struct str *ret, struct arena *a, struct err *e)
{
	struct str s = str_trim(field), opaque;
	size_t seen = 0, n = 0;
	char *out;
	bool is_weak;

	if (str_eqc(s, "*")) {
		*ret = STR_LIT("*");
		return 0;
	}
	if ((out = arena_alloc(a, TAGS_MAX * TAG_BYTES)) == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	while (s.n > 0) {
		/* Empty elements of a list mean nothing (RFC 9110 5.6.1). */
		if (s.p[0] == ',') {
			s = str_trim((struct str){s.p + 1, s.n - 1});
			continue;
		}
		if (!next_tag(&s, &is_weak, &opaque) || (s.n > 0 && s.p[0] != ','))
			return err_set(e, ERR_BAD_REQUEST, "a list of entity tags cannot be read");
		if (seen++ == TAGS_MAX)
			return err_set(e, ERR_BAD_REQUEST, "more than %d entity tags", TAGS_MAX);
		if ((weak || !is_weak) && own_tag(opaque, letter, out + n * TAG_BYTES))
			n++;
	}
	*ret = (struct str){out, n * TAG_BYTES};
	return 0;
}

static int
bad_key(struct err *e)
{
	return err_set(e, ERR_BAD_REQUEST,
	    "the Idempotency-Key must be 1 to %d visible characters, in quotes or without", KEY_MAX);
}

static int
quoted_key(struct str s, struct str *ret, struct arena *a, struct err *e)
{
	char *out = arena_alloc(a, s.n);
	size_t i = 1, n = 0;

	if (out == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	for (; i < s.n && s.p[i] != '"'; i++) {
		if (s.p[i] == '\\' && (++i == s.n || (s.p[i] != '"' && s.p[i] != '\\')))
			return bad_key(e);
		if (s.p[i] < ' ' || s.p[i] > '~')
			return bad_key(e);
		out[n++] = s.p[i];
	}
	*ret = (struct str){out, n};
	return i + 1 == s.n && n > 0 && n <= KEY_MAX ? 0 : bad_key(e);
}

int
idempotency_key_parse(struct str field, struct str *ret, struct arena *a, struct err *e)
{
	struct str s = str_trim(field);

	if (s.n > 0 && s.p[0] == '"')
		return quoted_key(s, ret, a, e);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return bad_key(e);
	*ret = s;
	return s.n > 0 && s.n <= KEY_MAX ? 0 : bad_key(e);
}

int
preconditions_read(struct req *r, const struct req_in *in)
{
	bool reads = (r->method & (M_GET | M_HEAD)) != 0;
	struct str v;

	if (in->if_match.p != NULL) {
		if (tags_parse(in->if_match, false, '\0', &v, &r->arena, &r->err) != 0)
			return -1;
		REC_SET(&r->msg, request, if_match, v);
	}
	if (in->if_none_match.p != NULL) {
		/* A copy in another format is none of this answer; for a write any format will do. */
		if (tags_parse(
		        in->if_none_match, true, reads ? letter_of(r) : '\0', &v, &r->arena, &r->err) != 0)
			return -1;
		REC_SET(&r->msg, request, if_none_match, v);
	}
	if (in->idempotency_key.p != NULL && !reads) {
		if (idempotency_key_parse(in->idempotency_key, &v, &r->arena, &r->err) != 0)
			return -1;
		REC_SET(&r->msg, request, idempotency_key, v);
	}
	return 0;
}

void
etag_text(const struct req *r, char ret[ETAG_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = ret;

	*p++ = '"';
	for (size_t i = 0; i < TAG_BYTES; i++) {
		*p++ = digits[r->tag[i] >> 4];
		*p++ = digits[r->tag[i] & 15];
	}
	*p++ = letter_of(r);
	*p++ = '"';
	*p = '\0';
}
