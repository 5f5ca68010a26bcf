/* SPDX-License-Identifier: ISC */
/*
 * The connecting side: one DEALER socket in plain libzmq calls, made to live in
 * somebody else's event loop (Kore's worker), or to be waited on (tandemctl).
 * ZMQ_FD is an edge: after every readiness AND after every send the caller runs
 * ipc_client_recv() until it returns 0 (see "pending" below). Not thread-safe.
 */
#ifndef IPC_CLIENT_H
#define IPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/str.h"

struct ipc_client;

struct ipc_client_conf {
	const char *endpoint;    /* ipc:///path or tcp://numeric-address:port */
	const char *cert_file;   /* tcp: own certificate, as named to ipc_cert_make() */
	const char *server_cert; /* tcp: file with the server's public key */
	int queue;               /* high-water mark, messages */
	int reconnect_ms;        /* first reconnect interval, 10..100; doubles up to 250 */
	bool patient;            /* a peer that stands still is waited for, instead of cut off after
	                          * 3 s; for ipc, where the kernel says when a peer has gone */
};

enum ipc_event {
	IPC_NOTHING,
	IPC_UP,  /* a connection is ready (handshake done) */
	IPC_DOWN /* the connection has gone: whatever was under way is lost */
};

/* Connects in the background; must be called in the process and thread that will use it. */
int ipc_client_new(struct ipc_client **ret, const struct ipc_client_conf *conf, struct err *e);
void ipc_client_free(struct ipc_client *c);

/* Two descriptors for reading: messages (edge-triggered by nature) and connection events. */
int ipc_client_fd(const struct ipc_client *c);
int ipc_client_event_fd(const struct ipc_client *c);

/* Takes the next connection event, IPC_NOTHING when there is none. Call until IPC_NOTHING.
 * libzmq gives up for good on a peer that refused it or broke the protocol; this call and
 * ipc_client_send() start anew after a second, so an idle loop calls it once a second too. */
enum ipc_event ipc_client_event(struct ipc_client *c);

/* Whether anybody has ever taken a connection, as far as ipc_client_event() has been asked; it may
 * not have said yet who it is, as a process that is too busy. */
bool ipc_client_met(const struct ipc_client *c);

/* Sends without waiting: 0, -1 when there is no connection (none before ipc_client_event() has
 * said IPC_UP), the queue is full, or the frame is empty or too long. *pending: messages may
 * be waiting now although the descriptor will not say so (NULL = not asked). */
int ipc_client_send(struct ipc_client *c, struct str frame, bool *pending);
/* 1 = a frame (valid until the next call), 0 = none now. */
int ipc_client_recv(struct ipc_client *c, struct str *frame);

/* For programs without a loop: waits for a frame or event. 1 (look for both; it may be for
 * nothing), 0 on timeout, -1 on a signal. */
int ipc_client_wait(struct ipc_client *c, int timeout_ms);

#endif
