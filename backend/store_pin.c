/* SPDX-License-Identifier: ISC */
#include "backend/store_pin.h"
#include "common/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	BUSY_MS = 10000, /* a copy that was asked for within this time is being made */
	NUMBER_DIGITS = 16
};

/* As much as it has, the file may grow, and a small one by so much; with less, none begins. */
#define GROWTH_LEAST ((uint64_t)256 << 20)
#define GROWTH_TOO_LITTLE ((uint64_t)16 << 20)

#define NAME_BEGINS "data-"
#define NAME_ENDS ".mdb"

void
pin_init(struct store_pin *p, int (*take)(void *, struct pin_snapshot *, struct err *),
    void (*end)(void *, void *), void *arg)
{
	memset(p, 0, sizeof(*p));
	p->take = take;
	p->end = end;
	p->arg = arg;
	p->fd = -1;
	p->ended = "the backend has been started since";
	atomic_init(&p->held, false);
	pthread_mutex_init(&p->lock, NULL);
}

void
pin_use(struct store_pin *p, int fd, uint64_t reserve)
{
	p->fd = fd;
	p->reserve = reserve;
}

/* Called with the lock. */
static void
end(struct store_pin *p, const char *why)
{
	if (!atomic_load(&p->held))
		return;
	p->end(p->arg, p->snapshot.handle);
	p->ended = why;
	atomic_store(&p->held, false);
}

void
pin_destroy(struct store_pin *p)
{
	end(p, "the backend ends");
	pthread_mutex_destroy(&p->lock);
}

/* Half of what is free beside the reserve at the most, so that writes have the other half. */
static uint64_t
growth(const struct store_pin *p, uint64_t size)
{
	uint64_t room = 0, share, ret = size > GROWTH_LEAST ? size : GROWTH_LEAST;
	struct statvfs v;

	if (fstatvfs(p->fd, &v) == 0)
		room = (uint64_t)v.f_bavail * v.f_frsize;
	share = room > p->reserve ? (room - p->reserve) / 2 : 0;
	return ret < share ? ret : share;
}

static void
ask(struct store_pin *p, unsigned hold_s)
{
	p->asked_ms = clock_ms();
	p->expires_ms = p->asked_ms + (int64_t)hold_s * 1000;
}

/* Called with the lock, when none is held. */
static int
begin(struct store_pin *p, struct store_file *ret, struct err *e)
{
	struct stat st;
	uint64_t more;

	if (fstat(p->fd, &st) != 0)
		return err_set(e, ERR_INTERNAL, "store: %s", strerror(errno));
	if ((more = growth(p, (uint64_t)st.st_size)) < GROWTH_TOO_LITTLE)
		return err_set(e, ERR_NO_SPACE,
		    "less than %llu MiB are free beside the reserve: the store has no room to grow while "
		    "it is copied",
		    (unsigned long long)(2 * GROWTH_TOO_LITTLE >> 20));
	p->most = (uint64_t)st.st_size + more;
	memset(&p->snapshot, 0, sizeof(p->snapshot));
	if (p->take(p->arg, &p->snapshot, e) != 0)
		return -1;
	atomic_store(&p->held, true);
	snprintf(p->name, sizeof(p->name), NAME_BEGINS "%0*llx" NAME_ENDS, NUMBER_DIGITS,
	    (unsigned long long)p->snapshot.number);
	memcpy(ret->name, p->name, sizeof(ret->name));
	ret->size = p->snapshot.size;
	return 0;
}

