/* SPDX-License-Identifier: ISC */
#include "backend/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/store_mark.h"

static const struct {
	const char *name;
	const struct store_ops *ops;
	const char *file; /* by which its directory is known; NULL = it has none */
} engines[] = {
    {"bdb", &store_bdb_ops, "data.db"},
    {"lmdb", &store_lmdb_ops, "data.mdb"},
    {"mem", &store_mem_ops, NULL},
};

void
store_setup(struct store *s, const struct store_ops *ops, const struct store_conf *conf)
{
	s->ops = ops;
	s->conf = *conf;
	pthread_mutex_init(&s->writing, NULL);
	atomic_flag_clear(&s->panicked);
	atomic_init(&s->commits, 0);
}

void
store_finish(struct store *s)
{
	pthread_mutex_destroy(&s->writing);
}

struct store_txn *
store_txn_new(struct store *s, struct store_txn *parent, enum store_mode mode, struct err *e)
{
	struct store_txn *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		err_set(e, ERR_UNAVAILABLE, "store: out of memory");
		return NULL;
	}
	t->store = s;
	t->parent = parent;
	t->mode = mode;
	return t;
}

void
store_log(const struct store *s, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (s->conf.log == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->conf.log(s->conf.arg, line);
}

void
store_log_phase(const struct store *s, const char *what, struct timespec *since)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	store_log(s, "store: %s in %ld ms", what,
	    (long)(t.tv_sec - since->tv_sec) * 1000 + (t.tv_nsec - since->tv_nsec) / 1000000);
	*since = t;
}

noreturn void
store_panic(struct store *s, const char *why)
{
	if (atomic_flag_test_and_set(&s->panicked))
		for (;;)
			pause();
	if (s->conf.panic != NULL)
		s->conf.panic(s->conf.arg, why);
	abort();
}

static const struct store_ops *
engine_ops(const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (strcmp(engines[i].name, name) == 0)
			return engines[i].ops;
	err_set(e, ERR_INTERNAL, "no store engine is named \"%.32s\"", name);
	return NULL;
}

static bool
has_file(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return (size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) < sizeof(path) &&
	    lstat(path, &st) == 0;
}

/* An engine that finds nothing of its own makes a new store, beside what is there. */
static int
refuse_others(const struct store_ops *ops, const struct store_conf *conf, struct err *e)
{
	const char *dir = conf->dir;

	if (ops == &store_mem_ops)
		return 0;
	if (!conf->unfinished && has_file(dir, STORE_UNFINISHED))
		return err_set(
		    e, ERR_INTERNAL, "%.80s holds a copy that was not completed: remove it", dir);
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (engines[i].ops != ops && engines[i].file != NULL && has_file(dir, engines[i].file))
			return err_set(
			    e, ERR_INTERNAL, "%.80s holds a store of the engine \"%s\"", dir, engines[i].name);
	return 0;
}

