/* SPDX-License-Identifier: ISC */
/*
 * Memory for a library whose blocks live for long and come in few sizes, as the pages of a cache
 * do, whichever thread takes or gives them back. malloc(3) gives each thread an area of its own,
 * and a block that another thread frees may be used for something else: over hours such blocks
 * spread over all areas, none of which becomes smaller again. Here what was given back is what is
 * taken next. Never more is kept than was in use at once, by size; nothing is given back to the
 * system.
 *
 * A block is one of malloc(3)'s: free(3) and realloc(3) may have it. Thread-safe.
 */
#ifndef BACKEND_STORE_POOL_H
#define BACKEND_STORE_POOL_H

#include <stddef.h>

/* As malloc(3): NULL when there is none, errno is set. */
void *pool_malloc(size_t n);
/* As free(3). */
void pool_free(void *p);

#endif
