/* SPDX-License-Identifier: ISC */
#include "backend/history.h"

#include <string.h>

#include "backend/audit.h"
#include "backend/key.h"
#include "common/sink.h"

enum { VERSION = 1, ROW_HEAD = 1 + 2 + 8, SWEEP_WRITES = 16, NAMES_MAX = 4096 };

#define DAY_MS (INT64_C(24) * 3600 * 1000)

bool
history_keeps(const struct rec *r)
{
	const struct rec *const kept[] = {&rec_callfwd, &rec_schedule, &rec_contact, &rec_user,
	    &rec_speeddial, &rec_vmprefs, &rec_attendant, &rec_im_prefs, &rec_imbot_prefs, &rec_room,
	    &rec_entry, &rec_private_book, &rec_avatar};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i] == r)
			return true;
	return false;
}

static void
write_key(struct key *k, const struct model *m, uint32_t owner, uint64_t write)
{
	key_id(k, m->tenant, owner, DATA_HISTORY, write);
}

static void
row_key(struct key *k, const struct model *m, uint32_t owner, uint64_t write, uint32_t place)
{
	char text[12];

	key_number(text, write, 8);
	key_number(text + 8, place, 4);
	key_text(k, m->tenant, owner, DATA_HISTORY, (struct str){text, sizeof(text)});
}

/* --- keeping --------------------------------------------------------------------- */

static bool
same_text(bool has_a, struct str a, bool has_b, struct str b)
{
	return has_a == has_b && (!has_a || str_eq(a, b));
}

/* 1 = the names have changed: *out has those of before as a contact card; 0, -1. */
static int
names_of(struct model *m, struct str before, struct str after, struct buf *out)
{
	struct user old, now;
	struct contact card = {0};

	if (before.n == 0 || after.n == 0)
		return 0;
	memset(&old, 0, sizeof(old));
	memset(&now, 0, sizeof(now));
	if (model_decode(m, &rec_user, before, &old) != 0 ||
	    model_decode(m, &rec_user, after, &now) != 0)
		return -1;
	if (same_text(REC_HAS(&old, user, first_name), old.first_name, REC_HAS(&now, user, first_name),
	        now.first_name) &&
	    same_text(REC_HAS(&old, user, last_name), old.last_name, REC_HAS(&now, user, last_name),
	        now.last_name))
		return 0;
	if (REC_HAS(&old, user, first_name))
		REC_SET(&card, contact, first_name, old.first_name);
	if (REC_HAS(&old, user, last_name))
		REC_SET(&card, contact, last_name, old.last_name);
	buf_addc(out, 1);
	mp_encode(&rec_contact, &card, out, 0);
	return 1;
}

int
history_keep(struct model *m, uint32_t owner, uint64_t write, uint32_t place, const struct rec *r,
    uint64_t item, struct str before, struct str after, size_t *bytes)
{
	struct buf names, out;
	struct key k;
	char head[ROW_HEAD] = {VERSION};
	int rc = 1;

	buf_init(&names, NAMES_MAX);
	buf_init(&out, ROW_HEAD + before.n + NAMES_MAX);
	if (r == &rec_user) {
		rc = names_of(m, before, after, &names);
		before = buf_str(&names);
	}
	key_number(head + 1, r->store, 2);
	key_number(head + 3, item, 8);
	buf_add(&out, head, sizeof(head));
	buf_addstr(&out, before);
	if (rc == 1 && (out.failed || names.failed))
		rc = err_set(m->e, ERR_TOO_LARGE, NULL);
	row_key(&k, m, owner, write, place);
	if (rc == 1 && store_put(m->t, STORE_DATA, key_str(&k), buf_str(&out), m->e) != 0)
		rc = -1;
	if (rc == 1)
		*bytes += out.n;
	buf_free(&names);
	buf_free(&out);
	return rc;
}

/* Of a user, in META_HISTORY: [writes u64][bytes u64]. */
struct totals {
	uint64_t writes, bytes;
};

static int
add_bytes(void *arg, struct str key, struct str val)
{
	(void)key;
	*(uint64_t *)arg += val.n;
	return 0;
}

/* Behind the change of the rows. A user without the row, or with one that has no bytes yet, has
 * them counted. */
