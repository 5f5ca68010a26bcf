/* SPDX-License-Identifier: ISC */
/*
 * Telephones that are no script: baresip, registered at a proxy and taken off the hook by a test.
 * They and everybody they talk to live in a network of the test's own, since baresip refuses to
 * live on the loopback's addresses alone.
 */
#ifndef TESTS_SOFTPHONE_H
#define TESTS_SOFTPHONE_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/child.h"

struct softphone {
	const char *number;
	char ip[20];
	struct child program;
	int control;
	char heard[65536]; /* events that the test has not waited for yet, as they came */
	size_t n;
};

/* Whether this machine lets the test make a network. */
bool softphone_network_possible(void);
/* From here on the process and whatever it starts are in a network of their own, which goes with
 * the last of them. It has a loopback, and addresses for `phones` telephones. */
void softphone_network(int phones);

/* Starts the telephone that has one of these addresses, the first being 0, with its files in `dir`.
 * It registers as number@domain with the proxy at "ip:port", and has when this returns. */
void softphone_start(struct softphone *p, int address, const char *number, const char *domain,
    const char *proxy, const char *dir);
void softphone_stop(struct softphone *p);

/* Presses a key: a command of baresip's menu, with what belongs to it (NULL = nothing). */
void softphone_do(struct softphone *p, const char *command, const char *argument);
/* Waits for an event of baresip's (CALL_INCOMING, CALL_ESTABLISHED …), passing those before it
 * over; fails the test after 15 s. */
void softphone_await(struct softphone *p, const char *event);
/* The same of one whose other side has a number. */
void softphone_await_with(struct softphone *p, const char *event, const char *number);
/* Fails the test when there has been an event, up to now, that nobody has waited for. */
void softphone_not(struct softphone *p, const char *event);

#endif
