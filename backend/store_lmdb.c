/* SPDX-License-Identifier: ISC */
/*
 * The store on LMDB: one file, never overwritten where somebody may still read, so that there is no
 * log, nothing to recover and no checkpoint. A commit writes new pages, flushes them, and then
 * writes the page that makes them the state, through a descriptor that flushes by itself.
 *
 * That page can be seen before it is on disk, by a reader who began before the last but one commit
 * and was held up while it looked; so readers come through the gate here as well.
 *
 * A table has no order but that of its bytes; a partition is a named database of its own.
 */
#include "backend/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/store_dbis.h"
#include "backend/store_disk.h"
#include "backend/store_engine.h"
#include "backend/store_gate.h"
#include "backend/store_pin.h"

/* Addresses, not memory and not room on the disk: what the file can grow to until the next start,
 * which takes twice its size at least. */
#define MAP_WANTED (SIZE_MAX > UINT32_MAX ? (size_t)UINT64_C(0x1000000000) : (size_t)0x40000000)
#define MAP_LEAST ((size_t)64 << 20)

enum {
	READERS_MAX = 1024,
	SPARE_MAX = 64, /* readers' handles that are kept for the next one */
	PROBE = 4096
};

struct lmdb {
	struct store base;
	MDB_env *env;
	MDB_dbi table[STORE_TABLES];
	struct store_dbis dbis;
	struct store_gate gate;
	struct store_pin pin;
	pthread_mutex_t lock; /* over `spare` */
	MDB_txn *spare[SPARE_MAX];
	size_t spares;
	int home;            /* descriptor that holds the lock of the directory */
	int data;            /* the file's, beside the library's own */
	atomic_bool running; /* faults are panics from now on, not errors of store_open() */
	atomic_ulong flushes;
};

static const char *const names[STORE_TABLES] = {"data", "index", "meta"};

static struct lmdb *
lmdb_of(const struct store_txn *t)
{
	return (struct lmdb *)t->store;
}

static MDB_val
val_of(struct str s)
{
	return (MDB_val){s.n, (void *)(uintptr_t)s.p};
}

static struct str
str_of(const MDB_val *v)
{
	return (struct str){v->mv_data, v->mv_size};
}

/* Whether the disk takes no more, asked of the disk: the library says EIO of a write that ended
 * half way. What is written here belongs to nobody, behind the end of the file. */
static bool
is_full(struct lmdb *l)
{
	static const char zeros[PROBE];
	struct stat st;
	ssize_t n;

	if (fstat(l->data, &st) != 0)
		return false;
	n = pwrite(l->data, zeros, sizeof(zeros), st.st_size);
	return n >= 0 ? n < (ssize_t)sizeof(zeros)
	              : errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
}

static bool
lacks_room(struct lmdb *l, int ret)
{
	return ret == ENOSPC || ret == EDQUOT || ret == EFBIG || ret == MDB_MAP_FULL ||
	    (ret == EIO && is_full(l));
}

static void
say_ended(struct lmdb *l, const char *why)
{
	if (why != NULL)
		store_log(&l->base, "store: the copy has ended before its time: %s", why);
}

/* Every failure of a library call passes here once: *e is set, or the process ends. */
static int
fail(struct lmdb *l, int ret, const char *what, struct err *e)
{
	bool full = l->data >= 0 && lacks_room(l, ret);
	enum err_code code = ERR_INTERNAL;

	if (atomic_load(&l->running) && !full &&
	    (ret == EIO || ret == MDB_PANIC || ret == MDB_CORRUPTED || ret == MDB_PAGE_NOTFOUND))
		store_panic(&l->base, what);
	/* What a copy holds can be used for the next try. */
	if (full)
		say_ended(l, pin_yield(&l->pin));
	if (full)
		code = ERR_NO_SPACE;
	else if (ret == ENOMEM || ret == MDB_READERS_FULL)
		code = ERR_UNAVAILABLE;
	else if (ret == MDB_TXN_FULL)
		code = ERR_TOO_LARGE;
	return err_set(e, code, "store: %s: %s", what, mdb_strerror(ret));
}

/* --- transactions --------------------------------------------------------------- */

