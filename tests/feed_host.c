/* SPDX-License-Identifier: ISC */
#include "tests/feed_host.h"

#include <check.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "ipc/server.h"
#include "tests/rig.h"

enum { PATIENCE_MS = 15000 };

static struct ipc_server *server;
static struct ipc_peer peer;
static struct arena mem;
char host_epoch[80];

void
host_open(const char *endpoint)
{
	const struct passwd *pw = getpwnam("tandem-feed");
	uid_t uids[] = {0, geteuid(), pw != NULL ? pw->pw_uid : 0};
	struct ipc_server_conf conf = {.endpoint = endpoint,
	    .mode = 0666,
	    .uids = uids,
	    .uid_count = 3,
	    .group = (gid_t)-1,
	    .queue = 4096};
	struct err e = {0};

	ck_assert_msg(ipc_server_new(&server, &conf, &e) == 0, "%s", err_text(&e));
	arena_init(&mem, 64 << 20);
}

void
host_close(void)
{
	ipc_server_free(server);
	arena_free(&mem);
}

int
host_next(struct str *frame, int ms)
{
	long long until = ms_now() + ms;
	struct err e = {0};
	bool ready;

	while (ipc_server_recv(server, &peer, frame) != 1) {
		if (ms_now() >= until)
			return 0;
		ipc_wait(&server, &ready, 1, NULL, 0, 20, &e);
	}
	*frame = arena_copy(&mem, *frame);
	return 1;
}

void
host_expect(enum env_type type, void *obj)
{
	struct err e = {0};
	struct str frame;

	do
		ck_assert_msg(host_next(&frame, PATIENCE_MS) == 1, "no frame of type %d", (int)type);
	while (env_type(frame) != type);
	ck_assert_msg(env_read(frame, type, obj, &mem, &e) == 0, "%s", err_text(&e));
}

void
host_frame(struct str frame)
{
	ck_assert_int_eq(ipc_server_send(server, &peer, frame), 0);
}

void
host_send(enum env_type type, const void *obj)
{
	struct buf b;

	buf_init(&b, 65536);
	env_write(&b, type, obj);
	host_frame(buf_str(&b));
	buf_free(&b);
}

size_t
host_welcome(int64_t applied, int64_t window)
{
	struct feed_welcome w = {0};
	struct feed_hello h;

	host_expect(ENV_FEED_HELLO, &h);
	snprintf(host_epoch, sizeof(host_epoch), "%.*s", (int)h.epoch.n, h.epoch.p);
	REC_SET(&w, feed_welcome, epoch, h.epoch);
	REC_SET(&w, feed_welcome, applied, applied);
	REC_SET(&w, feed_welcome, window, window);
	REC_SET(&w, feed_welcome, major, FEED_MAJOR);
	REC_SET(&w, feed_welcome, minor, FEED_MINOR);
	host_send(ENV_FEED_WELCOME, &w);
	return REC_HAS(&h, feed_hello, verbs) ? h.verbs.n : 0;
}
