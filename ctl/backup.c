/* SPDX-License-Identifier: ISC */
#include "ctl/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/progress.h"

enum { MANIFEST_MAX = 1024 * 1024, FOLLOWED_MAX = 16 * 1024 * 1024, PIECE = 256 * 1024 };

#define FIRST_LINE "tandem-backup 1\n"
#define FOLLOWED_FIRST_LINE "tandem-followed 1\n"

bool
backup_name_ok(struct str name)
{
	if (name.n == 0 || name.n > BACKUP_NAME_MAX || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", name.p[i]) == NULL ||
		    name.p[i] == '\0')
			return false;
	return true;
}

static void
sum_text(struct str s, char text[BACKUP_SUM_TEXT + 1])
{
	unsigned char sum[BACKUP_SUM_BYTES];

	crypto_generichash(sum, sizeof(sum), (const unsigned char *)s.p, s.n, NULL, 0);
	sodium_bin2hex(text, BACKUP_SUM_TEXT + 1, sum, sizeof(sum));
}

/* With the line of its sum, and a name only when it is complete. */
static int
write_whole(int dirfd, const char *dir, const char *name, struct buf *out)
{
	char sum[BACKUP_SUM_TEXT + 1], fresh[32];
	int fd, rc = EXIT_OK;

	sum_text(buf_str(out), sum);
	buf_printf(out, "sum %s\n", sum);
	if (out->failed)
		return ctl_fail(EXIT_FAILED, "out of memory");
	snprintf(fresh, sizeof(fresh), "%s.new", name);
	fd = openat(dirfd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, out->p, out->n) != (ssize_t)out->n || fsync(fd) != 0 ||
	    renameat(dirfd, fresh, dirfd, name) != 0 || fsync(dirfd) != 0)
		rc = ctl_fail(EXIT_FAILED, "%s/%s: %s", dir, name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static void
write_files(struct buf *out, const struct backup_file *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "file %s %lld %s\n", v[i].name, (long long)v[i].size, v[i].sum);
}

int
backup_write(const struct backup *b, int dirfd, const char *dir)
{
	struct buf out;
	int rc;

	buf_init(&out, MANIFEST_MAX);
	buf_adds(&out, FIRST_LINE);
	buf_printf(&out, "engine %s\nstore %s\nrelease %s\ncommit %lld\nbegun %lld\nended %lld\n",
	    b->engine, b->store, b->release, (long long)b->commit, (long long)b->begun,
	    (long long)b->ended);
	write_files(&out, b->files, b->n);
	rc = write_whole(dirfd, dir, BACKUP_MANIFEST, &out);
	buf_free(&out);
	return rc;
}

int
backup_write_followed(const struct backup *b, int dirfd, const char *dir)
{
	struct buf out;
	int rc;

	buf_init(&out, FOLLOWED_MAX);
	buf_adds(&out, FOLLOWED_FIRST_LINE);
	buf_printf(&out, "commit %lld\n", (long long)b->followed_commit);
	write_files(&out, b->followed, b->followed_n);
	rc = write_whole(dirfd, dir, BACKUP_FOLLOWED, &out);
	buf_free(&out);
	return rc;
}

static struct backup_file *
find_followed(const struct backup *b, const char *name)
{
	for (size_t i = b->followed_n; i-- > 0;)
		if (strcmp(b->followed[i].name, name) == 0)
			return &b->followed[i];
	return NULL;
}

int
backup_note_followed(struct backup *b, const struct backup_file *f)
{
	struct backup_file *to = find_followed(b, f->name);

	if (to == NULL && b->followed_n == b->followed_size) {
		size_t want = b->followed_size == 0 ? 64 : b->followed_size * 2;
		struct backup_file *v = realloc(b->followed, want * sizeof(*v));

		if (v == NULL)
			return ctl_fail(EXIT_FAILED, "out of memory");
		b->followed = v;
		b->followed_size = want;
	}
	if (to == NULL)
		to = &b->followed[b->followed_n++];
	*to = *f;
	return EXIT_OK;
}

