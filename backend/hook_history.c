/* SPDX-License-Identifier: ISC */
/*
 * The user's own earlier writes: which can be undone, and undoing one. What is brought back keeps
 * today's rules; where it cannot, the whole is refused and nothing changes. An undone write is a
 * write like any other, and can be undone.
 */
#include <string.h>

#include "backend/audit.h"
#include "backend/book.h"
#include "backend/history.h"
#include "backend/hooks.h"
#include "backend/list.h"
#include "backend/rooms.h"
#include "backend/user_events.h"
#include "backend/when.h"
#include "common/sink.h"

/* What clients call the kinds of record, and where they read and write them. */
static const struct topic {
	const char *name;
	enum res_id res;
	const struct rec *rec[2];
} topics[] = {
    {"callfwd", RES_CALLFWD, {&rec_callfwd}},
    {"callfwdsched", RES_CALLFWDSCHED_ID, {&rec_schedule}},
    {"contact-information", RES_CONTACT_INFORMATION, {&rec_contact, &rec_user}},
    {"speeddial", RES_SPEEDDIAL, {&rec_speeddial}},
    {"vmprefs", RES_VMPREFS, {&rec_vmprefs}},
    {"attendant", RES_ATTENDANT, {&rec_attendant}},
    {"im", RES_IM_PREFS, {&rec_im_prefs}},
    {"imbot", RES_IMBOT_PREFS, {&rec_imbot_prefs}},
    {"conferences", RES_CONFERENCE, {&rec_room}},
    {"phonebook", RES_PHONEBOOK, {&rec_entry, &rec_private_book}},
    {"avatar", RES_AVATAR, {&rec_avatar}},
};

static const struct topic *
topic_of(struct call *c)
{
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		if (str_eqc(c->req->key, topics[i].name))
			return &topics[i];
	err_set(c->m.e, ERR_NOT_FOUND, "there is no history of that name");
	return NULL;
}

static bool
is_about(const struct topic *t, const struct history_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].rec == t->rec[0] || rows[i].rec == t->rec[1])
			return true;
	return false;
}

/* --- which there are ---------------------------------------------------------------- */

