/* SPDX-License-Identifier: ISC */
#include "backend/auth_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_LINE "tandem-keys 1\n"

enum { NAME_LEN = 8, HEX_LEN = 2 * AUTH_KEY_LEN, LINE_LEN = NAME_LEN + HEX_LEN + 1 };

static const struct {
	char name[NAME_LEN + 1];
	size_t offset;
} lines[] = {
    {"signing ", offsetof(struct auth_keys, signing)},
    {"sealing ", offsetof(struct auth_keys, sealing)},
    {"pepper  ", offsetof(struct auth_keys, pepper)},
    {"audit   ", offsetof(struct auth_keys, audit)},
};

enum {
	LINES = sizeof(lines) / sizeof(lines[0]),
	HEAD_LEN = sizeof(VERSION_LINE) - 1,
	FILE_LEN = HEAD_LEN + LINES * LINE_LEN
};

/* One byte more than the file may have: shows a longer one. */
struct text {
	char c[FILE_LEN + 1];
};

static void
print_keys(struct text *t, const struct auth_keys *k)
{
	char *at = t->c + HEAD_LEN;

	memcpy(t->c, VERSION_LINE, HEAD_LEN);
	for (size_t i = 0; i < LINES; i++, at += LINE_LEN) {
		memcpy(at, lines[i].name, NAME_LEN);
		/* The NUL it ends with is where the newline goes. */
		sodium_bin2hex(
		    at + NAME_LEN, HEX_LEN + 1, (const unsigned char *)k + lines[i].offset, AUTH_KEY_LEN);
		at[LINE_LEN - 1] = '\n';
	}
}

static int
parse_keys(struct auth_keys *k, const struct text *t)
{
	const char *at = t->c + HEAD_LEN;

	for (size_t i = 0; i < LINES; i++, at += LINE_LEN) {
		size_t n;

		if (memcmp(at, lines[i].name, NAME_LEN) != 0 || at[LINE_LEN - 1] != '\n' ||
		    sodium_hex2bin((unsigned char *)k + lines[i].offset, AUTH_KEY_LEN, at + NAME_LEN,
		        HEX_LEN, NULL, &n, NULL) != 0 ||
		    n != AUTH_KEY_LEN)
			return -1;
	}
	return 0;
}

static int
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* As much as there is, up to n bytes. */
static ssize_t
read_up_to(int fd, char *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, p + got, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

static int
sync_directory_of(const char *file)
{
	char path[PATH_MAX];
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s", file) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

static int
write_new(const char *path, const struct text *t)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return -1;
	rc = write_all(fd, t->c, FILE_LEN) == 0 && fsync(fd) == 0 ? 0 : -1;
	if (close(fd) != 0)
		rc = -1;
	return rc;
}

/*
 * The file appears under its name complete or not at all: a half-written one would be
 * refused at every later start. link() also fails where another start was faster; then
 * that one's keys hold.
 */
static int
make_file(const char *file, struct err *e)
{
	char path[PATH_MAX];
	struct auth_keys k;
	struct text t;
	int rc, why;

	if (snprintf(path, sizeof(path), "%s.%08x", file, randombytes_random()) >= (int)sizeof(path))
		return err_set(e, ERR_INTERNAL, "%.80s: path too long", file);
	randombytes_buf(&k, sizeof(k));
	print_keys(&t, &k);
	rc = write_new(path, &t);
	explicit_bzero(&k, sizeof(k));
	explicit_bzero(&t, sizeof(t));
	if (rc == 0 && link(path, file) != 0 && errno != EEXIST)
		rc = -1;
	why = errno;
	unlink(path);
	if (rc == 0 && sync_directory_of(file) != 0) {
		rc = -1;
		why = errno;
	}
	if (rc != 0)
		return err_set(e, ERR_INTERNAL, "%.80s: cannot be made: %s", file, strerror(why));
	return 0;
}

static int
check_file(int fd, const char *file, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INTERNAL, "%.80s: not a regular file", file);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_INTERNAL, "%.80s: belongs to another user", file);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_INTERNAL, "%.80s: mode %04o, must be 0600", file,
		    (unsigned)(st.st_mode & 07777));
	return 0;
}

static int
read_file(int fd, const char *file, struct auth_keys *ret, struct err *e)
{
	struct text t;
	ssize_t n = read_up_to(fd, t.c, sizeof(t.c));
	int rc = 0;

	if (n < 0)
		rc = err_set(e, ERR_INTERNAL, "%.80s: %s", file, strerror(errno));
	else if (n < HEAD_LEN || memcmp(t.c, VERSION_LINE, HEAD_LEN) != 0)
		rc = err_set(e, ERR_INTERNAL, "%.80s: not a key file of version 1", file);
	else if (n != FILE_LEN)
		rc = err_set(e, ERR_INTERNAL, "%.80s: wrong length", file);
	else if (parse_keys(ret, &t) != 0)
		rc = err_set(e, ERR_INTERNAL, "%.80s: a line cannot be read", file);
	explicit_bzero(&t, sizeof(t));
	return rc;
}

/* Without O_NONBLOCK a FIFO of that name would stop the start for ever. */
static int
open_file(const char *file)
{
	return open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int
auth_keys_load(const char *file, struct auth_keys *ret, struct err *e)
{
	int fd = open_file(file);
	int rc;

	if (fd < 0 && errno == ENOENT) {
		if (make_file(file, e) != 0)
			return -1;
		fd = open_file(file);
	}
	if (fd < 0)
		return err_set(e, ERR_INTERNAL, "%.80s: %s", file, strerror(errno));
	rc = check_file(fd, file, e);
	if (rc == 0)
		rc = read_file(fd, file, ret, e);
	if (rc != 0)
		explicit_bzero(ret, sizeof(*ret));
	close(fd);
	return rc;
}
