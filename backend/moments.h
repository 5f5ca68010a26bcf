/* SPDX-License-Identifier: ISC */
/*
 * What switches tell of a moment: who talks, who has the floor. Only in memory and only the latest;
 * of more members than there is room for, those last heard of. For any thread.
 */
#ifndef BACKEND_MOMENTS_H
#define BACKEND_MOMENTS_H

#include <stdbool.h>

#include "common/rec.h"
#include "ipc/feed.h"

struct moments;

struct moment {
	bool talking, floor;
};

/* NULL when there is no memory. */
struct moments *moments_new(void);
/* NULL is allowed. */
void moments_free(struct moments *m);

/* What a source says of a member; what it does not mention stays. */
void moments_set(struct moments *m, const char *source, const struct feed_volatile *v);
/* What is known of a member, all false when nothing is. */
void moments_get(
    struct moments *m, struct str source, struct str key, int64_t member, struct moment *ret);
/* Forgets everything, when a source begins anew: what it said before may have ended unseen. */
void moments_clear(struct moments *m);

#endif
