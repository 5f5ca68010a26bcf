/* SPDX-License-Identifier: ISC */
/*
 * The store on Berkeley DB. Readers use snapshots, so they take no locks and
 * meet no deadlocks; store_gate.h says why a snapshot is taken the moment a
 * transaction begins, and what happens while a commit is being flushed.
 */
#include "backend/store.h"

#include <db.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/store_copy.h"
#include "backend/store_disk.h"
#include "backend/store_engine.h"
#include "backend/store_gate.h"
#include "backend/store_parts.h"
#include "backend/store_pool.h"

enum {
	PAGE = 4096, /* what the file system writes whole: a larger page can be torn */
	CACHE_DEFAULT = 64 << 20,
	/* Start-up reads the newest log file from its first byte to find the end, however
	 * recent the last checkpoint is: small files bound that. */
	LOG_FILE = 16 << 20,
	LOG_BUFFER = 4 << 20,
	LOCKS = 100000,
	/* Each version of a page that is still in the cache keeps its transaction. */
	TRANSACTIONS = 20000,
	VALUE_SMALL = 1024,
	/* A scan that goes on for longer is read in parts of this size: five times as fast as row by
	 * row, but a short one would pay for rows that nobody asked for. */
	SCAN_SINGLE = 8,
	SCAN_PART = 32 * 1024
};

struct bdb {
	struct store base;
	DB_ENV *env;
	DB *table[STORE_TABLES];
	struct store_parts parts;
	struct store_gate gate;
	struct store_hold hold;
	int home;            /* descriptor that holds the lock of the directory */
	atomic_bool running; /* faults are panics from now on, not errors of store_open() */
};

static const char *const files[STORE_TABLES] = {"data.db", "index.db", "meta.db"};

static struct bdb *
bdb_of(const struct store_txn *t)
{
	return (struct bdb *)t->store;
}

static DBT
dbt_of(struct str s)
{
	return (DBT){.data = (void *)(uintptr_t)s.p, .size = (u_int32_t)s.n};
}

/* Every failure of a library call passes here once: *e is set, or the process ends. */
static int
fail(struct bdb *b, int ret, const char *what, struct err *e)
{
	enum err_code code = ERR_INTERNAL;

	if (atomic_load(&b->running) &&
	    (ret == DB_RUNRECOVERY || ret == DB_PAGE_NOTFOUND || disk_flush_failed()))
		store_panic(&b->base, what);
	/* When no dirty page can be written out the library lacks cache, not disk. */
	if (ret == ENOSPC || ret == EDQUOT || ((ret == EIO || ret == ENOMEM) && disk_is_full()))
		code = ERR_NO_SPACE;
	else if (ret == DB_LOCK_DEADLOCK || ret == DB_LOCK_NOTGRANTED || ret == ENOMEM)
		code = ERR_UNAVAILABLE;
	return err_set(e, code, "store: %s: %s", what, db_strerror(ret));
}

static void
on_error(const DB_ENV *env, const char *prefix, const char *msg)
{
	(void)prefix;
	store_log(env->app_private, "store: %s", msg);
}

static void
on_event(DB_ENV *env, u_int32_t event, void *info)
{
	struct bdb *b = env->app_private;

	(void)info;
	if (event == DB_EVENT_PANIC && atomic_load(&b->running))
		store_panic(&b->base, "the environment must be recovered");
}

static int
configure(struct bdb *b, DB_ENV *env)
{
	size_t cache = b->base.conf.cache_bytes > 0 ? b->base.conf.cache_bytes : CACHE_DEFAULT;
	int ret;

	env->app_private = b;
	env->set_errcall(env, on_error);
	if ((ret = env->set_event_notify(env, on_event)) != 0 ||
	    (ret = env->set_cachesize(
	         env, (u_int32_t)(cache >> 30), (u_int32_t)(cache & ((1U << 30) - 1)), 1)) != 0 ||
	    (ret = env->set_lg_bsize(env, LOG_BUFFER)) != 0 ||
	    (ret = env->set_lg_max(env, LOG_FILE)) != 0 ||
	    (ret = env->set_lk_detect(env, DB_LOCK_MINWRITE)) != 0 ||
	    (ret = env->set_lk_max_locks(env, LOCKS)) != 0 ||
	    (ret = env->set_lk_max_lockers(env, LOCKS)) != 0 ||
	    (ret = env->set_lk_max_objects(env, LOCKS)) != 0 ||
	    (ret = env->set_tx_max(env, TRANSACTIONS)) != 0 || (ret = env->set_tmp_dir(env, ".")) != 0)
		return ret;
	return 0;
}

