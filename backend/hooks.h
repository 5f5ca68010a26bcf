/* SPDX-License-Identifier: ISC */
/*
 * What a resource does beyond the table's rules. A resource without a row here
 * is served by its row of res.def alone.
 */
#ifndef BACKEND_HOOKS_H
#define BACKEND_HOOKS_H

#include "backend/call.h"

/* Each returns 0, or -1 with *c->m.e. NULL = what serve.c does for everybody. */
struct hooks {
	/* Fills the zeroed *obj with the stored state (SHAPE_SINGLE). */
	int (*load)(struct call *c, void *obj);
	/* Cross-record rules for a document about to be stored; may change *obj. `old` is what was
	 * stored (NULL for a new item), `id` the item's number (0 for SHAPE_SINGLE and new items). */
	int (*check)(struct call *c, uint64_t id, const void *old, void *obj);
	/* Stores *obj (SHAPE_SINGLE). */
	int (*save)(struct call *c, const void *obj);
	/* Adds derived fields for an answer. */
	int (*show)(struct call *c, void *obj);
	/* After an item of the caller's was removed. */
	int (*removed)(struct call *c, uint64_t id);
	/* SHAPE_COLLECTION: the text by which an owner's items are ordered; NULL = by number. */
	struct str (*order)(const void *obj);
	/* Items of the caller's groups are listed and shown as well. */
	bool with_groups;
	/* Before a write: the secret that is to be stored as a hash (c->hash, when the write runs), or
	 * an empty one. What the rules refuse is refused here, before it costs a hash. */
	int (*secret)(struct call *c, struct str *ret);
	/* SHAPE_CUSTOM. */
	int (*custom)(struct call *c);
	/* Methods beside GET that store nothing, and need no place in the writer's queue. */
	unsigned reads;
};

/* Never NULL. */
const struct hooks *hooks_of(const struct res *r);

/* The rows, one per file hook_*.c. */
extern const struct hooks hooks_forward, hooks_callfwd, hooks_schedule, hooks_contact,
    hooks_session, hooks_phonebook, hooks_phonebook_page, hooks_phonebook_own,
    hooks_phonebook_search, hooks_phonebooks, hooks_phonebook_named, hooks_entry,
    hooks_show_contacts, hooks_google_import, hooks_phonebookentry;

#endif
