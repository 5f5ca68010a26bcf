/* SPDX-License-Identifier: ISC */
/* Logs of users' events: numbers without gaps, bounds, what calls and writes leave there, on both
 * engines. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "backend/job.h"
#include "backend/key.h"
#include "backend/live.h"
#include "backend/settings_now.h"
#include "backend/user_events.h"
#include "common/clock.h"
#include "common/mp.h"
#include "tests/store_rig.h"

static struct arena mem;
static struct err err;
static struct settings_now *settings;

#define OK(call) ck_assert_msg((call) == 0, "%s: %s", #call, err_text(&err))

static struct model
model(struct store_txn *t)
{
	arena_free(&mem);
	arena_init(&mem, 64 << 20);
	err_clear(&err);
	return (struct model){
	    .t = t, .a = &mem, .e = &err, .tenant = TENANT_DEFAULT, .settings = settings};
}

/* The user's events as words, "3:call/ringing 4:settings/changed/callfwd". */
static const char *
told(struct store *s, uint32_t user, uint64_t after)
{
	static char text[4096];
	struct store_txn *t = rig_begin(s, STORE_READ);
	struct model m = model(t);
	struct buf out;
	struct mp_src src;
	uint64_t last;
	size_t n = 0;

	text[0] = '\0';
	buf_init(&out, 1 << 20);
	OK(user_events_read(&m, user, after, 1 << 20, &out, &last));
	mp_src_init(&src, buf_str(&out));
	while (!mp_src_at_end(&src)) {
		struct event ev;

		memset(&ev, 0, sizeof(ev));
		OK(rec_decode(&rec_event, &ev, &src.src, DECODE_ALL, &mem, &err));
		OK(rec_validate(&rec_event, &ev, false, &err));
		n +=
		    (size_t)snprintf(text + n, sizeof(text) - n, "%s%d:%s/%s", n > 0 ? " " : "", (int)ev.id,
		        enum_text(&enum_event_type, ev.type), enum_text(&enum_event_state, ev.state));
		if (REC_HAS(&ev, event, resource))
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "/%.*s", (int)ev.resource.n, ev.resource.p);
		if (REC_HAS(&ev, event, call))
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "/%.*s", (int)ev.call.direction.n, ev.call.direction.p);
	}
	buf_free(&out);
	store_abort(t);
	return text;
}

static void
range(struct store *s, uint32_t user, uint64_t oldest, uint64_t newest)
{
	struct store_txn *t = rig_begin(s, STORE_READ);
	struct model m = model(t);
	uint64_t o, n;

	OK(user_events_range(&m, user, &o, &n));
	ck_assert_uint_eq(o, oldest);
	ck_assert_uint_eq(n, newest);
	store_abort(t);
}

static void
add(struct store *s, uint32_t user, int n, int64_t time)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);

	for (int i = 0; i < n; i++) {
		struct event ev = {0};

		REC_SET(&ev, event, type, event_type_SETTINGS);
		REC_SET(&ev, event, state, event_state_CHANGED);
		if (time > 0)
			REC_SET(&ev, event, time, time);
		OK(user_event_add(&m, user, &ev));
	}
	rig_commit(t);
}

static void
numbers_have_no_gaps(struct store *s)
{
	struct store_txn *t, *child;
	struct model m;

	range(s, 7, 1, 0);
	add(s, 7, 2, 0);
	/* A write that is undone leaves no number behind. */
	t = rig_begin(s, STORE_WRITE);
	child = rig_nest(t);
	m = model(child);
	OK(user_event_settings(&m, 7, "/my/forward"));
	store_abort(child);
	child = rig_nest(t);
	m = model(child);
	OK(user_event_settings(&m, 7, "/my/callfwd"));
	rig_commit(child);
	rig_commit(t);
	ck_assert_str_eq(
	    told(s, 7, 0), "1:settings/changed 2:settings/changed 3:settings/changed/callfwd");
	ck_assert_str_eq(told(s, 7, 2), "3:settings/changed/callfwd");
	ck_assert_str_eq(told(s, 7, 3), "");
	ck_assert_str_eq(told(s, 6, 0), "");
	ck_assert_str_eq(told(s, 8, 0), "");
}

