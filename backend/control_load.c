/* SPDX-License-Identifier: ISC */
/*
 * Load and dump: every stored record as a row with its owner's name. A load is
 * kept in memory until it is committed, and applied in one transaction: a bad
 * row, and nothing of the file is there.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/book.h"
#include "backend/control.h"
#include "backend/key.h"
#include "backend/private_keys.h"
#include "backend/rooms.h"
#include "common/mp.h"
#include "common/sink.h"

enum { LOAD_MAX = 512 * 1024 * 1024, DUMP_ROWS = 256, DUMP_BYTES = 512 * 1024 };

struct load {
	struct ipc_peer peer;
	struct arena arena;
	struct stored_row *v;
	size_t n, size;
};

/* Rows arrive in reader threads, the writer applies them. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

static void
discard(struct backend *be)
{
	if (be->load == NULL)
		return;
	arena_wipe(&be->load->arena);
	free(be->load->v);
	free(be->load);
	be->load = NULL;
}

void
load_end(struct backend *be)
{
	pthread_mutex_lock(&load_lock);
	discard(be);
	pthread_mutex_unlock(&load_lock);
}

static bool
is_peer(const struct load *l, const struct job *j)
{
	return l->peer.n == j->peer.n && memcmp(l->peer.id, j->peer.id, l->peer.n) == 0;
}

static int
keep_row(struct load *l, const struct stored_row *row)
{
	struct stored_row *to;

	if (l->n == l->size) {
		size_t want = l->size == 0 ? 1024 : l->size * 2;
		struct stored_row *v = realloc(l->v, want * sizeof(*v));

		if (v == NULL)
			return -1;
		l->v = v;
		l->size = want;
	}
	to = &l->v[l->n];
	*to = *row;
	to->owner = arena_copy(&l->arena, row->owner);
	to->body = arena_copy(&l->arena, row->body);
	if (to->owner.p == NULL || to->body.p == NULL)
		return -1;
	l->n++;
	return 0;
}

static int
keep_rows(struct job *j)
{
	struct backend *be = j->be;

	/* A new load replaces one that was given up. */
	if (be->load != NULL && !is_peer(be->load, j))
		discard(be);
	if (be->load == NULL) {
		if ((be->load = calloc(1, sizeof(*be->load))) == NULL)
			return err_set(&j->err, ERR_TOO_LARGE, NULL);
		be->load->peer = j->peer;
		arena_init(&be->load->arena, LOAD_MAX);
	}
	for (size_t i = 0; i < j->ctl.rows.n; i++) {
		if (keep_row(be->load, &j->ctl.rows.v[i]) != 0) {
			discard(be);
			return err_set(
			    &j->err, ERR_TOO_LARGE, "the load is larger than the backend's memory for it");
		}
	}
	return 0;
}

int
load_keep(struct job *j)
{
	int rc;

	pthread_mutex_lock(&load_lock);
	rc = keep_rows(j);
	pthread_mutex_unlock(&load_lock);
	return rc;
}

static int
put_user(struct backend *be, struct model *m, struct user *u)
{
	struct user old;
	uint32_t id;
	int rc = model_name(m, INDEX_LOGIN, u->user_name, &id);

	if (rc < 0 || control_seal(be, m, u) != 0)
		return -1;
	if (rc == 0) {
		id = (uint32_t)model_next_number(m, SERIES_OWNER);
		return id == 0 ? -1 : model_user_put(m, id, NULL, u);
	}
	rc = model_get(m, &rec_user, id, 0, &old);
	if (rc < 0)
		return -1;
	if (rc == 0 || !str_eq(old.user_name, u->user_name))
		return err_set(m->e, ERR_CONFLICT, "the name is another user's alias");
	return model_user_put(m, id, &old, u);
}

static int
put_named(struct model *m, const struct rec *r, uint16_t index, struct str name, const void *obj)
{
	uint32_t id;
	int rc = model_name(m, index, name, &id);

	if (rc == 0) {
		id = (uint32_t)model_next_number(m, SERIES_OWNER);
		rc = id == 0 || model_name_set(m, index, name, id) != 0 ? -1 : 1;
	}
	return rc < 0 ? -1 : model_put(m, r, id, 0, obj);
}

