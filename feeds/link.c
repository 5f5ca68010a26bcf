/* SPDX-License-Identifier: ISC */
/*
 * Greeting, window, acknowledgements, "want". Whatever is lost on the way comes again: after a
 * silence everything behind the last acknowledgement is sent once more, and the backend stores each
 * number once.
 */
#include <poll.h>
#include <string.h>

#include "feeds/frame.h"
#include "common/clock.h"

enum {
	QUEUE = 4096,
	RECONNECT_MS = 100,
	TICK_MS = 500,
	HELLO_AGAIN_MS = 1000,
	REFUSED_MS = 5000,
	SILENCE_MS = 5000,
	FULL_PAUSE_MS = 1000,
	RETRY_MS = 20,
	ARENA = 65536,
	ROUTES_ARENA = 32 << 20,
	ROUTES_AGAIN_MS = 1000
};

static void drain_soon(void *arg);

bool
link_send(struct feed *f, enum env_type type, const void *obj)
{
	bool pending = false, sent = false;
	struct buf b;

	buf_init(&b, FEED_BODY_MAX + 16384);
	env_write(&b, type, obj);
	if (!b.failed)
		sent = ipc_client_send(f->client, buf_str(&b), &pending) == 0;
	buf_free(&b);
	if (pending)
		feed_timer(f, 0, drain_soon, f);
	return sent;
}

static void
hello_routes(struct feed *f, struct feed_hello *h)
{
	int64_t generation, version;

	REC_SET(h, feed_hello, routes, true);
	if (!f->program->routes_have(f->sw, &generation, &version))
		return;
	REC_SET(h, feed_hello, route_generation, generation);
	REC_SET(h, feed_hello, route_version, version);
}

static void
hello(struct feed *f)
{
	const struct feed_program *p = f->program;
	struct feed_hello h;

	feed_hello_init(&h, f->source, spool_epoch(f->spool), (int)p->kind);
	if (p->verb_count > 0)
		REC_SET(&h, feed_hello, verbs,
		    ((struct int_list){(int64_t *)(uintptr_t)p->verbs, p->verb_count}));
	if (p->routes)
		hello_routes(f, &h);
	f->link = LINK_HELLO;
	f->heard_ms = clock_ms();
	link_send(f, ENV_FEED_HELLO, &h);
}

static void
resync_now(void *arg)
{
	struct feed *f = arg;

	if (!f->muted)
		f->program->resync(f->sw);
}

/* Not at once: the program may be in the middle of saying something. */
void
link_want_snapshot(struct feed *f)
{
	feed_timer(f, 0, resync_now, f);
}

static void
renew_again(void *arg)
{
	link_renew(arg, "that is tried again");
}

void
link_renew(struct feed *f, const char *why)
{
	struct err e = {0};

	log_event(LOG_WARN_, "epoch", "the numbers begin anew: %s", why);
	if (spool_renew(f->spool, &e) != 0) {
		log_event(LOG_ERROR_, "spool", "%s", err_text(&e));
		f->muted = true;
		f->full_ms = clock_ms();
		feed_timer(f, FULL_PAUSE_MS, renew_again, f);
		return;
	}
	if (f->link != LINK_DOWN)
		hello(f);
	if (!f->muted)
		link_want_snapshot(f);
}

/* After a spool that was full has found a backend again. */
static void
unmute(void *arg)
{
	struct feed *f = arg;

	if (f->link != LINK_READY || !f->muted)
		return;
	f->muted = false;
	link_want_snapshot(f);
}

static void
push_again(void *arg)
{
	link_push(arg);
}

void
link_push(struct feed *f)
{
	struct err e = {0};
	bool pending = false;

	while (f->link == LINK_READY && spool_position(f->spool) <= spool_acked(f->spool) + f->window) {
		int64_t at = spool_position(f->spool), seq;
		struct str frame;
		int rc = spool_next(f->spool, &frame, &seq, &e);

		if (rc < 0)
			link_renew(f, err_text(&e));
		if (rc <= 0)
			return;
		if (ipc_client_send(f->client, frame, &pending) != 0) {
			spool_seek(f->spool, at);
			feed_timer(f, RETRY_MS, push_again, f);
			return;
		}
		if (pending)
			feed_timer(f, 0, drain_soon, f);
	}
}

static void
on_welcome(struct feed *f, struct str frame)
{
	struct feed_welcome w;
	struct err e = {0};
	struct arena a;

	arena_init(&a, ARENA);
	if (env_read(frame, ENV_FEED_WELCOME, &w, &a, &e) != 0) {
		log_event(LOG_WARN_, "backend", "a welcome that cannot be read: %s", err_text(&e));
	} else if (REC_HAS(&w, feed_welcome, refused)) {
		log_event(LOG_ERROR_, "backend", "refuses this feed: %.*s", (int)w.refused.n, w.refused.p);
		f->refused = true;
	} else if (f->link == LINK_HELLO && str_eqc(w.epoch, spool_epoch(f->spool))) {
		f->refused = false;
		f->window = w.window;
		f->heard_ms = clock_ms();
		log_event(LOG_INFO_, "backend", "is there: %lld of %lld are stored", (long long)w.applied,
		    (long long)spool_last(f->spool));
		if (!spool_reset(f->spool, w.applied, &e)) {
			link_renew(f, e.code != ERR_OK ? err_text(&e) : "the backend has other ones");
		} else {
			f->link = LINK_READY;
			/* Not oftener, should it be full again at once. */
			if (f->muted)
				feed_timer(f,
				    f->full_ms + FULL_PAUSE_MS - f->heard_ms > 0
				        ? f->full_ms + FULL_PAUSE_MS - f->heard_ms
				        : 0,
				    unmute, f);
			link_push(f);
		}
	}
	arena_free(&a);
}