static void
a_path_is_told_without_its_parameters(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);

	OK(user_event_settings(&m, 7, "/my/voicemail/pin/{pin}"));
	OK(user_event_settings(&m, 7, "/avatar/{user}"));
	OK(user_event_settings(&m, 7, "/my/mailbox/{user}/preferences/activegreeting/{greeting}"));
	rig_commit(t);
	ck_assert_str_eq(told(s, 7, 0),
	    "1:settings/changed/voicemail/pin 2:settings/changed/avatar 3:settings/changed/mailbox");
}

static void
a_log_has_an_end(struct store *s)
{
	uint64_t last;
	struct buf out;
	struct store_txn *t;
	struct model m;

	add(s, 7, EVENTS_KEPT + 5, 0);
	add(s, 8, 3, 0);
	range(s, 7, 6, EVENTS_KEPT + 5);
	range(s, 8, 1, 3);
	/* Parts of it follow each other. */
	t = rig_begin(s, STORE_READ);
	m = model(t);
	buf_init(&out, 1 << 20);
	last = 0;
	ck_assert_int_eq(user_events_read(&m, 7, 0, 1, &out, &last), 1);
	ck_assert_uint_eq(last, 6);
	ck_assert_int_eq(user_events_read(&m, 7, EVENTS_KEPT + 4, 1, &out, &last), 1);
	buf_reset(&out);
	ck_assert_int_eq(user_events_read(&m, 7, EVENTS_KEPT + 4, 1, &out, &last), 0);
	ck_assert_uint_eq(last, EVENTS_KEPT + 5);
	buf_free(&out);
	store_abort(t);
}

static int
sweep(struct store *s, int64_t now_ms)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	int rc = user_events_sweep(&m, now_ms);

	ck_assert_msg(rc >= 0, "%s", err_text(&err));
	rig_commit(t);
	return rc;
}

static int
count_row(void *arg, struct str key, struct str val)
{
	(void)key;
	(void)val;
	++*(int *)arg;
	return 0;
}

static void
old_events_go_by_and_by(struct store *s)
{
	int64_t now = clock_wall_ms();
	struct store_txn *t;
	struct key k;
	int left = 0, turns = 0;

	add(s, 7, 100, now - 2 * EVENTS_MS);
	add(s, 7, 2, now);
	for (uint32_t user = 20; user < 60; user++)
		add(s, user, 1, now - 2 * EVENTS_MS);
	while (sweep(s, now) == 1)
		turns++;
	ck_assert_int_gt(turns, 1);
	range(s, 7, 101, 102);
	range(s, 20, 2, 1);
	/* What has gone leaves its numbers. */
	add(s, 20, 1, now);
	ck_assert_str_eq(told(s, 20, 0), "2:settings/changed");
	ck_assert_int_eq(sweep(s, now), 0);
	range(s, 7, 101, 102);
	t = rig_begin(s, STORE_READ);
	key_kind(&k, TENANT_DEFAULT, OWNER_SYSTEM, INDEX_EVENTS);
	OK(store_scan(t, STORE_INDEX, key_str(&k), (struct str){"", 0}, count_row, &left, &err));
	store_abort(t);
	/* User 7 and user 20, of this hour. */
	ck_assert_int_eq(left, 2);
}

static void
a_user_who_goes_takes_it_along(struct store *s)
{
	struct store_txn *t;
	struct model m;

	add(s, 7, 3, 0);
	add(s, 8, 3, 0);
	t = rig_begin(s, STORE_WRITE);
	m = model(t);
	OK(user_events_forget(&m, 7));
	rig_commit(t);
	ck_assert_str_eq(told(s, 7, 0), "");
	range(s, 7, 1, 0);
	range(s, 8, 1, 3);
}

static void
make_user(struct model *m, uint32_t id, const char *name)
{
	struct user u = {0};

	REC_SET(&u, user, user_name, str_c(name));
	rec_defaults(&rec_user, &u);
	OK(model_user_put(m, id, NULL, &u));
}

static void
call(struct store *s, const char *key, const char *from, const char *to, enum call_state state)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	struct live_source src = {STR_LIT("sw"), 1, 0};
	struct live_call c = {0};

	REC_SET(&c, live_call, caller, str_c(from));
	REC_SET(&c, live_call, callee, str_c(to));
	REC_SET(&c, live_call, started, 1700000000000);
	REC_SET(&c, live_call, state, (int)state);
	REC_SET(&c, live_call, internal, true);
	if (state == call_state_ANSWERED)
		REC_UNSET(&c, live_call, internal);
	OK(live_call_set(&m, &src, str_c(key), &c));
	rig_commit(t);
}

