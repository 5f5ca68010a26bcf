/* SPDX-License-Identifier: ISC */
/*
 * What goes from the ends of the audit log. Whoever can write to the store but has not the audit
 * key cuts rows off and sets the head of the log to match: `tandemctl audit verify` sees it, by
 * seals of rows that are not there, and since the log says of itself what was removed for its age.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/key.h"
#include "tests/audit_rig.h"
#include "tests/my_rig.h"

/* --- with a backend ----------------------------------------------------------------------- */

static void
write_rows(int n, int mark)
{
	for (int i = 0; i < n; i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"call-sequence\":{\"expiration\":%d}}", mark + i);
		my_send("PUT", ANA, "/my/forward", json, 200);
	}
}

/* What is done to the store of a backend that does not run. */
static void
meddle(int (*work)(struct model *m, void *arg), void *arg)
{
	audit_rig_await_seal(&my_rig);
	ck_assert_int_eq(rig_end(&my_rig.backend), 0);
	ck_assert_int_eq(rig_store(&my_rig, work, arg), 0);
	rig_backend(&my_rig);
	rig_await_ready(&my_rig, 0);
}

static int
remove_rows(struct model *m, uint64_t from, uint64_t to)
{
	for (uint64_t id = from; id <= to; id++) {
		struct key k;

		audit_rig_key(&k, id);
		if (store_del(m->t, STORE_DATA, key_str(&k), m->e) != 1)
			return -1;
	}
	return 0;
}

static int
row_hash(struct model *m, uint64_t id, unsigned char ret[AUDIT_HASH])
{
	struct str v;
	struct key k;

	audit_rig_key(&k, id);
	if (store_get(m->t, STORE_DATA, key_str(&k), m->a, &v, m->e) != 1)
		return -1;
	memcpy(ret, v.p + 1, AUDIT_HASH);
	return 0;
}

enum deed { CUT_NEWEST, CUT_ALL, CUT_ALL_BUT_HEAD, CUT_OLDEST, CUTS };

static int
cut(struct model *m, void *arg)
{
	struct audit_head head;
	struct key k;

	if (audit_head_get(m, &head) != 0 || head.newest < head.oldest + 6)
		return -1;
	switch (*(enum deed *)arg) {
	case CUT_NEWEST:
		head.newest -= 3;
		return remove_rows(m, head.newest + 1, head.newest + 3) != 0 ||
		        row_hash(m, head.newest, head.hash) != 0
		    ? -1
		    : audit_head_put(m, &head);
	case CUT_ALL:
		key_kind(&k, m->tenant, OWNER_SYSTEM, META_AUDIT);
		return remove_rows(m, head.oldest, head.newest) != 0 ||
		        store_del(m->t, STORE_META, key_str(&k), m->e) != 1
		    ? -1
		    : 0;
	case CUT_ALL_BUT_HEAD:
		if (remove_rows(m, head.oldest, head.newest) != 0)
			return -1;
		head.oldest = head.newest + 1;
		memcpy(head.before, head.hash, AUDIT_HASH);
		return audit_head_put(m, &head);
	case CUT_OLDEST:
		if (row_hash(m, head.oldest + 2, head.before) != 0 ||
		    remove_rows(m, head.oldest, head.oldest + 2) != 0)
			return -1;
		head.oldest += 3;
		return audit_head_put(m, &head);
	case CUTS:
		break;
	}
	return -1;
}

START_TEST(what_is_cut_off_is_seen)
{
	static const char *const says[] = {[CUT_NEWEST] = "is missing",
	    [CUT_ALL] = "is missing",
	    [CUT_ALL_BUT_HEAD] = "is not the first one",
	    [CUT_OLDEST] = "is not the first one"};
	enum deed deed = (enum deed)_i;

	write_rows(6, 50);
	meddle(cut, &deed);
	ck_assert_msg(audit_rig_verify(&my_rig) == 1, "deed %d: %s", deed, audit_rig_out);
	ck_assert_msg(strstr(audit_rig_out, says[deed]) != NULL, "%s", audit_rig_out);
}
END_TEST

/* Nor is it forgotten when there are as many rows again: they would be sealed within the same hour,
 * of which the last seal is kept. */
START_TEST(what_is_cut_off_is_not_written_anew)
{
	enum deed deed = CUT_NEWEST;

	write_rows(6, 50);
	meddle(cut, &deed);
	write_rows(6, 70);
	nanosleep(&(struct timespec){3, 0}, NULL);
	ck_assert_msg(audit_rig_verify(&my_rig) == 1, "%s", audit_rig_out);
	ck_assert_msg(
	    strstr(audit_rig_out, "is not the one that was sealed") != NULL, "%s", audit_rig_out);
}
END_TEST

static int
sweep(struct model *m, void *arg)
{
	int64_t later = (int64_t)time(NULL) * 1000 + 401 * DAY_MS;

	(void)arg;
	return audit_sweep(m, later, 400) < 0 ? -1 : 0;
}

