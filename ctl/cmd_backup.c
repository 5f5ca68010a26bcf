/* SPDX-License-Identifier: ISC */
/*
 * backup: the files of a running store, table after table and then the log, piece by piece over the
 * control socket; --follow goes on with what comes to the log. An engine without a log has tables
 * that are all of one moment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/backup.h"
#include "ctl/offline.h"
#include "ctl/progress.h"

enum {
	PIECE = 262144,
	PAGE = 4096,
	RATE_MAX = 100000,
	FOLLOW_S = 1,
	RATE_HALF = -1,     /* no rate was given: rests as long as it works */
	REST_MAX_MS = 1000, /* even behind a piece that took very long */
	NICE = 10
};

struct copying {
	struct ctl *c;
	struct backup *b;
	const char *dir;
	int dirfd;
	bool follows; /* what there is ends well when it is stopped */
	int64_t rate; /* bytes a second, 0 = as fast as it goes, or RATE_HALF */
	int64_t done;
	int64_t since_ms;
	int64_t rested_ms; /* when it began, or rested last */
};

static void
rest(struct copying *k)
{
	int64_t now = clock_ms(), ms = 0;

	if (k->rate > 0)
		ms = k->done * 1000 / k->rate - (now - k->since_ms);
	/* However fast the disk is, half of it is left to those who write. A piece may take less than
	 * the clock's millisecond. */
	if (k->rate == RATE_HALF)
		ms = now - k->rested_ms < REST_MAX_MS ? now - k->rested_ms + 1 : REST_MAX_MS;
	if (ms > 0)
		nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
	k->rested_ms = clock_ms();
}