static MDB_txn *
take_spare(struct lmdb *l)
{
	MDB_txn *txn = NULL;

	pthread_mutex_lock(&l->lock);
	if (l->spares > 0)
		txn = l->spare[--l->spares];
	pthread_mutex_unlock(&l->lock);
	return txn;
}

/* A handle that is kept holds no pages, and saves the next reader its making. */
static void
end_read(struct lmdb *l, MDB_txn *txn)
{
	bool kept;

	mdb_txn_reset(txn);
	pthread_mutex_lock(&l->lock);
	if ((kept = l->spares < SPARE_MAX))
		l->spare[l->spares++] = txn;
	pthread_mutex_unlock(&l->lock);
	if (!kept)
		mdb_txn_abort(txn);
}

static int
begin_read(struct lmdb *l, MDB_txn **ret)
{
	int r;

	if ((*ret = take_spare(l)) == NULL)
		return mdb_txn_begin(l->env, NULL, MDB_RDONLY, ret);
	if ((r = mdb_txn_renew(*ret)) != 0)
		mdb_txn_abort(*ret);
	return r;
}

static int
txn_new(struct store *s, struct store_txn *parent, enum store_mode mode, struct store_txn **ret,
    struct err *e)
{
	struct lmdb *l = (struct lmdb *)s;
	struct store_txn *t = store_txn_new(s, parent, mode, e);
	MDB_txn *txn;
	int r;

	if (t == NULL)
		return -1;
	r = mode == STORE_READ ? begin_read(l, &txn)
	                       : mdb_txn_begin(l->env, parent != NULL ? parent->handle : NULL, 0, &txn);
	if (r != 0) {
		free(t);
		return fail(l, r, "begin", e);
	}
	t->handle = txn;
	*ret = t;
	return 0;
}

static int
snapshot(struct store *s, struct store_txn **ret, struct err *e)
{
	return txn_new(s, NULL, STORE_READ, ret, e);
}

static void
snapshot_end(struct store_txn *t)
{
	end_read(lmdb_of(t), t->handle);
	free(t);
}

static int
lmdb_begin(struct store *s, struct store_txn *parent, enum store_mode mode, struct store_txn **ret,
    struct err *e)
{
	return mode == STORE_READ ? gate_begin(&((struct lmdb *)s)->gate, ret, e)
	                          : txn_new(s, parent, mode, ret, e);
}

static void
end_write(struct store_txn *t)
{
	mdb_txn_abort(t->handle);
	if (t->parent == NULL)
		dbis_forget(&lmdb_of(t)->dbis);
	free(t);
}

static void
lmdb_abort(struct store_txn *t)
{
	if (t->mode == STORE_READ)
		gate_end(&lmdb_of(t)->gate, t);
	else
		end_write(t);
}

/* The library has undone a commit that failed, but for two cases, in which it is not known what is
 * on disk: the last page of all could not be written, of which the library only keeps a flag; or
 * the kernel has lost pages that it had taken, which it says once to each descriptor. */
static void
examine(struct lmdb *l, int ret)
{
	MDB_txn *txn;
	int begun = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);

	if (begun == 0)
		mdb_txn_abort(txn);
	if (begun == MDB_PANIC || fdatasync(l->data) != 0 || (ret == EIO && !is_full(l)))
		store_panic(&l->base, "a commit could not be written to disk");
}

/* With what is to be seen together with it, by the readers whom the gate lets in again. */
static int
commit_durably(struct lmdb *l, MDB_txn *txn)
{
	int ret;

	gate_shut(&l->gate);
	if ((ret = mdb_txn_commit(txn)) == 0) {
		atomic_fetch_add(&l->flushes, 1);
		dbis_publish(&l->dbis, atomic_load(&l->gate.epoch) + 1);
	} else {
		examine(l, ret);
		dbis_forget(&l->dbis);
	}
	gate_reopen(&l->gate);
	say_ended(l, pin_tend(&l->pin));
	return ret;
}

static const char *
part_name(uint32_t number, char name[24])
{
	snprintf(name, 24, "part-%u", number);
	return name;
}

static bool
is_there(void *arg, uint32_t number, unsigned *handle)
{
	char name[24];

	return mdb_dbi_open(arg, part_name(number, name), 0, handle) == 0;
}

