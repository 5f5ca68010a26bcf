/* SPDX-License-Identifier: ISC */
/*
 * powercut [-e ENGINE] [-n TRANSACTIONS] [-s SEED] [-k EVERY] [-c CUT.CLASS] [-b]: what a power cut
 * may leave, tried at each flush of a series of transactions. The series runs once, with every
 * change of the files recorded. At each flush (each EVERYth), and for each class of what of the
 * changes since the last one may have reached the disk, the files are made anew and the store
 * opened and compared. -c tries one of them and keeps its files; -b takes no flush for one, so that
 * losses must be found.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/image.h"
#include "tests/fault/record.h"
#include "tests/fault/scenario.h"

enum { JOBS = 2, PATIENCE_S = 60, KEPT_LINES = 20 };

static const char *const verdicts[] = {"good", "refused", "LOST", "TORN", "CRASHED"};
enum { CRASHED = SCENARIO_TORN + 1, VERDICTS };

static struct {
	const char *engine;
	unsigned n, seed, every;
	long only_cut;
	int only_class;
	bool blind;
} opt = {.engine = "bdb", .n = 200, .seed = 1, .every = 1, .only_cut = -1};

/* What the workers have found, in memory of all of them. */
struct found {
	unsigned long count[CLASSES][VERDICTS];
	unsigned long cuts;
	char why[256];
};

static char work[64];
static struct found *found;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "powercut: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
acked(uint64_t n)
{
	if (recorder_ack != NULL)
		recorder_ack(n);
}

/* This program again, with the recorder before libc. */
static void
run_recorded(const char *self)
{
	char so[512], dir[96], to[96], n[16];
	int status;
	pid_t pid;

	snprintf(so, sizeof(so), "%.*s/recorder.so", (int)(strrchr(self, '/') - self), self);
	snprintf(dir, sizeof(dir), "%s/store", work);
	snprintf(to, sizeof(to), "%s/record", work);
	snprintf(n, sizeof(n), "%u", opt.n);
	if (mkdir(dir, 0700) != 0)
		die(dir);
	if ((pid = fork()) == 0) {
		setenv("LD_PRELOAD", so, 1);
		setenv("RECORD_DIR", dir, 1);
		setenv("RECORD_TO", to, 1);
		execl(self, self, "-e", opt.engine, "-n", n, "-r", dir, (char *)NULL);
		die(self);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "powercut: the series failed: %d\n", status);
		exit(2);
	}
}

static int
examine(const char *dir, unsigned done)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(PATIENCE_S);
		_exit(
		    (int)scenario_check(opt.engine, dir, done, done < opt.n ? done + 1 : done, found->why));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) >= CRASHED) {
		snprintf(found->why, sizeof(found->why), "ended with status %x", (unsigned)status);
		return CRASHED;
	}
	return WEXITSTATUS(status);
}

static bool
is_bad(enum image_class class, int verdict)
{
	/* A page that the disk has written in part is found by its checksum. */
	return verdict != SCENARIO_GOOD && !(verdict == SCENARIO_CLOSED && class == IMAGE_TORN_PAGES);
}

static void
try_one(struct image *im, unsigned long cut, enum image_class class, unsigned done)
{
	char dir[96];
	int verdict;

	snprintf(dir, sizeof(dir), "%s/cut-%lu.%d", work, cut, (int)class);
	if (!image_make(im, class, opt.seed * 1000003UL + cut * CLASSES + class, dir))
		return;
	found->why[0] = '\0';
	verdict = examine(dir, done);
	found->count[class][verdict]++;
	if (is_bad(class, verdict) && !opt.blind)
		printf("%s: -e %s -n %u -s %u -c %lu.%d (%s): %s\n", verdicts[verdict], opt.engine, opt.n,
		    opt.seed, cut, (int)class, image_classes[class], found->why);
	if (opt.only_cut < 0)
		image_remove(dir);
	else
		printf("%s: %s; files in %s\n", image_classes[class], verdicts[verdict], dir);
}

static void
cut_here(struct image *im, unsigned long cut, unsigned done)
{
	if (opt.only_cut >= 0 ? cut != (unsigned long)opt.only_cut : cut % opt.every != 0)
		return;
	found->cuts++;
	for (int class = 0; class < CLASSES; class ++)
		if (opt.only_cut < 0 || class == opt.only_class)
			try_one(im, cut, (enum image_class) class, done);
}

