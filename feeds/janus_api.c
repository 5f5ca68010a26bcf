/* SPDX-License-Identifier: ISC */
#include "feeds/janus_api.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

enum { QUESTIONS = 64, PAUSE_MAX_MS = 1000, REFUSED_PAUSE_MS = 5000 };

enum state { DOWN, CREATING, ATTACHING, READY };

struct question {
	int64_t transaction; /* 0 = free */
	int64_t until;
	janus_answer_fn *fn; /* NULL: our own */
	void *arg;
};

struct janus_api {
	struct feed *feed;
	struct janus_api_conf conf;
	const struct janus_api_ops *ops;
	void *arg;
	int fd;
	enum state state;
	struct janus_to to;
	int64_t transaction, pause, alive;
	struct question questions[QUESTIONS];
	bool said_gone; /* in the log */
	struct buf body, out;
	struct arena mem;
	char *in;
};

static void connect_soon(void *arg);
static void watch_clock(void *arg);

struct janus_api *
janus_api_new(
    struct feed *f, const struct janus_api_conf *conf, const struct janus_api_ops *ops, void *arg)
{
	struct janus_api *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->feed = f;
	j->conf = *conf;
	j->ops = ops;
	j->arg = arg;
	j->fd = -1;
	j->to.api_secret = conf->api_secret;
	buf_init(&j->body, JANUS_REQUEST_MAX);
	buf_init(&j->out, JANUS_REQUEST_MAX);
	arena_init(&j->mem, JANUS_ANSWER_MEM);
	j->in = malloc(JANUS_ANSWER_MAX);
	if (j->in == NULL) {
		janus_api_free(j);
		return NULL;
	}
	return j;
}

void
janus_api_free(struct janus_api *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0) {
		feed_unwatch(j->feed, j->fd);
		close(j->fd);
	}
	feed_timer(j->feed, -1, connect_soon, j);
	feed_timer(j->feed, -1, watch_clock, j);
	/* Secrets were in both. */
	buf_wipe(&j->body);
	buf_wipe(&j->out);
	arena_wipe(&j->mem);
	free(j->in);
	free(j);
}

/* Ends the connection: everybody who waits learns that nothing will come. */
static void
drop(struct janus_api *j, bool dead, int64_t pause)
{
	if (j->fd >= 0) {
		feed_unwatch(j->feed, j->fd);
		close(j->fd);
		j->fd = -1;
	}
	j->state = DOWN;
	j->to.session = j->to.handle = 0;
	for (size_t i = 0; i < QUESTIONS; i++) {
		struct question q = j->questions[i];

		j->questions[i].transaction = 0;
		if (q.transaction != 0 && q.fn != NULL)
			q.fn(q.arg, NULL);
	}
	j->ops->down(j->arg, dead);
	feed_timer(j->feed, -1, watch_clock, j);
	feed_timer(
	    j->feed, pause >= 0 ? pause : feed_backoff(&j->pause, PAUSE_MAX_MS), connect_soon, j);
}

static void
lose(struct janus_api *j, const char *why)
{
	log_event(LOG_WARN_, "janus-lost", "%s: %s", j->conf.path, why);
	drop(j, false, -1);
}

