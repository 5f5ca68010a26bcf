/* SPDX-License-Identifier: ISC */
#include "gateway/cred.h"

#include <stdbool.h>
#include <stdint.h>

/* Six bits of a digit, -1 for no digit. `url`: the alphabet of RFC 4648 section 5. */
static int
digit(char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	return c == (url ? '_' : '/') ? 63 : -1;
}

/* Takes the padding off: whole groups of four, at most two '=' at the end. */
static bool
unpad(struct str *s)
{
	if (s->n == 0 || s->n % 4 != 0)
		return false;
	for (int i = 0; i < 2 && s->p[s->n - 1] == '='; i++)
		s->n--;
	return true;
}

/* One text only for any bytes: bits left over must be zero. */
static bool
decode(struct str s, bool url, struct str *ret, struct arena *a)
{
	char *out = arena_alloc(a, s.n / 4 * 3 + 3);
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	if (out == NULL || s.n % 4 == 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int d = digit(s.p[i], url);

		if (d < 0)
			return false;
		bits = (bits << 6 | (uint32_t)d) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	if ((bits & ((1u << have) - 1)) != 0)
		return false;
	*ret = (struct str){out, n};
	return true;
}

/* UTF-8 without control characters, which RFC 7617 forbids. */
static bool
good_text(struct str s, size_t max)
{
	size_t chars = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			return false;
		chars += (c & 0xc0) != 0x80;
	}
	return chars <= max && str_is_utf8(s);
}

static bool
read_basic(struct str s, struct cred *ret, struct arena *a)
{
	struct str text;

	/* More than this is too long in any case: four bytes a character, base64. */
	if (s.n > (size_t)(CRED_USER_MAX + CRED_PASSWORD_MAX + 1) * 4 * 4 / 3 + 4)
		return false;
	return unpad(&s) && decode(s, false, &text, a) &&
	    str_cut(text, ':', &ret->user, &ret->password) && ret->user.n > 0 &&
	    good_text(ret->user, CRED_USER_MAX) && good_text(ret->password, CRED_PASSWORD_MAX);
}

static bool
read_bearer(struct str s, struct cred *ret, struct arena *a)
{
	return s.n > 0 && s.n <= (CRED_CAP_MAX * 4 + 2) / 3 && decode(s, true, &ret->cap, a);
}

void
cred_parse(struct str field, struct cred *ret, struct arena *a)
{
	struct str scheme, rest;

	*ret = (struct cred){.kind = CRED_BAD};
	str_cut(str_trim(field), ' ', &scheme, &rest);
	rest = str_trim(rest);
	if (str_caseeqc(scheme, "Basic")) {
		if (read_basic(rest, ret, a))
			ret->kind = CRED_BASIC;
	} else if (str_caseeqc(scheme, "Bearer")) {
		ret->kind = read_bearer(rest, ret, a) ? CRED_BEARER : CRED_BAD_BEARER;
	}
}
