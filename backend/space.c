/* SPDX-License-Identifier: ISC */
#include "backend/space.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

enum { LOOK_MS = 100, PART_BYTES = 64 * 1024 * 1024, MARGIN_BYTES = 32 * 1024 * 1024 };

#define BALLAST "ballast"

struct space {
	int dir;
	uint64_t reserve, ballast;
	pthread_mutex_t lock; /* over what follows */
	bool low;
	int64_t looked_ms;          /* CLOCK_MONOTONIC; 0 = never */
	bool told_low, told_failed; /* the maintenance thread's */
};

/* What is there for us, without what is kept for root. -1 when nobody knows. */
static int
free_bytes(const struct space *s, uint64_t *ret)
{
	struct statvfs v;

	if (fstatvfs(s->dir, &v) != 0)
		return -1;
	*ret = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

/* How much more than the reserve is enough, so that the state does not change with each write. */
static uint64_t
margin(const struct space *s)
{
	return s->reserve / 4 < MARGIN_BYTES ? s->reserve / 4 : MARGIN_BYTES;
}

static uint64_t
ballast_bytes(const struct space *s)
{
	struct stat st;

	return fstatat(s->dir, BALLAST, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)
	    ? (uint64_t)st.st_size
	    : 0;
}

static void
give_ballast_up(struct space *s)
{
	uint64_t free = 0, had = ballast_bytes(s);

	if (had == 0 || free_bytes(s, &free) != 0 || free >= s->reserve)
		return;
	if (unlinkat(s->dir, BALLAST, 0) != 0)
		log_event(LOG_ERROR_, "space", "the ballast cannot be removed: %s", strerror(errno));
	else
		log_event(LOG_WARN_, "space",
		    "%llu MiB are free, less than backend.reserve_mb: %llu MiB of ballast are given up for "
		    "the recovery",
		    (unsigned long long)(free >> 20), (unsigned long long)(had >> 20));
}

int
space_open(struct space **ret, const char *dir, uint64_t reserve, uint64_t ballast, struct err *e)
{
	struct space *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_INTERNAL, "space: out of memory");
	if ((mkdir(dir, 0700) != 0 && errno != EEXIST) ||
	    (s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0) {
		free(s);
		return err_set(e, ERR_INTERNAL, "%.80s: %s", dir, strerror(errno));
	}
	s->reserve = reserve;
	s->ballast = ballast;
	pthread_mutex_init(&s->lock, NULL);
	give_ballast_up(s);
	*ret = s;
	return 0;
}

void
space_close(struct space *s)
{
	if (s == NULL)
		return;
	close(s->dir);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool
space_is_low(struct space *s)
{
	int64_t now;
	uint64_t free;
	bool low;

	if (s == NULL || s->reserve == 0)
		return false;
	now = clock_ms();
	pthread_mutex_lock(&s->lock);
	if (s->looked_ms == 0 || now - s->looked_ms >= LOOK_MS) {
		s->looked_ms = now;
		if (free_bytes(s, &free) == 0)
			s->low = free < s->reserve + (s->low ? margin(s) : 0);
	}
	low = s->low;
	pthread_mutex_unlock(&s->lock);
	return low;
}

/* One part more, so that a slow disk is not busy for long; 0 = as large as it is to be. */
static int
grow_ballast(struct space *s)
{
	uint64_t had = ballast_bytes(s), free, part = s->ballast - had;
	int fd, rc;

	if (had >= s->ballast || free_bytes(s, &free) != 0)
		return 0;
	if (part > PART_BYTES)
		part = PART_BYTES;
	/* Never what would make room short. */
	if (free < part + s->reserve + margin(s))
		return 0;
	fd = openat(s->dir, BALLAST, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	rc = posix_fallocate(fd, (off_t)had, (off_t)part);
	if (close(fd) != 0 && rc == 0)
		rc = errno;
	return rc;
}

void
space_tend(struct space *s)
{
	bool low;
	int rc;

	if (s == NULL)
		return;
	low = space_is_low(s);
	if (low != s->told_low)
		log_event(low ? LOG_ERROR_ : LOG_INFO_, "space",
		    low ? "less than %llu MiB are free: changes are refused (507) until there is room"
		        : "more than %llu MiB are free again: changes are taken",
		    (unsigned long long)(s->reserve >> 20));
	s->told_low = low;
	rc = low ? 0 : grow_ballast(s);
	if (rc != 0 && !s->told_failed)
		log_event(LOG_WARN_, "space", "no ballast: %s", strerror(rc));
	s->told_failed = rc != 0;
}
