/* SPDX-License-Identifier: ISC */
#include "backend/model.h"

#include <stdlib.h>
#include <string.h>

#include "backend/audit.h"
#include "backend/key.h"
#include "backend/members.h"
#include "backend/quota.h"
#include "backend/route_log.h"
#include "backend/settings_now.h"
#include "common/mp.h"
#include "common/sink.h"

enum { VALUE_MAX = 1024 * 1024 };

/* Two kinds of one table with the same number do not compile. */
bool
model_is_aside(uint16_t kind)
{
	switch (STORE_DATA * 0x10000 + kind) {
#define KIND(table, name, number) case STORE_##table * 0x10000 + name:
#include "backend/kinds.def"
#undef KIND
		return true;
	default:
		return false;
	}
}

static uint8_t
version_of(const struct rec *r)
{
	return r->version != 0 ? (uint8_t)r->version : 1;
}

static void
key_of(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, struct key *k)
{
	if (id == 0)
		key_kind(k, m->tenant, owner, r->store);
	else
		key_id(k, m->tenant, owner, r->store, id);
}

static int
unreadable(struct model *m, const struct rec *r)
{
	return err_set(m->e, ERR_INTERNAL, "a stored %s cannot be read", r->name);
}

int
model_check(struct model *m, const struct rec *r, struct str stored)
{
	return stored.n > 0 && (uint8_t)stored.p[0] <= version_of(r) ? 0 : unreadable(m, r);
}

int
model_decode(struct model *m, const struct rec *r, struct str stored, void *obj)
{
	struct str body = {stored.p + 1, stored.n - 1};

	if (model_check(m, r, stored) != 0 || mp_decode(r, obj, body, DECODE_ALL, m->a, m->e) != 0)
		return unreadable(m, r);
	return 0;
}

