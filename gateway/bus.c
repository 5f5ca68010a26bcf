/* SPDX-License-Identifier: ISC */
#include "gateway/bus.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <kore/kore.h>
#include <kore/http.h>

#include "common/checks.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/pend.h"
#include "gateway/render.h"
#include "gateway/settings.h"
#include "gateway/stream.h"
#include "ipc/client.h"

enum {
	DRAIN_MAX = 512, /* frames in one pass, so that clients get their turn */
	SWEEP_MS = 50,
	RECONNECT_MS = 50,
	EVENTS_SILENT_MS = 30000, /* the backend says something every ten seconds */
	SOURCE_TYPE = 100,        /* none of Kore's own */
	REALM_MAX = 256,
	FRAME_KEPT = 64 * 1024 /* bytes of the frame buffer that are kept between messages */
};

/* Kore calls back with the address that it was given, so the event comes first. */
struct source {
	struct kore_event event;
	int fd;
};

static struct {
	struct ipc_client *client;
	struct pend *pend;
	struct source messages, events, kick;
	struct kore_timer *sweep;
	struct arena arena; /* of the frame being read */
	struct buf frame;
	bool connected; /* there is a connection */
	bool up;        /* and the backend has said a hello that fits */
	size_t streams; /* of events, among the pending */
	bool told;      /* a version that does not fit has been logged */
	char realm[REALM_MAX];
} bus = {.kick = {.fd = -1}, .realm = "tandem"};

const char *
bus_realm(void)
{
	return bus.realm;
}

/* Draining right here would wake requests up in the middle of Kore's pass over them. */
static void
kick(void)
{
	uint64_t one = 1;
	ssize_t rc = write(bus.kick.fd, &one, sizeof(one));

	/* It only fails when the counter is full, and then it has been kicked. */
	(void)rc;
}

static bool
send_record(enum env_type type, const void *obj)
{
	bool pending = false;
	int rc = -1;

	buf_reset(&bus.frame);
	env_write(&bus.frame, type, obj);
	if (!bus.frame.failed)
		rc = ipc_client_send(bus.client, buf_str(&bus.frame), &pending);
	if (pending)
		kick();
	/* Passwords and capabilities were in it. */
	if (bus.frame.size > FRAME_KEPT)
		buf_wipe(&bus.frame);
	else if (bus.frame.n > 0)
		explicit_bzero(bus.frame.p, bus.frame.n);
	return rc == 0;
}

static void
say_hello(void)
{
	unsigned char tables[8];
	struct hello h;

	env_hello(&h, tables, "gateway");
	send_record(ENV_HELLO, &h);
}

static bool
send_credit(int64_t id, int64_t parts)
{
	struct credit c = {0};

	REC_SET(&c, credit, id, id);
	REC_SET(&c, credit, parts, parts);
	return bus.up && send_record(ENV_CREDIT, &c);
}

void
bus_release(struct req *r)
{
	/* Kore frees its requests after the bus has stopped. */
	if (r->id == 0 || bus.client == NULL)
		return;
	if (r->more)
		send_credit(r->id, 0);
	bus.streams -= res_is_endless(r->res);
	pend_drop(bus.pend, r->id);
	r->id = 0;
}

static void
fail(struct req *r, enum err_code code)
{
	bus_release(r);
	if (r->state == REQ_STREAM)
		r->broken = true;
	else
		req_fail(r, code);
	http_request_wakeup(r->http);
}

static void
fail_unavailable(void *owner, int64_t id, int late)
{
	(void)id;
	(void)late;
	fail(owner, ERR_UNAVAILABLE);
}

static void
lose_all(void)
{
	bus.up = false;
	pend_each(bus.pend, 0, fail_unavailable);
}

