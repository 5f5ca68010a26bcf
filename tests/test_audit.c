/* SPDX-License-Identifier: ISC */
/*
 * The audit log against a real backend and gateway: each write has its row, with who and from
 * where; no secret is in it; and `tandemctl audit verify` sees a row that was changed, left out or
 * put in, each done to the store itself.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/key.h"
#include "tests/audit_rig.h"

#define ANA "4410:secret99"
#define BEN "4420:secret20"

static struct rig rig;
static char out[262144];

static void
setup(void)
{
	rig = (struct rig){.port = {0}};
	rig_start_fixture(&rig);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static void
put(const char *user, const char *path, const char *json, int status)
{
	struct answer a = rig_put(&rig, user, path, json);

	ck_assert_msg(a.status == status, "PUT %s: %d %s", path, a.status, a.body);
	answer_free(&a);
}

/* The changes of a page. */
static json_t *
audit_of(const char *user, const char *query, char *next, size_t size)
{
	char path[128];
	struct answer a;
	json_t *doc, *list;

	snprintf(path, sizeof(path), "/my/audit%s", query);
	a = rig_get(&rig, user, path);
	ck_assert_msg(a.status == 200, "%d %s", a.status, a.body);
	if (next != NULL)
		answer_next(&a, "/my/audit", next, size);
	doc = json_loads(a.body, 0, NULL);
	ck_assert_msg(doc != NULL, "%s", a.body);
	list = json_incref(json_object_get(doc, "audit"));
	json_decref(doc);
	answer_free(&a);
	return list != NULL ? list : json_array();
}

static const char *
text(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s != NULL ? s : "";
}

static int
verify(void)
{
	return rig_ctl(&rig, NULL, out, sizeof(out), "audit verify");
}

START_TEST(who_what_and_from_where)
{
	json_t *list, *row;

	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	list = audit_of(ANA, "", NULL, 0);
	ck_assert_uint_ge(json_array_size(list), 1);
	row = json_array_get(list, 0);
	ck_assert_str_eq(text(row, "by"), "4410");
	ck_assert_str_eq(text(row, "subject"), "4410");
	ck_assert_str_eq(text(row, "via"), "password");
	ck_assert_str_eq(text(row, "from"), "127.0.0.1");
	ck_assert_str_eq(text(row, "action"), "PUT");
	ck_assert_str_eq(text(row, "resource"), "/my/forward");
	ck_assert_str_eq(text(row, "record"), "callfwd");
	ck_assert_uint_eq(strlen(text(row, "after")), 32);
	json_decref(list);
}
END_TEST

/* What was written last is what the next write finds. */
START_TEST(digests_follow_on_each_other)
{
	json_t *list;
	char before[64], after[64];

	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":32}}", 200);
	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	list = audit_of(ANA, "?limit=3", NULL, 0);
	ck_assert_uint_eq(json_array_size(list), 3);
	snprintf(before, sizeof(before), "%s", text(json_array_get(list, 0), "before"));
	snprintf(after, sizeof(after), "%s", text(json_array_get(list, 0), "after"));
	ck_assert_str_eq(before, text(json_array_get(list, 1), "after"));
	ck_assert_str_eq(after, text(json_array_get(list, 1), "before"));
	ck_assert_str_ne(before, after);
	json_decref(list);
	/* What changes nothing leaves no row, and neither does what is refused. */
	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":-1}}", 400);
	list = audit_of(ANA, "?limit=1", NULL, 0);
	ck_assert_str_eq(after, text(json_array_get(list, 0), "after"));
	json_decref(list);
}
END_TEST

START_TEST(own_part_alone)
{
	json_t *list;

	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	put(BEN, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	list = audit_of(BEN, "?limit=200", NULL, 0);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		ck_assert_msg(
		    strcmp(text(row, "by"), "4420") == 0 || strcmp(text(row, "subject"), "4420") == 0,
		    "by %s, of %s", text(row, "by"), text(row, "subject"));
	}
	ck_assert_uint_gt(json_array_size(list), 0);
	json_decref(list);
}
END_TEST

