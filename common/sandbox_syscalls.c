/* SPDX-License-Identifier: ISC */
/*
 * The seccomp filters: lists of what is allowed; whatever is not here ends the
 * process. They hold what the programs and their libraries (Berkeley DB, libzmq,
 * libsodium, glibc since 2.36) use on any architecture: a name that an
 * architecture does not have is passed over.
 */
#include "common/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Newer than some kernel headers; the numbers are the same on every architecture. */
enum { NR_FCHMODAT2 = 452, NR_FUTEX_WAKE = 454, NR_FUTEX_WAIT = 455, NR_FUTEX_REQUEUE = 456 };

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Memory, threads, time, messages on descriptors that are open. */
static const char *const common_calls[] = {
    "read",
    "write",
    "readv",
    "writev",
    "close",
    "recvfrom",
    "sendto",
    "recvmsg",
    "sendmsg",
    "shutdown",
    "poll",
    "ppoll",
    "fstat",
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "mlock",
    "mlock2",
    "munlock",
    "futex",
    "rseq",
    "set_robust_list",
    "get_robust_list",
    "set_tid_address",
    "membarrier",
    "sched_yield",
    "sched_getaffinity",
    "exit",
    "exit_group",
    "gettid",
    "getpid",
    "getppid",
    "tgkill",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigreturn",
    "sigaltstack",
    "restart_syscall",
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "time",
    "getrandom",
    "getcpu",
};

static const char *const backend_calls[] = {
    /* files; which ones is the business of landlock and of permissions */
    "open",
    "openat",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "lseek",
    "_llseek",
    "stat",
    "lstat",
    "newfstatat",
    "fstatat64",
    "stat64",
    "lstat64",
    "fstat64",
    "statx",
    "statfs",
    "statfs64",
    "fstatfs",
    "fstatfs64",
    "access",
    "faccessat",
    "faccessat2",
    "getdents64",
    "getdents",
    "fcntl",
    "fcntl64",
    "flock",
    "ftruncate",
    "ftruncate64",
    "truncate",
    "truncate64",
    "fallocate",
    "fadvise64",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "msync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "umask",
    "utimensat",
    "readlink",
    "readlinkat",
    "getcwd",
    "dup",
    "dup2",
    "dup3",
    "pipe",
    "pipe2",
    "copy_file_range",
    /* the process itself, its child and its threads */
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getgroups",
    "getpgrp",
    "getpgid",
    "getsid",
    "uname",
    "sysinfo",
    "getrusage",
    "times",
    "getpriority",
    "wait4",
    "waitid",
    "kill",
    "sched_getparam",
    "sched_setparam",
    "sched_getscheduler",
    "sched_setscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_setaffinity",
    /* signals, clocks, waiting */
    "rt_sigtimedwait",
    "rt_sigpending",
    "rt_sigsuspend",
    "pause",
    "signalfd4",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "select",
    "_newselect",
    "pselect6",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd",
    "eventfd2",
    /* sockets; socket() itself is limited by family */
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "sendmmsg",
    "recvmmsg",
};

#if SANDBOX_SANITIZED
/* LeakSanitizer looks at the other threads when the program ends: from a process of its own
 * that shares the memory, by ptrace. The auth child leaves by _exit() and so does without. */
static const char *const leak_check_calls[] = {"clone", "ptrace", "prctl", "process_vm_readv"};
#else
/* What is left to a process that looks at a picture: malloc and _exit(). */
static const char *const decoder_calls[] = {
    "brk", "munmap", "mremap", "madvise", "exit", "exit_group", "rt_sigreturn", "sigreturn"};
#endif

/* The image process waits for its children and ends those that take too long. */
static const char *const image_calls[] = {"wait4", "waitid", "kill"};

static const int prctl_options[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_VMA};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int
allow_names(scmp_filter_ctx f, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		/* The library may be older than this list. */
		if (nr == __NR_SCMP_ERROR)
			continue;
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0) != 0)
			return -1;
	}
	return 0;
}

/* An int leaves the upper half of its register undefined. */
static const scmp_datum_t whole_int = UINT32_MAX;

/* Adds a rule for calls whose argument, under the mask, equals the value. */
static int
rule_if(
    scmp_filter_ctx f, uint32_t action, int nr, unsigned arg, scmp_datum_t mask, scmp_datum_t value)
{
	const struct scmp_arg_cmp cmp = {arg, SCMP_CMP_MASKED_EQ, mask, value};

	return seccomp_rule_add_array(f, action, nr, 1, &cmp);
}

static int
allow_if(scmp_filter_ctx f, int nr, unsigned arg, scmp_datum_t mask, scmp_datum_t value)
{
	return rule_if(f, SCMP_ACT_ALLOW, nr, arg, mask, value);
}

/* Memory is written or executed, never both. Only what has files maps code at all: glibc
 * loads libraries for names and for the end of threads. */
static int
allow_mapping(scmp_filter_ctx f, bool code)
{
	const int nrs[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2)};
	int rc = 0;

	for (size_t i = 0; i < COUNT(nrs) && rc == 0; i++) {
		rc = allow_if(f, nrs[i], 2, PROT_EXEC, 0);
		if (rc == 0 && code)
			rc = allow_if(f, nrs[i], 2, PROT_WRITE, 0);
	}
	return rc == 0 ? allow_if(f, SCMP_SYS(mprotect), 2, PROT_EXEC, 0) : rc;
}

/* Threads or processes, not both. The arguments of clone3 are out of a filter's sight, so it does
 * not exist here and glibc falls back to clone. */
