/* SPDX-License-Identifier: ISC */
/*
 * Copying a Berkeley DB environment while it is in use, file by file: first the tables, whose pages
 * may be of any age by then, then the log, which brings all of them to the same one. Each page is
 * read while none is written, so none is torn; and no file of the log is removed before the copy
 * has it.
 */
#ifndef BACKEND_STORE_COPY_H
#define BACKEND_STORE_COPY_H

#include <pthread.h>
#include <time.h>

#include "backend/store.h"

/* Who copies is not known by name, and there may be several. So the least that anybody asked for
 * lately decides: in this span of time, or in the one before. */
struct store_hold {
	pthread_mutex_t lock;
	unsigned seconds; /* of a span */
	time_t since;     /* when this one began, CLOCK_MONOTONIC */
	struct {
		bool asked;
		char from[STORE_FILE_MAX + 1]; /* files of the log before this one may go */
	} span[2];
};

void hold_init(struct store_hold *h);
void hold_destroy(struct store_hold *h);
/* Files of the log from that one on are kept for so long at least; it may be twice as long. */
void hold_from(struct store_hold *h, const char *from, unsigned seconds);
/* Whether a file of the log that nobody else needs may be removed. */
bool hold_allows(struct store_hold *h, const char *name);

/* What store.h says of the calls of that name, in a directory. */
int copy_list(
    int home, enum store_copy what, struct store_file *ret, size_t max, size_t *n, struct err *e);
/* Whether there is a file of the log of that name, or a later one. */
bool copy_has_log(int home, const char *from);
int64_t copy_read(int home, const char *name, uint64_t at, void *to, size_t n, struct err *e);

#endif
