/* SPDX-License-Identifier: ISC */
/*
 * The store in memory, for unit tests. A state is an immutable set of sorted
 * arrays; a transaction that writes works on a copy of its own, so readers,
 * children and aborts need nothing but reference counts. Copying makes the
 * first write of a transaction linear in the number of rows.
 */
#include "backend/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/store_engine.h"

struct row {
	unsigned refs;
	struct str key, val; /* both in `bytes` */
	char bytes[];
};

struct rows {
	struct row **v;
	size_t n, size;
};

struct part {
	uint32_t number;
	struct rows rows;
};

struct state {
	unsigned refs;
	struct rows table[STORE_TABLES];
	struct part *part; /* by number */
	size_t nparts;
};

struct mem {
	struct store base;
	pthread_mutex_t lock; /* over everything below and every count above */
	struct state *committed;
};

static int
no_memory(struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "store: out of memory");
}

static struct mem *
mem_of(const struct store_txn *t)
{
	return (struct mem *)t->store;
}

static void
row_drop(struct row *r)
{
	if (--r->refs == 0)
		free(r);
}

static void
rows_drop(struct rows *r)
{
	for (size_t k = 0; k < r->n; k++)
		row_drop(r->v[k]);
	free(r->v);
}

static void
state_drop(struct state *s)
{
	if (--s->refs > 0)
		return;
	for (int i = 0; i < STORE_TABLES; i++)
		rows_drop(&s->table[i]);
	for (size_t i = 0; i < s->nparts; i++)
		rows_drop(&s->part[i].rows);
	free(s->part);
	free(s);
}

/* Room for one more, so that a single insertion does not grow it again. */
static int
rows_copy(struct rows *to, const struct rows *from)
{
	if ((to->v = malloc((from->n + 1) * sizeof(struct row *))) == NULL)
		return -1;
	to->size = from->n + 1;
	for (to->n = 0; to->n < from->n; to->n++) {
		to->v[to->n] = from->v[to->n];
		to->v[to->n]->refs++;
	}
	return 0;
}

static struct state *
state_copy(const struct state *old)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->refs = 1;
	for (int i = 0; i < STORE_TABLES; i++)
		if (rows_copy(&s->table[i], &old->table[i]) != 0)
			goto failed;
	if ((s->part = calloc(old->nparts + 1, sizeof(*s->part))) == NULL)
		goto failed;
	for (; s->nparts < old->nparts; s->nparts++) {
		s->part[s->nparts].number = old->part[s->nparts].number;
		if (rows_copy(&s->part[s->nparts].rows, &old->part[s->nparts].rows) != 0)
			goto failed;
	}
	return s;
failed:
	state_drop(s);
	return NULL;
}

/* The first row whose key is not less; *found when it is the key itself. */
static size_t
rows_find(const struct rows *r, struct str key, bool *found)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(r->v[mid]->key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < r->n && str_eq(r->v[lo]->key, key);
	return lo;
}

static struct row *
row_new(struct str key, struct str val)
{
	struct row *r = malloc(sizeof(*r) + key.n + val.n);

	if (r == NULL)
		return NULL;
	r->refs = 1;
	r->key = (struct str){r->bytes, key.n};
	r->val = (struct str){r->bytes + key.n, val.n};
	if (key.n > 0)
		memcpy(r->bytes, key.p, key.n);
	if (val.n > 0)
		memcpy(r->bytes + key.n, val.p, val.n);
	return r;
}

static int
rows_set(struct rows *r, struct row *row)
{
	bool found;
	size_t i = rows_find(r, row->key, &found);

	if (found) {
		row_drop(r->v[i]);
		r->v[i] = row;
		return 0;
	}
	if (r->n == r->size) {
		size_t size = r->size * 2 + 8;
		struct row **v = realloc(r->v, size * sizeof(*v));

		if (v == NULL)
			return -1;
		r->v = v;
		r->size = size;
	}
	memmove(r->v + i + 1, r->v + i, (r->n - i) * sizeof(*r->v));
	r->v[i] = row;
	r->n++;
	return 0;
}

static bool
rows_remove(struct rows *r, struct str key)
{
	bool found;
	size_t i = rows_find(r, key, &found);

	if (!found)
		return false;
	row_drop(r->v[i]);
	memmove(r->v + i, r->v + i + 1, (r->n - i - 1) * sizeof(*r->v));
	r->n--;
	return true;
}

static void
mem_close(struct store *s)
{
	struct mem *m = (struct mem *)s;

	state_drop(m->committed);
	pthread_mutex_destroy(&m->lock);
	store_finish(s);
	free(m);
}

static int
mem_open(struct store **ret, const struct store_conf *conf, struct err *e)
{
	static const struct state empty;
	struct mem *m = calloc(1, sizeof(*m));

	if (m == NULL || (m->committed = state_copy(&empty)) == NULL) {
		free(m);
		return no_memory(e);
	}
	store_setup(&m->base, &store_mem_ops, conf);
	pthread_mutex_init(&m->lock, NULL);
	*ret = &m->base;
	return 0;
}

