/* SPDX-License-Identifier: ISC */
/*
 * Processes are killed or stopped under clients that write and read, and each client keeps a
 * history: what was acknowledged is never lost, no entry comes twice however often it was sent, and
 * nobody reads what the own writes do not explain. The audit log is whole behind all of it. On each
 * engine of the store.
 */
#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/freeze.h"
#include "tests/rig.h"

enum {
	CLIENTS = 6,
	KILLS = 30,
	KILLS_LONG = 300,
	OPEN_MAX = 4096,
	ENTRIES_MAX = 4000,
	TRY_MS = 4000
};

enum target { WORKER, GATEWAY, AUTH, BACKEND, TARGETS };
static const char *const targets[] = {"worker", "gateway", "auth child", "backend"};

/* One client's, in memory of all processes. */
struct history {
	volatile bool stop, broken;
	char why[256];
	long writes, reads, unsure, entries;
	unsigned next, acked;
	/* Writes without an answer: each may still come, once. */
	unsigned open[OPEN_MAX];
	bool seen[OPEN_MAX];
	size_t nopen;
};

static struct rig rig;
static struct history *histories;

__attribute__((format(printf, 2, 3))) static _Noreturn void
broken(struct history *h, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(h->why, sizeof(h->why), fmt, ap);
	va_end(ap);
	h->broken = true;
	_exit(1);
}

static const char *
user_of(int client)
{
	static char user[32];

	snprintf(user, sizeof(user), "70%d:secret99", client);
	return user;
}

static void
acknowledge(struct history *h, unsigned seq)
{
	size_t n = 0;

	h->acked = seq;
	/* What has been read is done, and was overwritten now. */
	for (size_t i = 0; i < h->nopen; i++)
		if (!h->seen[i])
			h->open[n++] = h->open[i];
	memset(h->seen, 0, sizeof(h->seen));
	h->nopen = n;
}

static void
write_once(struct history *h, int client)
{
	char json[256];
	unsigned seq = ++h->next;
	struct answer a;

	snprintf(json, sizeof(json), "{\"rings\":[{\"number\":\"555%06u\"}]}", seq);
	a = rig_ask(&rig,
	    &(struct ask){.method = "PUT",
	        .path = "/my/callfwd",
	        .user = user_of(client),
	        .type = "application/json",
	        .body = json,
	        .timeout_ms = TRY_MS});
	if (a.status == 200) {
		acknowledge(h, seq);
		h->writes++;
	} else if (h->nopen < OPEN_MAX) {
		h->open[h->nopen] = seq;
		h->seen[h->nopen++] = false;
		h->unsure++;
	} else {
		broken(h, "%d writes without an answer, the last was %u", OPEN_MAX, seq);
	}
	answer_free(&a);
}

/* False when there was no answer. */
static bool
read_once(struct history *h, int client)
{
	struct answer a = rig_ask(&rig,
	    &(struct ask){.path = "/my/callfwd",
	        .user = user_of(client),
	        .accept = "application/json",
	        .timeout_ms = TRY_MS});
	const char *at = a.status == 200 ? strstr(a.body, "\"555") : NULL;
	unsigned value = at != NULL ? (unsigned)strtoul(at + 4, NULL, 10) : 0;
	bool answered = a.status == 200;

	answer_free(&a);
	if (!answered)
		return false;
	h->reads++;
	if (value == h->acked)
		return true;
	for (size_t i = 0; i < h->nopen; i++)
		if (h->open[i] == value) {
			/* It has taken the place of what was acknowledged before it. */
			h->seen[i] = true;
			h->acked = value;
			return true;
		}
	broken(h, "read %u when %u was acknowledged", value, h->acked);
}

/* The same entry until it has been taken. */
static void
add_entry(struct history *h, int client)
{
	char json[160], key[64];

	snprintf(json, sizeof(json),
	    "{\"entry\":{\"first-name\":\"E%05ldx\",\"last-name\":\"L\",\"number\":\"9%05ld\"}}",
	    h->entries, h->entries);
	snprintf(key, sizeof(key), "Idempotency-Key: h-%d-%ld", client, h->entries);
	while (!h->stop) {
		struct answer a = rig_ask(&rig,
		    &(struct ask){.method = "POST",
		        .path = "/my/phonebook/entry/0",
		        .user = user_of(client),
		        .type = "application/json",
		        .header = key,
		        .body = json,
		        .timeout_ms = TRY_MS});
		int status = a.status;

		answer_free(&a);
		if (status == 200) {
			h->entries++;
			return;
		}
		if (status >= 400 && status < 500 && status != 429)
			broken(h, "entry %ld was refused with %d", h->entries, status);
		usleep(20000);
	}
}

