/* SPDX-License-Identifier: ISC */
/*
 * The store as the rest of the backend sees it: tables of byte keys in
 * unsigned byte order, transactions, nothing about the engine. Berkeley DB is
 * in store_bdb.c and LMDB in store_lmdb.c, the only files that include their
 * headers; store_mem.c serves unit tests. All are reached through these calls
 * alone.
 *
 * Threads: a transaction belongs to the thread that began it. One thread at a
 * time may hold a write transaction (the writer thread); any number may read.
 * A read transaction sees one consistent committed state, neither waits for an
 * open write transaction nor sees anything of it before it is durable.
 */
#ifndef BACKEND_STORE_H
#define BACKEND_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

/* Keys of every table begin [tenant u32][owner u32], big-endian (see key.h). A key that is empty or
 * longer than any engine takes is refused with ERR_INVALID, and never found. */
enum { STORE_KEY_MAX = 511 };
enum store_table {
	STORE_DATA,  /* records of users, groups and the system */
	STORE_INDEX, /* names and ids to owners */
	STORE_META,  /* counters, versions */
	STORE_TABLES
};

enum store_mode { STORE_READ, STORE_WRITE };

struct store;
struct store_txn;

struct store_conf {
	const char *engine; /* "bdb", "lmdb" or "mem" */
	const char *dir;    /* directory of the environment, mode 0700; not used by "mem" */
	size_t cache_bytes; /* page cache of "bdb"; 0 = 64 MiB */
	/* What stays free on the file system beside what a copy of "lmdb" makes its file grow. */
	uint64_t reserve_bytes;
	bool unfinished; /* whoever opens it is making it: see STORE_UNFINISHED */
	/* One line of text about a start-up phase or a fault; may be NULL. Any thread. */
	void (*log)(void *arg, const char *line);
	/* The environment is damaged or must be recovered: nothing may be answered from
	 * it again. Called at most once, from any thread; must not return. NULL = abort. */
	void (*panic)(void *arg, const char *why);
	void *arg;
};

/* A file in the directory of a copy that is not complete, which is not opened. */
#define STORE_UNFINISHED "unfinished"

struct store_stats {
	uint64_t commits;   /* write transactions committed and flushed */
	uint64_t flushes;   /* of commits to disk ("bdb": fdatasync calls of the log), 0 for "mem" */
	uint64_t log_bytes; /* written to the log since the last checkpoint; "bdb", as what follows */
	uint64_t cache_hits, cache_misses;
};

/* Opens (creating what is missing, recovering what a crash left): 0, or -1 with *e, which it also
 * is where the directory holds another engine's store. */
int store_open(struct store **ret, const struct store_conf *conf, struct err *e);
/* Whether there is one that could be opened: 0, or -1 with *e. */
int store_check_there(const struct store_conf *conf, struct err *e);
/* All transactions must have ended. Checkpoints and closes; NULL is allowed. */
void store_close(struct store *s);

/* Begins a transaction; STORE_WRITE only in one thread at a time. 0 or -1. */
int store_begin(struct store *s, enum store_mode mode, struct store_txn **ret, struct err *e);
/* Begins a child of a write transaction: its changes join the parent's when it is
 * committed and vanish when it is aborted. The parent rests meanwhile. */
int store_nest(struct store_txn *parent, struct store_txn **ret, struct err *e);
/* Ends a transaction. A top-level write transaction has been flushed to disk when 0 is
 * returned. The handle is gone in every case. */
int store_commit(struct store_txn *t, struct err *e);
void store_abort(struct store_txn *t);

/* 1 = found (*val is a copy in the arena), 0 = no such key, -1 with *e. */
int store_get(struct store_txn *t, enum store_table table, struct str key, struct arena *a,
    struct str *val, struct err *e);
/* Inserts or replaces. */
int store_put(
    struct store_txn *t, enum store_table table, struct str key, struct str val, struct err *e);
/* 1 = removed, 0 = was not there, -1 with *e. */
int store_del(struct store_txn *t, enum store_table table, struct str key, struct err *e);

/* Rows whose key begins with `prefix`, in key order, starting behind `after` (an empty
 * string = from the first). `row` returns 0 to go on, 1 to stop; key and value are valid
 * during the call only. It must not call into the store. 0 or -1. */
typedef int store_row_fn(void *arg, struct str key, struct str val);
int store_scan(struct store_txn *t, enum store_table table, struct str prefix, struct str after,
    store_row_fn *row, void *arg, struct err *e);

