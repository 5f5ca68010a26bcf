/* SPDX-License-Identifier: ISC */
#include "backend/live.h"

#include <string.h>
#include <strings.h>

#include "backend/key.h"
#include "backend/live_conference.h"
#include "backend/live_rows.h"
#include "backend/settings_now.h"
#include "backend/user_events.h"
#include "common/sipaddr.h"

static bool
same_host(struct str a, struct str b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static bool
is_ours(const struct settings *s, struct str host)
{
	if (same_host(host, s->realm))
		return true;
	for (size_t i = 0; REC_HAS(s, settings, sip_domains) && i < s->sip_domains.n; i++)
		if (same_host(host, s->sip_domains.v[i]))
			return true;
	return false;
}

int
live_user(struct model *m, struct str proved, struct str shown, uint32_t *ret)
{
	struct settings s;
	struct sipaddr addr;

	sipaddr_read(&addr, proved.n > 0 ? proved : shown);
	if (addr.user.n == 0 || addr.host.n == 0)
		return 0;
	if (model_settings(m, &s) != 0)
		return -1;
	/* Somebody of the same name elsewhere is somebody else. */
	return is_ours(&s, addr.host) ? model_name(m, INDEX_LOGIN, addr.user, ret) : 0;
}

static void
ref_key(struct key *k, struct model *m, int64_t user, struct str name)
{
	key_text(k, m->tenant, (uint32_t)user, INDEX_CALL, name);
}

static int
refer(struct model *m, bool has, int64_t user, struct str name)
{
	struct key k;

	if (!has)
		return 0;
	ref_key(&k, m, user, name);
	return store_put(m->t, STORE_INDEX, key_str(&k), STR_LIT("."), m->e);
}

static int
unrefer(struct model *m, bool has, int64_t user, struct str name)
{
	struct key k;

	if (!has)
		return 0;
	ref_key(&k, m, user, name);
	return store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0 ? -1 : 0;
}

static int
unrefer_both(struct model *m, const struct active_call *a, struct str name)
{
	return unrefer(m, REC_HAS(a, active_call, caller), a->caller, name) != 0 ||
	        unrefer(m, REC_HAS(a, active_call, callee), a->callee, name) != 0
	    ? -1
	    : 0;
}

/* Who takes part is looked up when the call becomes known and stays so: a name that is given to
 * somebody else meanwhile does not hand the call over. */
static int
find_users(struct model *m, struct active_call *a)
{
	uint32_t user;
	int rc;

	if ((rc = live_user(m, a->call.caller_aor, a->call.caller, &user)) < 0)
		return -1;
	if (rc == 1)
		REC_SET(a, active_call, caller, user);
	if ((rc = live_user(m, a->call.callee_aor, a->call.callee, &user)) < 0)
		return -1;
	if (rc == 1)
		REC_SET(a, active_call, callee, user);
	return 0;
}

static bool
takes_part(const struct active_call *a, uint32_t user)
{
	return (REC_HAS(a, active_call, caller) && a->caller == user) ||
	    (REC_HAS(a, active_call, callee) && a->callee == user);
}

static enum event_state
state_of(const struct live_call *c)
{
	static const enum event_state states[] = {[call_state_STARTED] = event_state_STARTED,
	    [call_state_RINGING] = event_state_RINGING,
	    [call_state_ANSWERED] = event_state_ANSWERED};

	return states[c->state];
}

/* Tells a party what has become of the call; what is said again is no news. */
static int
tell(struct model *m, const struct active_call *a, const struct active_call *old, bool calls,
    struct str name)
{
	bool has = calls ? REC_HAS(a, active_call, caller) : REC_HAS(a, active_call, callee);
	uint32_t user = (uint32_t)(calls ? a->caller : a->callee);

	/* Whoever calls the own number is told once. */
	if (!has || (!calls && REC_HAS(a, active_call, caller) && a->caller == user))
		return 0;
	if (old != NULL && takes_part(old, user) && old->call.state == a->call.state)
		return 0;
	return user_event_call(m, user, calls, name, &a->call, state_of(&a->call));
}

/* Tells the parties of `a` that are not those of `now` (NULL = of nothing) that the call is over.
 */
static int
tell_end(
    struct model *m, const struct active_call *a, const struct active_call *now, struct str name)
{
	bool caller = REC_HAS(a, active_call, caller), callee = REC_HAS(a, active_call, callee);

	if (caller && (now == NULL || !takes_part(now, (uint32_t)a->caller)) &&
	    user_event_call(m, (uint32_t)a->caller, true, name, &a->call, event_state_ENDED) != 0)
		return -1;
	if (!callee || (caller && a->caller == a->callee) ||
	    (now != NULL && takes_part(now, (uint32_t)a->callee)))
		return 0;
	return user_event_call(m, (uint32_t)a->callee, false, name, &a->call, event_state_ENDED);
}

int
live_call_set(struct model *m, struct live_source *s, struct str key, const struct live_call *call)
{
	struct active_call a, old;
	struct str name;
	int had;

	if (live_row_of(m, s, key, &name) != 0)
		return -1;
	if ((had = model_named_get(m, &rec_active_call, name, &old)) < 0)
		return -1;
	if (had == 0 && s->rows >= LIVE_ROWS_MAX)
		return err_set(m->e, ERR_INVALID, "the source has too many calls");
	memset(&a, 0, sizeof(a));
	REC_SET(&a, active_call, call, *call);
	if (!REC_HAS(call, live_call, caller_aor))
		a.call.caller_aor = (struct str){NULL, 0};
	if (!REC_HAS(call, live_call, callee_aor))
		a.call.callee_aor = (struct str){NULL, 0};
	REC_SET(&a, active_call, source, s->name);
	REC_SET(&a, active_call, generation, s->generation);
	if (find_users(m, &a) != 0 || (had == 1 && unrefer_both(m, &old, name) != 0) ||
	    refer(m, REC_HAS(&a, active_call, caller), a.caller, name) != 0 ||
	    refer(m, REC_HAS(&a, active_call, callee), a.callee, name) != 0 ||
	    model_named_put(m, &rec_active_call, name, &a) != 0)
		return -1;
	s->rows += had == 0;
	return (had == 1 && tell_end(m, &old, &a, name) != 0) ||
	        tell(m, &a, had == 1 ? &old : NULL, true, name) != 0 ||
	        tell(m, &a, had == 1 ? &old : NULL, false, name) != 0
	    ? -1
	    : 0;
}

static int
end_named(struct model *m, struct live_source *s, struct str name)
{
	struct active_call old;
	int had = model_named_get(m, &rec_active_call, name, &old);

	if (had <= 0)
		return had;
	if (unrefer_both(m, &old, name) != 0 || model_named_del(m, &rec_active_call, name) < 0 ||
	    tell_end(m, &old, NULL, name) != 0)
		return -1;
	s->rows -= s->rows > 0;
	return 0;
}

int
live_call_end(struct model *m, struct live_source *s, struct str key)
{
	struct str name;

	return live_row_of(m, s, key, &name) != 0 ? -1 : end_named(m, s, name);
}

static bool
is_stale(const struct live_source *s, const void *row)
{
	return ((const struct active_call *)row)->generation < s->generation;
}

int
live_sweep(struct model *m, struct live_source *s)
{
	static const struct live_rows calls = {&rec_active_call, is_stale, end_named};

	return live_rows_sweep(m, s, &calls) != 0 ? -1 : live_conferences_sweep(m, s);
}

struct named {
	struct model *m;
	struct str names[LIVE_CALLS_AT_ONCE];
	size_t n;
	bool failed;
};

static int
collect_name(void *arg, struct str key, struct str val)
{
	struct named *n = arg;

	(void)val;
	n->names[n->n] = arena_copy(n->m->a, (struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});
	n->failed = n->names[n->n].p == NULL;
	return n->failed || ++n->n == LIVE_CALLS_AT_ONCE;
}

int
live_calls_of(struct model *m, uint32_t user, struct str after, live_call_fn *row, void *arg)
{
	struct named *n = arena_alloc(m->a, sizeof(*n));
	struct active_call a;
	struct key prefix, from;

	if (n == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	n->m = m;
	key_kind(&prefix, m->tenant, user, INDEX_CALL);
	ref_key(&from, m, user, after);
	if (store_scan(m->t, STORE_INDEX, key_str(&prefix),
	        after.n > 0 ? key_str(&from) : (struct str){"", 0}, collect_name, n, m->e) != 0)
		return -1;
	if (n->failed)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < n->n; i++) {
		int rc = model_named_get(m, &rec_active_call, n->names[i], &a);

		if (rc < 0)
			return -1;
		if (rc == 1 && row(arg, n->names[i], &a) != 0)
			return 0;
	}
	return n->n == LIVE_CALLS_AT_ONCE;
}
