/* SPDX-License-Identifier: ISC */
#include "backend/loop.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backend/answer.h"
#include "backend/audit_sealer.h"
#include "backend/commands.h"
#include "backend/control.h"
#include "backend/event_streams.h"
#include "backend/peers.h"
#include "backend/routes.h"
#include "backend/streams.h"
#include "common/clock.h"
#include "common/log.h"

enum { DEADLINE_MAX_MS = 30000, BURST = 256, TICK_MS = 1000 };

struct loop {
	struct backend *be;
	struct peers *peers;
	struct streams *streams;
	struct ipc_server *control, *feeds;
	int64_t frames; /* dropped by the sockets so far */
	int64_t swept_us;
	bool stop;
};

static void
drop(struct loop *l)
{
	l->be->dropped++;
}

static void
say_unknown(struct ipc_server *s, const struct ipc_peer *from)
{
	char type = ENV_UNKNOWN;

	ipc_server_send(s, from, (struct str){&type, 1});
}

static void
on_hello(struct loop *l, struct ipc_server *s, const struct ipc_peer *from, struct str frame)
{
	unsigned char tables[8];
	struct arena a;
	struct hello in, out;
	struct settings settings;
	struct buf buf;
	struct err e = {0};
	bool same = true;

	arena_init(&a, 65536);
	buf_init(&buf, 4096);
	if (env_read(frame, ENV_HELLO, &in, &a, &e) != 0) {
		drop(l);
	} else {
		/* Another version gets our hello too, so that it can say what is wrong. */
		env_hello(&out, tables, "backend");
		if (settings_now_get(l->be->settings, &settings, &a) == 0)
			REC_SET(&out, hello, realm, settings.realm);
		env_write(&buf, ENV_HELLO, &out);
		ipc_server_send(s, from, buf_str(&buf));
		if (env_hello_check(&in, &same, &e) == 0)
			peers_hello(l->peers, s, from, clock_us());
		else
			log_event(LOG_WARN_, "peer-refused", "%s", err_text(&e));
		if (!same)
			log_event(LOG_WARN_, "peer-tables", "a peer of release %.*s has other tables",
			    (int)in.release.n, in.release.p);
	}
	buf_free(&buf);
	arena_free(&a);
}

/* Fills in what the tables say; an answer at once when they forbid it. */
static bool
acceptable(struct job *j)
{
	j->res = res_by_number(j->req.res);
	if (j->res == NULL || j->res->local)
		err_set(&j->err, ERR_NOT_FOUND, NULL);
	else if (!res_allows(j->res, (enum method)j->req.method) ||
	    (j->req.method & (j->req.method - 1)) != 0)
		err_set(&j->err, ERR_METHOD, NULL);
	else
		return true;
	return false;
}

static void
on_request(struct loop *l, struct ipc_server *s, const struct ipc_peer *from, struct str frame)
{
	struct job *j;
	int64_t left;

	if (!peers_known(l->peers, s, from, clock_us())) {
		say_unknown(s, from);
		return;
	}
	if ((j = job_new(l->be)) == NULL)
		return;
	j->via = s;
	j->peer = *from;
	j->arrived_us = j->last_us = clock_us();
	frame = arena_copy(&j->arena, frame);
	if (frame.p == NULL || env_read(frame, ENV_REQUEST, &j->req, &j->arena, &j->err) != 0) {
		drop(l);
		job_free(j);
		return;
	}
	left = j->req.deadline < DEADLINE_MAX_MS ? j->req.deadline : DEADLINE_MAX_MS;
	j->overdue_us = j->arrived_us + left * 1000;
	if (!acceptable(j) || (j->res->access == ACCESS_PUBLIC && j->res->shape == SHAPE_PING)) {
		/* What needs neither store nor proof is answered right here. */
		answer_send(j);
		job_free(j);
	} else if (l->be->in_flight > l->be->conf->backend_queue || pool_submit(l->be->pool, j) != 0) {
		j->retry_after = 1;
		err_set(&j->err, ERR_UNAVAILABLE, NULL);
		answer_send(j);
		job_free(j);
	}
}

static void
on_credit(struct loop *l, struct ipc_server *s, const struct ipc_peer *from, struct str frame)
{
	struct arena a;
	struct credit c;
	struct err e = {0};

	arena_init(&a, 4096);
	if (!peers_known(l->peers, s, from, clock_us()) || env_read(frame, ENV_CREDIT, &c, &a, &e) != 0)
		drop(l);
	else if (!event_streams_credit(l->be->events, s, from, c.id, c.parts))
		streams_credit(l->streams, s, from, c.id, c.parts);
	arena_free(&a);
}

