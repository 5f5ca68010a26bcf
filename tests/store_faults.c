/* SPDX-License-Identifier: ISC */
#include "tests/store_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

atomic_uint fault_flush_ms, fault_log_flushes;
atomic_int fault_flush_errno, fault_sync_write_errno;
atomic_uint *_Atomic fault_forgotten;
const char *_Atomic fault_full;
_Thread_local unsigned fault_committing;
atomic_uint fault_on_disk, fault_flushes_begun, fault_flushes_ended;

static bool
is_file(int fd, const char *part)
{
	char link[64], path[256];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return strstr(path, part) != NULL;
}

int
fdatasync(int fd)
{
	int error = atomic_exchange(&fault_flush_errno, 0);

	if (error != 0) {
		errno = error;
		return -1;
	}
	if (is_file(fd, "/log.") || is_file(fd, "/data.mdb"))
		atomic_fetch_add(&fault_log_flushes, 1);
	if (fault_committing > 0)
		atomic_fetch_add(&fault_flushes_begun, 1);
	/* It may be made shorter meanwhile. */
	for (unsigned ms = 0; ms < atomic_load(&fault_flush_ms); ms++)
		usleep(1000);
	if (syscall(SYS_fdatasync, fd) != 0)
		return -1;
	if (fault_committing > 0) {
		atomic_store(&fault_on_disk, fault_committing);
		atomic_fetch_add(&fault_flushes_ended, 1);
	}
	return 0;
}

int
posix_fadvise(int fd, off_t at, off_t n, int advice)
{
	atomic_uint *count = atomic_load(&fault_forgotten);

	if (count != NULL && advice == POSIX_FADV_DONTNEED && at == 0 && n == 0)
		atomic_fetch_add(count, 1);
	return (int)-syscall(SYS_fadvise64, fd, at, n, advice);
}

static bool
no_room(int fd)
{
	const char *full = atomic_load(&fault_full);

	if (full == NULL || !is_file(fd, full))
		return false;
	errno = ENOSPC;
	return true;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return no_room(fd) ? -1 : syscall(SYS_write, fd, p, n);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	return no_room(fd) ? -1 : syscall(SYS_writev, fd, v, n);
}

static bool
cannot_sync(int fd)
{
	int error = atomic_load(&fault_sync_write_errno);

	if (error == 0 || (fcntl(fd, F_GETFL) & O_DSYNC) == 0)
		return false;
	atomic_store(&fault_sync_write_errno, 0);
	errno = error;
	return true;
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	if (cannot_sync(fd))
		return -1;
	return no_room(fd) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}
