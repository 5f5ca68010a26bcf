/* SPDX-License-Identifier: ISC */
/*
 * How often a wrong password was given for a user lately. Beyond the limit the
 * user's passwords are not even tried until the window has passed, so that
 * guessing is slow; who is known already (memo.h) is not affected. Bounded:
 * the user that failed longest ago is forgotten first. For the loop thread.
 */
#ifndef BACKEND_TRIES_H
#define BACKEND_TRIES_H

#include <stdint.h>

struct tries;

enum { TRIES_WINDOW_MS = 15 * 60 * 1000 };

struct tries *tries_new(unsigned limit);
void tries_free(struct tries *t);

/* 0 = may try, else seconds until the next try. `who` is any number of the account. */
int64_t tries_wait(struct tries *t, uint64_t who, int64_t now_ms);
void tries_failed(struct tries *t, uint64_t who, int64_t now_ms);
void tries_succeeded(struct tries *t, uint64_t who);

#endif
