/* SPDX-License-Identifier: ISC */
/* The audit log for tandemctl, part by part: the bytes that were hashed, and the seals over them.
 */
#include <string.h>

#include "backend/audit.h"
#include "backend/control.h"
#include "backend/key.h"

/* A seal for each row, and one that shows that rows behind the last one are missing. */
enum { PART_ROWS = 512, PART_SEALS = PART_ROWS + 1, PART_BYTES = 512 * 1024 };

struct part {
	struct model *m;
	struct audit_part *to;
	uint64_t from; /* number that its first row has to have */
	size_t bytes;
	bool full, failed;
};

static int
add_row(void *arg, uint64_t id, struct str stored)
{
	struct part *p = arg;
	struct audit_line *line = &p->to->lines.v[p->to->lines.n];

	p->full = p->to->lines.n == PART_ROWS || p->bytes > PART_BYTES;
	if (p->full)
		return 1;
	stored = arena_copy(p->m->a, stored);
	p->failed = stored.p == NULL;
	if (p->failed)
		return 1;
	REC_SET(line, audit_line, id, (int64_t)id);
	REC_SET(line, audit_line, hash, ((struct str){stored.p, AUDIT_HASH}));
	REC_SET(line, audit_line, body, ((struct str){stored.p + AUDIT_HASH, stored.n - AUDIT_HASH}));
	p->bytes += stored.n;
	p->to->lines.n++;
	return 0;
}

/* Seals over rows of other parts are not wanted here; what is behind the last part has seals over
 * rows that are missing. */
static int
add_seal(void *arg, const struct audit_seal *seal)
{
	struct part *p = arg;
	struct audit_line_list *lines = &p->to->lines;
	struct audit_seal_line *line = &p->to->seals.v[p->to->seals.n];
	struct str bytes;

	if (seal->number < p->from || (p->full && seal->number > (uint64_t)lines->v[lines->n - 1].id))
		return 0;
	if (p->to->seals.n == PART_SEALS)
		return 1;
	bytes = arena_copy(p->m->a, (struct str){(const char *)seal, sizeof(*seal)});
	p->failed = bytes.p == NULL;
	if (p->failed)
		return 1;
	REC_SET(line, audit_seal_line, id, (int64_t)seal->number);
	REC_SET(line, audit_seal_line, time, seal->time);
	REC_SET(line, audit_seal_line, hash,
	    ((struct str){bytes.p + offsetof(struct audit_seal, hash), AUDIT_HASH}));
	REC_SET(line, audit_seal_line, signature,
	    ((struct str){bytes.p + offsetof(struct audit_seal, signature), AUDIT_SIGNATURE}));
	p->to->seals.n++;
	return 0;
}

/* Where a part begins: the number of the last row of the one before, as eight bytes. */
static uint64_t
mark_of(const struct job *j)
{
	return REC_HAS(&j->ctl, ctl_request, after) ? key_rest_id(j->ctl.after) : 0;
}

int
control_audit(struct job *j, struct model *m)
{
	struct audit_part *to = &j->ctl_reply->audit;
	struct part p = {.m = m, .to = to};
	struct audit_head *head = arena_alloc(m->a, sizeof(*head));
	char *mark = arena_alloc(m->a, 8);
	const char *public_key = (const char *)auth_audit_key(j->be->auth);

	to->lines.v = arena_array(m->a, PART_ROWS, sizeof(*to->lines.v));
	to->seals.v = arena_array(m->a, PART_SEALS, sizeof(*to->seals.v));
	if (head == NULL || mark == NULL || to->lines.v == NULL || to->seals.v == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	if (audit_head_get(m, head) != 0)
		return -1;
	p.from = mark_of(j) >= head->oldest ? mark_of(j) + 1 : head->oldest;
	if (audit_rows(m, mark_of(j), add_row, &p) != 0 || audit_seals(m, add_seal, &p) != 0)
		return -1;
	if (p.failed)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	REC_SET(to, audit_part, oldest, (int64_t)head->oldest);
	REC_SET(to, audit_part, newest, (int64_t)head->newest);
	REC_SET(to, audit_part, before, ((struct str){(char *)head->before, AUDIT_HASH}));
	REC_SET(to, audit_part, public_key, ((struct str){public_key, AUDIT_PUBLIC_KEY}));
	to->has |= REC_BIT(audit_part, lines) | REC_BIT(audit_part, seals);
	j->ctl_reply->has |= REC_BIT(ctl_reply, audit);
	if (p.full) {
		key_number(mark, (uint64_t)to->lines.v[to->lines.n - 1].id, 8);
		REC_SET(j->ctl_reply, ctl_reply, after, ((struct str){mark, 8}));
	}
	return 0;
}
