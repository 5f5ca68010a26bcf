/* SPDX-License-Identifier: ISC */
/*
 * What every resource does by its row of the table: load, check, update, store
 * and show records of the caller. Nothing here knows any resource by name.
 */
#include <string.h>

#include "backend/call.h"
#include "backend/hooks.h"
#include "backend/list.h"
#include "backend/user_events.h"
#include "common/mp.h"
#include "common/sink.h"

const struct query *
call_query(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->req->query.n; i++)
		if (str_eqc(c->req->query.v[i].name, name))
			return &c->req->query.v[i];
	return NULL;
}

int
call_check_user(struct call *c, struct str name)
{
	uint32_t user;
	int rc = model_name(&c->m, INDEX_LOGIN, name, &user);

	if (rc < 0)
		return -1;
	return rc == 1 && user == c->who->id
	    ? 0
	    : err_set(c->m.e, ERR_UNAUTHORIZED, "the authenticated user does not match");
}

int
call_query_number(struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret)
{
	const struct query *q = call_query(c, name);

	if (q == NULL)
		return 0;
	if (!REC_HAS(q, query, value) || !str_to_i64(q->value, ret) || *ret < min || *ret > max)
		return err_set(c->m.e, ERR_BAD_REQUEST, "%s must be a number from %lld to %lld", name,
		    (long long)min, (long long)max);
	return 0;
}

int
call_owners(struct call *c, uint32_t *owners, size_t *n)
{
	struct group_ref groups[GROUPS_MAX];
	size_t ngroups;

	owners[0] = c->who->id;
	*n = 1;
	if (!hooks_of(c->res)->with_groups)
		return 0;
	if (model_groups(&c->m, &c->who->user, groups, &ngroups) != 0)
		return -1;
	for (size_t i = 0; i < ngroups; i++)
		owners[(*n)++] = groups[i].id;
	return 0;
}

int
call_subject(struct call *c, struct str name, uint32_t *owner)
{
	int admin, rc = model_name(&c->m, INDEX_LOGIN, name, owner);

	if (rc < 0)
		return -1;
	if (rc == 1)
		c->subject = *owner;
	if (rc == 1 && *owner == c->who->id)
		return 0;
	admin = (c->who->scopes & SCOPE_ADMIN) != 0
	    ? model_permission(&c->m, &c->who->user, permission_name_SUPERADMIN)
	    : 0;
	if (admin != 1)
		return admin < 0 ? -1 : err_set(c->m.e, ERR_FORBIDDEN, NULL);
	return rc == 1 ? 0 : err_set(c->m.e, ERR_NOT_FOUND, "there is no such user");
}

static void *
new_object(struct call *c)
{
	void *obj = arena_alloc(c->m.a, c->res->record->size);

	if (obj == NULL)
		err_set(c->m.e, ERR_TOO_LARGE, NULL);
	return obj;
}

static int
load_single(struct call *c, void *obj)
{
	const struct hooks *h = hooks_of(c->res);

	if (h->load != NULL)
		return h->load(c, obj);
	if (c->res->layered)
		return model_layered(&c->m, c->res->record, c->who->id, &c->who->user, obj);
	return model_get(&c->m, c->res->record, c->who->id, 0, obj) < 0 ? -1 : 0;
}

static int
answer(struct call *c, void *obj)
{
	const struct hooks *h = hooks_of(c->res);

	rec_defaults(c->res->record, obj);
	if (h->show != NULL && h->show(c, obj) != 0)
		return -1;
	mp_encode(c->res->record, obj, c->body, 0);
	return 0;
}

/* The number of an item route; the gateway has checked it, which proves nothing here. */
static int
item_id(struct call *c, uint64_t *id)
{
	int64_t v;

	if (!str_to_i64(c->req->key, &v) || v < 1 || v > INT32_MAX)
		return err_set(c->m.e, ERR_NOT_FOUND, NULL);
	*id = (uint64_t)v;
	return 0;
}

/* Finds an item that the caller may see: 0 with its owner. */
static int
item_owner(struct call *c, uint64_t id, uint32_t *owner)
{
	uint32_t owners[OWNERS_MAX];
	size_t n;
	int rc = model_item_owner(&c->m, c->res->record, id, owner);

	if (rc < 0 || call_owners(c, owners, &n) != 0)
		return -1;
	for (size_t i = 0; rc == 1 && i < n; i++)
		if (owners[i] == *owner)
			return 0;
	if (rc == 0 || c->res->foreign == ERR_OK)
		return err_set(c->m.e, ERR_NOT_FOUND, NULL);
	return err_set(c->m.e, c->res->foreign, NULL);
}

/* As item_owner(), for a write: the item must be the caller's own. */
static int
own_item(struct call *c, uint64_t *id)
{
	uint32_t owner;

	if (item_id(c, id) != 0 || item_owner(c, *id, &owner) != 0)
		return -1;
	return owner == c->who->id ? 0 : err_set(c->m.e, ERR_FORBIDDEN, NULL);
}

/* Items carry their number in a read-only field of tag 1. */
static void
put_number(const struct rec *r, void *obj, uint64_t id)
{
	size_t i;
	const struct field *f = rec_field_by_tag(r, 1, &i);

	if (f != NULL && f->kind == K_INT && field_read_only(f)) {
		*(int64_t *)rec_at(f, obj) = (int64_t)id;
		rec_set_has(obj, rec_has(obj) | (uint64_t)1 << i);
	}
}

static int
read_item(struct call *c)
{
	void *obj = new_object(c);
	uint32_t owner;
	uint64_t id = 0;
	int rc;

	if (obj == NULL || item_id(c, &id) != 0 || item_owner(c, id, &owner) != 0)
		return -1;
	rc = model_get(&c->m, c->res->record, owner, id, obj);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(c->m.e, ERR_NOT_FOUND, NULL);
	put_number(c->res->record, obj, id);
	return answer(c, obj);
}

