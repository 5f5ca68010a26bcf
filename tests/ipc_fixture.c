/* SPDX-License-Identifier: ISC */
#include "common/clock.h"
#include "tests/ipc_fixture.h"

#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ipc/cert.h"

/* Not Check's assertions: the measurements use this file too, outside of any test. */
#define MUST(cond) MUST_SAY(cond, #cond)
#define MUST_SAY(cond, text) ((cond) ? (void)0 : fail(__LINE__, text))

enum { QUEUE = 1000, CHILD_SECONDS = 60, KNOCK_MS = 10000 };

_Noreturn static void
fail(int line, const char *what)
{
	fprintf(stderr, "ipc_fixture.c:%d: %s\n", line, what);
	abort();
}

static void
path_of(char *ret, size_t size, const char *dir, const char *name)
{
	MUST((size_t)snprintf(ret, size, "%s/%s", dir, name) < size);
}

void
file_write(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *out;

	path_of(path, sizeof(path), dir, name);
	out = fopen(path, "w");
	MUST(out != NULL);
	MUST(fputs(text, out) >= 0);
	MUST(fclose(out) == 0);
}

void
allow(const struct fixture *f, const char *from, const char *name)
{
	char text[4096];
	FILE *in = fopen(from, "r");
	size_t n;

	MUST(in != NULL);
	n = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[n] = '\0';
	file_write(f->allow, name, text);
}

static void
make_cert(char *ret, const char *dir, const char *name)
{
	struct err e = {0};

	path_of(ret, FIXTURE_PATH, dir, name);
	MUST_SAY(ipc_cert_make(ret, name, &e) == 0, err_text(&e));
}