bool
backup_forget_followed(struct backup *b, const char *name)
{
	struct backup_file *f = find_followed(b, name);

	if (f != NULL)
		*f = b->followed[--b->followed_n];
	return f != NULL;
}

void
backup_free(struct backup *b)
{
	if (b != NULL)
		free(b->followed);
	free(b);
}

static bool
parse_file(const char *line, struct backup_file *f)
{
	long long n;

	if (sscanf(line, "file %31s %lld %64s", f->name, &n, f->sum) != 3)
		return false;
	f->size = n;
	return n >= 0 && strlen(f->sum) == BACKUP_SUM_TEXT && backup_name_ok(str_c(f->name));
}

static bool
parse_line(struct backup *b, const char *line)
{
	long long n;

	if (sscanf(line, "engine %15s", b->engine) == 1 || sscanf(line, "store %32s", b->store) == 1 ||
	    sscanf(line, "release %64s", b->release) == 1)
		return true;
	if (sscanf(line, "commit %lld", &n) == 1)
		return (b->commit = n) >= 0;
	if (sscanf(line, "begun %lld", &n) == 1)
		return (b->begun = n) >= 0;
	if (sscanf(line, "ended %lld", &n) == 1)
		return (b->ended = n) >= 0;
	return b->n < BACKUP_FILES_MAX && parse_file(line, &b->files[b->n++]);
}

static bool
parse_followed_line(struct backup *b, const char *line)
{
	struct backup_file f;
	long long n;

	if (sscanf(line, "commit %lld", &n) == 1)
		return (b->followed_commit = n) >= 0;
	return parse_file(line, &f) && backup_note_followed(b, &f) == EXIT_OK;
}

/* `text` ends with the line of the sum, which is right. */
static bool
parse(struct backup *b, char *text, const char *first,
    bool (*parse_one)(struct backup *b, const char *line))
{
	char sum[BACKUP_SUM_TEXT + 1], *last = strstr(text, "\nsum "), *rest;

	if (strncmp(text, first, strlen(first)) != 0 || last == NULL)
		return false;
	last++;
	sum_text((struct str){text, (size_t)(last - text)}, sum);
	if (strncmp(last + 4, sum, BACKUP_SUM_TEXT) != 0 ||
	    strcmp(last + 4 + BACKUP_SUM_TEXT, "\n") != 0)
		return false;
	*last = '\0';
	for (char *line = strtok_r(text + strlen(first), "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (!parse_one(b, line))
			return false;
	return true;
}

/* The whole file, or NULL with errno. */
static char *
read_whole(int dirfd, const char *name, size_t max)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), why;
	struct stat st = {0};
	char *text = fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size <= max
	    ? calloc(1, (size_t)st.st_size + 1)
	    : NULL;

	if (fd >= 0 && (size_t)st.st_size > max)
		errno = EFBIG;
	if (text != NULL && read(fd, text, (size_t)st.st_size) < 0) {
		free(text);
		text = NULL;
	}
	why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return text;
}

static int
read_followed(struct backup *b, int dirfd, const char *dir)
{
	char *text = read_whole(dirfd, BACKUP_FOLLOWED, FOLLOWED_MAX);
	int rc = EXIT_OK;

	/* Nothing was followed, or by a release that did not write it. */
	if (text == NULL && errno == ENOENT)
		return EXIT_OK;
	if (text == NULL)
		rc = ctl_fail(EXIT_FAILED, "%s/" BACKUP_FOLLOWED ": %s", dir, strerror(errno));
	else if (!parse(b, text, FOLLOWED_FIRST_LINE, parse_followed_line))
		rc = ctl_fail(EXIT_FAILED, "%s/" BACKUP_FOLLOWED " is damaged, or of a later release", dir);
	free(text);
	return rc;
}