/* `how`: DB_RECOVER, or DB_RECOVER_FATAL for files of a copy; `until` as for store_recover(). */
static int
open_env(struct bdb *b, u_int32_t how, int64_t until, struct err *e)
{
	const u_int32_t flags = DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_LOCK | DB_INIT_MPOOL |
	    DB_THREAD | DB_PRIVATE | how;
	time_t to = (time_t)until;
	int ret;

	if ((ret = db_env_set_func_fsync(disk_flush)) != 0 ||
	    (ret = db_env_set_func_pwrite(disk_pwrite)) != 0 ||
	    (ret = db_env_set_func_pread(disk_pread)) != 0 ||
	    (ret = db_env_set_func_malloc(pool_malloc)) != 0 ||
	    (ret = db_env_set_func_free(pool_free)) != 0 || (ret = db_env_create(&b->env, 0)) != 0 ||
	    (ret = configure(b, b->env)) != 0 ||
	    (until > 0 && (ret = b->env->set_tx_timestamp(b->env, &to)) != 0) ||
	    (ret = b->env->open(b->env, b->base.conf.dir, flags, 0600)) != 0)
		return fail(b, ret, "open or recover", e);
	return 0;
}

static int
open_file(struct bdb *b, const char *file, bool make, DB **ret, struct err *e)
{
	const u_int32_t flags = DB_THREAD | DB_AUTO_COMMIT | DB_MULTIVERSION | (make ? DB_CREATE : 0);
	DB *db;
	int r;

	if ((r = db_create(&db, b->env, 0)) != 0)
		return fail(b, r, file, e);
	if ((make &&
	        ((r = db->set_pagesize(db, PAGE)) != 0 || (r = db->set_flags(db, DB_CHKSUM)) != 0)) ||
	    (r = db->open(db, NULL, file, NULL, DB_BTREE, flags, 0600)) != 0) {
		(void)db->close(db, 0);
		return fail(b, r, file, e);
	}
	*ret = db;
	return 0;
}

static int
open_tables(struct bdb *b, struct err *e)
{
	/* They are made in this order: with the last one the others have been there. */
	bool make = faccessat(b->home, files[STORE_META], F_OK, AT_SYMLINK_NOFOLLOW) != 0;

	for (int i = 0; i < STORE_TABLES; i++)
		if (open_file(b, files[i], make, &b->table[i], e) != 0)
			return -1;
	return 0;
}

/* --- partitions -------------------------------------------------------------- */

static const char *
part_file(uint32_t number, char name[32])
{
	snprintf(name, 32, "part-%06u.db", number);
	return name;
}

static int
part_open(void *arg, uint32_t number, bool make, void **handle, struct err *e)
{
	char name[32];
	DB *db;

	if (open_file(arg, part_file(number, name), make, &db, e) != 0)
		return -1;
	*handle = db;
	return 0;
}

static void
part_close(void *arg, void *handle)
{
	DB *db = handle;

	(void)arg;
	/* What is not written yet is in the log, and in the cache. */
	(void)db->close(db, DB_NOSYNC);
}

/* The library puts the file aside under another name first, and removes it when it has committed
 * that; recovery ends what was begun. */
static int
part_remove(void *arg, uint32_t number, struct err *e)
{
	struct bdb *b = arg;
	char name[32];
	int ret = b->env->dbremove(b->env, NULL, part_file(number, name), NULL, DB_AUTO_COMMIT);

	if (ret == 0 && (b->env->log_flush(b->env, NULL) != 0 || disk_flush_failed()))
		store_panic(&b->base, "a removal could not be flushed to disk");
	return ret == 0 ? 0 : fail(b, ret, name, e);
}