static int
put_at(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, const struct key *k,
    const void *obj)
{
	void *copy = arena_alloc(m->a, r->size);
	struct buf out;
	int rc;

	if (copy == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	memcpy(copy, obj, r->size);
	rec_strip(r, copy, F_DERIVED);
	buf_init(&out, VALUE_MAX);
	buf_addc(&out, (char)version_of(r));
	mp_encode(r, copy, &out, ENCODE_SECRETS);
	rc = out.failed ? err_set(m->e, ERR_TOO_LARGE, NULL)
	                : audit_record(m, r, owner, id, k, buf_str(&out));
	if (rc == 0)
		rc = quota_record(m, r, owner, key_str(k), buf_str(&out));
	if (rc == 0)
		rc = store_put(m->t, STORE_DATA, key_str(k), buf_str(&out), m->e);
	buf_wipe(&out);
	return rc;
}

static int
put_record(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, const void *obj)
{
	struct key k;

	key_of(m, r, owner, id, &k);
	return put_at(m, r, owner, id, &k, obj);
}

static int
del_at(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, const struct key *k)
{
	return audit_record(m, r, owner, id, k, (struct str){"", 0}) != 0 ||
	        quota_record(m, r, owner, key_str(k), (struct str){"", 0}) != 0
	    ? -1
	    : store_del(m->t, STORE_DATA, key_str(k), m->e);
}

static int
get_at(struct model *m, const struct rec *r, const struct key *k, void *obj)
{
	struct str stored;
	int rc;

	memset(obj, 0, r->size);
	rc = store_get(m->t, STORE_DATA, key_str(k), m->a, &stored, m->e);
	if (rc != 1)
		return rc;
	return model_decode(m, r, stored, obj) == 0 ? 1 : -1;
}

int
model_get(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, void *obj)
{
	struct key k;

	key_of(m, r, owner, id, &k);
	return get_at(m, r, &k, obj);
}

int
model_named_get(struct model *m, const struct rec *r, struct str name, void *obj)
{
	struct key k;

	key_text(&k, m->tenant, OWNER_SYSTEM, r->store, name);
	return get_at(m, r, &k, obj);
}

int
model_named_put(struct model *m, const struct rec *r, struct str name, const void *obj)
{
	struct key k;

	key_text(&k, m->tenant, OWNER_SYSTEM, r->store, name);
	return put_at(m, r, OWNER_SYSTEM, 0, &k, obj);
}

int
model_named_del(struct model *m, const struct rec *r, struct str name)
{
	struct key k;

	key_text(&k, m->tenant, OWNER_SYSTEM, r->store, name);
	return del_at(m, r, OWNER_SYSTEM, 0, &k);
}

/* Accounts and contact cards are what phonebooks show of users, and much else decides about how
 * their calls are routed: whoever writes one, directories and the log of routes follow in the same
 * transaction. */
int
model_put(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, const void *obj)
{
	struct user old;
	int had = 0;

	if (r == &rec_user && (had = model_get(m, r, owner, id, &old)) < 0)
		return -1;
	if (route_log_record(m, r, owner, id, obj) != 0 || put_record(m, r, owner, id, obj) != 0)
		return -1;
	if (r == &rec_user)
		return members_user(m, owner, had == 1 ? &old : NULL, obj);
	return r == &rec_contact ? members_contact(m, owner, obj) : 0;
}

int
model_del(struct model *m, const struct rec *r, uint32_t owner, uint64_t id)
{
	struct key k;

	if (route_log_record(m, r, owner, id, NULL) != 0)
		return -1;
	key_of(m, r, owner, id, &k);
	return del_at(m, r, owner, id, &k);
}

struct each {
	model_row_fn *row;
	void *arg;
};

static int
each_row(void *arg, struct str key, struct str val)
{
	struct each *each = arg;
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	if (!key_split(key, &tenant, &owner, &kind, &rest))
		return 0;
	return each->row(each->arg, key_rest_id(rest), val);
}

int
model_each(struct model *m, const struct rec *r, uint32_t owner, model_row_fn *row, void *arg)
{
	struct each each = {row, arg};
	struct key k;

	key_kind(&k, m->tenant, owner, r->store);
	return store_scan(m->t, STORE_DATA, key_str(&k), (struct str){"", 0}, each_row, &each, m->e);
}

static struct str
number_bytes(char *bytes, uint64_t v, size_t n)
{
	key_number(bytes, v, n);
	return (struct str){bytes, n};
}

static int
counter_get(struct model *m, uint16_t series, struct key *k, uint64_t *ret)
{
	struct str v;
	int rc;

	key_id(k, m->tenant, OWNER_SYSTEM, META_COUNTER, series);
	rc = store_get(m->t, STORE_META, key_str(k), m->a, &v, m->e);
	*ret = rc == 1 ? key_rest_id(v) : 0;
	return rc < 0 ? -1 : 0;
}

uint64_t
model_next_number(struct model *m, uint16_t series)
{
	struct key k;
	uint64_t last;
	char bytes[8];

	if (counter_get(m, series, &k, &last) != 0)
		return 0;
	last++;
	if (store_put(m->t, STORE_META, key_str(&k), number_bytes(bytes, last, 8), m->e) != 0)
		return 0;
	return last;
}

int
model_number_used(struct model *m, uint16_t series, uint64_t used)
{
	struct key k;
	uint64_t last;
	char bytes[8];

	if (counter_get(m, series, &k, &last) != 0)
		return -1;
	if (last >= used)
		return 0;
	return store_put(m->t, STORE_META, key_str(&k), number_bytes(bytes, used, 8), m->e);
}

static int
number_get(struct model *m, const struct key *k, uint32_t *ret)
{
	struct str v;
	int rc = store_get(m->t, STORE_INDEX, key_str(k), m->a, &v, m->e);

	*ret = 0;
	/* Found or not, it costs the same, since whoever asks may not be told: memory for the value is
	 * most of the difference. */
	if (rc == 0 && arena_alloc(m->a, 4) == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (rc == 1 && v.n == 4)
		for (size_t i = 0; i < 4; i++)
			*ret = *ret << 8 | (unsigned char)v.p[i];
	return rc;
}

static int
number_put(struct model *m, const struct key *k, uint32_t number)
{
	char bytes[4];

	return store_put(m->t, STORE_INDEX, key_str(k), number_bytes(bytes, number, 4), m->e);
}

int
model_item_owner(struct model *m, const struct rec *r, uint64_t id, uint32_t *owner)
{
	struct key k;

	key_id(&k, m->tenant, OWNER_SYSTEM, r->store, id);
	return number_get(m, &k, owner);
}

int
model_item_index(struct model *m, const struct rec *r, uint64_t id, uint32_t owner)
{
	struct key k;

	key_id(&k, m->tenant, OWNER_SYSTEM, r->store, id);
	return number_put(m, &k, owner);
}

int
model_item_unindex(struct model *m, const struct rec *r, uint64_t id)
{
	struct key k;

	key_id(&k, m->tenant, OWNER_SYSTEM, r->store, id);
	return store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0 ? -1 : 0;
}

int
model_name(struct model *m, uint16_t index, struct str name, uint32_t *ret)
{
	struct key k;

	key_text(&k, m->tenant, OWNER_SYSTEM, index, name);
	return number_get(m, &k, ret);
}

int
model_name_set(struct model *m, uint16_t index, struct str name, uint32_t number)
{
	struct key k;

	key_text(&k, m->tenant, OWNER_SYSTEM, index, name);
	return number_put(m, &k, number);
}

int
model_name_del(struct model *m, uint16_t index, struct str name)
{
	struct key k;

	key_text(&k, m->tenant, OWNER_SYSTEM, index, name);
	return store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0 ? -1 : 0;
}

int
model_settings(struct model *m, struct settings *ret)
{
	return settings_now_get(m->settings, ret, m->a) == 0 ? 0 : err_set(m->e, ERR_TOO_LARGE, NULL);
}

static int
by_weight(const void *pa, const void *pb)
{
	const struct group_ref *a = pa, *b = pb;

	if (a->rec.weight != b->rec.weight)
		return a->rec.weight < b->rec.weight ? -1 : 1;
	return str_cmp(a->rec.name, b->rec.name);
}

int
model_groups(struct model *m, const struct user *u, struct group_ref *ret, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < u->groups.n && *n < GROUPS_MAX; i++) {
		struct group_ref *g = &ret[*n];
		int rc = model_name(m, INDEX_GROUP, u->groups.v[i], &g->id);

		if (rc == 1)
			rc = model_get(m, &rec_group, g->id, 0, &g->rec);
		if (rc < 0)
			return -1;
		*n += rc == 1;
	}
	qsort(ret, *n, sizeof(*ret), by_weight);
	return 0;
}

/* What the groups and the defaults say, for whoever has set nothing. */
static int
inherited(struct model *m, const struct rec *r, const struct user *u, void *obj)
{
	struct group_ref groups[GROUPS_MAX];
	void *layer = arena_alloc(m->a, r->size);
	size_t n;

	if (layer == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (model_groups(m, u, groups, &n) != 0)
		return -1;
	memset(obj, 0, r->size);
	for (size_t i = 0; i < n; i++) {
		if (model_get(m, r, groups[i].id, 0, layer) < 0)
			return -1;
		rec_fill(r, obj, layer);
	}
	rec_defaults(r, obj);
	return 0;
}

int
model_layered(struct model *m, const struct rec *r, uint32_t owner, const struct user *u, void *obj)
{
	void *below = arena_alloc(m->a, r->size);

	if (below == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (model_get(m, r, owner, 0, obj) < 0 || inherited(m, r, u, below) != 0)
		return -1;
	rec_fill(r, obj, below);
	return 0;
}

int
model_layered_put(
    struct model *m, const struct rec *r, uint32_t owner, const struct user *u, const void *obj)
{
	void *own = arena_alloc(m->a, r->size), *below = arena_alloc(m->a, r->size);

	if (own == NULL || below == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (inherited(m, r, u, below) != 0)
		return -1;
	memcpy(own, obj, r->size);
	rec_strip(r, own, F_DERIVED);
	rec_unset_equal(r, own, below);
	if (rec_has(own) == 0)
		return model_del(m, r, owner, 0) < 0 ? -1 : 0;
	return model_put(m, r, owner, 0, own);
}

static bool
listed(const struct permission_list *l, enum permission_name p, bool *granted)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].name == (int)p) {
			*granted = l->v[i].enabled;
			return true;
		}
	}
	return false;
}

