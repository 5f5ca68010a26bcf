/* SPDX-License-Identifier: ISC */
/*
 * For tests, fuzzing and debuggers alone; no program that is installed links it.
 */
#ifndef COMMON_REC_DEV_H
#define COMMON_REC_DEV_H

#include "common/rec.h"

enum {
	RANDOM_XML = 1 << 0,  /* texts hold only what XML 1.0 can carry */
	RANDOM_FULL = 1 << 1, /* every field is present, every list has an item */
	RANDOM_TAME = 1 << 2  /* texts of a few letters and digits, for people to read */
};

/* Makes a valid record from a seed, the same one for the same seed: rec_validate() passes.
 * 0, or -1 when memory ends or no valid record was met (a check that our alphabets never pass). */
int rec_random(const struct rec *r, void *obj, uint64_t seed, unsigned flags, struct arena *a);

/* Prints a record to stderr, secrets included: `call rec_dump(&rec_user, u)` in a debugger. */
void rec_dump(const struct rec *r, const void *obj);

#endif