static int
read_by_shape(struct call *c)
{
	void *obj;

	switch (c->res->shape) {
	case SHAPE_PING:
		return 0;
	case SHAPE_SINGLE:
		return (obj = new_object(c)) != NULL && load_single(c, obj) == 0 ? answer(c, obj) : -1;
	case SHAPE_ITEM:
		return read_item(c);
	case SHAPE_COLLECTION:
		return list_part(c);
	case SHAPE_CUSTOM:
		return hooks_of(c->res)->custom(c);
	}
	return err_set(c->m.e, ERR_INTERNAL, NULL);
}

/* Part of an answer is none. */
static int
whole(struct call *c)
{
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

int
serve_read(struct call *c)
{
	return read_by_shape(c) != 0 ? -1 : whole(c);
}

int
call_document(struct call *c, const struct rec *r, bool update, void *obj)
{
	if (!REC_HAS(c->req, request, body))
		return err_set(c->m.e, ERR_NO_ENTITY, NULL);
	return mp_decode(r, obj, c->req->body, DECODE_CLIENT, c->m.a, c->m.e) != 0 ||
	        rec_validate(r, obj, update, c->m.e) != 0
	    ? -1
	    : 0;
}

static int
checked(struct call *c, uint64_t id, const void *old, void *obj)
{
	const struct hooks *h = hooks_of(c->res);

	return h->check != NULL ? h->check(c, id, old, obj) : 0;
}

static int
write_single(struct call *c)
{
	const struct hooks *h = hooks_of(c->res);
	void *input = new_object(c), *obj = new_object(c), *old = new_object(c);
	int granted = 1;

	if (input == NULL || obj == NULL || old == NULL ||
	    call_document(c, c->res->record, c->res->update == UPDATE_MERGE, input) != 0 ||
	    load_single(c, obj) != 0)
		return -1;
	memcpy(old, obj, c->res->record->size);
	rec_update(c->res->record, c->res->update, obj, input);
	if (checked(c, 0, old, obj) != 0)
		return -1;
	if (h->granted != NULL && (granted = h->granted(c)) != 1)
		return granted;
	if (h->save != NULL)
		return h->save(c, obj);
	if (c->res->layered)
		return model_layered_put(&c->m, c->res->record, c->who->id, &c->who->user, obj);
	return model_put(&c->m, c->res->record, c->who->id, 0, obj);
}

static int
create_item(struct call *c)
{
	const struct rec *r = c->res->record;
	size_t max = c->res->max_items != 0 ? c->res->max_items : RES_ITEMS_MAX, count;
	void *input = new_object(c), *obj = new_object(c);
	uint64_t id;

	if (input == NULL || obj == NULL || call_document(c, c->res->record, false, input) != 0 ||
	    list_count(c, &count) != 0)
		return -1;
	if (count >= max)
		return err_set(c->m.e, c->res->invalid != ERR_OK ? c->res->invalid : ERR_INVALID,
		    "there are %zu already", count);
	rec_update(r, UPDATE_REPLACE, obj, input);
	if (checked(c, 0, NULL, obj) != 0 || (id = model_next_number(&c->m, r->store)) == 0)
		return -1;
	put_number(r, obj, id);
	return model_item_index(&c->m, r, id, c->who->id) != 0 ||
	        model_put(&c->m, r, c->who->id, id, obj) != 0
	    ? -1
	    : 0;
}

static int
write_item(struct call *c)
{
	const struct rec *r = c->res->record;
	void *input = new_object(c), *obj = new_object(c), *old = new_object(c);
	uint64_t id = 0;
	int rc;

	if (input == NULL || obj == NULL || old == NULL || own_item(c, &id) != 0 ||
	    call_document(c, c->res->record, c->res->update == UPDATE_MERGE, input) != 0)
		return -1;
	rc = model_get(&c->m, r, c->who->id, id, obj);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(c->m.e, ERR_NOT_FOUND, NULL);
	memcpy(old, obj, r->size);
	rec_update(r, c->res->update, obj, input);
	put_number(r, obj, id);
	return checked(c, id, old, obj) != 0 ? -1 : model_put(&c->m, r, c->who->id, id, obj);
}

static int
remove_item(struct call *c)
{
	const struct hooks *h = hooks_of(c->res);
	uint64_t id = 0;

	if (own_item(c, &id) != 0 || model_del(&c->m, c->res->record, c->who->id, id) < 0 ||
	    model_item_unindex(&c->m, c->res->record, id) != 0)
		return -1;
	return h->removed != NULL ? h->removed(c, id) : 0;
}

/* Whoever looks at the user's data elsewhere has to read them again. */
static int
tell_owner(struct call *c)
{
	uint32_t owner = c->subject != 0 ? c->subject : c->who->id;

	if (owner == 0 || c->res->no_event || c->req->method == M_GET)
		return 0;
	return user_event_settings(&c->m, owner, c->res->path);
}

static int
write_by_shape(struct call *c)
{
	switch (c->res->shape) {
	case SHAPE_SINGLE:
		return write_single(c);
	case SHAPE_COLLECTION:
		return create_item(c);
	case SHAPE_ITEM:
		return c->req->method == M_DELETE ? remove_item(c) : write_item(c);
	case SHAPE_CUSTOM:
		return hooks_of(c->res)->custom(c);
	case SHAPE_PING:
		break;
	}
	return err_set(c->m.e, ERR_METHOD, NULL);
}

int
serve_write(struct call *c)
{
	return write_by_shape(c) != 0 || whole(c) != 0 ? -1 : tell_owner(c);
}
