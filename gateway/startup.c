/* SPDX-License-Identifier: ISC */
#include "gateway/startup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ipc/endpoint.h"

/* Kore's reader splits at blanks, and knows comments and variables. */
static int
check_path(const char *name, const char *path, struct err *e)
{
	if (path[0] != '/')
		return err_set(e, ERR_INVALID, "gateway.%s must be an absolute path", name);
	for (const char *p = path; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= ' ' || c >= 0x7f || strchr("\"'#$\\{}", c) != NULL)
			return err_set(e, ERR_INVALID,
			    "gateway.%s must be a path without blanks and special characters", name);
	}
	return 0;
}

static int
check_user(const char *name, const char *user, struct err *e)
{
	if (getpwnam(user) == NULL)
		return err_set(e, ERR_INVALID, "gateway.%s: there is no user \"%s\"", name, user);
	return 0;
}

/* A path as a worker sees it: the same, or below its root. */
static int
inner_path(
    const struct settings *s, const char *name, const char *path, struct str *ret, struct err *e)
{
	struct str root = str_c(s->conf.gateway_root);

	*ret = str_c(path);
	if (!s->root)
		return 0;
	while (root.n > 0 && root.p[root.n - 1] == '/')
		root.n--;
	if (ret->n <= root.n + 1 || memcmp(ret->p, root.p, root.n) != 0 || ret->p[root.n] != '/')
		return err_set(e, ERR_INVALID,
		    "gateway.%s must lie below gateway.root (%s): workers see nothing else", name,
		    s->conf.gateway_root);
	ret->p += root.n;
	ret->n -= root.n;
	return 0;
}

static int
check_address(const struct conf *c, struct err *e)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, c->gateway_listen, address) != 1 &&
	    inet_pton(AF_INET6, c->gateway_listen, address) != 1)
		return err_set(e, ERR_INVALID, "gateway.listen must be a numeric address");
	return 0;
}

static int
prepare_tcp(struct settings *s, struct err *e)
{
	const struct conf *c = &s->conf;
	struct str cert, server;

	s->tcp = true;
	s->tcp_port = (uint16_t)strtoul(strrchr(c->gateway_backend, ':') + 1, NULL, 10);
	snprintf(s->backend, sizeof(s->backend), "%s", c->gateway_backend);
	if (c->gateway_curve_cert[0] == '\0' || c->gateway_curve_server[0] == '\0')
		return err_set(e, ERR_INVALID,
		    "a backend at tcp:// needs gateway.curve_cert and gateway.curve_server");
	if (check_path("curve_cert", c->gateway_curve_cert, e) != 0 ||
	    check_path("curve_server", c->gateway_curve_server, e) != 0 ||
	    inner_path(s, "curve_cert", c->gateway_curve_cert, &cert, e) != 0 ||
	    inner_path(s, "curve_server", c->gateway_curve_server, &server, e) != 0)
		return -1;
	snprintf(s->curve_cert, sizeof(s->curve_cert), "%.*s", (int)cert.n, cert.p);
	snprintf(s->curve_server, sizeof(s->curve_server), "%.*s", (int)server.n, server.p);
	return 0;
}

static int
prepare_backend(struct settings *s, struct err *e)
{
	struct endpoint ep;
	struct str path;

	if (endpoint_parse(&ep, s->conf.gateway_backend, false, e) != 0)
		return -1;
	s->ipv6 = ep.ipv6;
	if (ep.path == NULL)
		return prepare_tcp(s, e);
	if (inner_path(s, "backend", ep.path, &path, e) != 0)
		return -1;
	snprintf(s->backend, sizeof(s->backend), "ipc://%.*s", (int)path.n, path.p);
	return 0;
}

enum key_check {
	KEY_GOOD,
	KEY_NO_CERT,
	KEY_BAD_CERT,
	KEY_NO_KEY,
	KEY_BAD_KEY,
	KEY_OTHER,
	KEY_USER
};

static bool
become(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	return pw != NULL && setgroups(1, &pw->pw_gid) == 0 && setgid(pw->pw_gid) == 0 &&
	    setuid(pw->pw_uid) == 0;
}

