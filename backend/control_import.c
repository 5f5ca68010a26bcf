/* SPDX-License-Identifier: ISC */
/*
 * Imports: rows that are added to what is there. Each command is one transaction. Of entries, a
 * bad row is refused and the others are kept; a user's row is kept or refused as a whole.
 */
#include <string.h>

#include "backend/book.h"
#include "backend/control.h"
#include "common/mp.h"
#include "common/sink.h"

enum { BODY_MAX = 64 * 1024 };

/* What a row may be refused for without harm to the others: nothing has been written then. */
static bool
is_of_row(enum err_code code)
{
	return code == ERR_INVALID || code == ERR_MALFORMED || code == ERR_DUPLICATE ||
	    code == ERR_UNPROCESSABLE;
}

/* An entry that is in the book already is no error: the same file may be imported again. */
static int
put_result(struct job *j, const struct err *e, struct import_result *r)
{
	if (e->code == ERR_OK) {
		REC_SET(r, import_result, outcome, import_outcome_ADDED);
		return 0;
	}
	if (e->code == ERR_DUPLICATE) {
		REC_SET(r, import_result, outcome, import_outcome_SAME);
		return 0;
	}
	REC_SET(r, import_result, outcome, import_outcome_REFUSED);
	REC_SET(r, import_result, message, arena_copy(&j->arena, str_c(err_text(e))));
	r->path.v = arena_array(&j->arena, ERR_PATH_MAX, sizeof(*r->path.v));
	if (r->message.p == NULL || r->path.v == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	for (r->path.n = 0; r->path.n < e->depth && r->path.n < ERR_PATH_MAX; r->path.n++)
		r->path.v[r->path.n] = e->path[r->path.n];
	r->has |= REC_BIT(import_result, path);
	return 0;
}

/* The book of all rows of one command. */
static int
find_book(struct model *m, const struct stored_row *row, uint32_t *book, bool *is_private)
{
	int rc = 0;

	*is_private = row->owner_type == owner_type_USER;
	if (*is_private)
		rc = model_name(m, INDEX_LOGIN, row->owner, book);
	else if (row->owner_type == owner_type_BOOK)
		rc = model_name(m, INDEX_PHONEBOOK, row->owner, book);
	if (rc == 0)
		return err_set(m->e, ERR_NOT_FOUND, "there is no %s %.*s",
		    *is_private ? "user" : "public phonebook", (int)row->owner.n, row->owner.p);
	return rc < 0 ? -1 : 0;
}

static int
add_entry(struct model *m, uint32_t book, bool is_private, const struct stored_row *row)
{
	struct entry *e = arena_alloc(m->a, sizeof(*e));
	uint64_t count;

	if (e == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (row->kind != rec_entry.store)
		return err_set(m->e, ERR_INVALID, "is no entry of a phonebook");
	if (mp_decode(&rec_entry, e, row->body, DECODE_ALL, m->a, m->e) != 0)
		return -1;
	rec_strip(&rec_entry, e, F_DERIVED);
	rec_defaults(&rec_entry, e);
	if (rec_validate(&rec_entry, e, false, m->e) != 0 || entries_count(m, book, &count) != 0)
		return -1;
	if (count >= BOOK_ENTRIES_MAX)
		return err_set(m->e, ERR_UNPROCESSABLE, "the phonebook is full");
	return entry_import(m, book, is_private, e);
}

static int
import_entry(struct job *j, struct model *m, uint32_t book, bool is_private, size_t i)
{
	struct import_result *r = &j->ctl_reply->results.v[i];
	struct model each = *m;
	struct arena a;
	struct err e = {.code = ERR_OK};
	int rc;

	arena_init(&a, JOB_SCRATCH_MAX);
	each.a = &a;
	each.e = &e;
	rc = add_entry(&each, book, is_private, &j->ctl.rows.v[i]);
	memset(r, 0, sizeof(*r));
	if (rc != 0 && !is_of_row(e.code))
		j->err = e;
	else
		rc = put_result(j, &e, r);
	arena_free(&a);
	return rc;
}

static int
import_entries(struct job *j, struct model *m)
{
	const struct stored_row_list *rows = &j->ctl.rows;
	uint32_t book;
	bool is_private;

	if (find_book(m, &rows->v[0], &book, &is_private) != 0)
		return -1;
	for (size_t i = 0; i < rows->n; i++) {
		if (rows->v[i].owner_type != rows->v[0].owner_type ||
		    !str_eq(rows->v[i].owner, rows->v[0].owner))
			return err_set(&j->err, ERR_BAD_REQUEST, "the rows are of several phonebooks");
		if (import_entry(j, m, book, is_private, i) != 0)
			return -1;
	}
	return 0;
}

/* Lays the row's fields over what is stored, *old getting that: 1 = it was there, 0 = it is new. */
static int
lay_over(struct model *m, const struct rec *r, uint32_t owner, const struct stored_row *row,
    void *old, void *ret)
{
	struct mp_src src;
	int rc = owner == 0 ? 0 : model_get(m, r, owner, 0, old);

	if (rc < 0)
		return -1;
	if (rc == 0)
		memset(old, 0, r->size);
	memcpy(ret, old, r->size);
	mp_src_init(&src, row->body);
	if (rec_decode_over(r, ret, &src.src, DECODE_ALL, m->a, m->e) != 0)
		return -1;
	if (!mp_src_at_end(&src))
		return err_set(m->e, ERR_MALFORMED, "text behind the record");
	rec_strip(r, ret, F_DERIVED);
	rec_defaults(r, ret);
	rec_defaults(r, old);
	return rc;
}

static int
put_merged(struct job *j, struct model *m, const struct stored_row *row, const struct rec *r,
    const void *obj)
{
	struct stored_row merged = *row;
	struct buf body;
	int rc;

	buf_init(&body, BODY_MAX);
	mp_encode(r, obj, &body, ENCODE_SECRETS);
	merged.body = arena_copy(m->a, buf_str(&body));
	rc = body.failed || merged.body.p == NULL ? err_set(m->e, ERR_TOO_LARGE, NULL)
	                                          : load_put_row(j->be, m, &merged, NULL);
	buf_wipe(&body);
	return rc;
}

/* Passwords are set when the user has none: importing again ends nobody's sessions. */
static int
import_user(struct job *j, struct model *m, const struct stored_row *row, int *outcome)
{
	struct user *old = arena_alloc(m->a, sizeof(*old)), *u = arena_alloc(m->a, sizeof(*u));
	uint32_t id = 0;
	int rc = -1;

	if (old == NULL || u == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (row->owner.n == 0 || model_name(m, INDEX_LOGIN, row->owner, &id) < 0 ||
	    (rc = lay_over(m, &rec_user, id, row, old, u)) < 0)
		return m->e->code != ERR_OK ? -1 : err_set(m->e, ERR_INVALID, "there is no user name");
	if (j->new_hash.n > 0 && u->password_hash.n == 0)
		REC_SET(u, user, password_hash, j->new_hash);
	if (REC_HAS(old, user, sip_password))
		REC_SET(u, user, sip_password, old->sip_password);
	if (rc == 1 && rec_equal(&rec_user, old, u)) {
		*outcome = import_outcome_SAME;
		return 0;
	}
	*outcome = rc == 1 ? import_outcome_UPDATED : import_outcome_ADDED;
	return put_merged(j, m, row, &rec_user, u);
}

static int
import_contact(struct job *j, struct model *m, const struct stored_row *row, int *outcome)
{
	struct contact *old = arena_alloc(m->a, sizeof(*old)), *c = arena_alloc(m->a, sizeof(*c));
	uint32_t id;
	int rc;

	if (old == NULL || c == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if ((rc = model_name(m, INDEX_LOGIN, row->owner, &id)) < 1)
		return rc < 0 ? -1 : err_set(m->e, ERR_NOT_FOUND, "there is no such user");
	if ((rc = lay_over(m, &rec_contact, id, row, old, c)) < 0)
		return -1;
	if (rec_equal(&rec_contact, old, c))
		return 0;
	if (*outcome == import_outcome_SAME)
		*outcome = import_outcome_UPDATED;
	return put_merged(j, m, row, &rec_contact, c);
}

/* The user's own row, then the contact card's if there is one. */
static int
import_user_rows(struct job *j, struct model *m)
{
	const struct stored_row_list *rows = &j->ctl.rows;
	struct import_result *r = &j->ctl_reply->results.v[0];
	int outcome = import_outcome_SAME;

	REC_SET(j->ctl_reply, ctl_reply, kind, rec_user.store);
	if (rows->n > 2 || rows->v[0].kind != rec_user.store ||
	    (rows->n == 2 &&
	        (rows->v[1].kind != rec_contact.store || !str_eq(rows->v[0].owner, rows->v[1].owner))))
		return err_set(&j->err, ERR_BAD_REQUEST, "an import is of one user");
	if (import_user(j, m, &rows->v[0], &outcome) != 0)
		return -1;
	if (rows->n == 2) {
		REC_SET(j->ctl_reply, ctl_reply, kind, rec_contact.store);
		if (import_contact(j, m, &rows->v[1], &outcome) != 0)
			return -1;
	}
	memset(r, 0, sizeof(*r));
	REC_SET(r, import_result, outcome, outcome);
	j->ctl_reply->results.n = 1;
	return 0;
}

int
control_import(struct job *j, struct model *m)
{
	struct ctl_reply *r = j->ctl_reply;
	int rc;

	if (!REC_HAS(&j->ctl, ctl_request, rows) || j->ctl.rows.n == 0)
		return err_set(&j->err, ERR_BAD_REQUEST, "there is nothing to import");
	r->results.n = j->ctl.rows.n;
	r->results.v = arena_array(&j->arena, r->results.n, sizeof(*r->results.v));
	if (r->results.v == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	rc = j->ctl.command == ctl_command_IMPORT_USER ? import_user_rows(j, m) : import_entries(j, m);
	if (rc == 0)
		r->has |= REC_BIT(ctl_reply, results);
	return rc;
}
