/* SPDX-License-Identifier: ISC */
/*
 * Load: every stored record as a row with its owner's name. A load is kept in
 * memory until it is committed, and applied in one transaction: a bad row, and
 * nothing of it is there.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/book.h"
#include "backend/cdr.h"
#include "backend/control.h"
#include "backend/key.h"
#include "backend/loaded_calls.h"
#include "backend/private_keys.h"
#include "backend/rooms.h"
#include "common/mp.h"
#include "common/sink.h"

enum { LOAD_MAX = 512 * 1024 * 1024 };

struct load {
	struct ipc_peer peer;
	struct arena arena;
	struct stored_row *v;
	size_t n, size;
	struct loaded_calls calls;
};

/* Rows arrive in reader threads, the writer applies them. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

static void
discard(struct backend *be)
{
	if (be->load == NULL)
		return;
	arena_wipe(&be->load->arena);
	loaded_calls_free(&be->load->calls);
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

	/* A new load replaces one that was given up, which then has to begin anew. */
	if (be->load != NULL && j->ctl.at == 0 &&
	    (REC_HAS(&j->ctl, ctl_request, at) || !is_peer(be->load, j)))
		discard(be);
	if (REC_HAS(&j->ctl, ctl_request, at) && j->ctl.at > 0 &&
	    (be->load == NULL || !is_peer(be->load, j) || be->load->n != (size_t)j->ctl.at))
		return err_set(
		    &j->err, ERR_CONFLICT, "another load has begun meanwhile: nothing is applied");
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

static int
put_call(struct model *m, const struct stored_row *row, const struct rec *r, const void *obj,
    struct loaded_calls *calls)
{
	struct cdr_change change = {.before = {"", 0}};
	uint32_t owner = OWNER_SYSTEM;

	if (calls == NULL)
		return err_set(m->e, ERR_INVALID, "a call is loaded, not imported");
	if (r == &rec_known_call)
		return cdr_load_known(m, obj, &change) != 0 ? -1
		                                            : loaded_calls_add(calls, m, r, owner, &change);
	if (owner_of(m, row, &owner) != 0)
		return -1;
	if (row->owner_type != owner_type_USER)
		return err_set(m->e, ERR_INVALID, "a call record belongs to a user");
	return cdr_load(m, owner, obj, &change) != 0 ? -1
	                                             : loaded_calls_add(calls, m, r, owner, &change);
}

int
load_put_row(
    struct backend *be, struct model *m, const struct stored_row *row, struct loaded_calls *calls)
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
	if (r == &rec_known_call || r == &rec_call_record)
		return put_call(m, row, r, obj, calls);
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
		rc = load_put_row(j->be, &row, &l->v[i], &l->calls);
		arena_wipe(&each);
		if (rc != 0) {
			if (REC_HAS(&l->v[i], stored_row, line))
				REC_SET(j->ctl_reply, ctl_reply, line, l->v[i].line);
			REC_SET(j->ctl_reply, ctl_reply, kind, l->v[i].kind);
			return -1;
		}
	}
	REC_SET(j->ctl_reply, ctl_reply, count, (int64_t)l->n);
	return loaded_calls_audit(&l->calls, m);
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
