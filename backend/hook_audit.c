/* SPDX-License-Identifier: ISC */
/* The user's own part of the audit log, newest first, in pages: what was changed of the user's, and
 * what the user has changed. */
#include <sodium.h>

#include "backend/audit.h"
#include "backend/hooks.h"
#include "backend/when.h"
#include "common/sink.h"

enum { LIMIT = 50, LIMIT_MAX = 200 };

static struct str
digest_text(struct call *c, struct str digest)
{
	char *text = arena_alloc(c->m.a, 2 * digest.n + 1);

	if (text == NULL)
		return (struct str){NULL, 0};
	sodium_bin2hex(text, 2 * digest.n + 1, (const unsigned char *)digest.p, digest.n);
	return (struct str){text, 2 * digest.n};
}

static int
show(struct call *c, const struct audit_row *row)
{
	struct audit_entry e = {0};
	char time[WHEN_TEXT];

	REC_SET(&e, audit_entry, id, row->id);
	REC_SET(&e, audit_entry, time, when_text(row->time, 0, true, time));
	REC_SET(&e, audit_entry, via, row->via);
	REC_SET(&e, audit_entry, action, row->action);
	REC_SET(&e, audit_entry, record, row->record);
	REC_SET(&e, audit_entry, rows, row->rows);
	if (REC_HAS(row, audit_row, by))
		REC_SET(&e, audit_entry, by, row->by);
	if (REC_HAS(row, audit_row, from))
		REC_SET(&e, audit_entry, from, row->from);
	if (REC_HAS(row, audit_row, resource))
		REC_SET(&e, audit_entry, resource, row->resource);
	if (REC_HAS(row, audit_row, subject))
		REC_SET(&e, audit_entry, subject, row->subject);
	if (REC_HAS(row, audit_row, item))
		REC_SET(&e, audit_entry, item, row->item);
	if (REC_HAS(row, audit_row, before))
		REC_SET(&e, audit_entry, before, digest_text(c, row->before));
	if (REC_HAS(row, audit_row, after))
		REC_SET(&e, audit_entry, after, digest_text(c, row->after));
	mp_encode(&rec_audit_entry, &e, c->body, 0);
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

static int
audit(struct call *c)
{
	uint64_t *ids = arena_array(c->m.a, LIMIT_MAX + 1, sizeof(*ids));
	int64_t limit = LIMIT, before = 0;
	struct audit_row row;
	size_t n;

	if (ids == NULL)
		return err_set(c->m.e, ERR_TOO_LARGE, NULL);
	/* One more than the page has: now it is known whether there is another. */
	if (call_query_number(c, "limit", 1, LIMIT_MAX, &limit) != 0 ||
	    call_query_number(c, "before", 1, INT64_MAX, &before) != 0 ||
	    audit_of_user(&c->m, c->who->id, (uint64_t)before, ids, (size_t)limit + 1, &n) != 0)
		return -1;
	for (size_t i = 0; i < n && i < (size_t)limit; i++) {
		int rc = audit_get(&c->m, ids[i], &row);

		if (rc < 0 || (rc == 1 && show(c, &row) != 0))
			return -1;
	}
	if (n <= (size_t)limit)
		return 0;
	c->location = arena_printf(
	    c->m.a, "?limit=%lld&before=%llu", (long long)limit, (unsigned long long)ids[limit - 1]);
	return c->location.p != NULL ? 0 : err_set(c->m.e, ERR_TOO_LARGE, NULL);
}

const struct hooks hooks_audit = {.custom = audit};
