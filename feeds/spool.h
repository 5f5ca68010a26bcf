/* SPDX-License-Identifier: ISC */
/*
 * What a feed has said and the backend has not acknowledged yet: one file of frames with dense
 * numbers, written before it is sent. It survives the end of the process at any point; what was
 * being written then is cut off. A new life of the numbers (an epoch) keeps nothing but the call
 * records. The file never gets longer than its limit.
 */
#ifndef FEEDS_SPOOL_H
#define FEEDS_SPOOL_H

#include "feeds/feed.h"

struct spool;

/* Opens the file of a source in a directory, making both the file and, when there is none that can
 * be used, an epoch. *fresh: the epoch is new. `limit` in bytes, from 1 MiB. A second opener of the
 * same file is refused. */
int spool_open(struct spool **ret, const char *dir, const char *source, int64_t limit, bool *fresh,
    struct err *e);
void spool_close(struct spool *s);

const char *spool_epoch(const struct spool *s);
int64_t spool_last(const struct spool *s);  /* the last number, 0 = none yet */
int64_t spool_acked(const struct spool *s); /* everything up to it is acknowledged */
int64_t spool_bytes(const struct spool *s); /* that are not acknowledged */
/* Cursor of the last call record that is in it or was acknowledged; of the last acknowledged. */
const char *spool_cursor(const struct spool *s);
const char *spool_cursor_acked(const struct spool *s);

enum spool_result {
	SPOOL_OK,
	SPOOL_FULL,
	SPOOL_FAILED /* *e: a fault of the disk, or of the message, which nobody could read */
};
/* Appends a message, whose source, epoch and number are set here. A call record has a cursor,
 * others NULL; call records may fill half of the room, together with the rest all of it. */
enum spool_result spool_add(
    struct spool *s, struct feed_message *m, const char *cursor, struct err *e);

/* Goes to a number, so that spool_next() gives it: true, or false when it is not there any more
 * (or not yet; the one behind the last is). */
bool spool_seek(struct spool *s, int64_t seq);
/* The next frame to send, valid until the next call: 1, 0 = none, -1 = the file is damaged. */
int spool_next(struct spool *s, struct str *frame, int64_t *seq, struct err *e);
/* Number that spool_next() gives next. */
int64_t spool_position(const struct spool *s);

/* Everything up to a number, which is between the last acknowledged and the last one, is stored. 0,
 * -1 when the file is damaged. */
int spool_ack(struct spool *s, int64_t seq, struct err *e);
/* The backend says how far it is after all: forward or, as long as it is still there, back. False:
 * the numbers do not fit together, and another epoch must begin. */
bool spool_reset(struct spool *s, int64_t applied, struct err *e);

/* Begins another epoch: what is not acknowledged of the call records stays, under new numbers, the
 * rest is dropped. 0 or -1, and then everything is as it was. */
int spool_renew(struct spool *s, struct err *e);

#endif
