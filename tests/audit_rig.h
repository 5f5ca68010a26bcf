/* SPDX-License-Identifier: ISC */
/* The audit log of a rig, as tandemctl proves it; and rows of one in a store alone. What fails ends
 * the test. */
#ifndef TESTS_AUDIT_RIG_H
#define TESTS_AUDIT_RIG_H

#include "backend/audit.h"
#include "tests/rig_store.h"

enum { AUDIT_RIG_OUT = 262144, AUDIT_RIG_USER = 7 };

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* What tandemctl has written last, by the functions below. */
extern char audit_rig_out[AUDIT_RIG_OUT];

/* `audit verify`: its exit status. */
int audit_rig_verify(struct rig *r);
/* Waits until the newest row is sealed; the log has to be proved all the time. */
void audit_rig_await_seal(struct rig *r);
/* How many rows `audit --json` shows that have this text in them. */
size_t audit_rig_count(struct rig *r, const char *part);

/* The key of a row. */
void audit_rig_key(struct key *k, uint64_t id);
/* A row about a contact card of AUDIT_RIG_USER, called `n`, by a clock that is `late` ms ahead. */
void audit_rig_change(struct model *m, int n, int64_t late);

/* What audit_rig_follow() has found: `hash` has to be that of the row before the first one. */
struct audit_rig_chain {
	uint64_t n, last;
	unsigned char hash[AUDIT_HASH];
};

/* An audit_row_fn: each row has to follow on the one before it. */
int audit_rig_follow(void *chain, uint64_t id, struct str stored);

#endif
