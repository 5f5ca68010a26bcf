/* SPDX-License-Identifier: ISC */
/* Directories that the backend needs, made while it still may. */
#ifndef BACKEND_DIRS_H
#define BACKEND_DIRS_H

#include "common/conf.h"

/* Makes what is missing of the state directory, the key file's directory and those of the
 * sockets, with owner and mode; as root they are given to the users of the configuration.
 * Directories that exist stay as they are, and are checked where they are used. */
int dirs_make(const struct conf *c, struct err *e);

#endif
