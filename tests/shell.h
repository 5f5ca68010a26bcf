/* SPDX-License-Identifier: ISC */
/* What tests do by the shell, and by the second as times on a command line have it. */
#ifndef TESTS_SHELL_H
#define TESTS_SHELL_H

#include <stdarg.h>

/* The status of a command in the shell, as of system(3). One that is cut off fails the test. */
int sh_status(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
/* One that has to end well. */
void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Past the end of this second and of the next one, which is *text (RFC 3339). */
void next_second(char text[32]);

#endif
