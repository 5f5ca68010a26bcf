/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "feeds/http.h"

enum {
	ANSWER_MAX = 4096,
	BATCH_BYTES = 8 * 1024,
	BODY_MAX = 40 * 1024,
	TIMEOUT_MS = 2000,
	LOOK_MS = 1000,
	BACKOFF_MS = 1000,
	AT_MAX = 64,
	CONFLICT = 409
};

struct push {
	struct feed *feed;
	struct http *http;
	struct table *table;
	char url[256];
	/* What the proxy says that it has, as far as we know; "" = that has to be asked for. */
	char at[AT_MAX], next_at[AT_MAX];
	char stamp; /* begins every value of this filling */
	bool filling;
	int64_t backoff;
};

static void look(void *arg);
static void flush(struct push *p);

static void
look_in(struct push *p, int64_t ms)
{
	feed_timer(p->feed, ms, look, p);
}

static void
failed(struct push *p, int status, const char *why)
{
	slots_lost(table_slots(p->table));
	p->at[0] = '\0';
	if (status == CONFLICT) {
		look_in(p, 0);
		return;
	}
	log_event(LOG_DEBUG_, "routes", "the proxy: %s (%d)", why != NULL ? why : "refused", status);
	look_in(p, feed_backoff(&p->backoff, BACKOFF_MS));
}

static void
arrived(void *arg, int status, char *body, size_t n, const char *why)
{
	struct push *p = arg;

	(void)body;
	(void)n;
	if (status != 200) {
		failed(p, status, why);
		return;
	}
	p->backoff = 0;
	slots_arrived(table_slots(p->table));
	if (p->next_at[0] != '\0' && p->filling && strstr(p->next_at, "filling") == NULL) {
		p->filling = false;
		log_event(LOG_INFO_, "routes", "the proxy has those of %zu users", table_users(p->table));
	}
	if (p->next_at[0] != '\0')
		memcpy(p->at, p->next_at, sizeof(p->at));
	flush(p);
}

/* Where the table is, as the proxy keeps it. */
static void
position_text(const struct push *p, char ret[AT_MAX])
{
	struct table_position at = table_position(p->table);

	snprintf(
	    ret, AT_MAX, "%c|%lld:%lld", p->stamp, (long long)at.generation, (long long)at.version);
}

/* Fills a request with entries: true = there are some. */
static bool
add_entries(struct push *p, struct buf *body)
{
	struct str key, value;
	bool some = false;

	while (body->n < BATCH_BYTES && slots_next(table_slots(p->table), &key, &value)) {
		buf_addstr(body, key);
		buf_addc(body, '>');
		if (value.p != NULL) {
			buf_printf(body, "%c|", p->stamp);
			buf_addstr(body, value);
		}
		buf_addc(body, '^');
		some = true;
	}
	return some;
}

static void
post(struct push *p, const struct buf *body)
{
	char *text = !body->failed ? strndup(body->p, body->n) : NULL;

	if (text == NULL || http_ask(p->http, p->url, text, TIMEOUT_MS, arrived, p) != 0)
		failed(p, 0, "no memory");
	free(text);
}

/* The next request, if there is something to say and none is under way. */
static void
flush(struct push *p)
{
	char now[AT_MAX];
	struct buf body;

	if (p->at[0] == '\0' || http_busy(p->http))
		return;
	buf_init(&body, BODY_MAX);
	p->next_at[0] = '\0';
	/* Refused when the proxy is another one by now. */
	buf_printf(&body, "s:if>%s^", p->at);
	if (add_entries(p, &body)) {
		post(p, &body);
	} else {
		position_text(p, now);
		if (table_position(p->table).has && strcmp(now, p->at) != 0) {
			memcpy(p->next_at, now, sizeof(now));
			if (p->filling)
				buf_printf(&body, "s:only>%c^", p->stamp);
			buf_printf(&body, "s:at>%s^", now);
			post(p, &body);
		} else {
			look_in(p, LOOK_MS);
		}
	}
	buf_free(&body);
}

/* Everything, under another stamp than what is there. */
static void
fill(struct push *p, char there)
{
	static const char stamps[] = "0123456789abcdef";
	size_t i = (size_t)clock_ms() % 16;
	struct buf body;

	while (stamps[i] == there || stamps[i] == p->stamp)
		i = (i + 1) % 16;
	p->stamp = stamps[i];
	p->filling = true;
	slots_send_all(table_slots(p->table));
	snprintf(p->next_at, sizeof(p->next_at), "%c|filling", p->stamp);
	buf_init(&body, BODY_MAX);
	buf_printf(&body, "s:at>%s^", p->next_at);
	post(p, &body);
	buf_free(&body);
}

static void
looked(void *arg, int status, char *body, size_t n, const char *why)
{
	struct push *p = arg;

	if (status != 200) {
		failed(p, status, why);
		return;
	}
	p->backoff = 0;
	if (p->at[0] != '\0' && n == strlen(p->at) && memcmp(body, p->at, n) == 0) {
		flush(p);
	} else if (table_position(p->table).has) {
		fill(p, n > 0 ? body[0] : '\0');
	} else {
		/* What is there may well be right: it stays until the backend has said what is. */
		p->at[0] = '\0';
		look_in(p, LOOK_MS);
	}
}

static void
look(void *arg)
{
	struct push *p = arg;

	if (!http_busy(p->http) && http_ask(p->http, p->url, NULL, TIMEOUT_MS, looked, p) != 0)
		look_in(p, LOOK_MS);
}

void
push_changed(struct push *p)
{
	if (p->at[0] != '\0')
		flush(p);
	else if (!http_busy(p->http))
		look_in(p, 0);
}

void
push_start(struct push *p)
{
	look_in(p, 0);
}

int
push_new(struct push **ret, struct feed *f, const char *url, struct table *t, struct err *e)
{
	struct push *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_set(e, ERR_INTERNAL, "routes: no memory");
	p->feed = f;
	p->table = t;
	if (snprintf(p->url, sizeof(p->url), "%s/tandem/routes", url) >= (int)sizeof(p->url) ||
	    http_new(&p->http, f, ANSWER_MAX, e) != 0) {
		free(p);
		return err_set(e, ERR_INTERNAL, "routes: the proxy's address is too long");
	}
	*ret = p;
	return 0;
}

void
push_free(struct push *p)
{
	if (p == NULL)
		return;
	http_free(p->http);
	free(p);
}
