/* SPDX-License-Identifier: ISC */
/* The scenarios of tandem-feed-freeswitch. */
#ifndef TESTS_FREESWITCH_PROGRAM_H
#define TESTS_FREESWITCH_PROGRAM_H

#include <stdbool.h>

/* Runs those that wait for time-outs and for many kills, or the other ones; what main() returns. */
int freeswitch_program(bool slow);

#endif
