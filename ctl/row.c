/* SPDX-License-Identifier: ISC */
#include "ctl/row.h"

#include <stdio.h>
#include <string.h>

#include "common/mp.h"
#include "common/records.h"
#include "common/res.h"
#include "common/sink.h"
#include "common/tree.h"

enum { BODY_MAX = 1024 * 1024 };

/* What a row has to say beside its record. */
enum place {
	PLACE_OWN,    /* the record is its own owner, or the system's */
	PLACE_SINGLE, /* an owner, who has one */
	PLACE_ITEM,   /* an owner; the number is given out when it is absent */
	PLACE_NUMBER  /* an owner and a number */
};

static enum place
place_of(const struct rec *r)
{
	if (r == &rec_user || r == &rec_group || r == &rec_branch || r == &rec_settings ||
	    r == &rec_phonebook || r == &rec_known_call)
		return PLACE_OWN;
	if (r == &rec_voicemail_pin || r == &rec_private_book)
		return PLACE_SINGLE;
	if (record_is_numbered(r) || r == &rec_entry)
		return PLACE_ITEM;
	/* Calls have no number: time and name say which one it is. */
	if (r == &rec_avatar || r == &rec_call_record)
		return PLACE_SINGLE;
	for (size_t i = 0; i < all_resources_count; i++)
		if (all_resources[i].record == r && all_resources[i].shape == SHAPE_SINGLE)
			return PLACE_SINGLE;
	return PLACE_NUMBER;
}

static int
wrong(struct row_fault *fault, const char *field, const char *what)
{
	snprintf(fault->field, sizeof(fault->field), "%s", field);
	return err_set(&fault->err, ERR_INVALID, "%s", what);
}

void
row_path(int64_t kind, const int32_t *path, size_t depth, char *ret, size_t size)
{
	const struct rec *r = record_by_store((uint16_t)kind);
	struct buf out;

	buf_init(&out, size);
	if (r != NULL)
		rec_path(r, false, path, depth, &out);
	snprintf(ret, size, "%.*s", (int)out.n, out.n > 0 ? out.p : "");
	buf_free(&out);
}

static int
wrong_in_record(struct row_fault *fault, const struct rec *r)
{
	row_path(r->store, fault->err.path, fault->err.depth, fault->field, sizeof(fault->field));
	if (fault->field[0] == '\0')
		snprintf(fault->field, sizeof(fault->field), "record");
	return -1;
}

/* The line in the file is said by the caller; the one in the text is always the first. */
static void
without_line(char *text)
{
	static const char line[] = "line 1, ";
	char *at = strstr(text, line);

	if (at != NULL)
		memmove(at, at + sizeof(line) - 1, strlen(at + sizeof(line) - 1) + 1);
}

/* The decoder passes over members that it does not know; a misspelt one in a file would be lost. */
static int
all_known(const struct rec *r, const struct node *n, struct err *e)
{
	if (n->kind != NODE_MAP)
		return 0;
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		size_t i;
		int32_t at = 0;
		const struct field *f = rec_field_by_name(r, m->name, false, &i);

		if (f == NULL)
			return err_set(e, ERR_INVALID, "a %s has no member \"%.*s\"", r->name,
			    m->name.n < 64 ? (int)m->name.n : 64, m->name.p);
		err_push(e, f->tag);
		if (f->kind == K_REC && all_known(f->sub, m, e) != 0)
			return -1;
		if (f->kind == K_LIST && m->kind == NODE_LIST) {
			for (const struct node *item = m->first; item != NULL; item = item->next) {
				err_push(e, -1 - at++);
				if (all_known(f->sub, item, e) != 0)
					return -1;
				err_pop(e);
			}
		}
		err_pop(e);
	}
	return 0;
}

static int
read_record(const struct rec *r, const struct node *n, struct stored_row *row, struct arena *a,
    struct row_fault *fault)
{
	void *obj = arena_alloc(a, r->size);
	struct tree_src src;
	struct buf body;

	if (obj == NULL)
		return err_set(&fault->err, ERR_TOO_LARGE, NULL);
	tree_src_init(&src, n, RULES_BEAN);
	if (all_known(r, n, &fault->err) != 0 ||
	    rec_decode(r, obj, &src.src, DECODE_ALL, a, &fault->err) != 0)
		return wrong_in_record(fault, r);
	rec_strip(r, obj, F_DERIVED);
	if (!record_is_layered(r))
		rec_defaults(r, obj);
	if (rec_validate(r, obj, false, &fault->err) != 0)
		return wrong_in_record(fault, r);
	buf_init(&body, BODY_MAX);
	mp_encode(r, obj, &body, ENCODE_SECRETS);
	REC_SET(row, stored_row, body, arena_copy(a, buf_str(&body)));
	if (body.failed || row->body.p == NULL)
		err_set(&fault->err, ERR_TOO_LARGE, NULL);
	buf_wipe(&body);
	return fault->err.code == ERR_OK ? 0 : -1;
}

static int
read_owner(const struct node *n, int type, struct stored_row *row, struct row_fault *fault)
{
	const char *field = enum_text(&enum_owner_type, type);

	if (REC_HAS(row, stored_row, owner))
		return wrong(fault, field, "a row has one owner: a user, a group or a book");
	if (n->kind != NODE_TEXT || n->text.n == 0)
		return wrong(fault, field, "must be a name");
	REC_SET(row, stored_row, owner_type, type);
	REC_SET(row, stored_row, owner, n->text);
	return 0;
}

