/* SPDX-License-Identifier: ISC */
#include "backend/route_log.h"

#include <time.h>

#include "backend/key.h"
#include "common/clock.h"

enum { SUBJECT_BYTES = 9 };

/* Set and asked in the writer's thread: whether the batch that it commits is worth waking anybody
 * for. A store that is undone leaves it set, which costs a look at the log. */
static bool marked;

bool
route_log_marked(void)
{
	bool was = marked;

	marked = false;
	return was;
}

static void
subject_write(char *to, struct route_subject s)
{
	to[0] = (char)s.kind;
	key_number(to + 1, s.id, 8);
}

static bool
subject_read(struct str from, struct route_subject *ret)
{
	if (from.n != SUBJECT_BYTES)
		return false;
	ret->kind = (enum feed_subject)from.p[0];
	ret->id = key_rest_id((struct str){from.p + 1, 8});
	return ret->kind == feed_subject_USER || ret->kind == feed_subject_ROOM;
}

int
route_log_now(struct model *m, struct route_position *ret)
{
	struct key k;
	struct str v;
	int rc;

	*ret = (struct route_position){.version = 0};
	key_kind(&k, m->tenant, OWNER_SYSTEM, META_ROUTES);
	rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
	if (rc == 1 && v.n == 16) {
		ret->generation = key_rest_id(v);
		ret->version = key_rest_id((struct str){v.p + 8, 8});
	}
	return rc < 0 ? -1 : 0;
}

static int
store_position(struct model *m, struct route_position p)
{
	struct key k;
	char bytes[16];

	marked = true;
	key_number(bytes, p.generation, 8);
	key_number(bytes + 8, p.version, 8);
	key_kind(&k, m->tenant, OWNER_SYSTEM, META_ROUTES);
	return store_put(m->t, STORE_META, key_str(&k), (struct str){bytes, sizeof(bytes)}, m->e);
}

static int
position_to_change(struct model *m, struct route_position *ret)
{
	if (route_log_now(m, ret) != 0)
		return -1;
	/* Another store has another, so that a feed never takes its versions for this one's. */
	if (ret->generation == 0)
		ret->generation = (uint64_t)clock_wall_ms();
	return 0;
}

static int
mark(struct model *m, enum feed_subject kind, uint64_t id)
{
	struct route_position p;
	struct key by_subject, by_version;
	char subject[SUBJECT_BYTES], version[8];
	struct str old;
	int rc;

	if (position_to_change(m, &p) != 0)
		return -1;
	subject_write(subject, (struct route_subject){kind, id});
	key_text(&by_subject, m->tenant, OWNER_SYSTEM, INDEX_ROUTE_SUBJECT,
	    (struct str){subject, sizeof(subject)});
	if ((rc = store_get(m->t, STORE_INDEX, key_str(&by_subject), m->a, &old, m->e)) < 0)
		return -1;
	if (rc == 1) {
		key_id(&by_version, m->tenant, OWNER_SYSTEM, INDEX_ROUTE_VERSION, key_rest_id(old));
		if (store_del(m->t, STORE_INDEX, key_str(&by_version), m->e) < 0)
			return -1;
	}
	p.version++;
	key_number(version, p.version, 8);
	key_id(&by_version, m->tenant, OWNER_SYSTEM, INDEX_ROUTE_VERSION, p.version);
	return store_put(m->t, STORE_INDEX, key_str(&by_version),
	           (struct str){subject, sizeof(subject)}, m->e) != 0 ||
	        store_put(m->t, STORE_INDEX, key_str(&by_subject),
	            (struct str){version, sizeof(version)}, m->e) != 0
	    ? -1
	    : store_position(m, p);
}

static int
mark_all(struct model *m)
{
	struct route_position p;

	if (position_to_change(m, &p) != 0)
		return -1;
	p.generation++;
	return store_position(m, p);
}

/* Whether a change of a record is one of the fields that routes are made of: 1, 0, -1. */
static int
differs(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, const void *obj,
    uint64_t fields)
{
	void *old = arena_alloc(m->a, r->size), *now = arena_alloc(m->a, r->size);
	int rc;

	if (old == NULL || now == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	rc = model_get(m, r, owner, id, old);
	if (rc < 0 || obj == NULL)
		return rc;
	if (rec_copy(r, now, obj, m->a) != 0)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	rec_defaults(r, old);
	rec_defaults(r, now);
	rec_set_has(old, rec_has(old) & fields);
	rec_set_has(now, rec_has(now) & fields);
	return rc == 0 || !rec_equal(r, old, now);
}

/* Whether an owner is a user; groups have schedules too: 1, 0, -1. */
static int
is_user(struct model *m, uint32_t owner)
{
	struct user u;

	return model_get(m, &rec_user, owner, 0, &u);
}

static int
mark_owner(struct model *m, uint32_t owner)
{
	int rc = is_user(m, owner);

	if (rc < 0)
		return -1;
	return rc == 1 ? mark(m, feed_subject_USER, owner) : mark_all(m);
}

int
route_log_record(struct model *m, const struct rec *r, uint32_t owner, uint64_t id, const void *obj)
{
	int rc;

	if (r == &rec_user) {
		rc = differs(m, r, owner, id, obj,
		    REC_BIT(user, user_name) | REC_BIT(user, enabled) | REC_BIT(user, groups) |
		        REC_BIT(user, aliases) | REC_BIT(user, permissions) | REC_BIT(user, time_zone));
		return rc == 1 ? mark(m, feed_subject_USER, owner) : rc;
	}
	if (r == &rec_callfwd || r == &rec_schedule) {
		rc = differs(m, r, owner, id, obj, UINT64_MAX);
		return rc == 1 ? mark_owner(m, owner) : rc;
	}
	if (r == &rec_room) {
		rc = differs(m, r, owner, id, obj, UINT64_MAX);
		return rc == 1 ? mark(m, feed_subject_ROOM, id) : rc;
	}
	if (r == &rec_group) {
		/* Another name is another group: users name theirs. */
		rc = differs(m, r, owner, id, obj, UINT64_MAX);
		return rc == 1 ? mark_all(m) : rc;
	}
	if (r == &rec_settings) {
		rc = differs(m, r, owner, id, obj, REC_BIT(settings, ring_seconds));
		return rc == 1 ? mark_all(m) : rc;
	}
	return 0;
}

struct since {
	struct route_subject *subjects;
	uint64_t *versions;
	size_t max, n;
};

static int
since_row(void *arg, struct str key, struct str val)
{
	struct since *s = arg;

	if (s->n == s->max)
		return 1;
	s->versions[s->n] = key_rest_id((struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});
	s->n += subject_read(val, &s->subjects[s->n]);
	return 0;
}

int
route_log_since(struct model *m, uint64_t version, struct route_subject *subjects,
    uint64_t *versions, size_t max, size_t *n)
{
	struct since s = {subjects, versions, max, 0};
	struct key prefix, after;

	key_kind(&prefix, m->tenant, OWNER_SYSTEM, INDEX_ROUTE_VERSION);
	key_id(&after, m->tenant, OWNER_SYSTEM, INDEX_ROUTE_VERSION, version);
	if (store_scan(m->t, STORE_INDEX, key_str(&prefix), key_str(&after), since_row, &s, m->e) != 0)
		return -1;
	*n = s.n;
	return 0;
}
