/* SPDX-License-Identifier: ISC */
/* Directories that a program needs, made while it still may. */
#ifndef COMMON_DIRS_H
#define COMMON_DIRS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/conf.h"

/* The directory part of an ipc:// endpoint or a path; false when there is none. */
bool dir_of(const char *endpoint_or_path, char ret[CONF_TEXT_MAX]);

/* Makes a directory that is missing, and its parents, which everybody may pass through. As root it
 * is given to `owner` and the group of the user `group_of` (NULL = the owner's). One that exists
 * stays as it is; one that exists was finished, whenever a process ended: `path`.new is what was not.
 * 0 or -1. */
int dir_make(const char *path, mode_t mode, const char *owner, const char *group_of, struct err *e);

#endif
