/* SPDX-License-Identifier: ISC */
/*
 * dump: every row, in the order of the backend's keys. That is a loadable order: the system's
 * rows first, then each user and group before what is theirs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/dump_sum.h"
#include "ctl/progress.h"
#include "ctl/row.h"
#include "ctl/term.h"

enum { LINE_SIZE_MAX = 16 * 1024 * 1024, ROW_ARENA = 16 * 1024 * 1024, MARK_MAX = 1024 };

/* Where the rows go. A file gets its name only when it is complete. */
struct target {
	const char *file;
	char part[4096]; /* "" = written in place */
	FILE *f;
	struct dump_sum sum;
};

static int
open_target(struct target *t, const char *file)
{
	struct stat st;
	int fd;

	*t = (struct target){.file = file, .f = stdout};
	if (strcmp(file, "-") == 0)
		return EXIT_OK;
	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode)) {
		t->f = fopen(file, "we");
	} else {
		if ((size_t)snprintf(t->part, sizeof(t->part), "%s.part-XXXXXX", file) >= sizeof(t->part))
			return ctl_fail(EXIT_FAILED, "the name of the file is too long");
		/* Mode 0600: hashes of passwords are in it. */
		fd = mkstemp(t->part);
		t->f = fd >= 0 ? fdopen(fd, "w") : NULL;
	}
	return t->f != NULL ? EXIT_OK : ctl_fail(EXIT_FAILED, "%s: %s", file, strerror(errno));
}

static int
close_target(struct target *t, int rc)
{
	bool written = fflush(t->f) == 0 && !ferror(t->f);

	if (t->f != stdout) {
		if (t->part[0] != '\0')
			written = fsync(fileno(t->f)) == 0 && written;
		written = fclose(t->f) == 0 && written;
	}
	if (rc == EXIT_OK && written && t->part[0] != '\0')
		written = rename(t->part, t->file) == 0;
	if (rc == EXIT_OK && !written)
		rc = ctl_fail(EXIT_FAILED, "%s: cannot be written: %s", t->file, strerror(errno));
	if (rc != EXIT_OK && t->part[0] != '\0')
		unlink(t->part);
	return rc;
}

static int
write_text(struct target *t, struct str text)
{
	return fwrite(text.p, 1, text.n, t->f) == text.n
	    ? EXIT_OK
	    : ctl_fail(EXIT_FAILED, "%s: %s", t->file, strerror(errno));
}

/* The first line, or the last one behind so many rows. */
static int
write_edge(struct target *t, bool first, int64_t rows)
{
	struct buf line;
	int rc;

	buf_init(&line, 256);
	if (first)
		dump_sum_begin(&t->sum, &line);
	else
		dump_sum_end(&t->sum, rows, &line);
	rc = line.failed ? ctl_fail(EXIT_FAILED, "out of memory") : write_text(t, buf_str(&line));
	buf_free(&line);
	return rc;
}

static int
write_signature(struct target *t, const struct dump_key *k)
{
	struct buf line;
	struct err e;
	int rc;

	buf_init(&line, 256);
	rc = dump_sum_sign(&t->sum, k, &line, &e) != 0 ? ctl_fail(EXIT_FAILED, "%s", err_text(&e))
	    : line.failed                              ? ctl_fail(EXIT_FAILED, "out of memory")
	                                               : write_text(t, buf_str(&line));
	buf_free(&line);
	return rc;
}

static int
write_row(struct target *t, const struct stored_row *row)
{
	struct buf line, shown;
	struct arena a;
	struct err e;
	int rc = EXIT_OK;

	arena_init(&a, ROW_ARENA);
	buf_init(&line, LINE_SIZE_MAX);
	buf_init(&shown, LINE_SIZE_MAX);
	if (row_write(row, &line, &a, &e) != 0) {
		rc = ctl_fail(EXIT_FAILED, "%s", err_text(&e));
	} else {
		term_text(&shown, buf_str(&line));
		buf_addc(&shown, '\n');
		if (line.failed || shown.failed) {
			rc = ctl_fail(EXIT_FAILED, "out of memory");
		} else {
			dump_sum_add(&t->sum, buf_str(&shown));
			rc = write_text(t, buf_str(&shown));
		}
	}
	buf_wipe(&line);
	buf_wipe(&shown);
	arena_wipe(&a);
	return rc;
}

/* The rows behind *mark; the mark moves on, or becomes empty behind the last row. */
static int
part(struct ctl *c, struct target *t, struct buf *mark, int64_t *count)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int rc;

	REC_SET(&q, ctl_request, command, ctl_command_DUMP);
	if (mark->n > 0)
		REC_SET(&q, ctl_request, after, buf_str(mark));
	if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	if (r.code != ERR_OK)
		return ctl_refused(&r, NULL);
	for (size_t i = 0; rc == EXIT_OK && REC_HAS(&r, ctl_reply, rows) && i < r.rows.n; i++)
		rc = write_row(t, &r.rows.v[i]);
	*count += (int64_t)r.rows.n;
	buf_reset(mark);
	if (REC_HAS(&r, ctl_reply, after))
		buf_addstr(mark, r.after);
	return rc;
}

static int
dump(struct ctl *c, const struct dump_key *key)
{
	struct target t;
	struct buf mark;
	int64_t count = 0;
	int rc;

	if ((rc = ctl_connect(c)) != EXIT_OK ||
	    (rc = open_target(&t, c->arg_count > 0 ? c->args[0] : "-")) != EXIT_OK)
		return rc;
	buf_init(&mark, MARK_MAX);
	progress_begin("rows", 0);
	/* Rows on the terminal show well enough how far it has come. */
	if (isatty(fileno(t.f)) == 1)
		progress_end();
	rc = write_edge(&t, true, 0);
	while (rc == EXIT_OK) {
		rc = part(c, &t, &mark, &count);
		progress_to(count);
		if (mark.n == 0)
			break;
	}
	progress_end();
	if (rc == EXIT_OK)
		rc = write_edge(&t, false, count);
	if (rc == EXIT_OK && key != NULL)
		rc = write_signature(&t, key);
	buf_free(&mark);
	return close_target(&t, rc);
}

int
cmd_dump(struct ctl *c)
{
	struct dump_key *key = NULL;
	struct err e;
	int rc;

	if (c->sign != NULL)
		ctl_no_core_file();
	if (c->sign != NULL && (key = dump_key_read(c->sign, false, &e)) == NULL)
		return ctl_fail(EXIT_FAILED, "%s", err_text(&e));
	rc = dump(c, key);
	dump_key_free(key);
	return rc;
}
