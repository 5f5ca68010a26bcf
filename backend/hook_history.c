/* SPDX-License-Identifier: ISC */
/*
 * The user's own earlier writes: which can be undone, and undoing one. What is brought back keeps
 * today's rules; where it cannot, the whole is refused and nothing changes. An undone write is a
 * write like any other, and can be undone.
 */
#include <string.h>

#include "backend/audit.h"
#include "backend/directory.h"
#include "backend/history.h"
#include "backend/hooks.h"
#include "backend/put_back.h"
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

/* Where a kind of record is written. Whatever is kept has a topic. */
static const struct res *
resource_of(const struct rec *r)
{
	size_t i = 0;

	while (topics[i].rec[0] != r && topics[i].rec[1] != r)
		i++;
	return res_by_number(topics[i].res);
}

/* The last one first: of what a write has changed twice, the first row has what was there. Rings
 * are looked at once the schedules are there that they name. */
static int
put_back_all(struct call *c, const struct history_row *rows, size_t n, bool rings)
{
	int rc = 0;

	while (rc == 0 && n-- > 0) {
		struct call each = *c;
		struct arena a;

		if ((rows[n].rec == &rec_callfwd) != rings)
			continue;
		arena_init(&a, DIRECTORY_SCRATCH);
		each.m.a = &a;
		each.res = resource_of(rows[n].rec);
		rc = put_back(&each, &rows[n]);
		arena_wipe(&a);
	}
	return rc;
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
	if (rc == 0 && (rc = put_back_all(c, rows, n, false)) == 0)
		rc = put_back_all(c, rows, n, true);
	arena_wipe(&kept);
	return rc != 0 ? -1 : user_event_settings(&c->m, c->who->id, res_by_number(t->res)->path);
}

const struct hooks hooks_history = {.custom = history};
const struct hooks hooks_history_undo = {.custom = undo};
