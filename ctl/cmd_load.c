/* SPDX-License-Identifier: ISC */
/*
 * load: a file is read and checked whole before a row is sent, and applied whole or not at all; but
 * for records of calls that have ended, of which there may be millions. They are applied behind
 * everything else, some thousand at a time, and are read a second time for it. A row that is loaded
 * again changes nothing, so that a load that was broken off is simply repeated.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/records.h"
#include "common/sink.h"
#include "common/tree.h"
#include "ctl/ctl.h"
#include "ctl/dump_sum.h"
#include "ctl/piece_sums.h"
#include "ctl/progress.h"
#include "ctl/row.h"

enum {
	BATCH_ROWS = 200,
	BATCH_BYTES = 512 * 1024,
	LINE_MAX_BYTES = 8 * 1024 * 1024,
	LINE_ARENA = 64 * 1024 * 1024,
	FILE_ARENA = 600 * 1024 * 1024, /* what the backend keeps of a load, and its names */
	PIECE_ROWS = 5000               /* calls in one transaction */
};

#define CHANGED "the file was changed after it had been checked: load it again"

struct rows {
	const char *file;
	struct stored_row *v;
	size_t n, size;
	struct arena arena;
	size_t applied;
};

/* What becomes of a row of the file. */
struct reading {
	struct rows *rows;
	FILE *f;    /* open for both times: its name may be another file's by then */
	off_t from; /* where the rows begin */
	bool again; /* seekable: calls are passed over the first time, everything else the second */
	bool is_second;
	size_t calls;
	struct piece_sums pieces;   /* of the calls, as they were checked */
	struct ctl *c;              /* the second time: where pieces go */
	const struct dump_key *key; /* that has to have signed it, or NULL */
};

static int apply(struct ctl *c, struct rows *rows);
static int apply_piece(struct reading *rd, int64_t line);

static bool
is_call(const struct stored_row *row)
{
	return row->kind == rec_call_record.store || row->kind == rec_known_call.store;
}

static int
refused(const char *file, int64_t line, const char *field, const char *what)
{
	const char *name = strcmp(file, "-") == 0 ? "standard input" : file;

	if (line == 0)
		return ctl_fail(EXIT_FAILED, "%s: %s", name, what);
	return ctl_fail(EXIT_FAILED, "%s:%lld: %s%s%s", name, (long long)line, field,
	    field[0] != '\0' ? ": " : "", what);
}

static int
keep(struct rows *rows, const struct stored_row *row, int64_t line)
{
	struct stored_row *to;

	if (rows->n == rows->size) {
		size_t want = rows->size == 0 ? 1024 : rows->size * 2;
		struct stored_row *v = realloc(rows->v, want * sizeof(*v));

		if (v == NULL)
			return -1;
		rows->v = v;
		rows->size = want;
	}
	to = &rows->v[rows->n];
	*to = *row;
	REC_SET(to, stored_row, line, line);
	if (REC_HAS(row, stored_row, owner))
		to->owner = arena_copy(&rows->arena, row->owner);
	to->body = arena_copy(&rows->arena, row->body);
	if (to->body.p == NULL || (REC_HAS(row, stored_row, owner) && to->owner.p == NULL))
		return -1;
	rows->n++;
	return 0;
}

static void
forget(struct rows *rows)
{
	arena_wipe(&rows->arena);
	rows->n = 0;
}

/* A call that is passed over the first time: what it was is kept. */
static int
note_call(struct reading *rd, struct str text, int64_t line)
{
	rd->calls++;
	return piece_add(&rd->pieces, text) < PIECE_ROWS || piece_keep(&rd->pieces) == 0
	    ? EXIT_OK
	    : refused(rd->rows->file, line, "", "out of memory");
}

/* Keeps a row, or passes it over this time. `text`: its line. */
static int
take(struct reading *rd, const struct stored_row *row, struct str text, int64_t line)
{
	bool call = is_call(row);

	if (call && rd->again && !rd->is_second)
		return note_call(rd, text, line);
	if (rd->is_second && !call)
		return EXIT_OK;
	if (keep(rd->rows, row, line) != 0)
		return refused(rd->rows->file, line, "",
		    call ? "that many calls are loaded from a file alone, not from standard input"
		         : "the file is too large for one load");
	return rd->is_second && piece_add(&rd->pieces, text) == PIECE_ROWS ? apply_piece(rd, line)
	                                                                   : EXIT_OK;
}