static int
mem_begin(struct store *s, struct store_txn *parent, enum store_mode mode, struct store_txn **ret,
    struct err *e)
{
	struct mem *m = (struct mem *)s;
	struct store_txn *t = store_txn_new(s, parent, mode, e);
	struct state *state;

	if (t == NULL)
		return -1;
	pthread_mutex_lock(&m->lock);
	state = parent != NULL ? parent->handle : m->committed;
	state->refs++;
	pthread_mutex_unlock(&m->lock);
	t->handle = state;
	*ret = t;
	return 0;
}

static void
mem_abort(struct store_txn *t)
{
	struct mem *m = mem_of(t);

	pthread_mutex_lock(&m->lock);
	state_drop(t->handle);
	pthread_mutex_unlock(&m->lock);
	free(t);
}

static int
mem_commit(struct store_txn *t, struct err *e)
{
	struct mem *m = mem_of(t);
	struct state *old;

	(void)e;
	pthread_mutex_lock(&m->lock);
	/* A child that wrote nothing holds its parent's state, so this changes nothing then. */
	if (t->parent != NULL) {
		old = t->parent->handle;
		t->parent->handle = t->handle;
	} else {
		old = m->committed;
		m->committed = t->handle;
	}
	state_drop(old);
	pthread_mutex_unlock(&m->lock);
	free(t);
	return 0;
}

/* A state that nobody else holds, in the place of *at; NULL when memory ends. Called with the
 * lock. */
static struct state *
own_state(struct state **at)
{
	struct state *s = *at;

	if (s->refs > 1) {
		if ((s = state_copy(s)) == NULL)
			return NULL;
		state_drop(*at);
		*at = s;
	}
	return s;
}

/* The rows of a table to change; NULL when memory ends. Called with the lock. */
static struct rows *
writable(struct store_txn *t, enum store_table table)
{
	struct state *s = t->handle;

	s = own_state(&s);
	if (s != NULL)
		t->handle = s;
	return s != NULL ? &s->table[table] : NULL;
}

static int
get_in(const struct rows *r, struct str key, struct arena *a, struct str *val, struct err *e)
{
	bool found;
	size_t i = rows_find(r, key, &found);

	if (!found)
		return 0;
	*val = arena_copy(a, r->v[i]->val);
	return val->p != NULL ? 1 : no_memory(e);
}

static int
mem_get(struct store_txn *t, enum store_table table, struct str key, struct arena *a,
    struct str *val, struct err *e)
{
	return get_in(&((struct state *)t->handle)->table[table], key, a, val, e);
}

static int
mem_put(struct store_txn *t, enum store_table table, struct str key, struct str val, struct err *e)
{
	struct mem *m = mem_of(t);
	struct row *row = row_new(key, val);
	struct rows *r;
	int ret = -1;

	if (row == NULL)
		return no_memory(e);
	pthread_mutex_lock(&m->lock);
	if ((r = writable(t, table)) != NULL)
		ret = rows_set(r, row);
	pthread_mutex_unlock(&m->lock);
	if (ret != 0) {
		free(row);
		return no_memory(e);
	}
	return 0;
}

static int
mem_del(struct store_txn *t, enum store_table table, struct str key, struct err *e)
{
	struct mem *m = mem_of(t);
	struct rows *r;
	bool found;

	pthread_mutex_lock(&m->lock);
	r = writable(t, table);
	found = r != NULL && rows_remove(r, key);
	pthread_mutex_unlock(&m->lock);
	if (r == NULL)
		return no_memory(e);
	return found ? 1 : 0;
}

static int
mem_scan(struct store_txn *t, enum store_table table, struct str start, store_row_fn *row,
    void *arg, struct err *e)
{
	const struct rows *r = &((struct state *)t->handle)->table[table];
	bool found;

	(void)e;
	for (size_t i = rows_find(r, start, &found); i < r->n; i++)
		if (row(arg, r->v[i]->key, r->v[i]->val) != 0)
			break;
	return 0;
}

/* The place of a partition, or where it would stand. */
static size_t
part_place(const struct state *s, uint32_t number)
{
	size_t i = 0;

	while (i < s->nparts && s->part[i].number < number)
		i++;
	return i;
}

static struct rows *
part_rows(struct state *s, uint32_t number)
{
	size_t i = part_place(s, number);

	return i < s->nparts && s->part[i].number == number ? &s->part[i].rows : NULL;
}

