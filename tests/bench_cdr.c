/* SPDX-License-Identifier: ISC */
/*
 * bench_cdr bulk CALLS DIR: call records of that many calls between 1,000 users, over twelve
 * months, each in both parties' rows: filed in batches of a durable transaction, and beside it the
 * same number of rows of the same size put down by Berkeley DB alone, likewise; twice, in turn.
 *
 * bench_cdr fill CALLS DIR: only the records, in a directory that stays.
 * bench_cdr last CALLS DIR: the last 50 of one of them, read for the second time, for counting
 * instructions:
 *
 *   for n in 50000 5000000; do
 *     build/tests/bench_cdr fill $n /tmp/calls-$n
 *     valgrind --tool=callgrind --callgrind-out-file=/dev/null \
 *       --toggle-collect=measured_last build/tests/bench_cdr last $n /tmp/calls-$n; done
 *
 * DIR must be on the disk to be measured.
 */
#include <db.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backend/cdr.h"
#include "backend/key.h"

enum { USERS = 1000, BATCH = 512, LAST = 50, ROW_BYTES = 200, CACHE_MIB = 512 };

#define BEGAN_MS INT64_C(1735689600000) /* 2025-01-01 */
#define YEAR_MS (INT64_C(365) * 24 * 3600 * 1000)

static struct store *store;
static struct arena mem;
static struct err err;

void measured_last(struct model *m, uint32_t user);

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench_cdr: %s: %s\n", what, err_text(&err));
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct model
begin(enum store_mode mode)
{
	struct model m = {.a = &mem, .e = &err, .tenant = TENANT_DEFAULT};

	if (store_begin(store, mode, &m.t, &err) != 0)
		die("begin");
	arena_init(&mem, 8 << 20);
	return m;
}

static void
end(struct model *m)
{
	if (store_commit(m->t, &err) != 0)
		die("commit");
	arena_free(&mem);
}

static uint32_t
user_of(unsigned n)
{
	return 100 + (uint32_t)((uint64_t)n * 2654435761U % USERS);
}

static void
file_call(struct model *m, unsigned i, unsigned calls)
{
	char id[48], caller[48], callee[48];
	uint32_t from = user_of(i), to = user_of(i * 7 + 1);
	struct call_record r = {0};
	struct cdr *c = &r.cdr;

	snprintf(id, sizeof(id), "%08x-5d7e-11ef-8f0c-0242ac120002", i);
	snprintf(caller, sizeof(caller), "<sip:%u@pbx.ex.example>", from);
	snprintf(callee, sizeof(callee), "<sip:%u@pbx.ex.example>", to);
	REC_SET(c, cdr, id, str_c(id));
	REC_SET(c, cdr, caller, str_c(caller));
	REC_SET(c, cdr, callee, str_c(callee));
	REC_SET(c, cdr, started, BEGAN_MS + YEAR_MS / calls * i);
	REC_SET(c, cdr, answered, c->started + 2000);
	REC_SET(c, cdr, duration, 125000);
	REC_SET(c, cdr, end, cdr_end_COMPLETED);
	REC_SET(c, cdr, code, 200);
	REC_SET(&r, call_record, cdr, *c);
	REC_SET(&r, call_record, source, STR_LIT("kam-1"));
	REC_SET(&r, call_record, internal, true);
	REC_SET(&r, call_record, calls, true);
	REC_SET(&r, call_record, called, from == to);
	if (cdr_load(m, from, &r, NULL) != 0)
		die("caller");
	REC_SET(&r, call_record, calls, from == to);
	REC_SET(&r, call_record, called, true);
	if (cdr_load(m, to, &r, NULL) != 0)
		die("callee");
}

static double
fill(unsigned calls)
{
	double t0 = now();

	for (unsigned i = 0; i < calls;) {
		struct model m = begin(STORE_WRITE);

		for (unsigned k = 0; k < BATCH && i < calls; k++, i++)
			file_call(&m, i, calls);
		end(&m);
		/* As the maintenance thread does. */
		if (i % (BATCH * 40) == 0 && store_checkpoint(store, 64 << 20, &err) != 0)
			die("checkpoint");
	}
	return now() - t0;
}

static void
must(int ret, const char *what)
{
	if (ret != 0) {
		fprintf(stderr, "bench_cdr: %s: %s\n", what, db_strerror(ret));
		exit(1);
	}
}

static void
put(DB *db, DB_TXN *txn, const void *key, size_t key_n, const void *val, size_t val_n)
{
	DBT k = {.data = (void *)(uintptr_t)key, .size = (u_int32_t)key_n},
	    v = {.data = (void *)(uintptr_t)val, .size = (u_int32_t)val_n};

	must(db->put(db, txn, &k, &v, 0), "put");
}