static enum key_check
check_pair(const struct conf *c)
{
	FILE *f = fopen(c->gateway_certificate, "re");
	EVP_PKEY *key;
	X509 *cert;

	if (f == NULL)
		return KEY_NO_CERT;
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (cert == NULL)
		return KEY_BAD_CERT;
	if ((f = fopen(c->gateway_key, "re")) == NULL)
		return KEY_NO_KEY;
	/* An empty passphrase, or OpenSSL would ask for one. */
	key = PEM_read_PrivateKey(f, NULL, NULL, (void *)(uintptr_t) "");
	fclose(f);
	if (key == NULL)
		return KEY_BAD_KEY;
	return X509_check_private_key(cert, key) == 1 ? KEY_GOOD : KEY_OTHER;
}

/* In a process of its own, as the user who will read the files: the parent of all workers must
 * never have had the key in its memory. */
static int
check_key(const struct settings *s, struct err *e)
{
	const struct conf *c = &s->conf;
	int status = 0;
	pid_t pid = fork();

	if (pid == -1)
		return err_set(e, ERR_INVALID, "fork: %s", strerror(errno));
	if (pid == 0)
		_exit(s->root && !become(c->gateway_key_user) ? KEY_USER : (int)check_pair(c));
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	switch (WIFEXITED(status) ? WEXITSTATUS(status) : KEY_USER) {
	case KEY_GOOD:
		return 0;
	case KEY_NO_CERT:
		return err_set(e, ERR_INVALID, "the certificate %s cannot be read%s%s",
		    c->gateway_certificate, s->root ? " by " : "", s->root ? c->gateway_key_user : "");
	case KEY_BAD_CERT:
		return err_set(e, ERR_INVALID, "%s is no PEM certificate", c->gateway_certificate);
	case KEY_NO_KEY:
		return err_set(e, ERR_INVALID, "the key %s cannot be read%s%s", c->gateway_key,
		    s->root ? " by " : "", s->root ? c->gateway_key_user : "");
	case KEY_BAD_KEY:
		return err_set(e, ERR_INVALID, "%s is no PEM key without passphrase", c->gateway_key);
	case KEY_OTHER:
		return err_set(e, ERR_INVALID, "the key %s is not the one of the certificate %s",
		    c->gateway_key, c->gateway_certificate);
	default:
		return err_set(e, ERR_INVALID, "cannot become the user %s", c->gateway_key_user);
	}
}

static int
check_root(const struct conf *c, struct err *e)
{
	struct stat st;

	if (check_path("root", c->gateway_root, e) != 0)
		return -1;
	if (stat(c->gateway_root, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "gateway.root: %s is no directory", c->gateway_root);
	if (check_user("user", c->gateway_user, e) != 0)
		return -1;
	return check_user("key_user", c->gateway_key_user, e);
}

int
startup_prepare(struct settings *s, struct err *e)
{
	const struct conf *c = &s->conf;

	s->root = geteuid() == 0;
	if (!log_level_by_name(str_c(c->gateway_log), &s->log))
		return err_set(e, ERR_INVALID, "gateway.log must be debug, info, warn or error");
	if (check_path("certificate", c->gateway_certificate, e) != 0 ||
	    check_path("key", c->gateway_key, e) != 0)
		return -1;
	if (s->root && check_root(c, e) != 0)
		return -1;
	if (cors_read(&s->cors, c->gateway_cors, e) != 0 || check_address(c, e) != 0 ||
	    prepare_backend(s, e) != 0)
		return -1;
	return check_key(s, e);
}

int
startup_check_port(const struct conf *c, struct err *e)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->gateway_port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
	bool is_v4 = inet_pton(AF_INET, c->gateway_listen, &v4.sin_addr) == 1;
	int fd, one = 1, rc;

	if (!is_v4)
		inet_pton(AF_INET6, c->gateway_listen, &v6.sin6_addr);
	fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_set(e, ERR_INVALID, "gateway.listen: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	rc = is_v4 ? bind(fd, (struct sockaddr *)(void *)&v4, sizeof(v4))
	           : bind(fd, (struct sockaddr *)(void *)&v6, sizeof(v6));
	if (rc == 0)
		rc = listen(fd, 1);
	if (rc != 0)
		err_set(e, ERR_INVALID, "cannot listen on %s port %lld: %s", c->gateway_listen,
		    (long long)c->gateway_port, strerror(errno));
	close(fd);
	return rc;
}