static int
allow_clone(scmp_filter_ctx f, bool threads)
{
	/* As fork() of glibc has it: nothing shared, no namespaces. */
	const scmp_datum_t forks = CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD;
#ifdef __s390__
	const unsigned flags = 1;
#else
	const unsigned flags = 0;
#endif

	if (seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) != 0)
		return -1;
	return threads ? allow_if(f, SCMP_SYS(clone), flags, CLONE_THREAD, CLONE_THREAD)
	               : allow_if(f, SCMP_SYS(clone), flags, UINT64_MAX, forks);
}

static int
allow_limits_to_be_read(scmp_filter_ctx f)
{
	return allow_if(f, SCMP_SYS(prlimit64), 2, UINT64_MAX, 0);
}

static int
allow_sockets(scmp_filter_ctx f, bool tcp)
{
	const int nr = SCMP_SYS(socket);

	if (allow_if(f, nr, 0, whole_int, AF_UNIX) != 0 ||
	    allow_if(f, SCMP_SYS(socketpair), 0, whole_int, AF_UNIX) != 0)
		return -1;
	if (!tcp)
		return 0;
	if (allow_if(f, nr, 0, whole_int, AF_INET) != 0 || allow_if(f, nr, 0, whole_int, AF_INET6) != 0)
		return -1;
	/* libzmq asks for interface names by netlink before it binds to an address, and takes
	 * this answer for "there are none". */
	return rule_if(f, SCMP_ACT_ERRNO(EOPNOTSUPP), nr, 0, whole_int, AF_NETLINK);
}

/* Calls that glibc tries first and does without, and ioctl: stdio asks whether a file is a
 * terminal and nothing else is asked by it. */
static int
refuse_politely(scmp_filter_ctx f)
{
	const int newer[] = {NR_FCHMODAT2, NR_FUTEX_WAKE, NR_FUTEX_WAIT, NR_FUTEX_REQUEUE};

	for (size_t i = 0; i < COUNT(newer); i++)
		if (seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), newer[i], 0) != 0)
			return -1;
	return seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
}

static int
add_backend(scmp_filter_ctx f, bool tcp)
{
	if (allow_names(f, backend_calls, COUNT(backend_calls)) != 0 || allow_sockets(f, tcp) != 0 ||
	    refuse_politely(f) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(prctl_options); i++)
		if (allow_if(f, SCMP_SYS(prctl), 0, whole_int, (scmp_datum_t)prctl_options[i]) != 0)
			return -1;
#if SANDBOX_SANITIZED
	return allow_names(f, leak_check_calls, COUNT(leak_check_calls));
#else
	return 0;
#endif
}

/* What it allows beyond its own needs is to make its children's rights smaller. */
static int
add_image(scmp_filter_ctx f)
{
	if (allow_names(f, image_calls, COUNT(image_calls)) != 0 || allow_clone(f, false) != 0)
		return -1;
	if (allow_if(f, SCMP_SYS(prlimit64), 1, whole_int, RLIMIT_CPU) != 0 ||
	    allow_if(f, SCMP_SYS(seccomp), 0, whole_int, SECCOMP_SET_MODE_FILTER) != 0)
		return -1;
	return allow_if(f, SCMP_SYS(prctl), 0, whole_int, PR_SET_NO_NEW_PRIVS);
}

/* Libraries that complain on stderr find it closed, whatever they do about that. */
static int
add_decoder(scmp_filter_ctx f)
{
#if SANDBOX_SANITIZED
	return allow_names(f, common_calls, COUNT(common_calls));
#else
	const int writes[] = {SCMP_SYS(write), SCMP_SYS(writev)};

	for (size_t i = 0; i < COUNT(writes); i++)
		if (seccomp_rule_add(f, SCMP_ACT_ERRNO(EBADF), writes[i], 0) != 0)
			return -1;
	return allow_names(f, decoder_calls, COUNT(decoder_calls));
#endif
}

static bool
has_files(enum sandbox_profile profile)
{
	return profile == SANDBOX_BACKEND || profile == SANDBOX_FEED;
}

static int
add_profile(scmp_filter_ctx f, enum sandbox_profile profile, bool tcp)
{
	if (profile == SANDBOX_DECODER)
		return add_decoder(f);
	if (allow_names(f, common_calls, COUNT(common_calls)) != 0 || allow_limits_to_be_read(f) != 0)
		return -1;
	if (profile == SANDBOX_IMAGE)
		return add_image(f);
	if (allow_clone(f, true) != 0)
		return -1;
	return has_files(profile) ? add_backend(f, tcp) : 0;
}

static int
add_rules(scmp_filter_ctx f, enum sandbox_profile profile, bool tcp)
{
	if (seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
	    seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1) != 0)
		return -1;
	return allow_mapping(f, has_files(profile)) != 0 ? -1 : add_profile(f, profile, tcp);
}

int
sandbox_syscalls(enum sandbox_profile profile, bool tcp, struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = f == NULL ? -1 : 0;

	if (rc == 0 && add_rules(f, profile, tcp) != 0)
		rc = err_set(e, ERR_INTERNAL, "sandbox: the filter cannot be built");
	else if (rc == 0 && (rc = seccomp_load(f)) != 0)
		rc = err_set(e, ERR_INTERNAL, "sandbox: seccomp: %s", strerror(-rc));
	else if (rc != 0)
		err_set(e, ERR_INTERNAL, "sandbox: no memory");
	if (f != NULL)
		seccomp_release(f);
	return rc;
}