static int
totals_add(struct model *m, uint32_t owner, int writes, int64_t bytes, struct totals *ret)
{
	struct key k, rows;
	struct str v = {"", 0};
	char text[16];

	*ret = (struct totals){0};
	key_kind(&k, m->tenant, owner, META_HISTORY);
	if (store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e) < 0)
		return -1;
	ret->writes = key_rest_id(v);
	if (v.n >= sizeof(text)) {
		ret->bytes = key_rest_id((struct str){v.p + 8, 8});
		ret->bytes = bytes < 0 && ret->bytes < (uint64_t)-bytes ? 0 : ret->bytes + (uint64_t)bytes;
	} else {
		key_kind(&rows, m->tenant, owner, DATA_HISTORY);
		if (store_scan(m->t, STORE_DATA, key_str(&rows), (struct str){"", 0}, add_bytes,
		        &ret->bytes, m->e) != 0)
			return -1;
	}
	ret->writes = writes < 0 && ret->writes == 0 ? 0 : ret->writes + (uint64_t)writes;
	key_number(text, ret->writes, 8);
	key_number(text + 8, ret->bytes, 8);
	return store_put(m->t, STORE_META, key_str(&k), (struct str){text, sizeof(text)}, m->e);
}

/* Removes a write that has ended, and tells what is left. */
static int drop(struct model *m, uint32_t owner, uint64_t write, struct totals *left);

int
history_end(struct model *m, uint32_t owner, uint64_t write, size_t bytes, int64_t now_ms)
{
	struct totals t;
	struct key k;
	char text[12];
	uint64_t oldest;
	int rc;

	key_number(text, owner, 4);
	key_number(text + 4, (uint64_t)now_ms, 8);
	key_id(&k, m->tenant, OWNER_SYSTEM, INDEX_HISTORY, write);
	if (store_put(m->t, STORE_INDEX, key_str(&k), (struct str){text, sizeof(text)}, m->e) != 0 ||
	    totals_add(m, owner, 1, (int64_t)bytes, &t) != 0)
		return -1;
	while (t.writes > HISTORY_CHANGES || t.bytes > HISTORY_KEPT) {
		if ((rc = history_next(m, owner, 0, &oldest)) != 1 || oldest == write)
			return rc < 0 ? -1 : 0;
		if (drop(m, owner, oldest, &t) != 0)
			return -1;
	}
	return 0;
}

/* --- reading ----------------------------------------------------------------------- */

struct reading {
	struct model *m;
	struct history_row *rows;
	size_t n;
	bool failed;
};

static int
read_row(void *arg, struct str key, struct str val)
{
	struct reading *r = arg;
	struct history_row *row = &r->rows[r->n];

	(void)key;
	if (val.n < ROW_HEAD || val.p[0] != VERSION || r->n == HISTORY_ROWS)
		return r->failed = true;
	row->rec = record_by_store((uint16_t)((unsigned char)val.p[1] << 8 | (unsigned char)val.p[2]));
	row->item = key_rest_id((struct str){val.p + 3, 8});
	row->before = arena_copy(r->m->a, (struct str){val.p + ROW_HEAD, val.n - ROW_HEAD});
	r->failed = row->before.p == NULL || row->rec == NULL;
	r->n++;
	return r->failed;
}

