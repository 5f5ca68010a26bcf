/* SPDX-License-Identifier: ISC */

#include "kore_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
kore_skip(const char *what, const char *why)
{
	printf("SKIP %s: %s\n", what, why);
	(void)fflush(stdout);
}

static void
nap(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
}

static void
extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(ext);
	ck_assert_int_eq(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* Self-signed, for localhost and 127.0.0.1. */
static void
certificate(struct kore_server *s, enum kore_key kind)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	FILE *out;
	int fd;

	s->pkey = kind == KORE_KEY_RSA ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	ck_assert_ptr_nonnull(s->pkey);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, s->pkey);
	extension(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
	ck_assert_int_gt(X509_sign(cert, s->pkey, EVP_sha256()), 0);

	out = fopen(s->cert, "w");
	ck_assert(out != NULL && PEM_write_X509(out, cert) == 1 && fclose(out) == 0);
	fd = open(s->key, O_WRONLY | O_CREAT | O_EXCL, 0600);
	out = fd == -1 ? NULL : fdopen(fd, "w");
	ck_assert(out != NULL && PEM_write_PrivateKey(out, s->pkey, NULL, NULL, 0, NULL, NULL) == 1 &&
	    fclose(out) == 0);
	X509_free(cert);
}

/* Free at the moment; whoever starts on it has to be ready to try another one. */
static uint16_t
free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert(fd != -1 && bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sin, &len) == 0);
	(void)close(fd);
	return ntohs(sin.sin_port);
}

static _Noreturn void
child(const struct kore_server *s, int workers, const char *const *settings)
{
	const char *program = getenv("KORE_CONSTANT");
	char port[8], count[8];
	const char *argv[32] = {"kore_constant", port, s->cert, s->key, count, s->dir};
	int n = 6;
	int fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || fd == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1)
		_exit(126);
	(void)snprintf(port, sizeof(port), "%u", s->port);
	(void)snprintf(count, sizeof(count), "%d", workers);
	while (settings != NULL && *settings != NULL && n < 31)
		argv[n++] = *settings++;
	/* The pools that Kore never gives back are not the leaks we look for. */
	(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
	(void)setenv("UBSAN_OPTIONS", "print_stacktrace=1", 0);
	if (program == NULL)
		program = "build/tests/kore_constant";
	(void)execv(program, (char *const *)(uintptr_t)argv);
	perror(program);
	_exit(127);
}

static void
print_log(const struct kore_server *s)
{
	FILE *log = fopen(s->log, "re");
	char line[1024];

	while (log != NULL && fgets(line, sizeof(line), log) != NULL)
		fprintf(stderr, "%s: %s", s->dir, line);
	if (log != NULL)
		(void)fclose(log);
}

bool
kore_answers(const struct kore_server *s, int ms)
{
	int64_t until = raw_now() + ms;
	struct raw_tls t;
	struct raw_answer a;
	bool ok = false;

	while (!ok && raw_now() < until) {
		if (!raw_open(&t, s->port, "localhost", s->cert, 0, ms)) {
			nap();
			continue;
		}
		ok = raw_text(&t, "GET /constant HTTP/1.1\r\nHost: localhost\r\n\r\n") &&
		    raw_next(&t, &a, false, ms) == RAW_ANSWER && a.status == 200 && a.complete;
		raw_answer_free(&a);
		raw_close(&t);
	}
	return ok && raw_now() <= until;
}

static bool
started(struct kore_server *s, int workers, const char *const *settings)
{
	int64_t until = raw_now() + 10000;

	s->port = free_port();
	(void)fflush(NULL);
	s->pid = fork();
	ck_assert_int_ne(s->pid, -1);
	if (s->pid == 0)
		child(s, workers, settings);
	while (raw_now() < until) {
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
			s->pid = -1;
			return false;
		}
		if (kore_answers(s, 200))
			return true;
	}
	return false;
}

