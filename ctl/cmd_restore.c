/* SPDX-License-Identifier: ISC */
/* restore and verify: what can be done with a backup. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/backup.h"
#include "ctl/offline.h"
#include "ctl/term.h"

/* RFC 3339 in whole seconds, "Z" or an offset: seconds since 1970, or -1. */
static int64_t
parse_time(const char *text)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours, minutes;
	int64_t t;
	char sign;

	if (rest == NULL)
		return -1;
	t = timegm(&tm);
	if (strcmp(rest, "Z") == 0)
		return t;
	if (strlen(rest) != 6 || sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3 ||
	    (sign != '+' && sign != '-') || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -1;
	return t - (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
}

static bool
has_log(const struct backup *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (strncmp(b->files[i].name, "log.", 4) == 0)
			return true;
	return false;
}

static int
read_until(const struct ctl *c, const struct backup *b, int64_t *until)
{
	char text[TERM_TIME];

	*until = 0;
	if (c->to == NULL)
		return EXIT_OK;
	if ((*until = parse_time(c->to)) <= 0)
		return ctl_usage("--to takes a time as 2026-12-31T23:59:59Z or with an offset");
	term_time(b->ended, text);
	if (!has_log(b))
		return ctl_fail(EXIT_FAILED,
		    "the engine \"%s\" has no log: the backup has what was there at %s, and no other time",
		    b->engine, text);
	/* The tables were copied until then, and have no way back. */
	return *until >= b->ended
	    ? EXIT_OK
	    : ctl_fail(EXIT_FAILED, "the backup was made at %s and has nothing older", text);
}

static bool
has_keys(const struct backup *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->files[i].name, BACKUP_KEYS) == 0)
			return true;
	return false;
}

/* The backend would not open what is restored. */
static int
check_engine(const struct ctl *c, const struct backup *b)
{
	return strcmp(c->conf.backend_engine, b->engine) == 0
	    ? EXIT_OK
	    : ctl_fail(EXIT_FAILED,
	          "the backup is of the engine \"%s\", and backend.engine is \"%s\": restore it with "
	          "the "
	          "backup's, and then use migrate",
	          b->engine, c->conf.backend_engine);
}

static int
restore(struct ctl *c, struct backup *b, int dirfd)
{
	const char *state = c->conf.backend_state;
	int64_t until, commit;
	bool begun, keys_made = false;
	int rc;

	if ((rc = check_engine(c, b)) != EXIT_OK || (rc = read_until(c, b, &until)) != EXIT_OK ||
	    (rc = offline_empty(state)) != EXIT_OK ||
	    (rc = backup_compare(b, dirfd, c->args[0])) != EXIT_OK)
		return rc;
	if (!c->without_keys && !has_keys(b))
		return ctl_fail(EXIT_FAILED, "the backup has no keys; --without-keys goes on without");
	if (!c->without_keys && (rc = backup_open_keys(c, dirfd, &keys_made)) != EXIT_OK)
		return rc;
	backup_catch();
	rc = backup_put(c, b, dirfd, state, &begun);
	if (rc == EXIT_OK)
		rc = backup_recover(c, b, state, until, &commit);
	if (rc != EXIT_OK && begun)
		offline_discard(state);
	if (rc != EXIT_OK && keys_made)
		(void)unlink(c->conf.backend_auth_keys);
	if (rc == EXIT_OK)
		buf_printf(&c->out, "restored with commit %lld\n", (long long)commit);
	return rc;
}

static int
verify(struct ctl *c, struct backup *b, int dirfd)
{
	char made[TERM_TIME];
	bool keys = has_keys(b);
	int64_t commit = 0;
	int rc = backup_compare(b, dirfd, c->args[0]);

	if (rc == EXIT_OK && c->passphrase_file != NULL)
		rc = keys ? backup_open_keys(c, dirfd, NULL)
		          : ctl_fail(EXIT_FAILED, "the backup has no keys");
	backup_catch();
	if (rc == EXIT_OK)
		rc = backup_try(c, b, dirfd, &commit);
	if (rc == EXIT_OK)
		buf_printf(&c->out,
		    "good: release %s, engine %s, made at %s, recovered with commit %lld, keys %s\n",
		    b->release, b->engine, term_time(b->ended, made), (long long)commit,
		    !keys                            ? "not in it"
		        : c->passphrase_file != NULL ? "opened"
		                                     : "sealed");
	return rc;
}

static int
with_backup(struct ctl *c, int (*then)(struct ctl *, struct backup *, int))
{
	const char *dir = c->args[0];
	struct backup *b = calloc(1, sizeof(*b));
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	struct err e = {0};

	if (sodium_init() < 0 || b == NULL)
		rc = ctl_fail(EXIT_FAILED, "out of memory");
	else if (dirfd < 0)
		rc = ctl_fail(EXIT_FAILED, "%s: %s", dir, strerror(errno));
	else if (ctl_read_conf(c, c->config, &e) != 0)
		rc = ctl_fail(EXIT_CONFIG, "%s", err_text(&e));
	else if ((rc = backup_read(b, dirfd, dir)) == EXIT_OK)
		rc = then(c, b, dirfd);
	if (dirfd >= 0)
		close(dirfd);
	backup_free(b);
	return rc;
}

int
cmd_restore(struct ctl *c)
{
	return with_backup(c, restore);
}

int
cmd_verify(struct ctl *c)
{
	return with_backup(c, verify);
}