static void
on_ack(struct feed *f, struct str frame)
{
	struct feed_ack m;
	struct err e = {0};
	struct arena a;

	arena_init(&a, ARENA);
	if (env_read(frame, ENV_FEED_ACK, &m, &a, &e) == 0 && f->link == LINK_READY &&
	    str_eqc(m.epoch, spool_epoch(f->spool))) {
		f->heard_ms = clock_ms();
		if (m.seq > spool_acked(f->spool) && m.seq <= spool_last(f->spool) &&
		    spool_ack(f->spool, m.seq, &e) != 0)
			link_renew(f, err_text(&e));
		link_push(f);
	}
	arena_free(&a);
}

static void
on_want(struct feed *f, struct str frame)
{
	struct feed_want m;
	struct err e = {0};
	struct arena a;

	arena_init(&a, ARENA);
	if (env_read(frame, ENV_FEED_WANT, &m, &a, &e) == 0 && f->link == LINK_READY &&
	    str_eqc(m.epoch, spool_epoch(f->spool))) {
		f->heard_ms = clock_ms();
		/* What came before it is stored. */
		if (!spool_reset(f->spool, m.seq - 1, &e))
			link_renew(f, "the backend wants a number that is not there");
		else
			link_push(f);
	}
	arena_free(&a);
}

static void
greet_again(void *arg)
{
	struct feed *f = arg;

	if (f->link == LINK_READY)
		hello(f);
}

static void
on_routes(struct feed *f, struct str frame)
{
	struct feed_routes part;
	struct feed_routes_ack ack = {0};
	struct err e = {0};
	struct arena a;

	arena_init(&a, ROUTES_ARENA);
	f->heard_ms = clock_ms();
	if (env_read(frame, ENV_FEED_ROUTES, &part, &a, &e) != 0) {
		log_event(LOG_WARN_, "routes", "a part that cannot be read: %s", err_text(&e));
		feed_timer(f, ROUTES_AGAIN_MS, greet_again, f);
	} else if (!f->program->routes_take(f->sw, &part)) {
		feed_timer(f, ROUTES_AGAIN_MS, greet_again, f);
	} else {
		REC_SET(&ack, feed_routes_ack, part, part.part);
		link_send(f, ENV_FEED_ROUTES_ACK, &ack);
	}
	arena_free(&a);
}

static void
on_frame(struct feed *f, struct str frame)
{
	switch (env_type(frame)) {
	case ENV_FEED_WELCOME:
		on_welcome(f, frame);
		break;
	case ENV_FEED_ACK:
		on_ack(f, frame);
		break;
	case ENV_FEED_WANT:
		on_want(f, frame);
		break;
	case ENV_FEED_COMMAND:
		if (f->link == LINK_READY)
			orders_take(f, frame);
		break;
	case ENV_FEED_ROUTES:
		if (f->link == LINK_READY && f->program->routes)
			on_routes(f, frame);
		break;
	case ENV_UNKNOWN:
		/* It has been started anew, and has not seen this feed yet. */
		if (f->link == LINK_READY)
			hello(f);
		break;
	default:
		log_event(LOG_DEBUG_, "backend", "a message of an unknown kind");
	}
}

static void
drain(struct feed *f)
{
	struct str frame;

	while (!f->loop.stop && ipc_client_recv(f->client, &frame) == 1)
		on_frame(f, frame);
}

static void
drain_soon(void *arg)
{
	drain(arg);
}

static void
on_messages(void *arg, short revents)
{
	(void)revents;
	drain(arg);
}

static void
look_at_connection(struct feed *f)
{
	enum ipc_event event;

	while ((event = ipc_client_event(f->client)) != IPC_NOTHING) {
		if (event == IPC_UP) {
			hello(f);
		} else if (f->link != LINK_DOWN) {
			log_event(LOG_WARN_, "backend", "has gone");
			f->link = LINK_DOWN;
		}
	}
	drain(f);
}

static void
on_connection(void *arg, short revents)
{
	(void)revents;
	look_at_connection(arg);
}

static void
on_tick(void *arg)
{
	struct feed *f = arg;
	int64_t quiet = clock_ms() - f->heard_ms;

	look_at_connection(f);
	if (f->link == LINK_HELLO && quiet > (f->refused ? REFUSED_MS : HELLO_AGAIN_MS)) {
		hello(f);
	} else if (f->link == LINK_READY && quiet > SILENCE_MS &&
	    spool_position(f->spool) > spool_acked(f->spool) + 1) {
		f->heard_ms = clock_ms();
		spool_seek(f->spool, spool_acked(f->spool) + 1);
		link_push(f);
	}
	feed_timer(f, TICK_MS, on_tick, f);
}

int
link_open(struct feed *f, struct err *e)
{
	const struct conf *c = f->conf;
	struct ipc_client_conf conf = {.endpoint = c->feed_backend,
	    .cert_file = c->feed_curve_cert[0] != '\0' ? c->feed_curve_cert : NULL,
	    .server_cert = c->feed_curve_server[0] != '\0' ? c->feed_curve_server : NULL,
	    .queue = QUEUE,
	    .reconnect_ms = RECONNECT_MS};

	if (ipc_client_new(&f->client, &conf, e) != 0)
		return -1;
	if (feed_watch(f, ipc_client_fd(f->client), POLLIN, on_messages, f) != 0 ||
	    feed_watch(f, ipc_client_event_fd(f->client), POLLIN, on_connection, f) != 0 ||
	    feed_timer(f, 0, on_tick, f) != 0)
		return err_set(e, ERR_INTERNAL, "the loop is full");
	return 0;
}

void
link_close(struct feed *f)
{
	ipc_client_free(f->client);
	f->client = NULL;
}
