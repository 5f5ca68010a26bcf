/* SPDX-License-Identifier: ISC */
#include "backend/feeds.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/feed_apply.h"
#include "backend/job.h"
#include "backend/moments.h"
#include "backend/routes.h"
#include "common/clock.h"
#include "common/log.h"

enum {
	BATCH_MESSAGES = 512,
	BATCH_BYTES = 4 * 1024 * 1024,
	MESSAGE_SCRATCH = 1024 * 1024,
	WANT_PAUSE_US = 50 * 1000,
	FRESH_US = 60 * 1000000
};

_Static_assert((int)FEED_SOURCES_MAX == (int)ROUTES_FEEDS_MAX, "one place for each source");

/* What goes to the writer at once. */
struct batch {
	struct writer_job write; /* first: the writer knows batches by it */
	struct batch *next;
	struct feeds *feeds;
	struct source *source;
	char name[64 * 4 + 1], epoch[64 * 4 + 1];
	bool greeting; /* make this epoch the source's, and see how far it is */
	struct arena frames;
	struct feed_message v[BATCH_MESSAGES];
	size_t n;
	int64_t applied, dropped; /* how it ended */
	bool committed;
};

struct source {
	char name[64 * 4 + 1], epoch[64 * 4 + 1];
	struct ipc_server *via;
	struct ipc_peer peer;
	bool greeted; /* the epoch is the stored one: messages are welcome */
	bool hello;   /* a greeting has to go to the writer */
	int64_t expected;
	struct batch *filling, *under_way;
	int64_t heard_us, wanted_us;
	bool failed; /* the last batch could not be stored: ask again in a second */
	int64_t applied, stored, dropped;
	/* What the feed has of the routes, when it wants them. */
	bool routes, has_routes;
	enum feed_switch kind;
	struct route_position has;
	uint64_t verbs; /* bit n = knows verb n */
	bool renewed;   /* greets with the same epoch as before */
};

struct feeds {
	struct writer *writer;
	struct routes *routes;
	struct moments *moments;
	struct settings_now *settings;
	struct source v[FEED_SOURCES_MAX];
	size_t n;
	int64_t strange; /* frames that were none of a feed's */
	int fd;
	pthread_mutex_t lock;
	struct batch *back, **back_end;
	struct feeds_watch watch;
};

int
feeds_new(struct feeds **ret, struct writer *w, struct settings_now *settings,
    struct routes *routes, struct moments *moments, struct err *e)
{
	struct feeds *f = calloc(1, sizeof(*f));

	if (f == NULL || (f->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) {
		free(f);
		return err_set(e, ERR_INTERNAL, "feeds: no memory or descriptor");
	}
	f->writer = w;
	f->settings = settings;
	f->routes = routes;
	f->moments = moments;
	f->back_end = &f->back;
	pthread_mutex_init(&f->lock, NULL);
	*ret = f;
	return 0;
}

static void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	arena_free(&b->frames);
	free(b);
}

void
feeds_free(struct feeds *f)
{
	if (f == NULL)
		return;
	for (struct batch *b = f->back, *next; b != NULL; b = next) {
		next = b->next;
		batch_free(b);
	}
	for (size_t i = 0; i < f->n; i++)
		batch_free(f->v[i].filling);
	pthread_mutex_destroy(&f->lock);
	close(f->fd);
	free(f);
}

static struct batch *
batch_new(struct feeds *f, struct source *s)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->feeds = f;
	b->source = s;
	memcpy(b->name, s->name, sizeof(b->name));
	memcpy(b->epoch, s->epoch, sizeof(b->epoch));
	arena_init(&b->frames, BATCH_BYTES);
	return b;
}

/* --- in the writer's thread --------------------------------------------------------------- */