/* The files, in *state, which is valid until the next call. */
static int
list(struct copying *k, int command, const char *from, struct ctl_reply *r)
{
	struct ctl_request q = {0};
	int rc;

	REC_SET(&q, ctl_request, command, command);
	if (from[0] != '\0')
		REC_SET(&q, ctl_request, name, str_c(from));
	if ((rc = ctl_call(k->c, &q, r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	if (r->code != ERR_OK)
		return ctl_refused(r, NULL);
	if (!REC_HAS(r, ctl_reply, copy) || !REC_HAS(&r->copy, copy_state, files))
		return ctl_fail(EXIT_FAILED, "the backend's answer has no files");
	for (size_t i = 0; i < r->copy.files.n; i++)
		if (!backup_name_ok(r->copy.files.v[i].name))
			return ctl_fail(EXIT_FAILED, "the backend's answer has a file with a bad name");
	return EXIT_OK;
}

/* Behind its end there is nothing: an engine that holds a snapshot for us lets it go then. */
static int
give_up(struct copying *k, const char *name)
{
	struct ctl_request q = {0};
	struct ctl_reply r;

	REC_SET(&q, ctl_request, command, ctl_command_COPY_READ);
	REC_SET(&q, ctl_request, name, str_c(name));
	REC_SET(&q, ctl_request, at, INT64_MAX / 4 / PAGE * PAGE);
	(void)ctl_call(k->c, &q, &r, LINK_CALL_MS);
	return backup_stop();
}

/* A file from byte `at` to its end, or to `end`, into `fd`: EXIT_OK with its size; *gone = there is
 * none. */
static int
copy_bytes(struct copying *k, const char *name, int fd, int64_t at, int64_t end, int64_t *size,
    crypto_generichash_state *sum, bool *gone)
{
	size_t n;
	bool more;

	k->rested_ms = clock_ms();
	do {
		struct ctl_request q = {0};
		struct ctl_reply r;
		int rc;

		if (backup_stopped() && !k->follows)
			return give_up(k, name);
		REC_SET(&q, ctl_request, command, ctl_command_COPY_READ);
		REC_SET(&q, ctl_request, name, str_c(name));
		REC_SET(&q, ctl_request, at, at);
		if ((rc = ctl_call(k->c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
			return rc;
		if ((*gone = r.code == ERR_NOT_FOUND))
			return EXIT_OK;
		if (r.code != ERR_OK)
			return ctl_refused(&r, NULL);
		n = REC_HAS(&r, ctl_reply, bytes) ? r.bytes.n : 0;
		more = n == PIECE;
		if ((int64_t)n > end - at)
			n = (size_t)(end - at);
		if (n > 0 && pwrite(fd, r.bytes.p, n, (off_t)at) != (ssize_t)n)
			return ctl_fail(EXIT_FAILED, "%s/%s: %s", k->dir, name, strerror(errno));
		crypto_generichash_update(sum, (const unsigned char *)r.bytes.p, n);
		at += (int64_t)n;
		progress_to(k->done += (int64_t)n);
		rest(k);
	} while (more && at < end);
	*size = at;
	return EXIT_OK;
}

/* A new file of the backup, up to `end`, with its place in the manifest. */
static int
copy_file(struct copying *k, const char *name, int64_t end)
{
	struct backup_file *f = &k->b->files[k->b->n];
	unsigned char sum[BACKUP_SUM_BYTES];
	crypto_generichash_state state;
	bool gone = false;
	int fd, rc;

	if (k->b->n == BACKUP_FILES_MAX - 1)
		return ctl_fail(EXIT_FAILED, "the store has too many files");
	fd = openat(k->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return ctl_fail(EXIT_FAILED, "%s/%s: %s", k->dir, name, strerror(errno));
	crypto_generichash_init(&state, NULL, 0, sizeof(sum));
	rc = copy_bytes(k, name, fd, 0, end, &f->size, &state, &gone);
	if (rc == EXIT_OK && fsync(fd) != 0)
		rc = ctl_fail(EXIT_FAILED, "%s/%s: %s", k->dir, name, strerror(errno));
	close(fd);
	/* A month of call records that was removed meanwhile: the log says so, too. */
	if (gone && unlinkat(k->dirfd, name, 0) == 0)
		return EXIT_OK;
	crypto_generichash_final(&state, sum, sizeof(sum));
	sodium_bin2hex(f->sum, sizeof(f->sum), sum, sizeof(sum));
	snprintf(f->name, sizeof(f->name), "%s", name);
	k->b->n++;
	return rc;
}

/* All files of a listing. */
static int
copy_all(struct copying *k, int command)
{
	struct backup_file *todo;
	struct ctl_reply r;
	int64_t total = 0;
	size_t n;
	int rc = list(k, command, "", &r);

	if (rc != EXIT_OK)
		return rc;
	snprintf(k->b->engine, sizeof(k->b->engine), "%.*s", (int)r.copy.engine.n, r.copy.engine.p);
	snprintf(k->b->store, sizeof(k->b->store), "%.*s", (int)r.copy.store.n, r.copy.store.p);
	snprintf(k->b->release, sizeof(k->b->release), "%.*s", (int)r.copy.release.n, r.copy.release.p);
	/* Without a log nothing has come to the tables. */
	if (command == ctl_command_COPY_LOG && r.copy.files.n == 0)
		return EXIT_OK;
	k->b->commit = r.copy.commit;
	k->b->ended = r.copy.time;
	if (k->b->begun == 0)
		k->b->begun = r.copy.time;
	/* The listing lasts until the next call only. */
	n = r.copy.files.n;
	if ((todo = calloc(n + 1, sizeof(*todo))) == NULL)
		return ctl_fail(EXIT_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++) {
		snprintf(todo[i].name, sizeof(todo[i].name), "%.*s", (int)r.copy.files.v[i].name.n,
		    r.copy.files.v[i].name.p);
		todo[i].size = r.copy.files.v[i].size;
		total += todo[i].size;
	}
	k->done = 0;
	k->since_ms = clock_ms();
	progress_begin(command == ctl_command_COPY_DATA ? "tables" : "log", total);
	for (size_t i = 0; rc == EXIT_OK && i < n; i++)
		/* A table has more pages by now, perhaps; of the log nobody knows what is behind. */
		rc =
		    copy_file(k, todo[i].name, command == ctl_command_COPY_DATA ? INT64_MAX : todo[i].size);
	progress_end();
	free(todo);
	return rc;
}

/* --- follow ---------------------------------------------------------------------- */

/* What has come to a file of the log since `at`, which is where a page begins, up to `end`. */
static int
append(struct copying *k, const char *name, int64_t at, int64_t end, int64_t *size)
{
	int fd = openat(k->dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), rc;
	crypto_generichash_state unused;
	bool gone;

	if (fd < 0)
		return ctl_fail(EXIT_FAILED, "%s/%s: %s", k->dir, name, strerror(errno));
	crypto_generichash_init(&unused, NULL, 0, BACKUP_SUM_BYTES);
	rc = copy_bytes(k, name, fd, at, end, size, &unused, &gone);
	if (rc == EXIT_OK && gone)
		rc = ctl_fail(EXIT_FAILED, "the backend has removed %s: a new backup is needed", name);
	/* After a crash the log may be shorter than it was. */
	if (rc == EXIT_OK && (ftruncate(fd, *size) != 0 || fdatasync(fd) != 0))
		rc = ctl_fail(EXIT_FAILED, "%s/%s: %s", k->dir, name, strerror(errno));
	close(fd);
	return rc;
}

/* `last` and `size`: the file of the log that was copied last, and how much of it. */
static int
follow_once(struct copying *k, char last[BACKUP_NAME_MAX + 1], int64_t *size)
{
	struct backup_file todo[64];
	struct ctl_reply r;
	size_t n = 0;
	int rc = list(k, ctl_command_COPY_LOG, last, &r);

	if (rc != EXIT_OK)
		return rc;
	if (!str_eqc(r.copy.store, k->b->store))
		return ctl_fail(
		    EXIT_FAILED, "%s is of another store, or of this one before it was restored", k->dir);
	for (size_t i = 0; i < r.copy.files.n && n < sizeof(todo) / sizeof(todo[0]); i++) {
		snprintf(todo[n].name, sizeof(todo[n].name), "%.*s", (int)r.copy.files.v[i].name.n,
		    r.copy.files.v[i].name.p);
		todo[n].size = r.copy.files.v[i].size;
		n += strcmp(todo[n].name, last) >= 0;
	}
	if (n == 0 || strcmp(todo[0].name, last) != 0)
		return ctl_fail(EXIT_FAILED, "the backend has removed %s: a new backup is needed", last);
	for (size_t i = 0; rc == EXIT_OK && i < n; i++) {
		bool same = strcmp(todo[i].name, last) == 0;

		if (same && todo[i].size == *size)
			continue;
		rc = append(k, todo[i].name, same ? *size / PAGE * PAGE : 0, todo[i].size, size);
		memcpy(last, todo[i].name, sizeof(todo[i].name));
	}
	return rc;
}

static int
follow(struct copying *k)
{
	char last[BACKUP_NAME_MAX + 1];
	/* From its beginning: after a crash the end of it was written again. */
	int64_t size = 0;
	int rc = EXIT_OK;

	k->follows = true;
	backup_last_log(k->dirfd, last);
	progress_begin("followed", 0);
	while (rc == EXIT_OK && !backup_stopped()) {
		rc = follow_once(k, last, &size);
		if (rc == EXIT_OK && !backup_stopped())
			nanosleep(&(struct timespec){FOLLOW_S, 0}, NULL);
	}
	progress_end();
	return rc;
}

/* Before anything is copied. */
static int
check_follow(struct copying *k)
{
	struct ctl_reply r;
	int rc = k->c->follow ? list(k, ctl_command_COPY_LOG, "", &r) : EXIT_OK;

	if (rc != EXIT_OK || !k->c->follow || r.copy.files.n > 0)
		return rc;
	return ctl_fail(EXIT_FAILED, "the engine \"%.*s\" has no log that --follow could follow",
	    (int)r.copy.engine.n, r.copy.engine.p);
}

/* --- the command ------------------------------------------------------------------ */

/* A new directory, or an empty one; *complete = a backup is in it already. */
static int
open_dir(struct copying *k, bool *complete)
{
	const struct dirent *entry;
	bool empty = true;
	DIR *d;

	if (mkdir(k->dir, 0700) != 0 && errno != EEXIST)
		return ctl_fail(EXIT_FAILED, "%s: %s", k->dir, strerror(errno));
	k->dirfd = open(k->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->dirfd < 0 || (d = opendir(k->dir)) == NULL)
		return ctl_fail(EXIT_FAILED, "%s: %s", k->dir, strerror(errno));
	*complete = false;
	while ((entry = readdir(d)) != NULL) {
		empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
		*complete = *complete || strcmp(entry->d_name, BACKUP_MANIFEST) == 0;
	}
	closedir(d);
	if (*complete && k->c->follow)
		return EXIT_OK;
	/* Until the end its name says to whoever comes second that it is taken. */
	if (empty) {
		int fd =
		    openat(k->dirfd, BACKUP_MANIFEST ".new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd >= 0) {
			close(fd);
			return EXIT_OK;
		}
	}
	return ctl_fail(EXIT_FAILED, *complete ? "%s has a backup already" : "%s is not empty", k->dir);
}

static int
read_rate(struct copying *k)
{
	char *end;
	long n;

	k->rate = RATE_HALF;
	if (k->c->rate == NULL)
		return EXIT_OK;
	n = strtol(k->c->rate, &end, 10);
	if (end == k->c->rate || *end != '\0' || n < 0 || n > RATE_MAX)
		return ctl_usage("--rate takes megabytes a second, 0 to %d", RATE_MAX);
	k->rate = n * 1000000;
	return EXIT_OK;
}

static int
make(struct copying *k)
{
	int rc;

	/* Also what the trial computes is less urgent than the backend. */
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	/* The keys first: asking for a passphrase in the end would find nobody. */
	if (!k->c->without_keys && (rc = backup_seal_keys(k->c, k->b, k->dirfd)) != EXIT_OK)
		return rc;
	backup_catch();
	if ((rc = copy_all(k, ctl_command_COPY_DATA)) == EXIT_OK &&
	    (rc = copy_all(k, ctl_command_COPY_LOG)) == EXIT_OK &&
	    (rc = backup_compare(k->b, k->dirfd, k->dir)) == EXIT_OK &&
	    (k->c->no_verify || (rc = backup_try(k->c, k->b, k->dirfd)) == EXIT_OK))
		rc = backup_stopped() ? backup_stop() : backup_write(k->b, k->dirfd, k->dir);
	return rc;
}

int
cmd_backup(struct ctl *c)
{
	struct copying k = {.c = c, .dir = c->args[0], .dirfd = -1};
	bool complete = false;
	int rc;

	if (sodium_init() < 0 || (k.b = calloc(1, sizeof(*k.b))) == NULL)
		return ctl_fail(EXIT_FAILED, "out of memory");
	if ((rc = read_rate(&k)) == EXIT_OK && (rc = ctl_connect(c)) == EXIT_OK &&
	    (rc = check_follow(&k)) == EXIT_OK && (rc = open_dir(&k, &complete)) == EXIT_OK) {
		rc = complete ? backup_read(k.b, k.dirfd, k.dir) : make(&k);
		if (rc != EXIT_OK && !complete)
			offline_discard(k.dir);
		if (rc == EXIT_OK && c->follow) {
			backup_catch();
			rc = follow(&k);
		}
	}
	if (k.dirfd >= 0)
		close(k.dirfd);
	free(k.b);
	return rc;
}
