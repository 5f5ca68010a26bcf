/* SPDX-License-Identifier: ISC */
/* Users and the state of the backend, for tandemctl. */
#include <inttypes.h>
#include <string.h>

#include "backend/audit.h"
#include "backend/book.h"
#include "backend/cdr.h"
#include "backend/control.h"
#include "backend/history.h"
#include "backend/key.h"
#include "backend/members.h"
#include "backend/private_keys.h"
#include "backend/quota.h"
#include "backend/repeat.h"
#include "backend/retention.h"
#include "backend/rooms.h"
#include "backend/route_log.h"
#include "backend/user_events.h"
#include "common/clock.h"
#include "common/release.h"

enum { LIST_MAX = 500 };

static int
find(struct job *j, struct model *m, uint32_t *id, struct user *u)
{
	int rc = model_name(m, INDEX_LOGIN, j->ctl.name, id);

	if (rc == 1)
		rc = model_get(m, &rec_user, *id, 0, u);
	if (rc == 0)
		return err_set(
		    &j->err, ERR_NOT_FOUND, "no such user: %.*s", (int)j->ctl.name.n, j->ctl.name.p);
	rec_defaults(&rec_user, u);
	return rc < 0 ? -1 : 0;
}

static int
add(struct job *j, struct model *m)
{
	struct user u = {0};
	uint32_t id;
	int rc = model_name(m, INDEX_LOGIN, j->ctl.name, &id);

	if (rc < 0)
		return -1;
	if (rc == 1)
		return err_set(&j->err, ERR_CONFLICT, "the name \"%.*s\" is in use", (int)j->ctl.name.n,
		    j->ctl.name.p);
	REC_SET(&u, user, user_name, j->ctl.name);
	if (REC_HAS(&j->ctl, ctl_request, first_name))
		REC_SET(&u, user, first_name, j->ctl.first_name);
	if (REC_HAS(&j->ctl, ctl_request, last_name))
		REC_SET(&u, user, last_name, j->ctl.last_name);
	if (j->new_hash.p != NULL)
		REC_SET(&u, user, password_hash, j->new_hash);
	rec_defaults(&rec_user, &u);
	if (rec_validate(&rec_user, &u, false, &j->err) != 0 ||
	    (id = (uint32_t)model_next_number(m, SERIES_OWNER)) == 0)
		return -1;
	return model_user_put(m, id, NULL, &u);
}

/* What is removed is named as its list shows it: whoever means an alias would lose the whole
 * account that it leads to. */
static int
check_own_name(struct job *j, const struct user *u)
{
	return str_eq(u->user_name, j->ctl.name)
	    ? 0
	    : err_set(&j->err, ERR_CONFLICT,
	          "\"%.*s\" is another name of the user \"%.*s\": name that one to remove it",
	          (int)j->ctl.name.n, j->ctl.name.p, (int)u->user_name.n, u->user_name.p);
}

static int
change(struct job *j, struct model *m)
{
	struct user old, u;
	uint32_t id;

	if (find(j, m, &id, &old) != 0 ||
	    (j->ctl.command == ctl_command_USER_REMOVE && check_own_name(j, &old) != 0))
		return -1;
	/* Who is locked out loses the streams as well. */
	user_event_touch(id);
	u = old;
	switch ((enum ctl_command)j->ctl.command) {
	case ctl_command_USER_ENABLE:
	case ctl_command_USER_DISABLE:
		REC_SET(&u, user, enabled, j->ctl.command == ctl_command_USER_ENABLE);
		break;
	case ctl_command_USER_PASSWORD:
		if (j->new_hash.p == NULL)
			return err_set(&j->err, ERR_INVALID, "a password is needed");
		/* Whoever logged in with the old one has to do so again. */
		REC_SET(&u, user, password_hash, j->new_hash);
		REC_SET(&u, user, cred_version, old.cred_version + 1);
		REC_SET(&u, user, not_before, clock_wall_ms());
		break;
	case ctl_command_USER_REMOVE:
		return model_user_forget(m, id, &old) != 0 || members_gone(m, id, &old) != 0 ||
		        private_keys_forget(m, id) != 0
		    ? -1
		    : control_remove_owner(m, id);
	default:
		return err_set(&j->err, ERR_BAD_REQUEST, NULL);
	}
	return model_user_put(m, id, &old, &u);
}

int
control_user_write(struct job *j, struct model *m)
{
	if (!REC_HAS(&j->ctl, ctl_request, name))
		return err_set(&j->err, ERR_INVALID, "a user is needed");
	return j->ctl.command == ctl_command_USER_ADD ? add(j, m) : change(j, m);
}

