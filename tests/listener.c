/* SPDX-License-Identifier: ISC */
#include "tests/listener.h"

#include <check.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mp.h"
#include "tests/rig.h"

enum { PATIENCE_MS = 10000 };

static void
send_record(struct listener *l, enum env_type type, const void *obj)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	env_write(&b, type, obj);
	ck_assert(!b.failed);
	(void)ipc_server_send(l->server, &l->feed, buf_str(&b));
	buf_free(&b);
}

static struct heard_room *
room_of(struct listener *l, struct str key)
{
	struct heard_room *r = NULL;

	for (size_t i = 0; i < LISTENER_ROOMS; i++) {
		if (l->v[i].there && str_eqc(key, l->v[i].key))
			return &l->v[i];
		if (!l->v[i].there)
			r = &l->v[i];
	}
	ck_assert_ptr_nonnull(r);
	memset(r, 0, sizeof(*r));
	snprintf(r->key, sizeof(r->key), "%.*s", (int)key.n, key.p);
	return r;
}

static struct heard_member *
member_of(struct heard_room *r, int64_t id)
{
	struct heard_member *m = NULL;

	for (size_t i = 0; i < LISTENER_MEMBERS; i++) {
		if (r->v[i].there && r->v[i].id == id)
			return &r->v[i];
		if (!r->v[i].there)
			m = &r->v[i];
	}
	ck_assert_ptr_nonnull(m);
	memset(m, 0, sizeof(*m));
	m->id = id;
	return m;
}

static void
copy(char *to, size_t size, struct str s)
{
	snprintf(to, size, "%.*s", (int)s.n, s.p != NULL ? s.p : "");
}

static void
take_member(struct listener *l, struct heard_room *r, const struct feed_message *msg)
{
	struct heard_member *m = member_of(r, msg->member);
	struct live_member in = {0};
	struct err e = {.depth = 0};

	ck_assert_msg(r->there, "a participant of a conference that does not run");
	ck_assert_int_eq(mp_decode(&rec_live_member, &in, msg->body, DECODE_ALL, &l->mem, &e), 0);
	ck_assert_int_eq(rec_validate(&rec_live_member, &in, false, &e), 0);
	ck_assert_int_eq(in.id, msg->member);
	m->there = m->seen = true;
	m->muted = in.muted;
	m->joined = REC_HAS(&in, live_member, joined) ? in.joined : 0;
	copy(m->number, sizeof(m->number), REC_HAS(&in, live_member, number) ? in.number : str_c(""));
	copy(m->name, sizeof(m->name), REC_HAS(&in, live_member, name) ? in.name : str_c(""));
}

static void
begin_snapshot(struct listener *l)
{
	l->in_snapshot = true;
	for (size_t i = 0; i < LISTENER_ROOMS; i++) {
		l->v[i].seen = false;
		for (size_t k = 0; k < LISTENER_MEMBERS; k++)
			l->v[i].v[k].seen = false;
	}
}

static void
end_snapshot(struct listener *l)
{
	ck_assert(l->in_snapshot);
	l->in_snapshot = false;
	l->snapshots++;
	for (size_t i = 0; i < LISTENER_ROOMS; i++) {
		l->v[i].there &= l->v[i].seen;
		for (size_t k = 0; k < LISTENER_MEMBERS; k++)
			l->v[i].v[k].there &= l->v[i].v[k].seen;
	}
}

static void
apply(struct listener *l, const struct feed_message *msg)
{
	struct heard_room *r = REC_HAS(msg, feed_message, key) ? room_of(l, msg->key) : NULL;
	struct live_conference c = {0};
	struct err e = {.depth = 0};

	l->messages++;
	switch (msg->kind) {
	case feed_kind_SNAPSHOT_BEGIN:
		begin_snapshot(l);
		break;
	case feed_kind_SNAPSHOT_END:
		end_snapshot(l);
		break;
	case feed_kind_CONFERENCE:
		ck_assert_int_eq(
		    mp_decode(&rec_live_conference, &c, msg->body, DECODE_ALL, &l->mem, &e), 0);
		r->there = r->seen = true;
		r->recording = c.recording;
		r->started = REC_HAS(&c, live_conference, started) ? c.started : 0;
		copy(r->name, sizeof(r->name), c.room);
		break;
	case feed_kind_CONFERENCE_END:
		r->there = false;
		break;
	case feed_kind_MEMBER:
		take_member(l, r, msg);
		break;
	case feed_kind_MEMBER_END:
		if (r->there)
			member_of(r, msg->member)->there = false;
		break;
	default:
		ck_abort_msg("a message of kind %lld", (long long)msg->kind);
	}
}

static void
take_hello(struct listener *l, const struct feed_hello *h)
{
	struct feed_welcome w = {0};

	if (!str_eqc(h->epoch, l->epoch))
		l->applied = 0;
	copy(l->epoch, sizeof(l->epoch), h->epoch);
	l->known = true;
	ck_assert_int_eq(h->kind, feed_switch_JANUS);
	l->verb_count = REC_HAS(h, feed_hello, verbs) ? h->verbs.n : 0;
	for (size_t i = 0; i < l->verb_count; i++)
		l->verbs[i] = h->verbs.v[i];
	REC_SET(&w, feed_welcome, epoch, str_c(l->epoch));
	REC_SET(&w, feed_welcome, applied, l->applied);
	REC_SET(&w, feed_welcome, window, FEED_WINDOW);
	REC_SET(&w, feed_welcome, major, FEED_MAJOR);
	REC_SET(&w, feed_welcome, minor, FEED_MINOR);
	send_record(l, ENV_FEED_WELCOME, &w);
}