static void
on_frame(struct loop *l, struct ipc_server *s, const struct ipc_peer *from, struct str frame)
{
	enum env_type type = env_type(frame);

	if (s == l->feeds)
		feeds_receive(l->be->feeds, s, from, frame);
	else if (s == l->control && type == ENV_CTL_REQUEST)
		control_receive(l->be, s, from, frame);
	else if (s != l->control && type == ENV_HELLO)
		on_hello(l, s, from, frame);
	else if (s != l->control && type == ENV_REQUEST)
		on_request(l, s, from, frame);
	else if (s != l->control && type == ENV_CREDIT)
		on_credit(l, s, from, frame);
	else
		drop(l);
}

static void
finish(struct loop *l, struct job *j)
{
	if (j->control) {
		control_send(j);
		job_free(j);
	} else if (j->forgotten) {
		streams_forget(l->streams, j);
		job_free(j);
	} else if (j->err.code == ERR_OK && res_is_endless(j->res)) {
		if (event_streams_part(l->be->events, j) != 0)
			job_free(j);
	} else if (j->err.code == ERR_OK && (j->more || j->streaming)) {
		/* The job lives on until its last part. */
		if (streams_part(l->streams, j) != 0)
			job_free(j);
	} else {
		answer_send(j);
		streams_forget(l->streams, j);
		event_streams_forget(l->be->events, j);
		job_free(j);
	}
}

static void
refuse(struct loop *l, struct job *j, enum err_code code, int64_t retry_after)
{
	j->retry_after = retry_after;
	err_set(&j->err, code, NULL);
	finish(l, j);
}

/* For the auth child's callbacks, which carry the job alone; there is one loop in a process.
 * NULL once it has ended: what was under way is then dropped. */
static struct loop *the_loop;

/* Whether there is nothing to go on with: no loop any more, or no auth child, whose silence says
 * nothing about a password. The job has been dealt with then. */
static bool
is_over(struct job *j, bool ok)
{
	if (the_loop == NULL)
		job_free(j);
	else if (!ok && auth_has_gone(j->be->auth))
		refuse(the_loop, j, ERR_UNAVAILABLE, 1);
	else
		return false;
	return true;
}

static void
verified(void *arg, bool ok, struct str result)
{
	struct job *j = arg;
	struct backend *be = j->be;

	(void)result;
	if (is_over(j, ok))
		return;
	if (!ok || j->verify.user == 0) {
		be->login_failures++;
		tries_failed(be->tries, j->verify.account, clock_us() / 1000);
		refuse(the_loop, j, ERR_UNAUTHORIZED, 0);
		return;
	}
	be->logins++;
	tries_succeeded(be->tries, j->verify.account);
	memo_add(be->known.passwords, &j->verify.memo, clock_wall_ms() + PASSWORD_MEMO_MS);
	j->verify.done = true;
	if (pool_submit(be->pool, j) != 0)
		refuse(the_loop, j, ERR_UNAVAILABLE, 1);
}

static void
verify(struct loop *l, struct job *j)
{
	struct backend *be = l->be;
	int64_t wait = tries_wait(be->tries, j->verify.account, clock_us() / 1000);
	struct str hash = j->verify.hash.n > 0 ? j->verify.hash : be->decoy_hash;

	if (wait > 0)
		refuse(l, j, ERR_TOO_MANY, wait);
	else if (auth_verify(be->auth, j->req.cred.password, hash, verified, j) != 0)
		refuse(l, j, ERR_UNAVAILABLE, 1);
}

static void
signed_(void *arg, bool ok, struct str signature)
{
	struct job *j = arg;

	if (is_over(j, ok))
		return;
	if (!ok || answer_session(j, signature) != 0)
		err_set(&j->err, ERR_INTERNAL, NULL);
	finish(the_loop, j);
}

static void
sign(struct loop *l, struct job *j)
{
	struct buf payload;

	buf_init(&payload, AUTH_PAYLOAD_MAX);
	REC_SET(&j->sign, cap, key, cap_key_id(l->be->known.public_key));
	cap_write(&j->sign, &payload);
	if (payload.failed || auth_sign(l->be->auth, buf_str(&payload), signed_, j) != 0)
		refuse(l, j, ERR_UNAVAILABLE, 1);
	buf_free(&payload);
}

