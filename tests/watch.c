/* SPDX-License-Identifier: ISC */
#include "tests/watch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const paths[WATCH_PATHS] = {
    "/my/forward",
    "/my/callfwd",
    "/my/callfwdsched",
    "/my/contact-information",
};

static char *
read_data(struct rig *r, const char *path)
{
	struct answer a = rig_get(r, "4410:secret99", path);
	char *body;

	/* Some tests give the backend less than a second, which a busy machine may need. */
	for (int late = 0; a.status == 504 && late < 10; late++) {
		answer_free(&a);
		a = rig_get(r, "4410:secret99", path);
	}
	body = a.body;
	ck_assert_msg(a.status == 200, "GET %s: %d", path, a.status);
	a.body = NULL;
	answer_free(&a);
	return body;
}

static size_t
processes(struct rig *r, pid_t *pid)
{
	size_t n = children_of(r->gateway[0], pid, WATCH_PIDS);

	return n + children_of(r->backend, pid + n, WATCH_PIDS - n);
}

void
watch_begin(struct watch *w, struct rig *r)
{
	*w = (struct watch){.rig = r};
	for (size_t i = 0; i < WATCH_PATHS; i++)
		w->data[i] = read_data(r, paths[i]);
	w->npids = processes(r, w->pid);
	/* Key manager and workers, the auth child. */
	ck_assert_uint_ge(w->npids, 3);
}

void
watch_end(struct watch *w)
{
	pid_t pid[WATCH_PIDS];
	size_t n = processes(w->rig, pid);

	ck_assert_uint_eq(n, w->npids);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(pid[i] == w->pid[i], "process %d is gone", (int)w->pid[i]);
	for (size_t i = 0; i < WATCH_PATHS; i++) {
		char *now = read_data(w->rig, paths[i]);

		ck_assert_str_eq(now, w->data[i]);
		free(now);
		free(w->data[i]);
	}
	watch_log(w->rig);
}

void
watch_log(struct rig *r)
{
	static const char *const canaries[] = {CANARY_PASSWORD, CANARY_TOKEN, CANARY_TEXT};
	char line[8192];
	size_t lines = 0;
	FILE *f = fopen(r->log, "r");

	ck_assert_ptr_nonnull(f);
	for (; fgets(line, sizeof(line), f) != NULL; lines++)
		for (size_t i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++)
			ck_assert_msg(strstr(line, canaries[i]) == NULL, "a secret is in the log: %s", line);
	fclose(f);
	ck_assert_uint_gt(lines, 0);
}