struct removal {
	struct model *m;
	bool failed;
	struct str *keys;
	size_t n, size;
};

static int
collect_key(void *arg, struct str key, struct str val)
{
	struct removal *r = arg;
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	(void)val;
	/* Of these there may be many. Entries and their places are book.c's to remove, partly later;
	 * what could be undone is history.c's. */
	if (!key_split(key, &tenant, &owner, &kind, &rest) || kind == rec_entry.store ||
	    kind == DATA_PLACED || kind == DATA_TREE || kind == DATA_HISTORY)
		return 0;
	if (r->n == r->size) {
		size_t want = r->size == 0 ? 64 : r->size * 2;
		struct str *v = arena_array(r->m->a, want, sizeof(*v));

		if (v == NULL) {
			r->failed = true;
			return 1;
		}
		if (r->n > 0)
			memcpy(v, r->keys, r->n * sizeof(*v));
		r->keys = v;
		r->size = want;
	}
	r->keys[r->n] = arena_copy(r->m->a, key);
	r->failed = r->keys[r->n++].p == NULL;
	return r->failed;
}

static int
forget_room(struct model *m, struct str key, uint64_t id)
{
	struct str stored;
	int rc = store_get(m->t, STORE_DATA, key, m->a, &stored, m->e);

	return rc == 1 ? room_forget(m, id, stored) : rc;
}

int
control_remove_owner(struct model *m, uint32_t owner)
{
	struct removal r = {.m = m};
	struct key prefix;

	key_kind(&prefix, m->tenant, owner, 0);
	prefix.n -= 2; /* every kind */
	if (store_scan(
	        m->t, STORE_DATA, key_str(&prefix), (struct str){"", 0}, collect_key, &r, m->e) != 0)
		return -1;
	if (r.failed)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (repeat_forget(m, owner) != 0 || user_events_forget(m, owner) != 0 ||
	    cdr_forget(m, owner) != 0 || audit_forget(m, owner) != 0 || history_forget(m, owner) != 0)
		return -1;
	for (size_t i = 0; i < r.n; i++) {
		uint32_t tenant, o;
		uint16_t kind;
		struct str rest;

		if (!key_split(r.keys[i], &tenant, &o, &kind, &rest))
			continue;
		/* Whose the other records are says the account's. */
		if ((kind == rec_user.store && route_log_record(m, &rec_user, o, 0, NULL) != 0) ||
		    (kind == rec_room.store &&
		        route_log_record(m, &rec_room, o, key_rest_id(rest), NULL) != 0))
			return -1;
		if (kind == rec_schedule.store &&
		    model_item_unindex(m, &rec_schedule, key_rest_id(rest)) != 0)
			return -1;
		if (kind == rec_room.store && forget_room(m, r.keys[i], key_rest_id(rest)) != 0)
			return -1;
		if (audit_key(m, r.keys[i]) != 0 || quota_key(m, r.keys[i]) != 0 ||
		    store_del(m->t, STORE_DATA, r.keys[i], m->e) < 0)
			return -1;
	}
	return 0;
}

struct listing {
	struct model *m;
	uint32_t ids[LIST_MAX];
	struct str keys[LIST_MAX]; /* of the names, in the arena */
	size_t n;
	bool failed;
};

static int
list_row(void *arg, struct str key, struct str val)
{
	struct listing *l = arg;

	if (l->n == LIST_MAX)
		return 1;
	if ((l->keys[l->n] = arena_copy(l->m->a, key)).p == NULL) {
		l->failed = true;
		return 1;
	}
	l->ids[l->n] = 0;
	for (size_t i = 0; i < val.n; i++)
		l->ids[l->n] = l->ids[l->n] << 8 | (unsigned char)val.p[i];
	l->n++;
	return 0;
}