/* A removal puts a file in the place of the table's that says so, until it is over, and recovery
 * does not take that away when the process ended in between; an empty one is what was not even
 * begun. The library says of both that there is no table. */
static bool
is_left_behind(struct bdb *b, DIR *d, const char *name)
{
	const uint32_t going = DB_RENAMEMAGIC;
	struct {
		unsigned char lsn[8], page[4];
		uint32_t magic;
	} head;
	int fd = openat(dirfd(d), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd >= 0 ? read(fd, &head, sizeof(head)) : -1;

	if (fd >= 0)
		close(fd);
	if (n != 0 && (n != (ssize_t)sizeof(head) || head.magic != going))
		return false;
	store_log(&b->base, "store: %s was left behind by a removal, and is removed", name);
	(void)unlinkat(dirfd(d), name, 0);
	return true;
}

/* The files say which partitions there are, now that recovery has ended what was half made. */
static int
find_parts(struct bdb *b, struct err *e)
{
	DIR *d = opendir(b->base.conf.dir);
	const struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", b->base.conf.dir, strerror(errno));
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		char name[32];
		unsigned number;

		if (sscanf(entry->d_name, "part-%u.db", &number) == 1 &&
		    strcmp(entry->d_name, part_file(number, name)) == 0 && !is_left_behind(b, d, name))
			rc = parts_add(&b->parts, number, e);
	}
	closedir(d);
	return rc;
}

static int
txn_new(struct store *s, struct store_txn *parent, enum store_mode mode, struct store_txn **ret,
    struct err *e)
{
	struct bdb *b = (struct bdb *)s;
	struct store_txn *t = store_txn_new(s, parent, mode, e);
	DB_TXN *txn;
	int r;

	if (t == NULL)
		return -1;
	r = b->env->txn_begin(b->env, parent != NULL ? parent->handle : NULL, &txn,
	    mode == STORE_READ ? DB_TXN_SNAPSHOT : 0);
	if (r != 0) {
		free(t);
		return fail(b, r, "begin", e);
	}
	t->handle = txn;
	*ret = t;
	return 0;
}

static void
txn_end(struct store_txn *t)
{
	DB_TXN *txn = t->handle;
	struct err e;
	int ret = txn->abort(txn);

	if (ret != 0)
		fail(bdb_of(t), ret, "abort", &e);
	free(t);
}

/* A reader's transaction. The library fixes its snapshot at the first page it reads, so one
 * is read here. */
static int
snapshot(struct store *s, struct store_txn **ret, struct err *e)
{
	DB *db = ((struct bdb *)s)->table[STORE_META];
	DBT key = dbt_of(STR_LIT("")), val = {.flags = DB_DBT_USERMEM};
	int r;

	if (txn_new(s, NULL, STORE_READ, ret, e) != 0)
		return -1;
	r = db->get(db, (*ret)->handle, &key, &val, 0);
	if (r == 0 || r == DB_NOTFOUND || r == DB_BUFFER_SMALL)
		return 0;
	txn_end(*ret);
	return fail((struct bdb *)s, r, "snapshot", e);
}

static int
bdb_begin(struct store *s, struct store_txn *parent, enum store_mode mode, struct store_txn **ret,
    struct err *e)
{
	return mode == STORE_READ ? gate_begin(&((struct bdb *)s)->gate, ret, e)
	                          : txn_new(s, parent, mode, ret, e);
}

static void
bdb_abort(struct store_txn *t)
{
	struct bdb *b = bdb_of(t);
	bool outermost = t->mode == STORE_WRITE && t->parent == NULL;

	if (t->mode == STORE_READ)
		gate_end(&b->gate, t);
	else
		txn_end(t);
	if (outermost)
		parts_release(&b->parts);
}

