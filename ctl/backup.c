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

enum { MANIFEST_MAX = 1024 * 1024, PIECE = 256 * 1024 };

#define FIRST_LINE "tandem-backup 1\n"

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

static int
write_whole(int dirfd, const char *dir, struct str text)
{
	int fd = openat(dirfd, BACKUP_MANIFEST ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = EXIT_OK;

	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n || fsync(fd) != 0 ||
	    renameat(dirfd, BACKUP_MANIFEST ".new", dirfd, BACKUP_MANIFEST) != 0 || fsync(dirfd) != 0)
		rc = ctl_fail(EXIT_FAILED, "%s/" BACKUP_MANIFEST ": %s", dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

int
backup_write(const struct backup *b, int dirfd, const char *dir)
{
	char sum[BACKUP_SUM_TEXT + 1];
	struct buf out;
	int rc;

	buf_init(&out, MANIFEST_MAX);
	buf_adds(&out, FIRST_LINE);
	buf_printf(&out, "engine %s\nstore %s\nrelease %s\ncommit %lld\nbegun %lld\nended %lld\n",
	    b->engine, b->store, b->release, (long long)b->commit, (long long)b->begun,
	    (long long)b->ended);
	for (size_t i = 0; i < b->n; i++)
		buf_printf(&out, "file %s %lld %s\n", b->files[i].name, (long long)b->files[i].size,
		    b->files[i].sum);
	sum_text(buf_str(&out), sum);
	buf_printf(&out, "sum %s\n", sum);
	rc = out.failed ? ctl_fail(EXIT_FAILED, "out of memory")
	                : write_whole(dirfd, dir, buf_str(&out));
	buf_free(&out);
	return rc;
}

static bool
parse_line(struct backup *b, const char *line)
{
	struct backup_file *f = &b->files[b->n];
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
	if (b->n == BACKUP_FILES_MAX || sscanf(line, "file %31s %lld %64s", f->name, &n, f->sum) != 3)
		return false;
	f->size = n;
	b->n++;
	return n >= 0 && strlen(f->sum) == BACKUP_SUM_TEXT && backup_name_ok(str_c(f->name));
}

/* `text` ends with the line of the sum, which is right. */
static bool
parse(struct backup *b, char *text)
{
	char sum[BACKUP_SUM_TEXT + 1], *last = strstr(text, "\nsum "), *rest;

	if (strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0 || last == NULL)
		return false;
	last++;
	sum_text((struct str){text, (size_t)(last - text)}, sum);
	if (strncmp(last + 4, sum, BACKUP_SUM_TEXT) != 0 ||
	    strcmp(last + 4 + BACKUP_SUM_TEXT, "\n") != 0)
		return false;
	*last = '\0';
	for (char *line = strtok_r(text + strlen(FIRST_LINE), "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (!parse_line(b, line))
			return false;
	return b->engine[0] != '\0' && b->store[0] != '\0';
}

int
backup_read(struct backup *b, int dirfd, const char *dir)
{
	int fd = openat(dirfd, BACKUP_MANIFEST, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *text = calloc(1, MANIFEST_MAX + 1);
	ssize_t n = fd >= 0 && text != NULL ? read(fd, text, MANIFEST_MAX) : -1;
	int rc = EXIT_OK;

	memset(b, 0, sizeof(*b));
	if (n < 0)
		rc = ctl_fail(
		    EXIT_FAILED, "%s is no complete backup: " BACKUP_MANIFEST ": %s", dir, strerror(errno));
	else if (!parse(b, text))
		rc = ctl_fail(EXIT_FAILED, "%s/" BACKUP_MANIFEST " is damaged, or of a later release", dir);
	free(text);
	if (fd >= 0)
		close(fd);
	return rc;
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

int
backup_compare(const struct backup *b, int dirfd, const char *dir)
{
	char *piece = malloc(PIECE);
	int64_t total = 0, done = 0;
	int rc = piece != NULL ? EXIT_OK : ctl_fail(EXIT_FAILED, "out of memory");

	for (size_t i = 0; i < b->n; i++)
		total += b->files[i].size;
	progress_begin("verified", total);
	for (size_t i = 0; rc == EXIT_OK && i < b->n; i++)
		rc = compare_file(&b->files[i], dirfd, dir, piece, &done);
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
