/* SPDX-License-Identifier: ISC */
#include "tests/sse.h"

#include <check.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 15000 };

void
sse_open(struct sse *s, struct rig *r, int gateway, const char *path, const char *fields)
{
	char text[4096], *end;
	long long until = ms_now() + PATIENCE_MS;

	memset(s, 0, sizeof(*s));
	s->last = -1;
	ck_assert_msg(raw_open(&s->tls, (uint16_t)r->port[gateway], NULL, NULL, 0, PATIENCE_MS),
	    "no connection to gateway %d", gateway);
	snprintf(text, sizeof(text),
	    "GET /sipxconfig/rest%s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n",
	    path, fields);
	ck_assert(raw_text(&s->tls, text));
	while (s->tls.len == 0 || (end = strstr(s->tls.buf, "\r\n\r\n")) == NULL)
		ck_assert_msg(raw_more(&s->tls, (int)(until - ms_now())), "no answer at %s", path);
	end += 4;
	ck_assert_int_lt(end - s->tls.buf, (long)sizeof(s->head));
	memcpy(s->head, s->tls.buf, (size_t)(end - s->tls.buf));
	s->status = atoi(s->head + 9);
	raw_take(&s->tls, (size_t)(end - s->tls.buf));
}

void
sse_open_as(struct sse *s, struct rig *r, const char *user, const char *last)
{
	char code[512], fields[1024];

	EVP_EncodeBlock((unsigned char *)code, (const unsigned char *)user, (int)strlen(user));
	snprintf(fields, sizeof(fields), "Authorization: Basic %s\r\n%s%s%s", code,
	    last != NULL ? "Last-Event-ID: " : "", last != NULL ? last : "",
	    last != NULL ? "\r\n" : "");
	sse_open(s, r, 0, "/my/events", fields);
}

void
sse_close(struct sse *s)
{
	raw_close(&s->tls);
	free(s->text);
	s->text = NULL;
	s->n = s->size = 0;
}

/* Takes whole chunks out of what has arrived; false when there is none. */
static bool
take_chunk(struct sse *s)
{
	char *line = s->tls.len > 0 ? strstr(s->tls.buf, "\r\n") : NULL, *end;
	size_t at, n;

	if (line == NULL)
		return false;
	n = strtoul(s->tls.buf, &end, 16);
	ck_assert_msg(end == line && end != s->tls.buf, "a broken chunk: %.20s", s->tls.buf);
	at = (size_t)(line - s->tls.buf) + 2;
	if (s->tls.len < at + n + 2)
		return false;
	ck_assert(memcmp(s->tls.buf + at + n, "\r\n", 2) == 0);
	if (s->n + n + 1 > s->size) {
		s->size = (s->n + n + 1) * 2;
		ck_assert_ptr_nonnull(s->text = realloc(s->text, s->size));
	}
	memcpy(s->text + s->n, s->tls.buf + at, n);
	s->n += n;
	s->text[s->n] = '\0';
	s->ended = n == 0;
	raw_take(&s->tls, at + n + 2);
	return true;
}

static void
read_line(struct sse_event *ev, const char *line, size_t n, bool *comment)
{
	char text[SSE_DATA_MAX];

	ck_assert_uint_lt(n, sizeof(text));
	memcpy(text, line, n);
	text[n] = '\0';
	if (text[0] == ':') {
		*comment = true;
	} else if (strncmp(text, "id: ", 4) == 0) {
		char *end;

		ev->has_id = true;
		ev->id = strtoll(text + 4, &end, 10);
		ck_assert_msg(*end == '\0' && end != text + 4, "a number that is none: %s", text);
	} else if (strncmp(text, "event: ", 7) == 0) {
		snprintf(ev->type, sizeof(ev->type), "%.31s", text + 7);
	} else if (strncmp(text, "data: ", 6) == 0) {
		ck_assert_msg(ev->data[0] == '\0', "data in two lines");
		memcpy(ev->data, text + 6, n - 5);
	} else if (strncmp(text, "retry: ", 7) == 0) {
		ev->retry = atoll(text + 7);
	} else {
		ck_abort_msg("a line of no kind: %s", text);
	}
}

/* Up to the empty line that ends it. */
static bool
take_event(struct sse *s, struct sse_event *ev, bool *comment)
{
	char *end = s->n > 0 ? strstr(s->text, "\n\n") : NULL;
	size_t n;

	if (end == NULL)
		return false;
	*comment = false;
	memset(ev, 0, sizeof(*ev));
	for (char *p = s->text; p <= end;) {
		size_t len = strcspn(p, "\n");

		read_line(ev, p, len, comment);
		p += len + 1;
	}
	n = (size_t)(end - s->text) + 2;
	s->n -= n;
	memmove(s->text, s->text + n, s->n + 1);
	return true;
}

enum sse_got
sse_next(struct sse *s, struct sse_event *ev, int ms)
{
	long long until = ms_now() + ms;
	bool comment;

	for (;;) {
		long long left;

		if (take_event(s, ev, &comment))
			return comment ? SSE_COMMENT : SSE_EVENT;
		if (s->ended)
			return SSE_ENDED;
		if (take_chunk(s))
			continue;
		left = until - ms_now();
		if (!raw_more(&s->tls, left > 0 ? (int)left : 1))
			return s->tls.closed ? SSE_CUT : SSE_TIMEOUT;
	}
}

void
sse_expect(struct sse *s, struct sse_event *ev, const char *type)
{
	long long until = ms_now() + PATIENCE_MS;

	for (;;) {
		long long left = until - ms_now();
		enum sse_got got = sse_next(s, ev, left > 0 ? (int)left : 1);

		ck_assert_msg(got == SSE_EVENT || got == SSE_COMMENT, "no event %s but %s", type,
		    got == SSE_TIMEOUT   ? "nothing"
		        : got == SSE_CUT ? "a cut"
		                         : "an end");
		if (got == SSE_COMMENT)
			continue;
		ck_assert(ev->has_id);
		if (ev->type[0] == '\0' || strcmp(ev->type, "reset") == 0) {
			s->last = ev->id;
		} else {
			if (s->last >= 0)
				ck_assert_msg(ev->id == s->last + 1, "event %lld behind %lld", ev->id, s->last);
			s->last = ev->id;
		}
		if (ev->type[0] == '\0')
			continue;
		ck_assert_msg(
		    strcmp(ev->type, type) == 0, "event %s instead of %s: %s", ev->type, type, ev->data);
		return;
	}
}

enum sse_got
sse_end(struct sse *s, int ms)
{
	long long until = ms_now() + ms;

	for (;;) {
		struct sse_event ev;
		long long left = until - ms_now();
		enum sse_got got = sse_next(s, &ev, left > 0 ? (int)left : 1);

		if (got != SSE_EVENT && got != SSE_COMMENT)
			return got;
		if (left <= 0)
			return SSE_TIMEOUT;
	}
}