static int
commit_durably(struct bdb *b, DB_TXN *txn)
{
	int ret, flush = 0;

	gate_shut(&b->gate);
	ret = txn->commit(txn, DB_TXN_SYNC);
	/* The library reports success when the flush failed just after the log went to a new
	 * file. Asking again costs nothing once the log is flushed; if it cannot be, the
	 * commit can be neither undone nor acknowledged. */
	if (ret == 0)
		flush = b->env->log_flush(b->env, NULL);
	if (flush != 0 || disk_flush_failed())
		store_panic(&b->base, "a commit could not be flushed to disk");
	gate_reopen(&b->gate);
	return ret;
}

static int
bdb_commit(struct store_txn *t, struct err *e)
{
	struct bdb *b = bdb_of(t);
	DB_TXN *txn = t->handle;
	int ret = t->parent == NULL && t->wrote ? commit_durably(b, txn) : txn->commit(txn, 0);

	if (t->parent == NULL)
		parts_release(&b->parts);
	free(t);
	return ret == 0 ? 0 : fail(b, ret, "commit", e);
}

static int
get_in(DB *db, struct store_txn *t, struct str key, struct arena *a, struct str *val, struct err *e)
{
	char small[VALUE_SMALL];
	DBT k = dbt_of(key);
	DBT v = {.data = small, .ulen = sizeof(small), .flags = DB_DBT_USERMEM};
	int ret = db->get(db, t->handle, &k, &v, 0);

	if (ret == DB_NOTFOUND)
		return 0;
	if (ret == DB_BUFFER_SMALL) {
		v.ulen = v.size;
		v.data = arena_alloc(a, (size_t)v.size + 1);
		ret = v.data != NULL ? db->get(db, t->handle, &k, &v, 0) : ENOMEM;
		*val = (struct str){v.data, v.size};
	} else if (ret == 0) {
		*val = arena_copy(a, (struct str){small, v.size});
		ret = val->p != NULL ? 0 : ENOMEM;
	}
	return ret == 0 ? 1 : fail(bdb_of(t), ret, "get", e);
}

static int
bdb_get(struct store_txn *t, enum store_table table, struct str key, struct arena *a,
    struct str *val, struct err *e)
{
	return get_in(bdb_of(t)->table[table], t, key, a, val, e);
}

static int
put_in(DB *db, struct store_txn *t, struct str key, struct str val, struct err *e)
{
	DBT k = dbt_of(key), v = dbt_of(val);
	int ret = db->put(db, t->handle, &k, &v, 0);

	return ret == 0 ? 0 : fail(bdb_of(t), ret, "put", e);
}

static int
bdb_put(struct store_txn *t, enum store_table table, struct str key, struct str val, struct err *e)
{
	return put_in(bdb_of(t)->table[table], t, key, val, e);
}

static int
del_in(DB *db, struct store_txn *t, struct str key, struct err *e)
{
	DBT k = dbt_of(key);
	int ret = db->del(db, t->handle, &k, 0);

	if (ret == DB_NOTFOUND)
		return 0;
	return ret == 0 ? 1 : fail(bdb_of(t), ret, "delete", e);
}

static int
bdb_del(struct store_txn *t, enum store_table table, struct str key, struct err *e)
{
	return del_in(bdb_of(t)->table[table], t, key, e);
}

struct scan {
	DBC *c;
	DBT k, v; /* grown by the library */
	store_row_fn *row;
	void *arg;
	bool stopped;
};

static int
scan_rows(struct scan *s, u_int32_t how, size_t n)
{
	int ret = 0;

	for (size_t i = 0; i < n && !s->stopped; i++, how = DB_NEXT) {
		if ((ret = s->c->get(s->c, &s->k, &s->v, how)) != 0)
			return ret;
		s->stopped = s->row(s->arg, (struct str){s->k.data, s->k.size},
		                 (struct str){s->v.data, s->v.size}) != 0;
	}
	return ret;
}

