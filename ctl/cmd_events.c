/* SPDX-License-Identifier: ISC */
/* events: what provisioning systems have to carry out, oldest first. */
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "ctl/term.h"

enum { ROW_ARENA = 64 * 1024, LINE_SIZE_MAX = 16 * 1024 };

static int
add_line(struct ctl *c, const struct stored_row *row)
{
	struct buf line;
	struct arena a;
	struct err e = {0};
	int rc;

	arena_init(&a, ROW_ARENA);
	buf_init(&line, LINE_SIZE_MAX);
	rc = row_write(row, &line, &a, &e) == 0 ? EXIT_OK : ctl_fail(EXIT_FAILED, "%s", err_text(&e));
	if (rc == EXIT_OK) {
		term_text(&c->out, buf_str(&line));
		buf_addc(&c->out, '\n');
	}
	buf_free(&line);
	arena_free(&a);
	return rc;
}

int
cmd_events(struct ctl *c)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int64_t after = 0;
	char mark[8];
	int rc;

	if (c->arg_count > 0 && (!str_to_i64(str_c(c->args[0]), &after) || after < 0))
		return ctl_usage("not the number of an event: %s", c->args[0]);
	if ((rc = ctl_connect(c)) != EXIT_OK)
		return rc;
	do {
		for (int i = 0; i < 8; i++)
			mark[i] = (char)(unsigned char)((uint64_t)after >> (56 - 8 * i));
		REC_SET(&q, ctl_request, command, ctl_command_EVENTS);
		REC_SET(&q, ctl_request, after, ((struct str){mark, sizeof(mark)}));
		if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
			return rc;
		if (r.code != ERR_OK)
			return ctl_refused(&r, NULL);
		for (size_t i = 0; rc == EXIT_OK && i < r.rows.n; i++) {
			rc = add_line(c, &r.rows.v[i]);
			after = r.rows.v[i].item;
		}
	} while (rc == EXIT_OK && REC_HAS(&r, ctl_reply, after) && r.rows.n > 0);
	return rc;
}
