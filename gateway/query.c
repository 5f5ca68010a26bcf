/* SPDX-License-Identifier: ISC */
#include "gateway/query.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t
characters(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static int
decode(struct str s, size_t max, struct str *ret, struct arena *a, struct err *e)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (out == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i] == '+' ? ' ' : s.p[i];

		if (c == '%') {
			int hi = s.n - i > 2 ? hex(s.p[i + 1]) : -1, lo = s.n - i > 2 ? hex(s.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return err_set(e, ERR_BAD_REQUEST, "the query has a broken percent-encoding");
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		out[n++] = c;
	}
	*ret = (struct str){out, n};
	if (!str_is_utf8(*ret))
		return err_set(e, ERR_BAD_REQUEST, "the query is not UTF-8");
	if (characters(*ret) > max)
		return err_set(e, ERR_BAD_REQUEST, "a query parameter is too long");
	return 0;
}

int
query_parse(struct str query, struct query_list *ret, struct arena *a, struct err *e)
{
	struct str part, name, value, text;

	*ret = (struct query_list){NULL, 0};
	while (query.n > 0) {
		struct query *q;

		str_cut(query, '&', &part, &query);
		if (part.n == 0)
			continue;
		if (ret->n == QUERY_MAX)
			return err_set(e, ERR_BAD_REQUEST, "more than %d query parameters", QUERY_MAX);
		if (ret->v == NULL && (ret->v = arena_array(a, QUERY_MAX, sizeof(*ret->v))) == NULL)
			return err_set(e, ERR_TOO_LARGE, NULL);
		q = &ret->v[ret->n++];
		if (str_cut(part, '=', &name, &value)) {
			if (decode(value, QUERY_VALUE_MAX, &text, a, e) != 0)
				return -1;
			REC_SET(q, query, value, text);
		}
		if (decode(name, QUERY_NAME_MAX, &text, a, e) != 0)
			return -1;
		REC_SET(q, query, name, text);
	}
	return 0;
}
