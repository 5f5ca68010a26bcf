/* SPDX-License-Identifier: ISC */
/*
 * What meddle.c does to a process that it is preloaded into, and to the children of it. It stands
 * in a file that a test has mapped as well, so that it can change at any time; the process maps it
 * at its start, since later it can open nothing.
 */
#ifndef TESTS_FAULT_MEDDLE_H
#define TESTS_FAULT_MEDDLE_H

#include <stdint.h>

struct meddle {
	volatile int64_t wall_s;  /* by how much the wall clock is ahead */
	volatile int64_t skip_s;  /* and the monotonic one, for periods too long to wait for */
	volatile int64_t sync_ms; /* that a disk takes longer to flush */
};

#endif