void
kore_start(struct kore_server *s, enum kore_key kind, int workers, const char *const *settings)
{
	const char *tmp = getenv("TMPDIR");
	int attempt;

	*s = (struct kore_server){.pid = -1};
	(void)snprintf(
	    s->dir, sizeof(s->dir), "%s/kore-XXXXXX", tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	ck_assert_int_eq(chmod(s->dir, 0711), 0);
	(void)snprintf(s->cert, sizeof(s->cert), "%s/cert.pem", s->dir);
	(void)snprintf(s->key, sizeof(s->key), "%s/key.pem", s->dir);
	(void)snprintf(s->log, sizeof(s->log), "%s/log", s->dir);
	certificate(s, kind);
	for (attempt = 0; attempt < 5; attempt++) {
		if (started(s, workers, settings))
			return;
		if (s->pid != -1)
			break;
	}
	print_log(s);
	kore_stop(s);
	ck_abort_msg("kore_constant does not start, see KORE_CONSTANT");
}

void
kore_stop(struct kore_server *s)
{
	static const char *const files[] = {"cert.pem", "key.pem", "log", "kore.pid"};
	int64_t until = raw_now() + 5000;
	char path[128];
	size_t i;
	int bad;

	if (s->pid > 0) {
		(void)kill(s->pid, SIGTERM);
		while (waitpid(s->pid, NULL, WNOHANG) == 0) {
			if (raw_now() > until)
				(void)kill(s->pid, SIGKILL);
			nap();
		}
		s->pid = -1;
	}
	EVP_PKEY_free(s->pkey);
	s->pkey = NULL;
	bad = kore_logged(s, "Sanitizer:") + kore_logged(s, "runtime error:");
	if (bad > 0)
		print_log(s);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", s->dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(s->dir);
	ck_assert_msg(bad == 0, "a sanitizer complained");
}

static size_t
slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, buf, size - 1);

	if (fd != -1)
		(void)close(fd);
	n = n < 0 ? 0 : n;
	buf[n] = '\0';
	return (size_t)n;
}

static int
pids_now(const struct kore_server *s, const char *title, pid_t *pids, int max)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300], buf[512];
	const char *at;
	int found = 0;

	ck_assert_ptr_nonnull(proc);
	while ((entry = readdir(proc)) != NULL && found < max) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		(void)slurp(path, buf, sizeof(buf));
		at = strrchr(buf, ')');
		if (at == NULL || at[1] != ' ' || at[2] == 'Z' || strtol(at + 4, NULL, 10) != (long)s->pid)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		(void)slurp(path, buf, sizeof(buf));
		if (strstr(buf, title) != NULL)
			pids[found++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	(void)closedir(proc);
	return found;
}

void
kore_all_pids(const struct kore_server *s, const char *title, pid_t *pids, int count)
{
	int64_t until = raw_now() + 20000;
	pid_t seen[16];
	int n;

	ck_assert_int_lt(count, 16);
	while ((n = pids_now(s, title, seen, 16)) < count) {
		ck_assert_msg(raw_now() < until, "%d processes %s instead of %d", n, title, count);
		nap();
	}
	ck_assert_int_eq(n, count);
	memcpy(pids, seen, (size_t)count * sizeof(*pids));
}

pid_t
kore_pid(const struct kore_server *s, const char *title)
{
	pid_t pid;

	kore_all_pids(s, title, &pid, 1);
	return pid;
}

int
kore_logged(const struct kore_server *s, const char *text)
{
	static char buf[65536];
	const char *at = buf;
	int found = 0;

	(void)slurp(s->log, buf, sizeof(buf));
	while ((at = strstr(at, text)) != NULL) {
		at += strlen(text);
		found++;
	}
	return found;
}

void
kore_connect(const struct kore_server *s, struct raw_tls *t)
{
	ck_assert(raw_open(t, s->port, "localhost", s->cert, 0, 5000));
}

void
kore_ask(struct raw_tls *t, const char *request, int status, struct raw_answer *a)
{
	ck_assert(raw_text(t, request));
	ck_assert_int_eq(raw_next(t, a, strncmp(request, "HEAD ", 5) == 0, 5000), RAW_ANSWER);
	ck_assert_int_eq(a->status, status);
}

long
kore_number(const struct raw_answer *a, const char *name)
{
	char quoted[32];
	const char *at;

	(void)snprintf(quoted, sizeof(quoted), "\"%s\":", name);
	at = strstr(a->body, quoted);
	ck_assert_msg(at != NULL, "no %s in %s", name, a->body);
	return strtol(at + strlen(quoted), NULL, 10);
}

long
kore_rss(pid_t pid)
{
	char path[64], buf[4096];
	const char *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	(void)slurp(path, buf, sizeof(buf));
	at = strstr(buf, "VmRSS:");
	return at == NULL ? -1 : strtol(at + 6, NULL, 10);
}
