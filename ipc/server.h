/* SPDX-License-Identifier: ISC */
/*
 * The listening side of the wire between processes: one ROUTER socket (czmq)
 * on ipc:// (directory mode and peer credentials decide) or tcp:// (CURVE with
 * an allow-list of public keys). It carries single frames, whose content is
 * the business of env.h. Not thread-safe: one thread owns all servers of a
 * process. A child of fork() must not touch those of its parent.
 */
#ifndef IPC_SERVER_H
#define IPC_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/str.h"

enum {
	IPC_MESSAGE_MAX = 2 * 1024 * 1024, /* longer is dropped, much longer cuts off */
	IPC_PEER_MAX = 64,                 /* bytes of a peer's routing id */
	IPC_PATH_MAX = 107,                /* longest path of a unix socket */
	IPC_WAIT_MAX = 64                  /* descriptors for ipc_wait(), each server counts two */
};

struct ipc_server;

struct ipc_server_conf {
	const char *endpoint;  /* ipc:///path or tcp://numeric-address:port (port * = any) */
	unsigned mode;         /* mode of the ipc socket file, e.g. 0660 */
	const uid_t *uids;     /* ipc: users that may connect, checked by peer credentials */
	size_t uid_count;      /* 0 = own user and root only */
	gid_t group;           /* ipc: group of the socket file; (gid_t)-1 = leave */
	const char *cert_file; /* tcp: own certificate, as named to ipc_cert_make() */
	const char *allow_dir; /* tcp: directory of the public certificates that may connect */
	int queue;             /* high-water mark per peer, messages */
};

/* Who sent a frame; opaque, copied freely. */
struct ipc_peer {
	unsigned char id[IPC_PEER_MAX];
	size_t n;
};

/* Binds. A path that is too long, a port in use, a missing certificate are said plainly in *e. */
int ipc_server_new(struct ipc_server **ret, const struct ipc_server_conf *conf, struct err *e);
void ipc_server_free(struct ipc_server *s);

/* The endpoint in use, with the real port; valid as long as the server. */
const char *ipc_server_endpoint(const struct ipc_server *s);
/* Rereads allow_dir (on SIGHUP); nothing else does. Connected peers whose key is gone are not
 * cut. On failure the list stays as it was. */
int ipc_server_reload(struct ipc_server *s, struct err *e);

/* Waits at most timeout_ms (-1 = for ever) for a frame on any of `n` servers or an event on
 * any of `nfd` descriptors (revents is filled in). ready[i] says whether server i has a
 * frame. Number of ready things, 0 on timeout or signal, -1 with *e. */
int ipc_wait(struct ipc_server **servers, bool *ready, size_t n, struct pollfd *fds, size_t nfd,
    int timeout_ms, struct err *e);

/* Takes one frame without waiting: 1 (*frame is valid until the next call with this server),
 * 0 = none. Frames that break the rules (no single payload, empty) are dropped and counted. */
int ipc_server_recv(struct ipc_server *s, struct ipc_peer *from, struct str *frame);
/* Sends without waiting: 0, or -1 when the peer has gone or its queue is full. */
int ipc_server_send(struct ipc_server *s, const struct ipc_peer *to, struct str frame);

/* Frames dropped by the rules since the start. */
unsigned long ipc_server_dropped(const struct ipc_server *s);
/* Connections refused since the start (user, key, protocol, no descriptor left), as far as
 * ipc_wait() has seen. */
unsigned long ipc_server_refused(const struct ipc_server *s);

#endif