static void
hashed(void *arg, bool ok, struct str hash)
{
	struct job *j = arg;

	if (is_over(j, ok))
		return;
	j->new_hash = ok ? arena_copy(&j->arena, hash) : (struct str){NULL, 0};
	if (j->new_hash.p == NULL || pool_submit(j->be->pool, j) != 0)
		refuse(the_loop, j, ERR_UNAVAILABLE, 1);
}

static void
pictured(void *arg, enum image_result result, struct str png)
{
	struct job *j = arg;

	if (the_loop == NULL) {
		job_free(j);
		return;
	}
	if (result == IMAGE_NOT_NOW) {
		refuse(the_loop, j, ERR_UNAVAILABLE, 1);
		return;
	}
	if (result != IMAGE_DONE) {
		err_set(&j->err, ERR_MALFORMED,
		    result == IMAGE_BAD ? "the picture is no PNG, JPEG or GIF that can be read"
		                        : "the picture has too many pixels");
		finish(the_loop, j);
		return;
	}
	j->picture = arena_copy(&j->arena, png);
	if (j->picture.p == NULL || pool_submit(j->be->pool, j) != 0)
		refuse(the_loop, j, ERR_UNAVAILABLE, 1);
}

static void
proved(void *arg, bool ok, struct str result)
{
	struct job *j = arg;

	(void)result;
	if (is_over(j, ok))
		return;
	if (!ok) {
		tries_failed(j->be->tries, j->verify.account, clock_us() / 1000);
		err_set(
		    &j->err, ERR_FORBIDDEN, j->control ? "it is wrong" : "the current password is wrong");
		finish(the_loop, j);
		return;
	}
	tries_succeeded(j->be->tries, j->verify.account);
	j->proved = true;
	if (pool_submit(j->be->pool, j) != 0)
		refuse(the_loop, j, ERR_UNAVAILABLE, 1);
}

static void
prove(struct loop *l, struct job *j)
{
	int64_t wait = tries_wait(l->be->tries, j->verify.account, clock_us() / 1000);

	if (wait > 0)
		refuse(l, j, ERR_TOO_MANY, wait);
	else if (auth_verify(l->be->auth, j->proof, j->verify.hash, proved, j) != 0)
		refuse(l, j, ERR_UNAVAILABLE, 1);
}

static void
opened(void *arg, bool ok, struct str password)
{
	struct job *j = arg;

	if (is_over(j, ok))
		return;
	/* Without the key that it was sealed for the rest of the answer is worth having. */
	if (!ok)
		log_event(LOG_WARN_, "sealed", "the SIP password of %.*s does not open",
		    (int)j->who.user.user_name.n, j->who.user.user_name.p);
	j->opened = arena_copy(&j->arena, password);
	j->was_opened = true;
	if (j->opened.p == NULL || pool_submit(j->be->pool, j) != 0)
		refuse(the_loop, j, ERR_UNAVAILABLE, 1);
}

static void
commanded(struct job *j)
{
	if (pool_submit(j->be->pool, j) != 0)
		refuse(the_loop, j, ERR_UNAVAILABLE, 1);
}

static void
came_back(struct loop *l, struct job *j)
{
	switch (j->then) {
	case NEXT_VERIFY:
		verify(l, j);
		break;
	case NEXT_SIGN:
		sign(l, j);
		break;
	case NEXT_HASH:
		if (auth_hash(l->be->auth, j->secret, hashed, j) != 0)
			refuse(l, j, ERR_UNAVAILABLE, 1);
		break;
	case NEXT_IMAGE:
		if (image_scale(l->be->image, j->upload, pictured, j) != 0)
			refuse(l, j, ERR_UNAVAILABLE, 1);
		break;
	case NEXT_PROVE:
		prove(l, j);
		break;
	case NEXT_OPEN:
		if (auth_open(l->be->auth, j->box, j->who.user.user_name, opened, j) != 0)
			refuse(l, j, ERR_UNAVAILABLE, 1);
		break;
	case NEXT_COMMAND:
		if (commands_start(l->be->commands, j) != 0)
			refuse(l, j, ERR_UNAVAILABLE, 1);
		break;
	case NEXT_REPLY:
		finish(l, j);
		break;
	}
}

static void
take_back(struct loop *l)
{
	struct job *j = pool_take(l->be->pool), *next;

	for (; j != NULL; j = next) {
		next = j->next;
		came_back(l, j);
	}
}