static int
lmdb_commit(struct store_txn *t, struct err *e)
{
	struct lmdb *l = lmdb_of(t);
	int ret;

	/* A partition may have been made, in vain. */
	if (!t->wrote) {
		end_write(t);
		return 0;
	}
	if (t->parent == NULL)
		dbis_settle(&l->dbis, is_there, t->handle);
	ret = t->parent == NULL ? commit_durably(l, t->handle) : mdb_txn_commit(t->handle);
	free(t);
	return ret == 0 ? 0 : fail(l, ret, "commit", e);
}

/* --- rows --------------------------------------------------------------------- */

static int
get_in(MDB_dbi dbi, struct store_txn *t, struct str key, struct arena *a, struct str *val,
    struct err *e)
{
	MDB_val k = val_of(key), v;
	int ret = mdb_get(t->handle, dbi, &k, &v);

	if (ret == MDB_NOTFOUND)
		return 0;
	if (ret == 0) {
		*val = arena_copy(a, str_of(&v));
		ret = val->p != NULL ? 0 : ENOMEM;
	}
	return ret == 0 ? 1 : fail(lmdb_of(t), ret, "get", e);
}

static int
put_in(MDB_dbi dbi, struct store_txn *t, struct str key, struct str val, struct err *e)
{
	MDB_val k = val_of(key), v = val_of(val);
	int ret = mdb_put(t->handle, dbi, &k, &v, 0);

	return ret == 0 ? 0 : fail(lmdb_of(t), ret, "put", e);
}

static int
del_in(MDB_dbi dbi, struct store_txn *t, struct str key, struct err *e)
{
	MDB_val k = val_of(key);
	int ret = mdb_del(t->handle, dbi, &k, NULL);

	if (ret == MDB_NOTFOUND)
		return 0;
	return ret == 0 ? 1 : fail(lmdb_of(t), ret, "delete", e);
}

/* To the first row of a scan; the library knows no empty key. */
static int
scan_begin(MDB_cursor *c, enum store_order order, struct str start, MDB_val *k, MDB_val *v)
{
	int ret;

	*k = val_of(start);
	if (order == STORE_UP)
		return mdb_cursor_get(c, k, v, start.n > 0 ? MDB_SET_RANGE : MDB_FIRST);
	ret = start.n > 0 ? mdb_cursor_get(c, k, v, MDB_SET_RANGE) : MDB_NOTFOUND;
	if (ret == 0 || ret == MDB_NOTFOUND)
		ret = mdb_cursor_get(c, k, v, ret == 0 ? MDB_PREV : MDB_LAST);
	return ret;
}

static int
scan_in(MDB_dbi dbi, struct store_txn *t, enum store_order order, struct str start,
    store_row_fn *row, void *arg, struct err *e)
{
	const MDB_cursor_op on = order == STORE_UP ? MDB_NEXT : MDB_PREV;
	MDB_cursor *c;
	MDB_val k, v;
	int ret = mdb_cursor_open(t->handle, dbi, &c);

	if (ret != 0)
		return fail(lmdb_of(t), ret, "scan", e);
	ret = scan_begin(c, order, start, &k, &v);
	while (ret == 0 && row(arg, str_of(&k), str_of(&v)) == 0)
		ret = mdb_cursor_get(c, &k, &v, on);
	mdb_cursor_close(c);
	return ret == 0 || ret == MDB_NOTFOUND ? 0 : fail(lmdb_of(t), ret, "scan", e);
}

static int
lmdb_get(struct store_txn *t, enum store_table table, struct str key, struct arena *a,
    struct str *val, struct err *e)
{
	return get_in(lmdb_of(t)->table[table], t, key, a, val, e);
}

static int
lmdb_put(struct store_txn *t, enum store_table table, struct str key, struct str val, struct err *e)
{
	return put_in(lmdb_of(t)->table[table], t, key, val, e);
}

static int
lmdb_del(struct store_txn *t, enum store_table table, struct str key, struct err *e)
{
	return del_in(lmdb_of(t)->table[table], t, key, e);
}

static int
lmdb_scan(struct store_txn *t, enum store_table table, struct str start, store_row_fn *row,
    void *arg, struct err *e)
{
	return scan_in(lmdb_of(t)->table[table], t, STORE_UP, start, row, arg, e);
}

/* --- partitions ----------------------------------------------------------------- */

