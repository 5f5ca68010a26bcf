/* SPDX-License-Identifier: ISC */
/*
 * One arena per request: memory is taken in bumps, never given back singly,
 * and released in one call. It has a hard cap, so that no document can make a
 * process grow beyond what was decided at its start.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>

#include "common/str.h"

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used;  /* bytes handed out or charged */
	size_t cap;   /* hard limit for `used` */
	size_t first; /* bytes of the next first block, when that is more than usual */
};

/* Starts empty; nothing is allocated before the first arena_alloc(). */
void arena_init(struct arena *a, size_t cap);
/* Releases everything; the arena can be used again. */
void arena_free(struct arena *a);
/* Starts anew, soon in one block that is large enough: for what is filled again and again. */
void arena_reset(struct arena *a);
/* As arena_free(), with every block overwritten first (secrets were in it). */
void arena_wipe(struct arena *a);

/* Zeroed memory aligned for any type, or NULL when the cap or the system says no. */
void *arena_alloc(struct arena *a, size_t n);
/* n * size with an overflow check. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A copy with a NUL behind it (not counted). {NULL, 0} when memory ends. */
struct str arena_copy(struct arena *a, struct str s);
/* The same with A to Z as a to z. */
struct str arena_lower(struct arena *a, struct str s);
/* NUL-terminated copy, NULL when memory ends. */
char *arena_cstr(struct arena *a, struct str s);
/* printf into the arena; {NULL, 0} when memory ends. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Counts bytes that a library allocates elsewhere for this request: 0, or -1 over the cap. */
int arena_charge(struct arena *a, size_t n);
void arena_uncharge(struct arena *a, size_t n);

/* Tests: the n-th block allocation from now fails, once (0 = none). */
extern unsigned long arena_fail_after;

#endif
