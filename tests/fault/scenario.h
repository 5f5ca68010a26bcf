/* SPDX-License-Identifier: ISC */
/*
 * A series of transactions of which each says what the store holds after it: they touch all tables
 * and partitions, replace, remove and grow rows, take turns with checkpoints, and count themselves.
 */
#ifndef TESTS_FAULT_SCENARIO_H
#define TESTS_FAULT_SCENARIO_H

#include "backend/store.h"

/* Opens the store in `dir` and applies the next `n` transactions; `acked` after each one. Ends the
 * process with a message when something fails. */
void scenario_run(const char *engine, const char *dir, unsigned n, void (*acked)(uint64_t));

/* What a store must be like of which `least` were acknowledged and `most` begun. */
enum scenario_verdict {
	SCENARIO_GOOD,
	SCENARIO_CLOSED, /* it does not open */
	SCENARIO_LOST,   /* fewer than were acknowledged, or more than there were */
	SCENARIO_TORN    /* it is not what a number of whole transactions leaves */
};
enum scenario_verdict scenario_check(
    const char *engine, const char *dir, unsigned least, unsigned most, char why[256]);

#endif
