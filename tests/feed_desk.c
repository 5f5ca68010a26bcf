/* SPDX-License-Identifier: ISC */
#include "tests/feed_desk.h"

#include <check.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mp.h"
#include "tests/rig.h"

enum { MEMORY = 4 << 20, PATIENCE_MS = 15000 };

void
desk_open(struct desk *d, const char *endpoint)
{
	/* Started by root, a feed is that user. */
	const struct passwd *user = getpwnam("tandem-feed");
	uid_t uids[] = {geteuid(), user != NULL ? user->pw_uid : geteuid()};
	struct ipc_server_conf conf = {.endpoint = endpoint,
	    .mode = 0666,
	    .uids = uids,
	    .uid_count = 2,
	    .group = (gid_t)-1,
	    .queue = 4096};
	struct err e = {0};

	ck_assert_msg(ipc_server_new(&d->server, &conf, &e) == 0, "%s", err_text(&e));
	arena_init(&d->mem, MEMORY);
}

void
desk_close(struct desk *d)
{
	if (d->server != NULL)
		ipc_server_free(d->server);
	arena_free(&d->mem);
	d->server = NULL;
}

/* False when the feed has gone. */
static bool
send_record(struct desk *d, enum env_type type, const void *record)
{
	struct buf b;
	bool sent;

	buf_init(&b, 65536);
	env_write(&b, type, record);
	sent = !b.failed && ipc_server_send(d->server, &d->peer, buf_str(&b)) == 0;
	buf_free(&b);
	return sent;
}

static void
on_hello(struct desk *d, const struct feed_hello *h)
{
	struct feed_welcome w = {.has = 0};

	d->hellos++;
	if (!str_eqc(h->epoch, d->epoch))
		d->seq = 0;
	snprintf(d->source, sizeof(d->source), "%.*s", (int)h->source.n, h->source.p);
	snprintf(d->epoch, sizeof(d->epoch), "%.*s", (int)h->epoch.n, h->epoch.p);
	d->verbs = (struct int_list){d->verb, 0};
	for (size_t i = 0; REC_HAS(h, feed_hello, verbs) && i < h->verbs.n && i < 64; i++)
		d->verb[d->verbs.n++] = h->verbs.v[i];
	REC_SET(&w, feed_welcome, epoch, str_c(d->epoch));
	REC_SET(&w, feed_welcome, applied, d->seq);
	REC_SET(&w, feed_welcome, window, FEED_WINDOW);
	REC_SET(&w, feed_welcome, major, FEED_MAJOR);
	REC_SET(&w, feed_welcome, minor, FEED_MINOR);
	send_record(d, ENV_FEED_WELCOME, &w);
	d->greeted = true;
}

static void
on_message(struct desk *d, const struct feed_message *m)
{
	const struct rec *r = feed_body(m->kind);
	struct feed_ack ack = {.has = 0};
	struct err e = {0};
	void *record = NULL;

	if (!str_eqc(m->epoch, d->epoch) || m->seq > d->seq + 1)
		ck_abort_msg("number %lld behind %lld", (long long)m->seq, (long long)d->seq);
	if (m->seq <= d->seq)
		return;
	d->seq = m->seq;
	d->messages++;
	if (r != NULL) {
		record = arena_alloc(&d->mem, r->size);
		if (record == NULL || mp_decode(r, record, m->body, DECODE_ALL, &d->mem, &e) != 0 ||
		    rec_validate(r, record, false, &e) != 0)
			ck_abort_msg("a message's record: %s", err_text(&e));
		rec_defaults(r, record);
	}
	if (d->message != NULL)
		d->message(d->arg, m, record);
	REC_SET(&ack, feed_ack, epoch, str_c(d->epoch));
	REC_SET(&ack, feed_ack, seq, d->seq);
	send_record(d, ENV_FEED_ACK, &ack);
}

static void
take(struct desk *d, struct str frame)
{
	union {
		struct feed_hello hello;
		struct feed_message message;
		struct feed_volatile moment;
		struct feed_result result;
		struct feed_routes_ack taken;
	} u;
	enum env_type type = env_type(frame);
	struct err e = {0};

	arena_free(&d->mem);
	arena_init(&d->mem, MEMORY);
	if (env_read(frame, type, &u, &d->mem, &e) != 0)
		ck_abort_msg("a frame of type %d: %s", (int)type, err_text(&e));
	switch (type) {
	case ENV_FEED_HELLO:
		on_hello(d, &u.hello);
		break;
	case ENV_FEED_MESSAGE:
		on_message(d, &u.message);
		break;
	case ENV_FEED_VOLATILE:
		d->volatiles++;
		if (d->moment != NULL)
			d->moment(d->arg, &u.moment);
		break;
	case ENV_FEED_RESULT:
		d->result = u.result;
		snprintf(d->text, sizeof(d->text), "%.*s",
		    REC_HAS(&u.result, feed_result, text) ? (int)u.result.text.n : 0,
		    REC_HAS(&u.result, feed_result, text) ? u.result.text.p : "");
		break;
	case ENV_FEED_ROUTES_ACK:
		break;
	default:
		ck_abort_msg("a frame of type %d", (int)type);
	}
}

void
desk_run(struct desk *d, int ms)
{
	long long until = ms_now() + ms;
	struct ipc_peer from;
	struct str frame;
	struct err e = {0};
	bool ready;

	do {
		long long left = until - ms_now();

		if (ipc_wait(&d->server, &ready, 1, NULL, 0, left > 0 ? (int)left : 0, &e) < 0)
			ck_abort_msg("%s", err_text(&e));
		while (ipc_server_recv(d->server, &from, &frame) == 1) {
			d->peer = from;
			take(d, frame);
		}
	} while (ms_now() < until);
}

void
desk_until(struct desk *d, bool (*done)(void *arg), void *arg, const char *what)
{
	long long until = ms_now() + PATIENCE_MS;

	while (!done(arg)) {
		if (ms_now() > until)
			ck_abort_msg("has not happened: %s", what);
		desk_run(d, 5);
	}
}

static bool
is_met(void *arg)
{
	return ((struct desk *)arg)->greeted;
}

void
desk_meet(struct desk *d)
{
	d->greeted = false;
	desk_until(d, is_met, d, "the feed says hello");
}

static bool
has_result(void *arg)
{
	return ((struct desk *)arg)->result.id != 0;
}

void
desk_command(struct desk *d, const struct feed_command *c)
{
	d->result = (struct feed_result){.has = 0};
	ck_assert(send_record(d, ENV_FEED_COMMAND, c));
	desk_until(d, has_result, d, "a result");
	ck_assert_int_eq(d->result.id, c->id);
}

void
desk_routes(struct desk *d, const struct feed_routes *part)
{
	ck_assert(send_record(d, ENV_FEED_ROUTES, part));
}
