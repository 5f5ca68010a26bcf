/* SPDX-License-Identifier: ISC */
/* What tandem-backend does to a store that is not in use, since it alone knows how: started by us,
 * with our configuration. */
#ifndef CTL_OFFLINE_H
#define CTL_OFFLINE_H

#include <sys/types.h>

#include "ctl/ctl.h"

/* Whose the store has to be, for fchown(); nothing to change when not root. */
void offline_owner(const struct ctl *c, uid_t *uid, gid_t *gid);
/* Nothing is overwritten: EXIT_OK when the directory is missing or empty, else says so. */
int offline_empty(const char *dir);
/* Makes the directory of a store, for its owner: a descriptor, or -1 after having said why. */
int offline_home(const struct ctl *c, const char *dir);
/* Writes into an empty one, exclusively, that what it has is not complete: no backend opens it. */
int offline_claim(int fd, const char *dir);
/* Removes it with its files. */
void offline_discard(const char *dir);

/* Runs tandem-backend with these settings over ours, and arguments, both up to NULL; it ends with
 * `what` and a number on standard output. EXIT_OK; else it has said itself what is wrong. */
enum { OFFLINE_MOST = 4 };
int offline_run(struct ctl *c, const char *const *settings, const char *const *args,
    const char *what, long long *number);

#endif
