/* SPDX-License-Identifier: ISC */
#include "backend/put_back.h"

#include "backend/book.h"
#include "backend/hooks.h"
#include "backend/list.h"
#include "backend/rooms.h"

/* By now the entry may be there again by another number, or its name in another system another's.
 */
static int
check_entry(struct call *c, uint64_t id, const struct entry *e)
{
	struct directory_view *v;
	struct directory_hit hit;
	uint32_t book = c->who->id;
	uint64_t other;
	int rc;

	if (directory_view_open(&c->m, &book, 1, &v) != 0 ||
	    (rc = directory_find(v, e->number, e->first_name, e->last_name, &hit)) < 0)
		return -1;
	if (rc == 1 && hit.id != id)
		return err_set(c->m.e, ERR_CONFLICT, "there is such an entry again");
	if (!REC_HAS(e, entry, internal_id))
		return 0;
	if ((rc = entry_by_internal(&c->m, book, e->internal_id, &other)) < 0)
		return -1;
	return rc == 1 && other != id
	    ? err_set(c->m.e, ERR_CONFLICT, "another entry has its internalId")
	    : 0;
}

static int
put_back_entry(struct call *c, uint64_t id, struct entry *e)
{
	uint32_t book = c->who->id;
	int rc;

	if (e == NULL)
		return entry_remove(&c->m, book, id) < 0 ? -1 : 0;
	if (book_private_make(&c->m, book) != 0 || check_entry(c, id, e) != 0)
		return -1;
	rc = entry_replace(&c->m, book, id, e);
	return rc != 0 ? (rc < 0 ? -1 : 0) : entry_add(&c->m, book, id, e, NULL);
}

static int
put_back_book(struct call *c, const struct private_book *b)
{
	uint64_t n;

	if (b != NULL)
		return model_put(&c->m, &rec_private_book, c->who->id, 0, b);
	if (entries_count(&c->m, c->who->id, &n) != 0)
		return -1;
	return n > 0 || model_del(&c->m, &rec_private_book, c->who->id, 0) >= 0 ? 0 : -1;
}

static int
remove_schedule(struct call *c, uint64_t id)
{
	if (model_del(&c->m, &rec_schedule, c->who->id, id) < 0 ||
	    model_item_unindex(&c->m, &rec_schedule, id) != 0)
		return -1;
	return hooks_of(c->res)->removed(c, id);
}

static int
add_schedule(struct call *c, uint64_t id)
{
	const size_t max = (size_t)res_by_number(RES_CALLFWDSCHED)->max_items;
	uint32_t owner;
	size_t count;
	int rc = model_item_owner(&c->m, &rec_schedule, id, &owner);

	if (rc < 0 || list_count(c, &count) != 0)
		return -1;
	if (rc == 1 && owner != c->who->id)
		return err_set(c->m.e, ERR_CONFLICT, "another schedule has its number");
	if (count >= max)
		return err_set(c->m.e, ERR_UNPROCESSABLE, "there are %zu already", count);
	return model_item_index(&c->m, &rec_schedule, id, c->who->id);
}

static int
put_back_schedule(struct call *c, uint64_t id, struct schedule *s)
{
	struct schedule now;
	int rc = model_get(&c->m, &rec_schedule, c->who->id, id, &now);

	if (rc < 0)
		return -1;
	if (s == NULL)
		return rc == 1 ? remove_schedule(c, id) : 0;
	return hooks_of(c->res)->check(c, id, rc == 1 ? &now : NULL, s) != 0 ||
	        (rc == 0 && add_schedule(c, id) != 0) ||
	        model_put(&c->m, &rec_schedule, c->who->id, id, s) != 0
	    ? -1
	    : 0;
}

static int
put_back_room(struct call *c, uint64_t id, struct room *room)
{
	struct room now;
	int rc = model_get(&c->m, &rec_room, c->who->id, id, &now);

	if (rc < 0)
		return -1;
	if (rc == 0 || room == NULL)
		return err_set(c->m.e, ERR_CONFLICT, "the conference has gone");
	rec_keep_read_only(&rec_room, room, &now);
	return room_put(&c->m, c->who->id, id, &now, room);
}

/* Of an account its names alone were kept. */
static int
put_back_names(struct call *c, const struct contact *names)
{
	struct user u;

	if (names == NULL || model_get(&c->m, &rec_user, c->who->id, 0, &u) != 1)
		return err_set(c->m.e, ERR_INTERNAL, NULL);
	u.has &= ~(REC_BIT(user, first_name) | REC_BIT(user, last_name));
	if (REC_HAS(names, contact, first_name))
		REC_SET(&u, user, first_name, names->first_name);
	if (REC_HAS(names, contact, last_name))
		REC_SET(&u, user, last_name, names->last_name);
	return model_put(&c->m, &rec_user, c->who->id, 0, &u);
}

/* There was no card: there is none again, unless the operator has written on it since. */
static int
remove_card(struct call *c, struct contact *now)
{
	struct contact left = {0}, plain = {0};

	rec_keep_read_only(&rec_contact, &left, now);
	REC_UNSET(&left, contact, timestamp);
	rec_defaults(&rec_contact, &plain);
	rec_unset_equal(&rec_contact, &left, &plain);
	if (left.has == 0)
		return model_del(&c->m, &rec_contact, c->who->id, 0) < 0 ? -1 : 0;
	rec_defaults(&rec_contact, &left);
	REC_SET(&left, contact, timestamp, c->now_ms);
	return model_put(&c->m, &rec_contact, c->who->id, 0, &left);
}

/* What a user has one of. */
static int
put_back_single(struct call *c, const struct rec *r, void *obj)
{
	const struct hooks *h = hooks_of(c->res);
	int granted = h->granted != NULL ? h->granted(c) : 1;
	void *now = arena_alloc(c->m.a, r->size);

	if (granted < 0)
		return -1;
	if (granted == 0)
		return err_set(c->m.e, ERR_FORBIDDEN, "the permission for it is gone");
	if (now == NULL)
		return err_set(c->m.e, ERR_TOO_LARGE, NULL);
	if (model_get(&c->m, r, c->who->id, 0, now) < 0)
		return -1;
	if (obj == NULL && r == &rec_contact)
		return remove_card(c, now);
	if (obj == NULL)
		return model_del(&c->m, r, c->who->id, 0) < 0 ? -1 : 0;
	rec_keep_read_only(r, obj, now);
	return h->check != NULL && h->check(c, 0, now, obj) != 0
	    ? -1
	    : model_put(&c->m, r, c->who->id, 0, obj);
}

int
put_back(struct call *c, const struct history_row *row)
{
	const struct rec *stored = row->rec == &rec_user ? &rec_contact : row->rec;
	void *obj = NULL;

	if (row->before.n > 0) {
		if ((obj = arena_alloc(c->m.a, stored->size)) == NULL)
			return err_set(c->m.e, ERR_TOO_LARGE, NULL);
		if (model_decode(&c->m, stored, row->before, obj) != 0)
			return -1;
	}
	if (row->rec == &rec_entry)
		return put_back_entry(c, row->item, obj);
	if (row->rec == &rec_private_book)
		return put_back_book(c, obj);
	if (row->rec == &rec_schedule)
		return put_back_schedule(c, row->item, obj);
	if (row->rec == &rec_room)
		return put_back_room(c, row->item, obj);
	if (row->rec == &rec_user)
		return put_back_names(c, obj);
	return put_back_single(c, row->rec, obj);
}
