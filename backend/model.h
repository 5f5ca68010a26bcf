/* SPDX-License-Identifier: ISC */
/*
 * Records in the store: the stored form (a version byte, then tagged msgpack),
 * numbers, names, and what is looked up by user, group and default. Everything
 * works inside the caller's transaction and allocates from the caller's arena.
 */
#ifndef BACKEND_MODEL_H
#define BACKEND_MODEL_H

#include "backend/store.h"
#include "common/records.h"

enum { TENANT_DEFAULT = 1, GROUPS_MAX = 64 };

/* Series of model_next_number() that users, groups and branches share. */
enum { SERIES_OWNER = 1 };

/* Kinds of rows. */
enum {
#define KIND(table, name, number) name = number,
#include "backend/kinds.def"
#undef KIND
};

/* Whether rows of STORE_DATA of that kind are kept beside the records, by this release. */
bool model_is_aside(uint16_t kind);

struct settings_now;
struct audit;
struct quota;

struct model {
	struct store_txn *t;
	struct arena *a;
	struct err *e;
	uint32_t tenant;
	struct settings_now *settings;
	struct audit *audit; /* where changes are recorded (audit.h), NULL = nowhere */
	struct quota *quota; /* what a write may add (quota.h), NULL = whatever it likes */
};

/* 1 = found, 0 = none (then *obj is zeroed), -1. `id` 0 = the owner's only one. */
int model_get(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, void *obj);
/* Derived fields are left out; secret ones are kept. 0 or -1. */
int model_put(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, const void *obj);
/* 1 = removed, 0 = there was none, -1. */
int model_del(struct model *m, const struct rec *r, uint32_t owner, uint64_t id);

/* The only record of a user with what is absent taken from the groups by weight, then the defaults;
 * `u` = the user, whose groups count. 0 or -1. */
int model_layered(
    struct model *m, const struct rec *r, uint32_t owner, const struct user *u, void *obj);
/* Stores what differs from the groups and the defaults; nothing left = no record. 0 or -1. */
int model_layered_put(
    struct model *m, const struct rec *r, uint32_t owner, const struct user *u, const void *obj);

/* Likewise for records of the system that are found by a name. */
int model_named_get(struct model *m, const struct rec *r, struct str name, void *obj);
int model_named_put(struct model *m, const struct rec *r, struct str name, const void *obj);
int model_named_del(struct model *m, const struct rec *r, struct str name);

/* 0, or -1 with ERR_INTERNAL: a later release has written it, in a way that is not for this one. */
int model_check(struct model *m, const struct rec *r, struct str stored);
/* From bytes as stored. */
int model_decode(struct model *m, const struct rec *r, struct str stored, void *obj);

/* The owner's records of one kind, in the order of their numbers: `row` returns 0 to go on.
 * It gets the stored bytes and must not call the store. */
typedef int model_row_fn(void *arg, uint64_t id, struct str stored);
int model_each(struct model *m, const struct rec *r, uint32_t owner, model_row_fn *row, void *arg);

/* The next unused number of a series (a kind of record); first 1. 0 on failure with *e. */
uint64_t model_next_number(struct model *m, uint16_t series);
/* Makes sure that numbers up to and including `used` are not given out again. */
int model_number_used(struct model *m, uint16_t series, uint64_t used);

/* Item number -> owner, for records that are addressed by number alone. 1, 0, -1. */
int model_item_owner(struct model *m, const struct rec *r, uint64_t id, uint32_t *owner);
int model_item_index(struct model *m, const struct rec *r, uint64_t id, uint32_t owner);
int model_item_unindex(struct model *m, const struct rec *r, uint64_t id);

/* Name -> number in one of the INDEX_ kinds: 1, 0, -1. */
int model_name(struct model *m, uint16_t index, struct str name, uint32_t *ret);
int model_name_set(struct model *m, uint16_t index, struct str name, uint32_t number);
int model_name_del(struct model *m, uint16_t index, struct str name);

/* System settings, defaults included. */
int model_settings(struct model *m, struct settings *ret);

struct group_ref {
	uint32_t id;
	struct group rec;
};
/* The user's groups by weight, then name; names that no longer exist are passed over. */
int model_groups(struct model *m, const struct user *u, struct group_ref *ret, size_t *n);

/* User, then groups by weight, then the default. 1 = granted, 0 = not, -1. */
int model_permission(struct model *m, const struct user *u, enum permission_name p);

/* Writes a user with its names; `old` = what was stored, NULL for a new one. -1 with
 * ERR_CONFLICT when a name belongs to somebody else. */
int model_user_put(struct model *m, uint32_t id, const struct user *old, const struct user *u);
/* Gives a user's names up; the record itself stays. */
int model_user_forget(struct model *m, uint32_t id, const struct user *u);

#endif
