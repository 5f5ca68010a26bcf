/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FREEZE_H
#define TESTS_FREEZE_H

#include <sys/types.h>

/* SIGSTOP, and waits until no thread of the process runs any more: the signal takes effect when one
 * of them finds it, and the others may work on until then. Fails the test after 10 s. */
void freeze(pid_t pid);

#endif
