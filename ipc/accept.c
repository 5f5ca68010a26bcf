/* SPDX-License-Identifier: ISC */
#include "ipc/accept.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Found by libzmq, by name, before the C library's. */
int accept_or_refuse(int fd, void *addr, socklen_t *n, int flags) __asm__("accept4");

static _Atomic int spare = -1;

static int
system_accept(int fd, void *addr, socklen_t *n, int flags)
{
	return (int)syscall(SYS_accept4, fd, addr, n, flags);
}

void
accept_prepare(void)
{
	int none = -1, fd = spare < 0 ? eventfd(0, EFD_CLOEXEC) : -1;

	if (fd >= 0 && !atomic_compare_exchange_strong(&spare, &none, fd))
		close(fd);
}

int
accept_or_refuse(int fd, void *addr, socklen_t *n, int flags)
{
	int ret = system_accept(fd, addr, n, flags), kept;

	if (ret >= 0 || errno != EMFILE)
		return ret;
	if ((kept = atomic_exchange(&spare, -1)) >= 0) {
		close(kept);
		ret = system_accept(fd, NULL, NULL, SOCK_CLOEXEC);
		if (ret >= 0)
			close(ret);
	}
	accept_prepare();
	errno = ECONNABORTED;
	return -1;
}
