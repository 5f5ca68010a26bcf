/* SPDX-License-Identifier: ISC */
#include "ipc/cert.h"

#include <czmq.h>

#include "common/str.h"
#include "ipc/zpl.h"

/* czmq prints into a buffer of this size for the secret file's name. */
enum { NAME_MAX_CZMQ = 255 };

/* The name ends up between quotes in a text file of lines. */
static bool
name_ok(const char *name)
{
	struct str s = str_c(name);

	if (s.n == 0 || s.n > 128 || !str_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == '"' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Claims a name before czmq writes to it: never over an old file, and never, not even for a
 * moment, with a wider mode. */
static int
claim(const char *file, mode_t mode, struct err *e)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return err_set(e, errno == EEXIST ? ERR_CONFLICT : ERR_UNAVAILABLE, "%s: certificate %s",
		    strerror(errno), file);
	close(fd);
	return 0;
}

/* czmq does not report a failed write, so what was written is read back. */
static int
save(zcert_t *cert, const char *file, const char *secret, struct err *e)
{
	mode_t mask = umask(0);
	struct zpl_cert back;
	bool same;
	int rc;

	/* czmq changes the umask for the secret file and forgets to restore some values. */
	umask(mask);
	rc = zcert_save(cert, file);
	umask(mask);
	if (rc != 0)
		return err_set(e, ERR_UNAVAILABLE, "certificate %s cannot be written", file);
	if (zpl_load_own(&back, secret, e) != 0)
		return -1;
	same = memcmp(back.secret_key, zcert_secret_key(cert), ZPL_KEY_SIZE) == 0;
	explicit_bzero(&back, sizeof(back));
	if (!same)
		return err_set(e, ERR_UNAVAILABLE, "certificate %s was not written whole", secret);
	return zpl_load_public(back.public_key, file, e);
}

static int
make(const char *file, const char *secret, const char *name, struct err *e)
{
	zcert_t *cert = zcert_new();
	int rc;

	if (cert == NULL)
		return err_set(e, ERR_UNAVAILABLE, "no key pair can be made");
	zcert_set_meta(cert, "name", "%s", name);
	rc = save(cert, file, secret, e);
	zcert_destroy(&cert);
	return rc;
}

int
ipc_cert_make(const char *file, const char *name, struct err *e)
{
	char secret[NAME_MAX_CZMQ + 1];
	int rc;

	if (!name_ok(name))
		return err_set(e, ERR_INVALID, "not a name for a certificate");
	if ((size_t)snprintf(secret, sizeof(secret), "%s_secret", file) >= sizeof(secret))
		return err_set(e, ERR_INVALID, "the name of the certificate is too long");
	zsys_handler_set(NULL);
	if (claim(file, 0644, e) != 0)
		return -1;
	rc = claim(secret, 0600, e);
	if (rc != 0) {
		unlink(file);
		return -1;
	}
	rc = make(file, secret, name, e);
	if (rc != 0) {
		unlink(file);
		unlink(secret);
	}
	return rc;
}