int
model_permission(struct model *m, const struct user *u, enum permission_name p)
{
	struct group_ref groups[GROUPS_MAX];
	bool granted;
	size_t n;

	if (listed(&u->permissions, p, &granted))
		return granted;
	if (model_groups(m, u, groups, &n) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (listed(&groups[i].rec.permissions, p, &granted))
			return granted;
	return p != permission_name_SUPERADMIN;
}

/* Calls fn for every name under which a user can be found. */
static int
names(struct model *m, const struct user *u, uint32_t id,
    int (*fn)(struct model *, struct str, uint32_t))
{
	if (u == NULL)
		return 0;
	if (fn(m, u->user_name, id) != 0)
		return -1;
	for (size_t i = 0; i < u->aliases.n; i++)
		if (fn(m, u->aliases.v[i], id) != 0)
			return -1;
	return REC_HAS(u, user, im_id) && u->im_id.n > 0 ? fn(m, u->im_id, id) : 0;
}

static int
forget_name(struct model *m, struct str name, uint32_t id)
{
	(void)id;
	return model_name_del(m, INDEX_LOGIN, name);
}

static int
take_name(struct model *m, struct str name, uint32_t id)
{
	uint32_t other;
	int rc = model_name(m, INDEX_LOGIN, name, &other);

	if (rc == 0 && (rc = model_name(m, INDEX_ROOM, name, &other)) == 1)
		other = 0; /* a room's number is nobody's */
	if (rc < 0)
		return -1;
	if (rc == 1 && other != id)
		return err_set(m->e, ERR_CONFLICT, "the name \"%.*s\" is in use", (int)name.n, name.p);
	return model_name_set(m, INDEX_LOGIN, name, id);
}

int
model_user_put(struct model *m, uint32_t id, const struct user *old, const struct user *u)
{
	if (names(m, old, id, forget_name) != 0 || names(m, u, id, take_name) != 0)
		return -1;
	return model_put(m, &rec_user, id, 0, u);
}

int
model_user_forget(struct model *m, uint32_t id, const struct user *u)
{
	return names(m, u, id, forget_name);
}