static int
check_log(const struct store_ops *ops, const struct store_conf *conf, struct err *e)
{
	char name[STORE_FILE_MAX + 1];
	uint64_t number;
	bool there;
	int home;

	if (ops->has_log == NULL || mark_log(conf->dir, &number) == 0)
		return 0;
	home = open(conf->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	there = ops->has_log(home, number, name);
	if (home >= 0)
		close(home);
	return there
	    ? 0
	    : err_set(e, ERR_INTERNAL,
	          "%.80s/%s, the newest file of the log, is missing: put it back, or restore a backup",
	          conf->dir, name);
}

int
store_open(struct store **ret, const struct store_conf *conf, struct err *e)
{
	const struct store_ops *ops = engine_ops(conf->engine, e);

	if (ops == NULL || refuse_others(ops, conf, e) != 0 || check_log(ops, conf, e) != 0 ||
	    ops->open(ret, conf, e) != 0)
		return -1;
	if (ops == &store_mem_ops ||
	    mark_open(&(*ret)->mark, *ret, conf->dir, conf->unfinished, e) == 0)
		return 0;
	store_close(*ret);
	return -1;
}

int
store_check_there(const struct store_conf *conf, struct err *e)
{
	const struct store_ops *ops = engine_ops(conf->engine, e);

	for (size_t i = 0; ops != NULL && i < sizeof(engines) / sizeof(engines[0]); i++)
		if (engines[i].ops == ops && engines[i].file != NULL &&
		    has_file(conf->dir, engines[i].file))
			return 0;
	return ops == NULL ? -1
	                   : err_set(e, ERR_INVALID, "%.80s holds no store of the engine \"%.32s\"",
	                         conf->dir, conf->engine);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	mark_close(s->mark);
	s->ops->close(s);
}

int
store_begin(struct store *s, enum store_mode mode, struct store_txn **ret, struct err *e)
{
	if (mode == STORE_WRITE)
		pthread_mutex_lock(&s->writing);
	if (s->ops->begin(s, NULL, mode, ret, e) == 0)
		return 0;
	if (mode == STORE_WRITE)
		pthread_mutex_unlock(&s->writing);
	return -1;
}

int
store_nest(struct store_txn *parent, struct store_txn **ret, struct err *e)
{
	assert(parent->mode == STORE_WRITE);
	return parent->store->ops->begin(parent->store, parent, STORE_WRITE, ret, e);
}

int
store_commit(struct store_txn *t, struct err *e)
{
	struct store *s = t->store;
	struct store_txn *parent = t->parent;
	bool wrote = t->wrote;
	int rc;

	if (t->mode == STORE_READ) {
		s->ops->abort(t);
		return 0;
	}
	if (parent == NULL && wrote && mark_count(s->mark, t, e) != 0) {
		store_abort(t);
		return -1;
	}
	if (parent == NULL && wrote)
		mark_flushing(s->mark);
	rc = s->ops->commit(t, e);
	if (rc == 0 && parent == NULL && wrote)
		mark_flushed(s->mark);
	if (parent == NULL)
		pthread_mutex_unlock(&s->writing);
	if (rc != 0)
		return -1;
	if (wrote && parent != NULL)
		parent->wrote = true;
	else if (wrote)
		atomic_fetch_add(&s->commits, 1);
	return 0;
}

void
store_abort(struct store_txn *t)
{
	struct store *s = t->store;
	bool outermost = t->mode == STORE_WRITE && t->parent == NULL;

	s->ops->abort(t);
	if (outermost)
		pthread_mutex_unlock(&s->writing);
}

/* No other can have been stored; engines differ in what they say of them. */
static bool
is_key(struct str key)
{
	return key.n > 0 && key.n <= STORE_KEY_MAX;
}

int
store_get(struct store_txn *t, enum store_table table, struct str key, struct arena *a,
    struct str *val, struct err *e)
{
	return is_key(key) ? t->store->ops->get(t, table, key, a, val, e) : 0;
}

static int
check_key(struct str key, struct err *e)
{
	return is_key(key) ? 0 : err_set(e, ERR_INVALID, "store: a key of %zu bytes", key.n);
}

int
store_put(
    struct store_txn *t, enum store_table table, struct str key, struct str val, struct err *e)
{
	assert(t->mode == STORE_WRITE);
	if (check_key(key, e) != 0 || t->store->ops->put(t, table, key, val, e) != 0)
		return -1;
	t->wrote = true;
	return 0;
}

int
store_del(struct store_txn *t, enum store_table table, struct str key, struct err *e)
{
	int ret;

	assert(t->mode == STORE_WRITE);
	ret = is_key(key) ? t->store->ops->del(t, table, key, e) : 0;
	if (ret == 1)
		t->wrote = true;
	return ret;
}

struct range {
	struct str prefix, after;
	store_row_fn *row;
	void *arg;
};

static int
in_range(void *arg, struct str key, struct str val)
{
	const struct range *r = arg;

	if (key.n < r->prefix.n || !str_eq((struct str){key.p, r->prefix.n}, r->prefix))
		return 1;
	if (r->after.n > 0 && str_eq(key, r->after))
		return 0;
	return r->row(r->arg, key, val);
}

int
store_scan(struct store_txn *t, enum store_table table, struct str prefix, struct str after,
    store_row_fn *row, void *arg, struct err *e)
{
	struct range r = {prefix, after, row, arg};
	struct str start = str_cmp(after, prefix) > 0 ? after : prefix;

	return t->store->ops->scan(t, table, start, in_range, &r, e);
}

int
store_part_get(struct store_txn *t, uint32_t part, struct str key, struct arena *a, struct str *val,
    struct err *e)
{
	return is_key(key) ? t->store->ops->part_get(t, part, key, a, val, e) : 0;
}

int
store_part_put(struct store_txn *t, uint32_t part, struct str key, struct str val, struct err *e)
{
	assert(t->mode == STORE_WRITE);
	if (check_key(key, e) != 0 || t->store->ops->part_put(t, part, key, val, e) != 0)
		return -1;
	t->wrote = true;
	return 0;
}

int
store_part_del(struct store_txn *t, uint32_t part, struct str key, struct err *e)
{
	int ret;

	assert(t->mode == STORE_WRITE);
	ret = is_key(key) ? t->store->ops->part_del(t, part, key, e) : 0;
	if (ret == 1)
		t->wrote = true;
	return ret;
}

enum { PREFIX_MAX = 512 };

/* The least key that is greater than all that begin with the prefix. */
static struct str
behind(struct str prefix, char end[PREFIX_MAX])
{
	size_t n = prefix.n;

	assert(n <= PREFIX_MAX);
	if (n > 0)
		memcpy(end, prefix.p, n);
	while (n > 0 && (unsigned char)end[n - 1] == 0xff)
		n--;
	if (n > 0)
		end[n - 1]++;
	return (struct str){end, n};
}

int
store_part_scan(struct store_txn *t, uint32_t part, enum store_order order, struct str prefix,
    struct str after, store_row_fn *row, void *arg, struct err *e)
{
	struct range r = {prefix, after, row, arg};
	char end[PREFIX_MAX];
	struct str start = str_cmp(after, prefix) > 0 ? after : prefix;

	if (order == STORE_DOWN) {
		start = behind(prefix, end);
		if (after.n > 0 && (start.n == 0 || str_cmp(after, start) < 0))
			start = after;
	}
	return t->store->ops->part_scan(t, part, order, start, in_range, &r, e);
}

int
store_part_size(struct store_txn *t, uint32_t part, uint64_t *bytes, struct err *e)
{
	*bytes = 0;
	return t->store->ops->part_size(t, part, bytes, e);
}

size_t
store_part_list(struct store_txn *t, uint32_t from, uint32_t *ret, size_t max)
{
	return t->store->ops->part_list(t, from, ret, max);
}

int
store_part_drop(struct store *s, uint32_t part, struct err *e)
{
	int rc;

	pthread_mutex_lock(&s->writing);
	rc = s->ops->part_drop(s, part, e);
	pthread_mutex_unlock(&s->writing);
	return rc;
}

int
store_checkpoint(struct store *s, uint64_t min_log_bytes, struct err *e)
{
	return s->ops->checkpoint(s, min_log_bytes / 1024 + (min_log_bytes % 1024 != 0), e);
}

int
store_trickle(struct store *s, int percent, struct err *e)
{
	return s->ops->trickle(s, percent, e);
}

static int
cannot_copy(const struct store_conf *conf, struct err *e)
{
	return err_set(e, ERR_NOT_IMPLEMENTED,
	    "the engine \"%.32s\" cannot be copied in use; use a dump", conf->engine);
}

int
store_copy_list(struct store *s, enum store_copy what, const char *from, unsigned hold_s,
    struct store_file *ret, size_t max, size_t *n, struct err *e)
{
	return s->ops->copy_list != NULL ? s->ops->copy_list(s, what, from, hold_s, ret, max, n, e)
	                                 : cannot_copy(&s->conf, e);
}

int64_t
store_copy_read(struct store *s, const char *name, uint64_t at, void *to, size_t n, unsigned hold_s,
    struct err *e)
{
	return s->ops->copy_read != NULL ? s->ops->copy_read(s, name, at, to, n, hold_s, e)
	                                 : cannot_copy(&s->conf, e);
}

void
store_identity(struct store *s, char id[STORE_ID_MAX + 1], uint64_t *commit)
{
	id[0] = '\0';
	*commit = 0;
	if (s->mark != NULL)
		mark_identity(s->mark, id, commit);
}

int
store_recover(const struct store_conf *conf, int64_t until, uint64_t *commit, struct err *e)
{
	const struct store_ops *ops = engine_ops(conf->engine, e);
	struct store_conf copy = *conf;
	char id[STORE_ID_MAX + 1];
	struct store *s;
	int dir, rc;

	if (ops == NULL)
		return -1;
	if (ops->recover == NULL)
		return cannot_copy(conf, e);
	copy.unfinished = true;
	/* What a mark that came with the files says is of another time. */
	if (mark_remove(conf->dir, e) != 0 || ops->recover(conf, until, e) != 0 ||
	    store_open(&s, &copy, e) != 0)
		return -1;
	store_identity(s, id, commit);
	store_close(s);
	/* Until now nobody else would have opened it. */
	dir = open(conf->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = dir >= 0 && (unlinkat(dir, STORE_UNFINISHED, 0) == 0 || errno == ENOENT) && fsync(dir) == 0
	    ? 0
	    : err_set(e, ERR_INTERNAL, "%.80s: %s", conf->dir, strerror(errno));
	if (dir >= 0)
		close(dir);
	return rc;
}

void
store_stats(struct store *s, struct store_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->commits = atomic_load(&s->commits);
	s->ops->stats(s, ret);
}