static int
begin_epoch(struct batch *b, struct feed_cursor *c)
{
	if (REC_HAS(c, feed_cursor, epoch) && str_eqc(c->epoch, b->epoch))
		return 0;
	REC_SET(c, feed_cursor, epoch, str_c(b->epoch));
	REC_SET(c, feed_cursor, seq, 0);
	/* What was stored before stays until this epoch's snapshot has ended. */
	REC_SET(c, feed_cursor, generation, REC_HAS(c, feed_cursor, generation) ? c->generation : 0);
	REC_SET(c, feed_cursor, rows, REC_HAS(c, feed_cursor, rows) ? c->rows : 0);
	REC_SET(c, feed_cursor, open, false);
	return 1;
}

static int
apply_messages(struct batch *b, struct model *m, struct feed_cursor *c)
{
	struct arena scratch, *own = m->a;
	int rc = 0;

	if (!str_eqc(c->epoch, b->epoch))
		return err_set(m->e, ERR_INTERNAL, "the epoch is another one by now");
	arena_init(&scratch, MESSAGE_SCRATCH);
	m->a = &scratch;
	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		if (b->v[i].seq <= c->seq)
			continue;
		rc = b->v[i].seq == c->seq + 1 ? feed_apply(m, &b->v[i], c, &b->dropped)
		                               : err_set(m->e, ERR_INTERNAL, "a number is missing");
		arena_free(&scratch);
	}
	m->a = own;
	return rc;
}

static int
apply(struct writer_job *w, struct store_txn *t)
{
	struct batch *b = (struct batch *)(void *)w;
	struct model m = {
	    .t = t, .e = &w->err, .tenant = TENANT_DEFAULT, .settings = b->feeds->settings};
	struct feed_cursor c;
	struct arena a;
	int rc;

	arena_init(&a, MESSAGE_SCRATCH);
	m.a = &a;
	b->dropped = 0;
	rc = feed_cursor_get(&m, str_c(b->name), &c);
	if (rc == 0 && b->greeting)
		rc = begin_epoch(b, &c) == 1 ? feed_cursor_put(&m, str_c(b->name), &c) : 0;
	else if (rc == 0 && (rc = apply_messages(b, &m, &c)) == 0)
		rc = feed_cursor_put(&m, str_c(b->name), &c);
	b->applied = c.seq;
	arena_free(&a);
	return rc;
}

static void
done(struct writer_job *w, bool committed)
{
	struct batch *b = (struct batch *)(void *)w;
	struct feeds *f = b->feeds;
	uint64_t one = 1;

	b->committed = committed;
	b->next = NULL;
	pthread_mutex_lock(&f->lock);
	*f->back_end = b;
	f->back_end = &b->next;
	pthread_mutex_unlock(&f->lock);
	/* The counter cannot overflow: the loop reads it away. */
	(void)!write(f->fd, &one, sizeof(one));
}

/* --- in the loop's thread ------------------------------------------------------------------ */

static void
send_record(struct source *s, enum env_type type, const void *obj)
{
	struct buf out;

	buf_init(&out, 8192);
	env_write(&out, type, obj);
	/* What does not arrive is said again: the feed greets when it is connected anew. */
	if (!out.failed)
		ipc_server_send(s->via, &s->peer, buf_str(&out));
	buf_free(&out);
}

static void
send_ack(struct source *s)
{
	struct feed_ack a = {0};

	REC_SET(&a, feed_ack, epoch, str_c(s->epoch));
	REC_SET(&a, feed_ack, seq, s->applied);
	send_record(s, ENV_FEED_ACK, &a);
}

static void
send_want(struct source *s)
{
	struct feed_want w = {0};
	int64_t now = clock_us();

	if (now - s->wanted_us < WANT_PAUSE_US)
		return;
	s->wanted_us = now;
	REC_SET(&w, feed_want, epoch, str_c(s->epoch));
	REC_SET(&w, feed_want, seq, s->expected);
	send_record(s, ENV_FEED_WANT, &w);
}

