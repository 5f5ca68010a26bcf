/* SPDX-License-Identifier: ISC */
#include "gateway/multipart.h"

#include <string.h>

static int
malformed(struct err *e, const char *what)
{
	return err_set(e, ERR_MALFORMED, "%s", what);
}

static bool
starts_with_case(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && str_caseeqc((struct str){s.p, n}, prefix);
}

/* bchars of RFC 2046 5.1.1; a blank may not be the last one. */
static bool
is_boundary(struct str s)
{
	static const char others[] = "'()+_,-./:=? ";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    memchr(others, c, sizeof(others) - 1) == NULL)
			return false;
	}
	return s.n > 0 && s.n <= MULTIPART_BOUNDARY_MAX && s.p[s.n - 1] != ' ';
}

/* Takes "; name=value" off the front of what is not blank, the value without its quotes; no
 * character that a boundary may have needs a backslash. */
static bool
take_parameter(struct str *s, struct str *name, struct str *value)
{
	struct str rest = str_trim(*s);
	const char *end;

	if (rest.p[0] != ';')
		return false;
	rest = str_trim((struct str){rest.p + 1, rest.n - 1});
	if (!str_cut(rest, '=', name, &rest))
		return false;
	if (rest.n > 0 && rest.p[0] == '"') {
		end = memchr(rest.p + 1, '"', rest.n - 1);
		if (end == NULL)
			return false;
		*value = (struct str){rest.p + 1, (size_t)(end - rest.p) - 1};
		*s = (struct str){end + 1, rest.n - value->n - 2};
		return true;
	}
	end = rest.n > 0 ? memchr(rest.p, ';', rest.n) : NULL;
	value->p = rest.p;
	value->n = end != NULL ? (size_t)(end - rest.p) : rest.n;
	*s = (struct str){rest.p + value->n, rest.n - value->n};
	*value = str_trim(*value);
	return true;
}

static bool
find_boundary(struct str type, struct str *boundary)
{
	static const char media[] = "multipart/form-data";
	struct str name, value;
	bool found = false;

	type = str_trim(type);
	if (!starts_with_case(type, media))
		return false;
	type = (struct str){type.p + sizeof(media) - 1, type.n - (sizeof(media) - 1)};
	while (str_trim(type).n > 0) {
		if (!take_parameter(&type, &name, &value))
			return false;
		if (!str_caseeqc(name, "boundary"))
			continue;
		/* Two readers of one document must not see two boundaries. */
		if (found || !is_boundary(value))
			return false;
		*boundary = value;
		found = true;
	}
	return found;
}

enum mark { MARK_PART, MARK_END };

struct reader {
	struct str rest;      /* not read yet */
	struct str delimiter; /* CR, LF, two dashes, the boundary */
	char text[MULTIPART_BOUNDARY_MAX + 4];
};

/* What stands behind a delimiter: blanks and a line's end, or two dashes. */
static bool
take_mark(struct str *s, enum mark *mark)
{
	struct str t = *s;

	*mark = t.n >= 2 && t.p[0] == '-' && t.p[1] == '-' ? MARK_END : MARK_PART;
	if (*mark == MARK_END)
		t = (struct str){t.p + 2, t.n - 2};
	while (t.n > 0 && (t.p[0] == ' ' || t.p[0] == '\t'))
		t = (struct str){t.p + 1, t.n - 1};
	if (*mark == MARK_END && t.n == 0) {
		*s = t;
		return true;
	}
	if (t.n < 2 || t.p[0] != '\r' || t.p[1] != '\n')
		return false;
	*s = (struct str){t.p + 2, t.n - 2};
	return true;
}

