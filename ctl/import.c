/* SPDX-License-Identifier: ISC */
#include "ctl/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mp.h"
#include "common/records.h"
#include "common/sink.h"
#include "ctl/progress.h"
#include "ctl/row.h"
#include "ctl/term.h"

enum { BATCH_ARENA = 32 * 1024 * 1024, BODY_MAX = 256 * 1024 };

int
import_open(struct import *im, struct ctl *c)
{
	struct stat st = {0};
	int fd;

	*im = (struct import){.c = c, .file = c->args[0], .fd = STDIN_FILENO};
	arena_init(&im->arena, BATCH_ARENA);
	if (strcmp(im->file, "-") != 0 && (im->fd = open(im->file, O_RDONLY | O_CLOEXEC)) < 0)
		return ctl_fail(EXIT_FAILED, "%s: %s", im->file, strerror(errno));
	fd = fstat(im->fd, &st);
	progress_begin("importing", fd == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : 0);
	return EXIT_OK;
}

long
import_read(void *arg, char *p, size_t n)
{
	struct import *im = arg;
	ssize_t got;

	do
		got = read(im->fd, p, n);
	while (got < 0 && errno == EINTR);
	im->taken += got > 0 ? got : 0;
	return got;
}

static void
say_summary(struct import *im, int rc)
{
	const size_t *n = im->count;
	size_t rows = n[0] + n[1] + n[2] + n[3];

	/* What failed before the first row has been said already. */
	if (rc != EXIT_OK && rows == 0)
		return;
	if (im->c->json)
		buf_printf(&im->c->out,
		    "{\"rows\":%zu,\"added\":%zu,\"updated\":%zu,\"same\":%zu,\"refused\":%zu,"
		    "\"applied\":%s}\n",
		    rows, n[0], n[1], n[2], n[3], im->c->dry_run ? "false" : "true");
	else
		buf_printf(&im->c->out, "%zu rows: %zu added, %zu updated, %zu the same, %zu refused%s\n",
		    rows, n[0], n[1], n[2], n[3], im->c->dry_run ? "; nothing was kept" : "");
}

/* The report goes out whatever the end; a bar and a report on one terminal take turns. */
static void
print(struct import *im, bool at_end)
{
	struct buf *out = &im->c->out;

	if (!at_end && isatty(STDOUT_FILENO) == 1)
		return;
	if (out->n > 0 && !out->failed)
		fwrite(out->p, 1, out->n, stdout);
	if (!out->failed)
		buf_reset(out);
}

int
import_close(struct import *im, int rc)
{
	progress_end();
	say_summary(im, rc);
	print(im, true);
	arena_wipe(&im->arena);
	if (im->fd > STDIN_FILENO)
		close(im->fd);
	return rc == EXIT_OK && im->count[import_outcome_REFUSED] > 0 ? EXIT_FAILED : rc;
}

void
import_say(struct import *im, const struct import_row *row, enum import_outcome outcome,
    const char *field, const char *why)
{
	struct buf *out = &im->c->out, text;
	const char *word = enum_text(&enum_import_outcome, (int)outcome);
	bool has_field = field != NULL && field[0] != '\0';

	im->count[outcome]++;
	if (!im->c->json) {
		buf_printf(out, "line %zu: %s", row->line, word);
		if (row->what.n > 0) {
			buf_addc(out, ' ');
			term_text(out, row->what);
		}
		if (why != NULL) {
			buf_adds(out, has_field ? ": " : "");
			term_text(out, str_c(has_field ? field : ""));
			buf_adds(out, ": ");
			term_text(out, str_c(why));
		}
		buf_addc(out, '\n');
		return;
	}
	buf_init(&text, 64 * 1024);
	buf_printf(&text, "{\"line\":%zu,\"outcome\":\"%s\"", row->line, word);
	if (has_field) {
		buf_adds(&text, ",\"field\":");
		json_text(&text, str_c(field));
	}
	if (why != NULL) {
		buf_adds(&text, ",\"reason\":");
		json_text(&text, str_c(why));
	}
	buf_addc(&text, '}');
	term_text(out, buf_str(&text));
	buf_addc(out, '\n');
	buf_free(&text);
}

void
import_note(struct import *im, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctl_fail(EXIT_OK, "%s: %s", im->file, text);
}

static int
read_head(struct import *im, struct import_map *map, const char *required, struct csv *csv)
{
	struct str_list head;
	struct str name, rest = str_c(required);
	struct err e = {0};
	int rc = csv_next(csv, &head, &e);

	if (rc <= 0)
		return ctl_fail(
		    EXIT_FAILED, "%s: %s", im->file, rc < 0 ? err_text(&e) : "there are no columns");
	if (import_map_columns(map, &head, im->c->maps, im->c->map_count, &e) != 0)
		return ctl_fail(EXIT_USAGE, "%s", err_text(&e));
	for (size_t i = 0; i < head.n; i++)
		if (!map->known[i])
			import_note(im, "the column \"%.*s\" is not known and not read",
			    (int)(head.v[i].n < 200 ? head.v[i].n : 200), head.v[i].p);
	for (size_t i = 0; i < map->n; i++)
		if (map->column_of[i] >= 0 && map->fields[i].unread != NULL)
			import_note(im, "the column of %s %s", map->fields[i].name, map->fields[i].unread);
	while (rest.n > 0) {
		str_cut(rest, '|', &name, &rest);
		if (!import_map_has(map, name))
			return ctl_fail(
			    EXIT_FAILED, "%s: no column is %.*s (see --map)", im->file, (int)name.n, name.p);
	}
	return EXIT_OK;
}