/* Sends `body` (may be empty) and remembers who waits. */
static bool
ask(struct janus_api *j, const char *word, struct str body, janus_answer_fn *fn, void *arg)
{
	struct question *q = NULL;
	struct str text;

	for (size_t i = 0; i < QUESTIONS && q == NULL; i++)
		if (j->questions[i].transaction == 0)
			q = &j->questions[i];
	if (q == NULL || j->fd < 0)
		return false;
	buf_reset(&j->out);
	janus_write(&j->out, &j->to, word, ++j->transaction, body);
	text = buf_str(&j->out);
	if (j->out.failed || send(j->fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return false;
	*q = (struct question){j->transaction, clock_ms() + j->conf.answer_ms, fn, arg};
	return true;
}

bool
janus_api_ask(struct janus_api *j, const struct janus_body *b, janus_answer_fn *fn, void *arg)
{
	if (j->state != READY)
		return false;
	buf_reset(&j->body);
	janus_write_body(&j->body, b);
	return !j->body.failed && ask(j, "message", buf_str(&j->body), fn, arg);
}

static void
take_own(struct janus_api *j, const struct janus_answer *a)
{
	if (a->word == JANUS_ERROR) {
		log_event(LOG_ERROR_, "janus-refuses", "%s: %lld %.*s", j->conf.path, (long long)a->code,
		    (int)a->text.n, a->text.p);
		drop(j, false, a->code == JANUS_UNAUTHORIZED ? REFUSED_PAUSE_MS : -1);
		return;
	}
	if (j->state == CREATING && a->id > 0) {
		j->to.session = a->id;
		j->state = ATTACHING;
		if (!ask(j, "attach", (struct str){"", 0}, NULL, NULL))
			lose(j, "no handle can be asked for");
	} else if (j->state == ATTACHING && a->id > 0) {
		j->to.handle = a->id;
		j->state = READY;
		j->pause = 0;
		j->said_gone = false;
		j->alive = clock_ms();
		log_event(LOG_INFO_, "janus-connected", "%s", j->conf.path);
		j->ops->up(j->arg);
	}
}

/* One message of Janus: an answer, or something that it says by itself. */
static void
take(struct janus_api *j, struct str text)
{
	struct janus_answer a;
	struct question *q = NULL;
	struct err e = {.depth = 0};

	if (janus_read(text, &j->mem, &a, &e) != 0) {
		log_event(LOG_WARN_, "janus-unreadable", "%zu bytes: %s", text.n, err_text(&e));
		return;
	}
	if (a.word == JANUS_TIMEOUT) {
		lose(j, "the session has timed out");
		return;
	}
	for (size_t i = 0; i < QUESTIONS && q == NULL; i++)
		if (a.transaction != 0 && j->questions[i].transaction == a.transaction)
			q = &j->questions[i];
	if (q == NULL)
		return;
	if (q->fn == NULL) {
		q->transaction = 0;
		take_own(j, &a);
	} else if (a.code == JANUS_NO_SESSION || a.code == JANUS_NO_HANDLE) {
		lose(j, "the session is not known any more");
	} else if (a.word != JANUS_ACK) {
		janus_answer_fn *fn = q->fn;
		void *arg = q->arg;

		q->transaction = 0;
		fn(arg, &a);
	}
}

static void
readable(void *arg, short revents)
{
	struct janus_api *j = arg;

	(void)revents;
	/* A few at a time, so that others have their turn. */
	for (int i = 0; i < 32 && j->fd >= 0; i++) {
		ssize_t n = recv(j->fd, j->in, JANUS_ANSWER_MAX, MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			lose(j, n < 0 ? strerror(errno) : "Janus has closed the connection");
			return;
		}
		if (n > JANUS_ANSWER_MAX) {
			log_event(LOG_WARN_, "janus-too-long", "a message of %zd bytes is dropped", n);
			continue;
		}
		take(j, (struct str){j->in, (size_t)n});
		arena_wipe(&j->mem);
	}
}

/* Keeps the session, and finds out when nothing comes any more. */
static void
watch_clock(void *arg)
{
	struct janus_api *j = arg;
	int64_t now = clock_ms();

	for (size_t i = 0; i < QUESTIONS; i++) {
		if (j->questions[i].transaction == 0 || j->questions[i].until > now)
			continue;
		lose(j, "Janus does not answer");
		return;
	}
	if (j->state == READY && now - j->alive >= j->conf.keepalive_ms) {
		j->alive = now;
		if (!ask(j, "keepalive", (struct str){"", 0}, NULL, NULL)) {
			lose(j, "the session cannot be kept");
			return;
		}
	}
	feed_timer(j->feed, 200, watch_clock, j);
}

static void
connect_now(struct janus_api *j)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int error;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", j->conf.path);
	j->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (j->fd >= 0 && connect(j->fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    feed_watch(j->feed, j->fd, POLLIN, readable, j) == 0) {
		j->state = CREATING;
		watch_clock(j);
		if (!ask(j, "create", (struct str){"", 0}, NULL, NULL))
			lose(j, "no session can be asked for");
		return;
	}
	error = errno;
	if (!j->said_gone)
		log_event(LOG_WARN_, "janus-away", "%s: %s", j->conf.path, strerror(error));
	j->said_gone = true;
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
	/* No socket, or nobody behind it: there is no Janus. Anything else says nothing about it. */
	drop(j, error == ENOENT || error == ECONNREFUSED, -1);
}

static void
connect_soon(void *arg)
{
	connect_now(arg);
}

void
janus_api_start(struct janus_api *j)
{
	connect_now(j);
}
