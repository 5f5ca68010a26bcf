/* SPDX-License-Identifier: ISC */
/*
 * Commands on their way to switches. A job waits here until the feed has said what became of its
 * commands, or until it is too late for that. Nothing changes by a result: the state changes when
 * the switch tells of it, and when it does not tell within COMMAND_SHOWS_US, its feed is asked once
 * to list that conference again. For the loop's thread.
 */
#ifndef BACKEND_COMMANDS_H
#define BACKEND_COMMANDS_H

#include "backend/feeds.h"
#include "backend/job.h"

enum { COMMANDS_MAX = 1024, COMMAND_SHOWS_US = 2 * 1000000 };

struct commands;

/* `done` gets a job back with j->commanded filled in. */
typedef void commands_done_fn(struct job *j);
struct commands *commands_new(struct feeds *f, commands_done_fn *done);
/* Frees the jobs that wait. NULL is allowed. */
void commands_free(struct commands *c);

/* Sends what j->command says. The job comes back by `done`, perhaps before this returns. -1 when
 * too many are under way; the job is the caller's then. */
int commands_start(struct commands *c, struct job *j);

/* Milliseconds until commands_expire() has something to do, at most `max`. */
int commands_wait(const struct commands *c, int max);
void commands_expire(struct commands *c);

#endif