static void
take_hello(struct str frame)
{
	struct hello h;
	struct err e;
	bool same;

	err_clear(&e);
	if (env_read(frame, ENV_HELLO, &h, &bus.arena, &e) != 0 ||
	    env_hello_check(&h, &same, &e) != 0) {
		if (!bus.told)
			log_event(LOG_ERROR_, "backend-refused", "%s", err_text(&e));
		bus.told = true;
		bus.up = false;
		return;
	}
	bus.told = false;
	if (!same)
		log_event(LOG_WARN_, "backend-tables", "the backend has other tables, of release %.*s",
		    (int)h.release.n, h.release.p);
	if (REC_HAS(&h, hello, realm) && h.realm.n > 0 && h.realm.n < REALM_MAX &&
	    check_realm(h.realm) == NULL) {
		memcpy(bus.realm, h.realm.p, h.realm.n);
		bus.realm[h.realm.n] = '\0';
	}
	if (!bus.up)
		log_event(LOG_INFO_, "backend-up", "connected to %s", settings.backend);
	bus.up = true;
}

/* By when a part has to come that the backend has leave for. */
static uint64_t
part_deadline(const struct req *r)
{
	int64_t limit = res_is_endless(r->res) ? EVENTS_SILENT_MS : settings.conf.gateway_deadline_ms;

	return (uint64_t)(clock_ms() + limit);
}

static void
take_reply(struct str frame)
{
	struct reply reply = {0};
	struct req *r;
	struct err e;

	err_clear(&e);
	if (env_read(frame, ENV_REPLY, &reply, &bus.arena, &e) != 0) {
		log_event(LOG_ERROR_, "bad-frame", "%s", err_text(&e));
		/* Whose it is may be readable all the same; if not, the deadline ends the wait. */
		r = REC_HAS(&reply, reply, id) ? pend_find(bus.pend, reply.id) : NULL;
		if (r != NULL)
			fail(r, ERR_INTERNAL);
		return;
	}
	if ((r = pend_find(bus.pend, reply.id)) == NULL)
		return;
	render_reply(r, &reply);
	/* A second answer would find a request that has been decided. */
	if (r->state != REQ_STREAM || r->broken || !r->more)
		bus_release(r);
	else
		pend_deadline(bus.pend, r->id, r->ahead > 0 ? part_deadline(r) : PEND_NEVER);
	http_request_wakeup(r->http);
}

static void
take_frame(struct str frame)
{
	switch (env_type(frame)) {
	case ENV_HELLO:
		take_hello(frame);
		break;
	case ENV_REPLY:
		take_reply(frame);
		break;
	case ENV_UNKNOWN:
		/* It has been started anew: what it was asked before is lost. */
		lose_all();
		say_hello();
		break;
	default:
		log_event(LOG_ERROR_, "bad-frame", "a message of a type that is not for gateways");
		break;
	}
	arena_wipe(&bus.arena);
}

static void
drain(void)
{
	struct str frame;

	for (int i = 0; i < DRAIN_MAX; i++) {
		if (ipc_client_recv(bus.client, &frame) == 0)
			return;
		take_frame(frame);
	}
	kick();
}

static void
take_events(void)
{
	enum ipc_event ev;

	while ((ev = ipc_client_event(bus.client)) != IPC_NOTHING) {
		bus.connected = ev == IPC_UP;
		if (ev == IPC_UP) {
			say_hello();
		} else {
			if (bus.up)
				log_event(LOG_WARN_, "backend-down", "lost %s", settings.backend);
			lose_all();
		}
	}
}

static void
on_messages(void *arg, int error)
{
	(void)arg;
	(void)error;
	drain();
}

static void
on_events(void *arg, int error)
{
	(void)arg;
	(void)error;
	take_events();
	/* The hello may have taken the notice of a message with it. */
	drain();
}

static void
on_kick(void *arg, int error)
{
	uint64_t count;
	ssize_t rc = read(bus.kick.fd, &count, sizeof(count));

	(void)arg;
	(void)error;
	(void)rc;
	drain();
}

