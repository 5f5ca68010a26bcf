/* SPDX-License-Identifier: ISC */
/*
 * What a process gives up beside user, root and system calls: core dumps,
 * being looked at by others, and through landlock (where the kernel has it)
 * files, other connections, other processes.
 */
#ifndef GATEWAY_CONFINE_H
#define GATEWAY_CONFINE_H

#include <stddef.h>
#include <stdint.h>

/* No core dumps and no debuggers; secrets pass through these processes. */
void confine_memory(void);

/* Only files in the directories of `files` may be read, TCP only to `port` (0 = none at all).
 * Nothing when the kernel knows no landlock: it stands beside the other walls. */
void confine_files(const char *const *files, size_t n, uint16_t port);

#endif