static void
put_call(DB *db, DB_TXN *txn, unsigned i)
{
	char known[26] = {0}, row[ROW_BYTES] = {0}, key[26];
	uint32_t party[2] = {user_of(i), user_of(i * 7 + 1)};

	for (unsigned k = 0; k < sizeof(known); k++)
		known[k] = (char)(i * 2654435761U >> (k % 4 * 8));
	put(db, txn, known, sizeof(known), ".", 1);
	for (int p = 0; p < 2; p++) {
		memset(key, 0, sizeof(key));
		memcpy(key, &party[p], 4);
		for (int k = 0; k < 4; k++)
			key[10 + k] = (char)(~i >> (24 - 8 * k));
		put(db, txn, key, sizeof(key), row, sizeof(row));
	}
}

/* Transactions of the same size, each flushed, with the same cache and pages. */
static double
fill_raw(const char *home, unsigned calls)
{
	double t0;
	DB_ENV *env;
	DB *db;

	must(mkdir(home, 0700), home);
	must(db_env_create(&env, 0), "environment");
	must(env->set_cachesize(env, 0, CACHE_MIB << 20, 1), "cache");
	must(env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1), "logs");
	must(env->open(env, home,
	         DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_LOCK | DB_PRIVATE |
	             DB_THREAD,
	         0600),
	    home);
	must(db_create(&db, env, 0), "table");
	must(db->set_pagesize(db, 4096), "pages");
	must(db->set_flags(db, DB_CHKSUM), "checksums");
	must(db->open(db, NULL, "raw.db", NULL, DB_BTREE, DB_CREATE | DB_AUTO_COMMIT | DB_THREAD, 0600),
	    "table");
	t0 = now();
	for (unsigned i = 0; i < calls;) {
		DB_TXN *txn;

		must(env->txn_begin(env, NULL, &txn, 0), "begin");
		for (unsigned k = 0; k < BATCH && i < calls; k++, i++)
			put_call(db, txn, i);
		must(txn->commit(txn, 0), "commit");
		if (i % (BATCH * 40) == 0)
			must(env->txn_checkpoint(env, 64 << 10, 0, 0), "checkpoint");
	}
	t0 = now() - t0;
	must(db->close(db, 0), "close");
	must(env->close(env, 0), "close");
	return t0;
}

struct reader {
	struct model *m;
	size_t n;
};

static int
count(void *arg, const struct cdr_place *at, struct str stored)
{
	struct reader *reader = arg;
	struct call_record r;

	(void)at;
	if (cdr_decode(reader->m, stored, &r) != 0)
		die("record");
	return ++reader->n == LAST;
}

static void
read_last(struct model *m, uint32_t user)
{
	struct cdr_query q = {.user = user, .from = 0, .to = INT64_MAX};
	struct reader reader = {m, 0};

	if (cdr_each(m, &q, count, &reader) != 0 || reader.n != LAST)
		die("last ones");
}

__attribute__((noinline)) void
measured_last(struct model *m, uint32_t user)
{
	read_last(m, user);
}

static void
open_store(char *home)
{
	const char *engine = getenv("TANDEM_ENGINE");
	struct store_conf conf = {.engine = engine != NULL ? engine : "bdb",
	    .dir = home,
	    .cache_bytes = (size_t)CACHE_MIB << 20};

	if (store_open(&store, &conf, &err) != 0)
		die("open");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static void
bulk(unsigned calls, const char *dir)
{
	for (int round = 0; round < 2; round++) {
		char ours[300], raw[300];
		double t, r;

		snprintf(ours, sizeof(ours), "%s/calls-%d", dir, round);
		snprintf(raw, sizeof(raw), "%s/raw-%d", dir, round);
		open_store(ours);
		t = fill(calls);
		store_close(store);
		r = fill_raw(raw, calls);
		printf("%u calls: %.0f/s, Berkeley DB alone %.0f/s: %.2f\n", calls, calls / t, calls / r,
		    r / t);
		nftw(ours, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		nftw(raw, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	char home[256];

	if (n == 0) {
		fprintf(stderr, "usage: bench_cdr bulk|fill|last CALLS DIR\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(home, sizeof(home), "%s", argv[3]);
	if (strcmp(argv[1], "bulk") == 0) {
		bulk(n, home);
		return 0;
	}
	open_store(home);
	if (strcmp(argv[1], "fill") == 0) {
		printf("%u calls: %.0f/s\n", n, n / fill(n));
	} else {
		struct model m = begin(STORE_READ);

		/* Reading and checking pages that are not in the cache is another matter. */
		read_last(&m, user_of(0));
		measured_last(&m, user_of(0));
		end(&m);
	}
	store_close(store);
	return 0;
}