static int
read_item(const struct node *n, struct stored_row *row, struct row_fault *fault)
{
	if (n->kind != NODE_INT || n->i < 1)
		return wrong(fault, "item", "must be a number from 1");
	REC_SET(row, stored_row, item, n->i);
	return 0;
}

static int
read_members(const struct node *doc, struct stored_row *row, const struct rec **r,
    const struct node **record, struct row_fault *fault)
{
	for (const struct node *m = doc->first; m != NULL; m = m->next) {
		int rc = 0;

		if (str_eqc(m->name, "type")) {
			*r = m->kind == NODE_TEXT ? record_by_name(m->text) : NULL;
			if (*r == NULL || (*r)->store == 0 || (*r)->transient)
				return wrong(fault, "type", "there is no such kind of stored record");
		} else if (str_eqc(m->name, "user")) {
			rc = read_owner(m, owner_type_USER, row, fault);
		} else if (str_eqc(m->name, "group")) {
			rc = read_owner(m, owner_type_GROUP, row, fault);
		} else if (str_eqc(m->name, "book")) {
			rc = read_owner(m, owner_type_BOOK, row, fault);
		} else if (str_eqc(m->name, "item")) {
			rc = read_item(m, row, fault);
		} else if (str_eqc(m->name, "record")) {
			*record = m;
		} else {
			return err_set(&fault->err, ERR_INVALID, "a row has no member \"%.*s\"",
			    m->name.n < 64 ? (int)m->name.n : 64, m->name.p);
		}
		if (rc != 0)
			return -1;
	}
	if (*r == NULL)
		return wrong(fault, "type", "is required");
	return *record == NULL ? wrong(fault, "record", "is required") : 0;
}

static int
check_place(const struct rec *r, const struct stored_row *row, struct row_fault *fault)
{
	enum place place = place_of(r);
	bool owned = REC_HAS(row, stored_row, owner), item = REC_HAS(row, stored_row, item);

	if (place == PLACE_OWN && owned)
		return wrong(fault, enum_text(&enum_owner_type, row->owner_type),
		    "this kind of row belongs to nobody else");
	if (place != PLACE_OWN && !owned)
		return wrong(fault, "user", "is required (or group, or book)");
	if (item && (place == PLACE_OWN || place == PLACE_SINGLE))
		return wrong(fault, "item", "this kind of row has no number");
	if (!item && place == PLACE_NUMBER)
		return wrong(fault, "item", "is required");
	return 0;
}

int
row_read(struct str line, struct stored_row *row, struct arena *a, struct row_fault *fault)
{
	const struct rec *r = NULL;
	const struct node *record = NULL;
	struct node *doc;

	err_clear(&fault->err);
	fault->field[0] = '\0';
	memset(row, 0, sizeof(*row));
	REC_SET(row, stored_row, owner_type, owner_type_SYSTEM);
	if (json_read(line, a, &doc, &fault->err) != 0) {
		without_line(fault->err.text);
		return -1;
	}
	if (doc->kind != NODE_MAP)
		return wrong(fault, "", "a row must be an object");
	if (read_members(doc, row, &r, &record, fault) != 0 || check_place(r, row, fault) != 0 ||
	    read_record(r, record, row, a, fault) != 0)
		return -1;
	REC_SET(row, stored_row, kind, r->store);
	/* What is left is the table's: lengths of names and of the record. */
	if (rec_validate(&rec_stored_row, row, false, &fault->err) != 0) {
		struct buf out;

		buf_init(&out, sizeof(fault->field));
		rec_path(&rec_stored_row, false, fault->err.path, fault->err.depth, &out);
		snprintf(fault->field, sizeof(fault->field), "%.*s", (int)out.n, out.p);
		buf_free(&out);
		return -1;
	}
	return 0;
}

int
row_write(const struct stored_row *row, struct buf *out, struct arena *a, struct err *e)
{
	const struct rec *r = record_by_store((uint16_t)row->kind);
	void *obj = r != NULL ? arena_alloc(a, r->size) : NULL;
	struct sink sink;

	err_clear(e);
	if (r == NULL)
		return err_set(
		    e, ERR_INVALID, "the backend has a kind of record that this release does not know");
	if (obj == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	if (mp_decode(r, obj, row->body, DECODE_ALL, a, e) != 0)
		return -1;
	buf_adds(out, "{\"type\":");
	json_text(out, str_c(r->name));
	if (row->owner_type != owner_type_SYSTEM) {
		buf_addc(out, ',');
		json_text(out, str_c(enum_text(&enum_owner_type, row->owner_type)));
		buf_addc(out, ':');
		json_text(out, row->owner);
	}
	if (REC_HAS(row, stored_row, item))
		buf_printf(out, ",\"item\":%lld", (long long)row->item);
	buf_adds(out, ",\"record\":");
	json_sink_init(&sink, out);
	rec_encode(r, obj, &sink, ENCODE_SECRETS);
	buf_addc(out, '}');
	return 0;
}
