/* SPDX-License-Identifier: ISC */
/* The files of a running store, piece by piece over the control socket. */
#ifndef CTL_BACKUP_COPY_H
#define CTL_BACKUP_COPY_H

#include "ctl/backup.h"
#include "ctl/page_sum.h"

enum { COPY_RATE_HALF = -1 }; /* no rate was given: rests as long as it works */

struct copying {
	struct ctl *c;
	struct backup *b;
	const char *dir;
	int dirfd;
	bool follows; /* what there is ends well when it is stopped */
	int64_t rate; /* bytes a second, 0 = as fast as it goes, or COPY_RATE_HALF */
	int64_t done;
	int64_t since_ms;
	int64_t rested_ms; /* when it began, or rested last */
};

/* EXIT_OK, or an exit code after having said why, here and below. The files, in *r, which is valid
 * until the next call. `from`: for those of the log, the first that is asked for, "" = all. */
int copy_list(struct copying *k, int command, const char *from, struct ctl_reply *r);

enum copied {
	COPIED,
	COPY_GONE,   /* there is no such file */
	COPY_CHANGED /* it does not go on with what the sum has; nothing is written */
};

/* What comes in a file behind the whole pages of a sum, to its end or to `end`, into `fd`; all that
 * is there of it is in the sum then. */
int copy_bytes(struct copying *k, const char *name, int fd, int64_t end, struct page_sum *sum,
    enum copied *how);

/* --follow: refused by an engine without a log, before anything is copied. */
int follow_check(struct copying *k);
/* Goes on with the log in a complete backup until it is stopped. */
int follow(struct copying *k);

#endif
