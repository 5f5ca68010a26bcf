/* SPDX-License-Identifier: ISC */
/* What time it is: clock_gettime(2). */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds of the steady clock, which no one sets: for deadlines and for how long something
 * took. It begins anywhere, so that a value means nothing to another machine or after a boot. */
static inline int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The same in milliseconds. */
static inline int64_t
clock_ms(void)
{
	return clock_us() / 1000;
}

/* Milliseconds since 1970 UTC by the clock on the wall, which may be wrong and may be set. */
static inline int64_t
clock_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
