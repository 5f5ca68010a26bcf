/* SPDX-License-Identifier: ISC */
#include "tests/child.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/keeper.h"
#include "tests/rig.h"

enum { PATIENCE_MS = 15000 };

const char *
child_program(const char *name)
{
	static char path[8][512];
	static int next;
	const char *dir = getenv("TANDEM_BUILD");
	char *p = path[next++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", dir != NULL ? dir : "build", name);
	return p;
}

void
child_start(struct child *c, const char *log, char *const argv[])
{
	int in[2], out[2];
	pid_t parent = getpid();

	memset(c, 0, sizeof(*c));
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	c->pid = fork();
	ck_assert_int_ge(c->pid, 0);
	if (c->pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		setpgid(0, 0);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	setpgid(c->pid, c->pid); /* in both, since either may be first */
	keeper_watch(c->pid);
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
}

void
child_fork(struct child *c)
{
	pid_t parent = getpid();

	memset(c, 0, sizeof(*c));
	c->in = c->out = -1;
	c->pid = fork();
	ck_assert_int_ge(c->pid, 0);
	if (c->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		setpgid(0, 0);
		/* Check's handlers would end the test as well. */
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		return;
	}
	setpgid(c->pid, c->pid);
	keeper_watch(c->pid);
}

void
child_say(struct child *c, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	ck_assert(n > 0 && n < (int)sizeof(line) - 1);
	line[n++] = '\n';
	ck_assert_int_eq(write(c->in, line, (size_t)n), n);
}

bool
child_line(struct child *c, char *line, size_t size, int ms)
{
	long long until = ms_now() + ms;
	char *end;

	while ((end = memchr(c->text, '\n', c->n)) == NULL) {
		struct pollfd p = {.fd = c->out, .events = POLLIN};
		long long left = until - ms_now();
		ssize_t n;

		if (left < 0 || c->n == sizeof(c->text) || poll(&p, 1, (int)left) <= 0)
			return false;
		if ((n = read(c->out, c->text + c->n, sizeof(c->text) - c->n)) <= 0)
			return false;
		c->n += (size_t)n;
	}
	snprintf(line, size, "%.*s", (int)(end - c->text), c->text);
	c->n -= (size_t)(end + 1 - c->text);
	memmove(c->text, end + 1, c->n);
	return true;
}

const char *
child_expect(struct child *c, const char *begin)
{
	static char line[4096];
	long long until = ms_now() + PATIENCE_MS;

	do
		ck_assert_msg(child_line(c, line, sizeof(line), (int)(until - ms_now())),
		    "no line \"%s\" comes", begin);
	while (strncmp(line, begin, strlen(begin)) != 0);
	return line;
}

static void
forget(struct child *c)
{
	keeper_forget(c->pid);
	close(c->in);
	close(c->out);
	c->pid = 0;
}

void
child_kill(struct child *c)
{
	if (c->pid <= 0)
		return;
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	forget(c);
}

int
child_end(struct child *c, int signal, int ms)
{
	long long until = ms_now() + ms;
	int status = 0;

	if (c->pid <= 0)
		return 0;
	if (signal != 0)
		kill(c->pid, signal);
	while (waitpid(c->pid, &status, WNOHANG) == 0) {
		if (ms_now() > until) {
			child_kill(c);
			return -1;
		}
		nanosleep(&(struct timespec){0, 5 * 1000000}, NULL);
	}
	forget(c);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
