/* SPDX-License-Identifier: ISC */
/*
 * Click to call with its progress, as a service behind the legacy server had it: POST makes the
 * call, GET tells what has become of calls between the two. Nothing is remembered of the request:
 * what is told is what the switches say of calls, in progress and ended.
 */
#include <stdio.h>
#include <strings.h>

#include "backend/call_make.h"
#include "backend/cdr.h"
#include "backend/dial.h"
#include "backend/hooks.h"
#include "backend/live_rows.h"
#include "common/sink.h"
#include "common/sipaddr.h"

enum { CACHE_S = 180, LOOKED_AT = 1000 };

struct progress {
	struct call *c;
	struct sipaddr to;
	size_t looked_at;
};

static bool
same(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static bool
is_to(const struct progress *p, struct str address)
{
	struct sipaddr s;

	sipaddr_read(&s, address);
	return same(p->to.user, s.user) && same(p->to.host, s.host);
}

static void
status(struct progress *p, int64_t ms, struct str id, const char *line)
{
	struct call_status s = {0};

	REC_SET(&s, call_status, timestamp, ms);
	REC_SET(&s, call_status, call_id, id);
	REC_SET(&s, call_status, method, STR_LIT("INVITE"));
	REC_SET(&s, call_status, status_line, str_c(line));
	mp_encode(&rec_call_status, &s, p->c->body, 0);
}

static int
in_progress(void *arg, struct str name, const struct active_call *a)
{
	struct progress *p = arg;
	const struct live_call *l = &a->call;
	struct str source, key;

	live_row_split(name, &source, &key);
	if (!REC_HAS(a, active_call, caller) || a->caller != p->c->who->id || !is_to(p, l->callee))
		return 0;
	status(p, l->started, key, "SIP/2.0 100 Trying");
	if (l->state != call_state_STARTED)
		status(p, l->started, key, "SIP/2.0 180 Ringing");
	if (l->state == call_state_ANSWERED)
		status(
		    p, REC_HAS(l, live_call, answered) ? l->answered : l->started, key, "SIP/2.0 200 OK");
	return 0;
}

static int
ended(void *arg, const struct cdr_place *at, struct str stored)
{
	struct progress *p = arg;
	struct call_record r;
	const struct cdr *c = &r.cdr;
	char line[48];

	(void)at;
	if (p->looked_at++ == LOOKED_AT || cdr_decode(&p->c->m, stored, &r) != 0)
		return 1;
	if (!r.calls || !is_to(p, c->callee))
		return 0;
	snprintf(line, sizeof(line), "SIP/2.0 %d", REC_HAS(c, cdr, code) ? (int)c->code : 200);
	status(p, REC_HAS(c, cdr, answered) ? c->answered : c->started, c->id, line);
	return 0;
}

static int
tell(struct call *c, struct str to)
{
	struct progress p = {.c = c};
	struct cdr_query q = {.user = c->who->id, .to = INT64_MAX, .oldest_first = true};
	int64_t keep = CACHE_S;
	struct str after = {"", 0};

	if (call_query_number(c, "resultCacheTime", 0, INT32_MAX, &keep) != 0)
		return -1;
	sipaddr_read(&p.to, to);
	q.from = c->now_ms > keep * 1000 ? c->now_ms - keep * 1000 : 0;
	if (cdr_each(&c->m, &q, ended, &p) != 0 ||
	    live_calls_of(&c->m, c->who->id, after, in_progress, &p) < 0)
		return -1;
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

static bool
asks_for(const struct call *c, const char *name, const char *usual)
{
	const struct query *q = call_query(c, name);

	return q != NULL && REC_HAS(q, query, value) && !str_eqc(q->value, usual);
}

static int
check_query(struct call *c)
{
	int64_t seconds = CACHE_S;

	if (call_query_number(c, "timeout", 0, INT32_MAX, &seconds) != 0 ||
	    call_query_number(c, "resultCacheTime", 0, INT32_MAX, &seconds) != 0)
		return -1;
	if (asks_for(c, "action", "call") && call_query(c, "target") == NULL)
		return err_set(c->m.e, ERR_BAD_REQUEST, "a transfer needs a target");
	if (asks_for(c, "action", "call") || asks_for(c, "sipMethod", "refer"))
		return err_set(c->m.e, ERR_NOT_ACCEPTABLE, "only calls by REFER can be made");
	return 0;
}

/* Whoever acts has to be the one who asks. */
static int
check_agent(struct call *c)
{
	const struct query *agent = call_query(c, "agent");

	return call_check_user(
	    c, agent != NULL && REC_HAS(agent, query, value) ? agent->value : c->req->key);
}

static int
control(struct call *c)
{
	struct settings s;
	struct str from, to;

	if (c->commanded != NULL)
		return call_made(c);
	if (check_agent(c) != 0 || check_query(c) != 0 || model_settings(&c->m, &s) != 0 ||
	    dial_read(c->req->key, dial_domain(&s), &from, c->m.a, c->m.e) != 0 ||
	    dial_read(c->req->key2, dial_domain(&s), &to, c->m.a, c->m.e) != 0)
		return -1;
	if (c->req->method == M_GET)
		return tell(c, to);
	call_make(c, from, to);
	return 0;
}

const struct hooks hooks_callcontroller = {.custom = control, .reads = M_POST};