static void
send_welcome(struct source *s, const char *refused)
{
	struct feed_welcome w = {0};

	REC_SET(&w, feed_welcome, epoch, str_c(s->epoch));
	REC_SET(&w, feed_welcome, applied, s->applied);
	REC_SET(&w, feed_welcome, window, FEED_WINDOW);
	REC_SET(&w, feed_welcome, major, FEED_MAJOR);
	REC_SET(&w, feed_welcome, minor, FEED_MINOR);
	if (refused != NULL)
		REC_SET(&w, feed_welcome, refused, str_c(refused));
	send_record(s, ENV_FEED_WELCOME, &w);
}

static bool
submit(struct source *s, struct batch *b)
{
	struct feeds *f = b->feeds;

	b->write = (struct writer_job){.apply = apply, .done = done};
	if (writer_submit(f->writer, &b->write) != 0)
		return false;
	s->under_way = b;
	return true;
}

static void
greet(struct feeds *f, struct source *s)
{
	struct batch *b = batch_new(f, s);

	if (b == NULL)
		return;
	b->greeting = true;
	if (submit(s, b))
		s->hello = false;
	else
		batch_free(b);
}

void
feeds_flush(struct feeds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct source *s = &f->v[i];

		if (s->under_way != NULL)
			continue;
		if (s->hello)
			greet(f, s);
		else if (s->filling != NULL && submit(s, s->filling))
			s->filling = NULL;
	}
}

static struct source *
source_named(struct feeds *f, struct str name)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eqc(name, f->v[i].name))
			return &f->v[i];
	if (f->n == FEED_SOURCES_MAX)
		return NULL;
	memcpy(f->v[f->n].name, name.p, name.n);
	return &f->v[f->n++];
}

static struct source *
source_of(struct feeds *f, const struct ipc_server *via, const struct ipc_peer *peer)
{
	for (size_t i = 0; i < f->n; i++) {
		struct source *s = &f->v[i];

		if (s->via == via && s->peer.n == peer->n && memcmp(s->peer.id, peer->id, peer->n) == 0)
			return s;
	}
	return NULL;
}

/* Told once it is greeted; until then it hears nothing of what an earlier one asked for. */
static void
note_routes(struct feeds *f, struct source *s, const struct feed_hello *h)
{
	s->routes = REC_HAS(h, feed_hello, routes) && h->routes;
	s->kind = (enum feed_switch)h->kind;
	s->has_routes =
	    REC_HAS(h, feed_hello, route_generation) && REC_HAS(h, feed_hello, route_version);
	s->has = (struct route_position){0};
	if (s->has_routes)
		s->has = (struct route_position){(uint64_t)h->route_generation, (uint64_t)h->route_version};
	routes_end(f->routes, (size_t)(s - f->v));
}

static void
begin_routes(struct feeds *f, struct source *s)
{
	if (s->routes)
		routes_begin(f->routes, (size_t)(s - f->v), s->via, &s->peer, s->kind,
		    s->has_routes ? &s->has : NULL);
}

static void
note_verbs(struct source *s, const struct feed_hello *h)
{
	s->verbs = (uint64_t)1 << feed_verb_RESYNC;
	for (size_t i = 0; REC_HAS(h, feed_hello, verbs) && i < h->verbs.n; i++)
		if (h->verbs.v[i] > 0 && h->verbs.v[i] < 64)
			s->verbs |= (uint64_t)1 << h->verbs.v[i];
	s->renewed = str_eqc(h->epoch, s->epoch);
}

static void
on_result(struct feeds *f, struct source *s, struct str frame)
{
	struct feed_result r;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 16384);
	if (env_read(frame, ENV_FEED_RESULT, &r, &a, &e) != 0)
		f->strange++;
	else if (f->watch.result != NULL)
		f->watch.result(f->watch.arg, s->name, &r);
	arena_free(&a);
}

