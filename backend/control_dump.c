/* SPDX-License-Identifier: ISC */
/*
 * Dump: every stored record as a row with its owner's name, in the order of the keys, which is one
 * that can be loaded; the records of calls that have ended come last, month by month.
 */
#include <string.h>

#include "backend/book.h"
#include "backend/cdr.h"
#include "backend/control.h"
#include "backend/key.h"
#include "common/sink.h"

enum { DUMP_ROWS = 256, DUMP_BYTES = 512 * 1024 };

struct dump {
	struct job *j;
	struct model *m;
	uint32_t owners[DUMP_ROWS];
	size_t bytes;
	uint32_t part; /* of the rows being read, where they are in one */
	struct str last;
	bool full, failed;
	bool unread; /* a row is of a later release */
};

/*
 * Where a dump goes on is the key of the last row, which begins with the number of a tenant. Behind
 * the tables come the partitions; their marks begin with a byte that no tenant's number has, and
 * the number of the partition.
 */
enum { PART_MARK = 0xff, PART_HEAD = 1 + 4 };

static bool
in_partition(struct str mark, uint32_t *part, struct str *key)
{
	if (mark.n < PART_HEAD || (unsigned char)mark.p[0] != PART_MARK)
		return false;
	*part = 0;
	for (size_t i = 1; i < PART_HEAD; i++)
		*part = *part << 8 | (unsigned char)mark.p[i];
	*key = (struct str){mark.p + PART_HEAD, mark.n - PART_HEAD};
	return true;
}

static struct str
part_mark(struct dump *d, struct str key)
{
	char *p = arena_alloc(d->m->a, PART_HEAD + key.n);

	if (p == NULL)
		return (struct str){NULL, 0};
	p[0] = (char)PART_MARK;
	for (size_t i = 0; i < 4; i++)
		p[1 + i] = (char)(d->part >> (24 - 8 * i));
	if (key.n > 0)
		memcpy(p + PART_HEAD, key.p, key.n);
	return (struct str){p, PART_HEAD + key.n};
}

static bool
is_full(struct dump *d, size_t more)
{
	const struct ctl_reply *r = d->j->ctl_reply;

	/* A row larger than a part goes alone. */
	d->full = r->rows.n == DUMP_ROWS || (r->rows.n > 0 && d->bytes + more > DUMP_BYTES);
	return d->full;
}

static int
unknown(struct dump *d, uint16_t kind)
{
	return err_set(d->m->e, ERR_INTERNAL, "a stored record of the kind %u is of a later release",
	    (unsigned)kind);
}

static int
dump_row(void *arg, struct str key, struct str val)
{
	struct dump *d = arg;
	struct ctl_reply *r = d->j->ctl_reply;
	struct stored_row *row = &r->rows.v[r->rows.n];
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;
	const struct rec *about;

	if (is_full(d, val.n))
		return 1;
	d->last = arena_copy(d->m->a, key);
	if (!key_split(key, &tenant, &owner, &kind, &rest) || model_is_aside(kind))
		return 0;
	if ((about = record_by_store(kind)) != NULL && (about->transient || val.n < 2))
		return 0;
	/* Without it the dump would not be all there is. */
	d->unread = about == NULL ? unknown(d, kind) != 0 : model_check(d->m, about, val) != 0;
	if (d->unread)
		return 1;
	REC_SET(row, stored_row, kind, kind);
	REC_SET(row, stored_row, body, arena_copy(d->m->a, ((struct str){val.p + 1, val.n - 1})));
	if (rest.n >= 8)
		REC_SET(row, stored_row, item, (int64_t)key_rest_id(rest));
	d->failed = row->body.p == NULL || d->last.p == NULL;
	d->owners[r->rows.n] = owner;
	d->bytes += val.n;
	r->rows.n++;
	return d->failed;
}

static struct str
known_body(struct dump *d, struct str rest)
{
	struct known_call k;
	struct buf out;
	struct str body;

	buf_init(&out, 256);
	cdr_known(d->part, rest, &k);
	mp_encode(&rec_known_call, &k, &out, 0);
	body = arena_copy(d->m->a, buf_str(&out));
	buf_free(&out);
	return body;
}

static int
dump_call(void *arg, struct str key, struct str val)
{
	struct dump *d = arg;
	struct ctl_reply *r = d->j->ctl_reply;
	struct stored_row *row = &r->rows.v[r->rows.n];
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	if (is_full(d, val.n))
		return 1;
	d->last = part_mark(d, key);
	if (!key_split(key, &tenant, &owner, &kind, &rest) || val.n == 0)
		return 0;
	d->unread = kind == rec_call_record.store ? model_check(d->m, &rec_call_record, val) != 0
	    : kind == rec_known_call.store        ? false
	                                          : unknown(d, kind) != 0;
	if (d->unread)
		return 1;
	REC_SET(row, stored_row, kind, kind);
	REC_SET(row, stored_row, body,
	    kind == rec_known_call.store ? known_body(d, rest)
	                                 : arena_copy(d->m->a, ((struct str){val.p + 1, val.n - 1})));
	d->failed = row->body.p == NULL || d->last.p == NULL;
	d->owners[r->rows.n] = owner;
	d->bytes += val.n;
	r->rows.n++;
	return d->failed;
}