/* After what stands before it, so that the report is in the order of the file. */
static int
refuse_unread(struct import *im, const struct import_row *row, const struct err *e)
{
	int rc = import_flush(im);

	import_say(im, row, import_outcome_REFUSED, NULL, strchr(err_text(e), ':') + 2);
	return rc;
}

int
import_csv(struct import *im, struct import_map *map, const char *required, import_row_fn *row)
{
	static struct csv csv;
	struct str_list values;
	struct err e = {0};
	int rc, got;

	if (csv_open(&csv, import_read, im, &e) != 0)
		rc = ctl_fail(EXIT_FAILED, "%s: %s", im->file, err_text(&e));
	else
		rc = read_head(im, map, required, &csv);
	while (rc == EXIT_OK && (got = csv_next(&csv, &values, &e)) != 0) {
		struct import_row about = {.line = csv.line};

		if (got < 0 && e.code == ERR_UNAVAILABLE)
			rc = ctl_fail(EXIT_FAILED, "%s: %s", im->file, err_text(&e));
		else if (got < 0)
			rc = refuse_unread(im, &about, &e);
		else
			rc = row(im, map, &values, csv.line);
		progress_to(im->taken);
	}
	csv_close(&csv);
	return rc == EXIT_OK ? import_flush(im) : rc;
}

int
import_connect(struct import *im)
{
	int rc = im->connected ? EXIT_OK : ctl_connect(im->c);

	im->connected = rc == EXIT_OK;
	return rc;
}

static void
say_result(struct import *im, size_t i, const struct import_result *r)
{
	int32_t path[ERR_PATH_MAX];
	size_t depth = 0;
	char field[256] = "", why[ERR_TEXT_MAX + 1] = "";

	if (r->outcome != import_outcome_REFUSED) {
		import_say(im, &im->about[i], (enum import_outcome)r->outcome, NULL, NULL);
		return;
	}
	for (; REC_HAS(r, import_result, path) && depth < r->path.n && depth < ERR_PATH_MAX; depth++)
		path[depth] = (int32_t)r->path.v[depth];
	row_path(im->rows[i].kind, path, depth, field, sizeof(field));
	if (REC_HAS(r, import_result, message))
		snprintf(why, sizeof(why), "%.*s", (int)r->message.n, r->message.p);
	import_say(im, &im->about[i], import_outcome_REFUSED, field, why);
}

int
import_flush(struct import *im)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int rc;

	if (im->n == 0)
		return EXIT_OK;
	if ((rc = import_connect(im)) != EXIT_OK)
		return rc;
	REC_SET(&q, ctl_request, command, ctl_command_IMPORT_ENTRIES);
	REC_SET(&q, ctl_request, rows, ((struct stored_row_list){im->rows, im->n}));
	if (im->c->dry_run)
		REC_SET(&q, ctl_request, dry_run, true);
	if ((rc = ctl_call(im->c, &q, &r, LINK_COMMIT_MS)) != EXIT_OK)
		return rc;
	if (r.code != ERR_OK)
		return ctl_refused(&r, NULL);
	if (!REC_HAS(&r, ctl_reply, results) || r.results.n != im->n)
		return ctl_fail(EXIT_FAILED, "the backend's answer does not fit");
	for (size_t i = 0; i < im->n; i++)
		say_result(im, i, &r.results.v[i]);
	print(im, false);
	im->n = 0;
	im->bytes = 0;
	arena_free(&im->arena);
	return EXIT_OK;
}

int
import_add(struct import *im, int64_t kind, const void *obj, struct import_row about)
{
	struct stored_row *row = &im->rows[im->n];
	bool is_user = im->c->user != NULL;
	struct buf body;
	int rc = EXIT_OK;

	buf_init(&body, BODY_MAX);
	mp_encode(record_by_store((uint16_t)kind), obj, &body, ENCODE_SECRETS);
	memset(row, 0, sizeof(*row));
	REC_SET(row, stored_row, kind, kind);
	REC_SET(row, stored_row, owner_type, is_user ? owner_type_USER : owner_type_BOOK);
	REC_SET(row, stored_row, owner, str_c(is_user ? im->c->user : im->c->book));
	REC_SET(row, stored_row, body, arena_copy(&im->arena, buf_str(&body)));
	about.what = arena_copy(&im->arena, about.what);
	if (body.failed || row->body.p == NULL || about.what.p == NULL) {
		rc = import_flush(im);
		import_say(im, &about, import_outcome_REFUSED, NULL, "the row is too long");
	} else {
		im->about[im->n++] = about;
		im->bytes += row->body.n;
	}
	buf_wipe(&body);
	if (rc == EXIT_OK && (im->n == IMPORT_BATCH || im->bytes > IMPORT_BATCH_BYTES))
		rc = import_flush(im);
	return rc;
}
