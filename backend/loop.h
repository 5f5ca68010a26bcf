/* SPDX-License-Identifier: ISC */
/*
 * The loop thread: owns the sockets, reads messages, sends answers, talks to
 * the auth child. It never calls the store.
 */
#ifndef BACKEND_LOOP_H
#define BACKEND_LOOP_H

#include "backend/backend.h"

enum { LOOP_SERVERS_MAX = 4 };

struct loop_conf {
	struct backend *be;
	struct ipc_server
	    *servers[LOOP_SERVERS_MAX]; /* gateways' first, then feeds', the control socket last */
	size_t n;
	struct ipc_server *feeds; /* the one of them where feeds connect; NULL = none */
	int signal_fd;            /* signalfd: SIGTERM and SIGINT stop, SIGHUP rereads allow-lists */
};

/* Runs until a signal says stop: 0; -1 when the auth child has gone or the sockets failed. */
int loop_run(const struct loop_conf *conf, struct err *e);

#endif
