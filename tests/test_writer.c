/* SPDX-License-Identifier: ISC */
/* The group commit: what a batch keeps, when its jobs are told, how full it gets. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/writer.h"
#include "common/sandbox.h"
#include "tests/store_faults.h"
#include "tests/store_rig.h"

enum { PENDING = -1 };

struct put {
	struct writer_job job; /* first: the callbacks get its address */
	char key[32], val[32];
	atomic_bool *gate; /* apply waits until it is open; or NULL */
	bool refuse;       /* write, then fail */
	bool only_new;     /* fail when the key is there */
	unsigned place;    /* order of done() */
	unsigned flushes;  /* log flushes at the time of done() */
	atomic_int committed;
};

static struct store_rig rig;
static struct writer *writer;
static atomic_uint places;
static atomic_bool gate, a_gate;

static void
start(const char *engine, unsigned queue_max, unsigned batch_max)
{
	struct err e;

	store_rig_open(&rig, engine);
	ck_assert_int_eq(writer_start(&writer, rig.s, queue_max, batch_max, &e), 0);
}

static void
stop(void)
{
	writer_stop(writer);
	store_rig_close(&rig);
}

static void
wait_ms(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

static int
apply(struct writer_job *job, struct store_txn *t)
{
	struct put *p = (struct put *)job;
	struct arena a;
	struct str old;
	int found;

	while (p->gate != NULL && !atomic_load(p->gate))
		wait_ms(1);
	arena_init(&a, 4096);
	found = store_get(t, STORE_DATA, str_c(p->key), &a, &old, &job->err);
	arena_free(&a);
	if (found == 1 && p->only_new)
		return err_set(&job->err, ERR_CONFLICT, NULL);
	if (found < 0 || store_put(t, STORE_DATA, str_c(p->key), str_c(p->val), &job->err) != 0 ||
	    store_put(t, STORE_INDEX, str_c(p->key), str_c(p->val), &job->err) != 0)
		return -1;
	return p->refuse ? err_set(&job->err, ERR_INVALID, NULL) : 0;
}

static void
done(struct writer_job *job, bool committed)
{
	struct put *p = (struct put *)job;

	p->place = atomic_fetch_add(&places, 1);
	p->flushes = atomic_load(&fault_log_flushes);
	atomic_store(&p->committed, committed);
}

static void
prepare(struct put *p, const char *key, const char *val)
{
	memset(p, 0, sizeof(*p));
	p->job.apply = apply;
	p->job.done = done;
	snprintf(p->key, sizeof(p->key), "%s", key);
	snprintf(p->val, sizeof(p->val), "%s", val);
	atomic_init(&p->committed, PENDING);
}

static int
result(struct put *p)
{
	for (int i = 0; i < 20000 && atomic_load(&p->committed) == PENDING; i++)
		wait_ms(1);
	return atomic_load(&p->committed);
}

/* A job that keeps the writer busy, until unblock(), while a test fills the queue behind it. */
static void
block(struct put *p)
{
	struct writer_stats st;

	prepare(p, "block", "");
	p->gate = &gate;
	atomic_store(&gate, false);
	ck_assert_int_eq(writer_submit(writer, &p->job), 0);
	do
		writer_stats(writer, &st);
	while (st.waiting > 0);
}

static void
unblock(void)
{
	atomic_store(&gate, true);
}

static const char *
stored(const char *key)
{
	static char text[64];
	struct arena a;
	struct store_txn *t;
	struct str val;
	struct err e;
	int r;

	arena_init(&a, 4096);
	ck_assert_int_eq(store_begin(rig.s, STORE_READ, &t, &e), 0);
	r = store_get(t, STORE_DATA, str_c(key), &a, &val, &e);
	snprintf(text, sizeof(text), "%.*s", r == 1 ? (int)val.n : 6, r == 1 ? val.p : "(none)");
	store_abort(t);
	arena_free(&a);
	return text;
}

START_TEST(batch)
{
	struct put blocker, a, b, clash, bad, again, last;
	struct writer_stats st;

	start(rig_engines[_i], 100, 100);
	block(&blocker);
	prepare(&a, "a", "1");
	prepare(&b, "b", "1");
	prepare(&bad, "bad", "1");
	bad.refuse = true;
	prepare(&clash, "b", "2");
	clash.only_new = true;
	prepare(&again, "a", "2");
	prepare(&last, "bad", "ok");
	last.only_new = true;
	ck_assert_int_eq(writer_submit(writer, &a.job), 0);
	ck_assert_int_eq(writer_submit(writer, &b.job), 0);
	ck_assert_int_eq(writer_submit(writer, &bad.job), 0);
	ck_assert_int_eq(writer_submit(writer, &clash.job), 0);
	ck_assert_int_eq(writer_submit(writer, &again.job), 0);
	ck_assert_int_eq(writer_submit(writer, &last.job), 0);
	unblock();
	ck_assert_int_eq(result(&last), 1);
	ck_assert_int_eq(result(&a), 1);
	ck_assert_int_eq(result(&bad), 0);
	ck_assert_int_eq(bad.job.err.code, ERR_INVALID);
	ck_assert_int_eq(result(&clash), 0);
	ck_assert_int_eq(clash.job.err.code, ERR_CONFLICT);
	ck_assert_str_eq(stored("a"), "2");
	ck_assert_str_eq(stored("b"), "1");
	ck_assert_str_eq(stored("bad"), "ok");
	ck_assert_uint_lt(blocker.place, a.place);
	ck_assert_uint_lt(a.place, b.place);
	ck_assert_uint_lt(b.place, bad.place);
	ck_assert_uint_lt(bad.place, clash.place);
	ck_assert_uint_lt(clash.place, again.place);
	ck_assert_uint_lt(again.place, last.place);
	/* All of the six heard after the one flush, the failed ones as well. */
	ck_assert_uint_eq(a.flushes, last.flushes);
	if (_i > 0) /* "mem" does not flush */
		ck_assert_uint_eq(clash.flushes, blocker.flushes + 1);
	writer_stats(writer, &st);
	ck_assert_uint_eq(st.batches, 2);
	ck_assert_uint_eq(st.jobs, 7);
	ck_assert_uint_eq(st.largest, 6);
	ck_assert_uint_eq(st.waiting, 0);
	stop();
}
END_TEST

/* Nothing was written, so there is nothing to flush. */
START_TEST(all_refused)
{
	struct store_stats before, after;
	struct put p;

	start(rig_engines[_i], 10, 10);
	store_stats(rig.s, &before);
	prepare(&p, "a", "1");
	p.refuse = true;
	ck_assert_int_eq(writer_submit(writer, &p.job), 0);
	ck_assert_int_eq(result(&p), 0);
	store_stats(rig.s, &after);
	ck_assert_uint_eq(after.flushes, before.flushes);
	ck_assert_uint_eq(after.commits, before.commits);
	ck_assert_str_eq(stored("a"), "(none)");
	stop();
}
END_TEST

START_TEST(full_queue)
{
	enum { QUEUE = 5 };
	struct put blocker, jobs[QUEUE], more;
	char key[16];

	start(rig_engines[_i], QUEUE, 2);
	block(&blocker);
	for (int i = 0; i < QUEUE; i++) {
		snprintf(key, sizeof(key), "%d", i);
		prepare(&jobs[i], key, "1");
		ck_assert_int_eq(writer_submit(writer, &jobs[i].job), 0);
	}
	prepare(&more, "more", "1");
	ck_assert_int_eq(writer_submit(writer, &more.job), -1);
	ck_assert_int_eq(atomic_load(&blocker.committed), PENDING);
	unblock();
	/* Stopping drains: five jobs in batches of at most two. */
	writer_stop(writer);
	for (int i = 0; i < QUEUE; i++) {
		ck_assert_int_eq(atomic_load(&jobs[i].committed), 1);
		ck_assert_uint_eq(jobs[i].place, (unsigned)i + 1);
	}
	ck_assert_str_eq(stored("4"), "1");
	ck_assert_str_eq(stored("more"), "(none)");
	writer_stop(NULL);
	store_rig_close(&rig);
}
END_TEST

static atomic_bool no_room;

static bool
is_shut(void *arg)
{
	return atomic_load((atomic_bool *)arg);
}

/* What needs room is refused and not run, its neighbours in the batch are not touched. */
START_TEST(without_room)
{
	struct put a, b, freeing;

	start(rig_engines[_i], 10, 10);
	writer_shut_when(writer, is_shut, &no_room);
	prepare(&a, "a", "1");
	ck_assert_int_eq(writer_submit(writer, &a.job), 0);
	ck_assert_int_eq(result(&a), 1);
	atomic_store(&no_room, true);
	prepare(&b, "b", "1");
	prepare(&freeing, "c", "1");
	freeing.job.frees = true;
	ck_assert_int_eq(writer_submit(writer, &b.job), 0);
	ck_assert_int_eq(writer_submit(writer, &freeing.job), 0);
	ck_assert_int_eq(result(&b), 0);
	ck_assert_int_eq(b.job.err.code, ERR_NO_SPACE);
	ck_assert_int_eq(result(&freeing), 1);
	atomic_store(&no_room, false);
	prepare(&b, "b", "2");
	ck_assert_int_eq(writer_submit(writer, &b.job), 0);
	ck_assert_int_eq(result(&b), 1);
	ck_assert_str_eq(stored("a"), "1");
	ck_assert_str_eq(stored("b"), "2");
	ck_assert_str_eq(stored("c"), "1");
	writer_stop(writer);
	store_rig_close(&rig);
}
END_TEST

START_TEST(failed_commit)
{
	struct put blocker, a, clash, after;

	start(rig_engines[_i], 10, 10);
	block(&blocker);
	prepare(&a, "a", "1");
	a.gate = &a_gate;
	atomic_store(&a_gate, false);
	prepare(&clash, "a", "2");
	clash.only_new = true;
	ck_assert_int_eq(writer_submit(writer, &a.job), 0);
	ck_assert_int_eq(writer_submit(writer, &clash.job), 0);
	unblock();
	ck_assert_int_eq(result(&blocker), 1);
	ck_assert_int_eq(atomic_load(&a.committed), PENDING);
	atomic_store(&fault_full, rig.home);
	atomic_store(&a_gate, true);
	ck_assert_int_eq(result(&clash), 0);
	atomic_store(&fault_full, NULL);
	ck_assert_int_eq(result(&a), 0);
	ck_assert_int_eq(a.job.err.code, ERR_NO_SPACE);
	/* It clashed with something that was never stored. */
	ck_assert_int_eq(clash.job.err.code, ERR_NO_SPACE);
	prepare(&after, "a", "3");
	after.only_new = true;
	ck_assert_int_eq(writer_submit(writer, &after.job), 0);
	ck_assert_int_eq(result(&after), 1);
	ck_assert_str_eq(stored("a"), "3");
	stop();
}
END_TEST

struct client {
	pthread_t thread;
	unsigned n;
};

enum { CLIENTS = 64, PER_CLIENT = 40 };
static unsigned per_client;

static void *
client(void *arg)
{
	const struct client *c = arg;
	struct put p;
	char key[16], val[16];

	for (unsigned i = 1; i <= per_client; i++) {
		snprintf(key, sizeof(key), "c%u", c->n);
		snprintf(val, sizeof(val), "%u", i);
		prepare(&p, key, val);
		ck_assert_int_eq(writer_submit(writer, &p.job), 0);
		while (atomic_load(&p.committed) == PENDING) {
			struct timespec t = {0, 200000};

			nanosleep(&t, NULL);
		}
		ck_assert_int_eq(atomic_load(&p.committed), 1);
		ck_assert_str_eq(p.val, val);
	}
	return NULL;
}

START_TEST(many_clients)
{
	static struct client clients[CLIENTS];
	struct store_stats before, after;
	char key[16];

	/* AddressSanitizer takes milliseconds for what LMDB allocates for each child. */
	per_client = SANDBOX_SANITIZED && strcmp(rig_engines[_i], "lmdb") == 0 ? 4 : PER_CLIENT;
	start(rig_engines[_i], 2 * CLIENTS, CLIENTS);
	/* A flush of 2 ms, so that the figure says something about the writer and nothing
	 * about the disk below. */
	atomic_store(&fault_flush_ms, 2);
	store_stats(rig.s, &before);
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i].n = i;
		ck_assert_int_eq(pthread_create(&clients[i].thread, NULL, client, &clients[i]), 0);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		pthread_join(clients[i].thread, NULL);
	store_stats(rig.s, &after);
	ck_assert_uint_ge((uint64_t)CLIENTS * per_client, 8 * (after.flushes - before.flushes));
	ck_assert_uint_eq(after.flushes - before.flushes, after.commits - before.commits);
	writer_stop(writer);
	store_rig_reopen(&rig);
	for (unsigned i = 0; i < CLIENTS; i++) {
		snprintf(key, sizeof(key), "c%u", i);
		ck_assert_int_eq(atoi(stored(key)), (int)per_client);
	}
	store_rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("writer");
	TCase *tc = tcase_create("batches");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, batch, 0, RIG_ENGINES);
	tcase_add_loop_test(tc, all_refused, 0, RIG_ENGINES);
	tcase_add_loop_test(tc, full_queue, 0, RIG_ENGINES);
	/* Those that reach a disk. */
	tcase_add_loop_test(tc, without_room, 1, RIG_ENGINES);
	tcase_add_loop_test(tc, failed_commit, 1, RIG_ENGINES);
	tcase_add_loop_test(tc, many_clients, 1, RIG_ENGINES);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
