/* SPDX-License-Identifier: ISC */
/*
 * Two lives: the image process, which forks, waits and kills, and never looks
 * at a picture; and the child for one picture, which does nothing else and may
 * be taken over by it. The child's filter leaves it memory and its own end.
 */
#include "backend/image_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/image_decode.h"
#include "common/clock.h"
#include "common/sandbox.h"

enum {
	SOCKET = 3,       /* where the socket is put, behind stdin, stdout and stderr */
	NICENESS = 10,    /* pictures can wait for calls */
	EXIT_BAD = 1,     /* of a child: the picture cannot be decoded */
	EXIT_TOO_BIG = 2, /* it has too many pixels */
	LATE_MS = 50      /* longest wait for a child that has been killed to be gone */
};

/* What is under way in each slot. */
static struct {
	pid_t pid; /* 0 = free */
	int64_t until_ms;
	bool late;
} work[IMAGE_AT_ONCE];

static struct image_slot *const *slots;

/* Nothing is flushed or run at exit: there is nothing of the parent's to be done twice. */
static _Noreturn void
quit(int status)
{
	_exit(status);
}

static void
reply(size_t slot, enum image_result result)
{
	const struct image_reply r = {.slot = (uint32_t)slot, .result = result};

	if (send(SOCKET, &r, sizeof(r), MSG_NOSIGNAL) != (ssize_t)sizeof(r))
		quit(EXIT_FAILURE);
}

/* A sanitizer keeps its place to complain. */
static void
close_all(void)
{
	close(SOCKET);
	close(0);
	close(1);
	if (!SANDBOX_SANITIZED)
		close(2);
}

/* The life of a child. Its descriptors go first: what it inherits besides is the code, empty heap
 * and one slot. */
static _Noreturn void
decode(size_t slot, size_t n)
{
	const struct rlimit cpu = {IMAGE_CPU_SECONDS, IMAGE_CPU_SECONDS};
	struct image_slot *s = slots[slot];
	enum image_result result;
	size_t out = 0;
	struct err e = {0};

	for (size_t i = 0; i < IMAGE_AT_ONCE; i++)
		if (i != slot && munmap(slots[i], sizeof(struct image_slot)) != 0)
			quit(EXIT_BAD);
	close_all();
	if (setrlimit(RLIMIT_CPU, &cpu) != 0 || sandbox_syscalls(SANDBOX_DECODER, false, &e) != 0)
		quit(EXIT_BAD);
	result = image_decode(s->in, n, s->out, &out);
	s->out_n = (uint32_t)out;
	quit(result == IMAGE_DONE ? EXIT_SUCCESS : result == IMAGE_TOO_BIG ? EXIT_TOO_BIG : EXIT_BAD);
}

static void
begin(const struct image_request *r)
{
	pid_t pid;

	if (r->slot >= IMAGE_AT_ONCE || r->n > IMAGE_IN_MAX || work[r->slot].pid != 0)
		quit(EXIT_FAILURE);
	pid = fork();
	if (pid == 0)
		decode(r->slot, r->n);
	if (pid < 0) {
		reply(r->slot, IMAGE_NOT_NOW);
		return;
	}
	work[r->slot].pid = pid;
	work[r->slot].until_ms = clock_ms() + IMAGE_WALL_MS;
	work[r->slot].late = false;
}

/* However a child ends, it is about the picture, but for one that has not had its time. */
static enum image_result
result_of(int status, bool late)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
		return IMAGE_DONE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_TOO_BIG)
		return IMAGE_TOO_BIG;
	return late ? IMAGE_NOT_NOW : IMAGE_BAD;
}

static void
reap(void)
{
	for (size_t i = 0; i < IMAGE_AT_ONCE; i++) {
		int status = 0;

		if (work[i].pid == 0 || waitpid(work[i].pid, &status, WNOHANG) != work[i].pid)
			continue;
		work[i].pid = 0;
		reply(i, result_of(status, work[i].late));
	}
}

/* How long may be waited for the next child whose time is up; -1 = there is none. */
static int
kill_late(void)
{
	int64_t now = clock_ms(), wait = -1;

	for (size_t i = 0; i < IMAGE_AT_ONCE; i++) {
		int64_t left = work[i].until_ms - now;

		if (work[i].pid == 0)
			continue;
		if (left <= 0) {
			kill(work[i].pid, SIGKILL);
			work[i].late = true;
			left = LATE_MS;
		}
		if (wait < 0 || left < wait)
			wait = left;
	}
	return (int)wait;
}