static int
scan_part(struct scan *s, char *part)
{
	DBT v = {.data = part, .ulen = SCAN_PART, .flags = DB_DBT_USERMEM};
	void *at;
	/* The library returns a key beside the part, too, and fails when that has no room. */
	int ret = s->c->get(s->c, &s->k, &v, DB_NEXT | DB_MULTIPLE_KEY);

	if (ret != 0)
		return ret;
	DB_MULTIPLE_INIT(at, &v);
	while (!s->stopped) {
		u_int8_t *key, *val;
		size_t nkey, nval;

		DB_MULTIPLE_KEY_NEXT(at, &v, key, nkey, val, nval);
		if (at == NULL)
			break;
		s->stopped =
		    s->row(s->arg, (struct str){(char *)key, nkey}, (struct str){(char *)val, nval}) != 0;
	}
	return 0;
}

static int
scan_on(struct scan *s)
{
	char *part = malloc(SCAN_PART);
	int ret = part != NULL ? 0 : ENOMEM;

	while (ret == 0 && !s->stopped) {
		ret = scan_part(s, part);
		/* A row that is larger than a part comes alone. */
		if (ret == DB_BUFFER_SMALL)
			ret = scan_rows(s, DB_NEXT, 1);
	}
	free(part);
	return ret;
}

/* Row by row: the library has no parts in that direction. */
static int
scan_down(struct scan *s, size_t start)
{
	int ret = DB_NOTFOUND;

	if (start > 0)
		ret = s->c->get(s->c, &s->k, &s->v, DB_SET_RANGE);
	if (ret == 0 || ret == DB_NOTFOUND)
		ret = scan_rows(s, ret == 0 ? DB_PREV : DB_LAST, 1);
	while (ret == 0 && !s->stopped)
		ret = scan_rows(s, DB_PREV, 1);
	return ret;
}

static int
scan_up(struct scan *s)
{
	int ret = scan_rows(s, DB_SET_RANGE, SCAN_SINGLE);

	return ret == 0 ? scan_on(s) : ret;
}

static int
scan_in(DB *db, struct store_txn *t, enum store_order order, struct str start, store_row_fn *row,
    void *arg, struct err *e)
{
	struct scan s = {.k = {.size = (u_int32_t)start.n, .flags = DB_DBT_REALLOC},
	    .v = {.flags = DB_DBT_REALLOC},
	    .row = row,
	    .arg = arg};
	int ret, end;

	if ((s.k.data = malloc(start.n + 1)) == NULL)
		return err_set(e, ERR_UNAVAILABLE, "store: out of memory");
	if (start.n > 0)
		memcpy(s.k.data, start.p, start.n);
	if ((ret = db->cursor(db, t->handle, &s.c, 0)) == 0) {
		ret = order == STORE_UP ? scan_up(&s) : scan_down(&s, start.n);
		end = s.c->close(s.c);
		ret = ret == 0 || ret == DB_NOTFOUND ? end : ret;
	}
	free(s.k.data);
	free(s.v.data);
	return ret == 0 ? 0 : fail(bdb_of(t), ret, "scan", e);
}

static int
bdb_scan(struct store_txn *t, enum store_table table, struct str start, store_row_fn *row,
    void *arg, struct err *e)
{
	return scan_in(bdb_of(t)->table[table], t, STORE_UP, start, row, arg, e);
}

/* 1 with the handle to read by, 0 = there is no such partition, -1. */
static int
part_enter(struct store_txn *t, uint32_t part, void **db, struct err *e)
{
	struct store_parts *p = &bdb_of(t)->parts;

	return t->mode == STORE_READ ? parts_pin(p, part, db, e) : parts_hold(p, part, false, db, e);
}

static void
part_leave(struct store_txn *t, uint32_t part)
{
	if (t->mode == STORE_READ)
		parts_unpin(&bdb_of(t)->parts, part);
}

static int
bdb_part_get(struct store_txn *t, uint32_t part, struct str key, struct arena *a, struct str *val,
    struct err *e)
{
	void *db;
	int rc;

	if ((rc = part_enter(t, part, &db, e)) != 1)
		return rc;
	rc = get_in(db, t, key, a, val, e);
	part_leave(t, part);
	return rc;
}

