/* SPDX-License-Identifier: ISC */
/* Single entries of the private phonebook, as the user writes them and as vCards of others. */
#include "backend/hooks.h"

#include "backend/book.h"
#include "common/sink.h"

/* The number in the path; 0 = none that an entry can have. */
static uint64_t
number_of(struct str s)
{
	int64_t v;

	return str_to_i64(s, &v) && v >= 1 && v <= INT32_MAX ? (uint64_t)v : 0;
}

static int
not_found(struct call *c)
{
	return err_set(c->m.e, ERR_NOT_FOUND, NULL);
}

/* An entry of the private phonebook, as long as there is one: 0, or -1. */
static int
own_entry(struct call *c, uint64_t id, struct entry *e)
{
	struct private_book b;
	int rc = id == 0 ? 0 : book_private(&c->m, c->who->id, &b);

	if (rc == 1)
		rc = model_get(&c->m, &rec_entry, c->who->id, id, e);
	return rc == 0 ? not_found(c) : rc < 0 ? -1 : 0;
}

static int
get(struct call *c)
{
	struct entry e;

	if (own_entry(c, number_of(c->req->key), &e) != 0)
		return -1;
	rec_defaults(&rec_entry, &e);
	mp_encode(&rec_entry, &e, c->body, 0);
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

/* The client's entry, unless something that the user sees is called the same; `id` is the
 * entry's own number, 0 for a new one. */
static int
read_entry(struct call *c, uint64_t id, struct entry *e)
{
	struct directory_view *v;
	struct directory_hit hit;
	const char *refused;
	int rc;

	*e = (struct entry){0};
	if (call_document(c, &rec_entry, false, e) != 0)
		return -1;
	if ((refused = entry_refused(e)) != NULL)
		return err_set(c->m.e, ERR_INVALID, "%s", refused);
	if (book_view(&c->m, c->who->id, &c->who->user, &v) != 0 ||
	    (rc = directory_find(v, e->number, e->first_name, e->last_name, &hit)) < 0)
		return -1;
	if (rc == 1 && (hit.kind != DIRECTORY_ENTRY || hit.book != c->who->id || hit.id != id))
		return err_set(c->m.e, ERR_DUPLICATE, NULL);
	return 0;
}

static int
post(struct call *c)
{
	struct entry e;

	return read_entry(c, 0, &e) != 0 || book_private_make(&c->m, c->who->id) != 0
	    ? -1
	    : entry_add(&c->m, c->who->id, 0, &e, NULL);
}

static int
put(struct call *c)
{
	uint64_t id = number_of(c->req->key);
	struct entry e;

	if (own_entry(c, id, &e) != 0 || read_entry(c, id, &e) != 0)
		return -1;
	return entry_replace(&c->m, c->who->id, id, &e) == 1 ? 0 : -1;
}

static int
entry(struct call *c)
{
	uint64_t id;

	switch (c->req->method) {
	case M_GET:
		return get(c);
	case M_POST:
		return post(c);
	case M_PUT:
		return put(c);
	default:
		id = number_of(c->req->key);
		return id != 0 && entry_remove(&c->m, c->who->id, id) < 0 ? -1 : 0;
	}
}

static int
show_contacts(struct call *c)
{
	struct private_book b;

	if (book_private_make(&c->m, c->who->id) != 0 || book_private(&c->m, c->who->id, &b) < 0)
		return -1;
	REC_SET(&b, private_book, show_on_phone, str_caseeqc(c->req->key, "true"));
	return model_put(&c->m, &rec_private_book, c->who->id, 0, &b);
}

/* The document is checked and forgotten: nobody is there to take it. */
static int
google(struct call *c)
{
	struct google_credentials doc = {0};

	if (call_document(c, &rec_google_credentials, false, &doc) != 0)
		return -1;
	return err_set(c->m.e, ERR_GOOGLE_UNREACHABLE, NULL);
}

static bool
blank(bool has, struct str s)
{
	return !has || str_trim(s).n == 0;
}

/* Which entry the vCard is: 1 with *id, 0 = a new one, -1. */
static int
find_card(struct call *c, const struct card_sync *doc, uint32_t owner, struct str internal_id,
    uint64_t *id)
{
	struct entry e;
	int rc;

	if (blank(REC_HAS(doc, card_sync, uid), doc->uid))
		return entry_by_internal(&c->m, owner, internal_id, id);
	*id = number_of(str_trim(doc->uid));
	rc = *id == 0 ? 0 : model_get(&c->m, &rec_entry, owner, *id, &e);
	return rc == 0 ? not_found(c) : rc;
}

static int
put_card(struct call *c)
{
	struct card_sync doc = {0};
	struct entry *e = &doc.entry;
	struct str internal_id = c->req->key;
	uint32_t owner = c->who->id;
	uint64_t id = 0;
	int rc;

	if (call_document(c, &rec_card_sync, false, &doc) != 0)
		return -1;
	if (!REC_HAS(&doc, card_sync, entry))
		return err_set(c->m.e, ERR_MALFORMED, "a vCard is needed");
	if (!blank(REC_HAS(&doc, card_sync, user_name), doc.user_name) &&
	    call_subject(c, str_trim(doc.user_name), &owner) != 0)
		return -1;
	if (!blank(REC_HAS(&doc, card_sync, internal_id), doc.internal_id))
		internal_id = doc.internal_id;
	if (book_private_make(&c->m, owner) != 0 ||
	    (rc = find_card(c, &doc, owner, internal_id, &id)) < 0)
		return -1;
	REC_SET(e, entry, internal_id, internal_id);
	if (rec_validate(&rec_entry, e, false, c->m.e) != 0)
		return -1;
	return rc == 0                                ? entry_add(&c->m, owner, 0, e, NULL)
	    : entry_replace(&c->m, owner, id, e) == 1 ? 0
	                                              : -1;
}

static int
delete_card(struct call *c)
{
	uint64_t id;
	int rc = entry_by_internal(&c->m, c->who->id, c->req->key, &id);

	if (rc == 0)
		id = number_of(c->req->key);
	if (rc < 0 || (id != 0 && (rc = entry_remove(&c->m, c->who->id, id)) < 0))
		return -1;
	return rc == 1 ? 0 : not_found(c);
}

static int
card(struct call *c)
{
	return c->req->method == M_PUT ? put_card(c) : delete_card(c);
}

const struct hooks hooks_entry = {.custom = entry};
const struct hooks hooks_show_contacts = {.custom = show_contacts};
const struct hooks hooks_google_import = {.custom = google, .reads = M_POST};
const struct hooks hooks_phonebookentry = {.custom = card};
