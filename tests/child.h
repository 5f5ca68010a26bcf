/* SPDX-License-Identifier: ISC */
/*
 * A process that a test talks to: lines to its standard input, lines from its standard output.
 * It does not outlive the test.
 */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int in, out;
	char text[65536];
	size_t n;
};

/* Starts argv[0], found in $PATH unless it has a slash; its standard error is appended to `log`. */
void child_start(struct child *c, const char *log, char *const argv[]);
/* The test's own process twice: the pid is 0 in the child, which has neither input nor output. */
void child_fork(struct child *c);
/* A line to its standard input. */
void child_say(struct child *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The next line of its output, without its end; false when none comes in time. */
bool child_line(struct child *c, char *line, size_t size, int ms);
/* Waits for a line that begins so, passing others over; fails the test after 15 s. Returns it,
 * valid until the next call. */
const char *child_expect(struct child *c, const char *begin);
/* SIGKILL, and waits for the end. */
void child_kill(struct child *c);
/* SIGTERM (0 = no signal), and waits up to `ms` for the end: the exit status, -1 = had to be
 * killed. */
int child_end(struct child *c, int signal, int ms);

/* Path of a program that was built. */
const char *child_program(const char *name);

#endif
