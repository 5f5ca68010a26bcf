/* SPDX-License-Identifier: ISC */
#include "backend/store_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

static atomic_bool flush_failed, full;
static void (*_Atomic on_zeros)(void *arg);
static void *_Atomic on_zeros_arg;
/* Held by who writes a page, and alone by who must not see half of one. */
static pthread_rwlock_t pages = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

static int
check_home(int fd, const char *dir, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", dir, strerror(errno));
	if (st.st_uid != geteuid())
		return err_set(e, ERR_INTERNAL, "%.80s: belongs to another user", dir);
	if ((st.st_mode & 07777) != 0700)
		return err_set(
		    e, ERR_INTERNAL, "%.80s: mode %04o, must be 0700", dir, (unsigned)st.st_mode & 07777U);
	/* The library reads such a file unasked and lets it override what the program set. */
	if (fstatat(fd, "DB_CONFIG", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_INTERNAL, "%.80s/DB_CONFIG must not exist", dir);
	if (errno != ENOENT)
		return err_set(e, ERR_INTERNAL, "%.80s/DB_CONFIG: %s", dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%.80s: in use by another process", dir);
	return 0;
}

int
disk_home(const char *dir, struct err *e)
{
	int fd;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", dir, strerror(errno));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", dir, strerror(errno));
	if (check_home(fd, dir, e) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
disk_flush(int fd)
{
	int r;

	if (disk_flush_failed())
		return EIO;
	while ((r = fdatasync(fd)) != 0 && errno == EINTR)
		;
	if (r == 0)
		return 0;
	r = errno;
	atomic_store(&flush_failed, true);
	/* What was not written counts as clean in the kernel's memory now: the next start must not read
	 * it there and take it for what is on the disk. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return r;
}

bool
disk_flush_failed(void)
{
	return atomic_load(&flush_failed);
}

ssize_t
disk_pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t r;

	pthread_rwlock_rdlock(&pages);
	r = pwrite(fd, p, n, at);
	pthread_rwlock_unlock(&pages);
	if (r >= 0)
		atomic_store(&full, false);
	else if (errno == ENOSPC || errno == EDQUOT)
		atomic_store(&full, true);
	return r;
}

static bool
is_zero(const char *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

ssize_t
disk_pread(int fd, void *p, size_t n, off_t at)
{
	ssize_t r = pread(fd, p, n, at);
	void (*found)(void *) = atomic_load(&on_zeros);

	if (found != NULL && n == PAGE && r == PAGE && is_zero(p, PAGE))
		found(atomic_load(&on_zeros_arg));
	return r;
}

void
disk_watch(void (*found)(void *arg), void *arg)
{
	atomic_store(&on_zeros_arg, arg);
	atomic_store(&on_zeros, found);
}

bool
disk_is_full(void)
{
	return atomic_load(&full);
}

ssize_t
disk_pread_whole(int fd, void *p, size_t n, off_t at)
{
	ssize_t r;

	pthread_rwlock_wrlock(&pages);
	r = pread(fd, p, n, at);
	pthread_rwlock_unlock(&pages);
	return r;
}
