/* SPDX-License-Identifier: ISC */
/* How many descriptors a process that runs may have. */
#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

#include <sys/resource.h>
#include <sys/types.h>

/* The first number that is not in use: with this limit there is none left. */
rlim_t descriptors_used(pid_t pid);
/* Sets the limit, as the user of that process, since root may not everywhere. What it was. */
rlim_t descriptors_limit(pid_t pid, rlim_t soft);
/* A number of /proc/PID/status, by what its line begins with. */
unsigned process_number(pid_t pid, const char *name);

#endif
