/* SPDX-License-Identifier: ISC */
#include "backend/store_migrate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/store_mark.h"

enum {
	BATCH = 4 << 20, /* bytes of rows in one transaction */
	LOG_MAX = 64 << 20,
	PARTS_AT_ONCE = 64,
	SUM = 32
};

/* Where the rows come from that are looked at. */
struct place {
	bool is_part;
	uint32_t number;
};

struct tally {
	struct place at;
	uint64_t rows;
	crypto_generichash_state sum;
};

struct copy {
	struct tally tally;
	struct store *to;
	struct store_txn *t;
	size_t pending;
	struct err *e;
};

static void
tally_init(struct tally *y)
{
	memset(y, 0, sizeof(*y));
	crypto_generichash_init(&y->sum, NULL, 0, SUM);
}

static void
tally_end(struct tally *y, unsigned char sum[SUM])
{
	crypto_generichash_final(&y->sum, sum, SUM);
}

/* False = the row is the store's own, not the product's. */
static bool
tally_row(struct tally *y, struct str key, struct str val)
{
	const uint64_t head[] = {y->at.is_part, y->at.number, key.n, val.n};

	if (!y->at.is_part && mark_is_row((enum store_table)y->at.number, key))
		return false;
	crypto_generichash_update(&y->sum, (const unsigned char *)head, sizeof(head));
	crypto_generichash_update(&y->sum, (const unsigned char *)key.p, key.n);
	crypto_generichash_update(&y->sum, (const unsigned char *)val.p, val.n);
	y->rows++;
	return true;
}

static int
look_at_row(void *arg, struct str key, struct str val)
{
	tally_row(arg, key, val);
	return 0;
}

/* Partitions without rows are none. `arg` begins with a tally; `row` stops when it has set *e. */
static int
each_row(struct store_txn *t, store_row_fn *row, void *arg, struct err *e)
{
	const struct str none = STR_LIT("");
	struct tally *y = arg;
	uint32_t v[PARTS_AT_ONCE], from = 0;
	size_t n;

	for (uint32_t i = 0; i < STORE_TABLES; i++) {
		y->at = (struct place){false, i};
		if (store_scan(t, (enum store_table)i, none, none, row, arg, e) != 0 || e->code != ERR_OK)
			return -1;
	}
	while ((n = store_part_list(t, from, v, PARTS_AT_ONCE)) > 0) {
		for (size_t i = 0; i < n; i++) {
			y->at = (struct place){true, v[i]};
			if (store_part_scan(t, v[i], STORE_UP, none, none, row, arg, e) != 0 ||
			    e->code != ERR_OK)
				return -1;
		}
		if (v[n - 1] == UINT32_MAX)
			break;
		from = v[n - 1] + 1;
	}
	return 0;
}

static int
commit(struct copy *c)
{
	struct store_txn *t = c->t;

	c->t = NULL;
	c->pending = 0;
	return store_commit(t, c->e) == 0 ? store_checkpoint(c->to, LOG_MAX, c->e) : -1;
}

/* It calls into the other store alone. */
static int
copy_row(void *arg, struct str key, struct str val)
{
	struct copy *c = arg;
	const struct place *at = &c->tally.at;
	int rc;

	if (!tally_row(&c->tally, key, val))
		return 0;
	if (c->t == NULL && store_begin(c->to, STORE_WRITE, &c->t, c->e) != 0)
		return 1;
	rc = at->is_part ? store_part_put(c->t, at->number, key, val, c->e)
	                 : store_put(c->t, (enum store_table)at->number, key, val, c->e);
	c->pending += key.n + val.n;
	return rc != 0 || (c->pending >= BATCH && commit(c) != 0);
}

static int
copy_all(struct store *from, struct copy *c)
{
	struct store_txn *t;
	int rc;

	if (store_begin(from, STORE_READ, &t, c->e) != 0)
		return -1;
	rc = each_row(t, copy_row, c, c->e);
	store_abort(t);
	if (rc == 0 && c->t != NULL)
		rc = commit(c);
	if (c->t != NULL)
		store_abort(c->t);
	return rc;
}

static int
copy_stores(
    const struct store_conf *from, const struct store_conf *to, struct tally *ret, struct err *e)
{
	struct copy c = {.e = e};
	struct store *s;
	int rc = -1;

	tally_init(&c.tally);
	if (store_open(&s, from, e) != 0)
		return -1;
	if (store_open(&c.to, to, e) == 0) {
		rc = copy_all(s, &c);
		store_close(c.to);
	}
	store_close(s);
	*ret = c.tally;
	return rc;
}

/* What a start will find. */
static int
compare(const struct store_conf *to, struct tally *want, struct err *e)
{
	unsigned char a[SUM], b[SUM];
	struct tally got;
	struct store_txn *t;
	struct store *s;
	int rc;

	tally_init(&got);
	if (store_open(&s, to, e) != 0)
		return -1;
	if ((rc = store_begin(s, STORE_READ, &t, e)) == 0) {
		rc = each_row(t, look_at_row, &got, e);
		store_abort(t);
	}
	store_close(s);
	if (rc != 0)
		return -1;
	tally_end(want, a);
	tally_end(&got, b);
	return want->rows == got.rows && memcmp(a, b, SUM) == 0
	    ? 0
	    : err_set(e, ERR_INTERNAL, "the copy differs: %llu rows became %llu",
	          (unsigned long long)want->rows, (unsigned long long)got.rows);
}

static int
must_be_empty(int dir, const char *name, struct err *e)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool empty = true;

	if (d == NULL)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", name, strerror(errno));
	while ((entry = readdir(d)) != NULL)
		empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
	closedir(d);
	return empty ? 0 : err_set(e, ERR_INVALID, "%.80s is not empty", name);
}

/* The directory, with the file that says what it is; -1 with *e. */
static int
begin_dir(const char *name, struct err *e)
{
	int fd, dir;

	if (mkdir(name, 0700) != 0 && errno != EEXIST)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", name, strerror(errno));
	dir = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", name, strerror(errno));
	if (must_be_empty(dir, name, e) == 0) {
		fd = openat(dir, STORE_UNFINISHED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			close(fd);
		if (fd >= 0 && fsync(dir) == 0)
			return dir;
		err_set(e, ERR_INTERNAL, "%.80s: %s", name, strerror(errno));
	}
	close(dir);
	return -1;
}

int
store_migrate(
    const struct store_conf *from, const struct store_conf *to, uint64_t *rows, struct err *e)
{
	struct store_conf copy = *to;
	struct tally tally = {0};
	int dir, rc;

	err_clear(e);
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "libsodium cannot be initialised");
	if (store_check_there(from, e) != 0 || (dir = begin_dir(to->dir, e)) < 0)
		return -1;
	copy.unfinished = true;
	rc = copy_stores(from, &copy, &tally, e);
	if (rc == 0)
		rc = compare(&copy, &tally, e);
	if (rc == 0 && (unlinkat(dir, STORE_UNFINISHED, 0) != 0 || fsync(dir) != 0))
		rc = err_set(e, ERR_INTERNAL, "%.80s: %s", to->dir, strerror(errno));
	close(dir);
	*rows = tally.rows;
	return rc;
}
