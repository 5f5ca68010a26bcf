/* SPDX-License-Identifier: ISC */
/*
 * backup: the files of a running store, table after table and then the log. An engine without a log
 * has tables that are all of one moment.
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
#include <unistd.h>

#include "common/clock.h"
#include "ctl/backup_copy.h"
#include "ctl/offline.h"
#include "ctl/progress.h"

enum { RATE_MAX = 100000, NICE = 10 };

/* A new file of the backup, up to `end`, with its place in the manifest. */
static int
copy_file(struct copying *k, const char *name, int64_t end)
{
	struct backup_file *f = &k->b->files[k->b->n];
	struct page_sum sum;
	enum copied how;
	int fd, rc;

	if (k->b->n == BACKUP_FILES_MAX - 1)
		return ctl_fail(EXIT_FAILED, "the store has too many files");
	fd = openat(k->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return ctl_fail(EXIT_FAILED, "%s/%s: %s", k->dir, name, strerror(errno));
	page_sum_begin(&sum);
	rc = copy_bytes(k, name, fd, end, &sum, &how);
	if (rc == EXIT_OK && fsync(fd) != 0)
		rc = ctl_fail(EXIT_FAILED, "%s/%s: %s", k->dir, name, strerror(errno));
	close(fd);
	/* A month of call records that was removed meanwhile: the log says so, too. */
	if (how == COPY_GONE && unlinkat(k->dirfd, name, 0) == 0)
		return EXIT_OK;
	f->size = sum.size;
	page_sum_text(&sum, f->sum);
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
	int rc = copy_list(k, command, "", &r);

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

	k->rate = COPY_RATE_HALF;
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
	int64_t commit;
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
	    (k->c->no_verify || (rc = backup_try(k->c, k->b, k->dirfd, &commit)) == EXIT_OK))
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
	    (rc = follow_check(&k)) == EXIT_OK && (rc = open_dir(&k, &complete)) == EXIT_OK) {
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
	backup_free(k.b);
	return rc;
}
