/* SPDX-License-Identifier: ISC */
/*
 * Paths for logs. Secrets stand in some of them, also in those that match no
 * row because of a slip; so what counts is the words before a secret, in
 * whatever spelling, and everything behind them is left out.
 */
#include <string.h>

#include "common/buf.h"
#include "common/res.h"

enum { PATH_SHOWN = 512, WORD_MAX = 64 };

#define HIDDEN "***"

static int
hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

/* Decoded twice: what a client encoded once too often is still a secret. */
static size_t
decoded(struct str path, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < path.n && n < PATH_SHOWN; i++)
		out[n++] = path.p[i];
	for (int round = 0; round < 2; round++) {
		size_t to = 0;

		for (size_t i = 0; i < n; i++) {
			int hi = n - i > 2 && out[i] == '%' ? hex(out[i + 1]) : -1;
			int lo = hi >= 0 ? hex(out[i + 2]) : -1;

			out[to++] = out[i];
			if (lo >= 0) {
				out[to - 1] = (char)(hi << 4 | lo);
				i += 2;
			}
		}
		n = to;
	}
	return n;
}

static bool
begins_with(struct str s, struct str word)
{
	char text[WORD_MAX];

	if (s.n < word.n || word.n >= sizeof(text))
		return false;
	memcpy(text, word.p, word.n);
	text[word.n] = '\0';
	return str_caseeqc((struct str){s.p, word.n}, text);
}

/* The two words of a row's path before its first parameter. */
static void
words_before_secret(const struct res *r, struct str *first, struct str *second)
{
	struct str rest = str_c(r->path + 1), part;

	*first = *second = (struct str){"", 0};
	while (rest.n > 0 && rest.p[0] != '{') {
		str_cut(rest, '/', &part, &rest);
		*first = *second;
		*second = part;
	}
}

/* Where the secret begins that such a row would have in this path; its end when there is none. */
static size_t
secret_from(const struct res *r, struct str path)
{
	struct str first, second, rest = path, part;
	bool is_near = false;

	if (!r->secret || strchr(r->path, '{') == NULL)
		return path.n;
	words_before_secret(r, &first, &second);
	while (rest.n > 0) {
		str_cut(rest, '/', &part, &rest);
		if (is_near && begins_with(part, second))
			return (size_t)(part.p - path.p) + second.n;
		is_near = is_near || begins_with(part, first);
	}
	return path.n;
}

void
res_log_path(struct str path, bool matched, struct buf *out)
{
	const struct str private = STR_LIT("private");
	char text[PATH_SHOWN];
	struct str all = {text, decoded(path, text)}, rest = all, part;
	bool key = false;

	for (size_t i = 0; i < all_resources_count; i++) {
		size_t end = secret_from(&all_resources[i], all);

		if (end < rest.n)
			rest.n = end;
	}
	all.n -= rest.n;
	while (rest.n > 0) {
		bool more = str_cut(rest, '/', &part, &rest);

		if ((key && part.n > 0) || (!matched && res_is_private_key(part))) {
			buf_adds(out, HIDDEN);
			key = false;
		} else if (begins_with(part, private)) {
			buf_addstr(out, private);
			if (part.n > private.n)
				buf_adds(out, HIDDEN);
			else
				key = true;
		} else {
			buf_addstr(out, part);
		}
		if (more)
			buf_addc(out, '/');
	}
	if (all.n > 0)
		buf_adds(out, "/" HIDDEN);
}
