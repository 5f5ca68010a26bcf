/* SPDX-License-Identifier: ISC */
/*
 * LD_PRELOAD=recorder.so RECORD_DIR=DIR program: with RECORD_TO=FILE writes down every change of
 * the files in DIR; with FAIL_AT=N the Nth call that opens, writes, shortens or flushes one of them
 * fails as FAIL_AS says, once. FAIL_COUNT=FILE gets the number of such calls at the end. One lock
 * is held through each call, so that the order is the true one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fault/record.h"

enum { DESCRIPTORS = 1024, FILES = 512, NAME = 64 };

#define PUBLIC __attribute__((visibility("default")))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int to = -1;
static char dir[512];
static char names[FILES][NAME];
static uint32_t nfiles = 1; /* 0 = none */
static uint32_t file_of[DESCRIPTORS];
static bool syncs[DESCRIPTORS]; /* opened with O_SYNC or O_DSYNC */
static unsigned long calls, fail_at;
static const char *fail_as = "";

/* The real one. Its type is that of the place it is put in. */
#define REAL(name) (*(__typeof__(name) **)(void *)&(void *){real(#name)})

static void *
real(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	return p;
}

static void
put(const void *p, size_t n)
{
	if (n > 0 && REAL(write)(to, p, n) != (ssize_t)n)
		abort();
}

static void
note(enum record_op op, uint32_t file, uint64_t at, const void *p, size_t n)
{
	struct record r = {op, file, at, n};

	if (to < 0)
		return;
	put(&r, sizeof(r));
	put(p, n);
}

/* Whether this call fails, with errno; `takes_room`: a full disk can be the reason. */
static bool
fails(bool takes_room)
{
	if (++calls != fail_at || strcmp(fail_as, "short") == 0)
		return false;
	if (strcmp(fail_as, "full") == 0 && !takes_room) {
		/* The next one that can. */
		fail_at++;
		return false;
	}
	errno = strcmp(fail_as, "full") == 0 ? ENOSPC : strcmp(fail_as, "intr") == 0 ? EINTR : EIO;
	return true;
}

/* How much of a write is done. */
static size_t
shortened(size_t n)
{
	return calls == fail_at && n > 1 && strcmp(fail_as, "short") == 0 ? n / 2 : n;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *file = getenv("RECORD_TO"), *where = getenv("RECORD_DIR");

	if (where == NULL || realpath(where, dir) == NULL)
		dir[0] = '\0';
	if (file != NULL)
		to = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (getenv("FAIL_AT") != NULL)
		fail_at = strtoul(getenv("FAIL_AT"), NULL, 10);
	if (getenv("FAIL_AS") != NULL)
		fail_as = getenv("FAIL_AS");
}

__attribute__((destructor)) static void
end(void)
{
	const char *file = getenv("FAIL_COUNT");
	FILE *f = file != NULL ? fopen(file, "we") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%lu\n", calls);
	fclose(f);
}

/* Name of a file in the directory, or NULL. */
static const char *
inside(const char *path)
{
	size_t n = strlen(dir);

	return n > 0 && strncmp(path, dir, n) == 0 && path[n] == '/' &&
	        strchr(path + n + 1, '/') == NULL && strlen(path + n + 1) < NAME
	    ? path + n + 1
	    : NULL;
}

static uint32_t
find(const char *name)
{
	for (uint32_t i = 1; i < nfiles; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return 0;
}

static uint32_t
add(const char *name)
{
	if (nfiles == FILES)
		abort();
	strcpy(names[nfiles], name);
	note(RECORD_NAME, nfiles, 0, name, strlen(name));
	return nfiles++;
}

static void
opened(int fd, int flags)
{
	char link[64], path[600];
	const char *name;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fd >= DESCRIPTORS)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	name = inside(path);
	file_of[fd] = 0;
	if (name == NULL || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if ((file_of[fd] = find(name)) == 0)
		file_of[fd] = add(name);
	if (flags & O_TRUNC)
		note(RECORD_TRUNCATE, file_of[fd], 0, NULL, 0);
	syncs[fd] = (flags & O_DSYNC) != 0;
}

/* Absolute path of what stands relative to a directory. */
static const char *
absolute(int at, const char *path, char out[700])
{
	char link[64], base[512];
	ssize_t n;

	if (path[0] == '/') {
		snprintf(out, 700, "%.690s", path);
		return out;
	}
	snprintf(link, sizeof(link), at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
	n = readlink(link, base, sizeof(base) - 1);
	base[n > 0 ? n : 0] = '\0';
	snprintf(out, 700, "%.511s/%.150s", base, path);
	return out;
}

static bool
open_fails(int at, const char *path, int flags)
{
	char full[700];

	return inside(absolute(at, path, full)) != NULL && fails((flags & O_CREAT) != 0);
}

#define OPEN(name, at, path, ...)                                                 \
	va_list ap;                                                                   \
	mode_t mode;                                                                  \
	int fd;                                                                       \
	va_start(ap, flags);                                                          \
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;                \
	va_end(ap);                                                                   \
	pthread_mutex_lock(&lock);                                                    \
	fd = open_fails(at, path, flags) ? -1 : REAL(name)(__VA_ARGS__, flags, mode); \
	opened(fd, flags);                                                            \
	pthread_mutex_unlock(&lock);                                                  \
	return fd

PUBLIC int
open(const char *path, int flags, ...)
{
	OPEN(open, AT_FDCWD, path, path);
}

PUBLIC int
open64(const char *path, int flags, ...)
{
	OPEN(open64, AT_FDCWD, path, path);
}

PUBLIC int
openat(int at, const char *path, int flags, ...)
{
	OPEN(openat, at, path, at, path);
}

PUBLIC int
openat64(int at, const char *path, int flags, ...)
{
	OPEN(openat64, at, path, at, path);
}

PUBLIC int
close(int fd)
{
	int rc;

	pthread_mutex_lock(&lock);
	if (fd >= 0 && fd < DESCRIPTORS)
		file_of[fd] = 0;
	rc = REAL(close)(fd);
	pthread_mutex_unlock(&lock);
	return rc;
}

static uint32_t
tracked(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS ? file_of[fd] : 0;
}

static ssize_t
wrote(int fd, const void *p, ssize_t n, off_t at)
{
	if (n > 0 && tracked(fd) != 0) {
		note(RECORD_WRITE, tracked(fd), (uint64_t)at, p, (size_t)n);
		if (syncs[fd])
			note(RECORD_SYNC, tracked(fd), 0, NULL, 0);
	}
	return n;
}

PUBLIC ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t rc;
	off_t at;

	if (tracked(fd) == 0)
		return REAL(write)(fd, p, n);
	pthread_mutex_lock(&lock);
	at = lseek(fd, 0, SEEK_CUR);
	rc = fails(true) ? -1 : wrote(fd, p, REAL(write)(fd, p, shortened(n)), at);
	pthread_mutex_unlock(&lock);
	return rc;
}

PUBLIC ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t rc;

	pthread_mutex_lock(&lock);
	rc = tracked(fd) != 0 && fails(true)
	    ? -1
	    : wrote(fd, p, REAL(pwrite)(fd, p, tracked(fd) != 0 ? shortened(n) : n, at), at);
	pthread_mutex_unlock(&lock);
	return rc;
}