static pid_t
begin(int client)
{
	struct history *h = &histories[client];
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!h->stop) {
		write_once(h, client);
		read_once(h, client);
		if (h->next % 4 == 0 && h->entries < ENTRIES_MAX)
			add_entry(h, client);
	}
	_exit(0);
}

/* --- kills ----------------------------------------------------------------------- */

static void
start_backend(void)
{
	rig_backend(&rig);
}

static void
start_gateway(void)
{
	rig_gateway(&rig, 0);
	rig_await_ready(&rig, 0);
}

/* Its processes end when they see that it has, and until then they have the port. */
static void
kill_gateway(void)
{
	pid_t all[32];
	size_t n = children_of(rig.gateway[0], all, 32);

	rig_kill(&rig.gateway[0]);
	for (size_t i = 0; i < n; i++)
		for (long long until = ms_now() + 15000; kill(all[i], 0) == 0; usleep(5000))
			ck_assert_msg(ms_now() < until, "process %d outlives its parent", (int)all[i]);
	start_gateway();
}

static void
kill_worker(void)
{
	pid_t all[32];
	size_t n = children_of(rig.gateway[0], all, 32);

	for (size_t i = 0; i < n; i++) {
		char title[512];

		if (process_title(all[i], title, sizeof(title)) && strstr(title, "[wrk") != NULL) {
			kill(all[i], SIGKILL);
			return;
		}
	}
}

/* The backend ends when its auth child has. */
static void
kill_auth(void)
{
	pid_t child[2];

	ck_assert_uint_ge(children_of(rig.backend, child, 2), 1);
	kill(child[0], SIGKILL);
	for (long long until = ms_now() + 10000; waitpid(rig.backend, NULL, WNOHANG) == 0; usleep(5000))
		ck_assert_msg(ms_now() < until, "the backend goes on without its auth child");
	rig.backend = 0;
	start_backend();
}

static void
kill_one(enum target t)
{
	if (t == WORKER) {
		kill_worker();
	} else if (t == GATEWAY) {
		kill_gateway();
	} else if (t == AUTH) {
		kill_auth();
	} else {
		rig_kill(&rig.backend);
		start_backend();
	}
}

