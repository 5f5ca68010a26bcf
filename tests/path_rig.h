/* SPDX-License-Identifier: ISC */
/*
 * The backend's path of a request inside a benchmark's own process, without
 * sockets: who asks is proved, the handler runs on a real store. Whatever fails
 * ends the program.
 */
#ifndef TESTS_PATH_RIG_H
#define TESTS_PATH_RIG_H

#include "backend/backend.h"

/* Ends the program with a message unless rc is 0. */
void path_must(int rc, const char *what, const struct err *e);

/* Opens a store in the directory and what a request needs beside it. */
void path_start(struct backend *be, const char *dir);
void path_stop(struct backend *be);

/* Calls f in a transaction of its own, and commits it. */
typedef int path_fn(struct model *m, void *arg);
void path_write(struct backend *be, path_fn *f, void *arg);
/* A user of that number and name. */
void path_add_user(struct backend *be, uint32_t id, const char *name);

/* A capability of the user, good for an hour. *token is to be freed. */
void path_token(uint32_t user, struct buf *token);

/* Runs a request that came as a frame, to its end: the job with what it answers, to be freed. */
struct job *path_run(struct backend *be, const struct res *res, struct str frame);

#endif
