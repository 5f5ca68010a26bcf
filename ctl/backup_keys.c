/* SPDX-License-Identifier: ISC */
/*
 * The auth child's key file in a backup. tandemctl takes it from its place itself, so that the
 * backend still never sees it, and seals it: XSalsa20-Poly1305 under a key that argon2id makes of
 * the passphrase.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/dirs.h"
#include "ctl/backup.h"

enum { KEYS_MAX = 4096, PASSPHRASE_MIN = 12 };

static const char magic[8] = "TNDKEYS1";

struct sealed {
	char magic[8];
	unsigned char salt[crypto_pwhash_SALTBYTES];
	unsigned char nonce[crypto_secretbox_NONCEBYTES];
	unsigned char box[crypto_secretbox_MACBYTES + KEYS_MAX];
};

enum { HEAD = sizeof(struct sealed) - sizeof(((struct sealed *)0)->box) };

static int
read_passphrase(struct ctl *c, struct password *p)
{
	struct err e = {0};
	FILE *f;

	if (c->passphrase_file == NULL) {
		if (term_password(p, "the keys in the backup", &e) != 0)
			return ctl_fail(
			    EXIT_FAILED, "%s; see --passphrase-file and --without-keys", err_text(&e));
	} else {
		if ((f = fopen(c->passphrase_file, "re")) == NULL)
			return ctl_fail(EXIT_FAILED, "%s: %s", c->passphrase_file, strerror(errno));
		setvbuf(f, NULL, _IONBF, 0);
		if (fgets(p->bytes, sizeof(p->bytes), f) == NULL)
			p->bytes[0] = '\0';
		fclose(f);
		p->n = strcspn(p->bytes, "\r\n");
	}
	return p->n >= PASSPHRASE_MIN
	    ? EXIT_OK
	    : ctl_fail(EXIT_FAILED, "the passphrase has less than %d characters", PASSPHRASE_MIN);
}

static int
make_key(struct ctl *c, const struct sealed *s, unsigned char key[crypto_secretbox_KEYBYTES])
{
	struct password p;
	int rc = read_passphrase(c, &p);

	if (rc == EXIT_OK &&
	    crypto_pwhash(key, crypto_secretbox_KEYBYTES, p.bytes, p.n, s->salt,
	        crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
	        crypto_pwhash_ALG_ARGON2ID13) != 0)
		rc = ctl_fail(EXIT_FAILED, "out of memory");
	explicit_bzero(&p, sizeof(p));
	return rc;
}

/* At most KEYS_MAX bytes; -1 with errno. */
static ssize_t
read_small(int dirfd, const char *name, void *to, size_t max)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, to, max);
	close(fd);
	return n;
}

static int
write_small(int dirfd, const char *name, const void *from, size_t n)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = 0, why;

	if (fd < 0)
		return -1;
	if (write(fd, from, n) != (ssize_t)n || fsync(fd) != 0)
		rc = -1;
	why = errno;
	close(fd);
	if (rc != 0)
		(void)unlinkat(dirfd, name, 0);
	errno = why;
	return rc;
}

static void
note_file(struct backup *b, const void *p, size_t n)
{
	struct backup_file *f = &b->files[b->n++];
	unsigned char sum[BACKUP_SUM_BYTES];

	crypto_generichash(sum, sizeof(sum), p, n, NULL, 0);
	sodium_bin2hex(f->sum, sizeof(f->sum), sum, sizeof(sum));
	snprintf(f->name, sizeof(f->name), BACKUP_KEYS);
	f->size = (int64_t)n;
}