/* What was removed for its age is proved, and what was removed beside it is not. */
START_TEST(what_was_swept_is_proved)
{
	enum deed deed = CUT_OLDEST;

	write_rows(6, 50);
	ck_assert_uint_eq(audit_rig_count(&my_rig, "audit-sweep"), 0);
	meddle(sweep, NULL);
	write_rows(12, 50);
	audit_rig_await_seal(&my_rig);
	ck_assert_ptr_null(strstr(audit_rig_out, "\"oldest\":1,"));
	ck_assert_uint_eq(audit_rig_count(&my_rig, "\"via\":\"system\",\"action\":\"audit-sweep\""), 1);
	/* It is no user's. */
	my_has(ANA, "/my/audit", "/my/forward");
	my_has_not(ANA, "/my/audit", "audit-sweep");
	meddle(cut, &deed);
	ck_assert_msg(audit_rig_verify(&my_rig) == 1, "%s", audit_rig_out);
	ck_assert_msg(strstr(audit_rig_out, "is not the first one") != NULL, "%s", audit_rig_out);
}
END_TEST

#define CALL(user, id, seconds)                                                                  \
	"{\"type\":\"call_record\",\"user\":\"" user "\",\"record\":{\"cdr\":{\"id\":\"" id          \
	"\",\"caller\":\"4410\",\"callee\":\"0900\",\"started\":1715856163000,\"duration\":" seconds \
	"000,\"end\":\"C\"},\"source\":\"kam-1\",\"calls\":true}}\n"
#define KNOWN(digits) \
	"{\"type\":\"known_call\",\"record\":{\"month\":24292,\"digest\":\"" digits "\"}}\n"

static void
load(const char *rows)
{
	int rc = rig_ctl(&my_rig, rows, audit_rig_out, sizeof(audit_rig_out), "load -");

	ck_assert_msg(rc == 0, "%s", audit_rig_out);
}

/* Calls have no row of their own, since switches tell of too many; an operator's load of them has
 * one for each owner. */
START_TEST(calls_of_a_load)
{
	const char *calls = CALL("4410", "a", "7") CALL("4420", "b", "7") CALL("4410", "c", "7")
	    CALL("4410", "d", "7") KNOWN("000102030405060708090a0b0c0d0e0f");
	size_t before = audit_rig_count(&my_rig, "\"record\":\"call_record\"");
	char was[64];
	const char *at;

	load(calls);
	ck_assert_uint_eq(audit_rig_count(&my_rig, "\"record\":\"call_record\""), before + 2);
	ck_assert_uint_eq(audit_rig_count(&my_rig, "\"record\":\"known_call\",\"rows\":1"), 1);
	ck_assert_uint_eq(audit_rig_count(&my_rig,
	                      "\"subject\":\"4410\",\"record\":\"call_record\",\"rows\":3,\"after\""),
	    1);
	ck_assert_uint_eq(audit_rig_count(&my_rig,
	                      "\"subject\":\"4420\",\"record\":\"call_record\",\"rows\":1,\"after\""),
	    1);
	at =
	    strstr(strstr(audit_rig_out, "\"subject\":\"4420\",\"record\":\"call_record\",\"rows\":1,"),
	        "after");
	snprintf(was, sizeof(was), "\"before%.*s", (int)strcspn(at + 5, ",}"), at + 5);
	/* The same once more changes nothing. */
	load(calls);
	ck_assert_uint_eq(audit_rig_count(&my_rig, "\"record\":\"call_record\""), before + 2);
	ck_assert_uint_eq(audit_rig_count(&my_rig, "\"record\":\"known_call\""), 1);
	/* What was there is what was loaded. */
	load(CALL("4420", "b", "8"));
	ck_assert_uint_eq(audit_rig_count(&my_rig, "\"record\":\"call_record\""), before + 3);
	ck_assert_msg(audit_rig_count(&my_rig, was) == 1, "%s: %s", was, audit_rig_out);
	my_has(BEN, "/my/audit", "call_record");
	audit_rig_await_seal(&my_rig);
}
END_TEST

/* --- rows in a store alone ------------------------------------------------------------------ */

static struct arena arena;
static struct store *store;
static struct err err;
static struct model model;

static void
store_setup(void)
{
	struct store_conf conf = {.engine = "mem"};
	struct store_txn *t;

	arena_init(&arena, 256 << 20);
	ck_assert_int_eq(store_open(&store, &conf, &err), 0);
	ck_assert_int_eq(store_begin(store, STORE_WRITE, &t, &err), 0);
	model = (struct model){.t = t, .a = &arena, .e = &err, .tenant = TENANT_DEFAULT};
}

static void
store_teardown(void)
{
	store_abort(model.t);
	store_close(store);
	arena_free(&arena);
}

/* Each step as often as there is more: how many it took. */
static int
sweep_all(int64_t now)
{
	struct model m = model;
	int rc = 1, n = 0;

	for (; rc == 1; n++) {
		struct arena each;

		ck_assert_int_lt(n, 100);
		arena_init(&each, 8 << 20);
		m.a = &each;
		rc = audit_sweep(&m, now, 400);
		arena_free(&each);
		ck_assert_msg(rc >= 0, "%s", err_text(&err));
	}
	return n;
}

