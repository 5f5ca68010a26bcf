/* SPDX-License-Identifier: ISC */
/*
 * nomemory [-e ENGINE] [-k EVERY] [-a]: each allocation of our own code fails once (-a: the
 * libraries' as well). First the store alone, in a process of its own each time: start, writes,
 * recovery, end. It may refuse or end on purpose; what it acknowledged is there afterwards. Then
 * every request that needs no switch, in this process: it is answered as always, or refused for
 * want of memory, and the next one finds everything as it should be.
 */
#include <errno.h>
#include <getopt.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/job.h"
#include "common/clock.h"
#include "tests/fault/image.h"
#include "tests/fault/scenario.h"
#include "tests/path_rig.h"

enum { TRANSACTIONS = 8, PATIENCE_S = 60, LEAK_MAX = 64 * 1024, USER = 1 };

/* --- allocation ------------------------------------------------------------------ */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static uintptr_t own_from, own_to; /* where this program's own code is */
static bool all_of_them;
static atomic_ulong calls;
static atomic_ulong fail_at; /* 0 = none */

static int
find_own(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type == PT_LOAD && (h->p_flags & PF_X) != 0) {
			own_from = info->dlpi_addr + h->p_vaddr;
			own_to = own_from + h->p_memsz;
		}
	}
	return 1; /* the program itself is the first one */
}

static bool
fails(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	if (!all_of_them && (at < own_from || at >= own_to))
		return false;
	if (atomic_fetch_add(&calls, 1) + 1 != atomic_load(&fail_at))
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

static void
begin(unsigned long at)
{
	atomic_store(&calls, 0);
	atomic_store(&fail_at, at);
}

static unsigned long
end(void)
{
	atomic_store(&fail_at, 0);
	return atomic_load(&calls);
}

/* --- the store alone ------------------------------------------------------------- */

static const char *engine = "bdb";
static unsigned every = 1;
static char work[64];
static unsigned long bad, runs;

struct shared {
	unsigned acked;
	unsigned long calls;
	char why[256];
};
static struct shared *shared;

static void
acked(uint64_t n)
{
	shared->acked = (unsigned)n;
}

/* Status of a process that runs the series; `at` = 0 counts. */
static int
run_series(const char *dir, unsigned long at)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(PATIENCE_S);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		begin(at);
		scenario_run(engine, dir, TRANSACTIONS, acked);
		shared->calls = end();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static enum scenario_verdict
examine(const char *dir, unsigned done)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(PATIENCE_S);
		_exit((int)scenario_check(engine, dir, done, done + 1, shared->why));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? (enum scenario_verdict)WEXITSTATUS(status) : SCENARIO_TORN;
}

/* `again`: the store is there and closed by a kill, so that the start recovers it. */
static void
store_series(bool again, unsigned long at)
{
	char dir[128];
	int status;

	snprintf(dir, sizeof(dir), "%s/%d.%lu", work, again, at);
	if (mkdir(dir, 0700) != 0)
		exit(2);
	shared->acked = 0;
	if (again)
		run_series(dir, 0);
	shared->calls = 0;
	shared->why[0] = '\0';
	status = run_series(dir, at);
	runs++;
	/* On purpose is with a status. A library that does not bear it ends with a signal, which is not
	 * ours to mend; what it leaves has to be whole all the same. */
	if ((!WIFEXITED(status) && !all_of_them) || examine(dir, shared->acked) != SCENARIO_GOOD) {
		bad++;
		printf("BAD: the store %s, allocation %lu: status %x, %u acknowledged: %s\n",
		    again ? "again" : "new", at, (unsigned)status, shared->acked, shared->why);
	}
	image_remove(dir);
}

static void
store_all(bool again)
{
	unsigned long n, from = runs;

	store_series(again, 0);
	n = shared->calls;
	for (unsigned long at = 1; at <= n; at += every)
		store_series(again, at);
	printf("store, %s: %lu allocations, %lu runs\n", again ? "recovered" : "new", n, runs - from);
}

/* --- requests -------------------------------------------------------------------- */

static struct backend *be;
static struct buf token;

static void
make_request(const struct res *res, unsigned method, struct str body, struct buf *frame)
{
	struct request q = {0};

	REC_SET(&q, request, id, 1);
	REC_SET(&q, request, deadline, 60000);
	REC_SET(&q, request, res, res->number);
	REC_SET(&q, request, method, method);
	REC_SET(&q, request, cap, buf_str(&token));
	if (body.n > 0)
		REC_SET(&q, request, body, body);
	env_write(frame, ENV_REQUEST, &q);
}

/* The code, and what was answered in *body. -1 = there was no job at all. */
static int
ask(const struct res *res, struct str frame, struct buf *body)
{
	struct snapshot snapshot = {.t = NULL};
	struct job *j = job_new(be);
	struct str copy;
	int code;

	buf_reset(body);
	if (j == NULL)
		return -1;
	copy = arena_copy(&j->arena, frame);
	if (copy.p == NULL || env_read(copy, ENV_REQUEST, &j->req, &j->arena, &j->err) != 0) {
		job_free(j);
		return -1;
	}
	j->res = res;
	j->overdue_us = clock_us() + 60000000;
	if (!job_run(j, &snapshot)) {
		struct pollfd p = {.fd = pool_fd(be->pool), .events = POLLIN};

		while ((j = pool_take(be->pool)) == NULL)
			if (poll(&p, 1, PATIENCE_S * 1000) != 1) {
				printf("BAD: %s: no answer\n", res->id);
				exit(1);
			}
	}
	end();
	snapshot_end(&snapshot);
	code = (int)j->err.code;
	buf_addstr(body, buf_str(&j->body));
	job_free(j);
	return code;
}