static int
bdb_part_put(struct store_txn *t, uint32_t part, struct str key, struct str val, struct err *e)
{
	void *db;

	return parts_hold(&bdb_of(t)->parts, part, true, &db, e) == 1 ? put_in(db, t, key, val, e) : -1;
}

static int
bdb_part_del(struct store_txn *t, uint32_t part, struct str key, struct err *e)
{
	void *db;
	int rc;

	if ((rc = part_enter(t, part, &db, e)) != 1)
		return rc;
	rc = del_in(db, t, key, e);
	part_leave(t, part);
	return rc;
}

static int
bdb_part_scan(struct store_txn *t, uint32_t part, enum store_order order, struct str start,
    store_row_fn *row, void *arg, struct err *e)
{
	void *db;
	int rc;

	if ((rc = part_enter(t, part, &db, e)) != 1)
		return rc;
	rc = scan_in(db, t, order, start, row, arg, e);
	part_leave(t, part);
	return rc;
}

static int
bdb_part_size(struct store_txn *t, uint32_t part, uint64_t *bytes, struct err *e)
{
	DB_BTREE_STAT *st = NULL;
	void *db;
	int rc;

	if ((rc = part_enter(t, part, &db, e)) != 1)
		return rc;
	/* Of the first page alone. */
	rc = ((DB *)db)->stat(db, t->handle, &st, DB_FAST_STAT);
	part_leave(t, part);
	if (rc != 0)
		return fail(bdb_of(t), rc, "size", e);
	*bytes = (uint64_t)st->bt_pagecnt * st->bt_pagesize;
	free(st);
	return 1;
}

static size_t
bdb_part_list(struct store_txn *t, uint32_t from, uint32_t *ret, size_t max)
{
	return parts_list(&bdb_of(t)->parts, from, ret, max);
}

static int
bdb_part_drop(struct store *s, uint32_t part, struct err *e)
{
	return parts_drop(&((struct bdb *)s)->parts, part, part_remove, e);
}

/* Those that neither a recovery nor a copy needs. */
static int
remove_logs(struct bdb *b)
{
	char **names;
	int ret = b->env->log_archive(b->env, &names, 0);

	if (ret != 0 || names == NULL)
		return ret;
	for (char **name = names; *name != NULL; name++)
		if (hold_allows(&b->hold, *name))
			(void)unlinkat(b->home, *name, 0);
	free(names);
	return 0;
}

static int
bdb_checkpoint(struct store *s, uint64_t min_log_kib, struct err *e)
{
	struct bdb *b = (struct bdb *)s;
	u_int32_t kib = min_log_kib > UINT32_MAX ? UINT32_MAX : (u_int32_t)min_log_kib;
	int ret = b->env->txn_checkpoint(b->env, kib, 0, 0);

	if (ret == 0)
		ret = remove_logs(b);
	return ret == 0 ? 0 : fail(b, ret, "checkpoint", e);
}

static int
bdb_trickle(struct store *s, int percent, struct err *e)
{
	DB_ENV *env = ((struct bdb *)s)->env;
	int ret = env->memp_trickle(env, percent, NULL);

	return ret == 0 ? 0 : fail((struct bdb *)s, ret, "trickle", e);
}

static void
bdb_stats(struct store *s, struct store_stats *ret)
{
	struct bdb *b = (struct bdb *)s;
	DB_LOG_STAT *log;
	DB_MPOOL_STAT *pool;

	if (b->env->log_stat(b->env, &log, 0) == 0) {
		ret->flushes = log->st_scount;
		ret->log_bytes = ((uint64_t)log->st_wc_mbytes << 20) + log->st_wc_bytes;
		free(log);
	}
	if (b->env->memp_stat(b->env, &pool, NULL, 0) == 0) {
		ret->cache_hits = pool->st_cache_hit;
		ret->cache_misses = pool->st_cache_miss;
		free(pool);
	}
}

