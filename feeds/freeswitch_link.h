/* SPDX-License-Identifier: ISC */
/*
 * One connection to FreeSWITCH's Event Socket: connects, logs in, sends commands and hands each its
 * reply, hands out events; connects again by itself when it is lost. A peer that is silent is asked
 * for a sign of life, and one that does not answer in time counts as lost.
 */
#ifndef FEEDS_FREESWITCH_LINK_H
#define FEEDS_FREESWITCH_LINK_H

#include <sys/socket.h>

#include "common/buf.h"
#include "feeds/feed.h"
#include "feeds/freeswitch_esl.h"

enum {
	FS_REPLY_MS = 10000,   /* longest wait for a reply, and within a message */
	FS_SILENCE_MS = 25000, /* the switch beats every 20 s */
	FS_WAITING_MAX = 65536,
	FS_PASSWORD_MAX = 256
};

enum fs_link_state { FS_LINK_DOWN, FS_LINK_CONNECTING, FS_LINK_LOGIN, FS_LINK_UP };

/* What came of a command; lost: the connection went before its reply. `text` is what stands behind
 * Reply-Text, or an api's body. */
typedef void fs_reply_fn(void *arg, int64_t tag, const char *name, struct str text, bool lost);

struct fs_waiting {
	fs_reply_fn *fn;
	void *arg;
	int64_t tag;
	char *name;
	int64_t since_ms;
};

struct fs_link {
	struct feed *f;
	const char *label;    /* for logs */
	const char *password; /* never logged */
	struct sockaddr_storage to;
	socklen_t to_n;
	int64_t pause_max_ms;

	void (*up)(void *arg);
	void (*lost)(void *arg);
	void (*event)(void *arg, const struct esl_message *m);
	void *arg;

	enum fs_link_state state;
	int fd;
	struct esl esl;
	struct buf out;
	size_t sent;
	struct fs_waiting *v; /* a ring of `size` */
	size_t first, n, size;
	int64_t pause_ms, heard_ms;
	const char *why; /* it is to be closed, since … */
	bool told;       /* that it cannot be reached was logged */
	bool refused;    /* the password was */
};

/* Reads "host" (a numeric address) and port. 0, or -1 with *e. */
int fs_link_address(struct fs_link *l, const char *host, int64_t port, struct err *e);
/* Begins to connect. Before: everything above `state` is set, and the rest is 0. */
void fs_link_start(struct fs_link *l);
void fs_link_close(struct fs_link *l);
/* Gives up this connection for a reason and connects again; can be called from anywhere. */
void fs_link_lose(struct fs_link *l, const char *why);

/* Sends one line, which has neither CR nor LF. fn is called once, with a copy of the name (may be
 * NULL). False, and fn is not called, when the link is not up or too much is waiting. */
bool fs_link_send(
    struct fs_link *l, const char *line, fs_reply_fn *fn, void *arg, int64_t tag, const char *name);

#endif
