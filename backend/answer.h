/* SPDX-License-Identifier: ISC */
/* The one place that turns a finished job into messages. For the loop thread. */
#ifndef BACKEND_ANSWER_H
#define BACKEND_ANSWER_H

#include "backend/job.h"

/* Sends what the job says; counts and logs it unless it is a later part of a list. -1 when
 * it was dropped, since the peer has gone or takes nothing. */
int answer_send(struct job *j);
/* Puts a signed capability into the body as a session record: 0 or -1. */
int answer_session(struct job *j, struct str signature);

#endif
