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
	/* Whether the caller may change it: 1, 0 = what is written is not stored, without being told
	 * (portals send every form back), or -1 (SHAPE_SINGLE). */
	int (*granted)(struct call *c);
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
	/* Before a write: the upload of which a picture is to be made (c->picture, when the write
	 * runs). Who may not write is refused here, before it costs anything. */
	int (*picture)(struct call *c, struct str *upload);
	/* Before a write: the caller's password, which must be right or the answer is 403; such tries
	 * are counted. Asked before `secret`. */
	int (*proof)(struct call *c, struct str *ret);
	/* SHAPE_CUSTOM. */
	int (*custom)(struct call *c);
	/* Methods beside GET that store nothing, and need no place in the writer's queue. */
	unsigned reads;
	/* GET stores something: it goes to the writer. */
	bool get_writes;
	/* May end a session, so that tokens known to be good are looked at again. */
	bool ends_sessions;
};

/* Never NULL. */
const struct hooks *hooks_of(const struct res *r);

/* The rows, one per file hook_*.c. */
extern const struct hooks hooks_forward;
extern const struct hooks hooks_callfwd;
extern const struct hooks hooks_schedule;
extern const struct hooks hooks_contact;
extern const struct hooks hooks_session;
extern const struct hooks hooks_conferences;
extern const struct hooks hooks_conference;
extern const struct hooks hooks_speeddial;
extern const struct hooks hooks_vmprefs;
extern const struct hooks hooks_attendant;
extern const struct hooks hooks_languages;
extern const struct hooks hooks_operator;
extern const struct hooks hooks_activegreeting;
extern const struct hooks hooks_avatar;
extern const struct hooks hooks_logindetails;
extern const struct hooks hooks_logout;
extern const struct hooks hooks_pin_path;
extern const struct hooks hooks_pin;
extern const struct hooks hooks_password_path;
extern const struct hooks hooks_password;
extern const struct hooks hooks_phonebook;
extern const struct hooks hooks_phonebook_page;
extern const struct hooks hooks_phonebook_own;
extern const struct hooks hooks_phonebook_search;
extern const struct hooks hooks_phonebooks;
extern const struct hooks hooks_phonebook_named;
extern const struct hooks hooks_entry;
extern const struct hooks hooks_show_contacts;
extern const struct hooks hooks_google_import;
extern const struct hooks hooks_phonebookentry;
extern const struct hooks hooks_activecdrs;
extern const struct hooks hooks_activecdrs_user;
extern const struct hooks hooks_events;
extern const struct hooks hooks_conferencedetails;
extern const struct hooks hooks_conference_command;
extern const struct hooks hooks_call;
extern const struct hooks hooks_callcontroller;
extern const struct hooks hooks_cdr_history;
extern const struct hooks hooks_cdrs;
extern const struct hooks hooks_audit;
extern const struct hooks hooks_history;
extern const struct hooks hooks_history_undo;

#endif
