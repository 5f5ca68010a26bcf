/* SPDX-License-Identifier: ISC */
/*
 * Kills what a test started when the test dies first. PR_SET_PDEATHSIG is not enough: it is lost
 * where a program changes its user.
 */
#ifndef TESTS_KEEPER_H
#define TESTS_KEEPER_H

#include <sys/types.h>

/* The process, which leads a group of its own, shall not outlive the caller. */
void keeper_watch(pid_t pid);
/* The process has ended and been waited for. */
void keeper_forget(pid_t pid);

#endif