/* Owners are known by name outside: numbers are this store's own. */
static int
name_owner(struct dump *d, size_t i)
{
	struct stored_row *row = &d->j->ctl_reply->rows.v[i];
	struct user u;
	struct group g;
	struct phonebook b;
	int rc = 0;

	REC_SET(row, stored_row, owner_type, owner_type_SYSTEM);
	if (d->owners[i] == OWNER_SYSTEM || row->kind == rec_user.store ||
	    row->kind == rec_group.store || row->kind == rec_branch.store ||
	    row->kind == rec_phonebook.store)
		return 0;
	if ((rc = model_get(d->m, &rec_user, d->owners[i], 0, &u)) == 1) {
		REC_SET(row, stored_row, owner_type, owner_type_USER);
		REC_SET(row, stored_row, owner, u.user_name);
	} else if (rc == 0 && (rc = model_get(d->m, &rec_group, d->owners[i], 0, &g)) == 1) {
		REC_SET(row, stored_row, owner_type, owner_type_GROUP);
		REC_SET(row, stored_row, owner, g.name);
	} else if (rc == 0 && (rc = model_get(d->m, &rec_phonebook, d->owners[i], 0, &b)) == 1) {
		REC_SET(row, stored_row, owner_type, owner_type_BOOK);
		REC_SET(row, stored_row, owner, b.name);
	}
	return rc == 1 ? 0 : rc < 0 ? -1 : err_set(&d->j->err, ERR_INTERNAL, "a record has no owner");
}

/* Calls of users who were removed are nobody's, until their month goes. */
static int
is_nobodys(struct dump *d, size_t i)
{
	struct user u;
	int rc;

	if (d->j->ctl_reply->rows.v[i].kind != rec_call_record.store)
		return 0;
	rc = model_get(d->m, &rec_user, d->owners[i], 0, &u);
	return rc < 0 ? -1 : rc == 0;
}

/* Entries that are being swept are gone for everybody, and their owner may be. */
static int
drop_swept(struct dump *d)
{
	struct stored_row_list *rows = &d->j->ctl_reply->rows;
	uint32_t last = OWNER_SYSTEM;
	int swept = 0, lost;
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		bool is_entry = rows->v[i].kind == rec_entry.store;

		if (is_entry && d->owners[i] != last) {
			last = d->owners[i];
			if ((swept = book_is_swept(d->m, last)) < 0)
				return -1;
		}
		if ((lost = is_nobodys(d, i)) < 0)
			return -1;
		if ((is_entry && swept == 1) || lost == 1)
			continue;
		rows->v[n] = rows->v[i];
		d->owners[n++] = d->owners[i];
	}
	rows->n = n;
	return 0;
}

static int
dump_tables(struct dump *d)
{
	struct key prefix;

	key_tenant(&prefix, d->m->tenant);
	return store_scan(d->m->t, STORE_DATA, key_str(&prefix), d->j->ctl.after, dump_row, d, d->m->e);
}

/* From the mark on, or all of them. */
static int
dump_partitions(struct dump *d, uint32_t from, struct str after)
{
	uint32_t part;
	struct key prefix;

	key_tenant(&prefix, d->m->tenant);
	for (; !d->full && !d->failed && !d->unread && store_part_list(d->m->t, from, &part, 1) == 1;
	     from = part + 1) {
		d->part = part;
		if (part != from)
			after = (struct str){"", 0};
		if (store_part_scan(
		        d->m->t, part, STORE_UP, key_str(&prefix), after, dump_call, d, d->m->e) != 0)
			return -1;
		after = (struct str){"", 0};
	}
	return 0;
}

int
control_dump(struct job *j, struct model *m)
{
	struct dump *d = arena_alloc(m->a, sizeof(*d));
	struct ctl_reply *r = j->ctl_reply;
	struct str key = {"", 0};
	uint32_t from = 0;
	bool in_parts = in_partition(j->ctl.after, &from, &key);

	r->rows.v = arena_array(m->a, DUMP_ROWS, sizeof(*r->rows.v));
	if (d == NULL || r->rows.v == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	d->j = j;
	d->m = m;
	if (!in_parts && dump_tables(d) != 0)
		return -1;
	if (!d->full && !d->failed && !d->unread && dump_partitions(d, from, key) != 0)
		return -1;
	if (d->unread)
		return -1;
	if (d->failed)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	if (drop_swept(d) != 0)
		return -1;
	for (size_t i = 0; i < r->rows.n; i++)
		if (name_owner(d, i) != 0)
			return -1;
	r->has |= REC_BIT(ctl_reply, rows);
	if (d->full)
		REC_SET(r, ctl_reply, after, d->last);
	return 0;
}
