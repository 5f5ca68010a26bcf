/* SPDX-License-Identifier: ISC */
/* Large phonebooks in a rig, and what the processes need for them. */
#ifndef TESTS_BOOK_RIG_H
#define TESTS_BOOK_RIG_H

#include "tests/rig.h"

/* Loads entries first … last of a user's private phonebook, in an order of their own; their numbers
 * sort as they count. */
void book_load(struct rig *r, const char *user, int first, int last);
/* Proportional set size of a process and all below it, KiB; and of a process alone. */
long book_pss(pid_t pid);
long book_own_pss(pid_t pid);

#endif
