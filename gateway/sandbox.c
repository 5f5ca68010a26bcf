/* SPDX-License-Identifier: ISC */
/*
 * System calls that a worker needs beside Kore's own list: those of libzmq,
 * whose sockets and thread are made behind the filter. Kore calls the hook in
 * every worker and in the key manager, after user and root have been changed
 * and before the filter is set, so the rest of the confinement is done here.
 */
#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <kore/kore.h>
#include <kore/http.h>
#include <kore/seccomp.h>

#include "gateway/confine.h"
#include "gateway/settings.h"

/* Found by name. */
void kore_seccomp_hook(void);

static struct sock_filter common_calls[] = {
    /* libzmq: wake-ups between its thread and ours, and our own. */
    KORE_SYSCALL_ALLOW(eventfd2),
    KORE_SYSCALL_ALLOW(epoll_create1),
    /* Its I/O thread. A thread and nothing else: clone3 hides its flags behind a pointer, and
     * glibc takes clone when there is none. */
    KORE_SYSCALL_DENY(clone3, ENOSYS),
    KORE_SYSCALL_ALLOW_WITH_FLAG(clone, 0, CLONE_THREAD),
    KORE_SYSCALL_ALLOW(set_robust_list),
    KORE_SYSCALL_ALLOW(rseq),
    /* It names the thread, and reads and sets how it is scheduled. */
    KORE_SYSCALL_ALLOW_ARG(prctl, 0, PR_SET_NAME),
    KORE_SYSCALL_ALLOW(sched_getparam),
    KORE_SYSCALL_ALLOW(sched_getscheduler),
    KORE_SYSCALL_ALLOW(sched_setscheduler),
    KORE_SYSCALL_ALLOW(sched_getaffinity),
    /* Connecting: which address, did it work, who is there. */
    KORE_SYSCALL_ALLOW(connect),
    KORE_SYSCALL_ALLOW(getsockopt),
    KORE_SYSCALL_ALLOW(getsockname),
    KORE_SYSCALL_ALLOW(getpeername),
};

static struct sock_filter unix_calls[] = {
    KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_UNIX),
};

static struct sock_filter inet_calls[] = {
    KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_INET),
    /* libsodium keeps CURVE keys out of the swap. */
    KORE_SYSCALL_ALLOW(mlock),
    KORE_SYSCALL_ALLOW(munlock),
};

static struct sock_filter inet6_calls[] = {
    KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_INET6),
    KORE_SYSCALL_ALLOW(mlock),
    KORE_SYSCALL_ALLOW(munlock),
};

static void
confine_worker(void)
{
	const char *curve[] = {settings.curve_cert, settings.curve_server};

	/* The filter above wants to know which family of sockets it is about. */
	if (!settings.tcp)
		kore_seccomp_filter("socket", unix_calls, KORE_FILTER_LEN(unix_calls));
	else if (settings.ipv6)
		kore_seccomp_filter("socket", inet6_calls, KORE_FILTER_LEN(inet6_calls));
	else
		kore_seccomp_filter("socket", inet_calls, KORE_FILTER_LEN(inet_calls));
	kore_seccomp_filter("libzmq", common_calls, KORE_FILTER_LEN(common_calls));
	confine_files(curve, settings.tcp ? 2 : 0, settings.tcp_port);
}

void
kore_seccomp_hook(void)
{
	const char *keys[] = {settings.conf.gateway_certificate, settings.conf.gateway_key};

	confine_memory();
	if (worker->id == KORE_WORKER_KEYMGR)
		confine_files(keys, 2, 0);
	else
		confine_worker();
}
