/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_esl.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 4096, KEPT_SIZE = 256 * 1024 };

void
esl_init(struct esl *s)
{
	*s = (struct esl){.p = NULL};
}

void
esl_free(struct esl *s)
{
	free(s->p);
	esl_init(s);
}

bool
esl_midway(const struct esl *s)
{
	return s->n > 0;
}

static int
append(struct esl *s, const char *p, size_t n, struct err *e)
{
	size_t size = s->size > 0 ? s->size : FIRST_SIZE;
	char *more;

	while (size - s->n < n)
		size *= 2;
	if (size != s->size) {
		if ((more = realloc(s->p, size)) == NULL)
			return err_set(e, ERR_INTERNAL, "no memory");
		s->p = more;
		s->size = size;
	}
	if (n > 0)
		memcpy(s->p + s->n, p, n);
	s->n += n;
	return 0;
}

/* One line: a name, a colon, a blank, a value. */
static int
header(struct esl *s, struct str line, bool *sized, struct err *e)
{
	struct str name, value;
	int64_t n;

	if (!str_cut(line, ':', &name, &value) || name.n == 0 || memchr(line.p, '\0', line.n) != NULL)
		return err_set(e, ERR_MALFORMED, "a line is no header");
	value = str_trim(value);
	if (str_caseeqc(name, "Content-Length")) {
		/* Twice could mean two things to two readers. */
		if (*sized || !str_to_i64(value, &n) || n < 0 || value.p[0] == '-')
			return err_set(e, ERR_MALFORMED, "a Content-Length is not a number");
		if (n > ESL_BODY_MAX)
			return err_set(e, ERR_TOO_LARGE, "a message is larger than %d bytes", ESL_BODY_MAX);
		s->body = (size_t)n;
		*sized = true;
	} else if (str_caseeqc(name, "Content-Type")) {
		s->type_at = (size_t)(value.p - s->p);
		s->type_n = value.n;
	} else if (str_caseeqc(name, "Reply-Text")) {
		s->reply_at = (size_t)(value.p - s->p);
		s->reply_n = value.n;
	}
	return 0;
}

static int
headers(struct esl *s, struct err *e)
{
	struct str rest = {s->p, s->n - 1}, line;
	bool sized = false;

	s->body = s->type_n = s->reply_n = 0;
	while (rest.n > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (header(s, line, &sized, e) != 0)
			return -1;
	}
	if (s->type_n == 0)
		return err_set(e, ERR_MALFORMED, "a message has no Content-Type");
	s->head = s->n;
	return 0;
}

/* Takes a header line or a part of one off the bytes. */
static int
take_line(struct esl *s, struct str *bytes, struct err *e)
{
	const char *end = memchr(bytes->p, '\n', bytes->n);
	size_t n = end != NULL ? (size_t)(end - bytes->p) + 1 : bytes->n;

	if (s->n + n > ESL_HEAD_MAX)
		return err_set(e, ERR_TOO_LARGE, "header lines have more than %d bytes", ESL_HEAD_MAX);
	if (append(s, bytes->p, n, e) != 0)
		return -1;
	*bytes = (struct str){bytes->p + n, bytes->n - n};
	if (end == NULL)
		return 0;
	if (s->n == 1) {
		/* An empty line between messages. */
		s->n = 0;
		return 0;
	}
	return s->p[s->n - 2] == '\n' ? headers(s, e) : 0;
}

static bool
deliver(struct esl *s, esl_message_fn *fn, void *arg)
{
	struct esl_message m = {
	    .type = {s->p + s->type_at, s->type_n},
	    .reply = {s->p + s->reply_at, s->reply_n},
	    .body = {s->p + s->head, s->body},
	};
	bool more = fn(arg, &m);

	s->n = s->head = 0;
	if (s->size > KEPT_SIZE)
		esl_free(s);
	return more;
}

int
esl_take(struct esl *s, struct str bytes, esl_message_fn *fn, void *arg, struct err *e)
{
	while (bytes.n > 0) {
		size_t n;

		if (s->head == 0 && take_line(s, &bytes, e) != 0)
			return -1;
		if (s->head == 0)
			continue;
		n = s->head + s->body - s->n;
		n = n < bytes.n ? n : bytes.n;
		if (append(s, bytes.p, n, e) != 0)
			return -1;
		bytes = (struct str){bytes.p + n, bytes.n - n};
		if (s->n == s->head + s->body && !deliver(s, fn, arg))
			return 0;
	}
	return 0;
}