int
pin_begin(struct store_pin *p, unsigned hold_s, struct store_file *ret, struct err *e)
{
	int64_t now = clock_ms();
	int rc;

	pthread_mutex_lock(&p->lock);
	if (atomic_load(&p->held) && now < p->expires_ms && now - p->asked_ms < BUSY_MS) {
		rc = err_set(e, ERR_UNAVAILABLE, "another copy of the store is being made");
	} else {
		end(p, "another one has begun");
		if ((rc = begin(p, ret, e)) == 0)
			ask(p, hold_s);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

static bool
is_name(const char *name)
{
	const size_t head = strlen(NAME_BEGINS);

	return strncmp(name, NAME_BEGINS, head) == 0 &&
	    strspn(name + head, "0123456789abcdef") == NUMBER_DIGITS &&
	    strcmp(name + head + NUMBER_DIGITS, NAME_ENDS) == 0;
}

/* Called with the lock. */
static int64_t
read_piece(struct store_pin *p, uint64_t at, char *to, size_t n, struct err *e)
{
	const struct pin_snapshot *s = &p->snapshot;
	uint64_t left = at < s->size ? s->size - at : 0;
	size_t want = n < left ? n : (size_t)left, head = at < s->head_n ? s->head_n - (size_t)at : 0;

	for (size_t got = 0; got < want;) {
		ssize_t r = pread(p->fd, to + got, want - got, (off_t)(at + got));

		if (r == 0 || (r < 0 && errno != EINTR))
			return err_set(
			    e, ERR_INTERNAL, "%s: %s", p->name, r == 0 ? "is too short" : strerror(errno));
		got += r > 0 ? (size_t)r : 0;
	}
	if (head > want)
		head = want;
	if (head > 0)
		memcpy(to, s->head + at, head);
	return (int64_t)want;
}

int64_t
pin_read(struct store_pin *p, const char *name, uint64_t at, void *to, size_t n, unsigned hold_s,
    struct err *e)
{
	int64_t got;

	if (!is_name(name) || at % PAGE != 0 || at > INT64_MAX / 2 || n > STORE_READ_MAX)
		return err_set(e, ERR_INVALID, "no such part of a copy");
	pthread_mutex_lock(&p->lock);
	if (!atomic_load(&p->held)) {
		got = err_set(e, ERR_UNAVAILABLE, "the copy has ended: %s", p->ended);
	} else if (strcmp(name, p->name) != 0) {
		got = err_set(e, ERR_UNAVAILABLE, "the copy has ended: another one has begun");
	} else if ((got = read_piece(p, at, to, n, e)) >= 0) {
		ask(p, hold_s);
		if ((size_t)got < n)
			end(p, "it has been read");
	}
	pthread_mutex_unlock(&p->lock);
	return got;
}

const char *
pin_tend(struct store_pin *p)
{
	const char *why = NULL;
	struct stat st;

	/* Whoever has the lock is copying, and the next commit looks again. */
	if (!atomic_load(&p->held) || pthread_mutex_trylock(&p->lock) != 0)
		return NULL;
	if (atomic_load(&p->held)) {
		if (clock_ms() >= p->expires_ms)
			why = "nobody has asked for more";
		else if (fstat(p->fd, &st) == 0 && (uint64_t)st.st_size > p->most)
			why =
			    "the store has grown too much meanwhile; copy it faster, or while less is written";
		if (why != NULL)
			end(p, why);
	}
	pthread_mutex_unlock(&p->lock);
	return why;
}

const char *
pin_yield(struct store_pin *p)
{
	const char *why = NULL;

	if (!atomic_load(&p->held) || pthread_mutex_trylock(&p->lock) != 0)
		return NULL;
	if (atomic_load(&p->held))
		end(p, why = "there is no room");
	pthread_mutex_unlock(&p->lock);
	return why;
}

int
pin_restore(int home, const char *name, struct err *e)
{
	int fd = openat(home, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	char copy[STORE_FILE_MAX + 1] = "";
	size_t n = 0;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return err_set(e, ERR_INTERNAL, "store: %s", strerror(errno));
	}
	while ((entry = readdir(d)) != NULL) {
		if (is_name(entry->d_name))
			memcpy(copy, entry->d_name, strlen(entry->d_name) + 1);
		n += is_name(entry->d_name) || strcmp(entry->d_name, name) == 0;
	}
	closedir(d);
	if (n != 1)
		return err_set(e, ERR_INVALID, "%zu files of data are there, not one", n);
	if (copy[0] != '\0' && renameat(home, copy, home, name) != 0)
		return err_set(e, ERR_INTERNAL, "%s: %s", copy, strerror(errno));
	return 0;
}
