/* SPDX-License-Identifier: ISC */
/*
 * The high-water mark: the number of the last commit, in a file beside the engine's own. An engine
 * that finds damage at the end of its log takes it for the end, and comes up without what was
 * acknowledged, silently: so the store counts its commits in a row of its own, and a store that is
 * behind its mark is not opened.
 *
 * The mark of a commit is on disk with the flush of the next one, or 50 ms later: damage to the
 * very last commit alone is not seen.
 */
#ifndef BACKEND_STORE_MARK_H
#define BACKEND_STORE_MARK_H

#include "backend/store_engine.h"

struct store_mark;

#define STORE_MARK_FILE "mark"

/* Compares and begins to count: 0, or -1 with ERR_INTERNAL when the store is behind, or is another
 * one than the mark's. A mark that is missing is made; one that cannot be read is damage too.
 * `copied`: a store without a mark that is made of the files of another one gets a number of its
 * own, since its log does not go on with the other's. */
int mark_open(
    struct store_mark **ret, struct store *s, const char *dir, bool copied, struct err *e);
/* The number of the log's newest file when the mark was written. It, or one behind it, must be
 * there before the engine opens anything: what is recovered without that file is written down as
 * all there is, and the file is of no use any more. 1, or 0 = that is not known. */
int mark_log(const char *dir, uint64_t *ret);
/* Removes it, if there is one: 0 or -1. */
int mark_remove(const char *dir, struct err *e);
/* Writes the last mark. NULL is allowed, here and below. */
void mark_close(struct store_mark *m);

/* The store's own number, as hexadecimal text, and that of the last commit that was flushed. */
enum { MARK_ID_TEXT = 32 };
void mark_identity(struct store_mark *m, char id[MARK_ID_TEXT + 1], uint64_t *commit);

/* Whether it is the row in which the commits are counted. */
bool mark_is_row(enum store_table table, struct str key);
/* In the outermost write transaction, last: the number of its commit. 0 or -1. */
int mark_count(struct store_mark *m, struct store_txn *t, struct err *e);
/* It is going to be flushed, and has been. */
void mark_flushing(struct store_mark *m);
void mark_flushed(struct store_mark *m);

#endif
