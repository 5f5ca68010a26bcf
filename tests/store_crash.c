/* SPDX-License-Identifier: ISC */
/*
 * store_crash [engine [kills [seed]]]: a child writes through the group commit and
 * acknowledges over a pipe; it is killed at random moments and what it left is
 * checked: every acknowledged job is there, no job is there in part. The jobs
 * of a second run acknowledge before the flush: losses must be found there,
 * or the check is blind.
 */
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/writer.h"
#include "common/clock.h"

enum { CLIENTS = 16, PARTS = 4, KILLS = 20, LIFE_MIN_MS = 20, LIFE_MAX_MS = 250 };

struct job {
	struct writer_job job; /* first: the callbacks get its address */
	unsigned client, seq;
	bool early; /* acknowledge before the flush */
	bool refused;
};

struct ack {
	unsigned client, seq;
};

static const char *engine = "bdb";
static int ack_pipe = -1;
static struct writer *writer;

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "store_crash: %s: %s\n", what, why);
	exit(2);
}

static void
acknowledge(const struct job *j)
{
	struct ack a = {j->client, j->seq};

	if (write(ack_pipe, &a, sizeof(a)) != sizeof(a))
		_exit(3);
}

/* Parts lie in different tables and lengths, so that a job touches many pages. */
static struct str
part_value(char *buf, size_t size, unsigned client, unsigned seq, unsigned part)
{
	size_t n = 20 + (seq * 37 + part * 211) % (size - 20);

	memset(buf, 'a' + (int)(seq + part) % 26, n);
	snprintf(buf, size, "%u.%u.%u", client, seq, part);
	return (struct str){buf, n};
}

static struct str
part_key(char *buf, size_t size, unsigned client, unsigned seq, unsigned part)
{
	snprintf(buf, size, "%08x.%02u.%u", seq * 2654435761U, client, part);
	return str_c(buf);
}

static int
apply(struct writer_job *job, struct store_txn *t)
{
	struct job *j = (struct job *)job;
	char key[64], val[700];
	struct err *e = &job->err;

	for (unsigned p = 0; p < PARTS; p++)
		if (store_put(t, p % 2 ? STORE_INDEX : STORE_DATA,
		        part_key(key, sizeof(key), j->client, j->seq, p),
		        part_value(val, sizeof(val), j->client, j->seq, p), e) != 0)
			return -1;
	snprintf(key, sizeof(key), "last.%u", j->client);
	snprintf(val, sizeof(val), "%u", j->seq);
	if (store_put(t, STORE_META, str_c(key), str_c(val), e) != 0)
		return -1;
	/* Every ninth job fails once, after its writes, and comes again. */
	if (j->seq % 9 == 0 && !j->refused) {
		j->refused = true;
		return err_set(e, ERR_CONFLICT, NULL);
	}
	j->refused = false;
	if (j->early)
		acknowledge(j);
	return 0;
}

static void
done(struct writer_job *job, bool committed)
{
	struct job *j = (struct job *)job;

	if (!committed && !j->refused)
		_exit(4);
	if (committed) {
		if (!j->early)
			acknowledge(j);
		j->seq++;
	}
	if (writer_submit(writer, job) != 0)
		_exit(5);
}

static struct store *
open_store(const char *home)
{
	struct store_conf conf = {.engine = engine, .dir = home, .cache_bytes = 2 << 20};
	struct store *s;
	struct err e;

	if (store_open(&s, &conf, &e) != 0)
		die("open", err_text(&e));
	return s;
}

static _Noreturn void
write_until_killed(const char *home, const unsigned *last, bool early)
{
	static struct job jobs[CLIENTS];
	struct store *s = open_store(home);
	struct err e;

	if (writer_start(&writer, s, CLIENTS, CLIENTS, &e) != 0)
		die("writer", err_text(&e));
	for (unsigned i = 0; i < CLIENTS; i++) {
		jobs[i] = (struct job){
		    .client = i, .seq = last[i] + 1, .early = early, .job = {.apply = apply, .done = done}};
		if (writer_submit(writer, &jobs[i].job) != 0)
			_exit(5);
	}
	for (;;)
		if (store_checkpoint(s, 256 << 10, &e) != 0 || store_trickle(s, 50, &e) != 0)
			_exit(6);
}

/* Reads acknowledgements until `until`, or the end of the pipe when that is 0. */
static unsigned
collect(int fd, unsigned *acked, long until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct ack a;
	unsigned n = 0;

	while (until == 0 || clock_ms() < until) {
		if (poll(&p, 1, until == 0 ? -1 : 1) != 1)
			continue;
		if (read(fd, &a, sizeof(a)) != sizeof(a))
			break;
		acked[a.client] = a.seq;
		n++;
	}
	return n;
}

