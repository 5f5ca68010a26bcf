/* SPDX-License-Identifier: ISC */
#include "tests/load.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void
enter_netns(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		_exit(2);
	close(fd);
}

static void
ask_on(struct load_seen *seen, struct rig *r, int i, const char *user, const char *path)
{
	while (!seen->stop) {
		struct answer a = rig_ask(r,
		    &(struct ask){.path = path, .user = user, .gateway = i, .accept = "application/json"});

		if (a.status == 200) {
			seen->last_ok_ms = ms_now();
			seen->answered++;
		} else {
			seen->last_failure = a.status;
			seen->failed++;
		}
		answer_free(&a);
	}
}

void
load_begin(struct load_client *l, struct rig *r, int i, const char *user, const char *path,
    const char *netns)
{
	l->seen =
	    mmap(NULL, sizeof(*l->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(l->seen, MAP_FAILED);
	l->pid = fork();
	ck_assert_int_ge(l->pid, 0);
	if (l->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (netns != NULL)
			enter_netns(netns);
		ask_on(l->seen, r, i, user, path);
		_exit(0);
	}
}

void
load_end_client(struct load_client *l)
{
	l->seen->stop = true;
	waitpid(l->pid, NULL, 0);
}

void
load_free(struct load_client *l)
{
	munmap(l->seen, sizeof(*l->seen));
}
