/* SPDX-License-Identifier: ISC */
/*
 * iofault [-e ENGINE] [-n TRANSACTIONS] [-k EVERY] [-o N.KIND]: each call that the store makes to
 * its files fails once, in each way that a disk has. Whatever the process makes of it, going on,
 * refusing or ending, what it acknowledged is there at the next start, and nothing in part. Calls
 * that are made anew at each start fail as well.
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
#include "tests/fault/scenario.h"

enum { JOBS = 2, PATIENCE_S = 60, FD_ACK = 9 };

static const char *const kinds[] = {"full", "io", "short", "intr"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static struct {
	const char *engine;
	unsigned n, every;
	unsigned long only_at;
	int only_kind;
} opt = {.engine = "bdb", .n = 12, .every = 1};

enum ending { WENT_ON, REFUSED, ENDED, HUNG, ENDINGS };
static const char *const endings[] = {"went on", "refused", "ended itself", "HUNG"};

struct found {
	unsigned long ending[KINDS][ENDINGS], bad, runs;
	char why[256];
	unsigned acked; /* by the series that runs */
};

static char work[64], self[512], so[600];
static struct found *found;

static void
acked(uint64_t n)
{
	unsigned number = (unsigned)n;

	/* Lasts longer than the process. */
	if (pwrite(FD_ACK, &number, sizeof(number), 0) != sizeof(number))
		_exit(9);
}

