/* SPDX-License-Identifier: ISC */
#include "tests/freeze.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Whether the state in /proc/PID/task/TID/stat is T; one that has ended meanwhile stands as well.
 */
static bool
stands(pid_t pid, const char *tid)
{
	char path[320], text[512] = "";
	const char *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, tid);
	if ((f = fopen(path, "re")) == NULL)
		return true;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	fclose(f);
	/* Behind the name, which may have a bracket itself. */
	state = strrchr(text, ')');
	return state == NULL || strncmp(state, ") T", 3) == 0;
}

static bool
all_stand(pid_t pid)
{
	char path[64];
	const struct dirent *entry;
	bool all = true;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	ck_assert_ptr_nonnull(d = opendir(path));
	while ((entry = readdir(d)) != NULL)
		all = all && (entry->d_name[0] == '.' || stands(pid, entry->d_name));
	closedir(d);
	return all;
}

void
freeze(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	for (int i = 0; !all_stand(pid); i++) {
		ck_assert_msg(i < 5000, "process %d does not stop", (int)pid);
		nanosleep(&(struct timespec){0, 2000000}, NULL);
	}
}
