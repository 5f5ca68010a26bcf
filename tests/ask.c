/* SPDX-License-Identifier: ISC */
#include "tests/ask.h"

#include <check.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
answer_free(struct answer *a)
{
	free(a->headers);
	free(a->body);
	*a = (struct answer){0};
}

const char *
answer_header(const struct answer *a, const char *name)
{
	static char value[1024];
	size_t n = strlen(name);

	for (const char *p = a->headers; p != NULL && *p != '\0'; p = strchr(p, '\n'), p += p != NULL) {
		const char *end;

		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1;
		while (*p == ' ')
			p++;
		end = strpbrk(p, "\r\n");
		snprintf(value, sizeof(value), "%.*s", end != NULL ? (int)(end - p) : (int)strlen(p), p);
		return value;
	}
	return NULL;
}

struct growing {
	char *p;
	size_t n;
	CURL *of; /* of a body */
	bool cut; /* a stream without an end: its first bytes are the answer */
};

static bool
is_endless(CURL *c)
{
	char *type = NULL;

	return c != NULL && curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK &&
	    type != NULL && strncmp(type, "text/event-stream", 17) == 0;
}

static size_t
grow(char *p, size_t size, size_t n, void *arg)
{
	struct growing *g = arg;
	char *q = realloc(g->p, g->n + size * n + 1);

	if (q == NULL)
		return 0;
	memcpy(q + g->n, p, size * n);
	g->p = q;
	g->n += size * n;
	q[g->n] = '\0';
	g->cut = is_endless(g->of);
	return g->cut ? 0 : size * n;
}

static struct curl_slist *
add_field(struct curl_slist *h, const char *name, const char *scheme, const char *value)
{
	char line[16384];

	if (value == NULL)
		return h;
	snprintf(line, sizeof(line), "%s: %s%s", name, scheme, value);
	return curl_slist_append(h, line);
}

/* curl's own ideas of Expect, Accept and Content-Type are taken away. */
static struct curl_slist *
fields_of(const struct ask *q)
{
	struct curl_slist *h = curl_slist_append(NULL, "Expect:");
	char line[16384];

	h = q->accept != NULL ? add_field(h, "Accept", "", q->accept) : curl_slist_append(h, "Accept:");
	h = q->type != NULL ? add_field(h, "Content-Type", "", q->type)
	                    : curl_slist_append(h, "Content-Type:");
	h = add_field(h, "Authorization", "Bearer ", q->bearer);
	for (const char *p = q->header; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, p);
		h = curl_slist_append(h, line);
		p += n + (p[n] == '\n');
	}
	return h;
}

static const char *trusted; /* see ask_trust() */

void
ask_trust(const char *file)
{
	trusted = file;
}

static void
set_trust(CURL *c)
{
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, trusted != NULL ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, trusted != NULL ? 2L : 0L);
	if (trusted != NULL && trusted[0] != '\0')
		curl_easy_setopt(c, CURLOPT_CAINFO, trusted);
}

static void
set_request(CURL *c, const struct ask *q)
{
	const char *method = q->method != NULL ? q->method : "GET";

	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	set_trust(c);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, q->timeout_ms != 0 ? (long)q->timeout_ms : 15000L);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, q->fresh ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, q->fresh ? 1L : 0L);
	if (q->tls != 0)
		curl_easy_setopt(c, CURLOPT_SSLVERSION, q->tls);
	if (q->body != NULL) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)(q->body_n != 0 ? q->body_n : strlen(q->body)));
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	if (q->user != NULL && q->user[0] != '\0') {
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(c, CURLOPT_USERPWD, q->user);
	}
}

struct answer
ask(const char *origin, const char *base, const struct ask *q)
{
	static CURL *c; /* keeps its connections between requests, as a client would */
	struct growing headers = {0}, body = {0};
	struct curl_slist *fields = fields_of(q);
	struct answer a = {0};
	char url[16384];
	long status = 0;
	char *type = NULL;

	if (c == NULL)
		c = curl_easy_init();
	curl_easy_reset(c);
	if (strncmp(q->path, "//", 2) == 0)
		snprintf(url, sizeof(url), "%s%s", origin, q->path + 1);
	else
		snprintf(url, sizeof(url), "%s%s%s", origin, base, q->path);
	curl_easy_setopt(c, CURLOPT_URL, url);
	set_request(c, q);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, grow);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, grow);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
	body.of = c;
	if (curl_easy_perform(c) == CURLE_OK || body.cut) {
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
		curl_easy_getinfo(c, CURLINFO_TOTAL_TIME, &a.seconds);
	}
	a.status = (int)status;
	snprintf(a.type, sizeof(a.type), "%s", type != NULL ? type : "");
	a.headers = headers.p;
	a.body = body.p != NULL ? body.p : calloc(1, 1);
	a.body_n = body.n;
	curl_slist_free_all(fields);
	return a;
}

void
answer_next(const struct answer *a, const char *path, char *next, size_t size)
{
	const char *link = answer_header(a, "link");
	const char *end = link != NULL ? strstr(link, ">; rel=\"next\"") : NULL;

	next[0] = '\0';
	if (link == NULL)
		return;
	ck_assert(link[0] == '<' && link[1] == '?' && end != NULL);
	snprintf(next, size, "%s%.*s", path, (int)(end - link - 1), link + 1);
}