static _Noreturn void
serve(void)
{
	sigset_t none;

	sigemptyset(&none);
	for (;;) {
		int ms = kill_late();
		struct timespec t = {ms / 1000, ms % 1000 * 1000000};
		struct pollfd p = {.fd = SOCKET, .events = POLLIN};
		struct image_request r;
		ssize_t n;

		/* The end of a child interrupts it; at any other time that signal is blocked. */
		if (ppoll(&p, 1, ms < 0 ? NULL : &t, &none) < 0 && errno != EINTR)
			quit(EXIT_FAILURE);
		reap();
		n = recv(SOCKET, &r, sizeof(r), MSG_TRUNC | MSG_DONTWAIT);
		if (n == 0)
			quit(EXIT_SUCCESS);
		if (n == (ssize_t)sizeof(r))
			begin(&r);
		else if (n > 0 || (errno != EAGAIN && errno != EINTR))
			quit(EXIT_FAILURE);
	}
}

static void
child_has_ended(int sig)
{
	(void)sig;
}

/* The backend ends this process by closing the socket, so what a terminal or a service manager
 * sends to the whole group must not end it earlier. */
static void
set_signals(void)
{
	const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	const struct sigaction ended = {.sa_handler = child_has_ended, .sa_flags = SA_NOCLDSTOP};
	sigset_t child;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigaction(SIGCHLD, &ended, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &child, NULL);
}

static int
keep_only(int fd, struct err *e)
{
	int null;

	/* First out of the way of 0 to 3, in case the backend runs without stdin. */
	if (fd <= SOCKET && (fd = fcntl(fd, F_DUPFD_CLOEXEC, SOCKET + 1)) < 0)
		return err_set(e, ERR_INTERNAL, "image process: socket: %s", strerror(errno));
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		return err_set(e, ERR_INTERNAL, "/dev/null: %s", strerror(errno));
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || (fcntl(2, F_GETFD) < 0 && dup2(null, 2) < 0))
		return err_set(e, ERR_INTERNAL, "image process: stdio: %s", strerror(errno));
	if (dup3(fd, SOCKET, O_CLOEXEC) < 0 || close_range(SOCKET + 1, ~0U, 0) != 0)
		return err_set(e, ERR_INTERNAL, "image process: descriptors: %s", strerror(errno));
	return 0;
}

/* Where memory runs short, a picture is to go and not the store. Tried, not demanded. */
static void
go_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = write(fd, "1000", 4);
	(void)n;
	close(fd);
}

static int
set_limits(struct err *e)
{
	const struct rlimit none = {0, 0};
	const struct rlimit memory = {IMAGE_MEMORY_MAX, IMAGE_MEMORY_MAX};

	if (setrlimit(RLIMIT_FSIZE, &none) != 0)
		return err_set(e, ERR_INTERNAL, "image process: limits: %s", strerror(errno));
	/* The shadow of a sanitizer is terabytes of address space. */
	if (!SANDBOX_SANITIZED && setrlimit(RLIMIT_AS, &memory) != 0)
		return err_set(e, ERR_INTERNAL, "image process: limits: %s", strerror(errno));
	errno = 0;
	if (nice(NICENESS) == -1 && errno != 0)
		return err_set(e, ERR_INTERNAL, "image process: priority: %s", strerror(errno));
	return 0;
}

/* Only after the user has changed: the kernel forgets the death signal when it does. */
static int
die_with(pid_t parent, struct err *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		return err_set(e, ERR_INTERNAL, "image process: the parent has gone");
	return 0;
}

static int
prepare(pid_t parent, const char *user, struct err *e)
{
	go_first();
	if (sandbox_basics(e) != 0 || image_decode_load(e) != 0)
		return -1;
	if (sandbox_become(user, e) != 0 || die_with(parent, e) != 0 || set_limits(e) != 0)
		return -1;
	return sandbox_paths(NULL, NULL, true, e) != 0 || sandbox_syscalls(SANDBOX_IMAGE, false, e) != 0
	    ? -1
	    : 0;
}

_Noreturn void
image_child_run(
    int fd, pid_t parent, struct image_slot *const shared[IMAGE_AT_ONCE], const char *user)
{
	struct image_reply hello = {.result = IMAGE_DONE};
	struct err e = {0};

	set_signals();
	prctl(PR_SET_NAME, "tandem-image");
	slots = shared;
	/* Where descriptors cannot be sorted out there is no socket to complain on. */
	if (keep_only(fd, &e) != 0)
		quit(EXIT_FAILURE);
	if (prepare(parent, user, &e) != 0) {
		hello.result = IMAGE_BAD;
		memcpy(hello.text, err_text(&e), strlen(err_text(&e)));
	}
	if (send(SOCKET, &hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello) ||
	    hello.result != IMAGE_DONE)
		quit(EXIT_FAILURE);
	serve();
}