/* 1 with the handle, 0 = the transaction sees no such partition, -1. */
static int
part_enter(struct store_txn *t, uint32_t part, MDB_dbi *dbi, struct err *e)
{
	struct lmdb *l = lmdb_of(t);
	char name[24];
	int ret;

	if (t->mode == STORE_READ)
		return dbis_pin(&l->dbis, part, t->epoch, dbi);
	if (dbis_find(&l->dbis, part, dbi))
		return 1;
	ret = mdb_dbi_open(t->handle, part_name(part, name), 0, dbi);
	if (ret == MDB_NOTFOUND)
		return 0;
	return ret == 0 ? 1 : fail(l, ret, "partition", e);
}

static void
part_leave(struct store_txn *t, uint32_t part)
{
	if (t->mode == STORE_READ)
		dbis_unpin(&lmdb_of(t)->dbis, part);
}

static int
lmdb_part_get(struct store_txn *t, uint32_t part, struct str key, struct arena *a, struct str *val,
    struct err *e)
{
	MDB_dbi dbi;
	int rc;

	if ((rc = part_enter(t, part, &dbi, e)) != 1)
		return rc;
	rc = get_in(dbi, t, key, a, val, e);
	part_leave(t, part);
	return rc;
}

static int
lmdb_part_put(struct store_txn *t, uint32_t part, struct str key, struct str val, struct err *e)
{
	struct lmdb *l = lmdb_of(t);
	char name[24];
	MDB_dbi dbi;
	int ret;

	if (dbis_find(&l->dbis, part, &dbi))
		return put_in(dbi, t, key, val, e);
	ret = mdb_dbi_open(t->handle, part_name(part, name), MDB_CREATE, &dbi);
	if (ret == MDB_DBS_FULL)
		return err_set(e, ERR_INTERNAL, "store: too many partitions");
	if (ret != 0)
		return fail(l, ret, "partition", e);
	return dbis_note(&l->dbis, part, dbi, e) == 0 ? put_in(dbi, t, key, val, e) : -1;
}

static int
lmdb_part_del(struct store_txn *t, uint32_t part, struct str key, struct err *e)
{
	MDB_dbi dbi;
	int rc = part_enter(t, part, &dbi, e);

	return rc == 1 ? del_in(dbi, t, key, e) : rc;
}

static int
lmdb_part_scan(struct store_txn *t, uint32_t part, enum store_order order, struct str start,
    store_row_fn *row, void *arg, struct err *e)
{
	MDB_dbi dbi;
	int rc;

	if ((rc = part_enter(t, part, &dbi, e)) != 1)
		return rc;
	rc = scan_in(dbi, t, order, start, row, arg, e);
	part_leave(t, part);
	return rc;
}

static int
lmdb_part_size(struct store_txn *t, uint32_t part, uint64_t *bytes, struct err *e)
{
	MDB_stat st;
	MDB_dbi dbi;
	int rc;

	if ((rc = part_enter(t, part, &dbi, e)) != 1)
		return rc;
	rc = mdb_stat(t->handle, dbi, &st);
	part_leave(t, part);
	if (rc != 0)
		return fail(lmdb_of(t), rc, "size", e);
	*bytes = (uint64_t)st.ms_psize * (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages);
	return 1;
}

static size_t
lmdb_part_list(struct store_txn *t, uint32_t from, uint32_t *ret, size_t max)
{
	return dbis_list(&lmdb_of(t)->dbis, from, ret, max);
}

static int
drop(struct lmdb *l, MDB_dbi dbi)
{
	MDB_txn *txn;
	int ret = mdb_txn_begin(l->env, NULL, 0, &txn);

	if (ret != 0)
		return ret;
	if ((ret = mdb_drop(txn, dbi, 1)) == 0)
		return commit_durably(l, txn);
	mdb_txn_abort(txn);
	return ret;
}

/* The library closes the handle before it is known whether the partition can go. */
static void
drop_failed(struct lmdb *l, uint32_t part)
{
	char name[24];
	MDB_txn *txn;
	MDB_dbi dbi;
	int ret;

	gate_shut(&l->gate);
	if ((ret = mdb_txn_begin(l->env, NULL, 0, &txn)) == 0) {
		if ((ret = mdb_dbi_open(txn, part_name(part, name), 0, &dbi)) != 0)
			mdb_txn_abort(txn);
		else
			ret = mdb_txn_commit(txn);
	}
	if (ret != 0)
		store_panic(&l->base, "a partition cannot be opened again");
	dbis_back(&l->dbis, part, dbi, atomic_load(&l->gate.epoch) + 1);
	gate_reopen(&l->gate);
}