START_TEST(pages)
{
	char next[256] = "";
	long long last = 0;
	int n = 0;

	for (int i = 0; i < 5; i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"call-sequence\":{\"expiration\":%d}}", 40 + i);
		put(ANA, "/my/forward", json, 200);
	}
	for (snprintf(next, sizeof(next), "/my/audit?limit=2"); next[0] != '\0'; n++) {
		char query[256];
		json_t *list;

		snprintf(query, sizeof(query), "%s", strchr(next, '?'));
		list = audit_of(ANA, query, next, sizeof(next));
		for (size_t i = 0; i < json_array_size(list); i++) {
			long long id = json_integer_value(json_object_get(json_array_get(list, i), "id"));

			ck_assert_msg(last == 0 || id < last, "%lld behind %lld", id, last);
			last = id;
		}
		json_decref(list);
		ck_assert_int_lt(n, 100);
	}
	ck_assert_int_ge(n, 3);
}
END_TEST

/* Neither in the answers nor in what tandemctl shows. */
START_TEST(no_secret_in_it)
{
	put(ANA, "/my/voicemail/pin/848586848586", "", 200);
	put(ANA, "/my/voicemail/pin", "{\"pin\":\"939495939495\"}", 200);
	put(ANA, "/my/portal/password", "{\"password\":\"new-secret-77\",\"current\":\"secret99\"}",
	    200);
	ck_assert_int_eq(rig_ctl(&rig, "777888777888\n", NULL, 0, "user pin 4420 --pin-stdin"), 0);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "audit --json"), 0);
	ck_assert_ptr_nonnull(strstr(out, "/my/voicemail/pin/{pin}"));
	ck_assert_ptr_nonnull(strstr(out, "user-pin"));
	ck_assert_ptr_null(strstr(out, "848586848586"));
	ck_assert_ptr_null(strstr(out, "939495939495"));
	ck_assert_ptr_null(strstr(out, "777888777888"));
	ck_assert_ptr_null(strstr(out, "new-secret"));
	ck_assert_ptr_null(strstr(out, "argon2"));
}
END_TEST

START_TEST(operators_and_removed_users)
{
	json_t *list;

	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user add 777 --no-password"), 0);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user disable 4420"), 0);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user enable 4420"), 0);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 777 --yes"), 0);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "audit --user 777"), 0);
	ck_assert_msg(strstr(out, "user-add") != NULL && strstr(out, "user-remove") != NULL &&
	        strstr(out, "removed") != NULL,
	    "%s", out);
	ck_assert_ptr_null(strstr(out, "user-disable"));
	/* Whose account it is sees it too. */
	list = audit_of(BEN, "?limit=1", NULL, 0);
	ck_assert_str_eq(text(json_array_get(list, 0), "action"), "user-enable");
	ck_assert_str_eq(text(json_array_get(list, 0), "via"), "tandemctl");
	ck_assert_str_ne(text(json_array_get(list, 0), "by"), "");
	json_decref(list);
}
END_TEST

/* --- the proof ---------------------------------------------------------------------------- */

enum deed { CHANGE, REMOVE, INSERT, TRUNCATE, FORGE };

