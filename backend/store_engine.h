/* SPDX-License-Identifier: ISC */
/*
 * What store.c and the engines share; nobody else includes it. An engine
 * embeds `struct store` as the first member of its own.
 */
#ifndef BACKEND_STORE_ENGINE_H
#define BACKEND_STORE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdnoreturn.h>
#include <time.h>

#include "backend/store.h"

struct store_ops {
	int (*open)(struct store **ret, const struct store_conf *conf, struct err *e);
	void (*close)(struct store *s);
	/* `parent` is NULL for a top-level transaction. */
	int (*begin)(struct store *s, struct store_txn *parent, enum store_mode mode,
	    struct store_txn **ret, struct err *e);
	int (*commit)(struct store_txn *t, struct err *e); /* of STORE_WRITE */
	void (*abort)(struct store_txn *t);                /* ends readers as well */
	int (*get)(struct store_txn *t, enum store_table table, struct str key, struct arena *a,
	    struct str *val, struct err *e);
	int (*put)(
	    struct store_txn *t, enum store_table table, struct str key, struct str val, struct err *e);
	int (*del)(struct store_txn *t, enum store_table table, struct str key, struct err *e);
	/* All rows from the first key that is not less than `start`, until `row` returns != 0. */
	int (*scan)(struct store_txn *t, enum store_table table, struct str start, store_row_fn *row,
	    void *arg, struct err *e);
	int (*part_get)(struct store_txn *t, uint32_t part, struct str key, struct arena *a,
	    struct str *val, struct err *e);
	int (*part_put)(
	    struct store_txn *t, uint32_t part, struct str key, struct str val, struct err *e);
	int (*part_del)(struct store_txn *t, uint32_t part, struct str key, struct err *e);
	/* STORE_DOWN: from the last key that is less than `start`. */
	int (*part_scan)(struct store_txn *t, uint32_t part, enum store_order order, struct str start,
	    store_row_fn *row, void *arg, struct err *e);
	/* 1 with the bytes, 0 = there is none, -1. */
	int (*part_size)(struct store_txn *t, uint32_t part, uint64_t *bytes, struct err *e);
	size_t (*part_list)(struct store_txn *t, uint32_t from, uint32_t *ret, size_t max);
	/* No write transaction is open, and none begins meanwhile. */
	int (*part_drop)(struct store *s, uint32_t part, struct err *e);
	int (*checkpoint)(struct store *s, uint64_t min_log_kib, struct err *e);
	int (*trickle)(struct store *s, int percent, struct err *e);
	void (*stats)(struct store *s, struct store_stats *ret);
	/* NULL = the engine cannot be copied while it is in use. */
	int (*copy_list)(struct store *s, enum store_copy what, const char *from, unsigned hold_s,
	    struct store_file *ret, size_t max, size_t *n, struct err *e);
	int64_t (*copy_read)(struct store *s, const char *name, uint64_t at, void *to, size_t n,
	    unsigned hold_s, struct err *e);
	/* Recovers the files of a copy and reads all of them; leaves nothing open. */
	int (*recover)(const struct store_conf *conf, int64_t until, struct err *e);
	/* The file of the log that flushed commits lie in, 0 = not known; NULL = there are none. */
	uint64_t (*newest_log)(struct store *s);
	/* Whether the directory has that file, or a newer one; name = that of the one asked for. */
	bool (*has_log)(int home, uint64_t number, char name[STORE_FILE_MAX + 1]);
};

struct store_mark;

struct store {
	const struct store_ops *ops;
	struct store_mark *mark; /* NULL where nothing outlives the process */
	struct store_conf conf;
	pthread_mutex_t writing; /* by the outermost write transaction, or who drops a partition */
	atomic_flag panicked;
	atomic_ulong commits;
};

struct store_txn {
	struct store *store;
	struct store_txn *parent;
	enum store_mode mode;
	bool wrote;             /* it, or a committed child, changed something */
	void *handle;           /* the engine's */
	unsigned long epoch;    /* see store_gate.h */
	struct store_txn *next; /* in the gate's list */
};

extern const struct store_ops store_bdb_ops, store_lmdb_ops, store_mem_ops;

void store_log(const struct store *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "store: <what> in <n> ms" since *since, which is then set to now (CLOCK_MONOTONIC). */
void store_log_phase(const struct store *s, const char *what, struct timespec *since);
/* Calls conf.panic once. Never returns: whoever comes second waits for the end of the process. */
noreturn void store_panic(struct store *s, const char *why);
/* The state every engine starts from, and its end. */
void store_setup(struct store *s, const struct store_ops *ops, const struct store_conf *conf);
void store_finish(struct store *s);
/* A transaction without a handle, for free(); NULL with *e when memory ends. */
struct store_txn *store_txn_new(
    struct store *s, struct store_txn *parent, enum store_mode mode, struct err *e);

#endif