static int
lmdb_part_drop(struct store *s, uint32_t part, struct err *e)
{
	struct lmdb *l = (struct lmdb *)s;
	MDB_dbi dbi;
	int ret;

	if (!dbis_take(&l->dbis, part, &dbi))
		return 0;
	if ((ret = drop(l, dbi)) == 0) {
		dbis_gone(&l->dbis, part);
		return 1;
	}
	drop_failed(l, part);
	return fail(l, ret, "drop", e);
}

/* --- opening and closing ------------------------------------------------------------- */

/* There is none; but it is called every few seconds. */
static int
lmdb_checkpoint(struct store *s, uint64_t min_log_kib, struct err *e)
{
	struct lmdb *l = (struct lmdb *)s;

	say_ended(l, pin_tend(&l->pin));
	(void)min_log_kib;
	(void)e;
	return 0;
}

static int
lmdb_trickle(struct store *s, int percent, struct err *e)
{
	(void)s;
	(void)percent;
	(void)e;
	return 0;
}

static void
lmdb_stats(struct store *s, struct store_stats *ret)
{
	ret->flushes = atomic_load(&((struct lmdb *)s)->flushes);
}

/* Also after a failed open. */
static void
lmdb_close(struct store *s)
{
	struct lmdb *l = (struct lmdb *)s;

	pin_destroy(&l->pin);
	while (l->spares > 0)
		mdb_txn_abort(l->spare[--l->spares]);
	if (l->env != NULL)
		mdb_env_close(l->env);
	gate_destroy(&l->gate);
	dbis_free(&l->dbis);
	pthread_mutex_destroy(&l->lock);
	if (l->data >= 0)
		close(l->data);
	if (l->home >= 0)
		close(l->home);
	store_finish(&l->base);
	free(l);
}

static void
release(void *arg, void *handle)
{
	end_read(arg, handle);
}

static int hold(void *arg, struct pin_snapshot *ret, struct err *e);

static struct lmdb *
lmdb_new(const struct store_conf *conf, struct err *e)
{
	struct lmdb *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		err_set(e, ERR_INTERNAL, "store: out of memory");
		return NULL;
	}
	store_setup(&l->base, &store_lmdb_ops, conf);
	gate_init(&l->gate, &l->base, snapshot, snapshot_end);
	dbis_init(&l->dbis);
	pin_init(&l->pin, hold, release, l);
	pthread_mutex_init(&l->lock, NULL);
	l->data = -1;
	if ((l->home = disk_home(conf->dir, e)) >= 0)
		return l;
	lmdb_close(&l->base);
	return NULL;
}

/* The directory is locked, so the library finds itself alone and makes the table of readers anew:
 * none is left of who was killed. Handles of readers go from thread to thread. */
static int
try_env(struct lmdb *l, size_t map)
{
	int ret = mdb_env_create(&l->env);

	if (ret != 0)
		return ret;
	if ((ret = mdb_env_set_maxdbs(l->env, STORE_TABLES + DBIS_MAX)) == 0 &&
	    (ret = mdb_env_set_maxreaders(l->env, READERS_MAX)) == 0 &&
	    (ret = mdb_env_set_mapsize(l->env, map)) == 0 &&
	    (ret = mdb_env_open(l->env, l->base.conf.dir, MDB_NOTLS, 0600)) == 0)
		return 0;
	mdb_env_close(l->env);
	l->env = NULL;
	return ret;
}