/*
 * Partitions, for what grows with time and goes by age: each is a table of its own that is found by
 * a number and is removed as a whole. It comes into being with the first
 * row that is put there. They take part in transactions as the tables do, but their coming and
 * going does not: an empty partition may be left of what was aborted, and who reads in an older
 * transaction finds a dropped one empty.
 */
/* As store_get(); 0 also when there is no such partition. */
int store_part_get(struct store_txn *t, uint32_t part, struct str key, struct arena *a,
    struct str *val, struct err *e);
int store_part_put(
    struct store_txn *t, uint32_t part, struct str key, struct str val, struct err *e);
int store_part_del(struct store_txn *t, uint32_t part, struct str key, struct err *e);
/* As store_scan(); STORE_DOWN goes against the order of the keys, and `after` is what it starts
 * before. */
enum store_order { STORE_UP, STORE_DOWN };
int store_part_scan(struct store_txn *t, uint32_t part, enum store_order order, struct str prefix,
    struct str after, store_row_fn *row, void *arg, struct err *e);
/* About how many bytes of disk (of memory, with "mem") it takes: 1, 0 = there is none, -1. It does
 * not read the rows. */
int store_part_size(struct store_txn *t, uint32_t part, uint64_t *bytes, struct err *e);
/* The numbers of the partitions from `from` up, in order, at most `max`; returns how many. */
size_t store_part_list(struct store_txn *t, uint32_t from, uint32_t *ret, size_t max);
/* Removes a partition with all that is in it, for good when it returns: 1, 0 = there is none, -1.
 * It waits for who reads there and for the write transaction that is open, and the next one waits
 * for it: the calling thread must have none. */
int store_part_drop(struct store *s, uint32_t part, struct err *e);

/* Writes a checkpoint when at least `min_log_bytes` of log came since the last one
 * (0 = always), and removes logs no longer needed. For the maintenance thread. */
int store_checkpoint(struct store *s, uint64_t min_log_bytes, struct err *e);
/* Writes dirty pages until `percent` of the cache is clean. For the maintenance thread. */
int store_trickle(struct store *s, int percent, struct err *e);

void store_stats(struct store *s, struct store_stats *ret);

/*
 * A copy that is made while the store is in use: first all files of STORE_COPY_DATA, each read from
 * its beginning to the end it has then, then all of STORE_COPY_LOG, up to the size that is listed.
 * Put into a directory of their own they are what store_recover() makes a store of, with every
 * commit up to the second listing. A file of data that has gone meanwhile is left out.
 *
 * "lmdb" has no log, and one file of data, under a name of this copy alone: the store as it was at
 * the first listing, with every commit before that. It is held for `hold_s` seconds from the last
 * call on, and until the read that gives less than was asked for; see store_pin.h for what else
 * ends it. A read then has ERR_UNAVAILABLE, as a listing of data while another copy is made. "mem"
 * refuses.
 */
enum store_copy { STORE_COPY_DATA, STORE_COPY_LOG };
enum { STORE_FILE_MAX = 31, STORE_READ_MAX = 256 * 1024 };
struct store_file {
	char name[STORE_FILE_MAX + 1];
	uint64_t size;
};
/* At most `max` of the files in the order of their names; *n = how many there are. Files of the log
 * that the reader has not seen are kept for `hold_s` seconds from now on: those whose name is not
 * before `from` ("" = all that there are). Any thread. 0 or -1. */
int store_copy_list(struct store *s, enum store_copy what, const char *from, unsigned hold_s,
    struct store_file *ret, size_t max, size_t *n, struct err *e);
/* Reads up to `n` bytes, at most STORE_READ_MAX, of a file that was listed; `at` is a multiple of
 * 4096. What is still to be read of the log is kept as above. How many (0 = behind the end), or -1
 * with ERR_NOT_FOUND when the file has gone. */
int64_t store_copy_read(struct store *s, const char *name, uint64_t at, void *to, size_t n,
    unsigned hold_s, struct err *e);
/* Which store this is, as text, and the number of its last commit; "" and 0 for "mem". */
enum { STORE_ID_MAX = 32 };
void store_identity(struct store *s, char id[STORE_ID_MAX + 1], uint64_t *commit);

/* Makes a store of a copy, in its place: with all that is there, or (`until` > 0, seconds since
 * 1970; not for "lmdb") as it was then; then reads every page of it. It ends with a store that is
 * closed, has a mark and another identity than the one that was copied; *commit = the number of its
 * last commit. 0 or -1. */
int store_recover(const struct store_conf *conf, int64_t until, uint64_t *commit, struct err *e);

#endif