static void
take_message(struct listener *l, const struct feed_message *msg)
{
	struct feed_ack a = {0};

	if (msg->seq == l->applied + 1) {
		apply(l, msg);
		l->applied++;
	}
	ck_assert_msg(msg->seq <= l->applied, "a number is missing");
	REC_SET(&a, feed_ack, epoch, str_c(l->epoch));
	REC_SET(&a, feed_ack, seq, l->applied);
	send_record(l, ENV_FEED_ACK, &a);
}

static void
take(struct listener *l, struct str frame)
{
	union {
		struct feed_hello hello;
		struct feed_message message;
		struct feed_result result;
	} x;
	struct err e = {.depth = 0};
	enum env_type type = env_type(frame);

	if (type == ENV_FEED_VOLATILE)
		return;
	ck_assert_msg(env_read(frame, type, &x, &l->mem, &e) == 0, "%s", err_text(&e));
	if (type == ENV_FEED_HELLO) {
		take_hello(l, &x.hello);
	} else if (!l->known) {
		send_record(l, ENV_UNKNOWN, NULL);
	} else if (type == ENV_FEED_MESSAGE) {
		take_message(l, &x.message);
	} else if (type == ENV_FEED_RESULT && x.result.id == l->commands) {
		l->has_result = true;
		l->ok = x.result.ok;
		l->code = REC_HAS(&x.result, feed_result, code) ? x.result.code : 0;
		copy(l->text, sizeof(l->text),
		    REC_HAS(&x.result, feed_result, text) ? x.result.text : str_c(""));
	}
}

void
listener_turn(struct listener *l, int ms)
{
	struct err e = {.depth = 0};
	struct str frame;
	bool ready;

	ipc_wait(&l->server, &ready, 1, NULL, 0, ms, &e);
	while (ipc_server_recv(l->server, &l->feed, &frame) == 1) {
		take(l, arena_copy(&l->mem, frame));
		arena_free(&l->mem);
	}
}

void
listener_resume(struct listener *l)
{
	/* Whom a feed becomes when it is started as root. */
	const struct passwd *user = getpwnam("tandem-feed");
	uid_t uids[] = {0, getuid(), user != NULL ? user->pw_uid : 0};
	struct ipc_server_conf conf = {.endpoint = l->endpoint,
	    .mode = 0666,
	    .uids = uids,
	    .uid_count = 3,
	    .group = (gid_t)-1,
	    .queue = 4096};
	struct err e = {.depth = 0};

	l->known = false;
	ck_assert_msg(ipc_server_new(&l->server, &conf, &e) == 0, "%s", err_text(&e));
}

void
listener_open(struct listener *l, const char *dir)
{
	memset(l, 0, sizeof(*l));
	arena_init(&l->mem, 4 << 20);
	snprintf(l->endpoint, sizeof(l->endpoint), "ipc://%s/listener.sock", dir);
	listener_resume(l);
}

void
listener_stop(struct listener *l)
{
	ipc_server_free(l->server);
	l->server = NULL;
}

void
listener_close(struct listener *l)
{
	if (l->server != NULL)
		listener_stop(l);
}

struct heard_room *
listener_room(struct listener *l, const char *name)
{
	for (size_t i = 0; i < LISTENER_ROOMS; i++)
		if (l->v[i].there && strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	return NULL;
}

struct heard_member *
listener_member(struct listener *l, const char *room, const char *name)
{
	struct heard_room *r = listener_room(l, room);

	for (size_t i = 0; r != NULL && i < LISTENER_MEMBERS; i++)
		if (r->v[i].there && strcmp(r->v[i].name, name) == 0)
			return &r->v[i];
	return NULL;
}

int
listener_count(struct listener *l, const char *room)
{
	struct heard_room *r = listener_room(l, room);
	int n = 0;

	for (size_t i = 0; r != NULL && i < LISTENER_MEMBERS; i++)
		n += r->v[i].there;
	return n;
}

bool
listener_command(
    struct listener *l, enum feed_verb verb, const char *room, int64_t member, int64_t value)
{
	struct feed_command c = {0};
	struct heard_room *r = listener_room(l, room);

	REC_SET(&c, feed_command, id, ++l->commands);
	REC_SET(&c, feed_command, deadline, PATIENCE_MS);
	REC_SET(&c, feed_command, verb, (int)verb);
	if (r != NULL)
		REC_SET(&c, feed_command, key, str_c(r->key));
	REC_SET(&c, feed_command, room, str_c(room));
	if (member >= 0)
		REC_SET(&c, feed_command, member, member);
	REC_SET(&c, feed_command, value, value);
	l->has_result = false;
	send_record(l, ENV_FEED_COMMAND, &c);
	LISTENER_AWAIT(l, PATIENCE_MS, l->has_result);
	return l->ok;
}