static bool
has_part(struct store_txn *t, unsigned client, unsigned seq, unsigned part)
{
	char key[64], want[700];
	struct arena a;
	struct str val;
	struct err e;
	int r;
	bool same;

	arena_init(&a, 1 << 16);
	r = store_get(t, part % 2 ? STORE_INDEX : STORE_DATA,
	    part_key(key, sizeof(key), client, seq, part), &a, &val, &e);
	same = r == 1 && str_eq(val, part_value(want, sizeof(want), client, seq, part));
	if (r < 0 || (r == 1 && !same))
		die("row", r < 0 ? err_text(&e) : "has a wrong value");
	arena_free(&a);
	return same;
}

static unsigned
read_last(struct store_txn *t, unsigned client)
{
	char key[64];
	struct arena a;
	struct str val;
	struct err e;
	unsigned n = 0;

	arena_init(&a, 4096);
	snprintf(key, sizeof(key), "last.%u", client);
	if (store_get(t, STORE_META, str_c(key), &a, &val, &e) == 1)
		n = (unsigned)strtoul(val.p, NULL, 10);
	arena_free(&a);
	return n;
}

/* Acknowledged jobs that are missing. `last` becomes what is stored. A job in part ends the
 * program; `from` holds what was checked after the kill before. */
static unsigned
verify(const char *home, const unsigned *acked, unsigned *last)
{
	struct store *s = open_store(home);
	struct store_txn *t;
	struct err e;
	unsigned lost = 0;

	if (store_begin(s, STORE_READ, &t, &e) != 0)
		die("begin", err_text(&e));
	for (unsigned c = 0; c < CLIENTS; c++) {
		unsigned stored = read_last(t, c), from = last[c];

		if (stored < acked[c])
			lost += acked[c] - stored;
		for (unsigned seq = from > 50 ? from - 50 : 1; seq <= stored + 2; seq++)
			for (unsigned p = 0; p < PARTS; p++)
				if (has_part(t, c, seq, p) != (seq <= stored))
					die("a job", "is there in part");
		last[c] = stored;
	}
	store_abort(t);
	store_close(s);
	return lost;
}

/* One life of the child: acknowledged jobs that were lost. */
static unsigned
kill_once(const char *home, unsigned *last, bool early, long life_ms, unsigned *n_acked)
{
	unsigned acked[CLIENTS];
	int fds[2], status;
	pid_t pid;

	memcpy(acked, last, sizeof(acked));
	if (pipe(fds) != 0 || (pid = fork()) == -1)
		die("fork", "failed");
	if (pid == 0) {
		close(fds[0]);
		ack_pipe = fds[1];
		write_until_killed(home, last, early);
	}
	close(fds[1]);
	*n_acked += collect(fds[0], acked, clock_ms() + life_ms);
	kill(pid, SIGKILL);
	*n_acked += collect(fds[0], acked, 0);
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		die("the child", "ended by itself");
	return verify(home, acked, last);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static unsigned
kill_often(unsigned kills, unsigned seed, bool early)
{
	char dir[] = "/tmp/tandem-crash.XXXXXX", home[64];
	unsigned last[CLIENTS] = {0}, lost = 0, acked = 0;
	long t0 = clock_ms();

	if (mkdtemp(dir) == NULL)
		die("mkdtemp", "failed");
	snprintf(home, sizeof(home), "%s/db", dir);
	for (unsigned i = 0; i < kills; i++) {
		long life = LIFE_MIN_MS + rand_r(&seed) % (LIFE_MAX_MS - LIFE_MIN_MS);

		lost += kill_once(home, last, early, life, &acked);
	}
	printf("%s: %u kills, %u jobs acknowledged, %u lost, %ld ms\n",
	    early ? "acknowledged too early" : "acknowledged after the flush", kills, acked, lost,
	    clock_ms() - t0);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return acked == 0 ? UINT32_MAX : lost;
}

int
main(int argc, char **argv)
{
	unsigned kills = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : KILLS;
	unsigned seed = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
	unsigned lost, control;

	if (argc > 1)
		engine = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%s, seed %u\n", engine, seed);
	lost = kill_often(kills, seed, false);
	control = kill_often(kills, seed, true);
	if (lost == 0 && control > 0 && control != UINT32_MAX)
		return 0;
	printf("FAILED: %s\n",
	    lost != 0 ? "acknowledged jobs were lost"
	              : "the control lost nothing, so the check sees nothing");
	return 1;
}