/* How many of the pages from a number on may be used again. */
static int
count_free(MDB_txn *txn, size_t from, size_t *ret)
{
	MDB_cursor *c;
	MDB_val k, v;
	int r = mdb_cursor_open(txn, 0, &c);

	*ret = 0;
	if (r != 0)
		return r;
	while ((r = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
		const size_t *list = v.mv_data;
		size_t n = v.mv_size / sizeof(*list);

		for (size_t i = 1; i < n && i <= list[0]; i++)
			*ret += list[i] >= from;
	}
	mdb_cursor_close(c);
	return r == MDB_NOTFOUND ? 0 : r;
}

/* Pages at the end that were given back before they were written may be missing; of any other the
 * file has been cut short, and would read as zeros once it grows again. */
static int
check_length(struct lmdb *l, struct err *e)
{
	size_t end, there, unused;
	MDB_envinfo info;
	struct stat file;
	MDB_stat pages;
	MDB_txn *txn;
	int ret;

	mdb_env_info(l->env, &info);
	mdb_env_stat(l->env, &pages);
	if (fstat(l->data, &file) != 0)
		return err_set(e, ERR_INTERNAL, "store: %s", strerror(errno));
	end = info.me_last_pgno + 1;
	there = (size_t)file.st_size / pages.ms_psize;
	if (there >= end)
		return 0;
	if ((ret = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn)) == 0) {
		ret = count_free(txn, there, &unused);
		mdb_txn_abort(txn);
	}
	if (ret != 0)
		return fail(l, ret, "open", e);
	return unused == end - there
	    ? 0
	    : err_set(
	          e, ERR_INTERNAL, "data.mdb is damaged: its last %zu pages are missing", end - there);
}

/* What a killed process had written may be in the memory of the kernel alone: whoever reads is to
 * see what is on disk. The same goes for the name of the file. */
static int
open_env(struct lmdb *l, struct err *e)
{
	struct stat st;
	size_t map = MAP_WANTED, size = 0;
	int ret;

	if (fstatat(l->home, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) == 0)
		size = (size_t)st.st_size;
	/* Left by a start that could not write the first two pages, and never opened again: nothing has
	 * been in it. Of a store that was, the mark says that this is another one. */
	if (size > 0 && size < (size_t)(2 * sysconf(_SC_PAGESIZE))) {
		(void)unlinkat(l->home, "data.mdb", 0);
		size = 0;
	}
	if (map / 2 < size)
		map = size * 2;
	while ((ret = try_env(l, map)) == ENOMEM && map / 2 >= MAP_LEAST && map / 2 > size)
		map /= 2;
	if (ret != 0)
		return fail(l, ret, "open", e);
	if (map < MAP_WANTED)
		store_log(&l->base,
		    "store: the limit of address space leaves %zu MiB for all that is stored", map >> 20);
	l->data = openat(l->home, "data.mdb", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (l->data < 0 || fsync(l->data) != 0 || fsync(l->home) != 0)
		return err_set(e, ERR_INTERNAL, "%.80s/data.mdb: %s", l->base.conf.dir, strerror(errno));
	pin_use(&l->pin, l->data, l->base.conf.reserve_bytes);
	return check_length(l, e);
}

/* The names of the partitions lie among those of the tables. */
static int
find_parts(struct lmdb *l, MDB_txn *txn, struct err *e)
{
	MDB_cursor *c;
	MDB_val k, v;
	MDB_dbi all;
	int ret, rc = 0;

	if ((ret = mdb_dbi_open(txn, NULL, 0, &all)) != 0 || (ret = mdb_cursor_open(txn, all, &c)) != 0)
		return fail(l, ret, "open", e);
	for (ret = mdb_cursor_get(c, &k, &v, MDB_FIRST); rc == 0 && ret == 0;
	     ret = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
		char name[24];
		unsigned number;

		snprintf(name, sizeof(name), "%.*s", (int)k.mv_size, (const char *)k.mv_data);
		if (sscanf(name, "part-%u", &number) == 1)
			rc = dbis_note(&l->dbis, number, 0, e);
	}
	mdb_cursor_close(c);
	return rc != 0 || ret == MDB_NOTFOUND ? rc : fail(l, ret, "open", e);
}

static int
open_tables(struct lmdb *l, struct err *e)
{
	MDB_txn *txn;
	size_t known;
	int ret = mdb_txn_begin(l->env, NULL, 0, &txn);

	for (int i = 0; ret == 0 && i < STORE_TABLES; i++)
		if ((ret = mdb_dbi_open(txn, names[i], MDB_CREATE, &l->table[i])) != 0)
			mdb_txn_abort(txn);
	if (ret != 0)
		return fail(l, ret, "tables", e);
	if (find_parts(l, txn, e) != 0) {
		mdb_txn_abort(txn);
		return -1;
	}
	known = l->dbis.n;
	dbis_settle(&l->dbis, is_there, txn);
	if (l->dbis.n < known) {
		mdb_txn_abort(txn);
		return err_set(e, ERR_INTERNAL, "store: partitions cannot be opened");
	}
	ret = mdb_txn_commit(txn);
	dbis_publish(&l->dbis, 0);
	return ret == 0 ? 0 : fail(l, ret, "tables", e);
}

static int
lmdb_open(struct store **ret, const struct store_conf *conf, struct err *e)
{
	struct lmdb *l = lmdb_new(conf, e);
	struct timespec t;

	if (l == NULL)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &t);
	if (open_env(l, e) != 0 || open_tables(l, e) != 0) {
		lmdb_close(&l->base);
		return -1;
	}
	store_log_phase(&l->base, "environment opened", &t);
	atomic_store(&l->running, true);
	*ret = &l->base;
	return 0;
}

