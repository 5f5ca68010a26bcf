/* SPDX-License-Identifier: ISC */
#include "ipc/zpl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/str.h"

enum { FILE_MAX = 8192, KEY_TEXT = 40 };

struct reading {
	struct zpl_cert *cert;
	bool in_curve, has_public, has_secret;
};

/* Takes "…" off; czmq always writes the quotes, and '#' is a digit of a key. */
static bool
unquote(struct str *s)
{
	if (s->n < 2 || s->p[0] != '"' || s->p[s->n - 1] != '"')
		return false;
	*s = (struct str){s->p + 1, s->n - 2};
	return true;
}

static bool
decode(unsigned char ret[ZPL_KEY_SIZE], struct str text)
{
	char z85[KEY_TEXT + 1];
	bool ok;

	if (!unquote(&text) || text.n != KEY_TEXT || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(z85, text.p, KEY_TEXT);
	z85[KEY_TEXT] = '\0';
	ok = zmq_z85_decode(ret, z85) != NULL;
	explicit_bzero(z85, sizeof(z85));
	return ok;
}

/* One line of the "curve" section; other names are left to later versions. */
static bool
take_key(struct reading *r, struct str name, struct str value)
{
	bool *have;
	unsigned char *key;

	if (str_eqc(name, "public-key")) {
		have = &r->has_public;
		key = r->cert->public_key;
	} else if (str_eqc(name, "secret-key")) {
		have = &r->has_secret;
		key = r->cert->secret_key;
	} else {
		return true;
	}
	if (*have)
		return false;
	*have = true;
	return decode(key, value);
}

static bool
take_line(struct reading *r, struct str line)
{
	bool indented = line.n > 0 && line.p[0] == ' ';
	struct str name;
	struct str value;

	line = str_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return true;
	if (!indented) {
		r->in_curve = str_eqc(line, "curve");
		return true;
	}
	if (!r->in_curve)
		return true;
	if (!str_cut(line, '=', &name, &value))
		return false;
	return take_key(r, str_trim(name), str_trim(value));
}

static int
parse(struct reading *r, struct str text, const char *file, struct err *e)
{
	unsigned number = 0;

	while (text.n > 0) {
		struct str line;

		number++;
		str_cut(text, '\n', &line, &text);
		if (!take_line(r, line))
			return err_set(
			    e, ERR_MALFORMED, "line %u is no key of a certificate: %s", number, file);
	}
	if (!r->has_public)
		return err_set(e, ERR_MALFORMED, "no public key in certificate %s", file);
	return 0;
}

static int
check_file(int fd, const char *file, bool secret, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: certificate %s", strerror(errno), file);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return err_set(e, ERR_MALFORMED, "not a certificate: %s", file);
	if (secret && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		return err_set(e, ERR_FORBIDDEN, "a secret key that everybody may read: %s", file);
	return 0;
}

static int
read_all(int fd, char *buf, size_t size, size_t *n, const char *file, struct err *e)
{
	ssize_t got;

	*n = 0;
	do {
		got = read(fd, buf + *n, size - *n);
		if (got > 0)
			*n += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: certificate %s", strerror(errno), file);
	return 0;
}

static int
load_fd(struct zpl_cert *ret, int fd, const char *file, bool secret, struct err *e)
{
	struct reading r = {.cert = ret};
	char buf[FILE_MAX];
	size_t n;
	int rc = check_file(fd, file, secret, e);

	if (rc == 0)
		rc = read_all(fd, buf, sizeof(buf), &n, file, e);
	if (rc == 0)
		rc = parse(&r, (struct str){buf, n}, file, e);
	explicit_bzero(buf, sizeof(buf));
	if (rc == 0 && secret && !r.has_secret)
		return err_set(e, ERR_MALFORMED, "no secret key in certificate %s", file);
	return rc;
}

static int
load(struct zpl_cert *ret, const char *file, bool secret, struct err *e)
{
	/* O_NONBLOCK: a FIFO in this place must not hold up the start. */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "%s: certificate %s",
		    strerror(errno), file);
	rc = load_fd(ret, fd, file, secret, e);
	close(fd);
	if (rc != 0)
		explicit_bzero(ret, sizeof(*ret));
	return rc;
}

int
zpl_load_own(struct zpl_cert *ret, const char *file, struct err *e)
{
	char secret[PATH_MAX];

	if ((size_t)snprintf(secret, sizeof(secret), "%s_secret", file) >= sizeof(secret))
		return err_set(e, ERR_INVALID, "the name of the certificate is too long");
	if (load(ret, secret, true, e) == 0)
		return 0;
	if (e->code != ERR_NOT_FOUND)
		return -1;
	err_clear(e);
	return load(ret, file, true, e);
}

int
zpl_load_public(unsigned char ret[ZPL_KEY_SIZE], const char *file, struct err *e)
{
	struct zpl_cert cert;
	int rc = load(&cert, file, false, e);

	if (rc == 0)
		memcpy(ret, cert.public_key, ZPL_KEY_SIZE);
	explicit_bzero(&cert, sizeof(cert));
	return rc;
}