/* The series with the Nth call failing, in a new process. */
static enum ending
run_series(const char *dir, unsigned long at, const char *kind, const char *count)
{
	char number[24], n[16];
	int status;
	pid_t pid;

	snprintf(number, sizeof(number), "%lu", at);
	snprintf(n, sizeof(n), "%u", opt.n);
	if ((pid = fork()) == 0) {
		setenv("LD_PRELOAD", so, 1);
		setenv("RECORD_DIR", dir, 1);
		setenv("FAIL_AT", number, 1);
		setenv("FAIL_AS", kind, 1);
		if (count != NULL)
			setenv("FAIL_COUNT", count, 1);
		alarm(PATIENCE_S);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		execl(self, self, "-e", opt.engine, "-n", n, "-r", dir, (char *)NULL);
		_exit(9);
	}
	if (waitpid(pid, &status, 0) != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 9)) {
		fprintf(stderr, "iofault: the series cannot be run\n");
		exit(2);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0 ? WENT_ON : REFUSED;
	return WTERMSIG(status) == SIGALRM ? HUNG : ENDED;
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
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static void
try_one(unsigned long at, int kind)
{
	char dir[128], ack[160];
	unsigned done = 0;
	enum ending ending;
	int verdict, fd;

	snprintf(dir, sizeof(dir), "%s/%lu.%d", work, at, kind);
	snprintf(ack, sizeof(ack), "%s.acked", dir);
	if (mkdir(dir, 0700) != 0 || (fd = open(ack, O_RDWR | O_CREAT, 0600)) < 0 ||
	    dup2(fd, FD_ACK) < 0)
		exit(2);
	close(fd);
	ending = run_series(dir, at, kinds[kind], NULL);
	if (pread(FD_ACK, &done, sizeof(done), 0) != sizeof(done))
		done = 0;
	found->why[0] = '\0';
	verdict = examine(dir, done);
	found->ending[kind][ending]++;
	found->runs++;
	if (verdict != SCENARIO_GOOD || ending == HUNG) {
		found->bad++;
		printf("BAD: -e %s -n %u -o %lu.%d (%s): it %s with %u acknowledged; then %d: %s\n",
		    opt.engine, opt.n, at, kind, kinds[kind], endings[ending], done, verdict, found->why);
	}
	unlink(ack);
	if (opt.only_at == 0)
		image_remove(dir);
	else
		printf("it %s with %u acknowledged, then %d; files in %s\n", endings[ending], done, verdict,
		    dir);
}

static unsigned long
count_calls(void)
{
	char dir[96], count[96];
	unsigned long n = 0;
	FILE *f;
	int fd;

	snprintf(dir, sizeof(dir), "%s/all", work);
	snprintf(count, sizeof(count), "%s/count", work);
	if (mkdir(dir, 0700) != 0 || (fd = open(count, O_RDWR | O_CREAT, 0600)) < 0 ||
	    dup2(fd, FD_ACK) < 0 || run_series(dir, 0, "io", count) != WENT_ON)
		return 0;
	close(fd);
	f = fopen(count, "re");
	if (f == NULL || fscanf(f, "%lu", &n) != 1)
		n = 0;
	if (f != NULL)
		fclose(f);
	image_remove(dir);
	return n;
}

static void
try_all(unsigned long calls, struct found *all)
{
	int status;

	for (unsigned job = 0; job < JOBS; job++)
		if (fork() == 0) {
			found = &all[job];
			for (unsigned long at = 1 + job * opt.every; at <= calls; at += JOBS * opt.every)
				for (int kind = 0; kind < KINDS; kind++)
					try_one(at, kind);
			fflush(stdout);
			_exit(0);
		}
	for (unsigned job = 0; job < JOBS; job++)
		if (wait(&status) < 0 || status != 0)
			exit(2);
	for (unsigned job = 1; job < JOBS; job++) {
		all->runs += all[job].runs;
		all->bad += all[job].bad;
		for (int i = 0; i < KINDS * ENDINGS; i++)
			(&all->ending[0][0])[i] += (&all[job].ending[0][0])[i];
	}
}

static unsigned long
report(const struct found *all, unsigned long calls)
{
	for (int kind = 0; kind < KINDS; kind++) {
		printf("%-6s", kinds[kind]);
		for (int i = 0; i < ENDINGS; i++)
			printf(" %s %lu%s", endings[i], all->ending[kind][i], i + 1 < ENDINGS ? "," : "\n");
	}
	printf("%s: %u transactions, %lu calls, each %u.: %lu runs, %lu bad\n", opt.engine, opt.n,
	    calls, opt.every, all->runs, all->bad);
	return all->bad;
}

int
main(int argc, char **argv)
{
	const char *run_in = NULL;
	struct found *all;
	unsigned long calls, bad;
	char command[96];
	ssize_t n;
	int c;

	while ((c = getopt(argc, argv, "e:n:k:o:r:")) != -1) {
		if (c == 'e')
			opt.engine = optarg;
		else if (c == 'n')
			opt.n = (unsigned)atoi(optarg);
		else if (c == 'k')
			opt.every = (unsigned)atoi(optarg) > 0 ? (unsigned)atoi(optarg) : 1;
		else if (c == 'r')
			run_in = optarg;
		else if (c != 'o' || sscanf(optarg, "%lu.%d", &opt.only_at, &opt.only_kind) != 2 ||
		    opt.only_kind < 0 || opt.only_kind >= KINDS)
			return 2;
	}
	if (run_in != NULL) {
		scenario_run(opt.engine, run_in, opt.n, acked);
		return 0;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	snprintf(so, sizeof(so), "%.*s/recorder.so", (int)(strrchr(self, '/') - self), self);
	snprintf(work, sizeof(work), "%s/tandem-iofault-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	all =
	    mmap(NULL, JOBS * sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED || mkdtemp(work) == NULL || (calls = count_calls()) == 0) {
		fprintf(stderr, "iofault: the series cannot be run: %s\n", strerror(errno));
		return 2;
	}
	if (opt.only_at > 0) {
		found = all;
		try_one(opt.only_at, opt.only_kind);
		return found->bad > 0;
	}
	try_all(calls, all);
	bad = report(all, calls);
	snprintf(command, sizeof(command), "rm -rf '%s'", work);
	return system(command) != 0 || bad > 0;
}