static void
on_signal(struct loop *l, const struct loop_conf *conf)
{
	struct signalfd_siginfo info;

	while (read(conf->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			l->stop = true;
		for (size_t i = 0; info.ssi_signo == SIGHUP && i < conf->n; i++) {
			struct err e = {0};

			if (ipc_server_reload(conf->servers[i], &e) != 0)
				log_event(LOG_WARN_, "reload", "%s", err_text(&e));
		}
	}
}

static void
receive(struct loop *l, struct ipc_server *s)
{
	struct ipc_peer from;
	struct str frame;

	for (int i = 0; i < BURST && ipc_server_recv(s, &from, &frame) == 1; i++)
		on_frame(l, s, &from, frame);
}

/* What the sockets dropped or refused by themselves, for the status. */
static void
count_refusals(struct loop *l, const struct loop_conf *conf)
{
	int64_t frames = 0, peers = 0;

	for (size_t i = 0; i < conf->n; i++) {
		frames += (int64_t)ipc_server_dropped(conf->servers[i]);
		peers += (int64_t)ipc_server_refused(conf->servers[i]);
	}
	if (peers > l->be->refused)
		log_event(LOG_WARN_, "peer-refused", "%lld connections were refused",
		    (long long)(peers - l->be->refused));
	l->be->dropped += frames - l->frames;
	l->frames = frames;
	l->be->refused = peers;
}

static void
sweep(struct loop *l, const struct loop_conf *conf)
{
	l->swept_us = clock_us();
	streams_sweep(l->streams, l->swept_us);
	event_streams_sweep(l->be->events, l->swept_us);
	l->be->gateways = peers_fresh(l->peers, l->swept_us);
	count_refusals(l, conf);
	feeds_sweep(l->be->feeds, l->swept_us);
	audit_sealer_tick(l->be->sealer);
}

static int
run(struct loop *l, const struct loop_conf *conf, struct err *e)
{
	while (!l->stop) {
		bool ready[LOOP_SERVERS_MAX] = {false};
		struct pollfd fds[] = {
		    {.fd = conf->signal_fd, .events = POLLIN},
		    {.fd = auth_fd(l->be->auth), .events = POLLIN},
		    {.fd = pool_fd(l->be->pool), .events = POLLIN},
		    {.fd = image_fd(l->be->image), .events = POLLIN}, /* -1 is passed over */
		    {.fd = feeds_fd(l->be->feeds), .events = POLLIN},
		    {.fd = routes_fd(l->be->routes), .events = POLLIN},
		    {.fd = event_streams_fd(l->be->events), .events = POLLIN},
		};

		if (ipc_wait((struct ipc_server **)(uintptr_t)conf->servers, ready, conf->n, fds, 7,
		        commands_wait(l->be->commands, TICK_MS), e) < 0)
			return -1;
		if (fds[0].revents != 0)
			on_signal(l, conf);
		if (fds[1].revents != 0 && auth_read(l->be->auth) != 0)
			return err_set(e, ERR_INTERNAL, "the auth child has gone");
		if (fds[2].revents != 0)
			take_back(l);
		if (fds[3].revents != 0 && image_read(l->be->image) != 0)
			log_event(LOG_ERROR_, "image-process", "has gone: no uploads until the next start");
		if (fds[4].revents != 0)
			feeds_take_back(l->be->feeds);
		if (fds[5].revents != 0)
			routes_send(l->be->routes);
		if (fds[6].revents != 0)
			event_streams_wake(l->be->events);
		for (size_t i = 0; i < conf->n; i++)
			if (ready[i])
				receive(l, conf->servers[i]);
		feeds_flush(l->be->feeds);
		commands_expire(l->be->commands);
		pool_wake(l->be->pool);
		if (clock_us() - l->swept_us >= TICK_MS * 1000)
			sweep(l, conf);
	}
	return 0;
}

int
loop_run(const struct loop_conf *conf, struct err *e)
{
	struct loop l = {.be = conf->be, .control = conf->servers[conf->n - 1], .feeds = conf->feeds};
	int rc;

	l.peers = peers_new();
	l.streams = streams_new(conf->be->pool);
	conf->be->commands = commands_new(conf->be->feeds, commanded);
	if (l.peers == NULL || l.streams == NULL || conf->be->commands == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	the_loop = &l;
	rc = run(&l, conf, e);
	the_loop = NULL;
	commands_free(conf->be->commands);
	streams_free(l.streams);
	peers_free(l.peers);
	return rc;
}
