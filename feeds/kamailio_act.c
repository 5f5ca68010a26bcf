/* SPDX-License-Identifier: ISC */
/*
 * Click-to-call: dlg.bridge_dlg makes the proxy call the first party and refer it to the second.
 * Its answer says only that the proxy has taken it; the call is seen by its events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/tree.h"
#include "feeds/kamailio.h"

enum { WAITING = 16, ANSWER_BYTES = 64 * 1024, ARENA = 1 << 20, TARGET_MAX = 400 };

struct call {
	int64_t id, until_ms;
	char body[4 * TARGET_MAX];
};

struct kam_act {
	struct feed *feed;
	char url[KAM_URL_MAX], domain[CONF_TEXT_MAX], proxy[CONF_TEXT_MAX];
	struct http *http;
	struct call v[WAITING]; /* the first one is under way */
	size_t n;
};

static void next(struct kam_act *k);

static void
finish(struct kam_act *k, bool ok, int code, const char *text)
{
	int64_t id = k->v[0].id;

	memmove(&k->v[0], &k->v[1], --k->n * sizeof(k->v[0]));
	feed_result(k->feed, id, ok, code, text);
}

static void
on_answer(void *arg, int status, char *body, size_t n, const char *why)
{
	struct kam_act *k = arg;
	const struct node *error, *message;
	struct node *root = NULL;
	struct arena a;
	struct err e = {0};

	arena_init(&a, ARENA);
	if (body != NULL)
		kam_clean(body, n);
	/* A failure comes with another status and the same kind of body. */
	if (status == 0) {
		finish(k, false, ERR_UNAVAILABLE, why);
	} else if (json_read((struct str){body, n}, &a, &root, &e) != 0 || root->kind != NODE_MAP) {
		finish(k, false, ERR_UNAVAILABLE, "the proxy's answer cannot be read");
	} else if ((error = node_get(root, STR_LIT("error"))) != NULL) {
		message = error->kind == NODE_MAP ? node_get(error, STR_LIT("message")) : NULL;
		finish(k, false, ERR_CONFLICT,
		    message != NULL && message->kind == NODE_TEXT ? arena_cstr(&a, message->text)
		                                                  : "refused");
	} else if (status == 200 && node_get(root, STR_LIT("result")) != NULL) {
		finish(k, true, 0, NULL);
	} else {
		finish(k, false, ERR_UNAVAILABLE, "the proxy refuses it");
	}
	arena_free(&a);
	next(k);
}

static void
next(struct kam_act *k)
{
	while (k->n > 0) {
		int64_t left = k->v[0].until_ms - clock_ms();

		if (left <= 0) {
			finish(k, false, ERR_DEADLINE, NULL);
			continue;
		}
		if (http_ask(k->http, k->url, k->v[0].body, left, on_answer, k) == 0)
			return;
		finish(k, false, ERR_UNAVAILABLE, NULL);
	}
}

void
kam_act_do(struct kam_act *k, const struct feed_command *c)
{
	char from[TARGET_MAX], to[TARGET_MAX];
	struct call *call;
	int n;

	if (!REC_HAS(c, feed_command, from) || !REC_HAS(c, feed_command, to) ||
	    !kam_target(c->from, k->domain, from, sizeof(from)) ||
	    !kam_target(c->to, k->domain, to, sizeof(to))) {
		feed_result(k->feed, c->id, false, ERR_INVALID, "not an address that can be called");
		return;
	}
	if (k->n == WAITING) {
		feed_result(k->feed, c->id, false, ERR_UNAVAILABLE, "too many calls at once");
		return;
	}
	call = &k->v[k->n];
	call->id = c->id;
	call->until_ms = clock_ms() + c->deadline;
	n = snprintf(call->body, sizeof(call->body),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"dlg.bridge_dlg\",\"params\":[\"%s\",\"%s\"%s%s%s],"
	    "\"id\":%d}",
	    from, to, k->proxy[0] != '\0' ? ",\"" : "", k->proxy, k->proxy[0] != '\0' ? "\"" : "",
	    (int)(c->id % 1000000));
	if (n < 0 || (size_t)n >= sizeof(call->body)) {
		feed_result(k->feed, c->id, false, ERR_INVALID, "an address is too long");
		return;
	}
	if (k->n++ == 0)
		next(k);
}

int
kam_act_new(struct kam_act **ret, struct feed *f, const struct conf *c, struct err *e)
{
	struct kam_act *k = calloc(1, sizeof(*k));
	size_t n;

	if (k == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	*ret = k;
	k->feed = f;
	n = strlen(c->kamailio_url);
	n -= n > 0 && c->kamailio_url[n - 1] == '/';
	snprintf(k->url, sizeof(k->url), "%.*s/tandem/rpc", (int)n, c->kamailio_url);
	memcpy(k->domain, c->kamailio_domain, sizeof(k->domain));
	if (c->kamailio_proxy[0] != '\0' &&
	    !kam_target(str_c(c->kamailio_proxy), "", k->proxy, sizeof(k->proxy)))
		return err_set(e, ERR_INVALID, "kamailio.proxy must be sip:user@host:port");
	return http_new(&k->http, f, ANSWER_BYTES, e);
}

void
kam_act_free(struct kam_act *k)
{
	if (k == NULL)
		return;
	http_free(k->http);
	free(k);
}