static int
owner_of(struct model *m, const struct stored_row *row, uint32_t *owner)
{
	int rc = 1;

	*owner = OWNER_SYSTEM;
	if (row->owner_type == owner_type_USER)
		rc = model_name(m, INDEX_LOGIN, row->owner, owner);
	else if (row->owner_type == owner_type_GROUP)
		rc = model_name(m, INDEX_GROUP, row->owner, owner);
	else if (row->owner_type == owner_type_BOOK)
		rc = model_name(m, INDEX_PHONEBOOK, row->owner, owner);
	if (rc == 0)
		return err_set(m->e, ERR_NOT_FOUND, "there is no %s %.*s",
		    enum_text(&enum_owner_type, row->owner_type), (int)row->owner.n, row->owner.p);
	return rc < 0 ? -1 : 0;
}

static int
put_item(
    struct model *m, const struct rec *r, uint32_t owner, const struct stored_row *row, void *obj)
{
	uint64_t id = REC_HAS(row, stored_row, item) ? (uint64_t)row->item : 0;
	uint32_t other;
	size_t at;
	int rc;

	if (id == 0 && (id = model_next_number(m, r->store)) == 0)
		return -1;
	rc = model_item_owner(m, r, id, &other);
	if (rc < 0)
		return -1;
	if (rc == 1 && other != owner)
		return err_set(m->e, ERR_CONFLICT, "the number is in use by another owner");
	if (rec_field_by_tag(r, 1, &at) != NULL && field_read_only(&r->f[at])) {
		*(int64_t *)rec_at(&r->f[at], obj) = (int64_t)id;
		rec_set_has(obj, rec_has(obj) | (uint64_t)1 << at);
	}
	return model_number_used(m, r->store, id) != 0 || model_item_index(m, r, id, owner) != 0
	    ? -1
	    : model_put(m, r, owner, id, obj);
}

/* Numbers of entries are the owner's own affair: another owner's of the same number is no harm. */
static int
put_entry(struct model *m, uint32_t owner, const struct stored_row *row, const struct entry *e)
{
	uint64_t id = REC_HAS(row, stored_row, item) ? (uint64_t)row->item : 0;
	bool is_private = row->owner_type == owner_type_USER;
	int rc = 0;

	if (!is_private && row->owner_type != owner_type_BOOK)
		return err_set(m->e, ERR_INVALID, "an entry belongs to a user or a book");
	if (id > INT32_MAX)
		return err_set(m->e, ERR_INVALID, "the number is too large");
	if (is_private && book_private_make(m, owner) != 0)
		return -1;
	if (id != 0 &&
	    (model_number_used(m, rec_entry.store, id) != 0 ||
	        (rc = entry_replace(m, owner, id, e)) < 0))
		return -1;
	return rc == 1 ? 0 : entry_add(m, owner, id, e, NULL);
}

static int
put_key(struct model *m, uint32_t owner, const struct stored_row *row, const struct private_key *k)
{
	if (row->owner_type != owner_type_USER || !REC_HAS(row, stored_row, item))
		return err_set(m->e, ERR_INVALID, "a key belongs to a user and has a number");
	return private_key_put(m, owner, (uint64_t)row->item, k);
}