static void
on_routes_ack(struct feeds *f, struct source *s, struct str frame)
{
	struct feed_routes_ack ack;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 4096);
	if (env_read(frame, ENV_FEED_ROUTES_ACK, &ack, &a, &e) != 0)
		f->strange++;
	else
		routes_ack(f->routes, (size_t)(s - f->v), ack.part);
	arena_free(&a);
}

static void
on_volatile(struct feeds *f, struct source *s, struct str frame)
{
	struct feed_volatile v;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 4096);
	if (env_read(frame, ENV_FEED_VOLATILE, &v, &a, &e) != 0)
		f->strange++;
	else
		moments_set(f->moments, s->name, &v);
	arena_free(&a);
}

static void
on_hello(struct feeds *f, struct ipc_server *via, const struct ipc_peer *from, struct str frame)
{
	struct source unknown = {.via = via, .peer = *from}, *s;
	struct feed_hello h;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 16384);
	if (env_read(frame, ENV_FEED_HELLO, &h, &a, &e) != 0) {
		f->strange++;
	} else if (feed_hello_check(&h, &e) != 0 || (s = source_named(f, h.source)) == NULL) {
		log_event(LOG_WARN_, "feed-refused", "%s", err_text(&e));
		send_welcome(&unknown, e.code != ERR_OK ? err_text(&e) : "too many sources");
	} else {
		s->via = via;
		s->peer = *from;
		s->heard_us = clock_us();
		moments_clear(f->moments);
		/* Messages of before this hello come again if they were not stored. */
		s->greeted = false;
		s->hello = true;
		batch_free(s->filling);
		s->filling = NULL;
		note_routes(f, s, &h);
		note_verbs(s, &h);
		memset(s->epoch, 0, sizeof(s->epoch));
		memcpy(s->epoch, h.epoch.p, h.epoch.n);
		log_event(LOG_INFO_, "feed", "%s is here (%s)", s->name,
		    enum_text(rec_feed_hello.f[feed_hello_F_kind].en, h.kind));
	}
	arena_free(&a);
}

static bool
take(struct feeds *f, struct source *s, struct str frame)
{
	struct batch *b = s->filling;
	struct err e = {0};

	if (b == NULL && (b = s->filling = batch_new(f, s)) == NULL)
		return false;
	/* Beyond the window and then some: not a feed that waits for acknowledgements. */
	if (b->n == BATCH_MESSAGES || (frame = arena_copy(&b->frames, frame)).p == NULL)
		return false;
	return env_read(frame, ENV_FEED_MESSAGE, &b->v[b->n], &b->frames, &e) == 0;
}

static void
on_message(struct feeds *f, struct source *s, struct str frame)
{
	struct feed_message msg;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 65536);
	if (env_read(frame, ENV_FEED_MESSAGE, &msg, &a, &e) != 0 || !str_eqc(msg.source, s->name) ||
	    !str_eqc(msg.epoch, s->epoch)) {
		f->strange++;
	} else if (msg.seq < s->expected) {
		if (s->under_way == NULL && s->filling == NULL)
			send_ack(s);
	} else if (msg.seq > s->expected) {
		send_want(s);
	} else if (take(f, s, frame)) {
		s->filling->n++;
		s->expected++;
	}
	arena_free(&a);
}

void
feeds_receive(
    struct feeds *f, struct ipc_server *via, const struct ipc_peer *from, struct str frame)
{
	enum env_type type = env_type(frame);
	struct source *s = source_of(f, via, from);
	char unknown = ENV_UNKNOWN;

	if (type == ENV_FEED_HELLO) {
		on_hello(f, via, from, frame);
		return;
	}
	if (s == NULL) {
		ipc_server_send(via, from, (struct str){&unknown, 1});
		return;
	}
	s->heard_us = clock_us();
	if (type == ENV_FEED_ROUTES_ACK)
		on_routes_ack(f, s, frame);
	else if (type == ENV_FEED_RESULT)
		on_result(f, s, frame);
	else if (type == ENV_FEED_VOLATILE)
		on_volatile(f, s, frame);
	else if (type != ENV_FEED_MESSAGE)
		f->strange++;
	else if (s->greeted)
		on_message(f, s, frame);
}