static int
tamper(struct model *m, void *arg)
{
	enum deed deed = *(enum deed *)arg;
	struct audit_head head;
	struct str v, w;
	struct key k, other;
	char *p;

	if (audit_head_get(m, &head) != 0 || head.newest < 5)
		return -1;
	audit_rig_key(&k, deed == TRUNCATE ? head.newest : head.newest - 2);
	audit_rig_key(&other, head.newest - 3);
	if (store_get(m->t, STORE_DATA, key_str(&k), m->a, &v, m->e) != 1 ||
	    store_get(m->t, STORE_DATA, key_str(&other), m->a, &w, m->e) != 1)
		return -1;
	p = (char *)(uintptr_t)v.p;
	switch (deed) {
	case CHANGE:
		p[v.n - 1] ^= 1;
		return store_put(m->t, STORE_DATA, key_str(&k), v, m->e);
	case REMOVE:
	case TRUNCATE:
		return store_del(m->t, STORE_DATA, key_str(&k), m->e) == 1 ? 0 : -1;
	case INSERT:
		return store_put(m->t, STORE_DATA, key_str(&k), w, m->e);
	case FORGE:
		/* The whole chain anew, by somebody who knows how, but not the audit key. */
		p[v.n - 1] ^= 1;
		memcpy(head.hash, w.p + 1, AUDIT_HASH);
		for (uint64_t id = head.newest - 2; id <= head.newest; id++) {
			audit_rig_key(&k, id);
			if (id > head.newest - 2 &&
			    store_get(m->t, STORE_DATA, key_str(&k), m->a, &v, m->e) != 1)
				return -1;
			p = (char *)(uintptr_t)v.p;
			audit_chain(head.hash, (struct str){v.p + 1 + AUDIT_HASH, v.n - 1 - AUDIT_HASH});
			memcpy(p + 1, head.hash, AUDIT_HASH);
			if (store_put(m->t, STORE_DATA, key_str(&k), v, m->e) != 0)
				return -1;
		}
		return 0;
	}
	return -1;
}

START_TEST(what_was_done_to_it_is_seen)
{
	static const char *const says[] = {[CHANGE] = "was changed, or one before it",
	    [REMOVE] = "is missing",
	    [INSERT] = "was changed",
	    [TRUNCATE] = "is missing",
	    [FORGE] = "is not the one that was sealed"};
	enum deed deed = (enum deed)_i;

	for (int i = 0; i < 6; i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"call-sequence\":{\"expiration\":%d}}", 50 + i);
		put(ANA, "/my/forward", json, 200);
	}
	audit_rig_await_seal(&rig);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	ck_assert_int_eq(rig_store(&rig, tamper, &deed), 0);
	rig_backend(&rig);
	ck_assert_int_eq(verify(), 1);
	ck_assert_msg(strstr(out, says[_i]) != NULL, "%s", out);
}
END_TEST

START_TEST(proved_and_sealed)
{
	char key[65] = "", args[128];

	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	audit_rig_await_seal(&rig);
	ck_assert_int_eq(sscanf(strstr(audit_rig_out, "\"key\""), "\"key\":\"%64[0-9a-f]", key), 1);
	snprintf(args, sizeof(args), "audit verify %s", key);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "%s", args), 0);
	key[0] = key[0] == '0' ? '1' : '0';
	snprintf(args, sizeof(args), "audit verify %s", key);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "%s", args), 1);
	ck_assert_ptr_nonnull(strstr(out, "another audit key"));
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "audit verify xyz"), 2);
	/* A crash takes no row, and what was not sealed is sealed by the next start. */
	put(ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":33}}", 200);
	rig_kill(&rig.backend);
	rig_backend(&rig);
	audit_rig_await_seal(&rig);
}
END_TEST

/* --- rows in a store alone ------------------------------------------------------------------ */

static struct arena arena;

static void
change(struct store_txn *t, int n, struct err *e)
{
	struct model m = {.t = t, .a = &arena, .e = e, .tenant = TENANT_DEFAULT};

	audit_rig_change(&m, n, 0);
}

