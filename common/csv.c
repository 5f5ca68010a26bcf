/* SPDX-License-Identifier: ISC */
#include "common/csv.h"

#include <string.h>

enum { END = -1, FAILED = -2 };

static int
fill(struct csv *c)
{
	long n = c->read(c->arg, c->chunk, sizeof(c->chunk));

	c->at = 0;
	c->n = n > 0 ? (size_t)n : 0;
	return n < 0 ? FAILED : n == 0 ? END : 0;
}

/* The next byte without taking it, END or FAILED. */
static int
peek(struct csv *c)
{
	int rc = c->at < c->n ? 0 : fill(c);

	return rc != 0 ? rc : (unsigned char)c->chunk[c->at];
}

static int
get(struct csv *c)
{
	int ch = peek(c);

	if (ch >= 0)
		c->at++;
	if (ch == '\n')
		c->now++;
	return ch;
}

/* Whichever of the three the first line has most of, outside quotes. */
static char
find_separator(const struct csv *c)
{
	static const char choice[] = ",;\t";
	size_t count[3] = {0}, best = 0;
	bool quoted = false;

	for (size_t i = c->at; i < c->n && (quoted || c->chunk[i] != '\n'); i++) {
		const char *is = c->chunk[i] != '\0' ? strchr(choice, c->chunk[i]) : NULL;

		if (c->chunk[i] == '"')
			quoted = !quoted;
		else if (is != NULL && !quoted)
			count[is - choice]++;
	}
	for (size_t i = 1; i < 3; i++)
		if (count[i] > count[best])
			best = i;
	return choice[best];
}

int
csv_open(struct csv *c, csv_read_fn *read, void *arg, struct err *e)
{
	c->read = read;
	c->arg = arg;
	c->line = 0;
	c->now = 1;
	buf_init(&c->values, CSV_ROW_MAX);
	if (fill(c) == FAILED)
		return err_set(e, ERR_UNAVAILABLE, "cannot be read");
	if (c->n >= 3 && memcmp(c->chunk, "\xef\xbb\xbf", 3) == 0)
		c->at = 3;
	c->separator = find_separator(c);
	return 0;
}

void
csv_close(struct csv *c)
{
	/* Passwords may have been among the values. */
	buf_wipe(&c->values);
	explicit_bzero(c->chunk, sizeof(c->chunk));
}

static void
wrong(struct csv *c, const char *why)
{
	if (c->wrong == NULL)
		c->wrong = why;
}

/* Behind a quoted value, or within one without quotes: up to the separator or the line's end,
 * which it returns. */
static int
plain(struct csv *c, bool keep)
{
	for (;;) {
		int ch = get(c);

		if (ch == '\r' && peek(c) == '\n')
			ch = get(c);
		if (ch < 0 || ch == '\n' || ch == c->separator)
			return ch;
		if (!keep)
			wrong(c, "text behind a closing quote");
		else
			buf_addc(&c->values, (char)ch);
	}
}

static int
quoted(struct csv *c)
{
	for (;;) {
		int ch = get(c), next;

		if (ch == '\r' && peek(c) == '\n')
			ch = get(c);
		if (ch < 0) {
			wrong(c, "a quoted value is not closed");
			return ch;
		}
		next = ch == '\\' || ch == '"' ? peek(c) : 0;
		if ((ch == '\\' && (next == '"' || next == '\\')) || (ch == '"' && next == '"'))
			ch = get(c);
		else if (ch == '"')
			return plain(c, false);
		buf_addc(&c->values, (char)ch);
	}
}

static int
value(struct csv *c)
{
	if (peek(c) != '"')
		return plain(c, true);
	get(c);
	return quoted(c);
}

static bool
is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\n') || s.p[i] == 0x7f)
			return false;
	return str_is_utf8(s);
}

static void
check(struct csv *c)
{
	if (c->values.failed)
		wrong(c, "the row is too long");
	for (size_t i = 0, from = 0; c->wrong == NULL && i < c->columns; from = c->ends[i++]) {
		c->fields[i] = (struct str){c->values.n > 0 ? c->values.p + from : "", c->ends[i] - from};
		if (!is_text(c->fields[i]))
			wrong(c, "is not UTF-8 text, or has control characters");
	}
}

/* Reads up to the line's end, whatever is wrong with it: FAILED, END or '\n'. */
static int
row(struct csv *c)
{
	int ch;

	buf_reset(&c->values);
	c->columns = 0;
	c->wrong = NULL;
	c->line = c->now;
	do {
		ch = value(c);
		if (c->columns == CSV_COLUMNS_MAX)
			wrong(c, "the row has too many columns");
		else
			c->ends[c->columns++] = c->values.n;
	} while (ch == c->separator);
	check(c);
	return ch;
}

int
csv_next(struct csv *c, struct str_list *ret, struct err *e)
{
	int ch;

	do {
		ch = row(c);
		if (ch == FAILED)
			return err_set(e, ERR_UNAVAILABLE, "cannot be read");
		if (c->wrong != NULL)
			return err_set(e, ERR_MALFORMED, "line %zu: %s", c->line, c->wrong);
		if (c->columns > 1 || c->values.n > 0) {
			*ret = (struct str_list){c->fields, c->columns};
			return 1;
		}
	} while (ch != END);
	return 0;
}

long
csv_read_str(void *arg, char *p, size_t n)
{
	struct str *s = arg;

	n = s->n < n ? s->n : n;
	if (n > 0)
		memcpy(p, s->p, n);
	s->p += n;
	s->n -= n;
	return (long)n;
}