/* Also after a failed open. Errors lose nothing: what was acknowledged is in the log. */
static void
bdb_close(struct store *s)
{
	struct bdb *b = (struct bdb *)s;

	if (atomic_load(&b->running) && b->env->txn_checkpoint(b->env, 0, 0, DB_FORCE) == 0)
		(void)remove_logs(b);
	disk_watch(NULL, NULL);
	parts_free(&b->parts);
	for (int i = 0; i < STORE_TABLES; i++)
		if (b->table[i] != NULL)
			(void)b->table[i]->close(b->table[i], 0);
	if (b->env != NULL)
		(void)b->env->close(b->env, 0);
	gate_destroy(&b->gate);
	hold_destroy(&b->hold);
	close(b->home);
	store_finish(&b->base);
	free(b);
}

static struct bdb *
bdb_new(const struct store_conf *conf, struct err *e)
{
	struct bdb *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		err_set(e, ERR_INTERNAL, "store: out of memory");
		return NULL;
	}
	store_setup(&b->base, &store_bdb_ops, conf);
	gate_init(&b->gate, &b->base, snapshot, txn_end);
	hold_init(&b->hold);
	b->parts.open_one = part_open;
	b->parts.close_one = part_close;
	b->parts.arg = b;
	parts_init(&b->parts);
	b->home = disk_home(conf->dir, e);
	if (b->home != -1)
		return b;
	bdb_close(&b->base);
	return NULL;
}

static void
zeros(void *arg)
{
	store_panic(arg, "a page was never written");
}

static int
bdb_open(struct store **ret, const struct store_conf *conf, struct err *e)
{
	struct bdb *b = bdb_new(conf, e);
	struct timespec t;

	if (b == NULL)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &t);
	if (open_env(b, DB_RECOVER, 0, e) != 0)
		goto failed;
	store_log_phase(&b->base, "environment opened and recovered", &t);
	if (open_tables(b, e) != 0 || find_parts(b, e) != 0)
		goto failed;
	store_log_phase(&b->base, "tables opened", &t);
	atomic_store(&b->running, true);
	disk_watch(zeros, &b->base);
	*ret = &b->base;
	return 0;
failed:
	bdb_close(&b->base);
	return -1;
}

/* --- copies -------------------------------------------------------------------- */

/* The library makes each file of the log in its full size. What has been flushed is in it; the
 * rest may be anything, and no copy needs it. */
static int
cut_log(struct bdb *b, struct store_file *files_there, size_t *n, struct err *e)
{
	char name[STORE_FILE_MAX + 1];
	DB_LOG_STAT *at;
	int ret = b->env->log_flush(b->env, NULL);

	if (ret == 0)
		ret = b->env->log_stat(b->env, &at, 0);
	if (ret != 0)
		return fail(b, ret, "log", e);
	snprintf(name, sizeof(name), "log.%010u", at->st_disk_file);
	while (*n > 0 && strcmp(files_there[*n - 1].name, name) > 0)
		--*n;
	if (*n > 0 && strcmp(files_there[*n - 1].name, name) == 0 &&
	    files_there[*n - 1].size > at->st_disk_offset)
		files_there[*n - 1].size = at->st_disk_offset;
	free(at);
	return 0;
}

static int
bdb_copy_list(struct store *s, enum store_copy what, const char *from, unsigned hold_s,
    struct store_file *ret, size_t max, size_t *n, struct err *e)
{
	struct bdb *b = (struct bdb *)s;

	int rc;

	hold_from(&b->hold, from, hold_s);
	/* Recovery to a time starts from a checkpoint, which the log of a new store does not have; and
	 * the fewer pages are only in the cache, the shorter is any recovery. */
	if (what == STORE_COPY_DATA && (rc = b->env->txn_checkpoint(b->env, 0, 0, DB_FORCE)) != 0)
		return fail(b, rc, "checkpoint", e);
	if (copy_list(b->home, what, ret, max, n, e) != 0)
		return -1;
	return what == STORE_COPY_LOG ? cut_log(b, ret, n, e) : 0;
}

static int64_t
bdb_copy_read(struct store *s, const char *name, uint64_t at, void *to, size_t n, unsigned hold_s,
    struct err *e)
{
	struct bdb *b = (struct bdb *)s;

