/* SPDX-License-Identifier: ISC */
/*
 * Giving up what a process does not need: users, groups, files, system calls,
 * memory that others may read. As root: user and groups change, seccomp on. As
 * an ordinary user: landlock and seccomp, since the user cannot be changed.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* No core dumps, no ptrace by the same user, no new privileges, umask 077. */
int sandbox_basics(struct err *e);

/* When root: supplementary groups dropped, gid and uid set for good to `user`'s.
 * When not root: nothing. NULL = nothing. */
int sandbox_become(const char *user, struct err *e);

/* Landlock: from now on files are reachable only below `rw` (read and write) and `ro`
 * (read), by this thread and those it starts; both lists end with NULL, a path in them may be
 * a file and must exist. Descriptors already open stay usable. After sandbox_basics() and
 * before sandbox_syscalls(). 0, also on a kernel without landlock when `optional`. */
int sandbox_paths(const char *const *rw, const char *const *ro, bool optional, struct err *e);

/* Whether AddressSanitizer is in: it needs terabytes of address space, says what is wrong on
 * stderr, and looks for leaks from a process of its own. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

enum sandbox_profile {
	SANDBOX_BACKEND, /* store files, unix and (when tcp) inet sockets, threads; no execve, no ptrace
	                  */
	SANDBOX_AUTH,    /* read, write, memory, threads; no files, no sockets to be made */
	SANDBOX_IMAGE,   /* as auth, without threads, but with processes: fork, wait, kill; their time
	                  * may be limited, and they may be given a filter of their own */
	SANDBOX_FEED,    /* as the backend */
	SANDBOX_DECODER  /* memory and the own end, nothing else */
};
/* seccomp filter for all threads, those already running included; a call outside of it
 * kills the process. No new process can be made, but by SANDBOX_IMAGE, no program started, and no
 * memory is both writable and executable. */
int sandbox_syscalls(enum sandbox_profile profile, bool tcp, struct err *e);

#endif
