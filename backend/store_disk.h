/* SPDX-License-Identifier: ISC */
/*
 * What engines need from the file system beyond their libraries: the directory
 * of the environment, and system calls that Berkeley DB makes through us.
 */
#ifndef BACKEND_STORE_DISK_H
#define BACKEND_STORE_DISK_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"

/* Creates the directory, or checks that it is ours alone, and locks it against a second
 * process. The descriptor that holds the lock, or -1 with *e. */
int disk_home(const char *dir, struct err *e);

/* For db_env_set_func_fsync(): 0 or an errno. One failure is final for the process: the
 * kernel reports lost pages once and forgets them, so a later success proves nothing. */
int disk_flush(int fd);
bool disk_flush_failed(void);

/* For db_env_set_func_pwrite(): remembers whether the last write found no room, which the
 * library may report as EIO or ENOMEM when it cannot evict a page. */
ssize_t disk_pwrite(int fd, const void *p, size_t n, off_t at);
bool disk_is_full(void);
/* For db_env_set_func_pread(). The library takes a page of zeros for a good one, whatever its
 * checksum should be; none is read but in a recovery. `found` is called for one, and must not
 * return; NULL = no more. */
ssize_t disk_pread(int fd, void *p, size_t n, off_t at);
void disk_watch(void (*found)(void *arg), void *arg);
/* Reads while no disk_pwrite() is under way, so that no page in it is half written: how many bytes,
 * or -1 with errno. */
ssize_t disk_pread_whole(int fd, void *p, size_t n, off_t at);

#endif
