/* SPDX-License-Identifier: ISC */
/* The file of a listening unix socket: taking the place of a dead one, never of a live one. */
#ifndef IPC_SOCKETFILE_H
#define IPC_SOCKETFILE_H

#include <sys/types.h>

#include "common/err.h"
#include "ipc/server.h"

struct socketfile {
	char path[IPC_PATH_MAX + 1];
	dev_t dev;
	ino_t ino;
};

/* Removes a socket that nobody listens on. Error when somebody does, or when the file is
 * something else. The directory must not be writable for others: between this call and the
 * bind nothing else holds the place. */
int socketfile_prepare(const char *path, struct err *e);
/* After the bind: group ((gid_t)-1 = leave), then mode. */
int socketfile_open(
    struct socketfile *f, const char *path, unsigned mode, gid_t group, struct err *e);
/* Removes the file if it still is the one that was opened. */
void socketfile_remove(const struct socketfile *f);

#endif
