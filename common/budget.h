/* SPDX-License-Identifier: ISC */
/*
 * An allocator for jansson and libxml2 whose use is charged to a request's
 * arena: a document cannot make a library take more than the arena allows.
 *
 * Neither library survives a refused allocation: jansson 2.14 then copies a
 * string beyond its buffer, libxml2 2.9.14 reads freed memory. So they never
 * see one: the run is left by longjmp() and what it had allocated is freed.
 */
#ifndef COMMON_BUDGET_H
#define COMMON_BUDGET_H

#include <stddef.h>

#include "common/arena.h"

/* Calls f(arg), which may only call such a library, take from an arena, and change what `arg`
 * points to. 0, or -1 when an allocation was refused: f was left in the middle, then left() is
 * called (NULL = nothing to do; for libraries that keep pointers to what f allocated), then
 * everything that f allocated is freed. Per thread; not nested. */
int budget_run(struct arena *a, void (*f)(void *), void *arg, void (*left)(void));

/* For the libraries. Outside budget_run() they are plain malloc and free. */
void *budget_malloc(size_t n);
void budget_free(void *p);
void *budget_realloc(void *p, size_t n);
char *budget_strdup(const char *s);

#endif