int
history_rows(struct model *m, uint32_t owner, uint64_t write, struct history_row **ret, size_t *n)
{
	struct reading r = {.m = m};
	struct key k;

	r.rows = arena_array(m->a, HISTORY_ROWS, sizeof(*r.rows));
	if (r.rows == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	write_key(&k, m, owner, write);
	if (store_scan(m->t, STORE_DATA, key_str(&k), (struct str){"", 0}, read_row, &r, m->e) != 0)
		return -1;
	*ret = r.rows;
	*n = r.n;
	return r.failed ? err_set(m->e, ERR_TOO_LARGE, NULL) : 0;
}

static int
first_write(void *arg, struct str key, struct str val)
{
	(void)val;
	*(uint64_t *)arg = key_rest_id((struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});
	return 1;
}

int
history_next(struct model *m, uint32_t owner, uint64_t after, uint64_t *write)
{
	struct key prefix, from;

	*write = 0;
	key_kind(&prefix, m->tenant, owner, DATA_HISTORY);
	row_key(&from, m, owner, after, UINT32_MAX);
	if (store_scan(m->t, STORE_DATA, key_str(&prefix), key_str(&from), first_write, write, m->e) !=
	    0)
		return -1;
	return *write != 0;
}

/* --- removing ---------------------------------------------------------------------- */

struct places {
	uint32_t v[HISTORY_ROWS];
	size_t n, bytes;
};

static int
note_place(void *arg, struct str key, struct str val)
{
	struct places *p = arg;
	uint32_t place = 0;

	for (size_t i = key.n - 4; i < key.n; i++)
		place = place << 8 | (unsigned char)key.p[i];
	p->v[p->n++] = place;
	p->bytes += val.n;
	return p->n == HISTORY_ROWS;
}

/* 1 = there was something, of so many bytes. */
static int
drop_rows(struct model *m, uint32_t owner, uint64_t write, size_t *bytes)
{
	struct places *p = arena_alloc(m->a, sizeof(*p));
	struct key k;

	if (p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	write_key(&k, m, owner, write);
	if (store_scan(m->t, STORE_DATA, key_str(&k), (struct str){"", 0}, note_place, p, m->e) != 0)
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		row_key(&k, m, owner, write, p->v[i]);
		if (store_del(m->t, STORE_DATA, key_str(&k), m->e) < 0)
			return -1;
	}
	*bytes = p->bytes;
	return p->n > 0;
}

static int
drop(struct model *m, uint32_t owner, uint64_t write, struct totals *left)
{
	struct key k;
	size_t bytes = 0;
	int rc = drop_rows(m, owner, write, &bytes), had;

	key_id(&k, m->tenant, OWNER_SYSTEM, INDEX_HISTORY, write);
	if (rc < 0 || (had = store_del(m->t, STORE_INDEX, key_str(&k), m->e)) < 0)
		return -1;
	/* Of a write that has not ended yet it is not counted. */
	return had == 1 && rc == 1 ? totals_add(m, owner, -1, -(int64_t)bytes, left) : 0;
}

int
history_drop(struct model *m, uint32_t owner, uint64_t write)
{
	struct totals left;

	return drop(m, owner, write, &left);
}

int
history_forget(struct model *m, uint32_t owner)
{
	struct key k;
	uint64_t write;
	int rc;

	while ((rc = history_next(m, owner, 0, &write)) == 1)
		if (history_drop(m, owner, write) != 0)
			return -1;
	key_kind(&k, m->tenant, owner, META_HISTORY);
	return rc < 0 || store_del(m->t, STORE_META, key_str(&k), m->e) < 0 ? -1 : 0;
}

struct old {
	struct {
		uint64_t write;
		uint32_t owner;
		bool ahead; /* of now, by a wrong clock */
	} v[SWEEP_WRITES];
	size_t n;
	int64_t before_ms, now_ms;
};

static int
note_write(void *arg, struct str key, struct str val)
{
	struct old *o = arg;

	int64_t time = val.n == 12 ? (int64_t)key_rest_id((struct str){val.p + 4, 8}) : o->now_ms;

	if (time >= o->before_ms && time <= o->now_ms)
		return 1;
	o->v[o->n].ahead = time > o->now_ms;
	o->v[o->n].write = key_rest_id((struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});
	o->v[o->n].owner = 0;
	for (size_t i = 0; i < 4; i++)
		o->v[o->n].owner = o->v[o->n].owner << 8 | (unsigned char)val.p[i];
	return ++o->n == SWEEP_WRITES;
}

int
history_sweep(struct model *m, int64_t now_ms, int64_t audit_days)
{
	const int64_t days = audit_days > 0 && audit_days < HISTORY_DAYS ? audit_days : HISTORY_DAYS;
	struct old o = {.before_ms = now_ms - days * DAY_MS, .now_ms = now_ms};
	struct key prefix;
	int rc = 1;
	size_t i = 0;

	key_kind(&prefix, m->tenant, OWNER_SYSTEM, INDEX_HISTORY);
	if (store_scan(
	        m->t, STORE_INDEX, key_str(&prefix), (struct str){"", 0}, note_write, &o, m->e) != 0)
		return -1;
	for (; i < o.n; i++) {
		if (o.v[i].ahead && (rc = audit_over(m, o.v[i].write, o.before_ms, now_ms)) != 1)
			break;
		if (history_drop(m, o.v[i].owner, o.v[i].write) != 0)
			return -1;
	}
	return rc < 0 ? -1 : i == SWEEP_WRITES;
}
