/* SPDX-License-Identifier: ISC */
/*
 * bench_store [seconds [directory [engine]]]: durable writes through the group commit
 * with 1, 8 and 64 clients beside the flush rate of the disk in the same run,
 * and snapshot reads alone and beside the writers. The directory must be on
 * the disk to be measured.
 */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/writer.h"

enum { ROWS = 100000, VALUE = 300, CLIENTS_MAX = 64, READERS = 2 };

struct client {
	struct writer_job job; /* first: the callbacks get its address */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool pending, ok;
	unsigned seed;
	uint64_t n;
	double slowest;
};

static struct store *store;
static struct writer *writer;
static atomic_bool finished;
static double seconds = 2;

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, why);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct str
row_key(char *buf, size_t size, unsigned n)
{
	return (struct str){buf, (size_t)snprintf(buf, size, "user.%08u", n % ROWS)};
}

static int
apply(struct writer_job *job, struct store_txn *t)
{
	struct client *c = (struct client *)job;
	char key[32], val[VALUE];

	memset(val, (int)c->n, sizeof(val));
	return store_put(t, STORE_DATA, row_key(key, sizeof(key), (unsigned)rand_r(&c->seed)),
	    (struct str){val, sizeof(val)}, &job->err);
}

static void
done(struct writer_job *job, bool committed)
{
	struct client *c = (struct client *)job;

	pthread_mutex_lock(&c->lock);
	c->pending = false;
	c->ok = committed;
	pthread_cond_signal(&c->answered);
	pthread_mutex_unlock(&c->lock);
}

static void *
client(void *arg)
{
	struct client *c = arg;

	while (!atomic_load(&finished)) {
		double t0 = now(), took;

		c->pending = true;
		if (writer_submit(writer, &c->job) != 0)
			die("submit", "the queue is full");
		pthread_mutex_lock(&c->lock);
		while (c->pending)
			pthread_cond_wait(&c->answered, &c->lock);
		pthread_mutex_unlock(&c->lock);
		if (!c->ok)
			die("write", err_text(&c->job.err));
		took = now() - t0;
		c->slowest = took > c->slowest ? took : c->slowest;
		c->n++;
	}
	return NULL;
}

static void *
reader(void *arg)
{
	struct client *c = arg;

	while (!atomic_load(&finished)) {
		double t0 = now(), took;
		struct store_txn *t;
		char key[32];
		struct arena a;
		struct str val;
		struct err e;

		arena_init(&a, 1 << 16);
		if (store_begin(store, STORE_READ, &t, &e) != 0 ||
		    store_get(t, STORE_DATA, row_key(key, sizeof(key), (unsigned)rand_r(&c->seed)), &a,
		        &val, &e) < 0)
			die("read", err_text(&e));
		store_abort(t);
		arena_free(&a);
		took = now() - t0;
		c->slowest = took > c->slowest ? took : c->slowest;
		c->n++;
	}
	return NULL;
}

static double
flush_rate(const char *dir)
{
	char path[256], block[512] = "";
	double t0;
	uint64_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/flush", dir);
	if ((fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600)) == -1)
		die(path, "cannot be created");
	for (t0 = now(); now() - t0 < seconds; n++)
		if (write(fd, block, sizeof(block)) != sizeof(block) || fdatasync(fd) != 0)
			die(path, "cannot be written");
	close(fd);
	return (double)n / (now() - t0);
}

static void
start(struct client *c, unsigned seed, void *(*run)(void *))
{
	memset(c, 0, sizeof(*c));
	c->job.apply = apply;
	c->job.done = done;
	c->seed = seed;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->answered, NULL);
	if (pthread_create(&c->thread, NULL, run, c) != 0)
		die("thread", "cannot be started");
}

/* The sum over n clients that were started. */
static struct client
stop(struct client *c, unsigned n)
{
	struct client sum = {.n = 0};

	for (unsigned i = 0; i < n; i++) {
		pthread_join(c[i].thread, NULL);
		sum.n += c[i].n;
		sum.slowest = c[i].slowest > sum.slowest ? c[i].slowest : sum.slowest;
	}
	return sum;
}

static void
measure(const char *dir, unsigned writers, unsigned readers)
{
	static struct client w[CLIENTS_MAX], r[READERS];
	double rate = writers > 0 ? flush_rate(dir) : 0, t0, took;
	struct store_stats before, after;
	struct client wrote, read;

	atomic_store(&finished, false);
	store_stats(store, &before);
	t0 = now();
	for (unsigned i = 0; i < writers; i++)
		start(&w[i], i + 1, client);
	for (unsigned i = 0; i < readers; i++)
		start(&r[i], i + 100, reader);
	usleep((useconds_t)(seconds * 1e6));
	atomic_store(&finished, true);
	wrote = stop(w, writers);
	read = stop(r, readers);
	took = now() - t0;
	store_stats(store, &after);
	printf("%2u writers %u readers:", writers, readers);
	if (writers > 0)
		printf(" %7.0f puts/s, %5.1f a flush, %5.0f flushes/s, slowest %5.1f ms;"
		       " fdatasync alone %5.0f/s (x%.1f);",
		    (double)wrote.n / took, (double)wrote.n / (double)(after.flushes - before.flushes),
		    (double)(after.flushes - before.flushes) / took, wrote.slowest * 1e3, rate,
		    (double)wrote.n / took / rate);
	if (readers > 0)
		printf(" %7.0f reads/s, slowest %5.1f ms", (double)read.n / took, read.slowest * 1e3);
	printf("\n");
}

static void
fill(void)
{
	char key[32], val[VALUE] = "";
	struct store_txn *t;
	struct err e;

	if (store_begin(store, STORE_WRITE, &t, &e) != 0)
		die("fill", err_text(&e));
	for (unsigned i = 0; i < ROWS; i++)
		if (store_put(t, STORE_DATA, row_key(key, sizeof(key), i), (struct str){val, sizeof(val)},
		        &e) != 0)
			die("fill", err_text(&e));
	if (store_commit(t, &e) != 0 || store_checkpoint(store, 0, &e) != 0)
		die("fill", err_text(&e));
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
log_line(void *arg, const char *line)
{
	(void)arg;
	printf("%s\n", line);
}

int
main(int argc, char **argv)
{
	static const unsigned steps[][2] = {{1, 0}, {8, 0}, {64, 0}, {0, 2}, {8, 2}, {64, 2}};
	char dir[200], home[256];
	struct store_conf conf = {.engine = argc > 3 ? argv[3] : "bdb",
	    .dir = home,
	    .cache_bytes = 256 << 20,
	    .log = log_line};
	struct err e;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		seconds = strtod(argv[1], NULL);
	snprintf(dir, sizeof(dir), "%.150s/tandem-bench.XXXXXX", argc > 2 ? argv[2] : "/tmp");
	if (mkdtemp(dir) == NULL)
		die(dir, "cannot be created");
	snprintf(home, sizeof(home), "%s/db", dir);
	if (store_open(&store, &conf, &e) != 0 ||
	    writer_start(&writer, store, CLIENTS_MAX, CLIENTS_MAX, &e) != 0)
		die("open", err_text(&e));
	fill();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		measure(dir, steps[i][0], steps[i][1]);
	writer_stop(writer);
	store_close(store);
	if (store_open(&store, &conf, &e) != 0)
		die("reopen", err_text(&e));
	store_close(store);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
