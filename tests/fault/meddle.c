/* SPDX-License-Identifier: ISC */
/* LD_PRELOAD=meddle.so MEDDLE=FILE program: clocks that can be stepped and a disk that can be made
 * slow, as struct meddle in FILE says. No sanitizers, since it is preloaded. */
#include "tests/fault/meddle.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

typedef int timedwait_fn(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
typedef int clockwait_fn(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);

static const struct meddle none;
static const struct meddle *now = &none;
static timedwait_fn *real_timedwait;
static clockwait_fn *real_clockwait;

static __attribute__((constructor)) void
start(void)
{
	const char *path = getenv("MEDDLE");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = fd >= 0 ? mmap(NULL, sizeof(*now), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	/* Without a version dlsym() may find one of another age. */
	*(void **)&real_timedwait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
	if (real_timedwait == NULL)
		*(void **)&real_timedwait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	*(void **)&real_clockwait = dlsym(RTLD_NEXT, "pthread_cond_clockwait");
	if (p == MAP_FAILED || real_timedwait == NULL || real_clockwait == NULL)
		abort();
	now = p;
	close(fd);
}

PUBLIC int
clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, t);

	if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += now->wall_s;
	else if (rc == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
		t->tv_sec += now->skip_s;
	return rc;
}

PUBLIC int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*tv = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
	return 0;
}

PUBLIC time_t
time(time_t *ret)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (ret != NULL)
		*ret = t.tv_sec;
	return t.tv_sec;
}

/* The kernel's clock is the true one. No machine runs for thirty years, so a small time is of the
 * monotonic clock. */
static struct timespec
true_time(const struct timespec *t)
{
	struct timespec ret = *t;

	ret.tv_sec -= ret.tv_sec < 1000000000 ? now->skip_s : now->wall_s;
	return ret;
}

PUBLIC int
pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	struct timespec t = true_time(until);

	return real_timedwait(c, m, &t);
}

PUBLIC int
pthread_cond_clockwait(
    pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
	struct timespec t = true_time(until);

	return real_clockwait(c, m, clock, &t);
}

static void
be_slow(void)
{
	int64_t ms = now->sync_ms;

	if (ms > 0)
		nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

PUBLIC int
fdatasync(int fd)
{
	be_slow();
	return (int)syscall(SYS_fdatasync, fd);
}

PUBLIC int
fsync(int fd)
{
	be_slow();
	return (int)syscall(SYS_fsync, fd);
}