static void
end(struct store *s, const char *key)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	struct live_source src = {STR_LIT("sw"), 1, 1};

	OK(live_call_end(&m, &src, str_c(key)));
	rig_commit(t);
}

static void
users_of_calls(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);

	make_user(&m, 2, "4410");
	make_user(&m, 3, "4420");
	make_user(&m, 4, "501");
	rig_commit(t);
}

#define A "<sip:4410@tandem>"
#define B "<sip:4420@tandem>"
#define C "<sip:501@tandem>"

static void
a_call_as_its_parties_are_told_of_it(struct store *s)
{
	users_of_calls(s);
	call(s, "c", A, B, call_state_STARTED);
	call(s, "c", A, B, call_state_STARTED);
	call(s, "c", A, B, call_state_RINGING);
	call(s, "c", A, B, call_state_ANSWERED);
	/* It is handed over to somebody else. */
	call(s, "c", A, C, call_state_ANSWERED);
	end(s, "c");
	end(s, "c");
	ck_assert_str_eq(told(s, 2, 0),
	    "1:call/started/INTERNAL 2:call/ringing/INTERNAL 3:call/answered/INCOMING "
	    "4:call/ended/INCOMING");
	ck_assert_str_eq(told(s, 3, 0),
	    "1:call/started/INTERNAL 2:call/ringing/INTERNAL 3:call/answered/INCOMING "
	    "4:call/ended/INCOMING");
	ck_assert_str_eq(told(s, 4, 0), "1:call/answered/INCOMING 2:call/ended/INCOMING");
	/* A call to oneself is one call. */
	call(s, "d", A, A, call_state_RINGING);
	end(s, "d");
	ck_assert_str_eq(told(s, 2, 4), "5:call/ringing/INTERNAL 6:call/ended/INTERNAL");
}

static void
a_snapshot_that_lacks_a_call_ends_it(struct store *s)
{
	struct live_source src = {STR_LIT("sw"), 2, 1};
	struct store_txn *t;
	struct model m;

	users_of_calls(s);
	call(s, "c", A, "<sip:9@far.example>", call_state_ANSWERED);
	t = rig_begin(s, STORE_WRITE);
	m = model(t);
	OK(live_sweep(&m, &src));
	rig_commit(t);
	ck_assert_str_eq(told(s, 2, 0), "1:call/answered/INCOMING 2:call/ended/INCOMING");
	ck_assert_str_eq(told(s, 3, 0), "");
}

static void
who_was_touched_is_told_once_for_a_commit(struct store *s)
{
	struct user_events_touched got;

	(void)user_events_take();
	add(s, 7, 3, 0);
	add(s, 8, 1, 0);
	got = user_events_take();
	ck_assert_uint_eq(got.n, 2);
	ck_assert(!got.all);
	ck_assert_uint_eq(got.users[0], 7);
	ck_assert_uint_eq(got.users[1], 8);
	ck_assert_uint_eq(user_events_take().n, 0);
	for (uint32_t user = 1; user <= 100000; user++)
		user_event_touch(user);
	got = user_events_take();
	ck_assert(got.all);
}

int
main(void)
{
	static const struct store_case cases[] = {
	    {"numbers_have_no_gaps", numbers_have_no_gaps},
	    {"a_path_is_told_without_its_parameters", a_path_is_told_without_its_parameters},
	    {"a_log_has_an_end", a_log_has_an_end},
	    {"old_events_go_by_and_by", old_events_go_by_and_by},
	    {"a_user_who_goes_takes_it_along", a_user_who_goes_takes_it_along},
	    {"a_call_as_its_parties_are_told_of_it", a_call_as_its_parties_are_told_of_it},
	    {"a_snapshot_that_lacks_a_call_ends_it", a_snapshot_that_lacks_a_call_ends_it},
	    {"who_was_touched_is_told_once_for_a_commit", who_was_touched_is_told_once_for_a_commit},
	};

	settings = settings_now_new();
	return settings == NULL ||
	        rig_run("user events", cases, (int)(sizeof(cases) / sizeof(cases[0]))) != 0
	    ? 1
	    : 0;
}