static int
read_line(struct reading *rd, struct str text, int64_t line)
{
	struct rows *rows = rd->rows;
	struct arena a;
	struct stored_row row;
	struct row_fault fault;
	int rc = EXIT_OK;

	text = str_trim(text);
	if (text.n == 0 || text.p[0] == '#')
		return EXIT_OK;
	if (text.n > LINE_MAX_BYTES)
		return refused(rows->file, line, "", "the line is too long");
	arena_init(&a, LINE_ARENA);
	if (row_read(text, &row, &a, &fault) != 0)
		rc = refused(rows->file, line, fault.field, err_text(&fault.err));
	else
		rc = take(rd, &row, text, line);
	arena_wipe(&a);
	return rc;
}

static int
read_lines(struct reading *rd, FILE *f)
{
	struct rows *rows = rd->rows;
	struct stat st = {0};
	char *text = NULL;
	size_t size = 0;
	ssize_t n = 0;
	int64_t line = 0, bytes = 0;
	struct dump_sum sum = {.begun = false};
	struct err e = {0};
	int rc = EXIT_OK;

	if (!rd->is_second)
		rd->again =
		    fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && (rd->from = ftello(f)) >= 0;
	/* The second time each piece shows how far it is. */
	if (!rd->is_second)
		progress_begin("checking", rd->again ? (int64_t)st.st_size : 0);
	while (rc == EXIT_OK && (n = getline(&text, &size, f)) >= 0) {
		rc = read_line(rd, (struct str){text, (size_t)n}, ++line);
		if (rc == EXIT_OK && !rd->is_second &&
		    dump_sum_line(&sum, (struct str){text, (size_t)n}, line == 1, &e) != 0)
			rc = refused(rows->file, line, "", err_text(&e));
		if (!rd->is_second)
			progress_to(bytes += n);
	}
	if (!rd->is_second)
		progress_end();
	if (rc == EXIT_OK && ferror(f))
		rc = refused(rows->file, 0, "", strerror(errno));
	if (rc == EXIT_OK && !rd->is_second && dump_sum_done(&sum, rd->key, &e) != 0)
		rc = refused(rows->file, 0, "", err_text(&e));
	/* A password's hash may be in it. */
	if (text != NULL)
		explicit_bzero(text, size);
	free(text);
	return rc;
}

static int
check_file(struct reading *rd)
{
	int rc = read_lines(rd, rd->f);

	return rc == EXIT_OK && piece_keep(&rd->pieces) != 0
	    ? refused(rd->rows->file, 0, "", "out of memory")
	    : rc;
}

/* Says what the backend found, in the words of the file. */
static int
answer(const struct rows *rows, const struct ctl_reply *r)
{
	struct err e;
	char field[256] = "";

	if (r->code == ERR_OK)
		return EXIT_OK;
	ctl_error_of(r, &e);
	if (REC_HAS(r, ctl_reply, kind))
		row_path(r->kind, e.path, e.depth, field, sizeof(field));
	return refused(rows->file, REC_HAS(r, ctl_reply, line) ? r->line : 0, field, err_text(&e));
}

/* How many rows from `from` go into one message. */
static size_t
batch(const struct rows *rows, size_t from)
{
	size_t n = 0, bytes = 0;

	while (from + n < rows->n && n < BATCH_ROWS) {
		bytes += rows->v[from + n].body.n + rows->v[from + n].owner.n;
		if (n > 0 && bytes > BATCH_BYTES)
			break;
		n++;
	}
	return n;
}