static struct audit_head
head_now(void)
{
	struct audit_head head;

	ck_assert_int_eq(audit_head_get(&model, &head), 0);
	return head;
}

static bool
is_trace(uint64_t id)
{
	struct audit_row row;

	ck_assert_int_eq(audit_get(&model, id, &row), 1);
	return str_eq(row.action, AUDIT_SWEEP);
}

/* The newest row says from where on the log is there, and what it follows on. */
static void
newest_says_what_went(void)
{
	struct audit_head head = head_now();
	struct audit_rig_chain chain = {0};
	struct audit_row row;

	ck_assert_int_eq(audit_get(&model, head.newest, &row), 1);
	ck_assert(str_eq(row.action, AUDIT_SWEEP));
	ck_assert_int_eq(row.via, audit_via_SYSTEM);
	ck_assert_int_eq(row.item, (int64_t)head.oldest - 1);
	ck_assert_uint_eq(row.before.n, AUDIT_HASH);
	ck_assert_int_eq(memcmp(row.before.p, head.before, AUDIT_HASH), 0);
	memcpy(chain.hash, head.before, AUDIT_HASH);
	ck_assert_int_eq(audit_rows(&model, 0, audit_rig_follow, &chain), 0);
	ck_assert_uint_eq(chain.last, head.newest);
	ck_assert_uint_eq(chain.n, head.newest - head.oldest + 1);
	ck_assert_int_eq(memcmp(chain.hash, head.hash, AUDIT_HASH), 0);
}

START_TEST(a_sweep_says_what_went)
{
	int64_t now = (int64_t)time(NULL) * 1000;

	for (int i = 0; i < 10; i++)
		audit_rig_change(&model, i, -401 * DAY_MS);
	for (int i = 0; i < 5; i++)
		audit_rig_change(&model, 10 + i, 0);
	ck_assert_int_eq(sweep_all(now), 1);
	ck_assert_uint_eq(head_now().oldest, 11);
	ck_assert_uint_eq(head_now().newest, 16);
	newest_says_what_went();
	/* Nothing old, no further row. */
	ck_assert_int_eq(sweep_all(now), 1);
	ck_assert_uint_eq(head_now().newest, 16);
}
END_TEST

/* Removing what earlier sweeps have written would leave one more of them, for ever. */
START_TEST(sweeps_do_not_feed_on_themselves)
{
	int64_t now = (int64_t)time(NULL) * 1000;
	struct audit_head head;

	for (int i = 0; i < 128 * 3; i++)
		audit_rig_change(&model, i, 0);
	sweep_all(now + 401 * DAY_MS);
	head = head_now();
	ck_assert_uint_eq(head.newest - head.oldest + 1, 3);
	for (int years = 2; years < 12; years++)
		ck_assert_int_eq(sweep_all(now + years * 401 * DAY_MS), 1);
	ck_assert_uint_eq(head_now().oldest, head.oldest);
	ck_assert_uint_eq(head_now().newest, head.newest);
	/* They go with the first row that goes behind them. */
	audit_rig_change(&model, 0, 402 * DAY_MS);
	audit_rig_change(&model, 1, 2000 * DAY_MS);
	sweep_all(now + 1000 * DAY_MS);
	ck_assert_uint_eq(head_now().oldest, head.newest + 2);
	newest_says_what_went();
}
END_TEST

/* More of them than a sweep looks at stand in no row's way. */
START_TEST(many_sweeps_go_too)
{
	int64_t now = (int64_t)time(NULL) * 1000;
	struct audit_head head;

	/* From the day 500 on there are sweeps alone. */
	for (int day = 0; day < 900; day++) {
		if (day < 500)
			audit_rig_change(&model, day, day * DAY_MS);
		sweep_all(now + day * DAY_MS + DAY_MS / 2);
	}
	ck_assert_uint_ge(head_now().newest, 900);
	audit_rig_change(&model, 0, 1000 * DAY_MS);
	audit_rig_change(&model, 0, 2000 * DAY_MS);
	sweep_all(now + 1500 * DAY_MS);
	head = head_now();
	/* What is left: the row of the day 2000, and the sweeps of today. */
	for (uint64_t id = head.oldest + 1; id <= head.newest; id++)
		ck_assert(is_trace(id));
	ck_assert_uint_lt(head.newest - head.oldest, 10);
	newest_says_what_went();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("audit_cut");
	TCase *t = tcase_create("audit_cut"), *rows = tcase_create("rows");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, my_setup, my_teardown);
	tcase_add_loop_test(t, what_is_cut_off_is_seen, CUT_NEWEST, CUTS);
	tcase_add_test(t, what_is_cut_off_is_not_written_anew);
	tcase_add_test(t, what_was_swept_is_proved);
	tcase_add_test(t, calls_of_a_load);
	tcase_set_timeout(rows, 60);
	tcase_add_checked_fixture(rows, store_setup, store_teardown);
	tcase_add_test(rows, a_sweep_says_what_went);
	tcase_add_test(rows, sweeps_do_not_feed_on_themselves);
	tcase_add_test(rows, many_sweeps_go_too);
	suite_add_tcase(s, t);
	suite_add_tcase(s, rows);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