int
backup_seal_keys(struct ctl *c, struct backup *b, int dirfd)
{
	unsigned char key[crypto_secretbox_KEYBYTES], keys[KEYS_MAX];
	struct sealed s;
	struct err e = {0};
	ssize_t n;
	int rc;

	ctl_no_core_file();
	if (ctl_read_conf(c, c->config, &e) != 0)
		return ctl_fail(EXIT_CONFIG, "%s", err_text(&e));
	n = read_small(AT_FDCWD, c->conf.backend_auth_keys, keys, sizeof(keys));
	if (n <= 0)
		return ctl_fail(EXIT_FAILED, "%s: %s; --without-keys leaves it out",
		    c->conf.backend_auth_keys, n < 0 ? strerror(errno) : "empty");
	memcpy(s.magic, magic, sizeof(magic));
	randombytes_buf(s.salt, sizeof(s.salt));
	randombytes_buf(s.nonce, sizeof(s.nonce));
	if ((rc = make_key(c, &s, key)) == EXIT_OK) {
		crypto_secretbox_easy(s.box, keys, (unsigned long long)n, s.nonce, key);
		n += HEAD + crypto_secretbox_MACBYTES;
		note_file(b, &s, (size_t)n);
		if (write_small(dirfd, BACKUP_KEYS, &s, (size_t)n) != 0)
			rc = ctl_fail(EXIT_FAILED, BACKUP_KEYS ": %s", strerror(errno));
	}
	explicit_bzero(keys, sizeof(keys));
	explicit_bzero(key, sizeof(key));
	return rc;
}

/* Whole or not at all, also when this process is killed. */
static int
make_file(const char *file, const void *from, size_t n)
{
	char fresh[CONF_TEXT_MAX + 8];
	int rc, why;

	snprintf(fresh, sizeof(fresh), "%s.new", file);
	(void)unlink(fresh);
	rc = write_small(AT_FDCWD, fresh, from, n) == 0 && link(fresh, file) == 0 ? 0 : -1;
	why = errno;
	(void)unlink(fresh);
	errno = why;
	return rc;
}

static int
put_keys(struct ctl *c, const unsigned char *keys, size_t n, bool *made)
{
	const char *file = c->conf.backend_auth_keys;
	unsigned char there[KEYS_MAX];
	char dir[CONF_TEXT_MAX];
	struct err e = {0};
	ssize_t have = read_small(AT_FDCWD, file, there, sizeof(there));
	bool same = have == (ssize_t)n && sodium_memcmp(there, keys, n) == 0;

	explicit_bzero(there, sizeof(there));
	if (same)
		return EXIT_OK;
	if (have >= 0)
		return ctl_fail(EXIT_FAILED, "%s has other keys: move it away first", file);
	if (errno != ENOENT)
		return ctl_fail(EXIT_FAILED, "%s: %s", file, strerror(errno));
	if (dir_of(file, dir) && dir_make(dir, 0700, NULL, NULL, &e) != 0)
		return ctl_fail(EXIT_FAILED, "%s", err_text(&e));
	/* It stays root's: the auth child reads it before it becomes its own user. */
	if (make_file(file, keys, n) != 0)
		return ctl_fail(EXIT_FAILED, "%s: %s", file, strerror(errno));
	*made = true;
	return EXIT_OK;
}

int
backup_open_keys(struct ctl *c, int dirfd, bool *made)
{
	unsigned char key[crypto_secretbox_KEYBYTES], keys[KEYS_MAX];
	struct sealed s;
	size_t inside;
	ssize_t n = read_small(dirfd, BACKUP_KEYS, &s, sizeof(s));
	int rc;

	ctl_no_core_file();
	if (n < (ssize_t)(HEAD + crypto_secretbox_MACBYTES) ||
	    memcmp(s.magic, magic, sizeof(magic)) != 0)
		return ctl_fail(EXIT_FAILED, BACKUP_KEYS " cannot be read");
	inside = (size_t)n - HEAD - crypto_secretbox_MACBYTES;
	if ((rc = make_key(c, &s, key)) == EXIT_OK &&
	    crypto_secretbox_open_easy(keys, s.box, inside + crypto_secretbox_MACBYTES, s.nonce, key) !=
	        0)
		rc = ctl_fail(EXIT_FAILED, "the passphrase is wrong");
	if (rc == EXIT_OK && made != NULL)
		rc = put_keys(c, keys, inside, made);
	explicit_bzero(keys, sizeof(keys));
	explicit_bzero(key, sizeof(key));
	return rc;
}
