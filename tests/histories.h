/* SPDX-License-Identifier: ISC */
/*
 * Clients that write and read, each in a process of its own, while a test does harm to the servers.
 * Each keeps a history: what was acknowledged is never lost, no entry comes twice however often it
 * was sent, and nobody reads what the own writes do not explain. The audit log is whole behind it.
 */
#ifndef TESTS_HISTORIES_H
#define TESTS_HISTORIES_H

#include "tests/rig.h"

enum { HISTORIES = 6 };

/* What the clients have done together. */
struct sums {
	long writes, reads, entries;
	long unsure;  /* writes that were not answered by 200 */
	long refused; /* answers of another status, of reads and entries as well */
};

/* Makes the users of a backend that runs. One rig at a time. */
void histories_begin(struct rig *r);
void histories_end(void);

/* Does some harm so many times under the clients, and looks at their histories: fails the test when
 * one is broken. name() says what the harm was. */
struct sums histories_under(int times, void (*harm)(int n), const char *(*name)(int n));
/* Fails the test when the audit log is not whole. */
void histories_audit(void);
/* "name:password" of a client. */
const char *history_user(int client);

#endif
