/* SPDX-License-Identifier: ISC */
#include "common/vcard_value.h"

#include <string.h>

struct str
vcard_unescape(struct str s, struct arena *a)
{
	char *p;
	size_t n = 0;

	if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL)
		return s;
	if ((p = arena_alloc(a, s.n)) == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < s.n; i++) {
		char next = s.p[i] == '\\' && i + 1 < s.n ? s.p[i + 1] : '\0';

		if (next != '\0' && strchr("nN,;\\", next) != NULL) {
			p[n++] = next == 'n' || next == 'N' ? '\n' : next;
			i++;
		} else {
			p[n++] = s.p[i];
		}
	}
	return (struct str){p, n};
}

struct str
vcard_component(struct str value, size_t i, struct arena *a)
{
	size_t from = 0, at = 0;

	for (; at < value.n; at++) {
		if (value.p[at] == '\\') {
			at++;
		} else if (value.p[at] == ';') {
			if (i-- == 0)
				break;
			from = at + 1;
		}
	}
	/* A backslash at the very end escapes nothing. */
	if (at >= value.n && i > 0)
		return STR_LIT("");
	if (at > value.n)
		at = value.n;
	return str_trim(vcard_unescape((struct str){value.p + from, at - from}, a));
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	                            : -1;
}

/* Bytes as two hexadecimal digits behind `mark`: quoted-printable (RFC 2045 §6.7) and URIs. */
static struct str
unhex(struct str s, char mark, struct arena *a)
{
	char *p;
	size_t n = 0;

	if (s.n == 0 || memchr(s.p, mark, s.n) == NULL)
		return s;
	if ((p = arena_alloc(a, s.n)) == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < s.n; i++) {
		int high = s.n - i > 2 && s.p[i] == mark ? hex(s.p[i + 1]) : -1;
		int low = high >= 0 ? hex(s.p[i + 2]) : -1;

		p[n++] = low >= 0 ? (char)(high * 16 + low) : s.p[i];
		i += low >= 0 ? 2 : 0;
	}
	return (struct str){p, n};
}

static bool
is_scheme(struct str s)
{
	static const char *const schemes[] = {"tel", "sip", "sips", "xmpp", "mailto", "im", "pres"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_caseeqc(s, schemes[i]))
			return true;
	return false;
}

struct str
vcard_address(struct str s, struct arena *a)
{
	struct str scheme, rest, address, plain;

	if (!str_cut(s, ':', &scheme, &rest) || !is_scheme(scheme))
		return s;
	str_cut(rest, '?', &address, &rest);
	str_cut(address, ';', &address, &rest);
	plain = unhex(address, '%', a);
	if (plain.p == NULL)
		return plain;
	return vcard_is_text(plain) && memchr(plain.p, '\n', plain.n) == NULL ? plain : address;
}

struct str
vcard_unquote(struct str value, struct arena *a)
{
	struct str s = unhex(value, '=', a);
	char *p;
	size_t n = 0;

	if (s.n == 0 || memchr(s.p, '\r', s.n) == NULL)
		return s;
	if ((p = arena_alloc(a, s.n)) == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			p[n++] = s.p[i];
	return (struct str){p, n};
}

bool
vcard_is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\n') || s.p[i] == 0x7f)
			return false;
	return str_is_utf8(s);
}