PUBLIC ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

/* One after the other, which is what a short write is like too. */
PUBLIC ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	ssize_t sum = 0;

	for (int i = 0; i < n; i++) {
		ssize_t rc = pwrite(fd, v[i].iov_base, v[i].iov_len, at + sum);

		if (rc < 0)
			return sum > 0 ? sum : rc;
		sum += rc;
		if ((size_t)rc < v[i].iov_len)
			break;
	}
	return sum;
}

PUBLIC ssize_t
pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	return pwritev(fd, v, n, at);
}

PUBLIC ssize_t
writev(int fd, const struct iovec *v, int n)
{
	ssize_t sum = 0;

	if (tracked(fd) == 0)
		return REAL(writev)(fd, v, n);
	for (int i = 0; i < n; i++) {
		ssize_t rc = write(fd, v[i].iov_base, v[i].iov_len);

		if (rc < 0)
			return sum > 0 ? sum : rc;
		sum += rc;
		if ((size_t)rc < v[i].iov_len)
			break;
	}
	return sum;
}

PUBLIC int
ftruncate(int fd, off_t size)
{
	int rc;

	pthread_mutex_lock(&lock);
	rc = tracked(fd) != 0 && fails(true) ? -1 : REAL(ftruncate)(fd, size);
	if (rc == 0 && tracked(fd) != 0)
		note(RECORD_TRUNCATE, tracked(fd), (uint64_t)size, NULL, 0);
	pthread_mutex_unlock(&lock);
	return rc;
}

PUBLIC int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

PUBLIC int
fsync(int fd)
{
	int rc;

	pthread_mutex_lock(&lock);
	rc = tracked(fd) != 0 && fails(false) ? -1 : REAL(fsync)(fd);
	if (rc == 0 && tracked(fd) != 0)
		note(RECORD_SYNC, tracked(fd), 0, NULL, 0);
	pthread_mutex_unlock(&lock);
	return rc;
}

PUBLIC int
fdatasync(int fd)
{
	int rc;

	pthread_mutex_lock(&lock);
	rc = tracked(fd) != 0 && fails(false) ? -1 : REAL(fdatasync)(fd);
	if (rc == 0 && tracked(fd) != 0)
		note(RECORD_SYNC, tracked(fd), 0, NULL, 0);
	pthread_mutex_unlock(&lock);
	return rc;
}

static void
gone(const char *name)
{
	uint32_t file = find(name);

	if (file == 0)
		return;
	note(RECORD_UNNAME, file, 0, NULL, 0);
	names[file][0] = '\0';
}

PUBLIC int
unlinkat(int at, const char *path, int flags)
{
	char full[700];
	const char *name;
	int rc;

	pthread_mutex_lock(&lock);
	rc = inside(absolute(at, path, full)) != NULL && fails(false) ? -1
	                                                              : REAL(unlinkat)(at, path, flags);
	if (rc == 0 && (name = inside(absolute(at, path, full))) != NULL)
		gone(name);
	pthread_mutex_unlock(&lock);
	return rc;
}

PUBLIC int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

PUBLIC int
renameat(int from_at, const char *from, int to_at, const char *name_to)
{
	char full_from[700], full_to[700];
	const char *old, *new;
	int rc;

	pthread_mutex_lock(&lock);
	rc = inside(absolute(to_at, name_to, full_to)) != NULL && fails(true)
	    ? -1
	    : REAL(renameat)(from_at, from, to_at, name_to);
	if (rc == 0 && (old = inside(absolute(from_at, from, full_from))) != NULL &&
	    (new = inside(absolute(to_at, name_to, full_to))) != NULL && find(old) != 0) {
		uint32_t file = find(old);

		gone(new);
		note(RECORD_UNNAME, file, 0, NULL, 0);
		strcpy(names[file], new);
		note(RECORD_NAME, file, 0, new, strlen(new));
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

PUBLIC int
rename(const char *from, const char *name_to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, name_to);
}

PUBLIC void
recorder_ack(uint64_t n)
{
	pthread_mutex_lock(&lock);
	note(RECORD_ACK, 0, n, NULL, 0);
	pthread_mutex_unlock(&lock);
}