static int
show(struct call *c, uint64_t write, size_t records)
{
	struct history_entry e = {0};
	struct audit_row row;
	char time[WHEN_TEXT];
	int rc = audit_get(&c->m, write, &row);

	if (rc != 1)
		return rc;
	REC_SET(&e, history_entry, id, (int64_t)write);
	REC_SET(&e, history_entry, time, when_text(row.time, 0, true, time));
	REC_SET(&e, history_entry, via, row.via);
	REC_SET(&e, history_entry, action, row.action);
	REC_SET(&e, history_entry, records, (int64_t)records);
	if (REC_HAS(&row, audit_row, by))
		REC_SET(&e, history_entry, by, row.by);
	if (REC_HAS(&row, audit_row, from))
		REC_SET(&e, history_entry, from, row.from);
	if (REC_HAS(&row, audit_row, resource))
		REC_SET(&e, history_entry, resource, row.resource);
	mp_encode(&rec_history_entry, &e, c->body, 0);
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

static int
history(struct call *c)
{
	const struct topic *t = topic_of(c);
	uint64_t writes[HISTORY_CHANGES + 1], write = 0;
	size_t n = 0;
	int rc = 0;

	if (t == NULL)
		return -1;
	while (n <= HISTORY_CHANGES && (rc = history_next(&c->m, c->who->id, write, &write)) == 1)
		writes[n++] = write;
	while (n-- > 0 && rc >= 0) {
		struct model part = c->m;
		struct history_row *rows;
		struct arena a;
		size_t count;

		/* What a write has replaced may be as large as the memory of a request. */
		arena_init(&a, HISTORY_MEMORY);
		part.a = &a;
		if ((rc = history_rows(&part, c->who->id, writes[n], &rows, &count)) == 0 &&
		    is_about(t, rows, count))
			rc = show(c, writes[n], count);
		arena_wipe(&a);
	}
	return rc < 0 ? -1 : 0;
}

/* --- bringing one back ---------------------------------------------------------------- */

static struct call
as_if(struct call *c, enum res_id res)
{
	struct call sub = *c;

	sub.res = res_by_number(res);
	return sub;
}

static int
put_back_entry(struct call *c, uint64_t id, struct entry *e)
{
	struct directory_view *v;
	struct directory_hit hit;
	uint32_t book = c->who->id;
	int rc;

	if (e == NULL)
		return entry_remove(&c->m, book, id) < 0 ? -1 : 0;
	if (book_private_make(&c->m, book) != 0 || directory_view_open(&c->m, &book, 1, &v) != 0 ||
	    (rc = directory_find(v, e->number, e->first_name, e->last_name, &hit)) < 0)
		return -1;
	if (rc == 1 && hit.id != id)
		return err_set(c->m.e, ERR_CONFLICT, "there is such an entry again");
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
put_back_schedule(struct call *c, uint64_t id, struct schedule *s)
{
	struct call sub = as_if(c, RES_CALLFWDSCHED_ID);
	const struct hooks *h = hooks_of(sub.res);
	const size_t max = (size_t)res_by_number(RES_CALLFWDSCHED)->max_items;
	struct schedule now;
	size_t count = 0;
	int rc = model_get(&c->m, &rec_schedule, c->who->id, id, &now);

	if (rc < 0)
		return -1;
	if (s == NULL)
		return rc == 1 &&
		        (model_del(&c->m, &rec_schedule, c->who->id, id) < 0 ||
		            model_item_unindex(&c->m, &rec_schedule, id) != 0 ||
		            (h->removed != NULL && h->removed(&sub, id) != 0))
		    ? -1
		    : 0;
	if (rc == 0 && list_count(&sub, &count) != 0)
		return -1;
	if (rc == 0 && count >= max)
		return err_set(c->m.e, ERR_UNPROCESSABLE, "there are %zu already", count);
	return (h->check != NULL && h->check(&sub, id, rc == 1 ? &now : NULL, s) != 0) ||
	        model_item_index(&c->m, &rec_schedule, id, c->who->id) != 0 ||
	        model_put(&c->m, &rec_schedule, c->who->id, id, s) != 0
	    ? -1
	    : 0;
}

/* What the operator keeps about a room stays as it is now. */
static int
put_back_room(struct call *c, uint64_t id, struct room *room)
{
	struct room now;
	int rc = model_get(&c->m, &rec_room, c->who->id, id, &now);

	if (rc < 0)
		return -1;
	if (rc == 0 || room == NULL)
		return err_set(c->m.e, ERR_CONFLICT, "the conference has gone");
	room->has &= ~(REC_BIT(room, extension) | REC_BIT(room, did));
	if (REC_HAS(&now, room, extension))
		REC_SET(room, room, extension, now.extension);
	if (REC_HAS(&now, room, did))
		REC_SET(room, room, did, now.did);
	return room_check(room, c->m.e) != 0 ? -1 : room_put(&c->m, c->who->id, id, &now, room);
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

/* A schedule that a ring names may have gone since. */
static int
put_back_callfwd(struct call *c, struct callfwd *f)
{
	struct call sub = as_if(c, RES_CALLFWD);

	if (f == NULL)
		return model_del(&c->m, &rec_callfwd, c->who->id, 0) < 0 ? -1 : 0;
	return hooks_of(sub.res)->check(&sub, 0, NULL, f) != 0
	    ? -1
	    : model_put(&c->m, &rec_callfwd, c->who->id, 0, f);
}

static int
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
	if (row->rec == &rec_callfwd)
		return put_back_callfwd(c, obj);
	if (obj == NULL)
		return model_del(&c->m, row->rec, c->who->id, row->item) < 0 ? -1 : 0;
	return model_put(&c->m, row->rec, c->who->id, row->item, obj);
}

static int
undo(struct call *c)
{
	const struct topic *t = topic_of(c);
	struct history_row *rows;
	struct arena kept;
	struct model m = c->m;
	int64_t write;
	size_t n;
	int rc;

	if (t == NULL)
		return -1;
	if (!str_to_i64(c->req->key2, &write) || write < 1)
		return err_set(c->m.e, ERR_NOT_FOUND, NULL);
	arena_init(&kept, HISTORY_MEMORY);
	m.a = &kept;
	rc = history_rows(&m, c->who->id, (uint64_t)write, &rows, &n);
	if (rc == 0 && !is_about(t, rows, n))
		rc = err_set(c->m.e, ERR_NOT_FOUND, "nothing is kept of such a write");
	/* The last one first: of what a write has changed twice, the first row has what was there. */
	while (rc == 0 && n-- > 0) {
		struct call each = *c;
		struct arena a;

		arena_init(&a, DIRECTORY_SCRATCH);
		each.m.a = &a;
		rc = put_back(&each, &rows[n]);
		arena_wipe(&a);
	}
	arena_wipe(&kept);
	return rc != 0 ? -1 : user_event_settings(&c->m, c->who->id, res_by_number(t->res)->path);
}

const struct hooks hooks_history = {.custom = history};
const struct hooks hooks_history_undo = {.custom = undo};