static void
look_at(void *owner, int64_t id, int late)
{
	struct req *r = owner;

	if (r->state == REQ_STREAM && (r->broken || stream_is_stalled(r))) {
		r->broken = true;
		http_request_wakeup(r->http);
	} else if (late) {
		fail(r, ERR_DEADLINE);
	} else if (r->state == REQ_STREAM && r->due > 0) {
		bus_credit(r);
	}
	(void)id;
}

static void
on_sweep(void *arg, uint64_t now)
{
	(void)arg;
	(void)now;
	pend_each(bus.pend, (uint64_t)clock_ms(), look_at);
	/* A refused connection is started anew from there, and by nobody else. */
	if (!bus.connected)
		take_events();
}

static void
listen_to(struct source *s, int fd, void (*handle)(void *, int))
{
	s->fd = fd;
	s->event.type = SOURCE_TYPE;
	s->event.flags = 0;
	s->event.handle = handle;
	kore_platform_event_level_read(fd, s);
}

int
bus_start(struct err *e)
{
	const struct conf *c = &settings.conf;
	struct ipc_client_conf conf = {
	    .endpoint = settings.backend,
	    .cert_file = settings.tcp ? settings.curve_cert : NULL,
	    .server_cert = settings.tcp ? settings.curve_server : NULL,
	    .queue = (int)(c->gateway_pending + c->gateway_event_streams) * 2,
	    .reconnect_ms = RECONNECT_MS,
	};
	int fd;

	arena_init(&bus.arena, REQ_MEMORY_MAX);
	buf_init(&bus.frame, REQ_MESSAGE_MAX + 64 * 1024);
	if (pend_new(&bus.pend, (size_t)(c->gateway_pending + c->gateway_event_streams), e) != 0 ||
	    ipc_client_new(&bus.client, &conf, e) != 0)
		return -1;
	if ((fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) == -1)
		return err_set(e, ERR_UNAVAILABLE, "eventfd: %s", strerror(errno));
	listen_to(&bus.kick, fd, on_kick);
	listen_to(&bus.messages, ipc_client_fd(bus.client), on_messages);
	listen_to(&bus.events, ipc_client_event_fd(bus.client), on_events);
	bus.sweep = kore_timer_add(on_sweep, SWEEP_MS, NULL, 0);
	return 0;
}

void
bus_stop(void)
{
	if (bus.sweep != NULL)
		kore_timer_remove(bus.sweep);
	bus.sweep = NULL;
	ipc_client_free(bus.client);
	bus.client = NULL;
	bus.up = false;
	if (bus.kick.fd != -1)
		close(bus.kick.fd);
	bus.kick.fd = -1;
	buf_wipe(&bus.frame);
}

/* Streams of events, which stay, take no place away from requests that come and go. */
static bool
has_place(const struct req *r)
{
	if (res_is_endless(r->res))
		return bus.streams < (size_t)settings.conf.gateway_event_streams;
	return pend_count(bus.pend) - bus.streams < (size_t)settings.conf.gateway_pending;
}

void
bus_send(struct req *r)
{
	int64_t limit = settings.conf.gateway_deadline_ms;

	if (bus.up && has_place(r))
		r->id = pend_take(bus.pend, r, (uint64_t)(clock_ms() + limit));
	if (r->id == 0) {
		req_sent(r);
		req_fail(r, ERR_UNAVAILABLE);
		return;
	}
	bus.streams += res_is_endless(r->res);
	REC_SET(&r->msg, request, id, r->id);
	REC_SET(&r->msg, request, deadline, limit);
	if (!send_record(ENV_REQUEST, &r->msg)) {
		bus_release(r);
		req_fail(r, ERR_UNAVAILABLE);
	}
	req_sent(r);
}

void
bus_credit(struct req *r)
{
	if (!r->more || r->broken || r->due == 0 || !stream_has_room(r))
		return;
	if (!send_credit(r->id, r->due)) {
		fail(r, ERR_UNAVAILABLE);
		return;
	}
	r->ahead += r->due;
	r->due = 0;
	pend_deadline(bus.pend, r->id, part_deadline(r));
}