int
feeds_fd(const struct feeds *f)
{
	return f->fd;
}

static void
came_back(struct source *s, struct batch *b)
{
	bool current = strcmp(b->epoch, s->epoch) == 0 && !s->hello;

	s->under_way = NULL;
	if (!b->committed)
		log_event(LOG_WARN_, "feed", "%s: %s", s->name, err_text(&b->write.err));
	else
		s->dropped += b->dropped, s->stored += (int64_t)b->n;
	for (size_t i = 0; b->committed && i < b->n && b->feeds->watch.stored != NULL; i++)
		b->feeds->watch.stored(b->feeds->watch.arg, s->name, &b->v[i]);
	if (!current)
		return;
	if (!b->committed) {
		/* Everything behind it has to come again as well. */
		batch_free(s->filling);
		s->filling = NULL;
		s->failed = true;
		s->expected = s->applied + 1;
	} else if (b->greeting) {
		s->applied = b->applied;
		s->expected = s->applied + 1;
		s->greeted = true;
		send_welcome(s, NULL);
		begin_routes(b->feeds, s);
		if (b->feeds->watch.greeted != NULL)
			b->feeds->watch.greeted(b->feeds->watch.arg, s->name, s->renewed);
	} else {
		s->applied = b->applied;
		send_ack(s);
	}
}

void
feeds_take_back(struct feeds *f)
{
	struct batch *b, *next;
	uint64_t count;

	(void)!read(f->fd, &count, sizeof(count));
	pthread_mutex_lock(&f->lock);
	b = f->back;
	f->back = NULL;
	f->back_end = &f->back;
	pthread_mutex_unlock(&f->lock);
	for (; b != NULL; b = next) {
		next = b->next;
		came_back(b->source, b);
		batch_free(b);
	}
	feeds_flush(f);
}

void
feeds_watch(struct feeds *f, const struct feeds_watch *w)
{
	f->watch = *w;
}

const char *
feeds_find(const struct feeds *f, struct str name, int verb, bool *lacks)
{
	*lacks = false;
	for (size_t i = 0; i < f->n; i++) {
		const struct source *s = &f->v[i];

		if (!s->greeted || (name.n > 0 && !str_eqc(name, s->name)))
			continue;
		if (verb == 0 || (s->verbs >> verb & 1) != 0)
			return s->name;
		*lacks = true;
	}
	return NULL;
}

int
feeds_command(struct feeds *f, const char *source, const struct feed_command *c)
{
	struct source *s = NULL;
	struct buf out;
	int rc = -1;

	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].greeted && strcmp(f->v[i].name, source) == 0)
			s = &f->v[i];
	if (s == NULL)
		return -1;
	buf_init(&out, 8192);
	env_write(&out, ENV_FEED_COMMAND, c);
	if (!out.failed)
		rc = ipc_server_send(s->via, &s->peer, buf_str(&out));
	buf_wipe(&out);
	return rc;
}

void
feeds_sweep(struct feeds *f, int64_t now_us)
{
	(void)now_us;
	for (size_t i = 0; i < f->n; i++) {
		struct source *s = &f->v[i];

		if (s->failed && !s->greeted)
			s->hello = true;
		else if (s->failed)
			send_want(s);
		s->failed = false;
	}
	feeds_flush(f);
}

void
feeds_status(const struct feeds *f, int64_t now_us, struct feeds_status *ret)
{
	*ret = (struct feeds_status){.dropped = f->strange};
	for (size_t i = 0; i < f->n; i++) {
		ret->connected += f->v[i].greeted && now_us - f->v[i].heard_us < FRESH_US;
		ret->stored += f->v[i].stored;
		ret->dropped += f->v[i].dropped;
	}
}