/* --- copies -------------------------------------------------------------------- */

/* While nobody writes: so it is what is on disk, and the two pages at the head are of it. The
 * library's own way to copy takes them like that, but cannot stop between two pieces. */
static int
hold(void *arg, struct pin_snapshot *ret, struct err *e)
{
	struct lmdb *l = arg;
	MDB_txn *txn = NULL;
	MDB_envinfo info;
	struct stat st;
	MDB_stat pages;
	int r;

	pthread_mutex_lock(&l->base.writing);
	if ((r = begin_read(l, &txn)) == 0) {
		mdb_env_info(l->env, &info);
		mdb_env_stat(l->env, &pages);
		ret->handle = txn;
		ret->number = mdb_txn_id(txn);
		ret->size = (uint64_t)(info.me_last_pgno + 1) * pages.ms_psize;
		ret->head_n = (size_t)2 * pages.ms_psize;
		if (ret->head_n > sizeof(ret->head) || fstat(l->data, &st) != 0 ||
		    pread(l->data, ret->head, ret->head_n, 0) != (ssize_t)ret->head_n)
			r = EIO;
		/* Pages at the end that were never written belong to nobody. */
		else if (ret->size > (uint64_t)st.st_size)
			ret->size = (uint64_t)st.st_size;
		if (r != 0)
			end_read(l, txn);
	}
	/* With the lock: whether the disk is full is tried behind the end of the file. */
	if (r != 0)
		(void)fail(l, r, "copy", e);
	pthread_mutex_unlock(&l->base.writing);
	return r == 0 ? 0 : -1;
}

static int
lmdb_copy_list(struct store *s, enum store_copy what, const char *from, unsigned hold_s,
    struct store_file *ret, size_t max, size_t *n, struct err *e)
{
	(void)from;
	*n = what == STORE_COPY_DATA && max > 0;
	return *n > 0 ? pin_begin(&((struct lmdb *)s)->pin, hold_s, ret, e) : 0;
}

static int64_t
lmdb_copy_read(struct store *s, const char *name, uint64_t at, void *to, size_t n, unsigned hold_s,
    struct err *e)
{
	return pin_read(&((struct lmdb *)s)->pin, name, at, to, n, hold_s, e);
}

static size_t
pages_of(const MDB_stat *st)
{
	return st->ms_branch_pages + st->ms_leaf_pages + st->ms_overflow_pages;
}

