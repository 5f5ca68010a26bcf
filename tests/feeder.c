/* SPDX-License-Identifier: ISC */
#include "tests/feeder.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/sink.h"

enum { PATIENCE_MS = 10000 };

const char *
feeder_endpoint(const struct rig *r)
{
	static char text[160];

	snprintf(text, sizeof(text), "ipc://%s/feeds/feeds.sock", r->dir);
	return text;
}

void
feeder_open(struct feeder *f, const char *endpoint, const char *source, const char *epoch)
{
	struct ipc_client_conf conf = {.endpoint = endpoint, .queue = 4096, .reconnect_ms = 20};
	struct err e = {0};
	long long until = ms_now() + PATIENCE_MS;

	memset(f, 0, sizeof(*f));
	snprintf(f->source, sizeof(f->source), "%s", source);
	snprintf(f->epoch, sizeof(f->epoch), "%s", epoch);
	arena_init(&f->mem, 16 << 20);
	ck_assert_msg(ipc_client_new(&f->client, &conf, &e) == 0, "%s", err_text(&e));
	while (ipc_client_event(f->client) != IPC_UP) {
		ck_assert_msg(ms_now() < until, "the backend lets no feed in");
		ipc_client_wait(f->client, 20);
	}
}

void
feeder_close(struct feeder *f)
{
	ipc_client_free(f->client);
	arena_free(&f->mem);
	f->client = NULL;
}

void
feeder_frame(struct feeder *f, enum env_type type, const void *obj)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	env_write(&b, type, obj);
	ck_assert(!b.failed);
	ck_assert_int_eq(ipc_client_send(f->client, buf_str(&b), NULL), 0);
	buf_free(&b);
}

/* 1 = a frame, 0 = none within the time. */
static int
next_frame(struct feeder *f, struct str *frame, int ms)
{
	long long until = ms_now() + ms;

	while (ipc_client_recv(f->client, frame) != 1) {
		if (ms_now() >= until)
			return 0;
		ipc_client_wait(f->client, 20);
		ipc_client_event(f->client);
	}
	return 1;
}

void
feeder_expect(struct feeder *f, enum env_type type, void *obj)
{
	struct err e = {0};
	struct str frame;

	do
		ck_assert_msg(
		    next_frame(f, &frame, PATIENCE_MS) == 1, "no frame of type %d comes", (int)type);
	while (env_type(frame) != type);
	frame = arena_copy(&f->mem, frame);
	if (obj != NULL)
		ck_assert_msg(env_read(frame, type, obj, &f->mem, &e) == 0, "%s", err_text(&e));
}

struct feed_command
feeder_command(struct feeder *f, enum feed_verb verb)
{
	struct feed_command c;

	/* What other tests have left to be asked about is passed over. */
	do
		feeder_expect(f, ENV_FEED_COMMAND, &c);
	while (c.verb == feed_verb_RESYNC && verb != feed_verb_RESYNC);
	ck_assert_int_eq(c.verb, verb);
	ck_assert_int_gt(c.id, 0);
	return c;
}

void
feeder_result(struct feeder *f, int64_t id, bool ok, const char *text)
{
	struct feed_result r = {0};

	REC_SET(&r, feed_result, id, id);
	REC_SET(&r, feed_result, ok, ok);
	if (text != NULL)
		REC_SET(&r, feed_result, text, str_c(text));
	feeder_frame(f, ENV_FEED_RESULT, &r);
}

bool
feeder_silent(struct feeder *f, int ms)
{
	struct str frame;

	return next_frame(f, &frame, ms) == 0;
}

int64_t
feeder_hello(struct feeder *f)
{
	struct feed_hello h;
	struct feed_welcome w;

	feed_hello_init(&h, f->source, f->epoch, feed_switch_KAMAILIO);
	if (f->verbs.n > 0)
		REC_SET(&h, feed_hello, verbs, f->verbs);
	feeder_frame(f, ENV_FEED_HELLO, &h);
	feeder_expect(f, ENV_FEED_WELCOME, &w);
	ck_assert(str_eqc(w.epoch, f->epoch));
	ck_assert(!REC_HAS(&w, feed_welcome, refused));
	f->seq = f->acked = w.applied;
	return w.applied;
}

/* member < 0 = none. */
static void
send_message(struct feeder *f, int64_t seq, enum feed_kind kind, const char *key, int64_t member,
    const void *record)
{
	struct feed_message m = {0};
	struct buf b;

	buf_init(&b, 1 << 20);
	REC_SET(&m, feed_message, version, FEED_VERSION);
	REC_SET(&m, feed_message, source, str_c(f->source));
	REC_SET(&m, feed_message, epoch, str_c(f->epoch));
	REC_SET(&m, feed_message, seq, seq);
	REC_SET(&m, feed_message, kind, kind);
	if (key != NULL)
		REC_SET(&m, feed_message, key, str_c(key));
	if (member >= 0)
		REC_SET(&m, feed_message, member, member);
	if (record != NULL) {
		mp_encode(feed_body(kind), record, &b, 0);
		REC_SET(&m, feed_message, body, buf_str(&b));
	}
	feeder_frame(f, ENV_FEED_MESSAGE, &m);
	buf_free(&b);
}

void
feeder_send_as(
    struct feeder *f, int64_t seq, enum feed_kind kind, const char *key, const void *record)
{
	send_message(f, seq, kind, key, -1, record);
}

void
feeder_member(
    struct feeder *f, enum feed_kind kind, const char *key, int64_t member, const void *record)
{
	send_message(f, ++f->seq, kind, key, member, record);
}

void
feeder_send(struct feeder *f, enum feed_kind kind, const char *key, const void *record)
{
	feeder_send_as(f, ++f->seq, kind, key, record);
}

void
feeder_settle(struct feeder *f)
{
	struct feed_ack a;

	/* What was stored before a kill is acknowledged by the welcome alone. */
	while (f->acked < f->seq) {
		feeder_expect(f, ENV_FEED_ACK, &a);
		f->acked = a.seq;
	}
	ck_assert_int_eq(f->acked, f->seq);
}

struct live_call
feeder_call(const char *caller, const char *callee, int64_t started)
{
	struct live_call c = {0};

	REC_SET(&c, live_call, caller, str_c(caller));
	REC_SET(&c, live_call, callee, str_c(callee));
	REC_SET(&c, live_call, started, started);
	REC_SET(&c, live_call, answered, started);
	REC_SET(&c, live_call, state, call_state_ANSWERED);
	return c;
}

struct live_conference
feeder_conference(const char *room)
{
	struct live_conference c = {0};

	REC_SET(&c, live_conference, room, str_c(room));
	return c;
}

struct live_member
feeder_participant(int64_t id, const char *number)
{
	struct live_member m = {0};

	REC_SET(&m, live_member, id, id);
	REC_SET(&m, live_member, number, str_c(number));
	return m;
}