/* Every worker goes through all of the record, and tries each JOBSth cut. */
static void
replay(const char *record, size_t size, unsigned worker)
{
	struct image *im = image_new();
	unsigned long cut = 0;
	unsigned done = 0;
	bool begun = false;

	for (size_t at = 0; at + sizeof(struct record) <= size;) {
		struct record r;

		memcpy(&r, record + at, sizeof(r));
		at += sizeof(r);
		if (r.op == RECORD_ACK) {
			done = (unsigned)r.at;
			begun = true;
		}
		/* Before the first one the store is being made. */
		if (r.op == RECORD_SYNC && begun && cut++ % JOBS == worker)
			cut_here(im, cut - 1, done);
		if (r.op != RECORD_SYNC || !opt.blind || !begun)
			image_apply(im, &r, record + at);
		at += r.len;
	}
	image_free(im);
}

static void
work_through(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), status;
	struct stat st;
	const char *record;
	struct found *all;

	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	record = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	all =
	    mmap(NULL, JOBS * sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (record == MAP_FAILED || all == MAP_FAILED)
		die("mmap");
	for (unsigned i = 0; i < JOBS; i++)
		if (fork() == 0) {
			found = &all[i];
			replay(record, (size_t)st.st_size, i);
			fflush(stdout);
			_exit(0);
		}
	for (unsigned i = 0; i < JOBS; i++)
		if (wait(&status) < 0 || status != 0)
			die("a worker failed");
	found = all;
	for (unsigned i = 1; i < JOBS; i++) {
		found->cuts += all[i].cuts;
		for (size_t k = 0; k < (size_t)CLASSES * VERDICTS; k++)
			(&found->count[0][0])[k] += (&all[i].count[0][0])[k];
	}
}

static unsigned long
report(long seconds)
{
	unsigned long bad = 0, all = 0;

	for (int class = 0; class < CLASSES; class ++) {
		printf("%-24s", image_classes[class]);
		for (int v = 0; v < VERDICTS; v++) {
			printf(" %s %lu", verdicts[v], found->count[class][v]);
			all += found->count[class][v];
			if (is_bad((enum image_class) class, v))
				bad += found->count[class][v];
		}
		printf("\n");
	}
	printf("%s: %u transactions, seed %u: %lu cuts, %lu stores opened, %lu bad, %ld s%s\n",
	    opt.engine, opt.n, opt.seed, found->cuts, all, bad, seconds,
	    opt.blind ? " (no flush counted)" : "");
	return bad;
}

int
main(int argc, char **argv)
{
	const char *run_in = NULL;
	char self[512], record[96];
	struct timespec from, now;
	unsigned long bad;
	ssize_t n;
	int c;

	while ((c = getopt(argc, argv, "e:n:s:k:c:r:b")) != -1) {
		if (c == 'e')
			opt.engine = optarg;
		else if (c == 'n')
			opt.n = (unsigned)atoi(optarg);
		else if (c == 's')
			opt.seed = (unsigned)atoi(optarg);
		else if (c == 'k')
			opt.every = (unsigned)atoi(optarg) > 0 ? (unsigned)atoi(optarg) : 1;
		else if (c == 'r')
			run_in = optarg;
		else if (c == 'b')
			opt.blind = true;
		else if (c != 'c' || sscanf(optarg, "%ld.%d", &opt.only_cut, &opt.only_class) != 2)
			return 2;
	}
	if (run_in != NULL) {
		scenario_run(opt.engine, run_in, opt.n, acked);
		return 0;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	snprintf(work, sizeof(work), "%s/tandem-powercut-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(work) == NULL)
		die(work);
	clock_gettime(CLOCK_MONOTONIC, &from);
	run_recorded(self);
	snprintf(record, sizeof(record), "%s/record", work);
	work_through(record);
	clock_gettime(CLOCK_MONOTONIC, &now);
	bad = report((long)(now.tv_sec - from.tv_sec));
	if (opt.only_cut < 0) {
		snprintf(record, sizeof(record), "rm -rf '%s'", work);
		if (system(record) != 0)
			return 2;
	}
	return opt.blind ? bad == 0 : bad > 0;
}