static int
add_line(struct job *j, struct model *m, uint32_t id, struct str key)
{
	struct ctl_reply *r = j->ctl_reply;
	struct user_line *line = &r->users.v[r->users.n];
	uint32_t tenant, owner;
	uint16_t kind;
	uint64_t entries, bytes;
	struct str name;
	struct user u;
	int rc = model_get(m, &rec_user, id, 0, &u);

	/* A user has several names; the list has it once, under the first. */
	if (rc <= 0 || !key_split(key, &tenant, &owner, &kind, &name) || !str_eq(u.user_name, name))
		return rc < 0 ? -1 : 0;
	if (entries_count(m, id, &entries) != 0 || quota_used(m, id, &bytes) != 0)
		return -1;
	rec_defaults(&rec_user, &u);
	REC_SET(line, user_line, user_name, u.user_name);
	if (REC_HAS(&u, user, first_name))
		REC_SET(line, user_line, first_name, u.first_name);
	if (REC_HAS(&u, user, last_name))
		REC_SET(line, user_line, last_name, u.last_name);
	REC_SET(line, user_line, enabled, u.enabled);
	REC_SET(line, user_line, password, REC_HAS(&u, user, password_hash));
	REC_SET(line, user_line, entries, (int64_t)entries);
	REC_SET(line, user_line, bytes, (int64_t)bytes);
	r->users.n++;
	return 0;
}

int
control_user_list(struct job *j, struct model *m)
{
	struct ctl_reply *r = j->ctl_reply;
	struct listing *l = arena_alloc(m->a, sizeof(*l));
	struct key prefix;

	r->users.v = arena_array(m->a, LIST_MAX, sizeof(*r->users.v));
	if (l == NULL || r->users.v == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	l->m = m;
	key_kind(&prefix, m->tenant, OWNER_SYSTEM, INDEX_LOGIN);
	if (store_scan(m->t, STORE_INDEX, key_str(&prefix), j->ctl.after, list_row, l, m->e) != 0)
		return -1;
	if (l->failed)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < l->n; i++)
		if (add_line(j, m, l->ids[i], l->keys[i]) != 0)
			return -1;
	r->has |= REC_BIT(ctl_reply, users);
	if (l->n == LIST_MAX)
		REC_SET(r, ctl_reply, after, l->keys[l->n - 1]);
	return 0;
}

static int
count_row(void *arg, struct str key, struct str val)
{
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	(void)val;
	*(int64_t *)arg += key_split(key, &tenant, &owner, &kind, &rest) && kind == rec_user.store;
	return 0;
}

int
control_status(struct job *j, struct model *m)
{
	struct backend *be = j->be;
	struct status *s = &j->ctl_reply->status;
	struct store_stats store;
	struct writer_stats writer;
	struct key prefix;
	int64_t users = 0;
	uint64_t bytes;
	size_t months;

	/* Not by the names: a user has several. */
	key_tenant(&prefix, m->tenant);
	if (store_scan(
	        m->t, STORE_DATA, key_str(&prefix), (struct str){"", 0}, count_row, &users, m->e) != 0)
		return -1;
	if (retention_size(m->t, &months, &bytes, m->e) != 0)
		return -1;
	store_stats(be->store, &store);
	writer_stats(be->writer, &writer);
	s->resources.v = arena_array(m->a, all_resources_count, sizeof(*s->resources.v));
	if (s->resources.v == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	REC_SET(s, status, release, STR_LIT(TANDEM_RELEASE));
	REC_SET(s, status, tables, arena_printf(m->a, "%016" PRIx64, res_table_hash()));
	REC_SET(s, status, uptime, (clock_us() - be->started_us) / 1000000);
	REC_SET(s, status, users, users);
	REC_SET(s, status, gateways, be->gateways);
	REC_SET(s, status, commits, (int64_t)writer.batches);
	REC_SET(s, status, writes, (int64_t)writer.jobs);
	REC_SET(s, status, flushes, (int64_t)store.flushes);
	REC_SET(s, status, dropped, be->dropped);
	REC_SET(s, status, refused, be->refused);
	REC_SET(s, status, logins, be->logins);
	REC_SET(s, status, login_failures, be->login_failures);
	REC_SET(s, status, call_months, (int64_t)months);
	REC_SET(s, status, call_bytes, (int64_t)bytes);
	REC_SET(s, status, engine, str_c(be->conf->backend_engine));
	s->has |= REC_BIT(status, resources);
	for (size_t i = 0; i < all_resources_count; i++) {
		struct resource_status *r = &s->resources.v[s->resources.n];
		struct res_count *n = &be->counts[i];

		if (all_resources[i].local)
			continue;
		REC_SET(r, resource_status, res, (int64_t)all_resources[i].number);
		REC_SET(r, resource_status, calls, n->calls);
		REC_SET(r, resource_status, errors, n->errors);
		REC_SET(r, resource_status, refused, n->refused);
		REC_SET(r, resource_status, microseconds, n->microseconds);
		REC_SET(r, resource_status, longest, n->longest);
		s->resources.n++;
	}
	j->ctl_reply->has |= REC_BIT(ctl_reply, status);
	return 0;
}
