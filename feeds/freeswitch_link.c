/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

enum {
	READ_SIZE = 65536,
	READS_AT_ONCE = 16,
	OUT_MAX = 8 * 1024 * 1024,
	TICK_MS = 1000,
	PAUSE_LOOPBACK_MS = 1000,
	PAUSE_MS = 15000
};

static void on_ready(void *arg, short revents);
static void tick(void *arg);
static void settle(struct fs_link *l);

int
fs_link_address(struct fs_link *l, const char *host, int64_t port, struct err *e)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&l->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&l->to;
	bool loopback;

	memset(&l->to, 0, sizeof(l->to));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		l->to_n = sizeof(*v4);
		loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		l->to_n = sizeof(*v6);
		loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	} else {
		return err_set(e, ERR_INVALID, "freeswitch.host must be a numeric address");
	}
	l->pause_max_ms = loopback ? PAUSE_LOOPBACK_MS : PAUSE_MS;
	return 0;
}

static void
connect_again(void *arg)
{
	fs_link_start(arg);
}

/* Everything that waits for a reply learns that none will come. */
static void
fail_waiting(struct fs_link *l)
{
	size_t n = l->n;

	/* Only those of now: what is told may send again, which a link that is down refuses. */
	for (; n > 0; n--) {
		struct fs_waiting w = l->v[l->first];

		l->first = (l->first + 1) % l->size;
		l->n--;
		w.fn(w.arg, w.tag, w.name, (struct str){"", 0}, true);
		free(w.name);
	}
}

static void
shut(struct fs_link *l)
{
	enum fs_link_state was = l->state;

	if (l->fd >= 0) {
		feed_unwatch(l->f, l->fd);
		close(l->fd);
	}
	l->fd = -1;
	l->state = FS_LINK_DOWN;
	l->why = NULL;
	esl_free(&l->esl);
	buf_wipe(&l->out);
	l->sent = 0;
	feed_timer(l->f, -1, tick, l);
	fail_waiting(l);
	if (was == FS_LINK_UP)
		l->lost(l->arg);
}

static void
lose_now(void *arg)
{
	settle(arg);
}

void
fs_link_close(struct fs_link *l)
{
	if (l->state != FS_LINK_DOWN)
		shut(l);
	feed_timer(l->f, -1, connect_again, l);
	feed_timer(l->f, -1, lose_now, l);
	free(l->v);
	l->v = NULL;
	l->size = l->n = l->first = 0;
}

void
fs_link_lose(struct fs_link *l, const char *why)
{
	if (l->why != NULL || l->state == FS_LINK_DOWN)
		return;
	/* Not here: a message of this connection may be in somebody's hands. */
	l->why = why;
	feed_timer(l->f, 0, lose_now, l);
}

/* Closes what is to be closed. */
static void
settle(struct fs_link *l)
{
	const char *why = l->why;
	bool up = l->state == FS_LINK_UP;
	int64_t pause;

	if (why == NULL)
		return;
	/* One line for a switch that stays away, not one for each attempt. */
	if (up || !l->told)
		log_event(LOG_WARN_, "switch", "%s: %s", l->label, why);
	l->told = true;
	if (up)
		l->pause_ms = 0;
	shut(l);
	/* Whoever is refused does not ask every second. */
	pause = feed_backoff(&l->pause_ms, l->refused ? PAUSE_MS : l->pause_max_ms);
	feed_timer(l->f, pause, connect_again, l);
}

void
fs_link_start(struct fs_link *l)
{
	int one = 1;

	if (l->state != FS_LINK_DOWN)
		return;
	esl_init(&l->esl);
	buf_init(&l->out, OUT_MAX);
	l->sent = 0;
	l->why = NULL;
	l->heard_ms = clock_ms();
	l->state = FS_LINK_CONNECTING;
	l->fd = socket(l->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0) {
		fs_link_lose(l, "no socket");
		return;
	}
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(l->fd, (struct sockaddr *)&l->to, l->to_n) != 0 && errno != EINPROGRESS)
		fs_link_lose(l, "cannot be reached");
	else if (feed_watch(l->f, l->fd, POLLOUT, on_ready, l) != 0)
		fs_link_lose(l, "too many descriptors");
	feed_timer(l->f, TICK_MS, tick, l);
}

static void
flush(struct fs_link *l)
{
	while (l->sent < l->out.n) {
		ssize_t n = send(l->fd, l->out.p + l->sent, l->out.n - l->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			fs_link_lose(l, "closed");
			return;
		}
		l->sent += (size_t)n;
	}
	if (l->sent == l->out.n) {
		/* The password goes through here once. */
		explicit_bzero(l->out.p, l->out.n);
		buf_reset(&l->out);
		l->sent = 0;
	}
	feed_watch(l->f, l->fd, (short)(POLLIN | (l->out.n > 0 ? POLLOUT : 0)), on_ready, l);
}

static bool
wait_for(struct fs_link *l, fs_reply_fn *fn, void *arg, int64_t tag, const char *name)
{
	if (l->n == l->size) {
		size_t size = l->size > 0 ? l->size * 2 : 64;
		struct fs_waiting *v = size <= FS_WAITING_MAX ? calloc(size, sizeof(*v)) : NULL;

		if (v == NULL)
			return false;
		for (size_t i = 0; i < l->n; i++)
			v[i] = l->v[(l->first + i) % l->size];
		free(l->v);
		l->v = v;
		l->size = size;
		l->first = 0;
	}
	l->v[(l->first + l->n++) % l->size] =
	    (struct fs_waiting){fn, arg, tag, name != NULL ? strdup(name) : NULL, clock_ms()};
	return true;
}