START_TEST(old_rows_go)
{
	struct store_conf conf = {.engine = "mem"};
	int64_t later = (int64_t)time(NULL) * 1000 + 400 * DAY_MS;
	struct audit_head head;
	struct err e = {0};
	struct audit_rig_chain seen = {0};
	uint64_t ids[8];
	struct store_txn *t;
	struct store *s;
	struct model m;
	size_t n;
	int rc;

	arena_init(&arena, 16 << 20);
	ck_assert_int_eq(store_open(&s, &conf, &e), 0);
	ck_assert_int_eq(store_begin(s, STORE_WRITE, &t, &e), 0);
	for (int i = 0; i < 300; i++)
		change(t, i, &e);
	m = (struct model){.t = t, .a = &arena, .e = &e, .tenant = TENANT_DEFAULT};
	ck_assert_int_eq(audit_head_get(&m, &head), 0);
	ck_assert_uint_eq(head.newest, 300);
	ck_assert_int_eq(audit_rows(&m, 0, audit_rig_follow, &seen), 0);
	ck_assert_uint_eq(seen.n, 300);
	/* None is a year old, and 0 means never. */
	ck_assert_int_eq(audit_sweep(&m, later, 401), 0);
	ck_assert_int_eq(audit_sweep(&m, later, 0), 0);
	ck_assert_int_eq(audit_head_get(&m, &head), 0);
	ck_assert_uint_eq(head.oldest, 1);
	while ((rc = audit_sweep(&m, later, 399)) == 1)
		;
	ck_assert_int_eq(rc, 0);
	/* What is left follows on what has gone: three rows that say so, one for each step. */
	ck_assert_int_eq(audit_head_get(&m, &head), 0);
	ck_assert_uint_eq(head.oldest, 301);
	seen.n = 0;
	memcpy(seen.hash, head.before, AUDIT_HASH);
	ck_assert_int_eq(audit_rows(&m, 0, audit_rig_follow, &seen), 0);
	ck_assert_uint_eq(seen.n, 3);
	ck_assert_uint_eq(seen.last, 303);
	ck_assert_int_eq(memcmp(seen.hash, head.hash, AUDIT_HASH), 0);
	/* Those are no user's. */
	ck_assert_int_eq(audit_of_user(&m, AUDIT_RIG_USER, 0, ids, 8, &n), 0);
	ck_assert_uint_eq(n, 0);
	change(t, 1, &e);
	ck_assert_int_eq(audit_of_user(&m, AUDIT_RIG_USER, 0, ids, 8, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(ids[0], 304);
	ck_assert_int_eq(audit_forget(&m, AUDIT_RIG_USER), 0);
	ck_assert_int_eq(audit_of_user(&m, AUDIT_RIG_USER, 0, ids, 8, &n), 0);
	ck_assert_uint_eq(n, 0);
	store_abort(t);
	store_close(s);
	arena_free(&arena);
}
END_TEST

/* Rows of a clock that was ten years ahead go with those around them. */
START_TEST(a_wrong_time_stops_nothing)
{
	struct store_conf conf = {.engine = "mem"};
	int64_t now = (int64_t)time(NULL) * 1000;
	struct audit_head head;
	struct err e = {0};
	struct store_txn *t;
	struct store *s;
	struct model m;
	int rc;

	arena_init(&arena, 16 << 20);
	ck_assert_int_eq(store_open(&s, &conf, &e), 0);
	ck_assert_int_eq(store_begin(s, STORE_WRITE, &t, &e), 0);
	m = (struct model){.t = t, .a = &arena, .e = &e, .tenant = TENANT_DEFAULT};
	change(t, 1, &e);
	for (int i = 0; i < 200; i++)
		audit_rig_change(&m, i, 3650 * DAY_MS);
	change(t, 2, &e);
	change(t, 3, &e);
	ck_assert_int_eq(audit_sweep(&m, now + 399 * DAY_MS, 400), 0);
	while ((rc = audit_sweep(&m, now + 401 * DAY_MS, 400)) == 1)
		;
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(audit_head_get(&m, &head), 0);
	/* All 203 of them; left is what the two steps of it have written. */
	ck_assert_uint_eq(head.oldest, 204);
	ck_assert_uint_eq(head.newest, 205);
	store_abort(t);
	store_close(s);
	arena_free(&arena);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("audit");
	TCase *t = tcase_create("audit"), *rows = tcase_create("rows");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, who_what_and_from_where);
	tcase_add_test(t, digests_follow_on_each_other);
	tcase_add_test(t, own_part_alone);
	tcase_add_test(t, pages);
	tcase_add_test(t, no_secret_in_it);
	tcase_add_test(t, operators_and_removed_users);
	tcase_add_test(t, proved_and_sealed);
	tcase_add_loop_test(t, what_was_done_to_it_is_seen, CHANGE, FORGE + 1);
	tcase_add_test(rows, old_rows_go);
	tcase_add_test(rows, a_wrong_time_stops_nothing);
	suite_add_tcase(s, t);
	suite_add_tcase(s, rows);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