	/* Who reads a table has all of the log before it. */
	hold_from(&b->hold, strncmp(name, "log.", 4) == 0 ? name : "", hold_s);
	return copy_read(b->home, name, at, to, n, e);
}

static uint64_t
bdb_newest_log(struct store *s)
{
	DB_ENV *env = ((struct bdb *)s)->env;
	DB_LOG_STAT *at;
	uint64_t ret;

	if (env->log_stat(env, &at, 0) != 0)
		return 0;
	ret = at->st_disk_file;
	free(at);
	return ret;
}

/* The log may have gone on since, and what was before its newest file may have been removed. */
static bool
bdb_has_log(int home, uint64_t number, char name[STORE_FILE_MAX + 1])
{
	snprintf(name, STORE_FILE_MAX + 1, "log.%010llu", (unsigned long long)number);
	return copy_has_log(home, name);
}

/* Outside of the environment, which has been closed: nobody changes the file. What the library sets
 * aside goes to the store's own directory, the only one that the process may write to. */
static int
verify_file(struct bdb *b, const char *name, struct err *e)
{
	size_t cache = b->base.conf.cache_bytes > 0 ? b->base.conf.cache_bytes : CACHE_DEFAULT;
	DB_ENV *env;
	DB *db;
	int ret;

	if ((ret = db_env_create(&env, 0)) != 0)
		return err_set(e, ERR_INTERNAL, "%s: %s", name, db_strerror(ret));
	env->app_private = b;
	env->set_errcall(env, on_error);
	if ((ret = env->set_cachesize(
	         env, (u_int32_t)(cache >> 30), (u_int32_t)(cache & ((1U << 30) - 1)), 1)) == 0 &&
	    (ret = env->set_tmp_dir(env, ".")) == 0 &&
	    (ret = env->open(env, b->base.conf.dir, DB_CREATE | DB_PRIVATE | DB_INIT_MPOOL, 0600)) ==
	        0 &&
	    (ret = db_create(&db, env, 0)) == 0)
		/* The handle is gone afterwards whatever comes of it. */
		ret = db->verify(db, name, NULL, NULL, 0);
	(void)env->close(env, 0);
	return ret == 0 ? 0 : err_set(e, ERR_INTERNAL, "%s is damaged: %s", name, db_strerror(ret));
}

static int
verify_files(struct bdb *b, struct err *e)
{
	enum { MOST = STORE_TABLES + PARTS_MAX };
	struct store_file *files_there = calloc(MOST, sizeof(*files_there));
	size_t n = 0;
	int rc = files_there != NULL ? copy_list(b->home, STORE_COPY_DATA, files_there, MOST, &n, e)
	                             : err_set(e, ERR_INTERNAL, "store: out of memory");

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = verify_file(b, files_there[i].name, e);
	free(files_there);
	return rc;
}

static int
bdb_recover(const struct store_conf *conf, int64_t until, struct err *e)
{
	struct bdb *b = bdb_new(conf, e);
	struct timespec t;
	int rc, ret;

	if (b == NULL)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &t);
	rc = open_env(b, DB_RECOVER_FATAL, until, e);
	if (rc == 0) {
		store_log_phase(&b->base, "recovered", &t);
		ret = b->env->close(b->env, 0);
		b->env = NULL;
		rc = ret == 0 ? verify_files(b, e) : fail(b, ret, "recover", e);
	}
	if (rc == 0)
		store_log_phase(&b->base, "verified", &t);
	bdb_close(&b->base);
	return rc;
}

const struct store_ops store_bdb_ops = {bdb_open, bdb_close, bdb_begin, bdb_commit, bdb_abort,
    bdb_get, bdb_put, bdb_del, bdb_scan, bdb_part_get, bdb_part_put, bdb_part_del, bdb_part_scan,
    bdb_part_size, bdb_part_list, bdb_part_drop, bdb_checkpoint, bdb_trickle, bdb_stats,
    bdb_copy_list, bdb_copy_read, bdb_recover, bdb_newest_log, bdb_has_log};