int
backup_read(struct backup *b, int dirfd, const char *dir)
{
	char *text = read_whole(dirfd, BACKUP_MANIFEST, MANIFEST_MAX);
	int rc = EXIT_OK;

	memset(b, 0, sizeof(*b));
	if (text == NULL)
		rc = ctl_fail(
		    EXIT_FAILED, "%s is no complete backup: " BACKUP_MANIFEST ": %s", dir, strerror(errno));
	else if (!parse(b, text, FIRST_LINE, parse_line) || b->engine[0] == '\0' || b->store[0] == '\0')
		rc = ctl_fail(EXIT_FAILED, "%s/" BACKUP_MANIFEST " is damaged, or of a later release", dir);
	free(text);
	return rc == EXIT_OK ? read_followed(b, dirfd, dir) : rc;
}

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

void
backup_catch(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction act = {.sa_handler = on_signal};
	struct sigaction before;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &act, NULL);
}

bool
backup_stopped(void)
{
	return stopped;
}

int
backup_stop(void)
{
	return ctl_fail(EXIT_FAILED, "stopped: nothing is left of it");
}

static int
compare_file(const struct backup_file *f, int dirfd, const char *dir, char *piece, int64_t *done)
{
	crypto_generichash_state state;
	unsigned char sum[BACKUP_SUM_BYTES];
	char text[BACKUP_SUM_TEXT + 1];
	int fd = openat(dirfd, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int64_t left = f->size;
	ssize_t n = 0;

	if (fd < 0)
		return ctl_fail(EXIT_FAILED, "%s/%s: %s", dir, f->name, strerror(errno));
	crypto_generichash_init(&state, NULL, 0, sizeof(sum));
	while (left > 0 && !stopped && (n = read(fd, piece, left < PIECE ? (size_t)left : PIECE)) > 0) {
		crypto_generichash_update(&state, (unsigned char *)piece, (unsigned long long)n);
		left -= n;
		progress_to(*done += n);
	}
	crypto_generichash_final(&state, sum, sizeof(sum));
	sodium_bin2hex(text, sizeof(text), sum, sizeof(sum));
	if (stopped) {
		close(fd);
		return backup_stop();
	}
	if (n < 0) {
		n = errno;
		close(fd);
		return ctl_fail(EXIT_FAILED, "%s/%s: %s", dir, f->name, strerror((int)n));
	}
	close(fd);
	return left == 0 && strcmp(text, f->sum) == 0
	    ? EXIT_OK
	    : ctl_fail(EXIT_FAILED, "%s/%s is damaged", dir, f->name);
}

/* What has been brought of a file begins with what was there. */
static bool
is_followed(const struct backup *b, const struct backup_file *f)
{
	const struct backup_file *more = find_followed(b, f->name);

	return more != NULL && more->size >= f->size;
}

int
backup_compare(const struct backup *b, int dirfd, const char *dir)
{
	char *piece = malloc(PIECE);
	int64_t total = 0, done = 0;
	int rc = piece != NULL ? EXIT_OK : ctl_fail(EXIT_FAILED, "out of memory");

	for (size_t i = 0; i < b->n; i++)
		total += is_followed(b, &b->files[i]) ? 0 : b->files[i].size;
	for (size_t i = 0; i < b->followed_n; i++)
		total += b->followed[i].size;
	progress_begin("verified", total);
	for (size_t i = 0; rc == EXIT_OK && i < b->n; i++)
		if (!is_followed(b, &b->files[i]))
			rc = compare_file(&b->files[i], dirfd, dir, piece, &done);
	for (size_t i = 0; rc == EXIT_OK && i < b->followed_n; i++)
		rc = compare_file(&b->followed[i], dirfd, dir, piece, &done);
	progress_end();
	free(piece);
	return rc;
}

void
backup_last_log(int dirfd, char name[BACKUP_NAME_MAX + 1])
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	name[0] = '\0';
	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, "log.", 4) == 0 && backup_name_ok(str_c(entry->d_name)) &&
		    strcmp(entry->d_name, name) > 0)
			snprintf(name, BACKUP_NAME_MAX + 1, "%.31s", entry->d_name);
	closedir(d);
}