static size_t
occurrences(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void
check_entries(int client)
{
	struct history *h = &histories[client];
	struct answer a = rig_get(&rig, user_of(client), "/my/phonebook/entry");
	long more;

	ck_assert_int_eq(a.status, 200);
	for (long i = 0; i < h->entries; i++) {
		char name[32];

		snprintf(name, sizeof(name), "\"E%05ldx\"", i);
		ck_assert_msg(occurrences(a.body, name) == 1, "client %d: entry %ld is there %zu times",
		    client, i, occurrences(a.body, name));
	}
	/* One may have been on its way in the end. */
	more = (long)occurrences(a.body, "x\"") - h->entries;
	ck_assert_msg(more == 0 || more == 1, "client %d: %ld entries too many", client, more);
	answer_free(&a);
}

/* What the clients have done together. */
struct sums {
	long writes, reads, entries, unsure;
};

static void
check_audit(void)
{
	char out[4096];

	ck_assert_msg(rig_ctl(&rig, NULL, out, sizeof(out), "audit verify") == 0, "%s", out);
}

/* Does some harm so many times under the clients, and looks at their histories. */
static struct sums
under_load(int times, void (*harm)(int n), const char *(*name)(int n))
{
	struct sums sums = {0};
	pid_t pids[CLIENTS];
	unsigned seed = 4711;

	for (int i = 0; i < CLIENTS; i++)
		pids[i] = begin(i);
	for (int n = 0; n < times; n++) {
		usleep(50000 + (useconds_t)(rand_r(&seed) % 250000));
		harm(n);
		for (int i = 0; i < CLIENTS; i++)
			ck_assert_msg(!histories[i].broken, "client %d after %d times (%s): %s", i, n + 1,
			    name(n), histories[i].why);
	}
	rig_await_ready(&rig, 0);
	usleep(500000);
	for (int i = 0; i < CLIENTS; i++)
		histories[i].stop = true;
	for (int i = 0; i < CLIENTS; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		ck_assert_msg(
		    WIFEXITED(status) && WEXITSTATUS(status) == 0, "client %d: %s", i, histories[i].why);
		for (int k = 0; !read_once(&histories[i], i); k++)
			ck_assert_int_lt(k, 10);
		check_entries(i);
		sums.writes += histories[i].writes;
		sums.reads += histories[i].reads;
		sums.entries += histories[i].entries;
		sums.unsure += histories[i].unsure;
	}
	check_audit();
	return sums;
}

static void
kill_in_turn(int n)
{
	kill_one((enum target)(n % TARGETS));
}

static const char *
target_name(int n)
{
	return targets[n % TARGETS];
}

START_TEST(nothing_acknowledged_is_lost)
{
	int kills = getenv("TANDEM_LONG") != NULL ? KILLS_LONG : KILLS;
	struct sums s = under_load(kills * TARGETS, kill_in_turn, target_name);

	printf(
	    "%d kills of each of %d kinds: %ld writes, %ld entries, %ld reads, %ld without an answer\n",
	    kills, TARGETS, s.writes, s.entries, s.reads, s.unsure);
	ck_assert_int_gt(s.writes, kills);
	ck_assert_int_gt(s.entries, kills);
}
END_TEST

/* --- stops -------------------------------------------------------------------------- */

/* Those that a rig has: the gateway and its children, the backend and its. */
static size_t
processes(pid_t ret[64])
{
	size_t n = 0;

	ret[n++] = rig.gateway[0];
	n += children_of(rig.gateway[0], ret + n, 30);
	ret[n++] = rig.backend;
	return n + children_of(rig.backend, ret + n, 30);
}

/* Each process in turn, longer than a request may take; then it goes on where it was. */
static void
stop_in_turn(int n)
{
	pid_t all[64];
	size_t count = processes(all);
	pid_t pid = all[(size_t)n % count];

	freeze(pid);
	usleep((useconds_t)(n % 3) * 2500000 + 300000);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
}

static const char *
stop_name(int n)
{
	(void)n;
	return "stopped";
}

START_TEST(stopped_processes_go_on)
{
	pid_t all[64];
	int count = (int)processes(all);
	pid_t backend = rig.backend, gateway = rig.gateway[0];
	struct sums s = under_load(3 * count, stop_in_turn, stop_name);

	printf("%d stops of %d processes: %ld writes, %ld entries, %ld reads, %ld without an answer\n",
	    3 * count, count, s.writes, s.entries, s.reads, s.unsure);
	ck_assert_int_gt(s.writes, count);
	/* Nobody took the silence of another for the end. */
	ck_assert_int_eq(kill(backend, 0), 0);
	ck_assert_int_eq(kill(gateway, 0), 0);
}
END_TEST

static void
begin_rig(const char *engine)
{
	memset(&rig, 0, sizeof(rig));
	rig.engine = engine;
	histories = mmap(NULL, CLIENTS * sizeof(*histories), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(histories, MAP_FAILED);
	rig_make(&rig);
	start_backend();
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(
		    rig_ctl(&rig, "secret99\n", NULL, 0, "user add 70%d --password-stdin", i), 0);
	start_gateway();
}

static void
setup(void)
{
	begin_rig(NULL);
}

static void
setup_lmdb(void)
{
	begin_rig("lmdb");
}

static void
teardown(void)
{
	rig_stop(&rig);
	munmap(histories, CLIENTS * sizeof(*histories));
}

int
main(void)
{
	Suite *s = suite_create("history");
	TCase *t = tcase_create("history"), *l = tcase_create("lmdb");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 3600);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_acknowledged_is_lost);
	tcase_add_test(t, stopped_processes_go_on);
	tcase_set_timeout(l, 3600);
	tcase_add_checked_fixture(l, setup_lmdb, teardown);
	tcase_add_test(l, nothing_acknowledged_is_lost);
	suite_add_tcase(s, t);
	suite_add_tcase(s, l);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