void
fixture_setup(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/ipc-XXXXXX");
	MUST(mkdtemp(f->dir) != NULL);
	/* Other users must be able to try the socket. */
	MUST(chmod(f->dir, 0755) == 0);
	make_cert(f->server_cert, f->dir, "server");
	make_cert(f->client_cert, f->dir, "client");
	make_cert(f->other_cert, f->dir, "other");
	path_of(f->allow, sizeof(f->allow), f->dir, "allow");
	MUST(mkdir(f->allow, 0755) == 0);
	allow(f, f->client_cert, "client");
	snprintf(f->endpoint[KIND_IPC], sizeof(f->endpoint[0]), "ipc://%s/s", f->dir);
	snprintf(f->endpoint[KIND_CURVE], sizeof(f->endpoint[0]), "tcp://127.0.0.1:*");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
fixture_teardown(struct fixture *f)
{
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct ipc_server_conf
server_conf(const struct fixture *f, enum kind kind)
{
	return (struct ipc_server_conf){
	    .endpoint = f->endpoint[kind],
	    .mode = 0600,
	    .group = (gid_t)-1,
	    .cert_file = f->server_cert,
	    .allow_dir = f->allow,
	    .queue = QUEUE,
	};
}

struct ipc_client_conf
client_conf(const struct fixture *f, const char *endpoint)
{
	return (struct ipc_client_conf){
	    .endpoint = endpoint,
	    .cert_file = f->client_cert,
	    .server_cert = f->server_cert,
	    .queue = QUEUE,
	    .reconnect_ms = 50,
	};
}

struct ipc_server *
server_open(const struct ipc_server_conf *conf)
{
	struct ipc_server *s = NULL;
	struct err e = {0};

	MUST_SAY(ipc_server_new(&s, conf, &e) == 0, err_text(&e));
	return s;
}

struct ipc_client *
client_open(const struct ipc_client_conf *conf)
{
	struct ipc_client *c = NULL;
	struct err e = {0};

	MUST_SAY(ipc_client_new(&c, conf, &e) == 0, err_text(&e));
	return c;
}

void
echo_once(struct ipc_server *s, int timeout_ms)
{
	struct ipc_peer peer;
	struct err e = {0};
	struct str frame;
	bool ready;

	if (ipc_wait(&s, &ready, 1, NULL, 0, timeout_ms, &e) < 0)
		abort();
	while (ipc_server_recv(s, &peer, &frame) == 1)
		(void)ipc_server_send(s, &peer, frame);
}

static void
pump(struct ipc_client *c, struct ipc_server *s)
{
	if (s != NULL)
		echo_once(s, 1);
	(void)ipc_client_wait(c, s != NULL ? 1 : 20);
}

bool
await_event(struct ipc_client *c, struct ipc_server *s, enum ipc_event want, int timeout_ms)
{
	int64_t end = clock_ms() + timeout_ms;

	do {
		enum ipc_event got;

		while ((got = ipc_client_event(c)) != IPC_NOTHING)
			if (got == want)
				return true;
		pump(c, s);
	} while (clock_ms() < end);
	return false;
}

bool
round_trip(struct ipc_client *c, struct ipc_server *s, struct str frame, int timeout_ms)
{
	int64_t end = clock_ms() + timeout_ms;
	struct str back;

	if (ipc_client_send(c, frame, NULL) != 0)
		return false;
	do {
		if (ipc_client_recv(c, &back) == 1)
			return str_eq(frame, back);
		pump(c, s);
	} while (clock_ms() < end);
	return false;
}

/* Arguments: serve endpoint cert allow. Says its endpoint on stdout, then echoes until killed. */
static void
serve(char **argv)
{
	struct ipc_server_conf conf = {
	    .endpoint = argv[0],
	    .mode = 0600,
	    .group = (gid_t)-1,
	    .cert_file = argv[1],
	    .allow_dir = argv[2],
	    .queue = QUEUE,
	};
	struct ipc_server *s = NULL;
	struct err e = {0};

	if (ipc_server_new(&s, &conf, &e) != 0) {
		fprintf(stderr, "%s\n", err_text(&e));
		_exit(2);
	}
	printf("%s\n", ipc_server_endpoint(s));
	fflush(stdout);
	for (;;)
		echo_once(s, 1000);
}

/* Arguments: knock uid endpoint. Goes on until it is answered or killed. */
static int
knock(char **argv)
{
	struct ipc_client_conf conf = {.endpoint = argv[1], .queue = 10, .reconnect_ms = 50};
	uid_t uid = (uid_t)atoi(argv[0]);
	struct ipc_client *c = NULL;
	struct err e = {0};
	bool answered;

	if (uid != geteuid() && (setgroups(0, NULL) != 0 || setuid(uid) != 0))
		return 2;
	if (ipc_client_new(&c, &conf, &e) != 0)
		return 3;
	answered =
	    await_event(c, NULL, IPC_UP, KNOCK_MS) && round_trip(c, NULL, STR_LIT("hello"), KNOCK_MS);
	ipc_client_free(c);
	return answered ? 0 : 1;
}

void
fixture_child(int argc, char **argv)
{
	if (argc < 2)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(CHILD_SECONDS);
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		serve(argv + 2);
	if (argc == 4 && strcmp(argv[1], "knock") == 0)
		_exit(knock(argv + 2));
}

struct child
ipc_child_start(const struct fixture *f, enum kind kind, const char *endpoint)
{
	struct child c = {0};
	int out[2];
	FILE *in;

	MUST(pipe(out) == 0);
	c.pid = fork();
	MUST(c.pid >= 0);
	if (c.pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execl("/proc/self/exe", "test", "serve", endpoint != NULL ? endpoint : f->endpoint[kind],
		    f->server_cert, f->allow, (char *)NULL);
		_exit(3);
	}
	close(out[1]);
	in = fdopen(out[0], "r");
	MUST(in != NULL);
	MUST(fgets(c.endpoint, sizeof(c.endpoint), in) != NULL);
	c.endpoint[strcspn(c.endpoint, "\n")] = '\0';
	fclose(in);
	return c;
}

void
ipc_child_end(struct child *c, int sig)
{
	kill(c->pid, sig);
	waitpid(c->pid, NULL, 0);
}

/* The server's process has the credentials; so the program itself runs again as the user. */
bool
child_knock(uid_t uid, const char *endpoint, struct ipc_server *s)
{
	char text[16];
	bool refused = false;
	int status;
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid == 0) {
		snprintf(text, sizeof(text), "%u", (unsigned)uid);
		execl("/proc/self/exe", "test", "knock", text, endpoint, (char *)NULL);
		_exit(3);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (!refused && ipc_server_refused(s) > 0) {
			refused = true;
			/* A moment more, for an answer that must not come. */
			nanosleep(&(struct timespec){0, 300 * 1000000}, NULL);
			kill(pid, SIGKILL);
		}
		nanosleep(&(struct timespec){0, 5 * 1000000}, NULL);
	}
	MUST(refused || (WIFEXITED(status) && WEXITSTATUS(status) <= 1));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