bool
fs_link_send(
    struct fs_link *l, const char *line, fs_reply_fn *fn, void *arg, int64_t tag, const char *name)
{
	if (l->state != FS_LINK_UP || l->why != NULL || strpbrk(line, "\r\n") != NULL ||
	    l->out.n + strlen(line) + 2 > OUT_MAX || !wait_for(l, fn, arg, tag, name))
		return false;
	buf_adds(&l->out, line);
	buf_adds(&l->out, "\n\n");
	if (l->out.failed)
		fs_link_lose(l, "no memory");
	else
		feed_watch(l->f, l->fd, POLLIN | POLLOUT, on_ready, l);
	return true;
}

static void
answer(struct fs_link *l, struct str text)
{
	struct fs_waiting w;

	if (l->n == 0) {
		fs_link_lose(l, "a reply to nothing");
		return;
	}
	w = l->v[l->first];
	l->first = (l->first + 1) % l->size;
	l->n--;
	if (l->n > 0)
		l->v[l->first].since_ms = clock_ms();
	w.fn(w.arg, w.tag, w.name, text, false);
	free(w.name);
}

static void
login(struct fs_link *l, const struct esl_message *m)
{
	if (str_eqc(m->type, "auth/request") && l->out.n == 0) {
		buf_printf(&l->out, "auth %s\n\n", l->password);
		flush(l);
	} else if (str_eqc(m->type, "command/reply") && str_starts(m->reply, "+OK")) {
		l->state = FS_LINK_UP;
		l->pause_ms = 0;
		l->told = l->refused = false;
		log_event(LOG_INFO_, "switch", "%s: connected", l->label);
		l->up(l->arg);
	} else if (str_eqc(m->type, "command/reply")) {
		l->refused = true;
		fs_link_lose(l, "the switch refuses the password");
	} else {
		fs_link_lose(l, "this is no Event Socket");
	}
}

static bool
on_message(void *arg, const struct esl_message *m)
{
	struct fs_link *l = arg;

	if (str_eqc(m->type, "text/disconnect-notice")) {
		fs_link_lose(l, "the switch ends the connection");
	} else if (str_eqc(m->type, "text/rude-rejection")) {
		fs_link_lose(l, "the switch's access list refuses this host");
	} else if (l->state == FS_LINK_LOGIN) {
		login(l, m);
	} else if (str_eqc(m->type, "command/reply")) {
		answer(l, m->reply);
	} else if (str_eqc(m->type, "api/response")) {
		answer(l, m->body);
	} else if (str_starts(m->type, "text/event-")) {
		l->event(l->arg, m);
	}
	return l->why == NULL;
}

static void
receive(struct fs_link *l)
{
	static char room[READ_SIZE];
	struct err e = {0};

	for (int i = 0; i < READS_AT_ONCE && l->why == NULL; i++) {
		ssize_t n = recv(l->fd, room, sizeof(room), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			fs_link_lose(l, "closed");
			return;
		}
		l->heard_ms = clock_ms();
		if (esl_take(&l->esl, (struct str){room, (size_t)n}, on_message, l, &e) != 0) {
			log_event(LOG_WARN_, "switch", "%s: %s", l->label, err_text(&e));
			fs_link_lose(l, "what comes is not the Event Socket's protocol");
		}
	}
}

static void
on_ready(void *arg, short revents)
{
	struct fs_link *l = arg;
	int why = 0;
	socklen_t n = sizeof(why);

	if (l->state == FS_LINK_CONNECTING) {
		if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0 || why != 0) {
			fs_link_lose(l, "cannot be reached");
		} else {
			l->state = FS_LINK_LOGIN;
			feed_watch(l->f, l->fd, POLLIN, on_ready, l);
		}
		settle(l);
		return;
	}
	if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		receive(l);
	if (l->why == NULL && l->out.n > 0)
		flush(l);
	settle(l);
}

static void
on_sign(void *arg, int64_t tag, const char *name, struct str text, bool lost)
{
	(void)arg;
	(void)tag;
	(void)name;
	(void)text;
	(void)lost;
}

static void
tick(void *arg)
{
	struct fs_link *l = arg;
	int64_t now = clock_ms();

	if (l->state != FS_LINK_UP && now - l->heard_ms > FS_REPLY_MS)
		fs_link_lose(l, "no answer");
	else if (l->n > 0 && now - l->v[l->first].since_ms > FS_REPLY_MS)
		fs_link_lose(l, "no reply in time");
	else if (esl_midway(&l->esl) && now - l->heard_ms > FS_REPLY_MS)
		fs_link_lose(l, "a message stops in its middle");
	else if (l->state == FS_LINK_UP && l->n == 0 && now - l->heard_ms > FS_SILENCE_MS)
		fs_link_send(l, "api global_getvar core_uuid", on_sign, NULL, 0, NULL);
	if (l->why != NULL)
		settle(l);
	else
		feed_timer(l->f, TICK_MS, tick, l);
}
