/* SPDX-License-Identifier: ISC */
#include "tests/descriptors.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

rlim_t
descriptors_used(pid_t pid)
{
	bool used[4096] = {false};
	char path[64];
	struct dirent *e;
	rlim_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	ck_assert_ptr_nonnull(d = opendir(path));
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && atoi(e->d_name) < 4096)
			used[atoi(e->d_name)] = true;
	closedir(d);
	while (n < 4095 && used[n])
		n++;
	return n;
}

unsigned
process_number(pid_t pid, const char *name)
{
	char path[64], line[256];
	unsigned id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	ck_assert_ptr_nonnull(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), "%u", &id);
	fclose(f);
	return id;
}

rlim_t
descriptors_limit(pid_t pid, rlim_t soft)
{
	unsigned uid = process_number(pid, "Uid:"), gid = process_number(pid, "Gid:");
	struct rlimit old, new;
	int status, line[2];
	pid_t child;

	ck_assert_int_eq(pipe2(line, O_CLOEXEC), 0);
	ck_assert_int_ge(child = fork(), 0);
	if (child == 0) {
		if ((geteuid() == 0 && (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)) ||
		    prlimit(pid, RLIMIT_NOFILE, NULL, &old) != 0)
			_exit(1);
		new = (struct rlimit){soft, old.rlim_max};
		if (prlimit(pid, RLIMIT_NOFILE, &new, NULL) != 0)
			_exit(2);
		_exit(write(line[1], &old.rlim_cur, sizeof(old.rlim_cur)) == sizeof(old.rlim_cur) ? 0 : 3);
	}
	waitpid(child, &status, 0);
	ck_assert_msg(status == 0, "the limit of %d: %x", (int)pid, (unsigned)status);
	ck_assert_int_eq(read(line[0], &old.rlim_cur, sizeof(old.rlim_cur)), sizeof(old.rlim_cur));
	close(line[0]);
	close(line[1]);
	return old.rlim_cur;
}