int
load_put_row(struct backend *be, struct model *m, const struct stored_row *row)
{
	const struct rec *r = record_by_store((uint16_t)row->kind);
	void *obj;
	uint32_t owner;

	if (r == NULL || r->transient)
		return err_set(m->e, ERR_INVALID, "unknown kind of record");
	if ((obj = arena_alloc(m->a, r->size)) == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (mp_decode(r, obj, row->body, DECODE_ALL, m->a, m->e) != 0)
		return -1;
	rec_strip(r, obj, F_DERIVED);
	if (!record_is_layered(r))
		rec_defaults(r, obj);
	if (rec_validate(r, obj, false, m->e) != 0)
		return -1;
	if (r == &rec_user)
		return put_user(be, m, obj);
	if (r == &rec_group)
		return put_named(m, r, INDEX_GROUP, ((struct group *)obj)->name, obj);
	if (r == &rec_branch)
		return put_named(m, r, INDEX_BRANCH, ((struct branch *)obj)->name, obj);
	if (r == &rec_phonebook)
		return book_put(m, obj);
	if (owner_of(m, row, &owner) != 0)
		return -1;
	if (r == &rec_room)
		return room_load(m, owner, REC_HAS(row, stored_row, item) ? (uint64_t)row->item : 0, obj);
	if (r == &rec_private_key)
		return put_key(m, owner, row, obj);
	if (r == &rec_entry)
		return put_entry(m, owner, row, obj);
	if (r == &rec_private_book && book_private_make(m, owner) != 0)
		return -1;
	if (record_is_numbered(r))
		return put_item(m, r, owner, row, obj);
	return model_put(m, r, owner, REC_HAS(row, stored_row, item) ? (uint64_t)row->item : 0, obj);
}

static int
apply_rows(struct job *j, struct model *m)
{
	struct load *l = j->be->load;
	struct arena each;

	if (l == NULL || !is_peer(l, j))
		return err_set(&j->err, ERR_BAD_REQUEST, "there is nothing to commit");
	for (size_t i = 0; i < l->n; i++) {
		struct model row = *m;
		int rc;

		arena_init(&each, JOB_SCRATCH_MAX);
		row.a = &each;
		rc = load_put_row(j->be, &row, &l->v[i]);
		arena_wipe(&each);
		if (rc != 0) {
			if (REC_HAS(&l->v[i], stored_row, line))
				REC_SET(j->ctl_reply, ctl_reply, line, l->v[i].line);
			REC_SET(j->ctl_reply, ctl_reply, kind, l->v[i].kind);
			return -1;
		}
	}
	REC_SET(j->ctl_reply, ctl_reply, count, (int64_t)l->n);
	return 0;
}

int
load_apply(struct job *j, struct model *m)
{
	int rc;

	pthread_mutex_lock(&load_lock);
	rc = apply_rows(j, m);
	pthread_mutex_unlock(&load_lock);
	return rc;
}

struct dump {
	struct job *j;
	struct model *m;
	uint32_t owners[DUMP_ROWS];
	size_t bytes;
	struct str last;
	bool full, failed;
};

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

	/* A row larger than a part goes alone. */
	if (r->rows.n == DUMP_ROWS || (r->rows.n > 0 && d->bytes + val.n > DUMP_BYTES)) {
		d->full = true;
		return 1;
	}
	d->last = arena_copy(d->m->a, key);
	if (!key_split(key, &tenant, &owner, &kind, &rest) || (about = record_by_store(kind)) == NULL ||
	    about->transient || val.n < 2)
		return 0;
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

/* Entries that are being swept are gone for everybody, and their owner may be. */
static int
drop_swept(struct dump *d)
{
	struct stored_row_list *rows = &d->j->ctl_reply->rows;
	uint32_t last = OWNER_SYSTEM;
	int swept = 0;
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		bool is_entry = rows->v[i].kind == rec_entry.store;

		if (is_entry && d->owners[i] != last) {
			last = d->owners[i];
			if ((swept = book_is_swept(d->m, last)) < 0)
				return -1;
		}
		if (is_entry && swept == 1)
			continue;
		rows->v[n] = rows->v[i];
		d->owners[n++] = d->owners[i];
	}
	rows->n = n;
	return 0;
}

int
control_dump(struct job *j, struct model *m)
{
	struct dump *d = arena_alloc(m->a, sizeof(*d));
	struct ctl_reply *r = j->ctl_reply;
	struct key prefix;

	r->rows.v = arena_array(m->a, DUMP_ROWS, sizeof(*r->rows.v));
	if (d == NULL || r->rows.v == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	d->j = j;
	d->m = m;
	key_tenant(&prefix, m->tenant);
	if (store_scan(m->t, STORE_DATA, key_str(&prefix), j->ctl.after, dump_row, d, m->e) != 0)
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
