/* SPDX-License-Identifier: ISC */
/* What the tests of the store share: a directory of their own, and opening in it. */
#ifndef TESTS_STORE_RIG_H
#define TESTS_STORE_RIG_H

#include "backend/store.h"

struct store_rig {
	char dir[64];
	char home[80];    /* in dir; the store creates it */
	char lines[2048]; /* what was logged */
	struct store_conf conf;
	struct store *s;
};

/* Makes the directory and opens `engine` in it; failures end the test. */
void store_rig_open(struct store_rig *rig, const char *engine);
void store_rig_reopen(struct store_rig *rig);
/* Closes, and removes the directory. */
void store_rig_close(struct store_rig *rig);

/* In a process of its own, with the store opened anew: what `run` returned, or RIG_PANICKED. The
 * store is closed afterwards. */
enum { RIG_PANICKED = 42 };
int store_rig_in_child(struct store_rig *rig, int (*run)(struct store_rig *rig));

/* One call each; failures end the test. Rows are of STORE_DATA. */
struct store_txn *rig_begin(struct store *s, enum store_mode mode);
struct store_txn *rig_nest(struct store_txn *parent);
void rig_commit(struct store_txn *t);
void store_rig_put(struct store_txn *t, const char *key, const char *val);
/* A transaction of its own with one row: 0, or the error's code. */
int store_rig_put_row(struct store_rig *rig, const char *key, struct str val);
/* The number in that row, 0 when there is none. */
unsigned store_rig_number(struct store_rig *rig, const char *key);
int rig_del(struct store_txn *t, const char *key);
/* The value, "(none)" when there is no such key; it lasts until the rig is closed. */
const char *store_rig_get(struct store_txn *t, const char *key);
/* In a transaction of its own. */
const char *rig_get_now(struct store *s, const char *key);
void rig_put_now(struct store *s, const char *key, const char *val);

extern struct arena rig_arena;

enum { RIG_ENGINES = 3 };
extern const char *const rig_engines[RIG_ENGINES];

/* The cases of a program, run once with each engine. */
struct store_case {
	const char *name;
	void (*run)(struct store *s);
};
int rig_run(const char *suite, const struct store_case *cases, int n);

#endif