static int
send_rows(struct ctl *c, const struct rows *rows)
{
	struct ctl_reply r;
	int rc = EXIT_OK;

	progress_begin("sending", (int64_t)rows->n);
	for (size_t at = 0, n; rc == EXIT_OK && at < rows->n; at += n) {
		struct ctl_request q = {0};

		n = batch(rows, at);
		REC_SET(&q, ctl_request, command, ctl_command_LOAD_ROWS);
		/* How many it has: another load may have taken the place of this one. */
		REC_SET(&q, ctl_request, at, (int64_t)at);
		REC_SET(&q, ctl_request, rows, ((struct stored_row_list){rows->v + at, n}));
		if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) == EXIT_OK)
			rc = answer(rows, &r);
		progress_to((int64_t)(at + n));
	}
	progress_end();
	return rc;
}

static int
commit(struct ctl *c, const struct rows *rows)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int rc;

	REC_SET(&q, ctl_request, command, ctl_command_LOAD_COMMIT);
	if (c->dry_run)
		REC_SET(&q, ctl_request, dry_run, true);
	progress_begin("applying", (int64_t)rows->n);
	rc = ctl_call(c, &q, &r, LINK_COMMIT_MS);
	progress_end();
	return rc == EXIT_OK ? answer(rows, &r) : rc;
}

static void
report(struct ctl *c, size_t n)
{
	if (c->json)
		buf_printf(&c->out, "{\"rows\":%zu,\"applied\":%s}\n", n, c->dry_run ? "false" : "true");
	else if (c->dry_run)
		buf_printf(&c->out, "%zu rows checked, nothing applied\n", n);
	else
		buf_printf(&c->out, "%zu rows applied\n", n);
}

/* What is kept, in one transaction. */
static int
apply(struct ctl *c, struct rows *rows)
{
	int rc = rows->n == 0 ? EXIT_OK : send_rows(c, rows);

	if (rc == EXIT_OK && rows->n > 0)
		rc = commit(c, rows);
	rows->applied += rows->n;
	forget(rows);
	return rc;
}

/* Calls that are read a second time, if they are what was checked, and signed, the first time. */
static int
apply_piece(struct reading *rd, int64_t line)
{
	return piece_matches(&rd->pieces) ? apply(rd->c, rd->rows)
	                                  : refused(rd->rows->file, line, "", CHANGED);
}

/* A dry run has looked at the calls; whose they are only the backend knows, when the users of the
 * same file are there. */
static int
apply_calls(struct ctl *c, struct reading *rd)
{
	int rc;

	if (rd->calls == 0)
		return EXIT_OK;
	if (c->dry_run) {
		rd->rows->applied += rd->calls;
		return EXIT_OK;
	}
	rd->is_second = true;
	if (fseeko(rd->f, rd->from, SEEK_SET) != 0)
		return refused(rd->rows->file, 0, "", strerror(errno));
	if ((rc = read_lines(rd, rd->f)) == EXIT_OK && (rc = apply_piece(rd, 0)) == EXIT_OK &&
	    !piece_all_matched(&rd->pieces))
		rc = refused(rd->rows->file, 0, "", CHANGED);
	return rc;
}

static int
load(struct ctl *c, const struct dump_key *key)
{
	struct rows rows = {.file = c->args[0]};
	struct reading rd = {.rows = &rows, .c = c, .key = key};
	int rc;

	rd.f = strcmp(rows.file, "-") == 0 ? stdin : fopen(rows.file, "re");
	if (rd.f == NULL)
		return refused(rows.file, 0, "", strerror(errno));
	text_init();
	arena_init(&rows.arena, FILE_ARENA);
	rc = check_file(&rd);
	if (rc == EXIT_OK && (rows.n > 0 || rd.calls > 0)) {
		if ((rc = ctl_connect(c)) == EXIT_OK && (rc = apply(c, &rows)) == EXIT_OK)
			rc = apply_calls(c, &rd);
	}
	if (rc == EXIT_OK)
		report(c, rows.applied);
	if (rd.f != stdin)
		fclose(rd.f);
	piece_free(&rd.pieces);
	arena_wipe(&rows.arena);
	free(rows.v);
	return rc;
}

int
cmd_load(struct ctl *c)
{
	struct dump_key *key = NULL;
	struct err e;
	int rc;

	if (c->signed_by != NULL && (key = dump_key_read(c->signed_by, true, &e)) == NULL)
		return ctl_fail(EXIT_FAILED, "%s", err_text(&e));
	rc = load(c, key);
	dump_key_free(key);
	return rc;
}
