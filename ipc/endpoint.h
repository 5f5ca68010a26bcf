/* SPDX-License-Identifier: ISC */
/*
 * Addresses of the wire: ipc:///absolute/path or tcp://numeric-address:port.
 * Names are refused, because resolving one would block and would make a
 * resolver part of what decides who is talked to.
 */
#ifndef IPC_ENDPOINT_H
#define IPC_ENDPOINT_H

#include <stdbool.h>

#include "common/err.h"
#include "ipc/server.h"

enum {
	ENDPOINT_MAX = 160,                       /* bytes of an endpoint with its NUL */
	ENDPOINT_FRAME_MAX = IPC_MESSAGE_MAX + 64 /* what sockets let in: CURVE adds 33 bytes */
};

struct endpoint {
	char text[ENDPOINT_MAX];
	const char *path; /* ipc: points into the parsed argument; tcp: NULL */
	bool ipv6;
};

/* `listening` allows the port to be left open (* or 0). */
int endpoint_parse(struct endpoint *ret, const char *text, bool listening, struct err *e);

#endif