/* Reads up to and behind the next delimiter line. False when there is none. */
static bool
next_delimiter(struct reader *r, struct str *before, enum mark *mark)
{
	struct str s = r->rest;

	for (;;) {
		const char *at = s.n > 0 ? memmem(s.p, s.n, r->delimiter.p, r->delimiter.n) : NULL;
		struct str behind;

		if (at == NULL)
			return false;
		behind.p = at + r->delimiter.n;
		behind.n = s.n - (size_t)(at - s.p) - r->delimiter.n;
		/* A line that only begins like one is content. */
		s = behind;
		if (take_mark(&behind, mark)) {
			*before = (struct str){r->rest.p, (size_t)(at - r->rest.p)};
			r->rest = behind;
			return true;
		}
	}
}

/* The first delimiter needs no line's end before it; what stands in front of it is nothing. */
static bool
first_delimiter(struct reader *r, enum mark *mark)
{
	struct str s = r->rest, preamble;

	if (s.n >= r->delimiter.n - 2 && memcmp(s.p, r->delimiter.p + 2, r->delimiter.n - 2) == 0) {
		s = (struct str){s.p + r->delimiter.n - 2, s.n - (r->delimiter.n - 2)};
		if (take_mark(&s, mark)) {
			r->rest = s;
			return true;
		}
	}
	return next_delimiter(r, &preamble, mark);
}

/* One header field: a Content-Disposition of a form there must be; an encoding that would have to
 * be undone there must not be (RFC 7578 4.7). */
static int
check_field(struct str line, bool *is_form, struct err *e)
{
	struct str name, value;

	if (!str_cut(line, ':', &name, &value) || name.n == 0 || str_trim(name).n != name.n)
		return malformed(e, "a part has a broken header field");
	value = str_trim(value);
	if (str_caseeqc(name, "Content-Disposition")) {
		struct str type, rest;

		str_cut(value, ';', &type, &rest);
		if (*is_form || !str_caseeqc(str_trim(type), "form-data"))
			return malformed(e, "a part has another Content-Disposition than form-data");
		*is_form = true;
	} else if (str_caseeqc(name, "Content-Transfer-Encoding") && !str_caseeqc(value, "binary") &&
	    !str_caseeqc(value, "8bit") && !str_caseeqc(value, "7bit")) {
		return malformed(e, "a part has an encoding that is not supported");
	}
	return 0;
}

/* Header fields, an empty line, the content. */
static int
read_part(struct str part, struct str *content, struct err *e)
{
	struct str rest = part;
	bool is_form = false;

	for (;;) {
		const char *end = memmem(rest.p, rest.n, "\r\n", 2);
		struct str line = {rest.p, end != NULL ? (size_t)(end - rest.p) : 0};

		if (end == NULL || (size_t)(end - part.p) > MULTIPART_HEAD_MAX)
			return malformed(e, "a part's header fields do not end");
		rest = (struct str){end + 2, rest.n - line.n - 2};
		if (line.n == 0)
			break;
		/* A line that goes on with a blank was given up by RFC 9110, not by RFC 5322. */
		if (line.p[0] == ' ' || line.p[0] == '\t')
			continue;
		if (check_field(line, &is_form, e) != 0)
			return -1;
	}
	if (!is_form)
		return malformed(e, "a part has no Content-Disposition");
	*content = rest;
	return 0;
}

int
multipart_file(struct str content_type, struct str body, struct str *file, struct err *e)
{
	struct reader r = {.rest = body};
	struct str boundary, part;
	enum mark mark;
	size_t parts = 0;

	if (!find_boundary(content_type, &boundary))
		return malformed(e, "the document must be multipart/form-data with a boundary");
	memcpy(r.text, "\r\n--", 4);
	memcpy(r.text + 4, boundary.p, boundary.n);
	r.delimiter = (struct str){r.text, boundary.n + 4};
	if (!first_delimiter(&r, &mark))
		return malformed(e, "the boundary does not occur");
	for (; mark == MARK_PART; parts++) {
		if (!next_delimiter(&r, &part, &mark))
			return malformed(e, "the last boundary is missing");
		if (read_part(part, file, e) != 0)
			return -1;
	}
	if (parts != 1)
		return err_set(e, ERR_EXPECTATION, "there must be exactly one part");
	return 0;
}
