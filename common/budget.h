/* SPDX-License-Identifier: ISC */
/*
 * An allocator for jansson and libxml2 whose use is charged to a request's
 * arena: a document cannot make a library take more than the arena allows.
 * Outside budget_begin() and budget_end() it is plain malloc.
 */
#ifndef COMMON_BUDGET_H
#define COMMON_BUDGET_H

#include <stddef.h>

#include "common/arena.h"

/* Per thread; not nested. */
void budget_begin(struct arena *a);
/* True when an allocation was refused since budget_begin(). */
_Bool budget_end(void);

void *budget_malloc(size_t n);
void budget_free(void *p);
void *budget_realloc(void *p, size_t n);
char *budget_strdup(const char *s);

#endif