static struct rows *
part_make(struct state *s, uint32_t number)
{
	size_t i = part_place(s, number);
	struct part *v = realloc(s->part, (s->nparts + 1) * sizeof(*v));

	if (v == NULL)
		return NULL;
	s->part = v;
	memmove(&v[i + 1], &v[i], (s->nparts - i) * sizeof(*v));
	v[i] = (struct part){.number = number};
	s->nparts++;
	return &v[i].rows;
}

static int
mem_part_get(struct store_txn *t, uint32_t part, struct str key, struct arena *a, struct str *val,
    struct err *e)
{
	const struct rows *r = part_rows(t->handle, part);

	return r != NULL ? get_in(r, key, a, val, e) : 0;
}

static int
mem_part_put(struct store_txn *t, uint32_t part, struct str key, struct str val, struct err *e)
{
	struct mem *m = mem_of(t);
	struct row *row = row_new(key, val);
	struct state *s = t->handle;
	struct rows *r = NULL;
	int ret = -1;

	if (row == NULL)
		return no_memory(e);
	pthread_mutex_lock(&m->lock);
	if ((s = own_state(&s)) != NULL) {
		t->handle = s;
		if ((r = part_rows(s, part)) == NULL)
			r = part_make(s, part);
	}
	if (r != NULL)
		ret = rows_set(r, row);
	pthread_mutex_unlock(&m->lock);
	if (ret != 0) {
		free(row);
		return no_memory(e);
	}
	return 0;
}

static int
mem_part_del(struct store_txn *t, uint32_t part, struct str key, struct err *e)
{
	struct mem *m = mem_of(t);
	struct state *s = t->handle;
	struct rows *r;
	bool found;

	pthread_mutex_lock(&m->lock);
	if ((s = own_state(&s)) != NULL)
		t->handle = s;
	r = s != NULL ? part_rows(s, part) : NULL;
	found = r != NULL && rows_remove(r, key);
	pthread_mutex_unlock(&m->lock);
	if (s == NULL)
		return no_memory(e);
	return found ? 1 : 0;
}

static int
mem_part_scan(struct store_txn *t, uint32_t part, enum store_order order, struct str start,
    store_row_fn *row, void *arg, struct err *e)
{
	const struct rows *r = part_rows(t->handle, part);
	bool found;
	size_t i;

	(void)e;
	if (r == NULL)
		return 0;
	i = order == STORE_DOWN && start.n == 0 ? r->n : rows_find(r, start, &found);
	if (order == STORE_DOWN)
		while (i > 0 && row(arg, r->v[i - 1]->key, r->v[i - 1]->val) == 0)
			i--;
	else
		while (i < r->n && row(arg, r->v[i]->key, r->v[i]->val) == 0)
			i++;
	return 0;
}

static int
mem_part_size(struct store_txn *t, uint32_t part, uint64_t *bytes, struct err *e)
{
	const struct rows *r = part_rows(t->handle, part);

	(void)e;
	for (size_t i = 0; r != NULL && i < r->n; i++)
		*bytes += r->v[i]->key.n + r->v[i]->val.n;
	return r != NULL;
}

static size_t
mem_part_list(struct store_txn *t, uint32_t from, uint32_t *ret, size_t max)
{
	const struct state *s = t->handle;
	size_t n = 0;

	for (size_t i = part_place(s, from); i < s->nparts && n < max; i++)
		ret[n++] = s->part[i].number;
	return n;
}

static int
mem_part_drop(struct store *st, uint32_t part, struct err *e)
{
	struct mem *m = (struct mem *)st;
	struct state *s;
	struct rows *r;
	int rc = 0;

	pthread_mutex_lock(&m->lock);
	if (part_rows(m->committed, part) != NULL) {
		rc = -1;
		if ((s = own_state(&m->committed)) != NULL && (r = part_rows(s, part)) != NULL) {
			size_t i = part_place(s, part);

			rows_drop(r);
			memmove(&s->part[i], &s->part[i + 1], (s->nparts - i - 1) * sizeof(*s->part));
			s->nparts--;
			rc = 1;
		}
	}
	pthread_mutex_unlock(&m->lock);
	return rc < 0 ? no_memory(e) : rc;
}

static int
mem_checkpoint(struct store *s, uint64_t min_log_kib, struct err *e)
{
	(void)s;
	(void)min_log_kib;
	(void)e;
	return 0;
}

static int
mem_trickle(struct store *s, int percent, struct err *e)
{
	(void)s;
	(void)percent;
	(void)e;
	return 0;
}

static void
mem_stats(struct store *s, struct store_stats *ret)
{
	(void)s;
	(void)ret;
}

const struct store_ops store_mem_ops = {mem_open, mem_close, mem_begin, mem_commit, mem_abort,
    mem_get, mem_put, mem_del, mem_scan, mem_part_get, mem_part_put, mem_part_del, mem_part_scan,
    mem_part_size, mem_part_list, mem_part_drop, mem_checkpoint, mem_trickle, mem_stats, NULL, NULL,
    NULL, NULL, NULL};
