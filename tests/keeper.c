/* SPDX-License-Identifier: ISC */
#include "tests/keeper.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT_MAX = 32 };

static struct {
	pid_t pid, keeper;
	int fd; /* its end is the caller's end */
} kept[KEPT_MAX];

static _Noreturn void
keep(int fd, pid_t pid)
{
	char c;

	/* Away from the test's group, which is killed as a whole, and from all its descriptors. */
	setsid();
	dup2(fd, 3);
	close_range(4, ~0U, 0);
	if (read(3, &c, 1) == 0)
		kill(-pid, SIGKILL);
	_exit(0);
}

void
keeper_watch(pid_t pid)
{
	int line[2];
	size_t i = 0;

	while (i < KEPT_MAX && kept[i].pid != 0)
		i++;
	ck_assert_uint_lt(i, KEPT_MAX);
	ck_assert_int_eq(pipe2(line, O_CLOEXEC), 0);
	kept[i].keeper = fork();
	ck_assert_int_ge(kept[i].keeper, 0);
	if (kept[i].keeper == 0)
		keep(line[0], pid);
	close(line[0]);
	kept[i].pid = pid;
	kept[i].fd = line[1];
}

void
keeper_forget(pid_t pid)
{
	for (size_t i = 0; i < KEPT_MAX; i++) {
		ssize_t n;

		if (kept[i].pid != pid)
			continue;
		/* A byte says that all is well; the number may be another process's by now. */
		n = write(kept[i].fd, "", 1);
		(void)n;
		close(kept[i].fd);
		waitpid(kept[i].keeper, NULL, 0);
		kept[i].pid = 0;
	}
}
