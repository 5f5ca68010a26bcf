/* SPDX-License-Identifier: ISC */
/*
 * backup --follow: what comes to the log, file after file. A log only grows, so what FOLLOWED says
 * of the first bytes of a file stays right whenever this process ends; where a file is written
 * again from its beginning, it says nothing of it until that is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "ctl/backup_copy.h"
#include "ctl/progress.h"

enum { FOLLOW_S = 1 };

struct following {
	struct copying *k;
	char name[BACKUP_NAME_MAX + 1]; /* the file of the log that was copied last */
	struct page_sum sum;            /* of what we know to be its beginning */
	unsigned breaks;                /* of the connection */
	bool brought;                   /* something, since FOLLOWED was written */
};

static int
removed(const char *name)
{
	return ctl_fail(EXIT_FAILED, "the backend has removed %s: a new backup is needed", name);
}

/* From its beginning: after a crash of the backend its end may have been written again. */
static int
begin_file(struct following *f)
{
	struct copying *k = f->k;

	page_sum_begin(&f->sum);
	return backup_forget_followed(k->b, f->name) ? backup_write_followed(k->b, k->dirfd, k->dir)
	                                             : EXIT_OK;
}

/* What has come to the file, up to `end`, into `fd`. */
static int
append_to(struct following *f, int fd, int64_t end)
{
	enum copied how;
	int rc = copy_bytes(f->k, f->name, fd, end, &f->sum, &how);

	if (rc == EXIT_OK && how == COPY_CHANGED && (rc = begin_file(f)) == EXIT_OK)
		rc = copy_bytes(f->k, f->name, fd, end, &f->sum, &how);
	if (rc == EXIT_OK && how == COPY_GONE)
		rc = removed(f->name);
	/* After a crash the log may be shorter than it was. */
	if (rc == EXIT_OK && (ftruncate(fd, (off_t)f->sum.size) != 0 || fdatasync(fd) != 0))
		rc = ctl_fail(EXIT_FAILED, "%s/%s: %s", f->k->dir, f->name, strerror(errno));
	return rc;
}

static int
append(struct following *f, int64_t end)
{
	struct backup_file now = {.size = 0};
	int fd = openat(f->k->dirfd, f->name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return ctl_fail(EXIT_FAILED, "%s/%s: %s", f->k->dir, f->name, strerror(errno));
	rc = append_to(f, fd, end);
	close(fd);
	if (rc != EXIT_OK)
		return rc;
	memcpy(now.name, f->name, sizeof(now.name));
	now.size = f->sum.size;
	page_sum_text(&f->sum, now.sum);
	f->brought = true;
	return backup_note_followed(f->k->b, &now);
}

/* One file of the listing: that which was copied last, or one behind it. */
static int
bring(struct following *f, const struct backup_file *file)
{
	bool is_new = strcmp(f->name, file->name) != 0;
	int rc = EXIT_OK;

	if (!is_new && f->sum.size == file->size)
		return EXIT_OK;
	memcpy(f->name, file->name, sizeof(f->name));
	if (is_new || file->size < f->sum.size)
		rc = begin_file(f);
	return rc == EXIT_OK ? append(f, file->size) : rc;
}

/* A store that has less than what was brought is not the one that it was brought of. */
static int
check_store(const struct copying *k, const struct copy_state *now)
{
	if (!str_eqc(now->store, k->b->store))
		return ctl_fail(
		    EXIT_FAILED, "%s is of another store, or of this one before it was restored", k->dir);
	if (now->commit < k->b->commit || now->commit < k->b->followed_commit)
		return ctl_fail(EXIT_FAILED, "%s has commits that the store has not", k->dir);
	return EXIT_OK;
}

/* Those of the listing from the last one on, which is valid until the next call only: to be freed,
 * or NULL after having said why. */
static struct backup_file *
take_files(const struct following *f, const struct copied_file_list *list, size_t *n)
{
	struct backup_file *todo = calloc(list->n + 1, sizeof(*todo));

	*n = 0;
	for (size_t i = 0; todo != NULL && i < list->n; i++) {
		snprintf(todo[*n].name, sizeof(todo[*n].name), "%.*s", (int)list->v[i].name.n,
		    list->v[i].name.p);
		todo[*n].size = list->v[i].size;
		*n += strcmp(todo[*n].name, f->name) >= 0;
	}
	if (todo == NULL)
		ctl_fail(EXIT_FAILED, "out of memory");
	return todo;
}

static int
follow_once(struct following *f)
{
	struct copying *k = f->k;
	struct backup_file *todo;
	struct ctl_reply r;
	int64_t commit;
	size_t n;
	int rc = copy_list(k, ctl_command_COPY_LOG, f->name, &r);

	if (rc != EXIT_OK || (rc = check_store(k, &r.copy)) != EXIT_OK)
		return rc;
	/* Before it the listing was not made, so the files have it. */
	commit = r.copy.commit;
	if ((todo = take_files(f, &r.copy.files, &n)) == NULL)
		return EXIT_FAILED;
	if (n == 0 || strcmp(todo[0].name, f->name) != 0)
		rc = removed(f->name);
	if (rc == EXIT_OK && f->breaks != k->c->link.breaks) {
		f->breaks = k->c->link.breaks;
		rc = begin_file(f);
	}
	for (size_t i = 0; rc == EXIT_OK && i < n; i++)
		rc = bring(f, &todo[i]);
	free(todo);
	/* What was committed while the listing was made is in the files, but not yet in its number. */
	if (rc != EXIT_OK || (!f->brought && commit == k->b->followed_commit))
		return rc;
	f->brought = false;
	k->b->followed_commit = commit;
	return backup_write_followed(k->b, k->dirfd, k->dir);
}

int
follow(struct copying *k)
{
	struct following f = {.k = k, .breaks = k->c->link.breaks};
	int rc;

	/* Two would write FOLLOWED in turn. A file system that knows no locks has none. */
	if (flock(k->dirfd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return ctl_fail(EXIT_FAILED, "%s is followed already", k->dir);
	k->follows = true;
	backup_last_log(k->dirfd, f.name);
	rc = begin_file(&f);
	progress_begin("followed", 0);
	while (rc == EXIT_OK && !backup_stopped()) {
		rc = follow_once(&f);
		if (rc == EXIT_OK && !backup_stopped())
			nanosleep(&(struct timespec){FOLLOW_S, 0}, NULL);
	}
	progress_end();
	return rc;
}

int
follow_check(struct copying *k)
{
	struct ctl_reply r;
	int rc = k->c->follow ? copy_list(k, ctl_command_COPY_LOG, "", &r) : EXIT_OK;

	if (rc != EXIT_OK || !k->c->follow || r.copy.files.n > 0)
		return rc;
	return ctl_fail(EXIT_FAILED, "the engine \"%.*s\" has no log that --follow could follow",
	    (int)r.copy.engine.n, r.copy.engine.p);
}