/* Every row of a database: as many as are counted, in their order, and each byte of them. */
static int
read_rows(MDB_txn *txn, MDB_dbi dbi, size_t *pages)
{
	struct str last = {NULL, 0};
	size_t rows = 0;
	MDB_cursor *c;
	MDB_val k, v;
	MDB_stat st;
	int ret;

	if ((ret = mdb_stat(txn, dbi, &st)) != 0 || (ret = mdb_cursor_open(txn, dbi, &c)) != 0)
		return ret;
	while ((ret = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
		const volatile unsigned char *p = v.mv_data;

		if (rows++ > 0 && str_cmp(str_of(&k), last) <= 0)
			break;
		last = str_of(&k);
		for (size_t i = 0; i < v.mv_size; i++)
			(void)p[i];
	}
	mdb_cursor_close(c);
	*pages += pages_of(&st);
	return ret == MDB_NOTFOUND && rows == st.ms_entries ? 0 : ret > 0 ? ret : MDB_CORRUPTED;
}

/* Those that may be used again, which the library keeps in a database of its own: none twice, and
 * none that is not there. */
static int
read_free(MDB_txn *txn, size_t end, size_t *pages)
{
	unsigned char *used = calloc(1, end);
	MDB_cursor *c;
	MDB_val k, v;
	MDB_stat st;
	int ret = used != NULL ? mdb_stat(txn, 0, &st) : ENOMEM;

	if (ret == 0 && (ret = mdb_cursor_open(txn, 0, &c)) == 0) {
		*pages += pages_of(&st);
		while ((ret = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
			const size_t *list = v.mv_data;

			if (v.mv_size < sizeof(*list) || list[0] > v.mv_size / sizeof(*list) - 1)
				break;
			for (size_t i = 1; ret == 0 && i <= list[0]; i++)
				ret = list[i] < 2 || list[i] >= end || used[list[i]]++ ? MDB_CORRUPTED : 0;
			if (ret != 0)
				break;
			*pages += list[0];
		}
		mdb_cursor_close(c);
	}
	free(used);
	return ret == MDB_NOTFOUND ? 0 : ret == 0 ? MDB_CORRUPTED : ret;
}

/* All that is named, and what is free: together no more than there is. */
static int
read_all(struct lmdb *l, MDB_txn *txn)
{
	size_t pages = 2, end;
	MDB_envinfo info;
	MDB_cursor *c;
	MDB_val k, v;
	MDB_dbi all, dbi;
	int ret;

	mdb_env_info(l->env, &info);
	end = info.me_last_pgno + 1;
	if ((ret = read_free(txn, end, &pages)) != 0 || (ret = mdb_dbi_open(txn, NULL, 0, &all)) != 0 ||
	    (ret = read_rows(txn, all, &pages)) != 0 || (ret = mdb_cursor_open(txn, all, &c)) != 0)
		return ret;
	while ((ret = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
		char name[24];

		snprintf(name, sizeof(name), "%.*s", (int)k.mv_size, (const char *)k.mv_data);
		if ((ret = mdb_dbi_open(txn, name, 0, &dbi)) != 0 ||
		    (ret = read_rows(txn, dbi, &pages)) != 0)
			break;
	}
	mdb_cursor_close(c);
	return ret != MDB_NOTFOUND ? ret : pages <= end ? 0 : MDB_CORRUPTED;
}

static int
verify(struct lmdb *l, struct err *e)
{
	MDB_txn *txn;
	int ret = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);

	if (ret == 0) {
		ret = read_all(l, txn);
		mdb_txn_abort(txn);
	}
	return ret == 0 ? 0 : err_set(e, ERR_INTERNAL, "data.mdb is damaged: %s", mdb_strerror(ret));
}

/* Nothing has to be recovered. A file without its first pages would be made anew by the library. */
static int
lmdb_recover(const struct store_conf *conf, int64_t until, struct err *e)
{
	struct lmdb *l;
	struct timespec t;
	struct stat st;
	int rc;

	if (until > 0)
		return err_set(e, ERR_INVALID,
		    "the engine \"lmdb\" has no log: its store can be made what it was when it was copied, "
		    "and no other time");
	if ((l = lmdb_new(conf, e)) == NULL)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &t);
	rc = pin_restore(l->home, "data.mdb", e);
	if (rc == 0 &&
	    (fstatat(l->home, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	        st.st_size < 2 * sysconf(_SC_PAGESIZE)))
		rc = err_set(e, ERR_INTERNAL, "data.mdb is damaged: its first pages are missing");
	if (rc == 0 && (rc = open_env(l, e)) == 0 && (rc = open_tables(l, e)) == 0 &&
	    (rc = verify(l, e)) == 0)
		store_log_phase(&l->base, "verified", &t);
	lmdb_close(&l->base);
	return rc;
}

const struct store_ops store_lmdb_ops = {lmdb_open, lmdb_close, lmdb_begin, lmdb_commit, lmdb_abort,
    lmdb_get, lmdb_put, lmdb_del, lmdb_scan, lmdb_part_get, lmdb_part_put, lmdb_part_del,
    lmdb_part_scan, lmdb_part_size, lmdb_part_list, lmdb_part_drop, lmdb_checkpoint, lmdb_trickle,
    lmdb_stats, lmdb_copy_list, lmdb_copy_read, lmdb_recover, NULL, NULL};