static bool
is_refusal(int code)
{
	return code == -1 || code == ERR_UNAVAILABLE || code == ERR_TOO_LARGE || code == ERR_INTERNAL;
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

static unsigned long
request_all(const struct res *res, unsigned method, struct str document)
{
	struct buf frame, body, want, check, get;
	unsigned long n, at;
	int code, usual;

	buf_init(&frame, IPC_MESSAGE_MAX);
	buf_init(&body, IPC_MESSAGE_MAX);
	buf_init(&want, IPC_MESSAGE_MAX);
	buf_init(&check, IPC_MESSAGE_MAX);
	buf_init(&get, IPC_MESSAGE_MAX);
	make_request(res, method, document, &frame);
	make_request(res, M_GET, (struct str){"", 0}, &get);
	ask(res, buf_str(&frame), &want);
	begin(0);
	usual = ask(res, buf_str(&frame), &want);
	n = end();
	for (at = 1; at <= n; at += every) {
		begin(at);
		code = ask(res, buf_str(&frame), &body);
		end();
		runs++;
		if (!is_refusal(code) && (code != usual || !same(&body, &want))) {
			bad++;
			printf(
			    "BAD: %s %s, allocation %lu: answered %d with %zu bytes instead of %d with %zu\n",
			    method == M_GET ? "GET" : "PUT", res->id, at, code, body.n, usual, want.n);
		}
		/* As it was, or as it is to be, which is the same here. */
		if (ask(res, buf_str(&get), &check) != ERR_OK ||
		    (method == M_GET && usual == ERR_OK && !same(&check, &want))) {
			bad++;
			printf("BAD: %s, allocation %lu: not as before afterwards (%d)\n", res->id, at, usual);
		}
	}
	buf_free(&frame);
	buf_free(&body);
	buf_free(&want);
	buf_free(&check);
	buf_free(&get);
	return n;
}

/* What is read is put back, where the input is of the same kind. */
static unsigned long
resource(const struct res *res)
{
	unsigned long n = request_all(res, M_GET, (struct str){"", 0});
	struct buf frame, got;
	int code;

	buf_init(&frame, IPC_MESSAGE_MAX);
	buf_init(&got, IPC_MESSAGE_MAX);
	make_request(res, M_GET, (struct str){"", 0}, &frame);
	code = ask(res, buf_str(&frame), &got);
	if (code == ERR_OK && (res->methods & M_PUT) != 0 && res->record != NULL &&
	    res->input == NULL && res->shape != SHAPE_COLLECTION && !res->listed)
		n += request_all(res, M_PUT, buf_str(&got));
	buf_free(&frame);
	buf_free(&got);
	return n;
}

/* Of the user's own, without a number or a name in the path; and not what ends the session. */
static bool
is_tried(const struct res *res)
{
	static const enum res_id not [] = {RES_EVENTS};

	for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++)
		if (res->number == not [i])
			return false;
	return !res->local && !res_is_endless(res) && (res->methods & M_GET) != 0 && !res->no_head &&
	    strchr(res->path, '{') == NULL && strstr(res->id, "LOGOUT") == NULL &&
	    res->access == ACCESS_SELF;
}

static void
requests(void)
{
	static struct conf conf;
	static struct backend backend = {.conf = &conf};
	unsigned long from = runs, n = 0, kinds = 0;
	char dir[96];
	size_t used;

	conf_defaults(&conf);
	be = &backend;
	snprintf(dir, sizeof(dir), "%s/requests", work);
	path_start(be, dir);
	path_add_user(be, USER, "4410");
	path_token(USER, &token);
	for (size_t i = 0; i < all_resources_count; i++)
		if (is_tried(&all_resources[i])) {
			n += resource(&all_resources[i]);
			kinds++;
		}
	/* Once more: by now whatever is kept on purpose is there. */
	used = mallinfo2().uordblks;
	for (size_t i = 0; i < all_resources_count; i++)
		if (is_tried(&all_resources[i]))
			resource(&all_resources[i]);
	printf("requests: %lu resources, %lu allocations, %lu runs, %+ld bytes kept\n", kinds, n,
	    runs - from, (long)(mallinfo2().uordblks - used));
	if ((long)(mallinfo2().uordblks - used) > LEAK_MAX)
		bad++;
	path_stop(be);
	buf_free(&token);
	image_remove(dir);
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "e:k:a")) != -1) {
		if (c == 'e')
			engine = optarg;
		else if (c == 'k')
			every = (unsigned)atoi(optarg) > 0 ? (unsigned)atoi(optarg) : 1;
		else if (c == 'a')
			all_of_them = true;
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	dl_iterate_phdr(find_own, NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(work, sizeof(work), "%s/tandem-nomemory-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (shared == MAP_FAILED || mkdtemp(work) == NULL)
		return 2;
	store_all(false);
	store_all(true);
	requests();
	rmdir(work);
	printf("%s: %lu runs, %lu bad\n", engine, runs, bad);
	return bad > 0;
}
