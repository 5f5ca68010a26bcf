/* SPDX-License-Identifier: ISC */
#include "tests/histories.h"

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

enum { OPEN_MAX = 32768, ENTRIES_MAX = 4000, TRY_MS = 4000, RETRY_US = 20000 };

/* One client's, in memory of all processes. */
struct history {
	volatile bool stop, broken;
	char why[256];
	long writes, reads, unsure, refused, entries;
	unsigned next, acked;
	/* Writes without an answer: each may still come, once. */
	unsigned open[OPEN_MAX];
	bool seen[OPEN_MAX];
	size_t nopen;
};

static struct rig *rig;
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

const char *
history_user(int client)
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
	a = rig_ask(rig,
	    &(struct ask){.method = "PUT",
	        .path = "/my/callfwd",
	        .user = history_user(client),
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
		usleep(RETRY_US);
	} else {
		broken(h, "%d writes without an answer, the last was %u", OPEN_MAX, seq);
	}
	h->refused += a.status != 200 && a.status != 0;
	answer_free(&a);
}

/* False when there was no answer. */
static bool
read_once(struct history *h, int client)
{
	struct answer a = rig_ask(rig,
	    &(struct ask){.path = "/my/callfwd",
	        .user = history_user(client),
	        .accept = "application/json",
	        .timeout_ms = TRY_MS});
	const char *at = a.status == 200 ? strstr(a.body, "\"555") : NULL;
	unsigned value = at != NULL ? (unsigned)strtoul(at + 4, NULL, 10) : 0;
	bool answered = a.status == 200;

	h->refused += a.status != 200 && a.status != 0;
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
		struct answer a = rig_ask(rig,
		    &(struct ask){.method = "POST",
		        .path = "/my/phonebook/entry/0",
		        .user = history_user(client),
		        .type = "application/json",
		        .header = key,
		        .body = json,
		        .timeout_ms = TRY_MS});
		int status = a.status;

		answer_free(&a);
		h->refused += status != 200 && status != 0;
		if (status == 200) {
			h->entries++;
			return;
		}
		if (status >= 400 && status < 500 && status != 429)
			broken(h, "entry %ld was refused with %d", h->entries, status);
		usleep(RETRY_US);
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

static void
check_entries(int client)
{
	struct history *h = &histories[client];
	struct answer a = rig_get(rig, history_user(client), "/my/phonebook/entry");
	long more;

	ck_assert_int_eq(a.status, 200);
	for (long i = 0; i < h->entries; i++) {
		char name[32];

		snprintf(name, sizeof(name), "\"E%05ldx\"", i);
		ck_assert_msg(occurrences_of(name, a.body) == 1, "client %d: entry %ld is there %zu times",
		    client, i, occurrences_of(name, a.body));
	}
	/* One may have been on its way in the end. */
	more = (long)occurrences_of("x\"", a.body) - h->entries;
	ck_assert_msg(more == 0 || more == 1, "client %d: %ld entries too many", client, more);
	answer_free(&a);
}

void
histories_audit(void)
{
	char out[4096];

	ck_assert_msg(rig_ctl(rig, NULL, out, sizeof(out), "audit verify") == 0, "%s", out);
}

struct sums
histories_under(int times, void (*harm)(int n), const char *(*name)(int n))
{
	struct sums sums = {0};
	pid_t pids[HISTORIES];
	unsigned seed = 4711;

	for (int i = 0; i < HISTORIES; i++)
		pids[i] = begin(i);
	for (int n = 0; n < times; n++) {
		usleep(50000 + (useconds_t)(rand_r(&seed) % 250000));
		harm(n);
		for (int i = 0; i < HISTORIES; i++)
			ck_assert_msg(!histories[i].broken, "client %d after %d times (%s): %s", i, n + 1,
			    name(n), histories[i].why);
	}
	rig_await_ready(rig, 0);
	usleep(500000);
	for (int i = 0; i < HISTORIES; i++)
		histories[i].stop = true;
	for (int i = 0; i < HISTORIES; i++) {
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
		sums.refused += histories[i].refused;
	}
	histories_audit();
	return sums;
}

void
histories_begin(struct rig *r)
{
	rig = r;
	histories = mmap(NULL, HISTORIES * sizeof(*histories), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(histories, MAP_FAILED);
	for (int i = 0; i < HISTORIES; i++)
		ck_assert_int_eq(
		    rig_ctl(rig, "secret99\n", NULL, 0, "user add 70%d --password-stdin", i), 0);
}

void
histories_end(void)
{
	munmap(histories, HISTORIES * sizeof(*histories));
}
