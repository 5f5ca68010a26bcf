/* SPDX-License-Identifier: ISC */
#include "tests/rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/descriptors.h"
#include "tests/keeper.h"

long long
ms_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* A socket that has the port, or -1. */
static int
bound(int port, int type)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
is_free(int port, int type)
{
	int fd = bound(port, type);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A port that no other test is given before rig_stop(), also while the server it is for is away. A
 * server that asks for SO_REUSEADDR, as the gateway does, gets it beside this socket, which does
 * not listen. */
static int
hold_port(int *held)
{
	int port, on = 1;

	do {
		port = free_port();
		*held = bound(port, SOCK_STREAM);
	} while (*held < 0);
	ck_assert_int_eq(setsockopt(*held, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	return port;
}

int
free_port(void)
{
	/* Below those that the kernel gives to whoever connects, which could take one while the server
	 * it was found for is away. Other programs look from elsewhere on. */
	enum { LOW = 10240, HIGH = 32000 };
	static unsigned next;
	static pid_t of;
	int port;

	if (of != getpid()) {
		of = getpid();
		next = (unsigned)of * 2654435761U ^ (unsigned)ms_now();
	}
	for (int i = 0; i < HIGH - LOW; i++) {
		port = LOW + (int)(next++ % (HIGH - LOW));
		if (is_free(port, SOCK_STREAM) && is_free(port, SOCK_DGRAM))
			return port;
	}
	ck_abort_msg("no port is free");
}

static const char *
program(const char *name)
{
	static char path[4][512];
	static int next;
	const char *dir = getenv("TANDEM_BUILD");
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir != NULL ? dir : "build", name);
	return p;
}

/* For a sanitizer; the last one of two equal options counts. */
static const char *
without_leaks(void)
{
	static char options[512];
	const char *had = getenv("ASAN_OPTIONS");

	snprintf(options, sizeof(options), "%s:detect_leaks=0", had != NULL ? had : "");
	return options;
}

/* As a login or a service manager would start it, whatever the test program runs with. */
static void
usual_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		_exit(1);
	if (limit.rlim_cur > 1024)
		limit.rlim_cur = 1024;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		_exit(1);
}

/* With clocks and a disk that a test changes. A sanitizer wants to be preloaded first itself, which
 * it only needs for functions that meddle.so has not. */
static void
meddle(const char *file)
{
	const char *had = getenv("ASAN_OPTIONS");
	char options[512];

	snprintf(options, sizeof(options), "%s:verify_asan_link_order=0", had != NULL ? had : "");
	setenv("ASAN_OPTIONS", options, 1);
	setenv("LD_PRELOAD", program("tests/meddle.so"), 1);
	setenv("MEDDLE", file, 1);
}

/* Dies with the test program; both streams go to `out`. Without `leaks` a sanitizer build does not
 * look for them at its end. */
static pid_t
start(const char *out, char *const argv[], bool leaks, const char *meddled)
{
	pid_t parent = getpid(), pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_APPEND, 0666), null = open("/dev/null", O_RDONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		setpgid(0, 0);
		usual_limits();
		if (!leaks)
			setenv("ASAN_OPTIONS", without_leaks(), 1);
		if (meddled != NULL)
			meddle(meddled);
		dup2(null, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	setpgid(pid, pid); /* in both, since either may be first */
	keeper_watch(pid);
	return pid;
}

static void __attribute__((format(printf, 1, 2))) run_quietly(const char *fmt, ...)
{
	char cmd[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_msg(system(cmd) == 0, "failed: %s", cmd);
}

static void
make_certificate(struct rig *r)
{
	run_quietly(
	    "mkdir -p %s/tls && openssl req -x509 -newkey %s -nodes -days 2 -subj /CN=localhost "
	    "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s/tls/server.key "
	    "-out %s/tls/server.crt 2>/dev/null && chmod 600 %s/tls/server.key",
	    r->dir, r->rsa ? "rsa:2048" : "ec -pkeyopt ec_paramgen_curve:prime256v1", r->dir, r->dir,
	    r->dir);
	if (geteuid() == 0)
		run_quietly("chmod 711 %s/tls && chmod 644 %s/tls/server.crt && "
		            "chown tandem-keymgr %s/tls/server.key",
		    r->dir, r->dir, r->dir);
}

const char *
rig_engine(const struct rig *r)
{
	const char *engine = getenv("TANDEM_ENGINE");

	if (r->engine != NULL)
		return r->engine;
	return engine != NULL && engine[0] != '\0' ? engine : "bdb";
}

static void
write_conf(struct rig *r, int i)
{
	char name[128];
	FILE *f;

	snprintf(name, sizeof(name), "%s/gateway%d.conf", r->dir, i);
	f = fopen(i < 0 ? r->conf : name, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f,
	    "[gateway]\nlisten = 127.0.0.1\nport = %d\ncertificate = %s/tls/server.crt\n"
	    "key = %s/tls/server.key\nroot = %s/gateway\nbackend = ipc://%s/gateway/backend.sock\n"
	    "[backend]\nstate = %s/state\nlisten = ipc://%s/gateway/backend.sock\n"
	    "control = ipc://%s/control/control.sock\nauth_keys = %s/auth/keys\n"
	    "feed_listen = ipc://%s/feeds/feeds.sock\nengine = %s\n%s%s",
	    r->port[i < 0 ? 0 : i], r->dir, r->dir, r->dir, r->dir, r->dir, r->dir, r->dir, r->dir,
	    r->dir, rig_engine(r),
	    r->extra != NULL && strstr(r->extra, "ballast_mb") != NULL ? "" : "ballast_mb = 0\n",
	    r->extra != NULL ? r->extra : "");
	fclose(f);
}

void
rig_make(struct rig *r)
{
	if (geteuid() == 0)
		run_quietly("packaging/users.sh");
	snprintf(r->dir, sizeof(r->dir), "/tmp/tandem-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	ck_assert_int_eq(chmod(r->dir, geteuid() == 0 ? 0711 : 0700), 0);
	snprintf(r->conf, sizeof(r->conf), "%s/tandem.conf", r->dir);
	snprintf(r->log, sizeof(r->log), "%s/log", r->dir);
	for (int i = 0; i < RIG_GATEWAYS; i++)
		r->port[i] = hold_port(&r->held[i]);
	write_conf(r, -1);
	for (int i = 0; i < RIG_GATEWAYS; i++)
		write_conf(r, i);
	make_certificate(r);
}

static void
start_backend(struct rig *r)
{
	char *argv[] = {
	    (char *)(uintptr_t)program("tandem-backend"), (char *)(uintptr_t) "-c", r->conf, NULL};

	r->backend = start(r->log, argv, true, r->meddle_backend);
}

int
rig_backend_refuses(struct rig *r)
{
	start_backend(r);
	return rig_await_end(&r->backend, 15000);
}

void
rig_backend(struct rig *r)
{
	start_backend(r);
	for (long long until = ms_now() + 15000;;) {
		if (rig_ctl(r, NULL, NULL, 0, "status") == 0)
			return;
		ck_assert_msg(waitpid(r->backend, NULL, WNOHANG) == 0, "the backend has ended");
		ck_assert_msg(ms_now() < until, "the backend does not answer");
		pause_ms(20);
	}
}

void
rig_gateway(struct rig *r, int i)
{
	char conf[128];
	char *argv[] = {
	    (char *)(uintptr_t)program("tandem-gateway"), (char *)(uintptr_t) "-c", conf, NULL};

	snprintf(conf, sizeof(conf), "%s/gateway%d.conf", r->dir, i);
	r->gateway[i] = start(r->log, argv, r->leaks, r->meddle_gateway);
}

void
rig_await_ready(struct rig *r, int i)
{
	for (long long until = ms_now() + 15000;;) {
		struct answer a =
		    rig_ask(r, &(struct ask){.path = "//readyz", .gateway = i, .fresh = true});
		int status = a.status;

		answer_free(&a);
		if (status == 200)
			return;
		ck_assert_msg(ms_now() < until, "gateway %d is not ready: %d", i, status);
		pause_ms(20);
	}
}

static void
show_log(struct rig *r)
{
	fprintf(stderr, "--- log of %s, its end\n", r->dir);
	run_quietly("tail -n 40 %s >&2", r->log);
}

void
rig_start(struct rig *r)
{
	rig_make(r);
	rig_backend(r);
	rig_gateway(r, 0);
	rig_await_ready(r, 0);
}

void
rig_kill(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	keeper_forget(*pid);
	*pid = 0;
}

int
rig_await_end(pid_t *pid, int timeout_ms)
{
	long long until = ms_now() + timeout_ms;
	int status;

	while (waitpid(*pid, &status, WNOHANG) == 0) {
		ck_assert_msg(ms_now() < until, "a process that should end does not");
		pause_ms(5);
	}
	keeper_forget(*pid);
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
rig_end(pid_t *pid)
{
	int status = 0;

	if (*pid <= 0)
		return 0;
	kill(*pid, SIGTERM);
	for (long long until = ms_now() + 10000; waitpid(*pid, &status, WNOHANG) == 0;) {
		if (ms_now() > until) {
			rig_kill(pid);
			return -1;
		}
		pause_ms(10);
	}
	keeper_forget(*pid);
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What sanitizers and assertions of a program that still answers leave behind. */
static bool
log_is_clean(const struct rig *r)
{
	static const char *const signs[] = {
	    "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "Assertion"};
	char line[4096];
	bool clean = true;
	FILE *f = fopen(r->log, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
			clean = clean && strstr(line, signs[i]) == NULL;
	if (f != NULL)
		fclose(f);
	return clean;
}

void
rig_stop(struct rig *r)
{
	bool clean;

	if (r->dir[0] == '\0')
		return;
	for (int i = 0; i < RIG_GATEWAYS; i++)
		rig_end(&r->gateway[i]);
	rig_end(&r->backend);
	for (int i = 0; i < RIG_GATEWAYS; i++) {
		if (r->held[i] > 0)
			close(r->held[i]);
		r->held[i] = 0;
	}
	clean = log_is_clean(r);
	if (!clean || getenv("TANDEM_SHOW_LOG") != NULL)
		show_log(r);
	run_quietly("rm -rf %s", r->dir);
	r->dir[0] = '\0';
	ck_assert_msg(clean, "a program has found a fault in itself, see its log above");
}

int
rig_ctl(struct rig *r, const char *input, char *out, size_t outlen, const char *args, ...)
{
	char cmd[4096], rest[2048], in[128];
	const char *options;
	va_list ap;
	size_t n = 0;
	FILE *f;
	int status;

	va_start(ap, args);
	vsnprintf(rest, sizeof(rest), args, ap);
	va_end(ap);
	snprintf(in, sizeof(in), "%s/stdin.%d", r->dir, (int)getpid());
	f = fopen(in, "w");
	ck_assert_ptr_nonnull(f);
	fputs(input != NULL ? input : "", f);
	fclose(f);
	options = r->leaks ? getenv("ASAN_OPTIONS") : without_leaks();
	snprintf(cmd, sizeof(cmd), "ASAN_OPTIONS='%s' %s -c %s %s <%s 2>&1",
	    options != NULL ? options : "", program("tandemctl"), r->conf, rest, in);
	f = popen(cmd, "r");
	ck_assert_ptr_nonnull(f);
	if (out != NULL)
		out[0] = '\0';
	for (int c; (c = getc(f)) != EOF;)
		if (out != NULL && n + 1 < outlen)
			out[n++] = (char)c;
	if (out != NULL)
		out[n] = '\0';
	status = pclose(f);
	unlink(in);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
rig_load(struct rig *r, const char *lines)
{
	char out[1024];

	ck_assert_msg(rig_ctl(r, lines, out, sizeof(out), "load -") == 0, "load: %s", out);
}

struct answer
rig_ask(struct rig *r, const struct ask *q)
{
	char origin[64];

	snprintf(origin, sizeof(origin), "https://127.0.0.1:%d", r->port[q->gateway]);
	return ask(origin, "/sipxconfig/rest", q);
}

struct answer
rig_get(struct rig *r, const char *user, const char *path)
{
	return rig_ask(r, &(struct ask){.path = path, .user = user, .accept = "application/json"});
}

struct answer
rig_put(struct rig *r, const char *user, const char *path, const char *json)
{
	return rig_ask(r,
	    &(struct ask){
	        .method = "PUT", .path = path, .user = user, .type = "application/json", .body = json});
}

size_t
children_of(pid_t pid, pid_t *ret, size_t max)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[300], line[512], *p;
		FILE *f;
		int ppid = 0;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL && (p = strrchr(line, ')')) != NULL)
			sscanf(p + 1, " %*c %d", &ppid);
		fclose(f);
		if (ppid == pid && n < max)
			ret[n++] = (pid_t)atoi(e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

bool
process_title(pid_t pid, char *ret, size_t len)
{
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	n = fread(ret, 1, len - 1, f);
	fclose(f);
	ret[n] = '\0';
	return n > 0;
}

size_t
rig_processes(const struct rig *r, const char *title, pid_t *ret, size_t max)
{
	pid_t all[32];
	size_t n = children_of(r->gateway[0], all, 32), found = 0;

	for (size_t i = 0; i < n && found < max; i++) {
		char text[512];

		if (process_title(all[i], text, sizeof(text)) && strstr(text, title) != NULL)
			ret[found++] = all[i];
	}
	return found;
}

static bool
is_confined(pid_t pid)
{
#if !defined(__SANITIZE_ADDRESS__)
	if (process_number(pid, "Seccomp:") != 2)
		return false;
#endif
	return process_number(pid, "NoNewPrivs:") == 1;
}

void
rig_await_workers(const struct rig *r, pid_t *ret, size_t n)
{
	for (long long until = ms_now() + 20000;; pause_ms(10)) {
		bool all = rig_processes(r, "[wrk", ret, n) == n;

		for (size_t i = 0; all && i < n; i++)
			all = is_confined(ret[i]);
		if (all)
			return;
		ck_assert_msg(ms_now() < until, "%zu workers do not start", n);
	}
}

pid_t
child_named(pid_t pid, const char *name)
{
	pid_t all[16], found = 0;
	size_t n = children_of(pid, all, 16);

	for (size_t i = 0; i < n; i++) {
		char path[64], text[64] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)all[i]);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fscanf(f, "%63s", text) == 1 && strcmp(text, name) == 0)
			found = all[i];
		fclose(f);
	}
	ck_assert_msg(found > 0, "no process %s", name);
	return found;
}

size_t
occurrences_of(const char *what, const char *text)
{
	size_t n = 0, len = strlen(what);

	/* Not by strstr(3): of AddressSanitizer's each call looks for the end of the text, which takes
	 * half a minute for a list of forty thousand users. */
	for (; *text != '\0'; text++)
		n += *text == *what && strncmp(text, what, len) == 0;
	return n;
}
