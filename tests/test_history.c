/* SPDX-License-Identifier: ISC */
/* Undoing writes against a real backend and gateway, and what the store keeps for it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/audit.h"
#include "backend/book.h"
#include "backend/control.h"
#include "backend/history.h"
#include "backend/job.h"
#include "tests/my_rig.h"

START_TEST(settings_come_back)
{
	my_send("PUT", ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	my_send("PUT", ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":32}}", 200);
	my_has(ANA, "/my/forward", "\"expiration\":32");
	my_undo_newest(ANA, "callfwd");
	my_has(ANA, "/my/forward", "\"expiration\":31");
	/* Undoing is a write, and can be undone. */
	my_undo_newest(ANA, "callfwd");
	my_has(ANA, "/my/forward", "\"expiration\":32");
	my_has(ANA, "/my/history/callfwd", "\"action\":\"PUT\"");
	my_has(ANA, "/my/history/callfwd", "\"resource\":\"/my/forward\"");
	my_has_not(ANA, "/my/history/vmprefs", "\"id\"");
}
END_TEST

/* The names are the account's, the rest is the card's. */
START_TEST(a_contact_card)
{
	my_send("PUT", ANA, "/my/contact-information",
	    "{\"contact-information\":{\"firstName\":\"Una\",\"lastName\":\"Ray\",\"jobTitle\":\"A\"}}",
	    200);
	my_send("PUT", ANA, "/my/contact-information",
	    "{\"contact-information\":{\"firstName\":\"Eva\",\"lastName\":\"Sun\",\"jobTitle\":\"B\"}}",
	    200);
	my_undo_newest(ANA, "contact-information");
	my_has(ANA, "/my/contact-information", "\"firstName\":\"Una\"");
	my_has(ANA, "/my/contact-information", "\"lastName\":\"Ray\"");
	my_has(ANA, "/my/contact-information", "\"jobTitle\":\"A\"");
}
END_TEST

START_TEST(a_schedule_with_its_number)
{
	char path[64], body[256];
	long long id = my_schedule(ANA, SHIFT("Early"), "Early");

	snprintf(body, sizeof(body),
	    "{\"rings\":[{\"expiration\":30,\"type\":\"If no response\",\"enabled\":true,"
	    "\"number\":\"5551212\",\"scheduleId\":%lld}]}",
	    id);
	my_send("PUT", ANA, "/my/callfwd", body, 200);
	my_send("PUT", ANA, "/my/callfwd", "{\"rings\":[]}", 200);
	snprintf(path, sizeof(path), "/my/callfwdsched/%lld", id);
	my_send("DELETE", ANA, path, NULL, 200);
	/* The rings cannot come back without their schedule, and then nothing does. */
	my_undo(ANA, "callfwd", my_newest(ANA, "callfwd", NULL), 422);
	my_has_not(ANA, "/my/callfwd", "5551212");
	my_undo_newest(ANA, "callfwdsched");
	my_has(ANA, path, "Early");
	my_undo_newest(ANA, "callfwd");
	my_has(ANA, "/my/callfwd", "5551212");
}
END_TEST

START_TEST(entries_of_the_phonebook)
{
	long long made;

	my_send("POST", ANA, "/my/phonebook/entry/0", ENTRY("One"), 200);
	made = my_newest(ANA, "phonebook", NULL);
	my_send("POST", ANA, "/my/phonebook/entry/0", ENTRY("Two"), 200);
	my_send("DELETE", ANA, "/my/phonebook", NULL, 200);
	my_has_not(ANA, "/my/phonebook/entry", "77One");
	my_undo_newest(ANA, "phonebook");
	my_has(ANA, "/my/phonebook/entry", "77One");
	my_has(ANA, "/my/phonebook/entry", "77Two");
	my_has(ANA, "/my/search/phonebook?query=One", "77One");
	/* What was made goes again, an older write as well. */
	my_undo(ANA, "phonebook", made, 200);
	my_has_not(ANA, "/my/phonebook/entry", "77One");
	my_has(ANA, "/my/phonebook/entry", "77Two");
	my_undo_newest(ANA, "phonebook");
	my_has(ANA, "/my/phonebook/entry", "77One");
}
END_TEST

/* An entry that is there again under another number is not doubled. */
START_TEST(no_double_entry)
{
	long long removed;

	my_send("POST", ANA, "/my/phonebook/entry/0", ENTRY("One"), 200);
	my_send("DELETE", ANA, "/my/phonebook", NULL, 200);
	removed = my_newest(ANA, "phonebook", NULL);
	my_send("POST", ANA, "/my/phonebook/entry/0", ENTRY("One"), 200);
	my_undo(ANA, "phonebook", removed, 409);
}
END_TEST

START_TEST(nobody_elses)
{
	long long id;

	my_send("PUT", ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":31}}", 200);
	my_send("PUT", ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":32}}", 200);
	id = my_newest(ANA, "callfwd", NULL);
	ck_assert_int_eq(my_newest(BEN, "callfwd", NULL), 0);
	my_undo(BEN, "callfwd", id, 404);
	my_undo(ANA, "speeddial", id, 404);
	my_undo(ANA, "passwords", id, 404);
	my_undo(ANA, "callfwd", id + 1000, 404);
	my_send("PUT", ANA, "/my/history/callfwd/x", "", 404);
	my_has(ANA, "/my/forward", "\"expiration\":32");
}
END_TEST

/* Neither secrets nor what operators do. */
START_TEST(what_is_not_kept)
{
	my_send("PUT", ANA, "/my/voicemail/pin", "{\"pin\":\"939495\"}", 200);
	my_send("PUT", ANA, "/my/portal/password",
	    "{\"password\":\"other-77\",\"current\":\"secret99\"}", 200);
	ck_assert_int_eq(my_newest("4410:other-77", "contact-information", NULL), 0);
	ck_assert_int_eq(
	    rig_ctl(&my_rig,
	        "{\"type\":\"contact\",\"user\":\"4420\",\"record\":{\"jobTitle\":\"X\"}}\n", NULL, 0,
	        "load -"),
	    0);
	ck_assert_int_eq(my_newest(BEN, "contact-information", NULL), 0);
}
END_TEST

START_TEST(the_last_hundred)
{
	size_t n;

	for (int i = 0; i < HISTORY_CHANGES + 5; i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"call-sequence\":{\"expiration\":%d}}", 1 + i % 90);
		my_send("PUT", ANA, "/my/forward", json, 200);
	}
	my_newest(ANA, "callfwd", &n);
	ck_assert_uint_eq(n, HISTORY_CHANGES);
	my_undo_newest(ANA, "callfwd");
	my_has(ANA, "/my/forward", "\"expiration\":14");
}
END_TEST

/* --- in a store alone ---------------------------------------------------------------------- */

enum { USER = 7 };

static struct arena arena;
static struct store *store;
static struct store_txn *txn;
static struct model model;
static struct err err;

static void
store_setup(void)
{
	struct store_conf conf = {.engine = "mem"};

	arena_init(&arena, 512 << 20);
	ck_assert_int_eq(store_open(&store, &conf, &err), 0);
	ck_assert_int_eq(store_begin(store, STORE_WRITE, &txn, &err), 0);
	model = (struct model){.t = txn, .a = &arena, .e = &err, .tenant = TENANT_DEFAULT};
}

static void
store_teardown(void)
{
	store_abort(txn);
	store_close(store);
	arena_free(&arena);
}

static void
write_records(int n, int mark)
{
	static const struct digest_keys keys;
	struct audit_row by = {0};
	struct audit audit;

	REC_SET(&by, audit_row, via, audit_via_TOKEN);
	REC_SET(&by, audit_row, action, STR_LIT("PUT"));
	audit_begin(&audit, &model, &keys, &by);
	audit.keeps = true;
	for (int i = 1; i <= n; i++) {
		struct schedule s = {0};

		REC_SET(&s, schedule, name, arena_printf(&arena, "%d-%d", mark, i));
		ck_assert_int_eq(model_put(&model, &rec_schedule, USER, (uint64_t)i, &s), 0);
	}
	ck_assert_int_eq(audit_end(&model), 0);
	model.audit = NULL;
}

/* A write of so many records of about that size. */
static void
replace_bytes(size_t n, size_t size, char mark)
{
	static const struct digest_keys keys;
	struct audit_row by = {0};
	struct audit audit;
	char *text = arena_alloc(&arena, size);

	ck_assert_ptr_nonnull(text);
	memset(text, mark, size);
	REC_SET(&by, audit_row, via, audit_via_TOKEN);
	REC_SET(&by, audit_row, action, STR_LIT("PUT"));
	audit_begin(&audit, &model, &keys, &by);
	audit.keeps = true;
	for (size_t i = 1; i <= n; i++) {
		struct schedule s = {0};

		REC_SET(&s, schedule, name, ((struct str){text, size}));
		ck_assert_int_eq(model_put(&model, &rec_schedule, USER, i, &s), 0);
	}
	ck_assert_int_eq(audit_end(&model), 0);
	model.audit = NULL;
}

static size_t
kept(void)
{
	uint64_t write = 0;
	size_t n = 0;

	while (history_next(&model, USER, write, &write) == 1)
		n++;
	return n;
}

static int
count_row(void *arg, struct str key, struct str val)
{
	(void)val;
	*(size_t *)arg += key.n > 0;
	return 0;
}

static size_t
rows_of(enum store_table table, uint32_t owner, uint16_t kind)
{
	struct key prefix;
	size_t n = 0;

	key_kind(&prefix, TENANT_DEFAULT, owner, kind);
	ck_assert_int_eq(
	    store_scan(txn, table, key_str(&prefix), (struct str){"", 0}, count_row, &n, &err), 0);
	return n;
}

START_TEST(large_writes_are_not_kept)
{
	write_records(HISTORY_ROWS, 1);
	ck_assert_uint_eq(kept(), 1);
	write_records(HISTORY_ROWS + 1, 2);
	ck_assert_uint_eq(kept(), 1);
	ck_assert_uint_eq(rows_of(STORE_DATA, USER, DATA_HISTORY), HISTORY_ROWS);
}
END_TEST

START_TEST(large_records_are_not_kept)
{
	const size_t size = HISTORY_BYTES / 8;

	replace_bytes(9, size, 'a');
	ck_assert_uint_eq(kept(), 1);
	/* Nine that are replaced are too much, seven are not. */
	replace_bytes(9, size, 'b');
	ck_assert_uint_eq(kept(), 1);
	replace_bytes(7, size, 'c');
	ck_assert_uint_eq(kept(), 2);
}
END_TEST

static int
add_bytes(void *arg, struct str key, struct str val)
{
	(void)key;
	*(size_t *)arg += val.n;
	return 0;
}

static size_t
bytes_kept(void)
{
	struct key prefix;
	size_t n = 0;

	key_kind(&prefix, TENANT_DEFAULT, USER, DATA_HISTORY);
	ck_assert_int_eq(
	    store_scan(txn, STORE_DATA, key_str(&prefix), (struct str){"", 0}, add_bytes, &n, &err), 0);
	return n;
}

/* Where the totals of a user are; made as they were before there were bytes in them. */
static void
forget_bytes(void)
{
	struct key k;
	struct str v;

	key_kind(&k, TENANT_DEFAULT, USER, META_HISTORY);
	ck_assert_int_eq(store_get(txn, STORE_META, key_str(&k), &arena, &v, &err), 1);
	ck_assert_int_eq(store_put(txn, STORE_META, key_str(&k), (struct str){v.p, 8}, &err), 0);
}

START_TEST(all_writes_together_are_limited)
{
	const size_t size = HISTORY_BYTES / 8;
	uint64_t newest = 0, write = 0;
	size_t large;

	for (int i = 0; i < 3 * HISTORY_KEPT / HISTORY_BYTES; i++) {
		replace_bytes(7, size, (char)('a' + i));
		ck_assert_uint_le(bytes_kept(), HISTORY_KEPT);
		if (i == 5)
			forget_bytes();
		while (history_next(&model, USER, newest, &write) == 1)
			newest = write;
		ck_assert_uint_eq(newest, (uint64_t)i + 1);
	}
	large = kept();
	ck_assert_uint_eq(large, HISTORY_KEPT / (7 * size));
	/* The first of these replaces what is large, the others take the place of none. */
	for (int i = 0; i < 5; i++)
		write_records(7, i);
	ck_assert_uint_eq(kept(), large + 4);
	ck_assert_uint_le(bytes_kept(), HISTORY_KEPT);
}
END_TEST

/* A change of the user's that is kept: one schedule. `late` is how far the clock is ahead. */
static void
write_late(int64_t late, int mark)
{
	static const struct digest_keys keys;
	struct audit_row by = {0};
	struct schedule s = {0};
	struct audit audit;

	REC_SET(&by, audit_row, via, audit_via_TOKEN);
	REC_SET(&by, audit_row, action, STR_LIT("PUT"));
	audit_begin(&audit, &model, &keys, &by);
	audit.keeps = true;
	audit.by.time += late;
	REC_SET(&s, schedule, name, arena_printf(&arena, "late %d", mark));
	ck_assert_int_eq(model_put(&model, &rec_schedule, USER, 1, &s), 0);
	ck_assert_int_eq(audit_end(&model), 0);
	model.audit = NULL;
}

/* Writes of a clock that was ten years ahead go with those around them, however many. */
START_TEST(a_wrong_time_stops_nothing)
{
	const int64_t day = INT64_C(24) * 3600 * 1000;
	struct audit_row row;

	write_records(3, 1);
	for (int i = 0; i < 40; i++)
		write_late(3650 * day, i);
	ck_assert_int_eq(audit_get(&model, 1, &row), 1);
	/* Nothing later says when they were written. */
	ck_assert_int_eq(history_sweep(&model, row.time + (HISTORY_DAYS + 1) * day, 400), 0);
	ck_assert_uint_eq(kept(), 40);
	write_records(3, 2);
	ck_assert_int_eq(history_sweep(&model, row.time + (HISTORY_DAYS - 1) * day, 400), 0);
	ck_assert_uint_eq(kept(), 41);
	while (history_sweep(&model, row.time + (HISTORY_DAYS + 1) * day, 400) == 1)
		;
	ck_assert_uint_eq(kept(), 0);
}
END_TEST

/* What is listed says who has written it: it is kept no longer than that. */
START_TEST(not_longer_than_the_audit_log)
{
	const int64_t day = INT64_C(24) * 3600 * 1000;
	struct audit_row row;

	write_records(3, 1);
	ck_assert_int_eq(audit_get(&model, 1, &row), 1);
	ck_assert_int_eq(history_sweep(&model, row.time + 8 * day, 0), 0);
	ck_assert_int_eq(history_sweep(&model, row.time + 8 * day, 9), 0);
	ck_assert_uint_eq(kept(), 1);
	ck_assert_int_eq(history_sweep(&model, row.time + 8 * day, 7), 0);
	ck_assert_uint_eq(kept(), 0);
}
END_TEST

static void
add_entry(struct model *m, int n)
{
	struct entry e = {0};

	REC_SET(&e, entry, number, arena_printf(m->a, "%d", n));
	REC_SET(&e, entry, first_name, STR_LIT("Ida"));
	ck_assert_int_eq(entry_add(m, USER, 0, &e, NULL), 0);
}

/* What is left of a phonebook that was removed is no part of the write that meets it. */
START_TEST(a_rest_that_is_swept)
{
	static const struct digest_keys keys;
	struct history_row *rows;
	uint64_t write = 0, last = 0;
	struct audit_row by = {0};
	struct audit audit;
	size_t n;

	REC_SET(&by, audit_row, via, audit_via_TOKEN);
	REC_SET(&by, audit_row, action, STR_LIT("POST"));
	ck_assert_int_eq(book_private_make(&model, USER), 0);
	for (int i = 0; i < BOOK_SWEEP_MAX + 100; i++)
		add_entry(&model, i);
	ck_assert_int_eq(book_private_remove(&model, USER), 0);
	ck_assert_int_eq(book_sweep(&model, USER, BOOK_SWEEP_MAX), 0);
	audit_begin(&audit, &model, &keys, &by);
	audit.keeps = true;
	ck_assert_int_eq(book_private_make(&model, USER), 0);
	add_entry(&model, 9999);
	ck_assert_int_eq(audit_end(&model), 0);
	model.audit = NULL;
	while (history_next(&model, USER, write, &write) == 1)
		last = write;
	ck_assert_int_eq(history_rows(&model, USER, last, &rows, &n), 0);
	/* The book and the entry. */
	ck_assert_uint_eq(n, 2);
}
END_TEST

/* An entry with every text of its card as long as it may be. */
static void
add_large_entry(struct model *m, int n)
{
	const struct field *card = &rec_entry.f[entry_F_card];
	char text[1021] = "";
	struct entry e = {0};
	uint64_t has = 0;

	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i < card->sub->nf; i++)
		if (card->sub->f[i].kind == K_STR && !field_read_only(&card->sub->f[i])) {
			*(struct str *)rec_at(&card->sub->f[i], rec_at(card, &e)) = str_c(text);
			has |= (uint64_t)1 << i;
		}
	rec_set_has(rec_at(card, &e), has);
	rec_set_has(&e, (uint64_t)1 << entry_F_card);
	REC_SET(&e, entry, number, arena_printf(m->a, "%d", n));
	REC_SET(&e, entry, first_name, STR_LIT("Ida"));
	ck_assert_int_eq(entry_add(m, USER, 0, &e, NULL), 0);
}

/* Few enough to go at once, and too large to be in memory at once. */
START_TEST(large_entries_go)
{
	static const struct digest_keys keys;
	struct audit_row by = {0};
	struct model m = model;
	struct audit audit;
	struct arena a;
	uint64_t n;

	ck_assert_int_eq(book_private_make(&model, USER), 0);
	m.a = &a;
	for (int i = 0; i < BOOK_SWEEP_MAX - 1; i++) {
		arena_init(&a, 1 << 20);
		add_large_entry(&m, i);
		arena_free(&a);
	}
	REC_SET(&by, audit_row, via, audit_via_TOKEN);
	REC_SET(&by, audit_row, action, STR_LIT("DELETE"));
	arena_init(&a, JOB_SCRATCH_MAX);
	audit_begin(&audit, &m, &keys, &by);
	audit.keeps = true;
	ck_assert_msg(book_private_remove(&m, USER) == 0, "%s", err_text(&err));
	ck_assert_int_eq(audit_end(&m), 0);
	ck_assert_int_eq(entries_count(&m, USER, &n), 0);
	ck_assert_uint_eq(n, 0);
	arena_free(&a);
}
END_TEST

/* More entries than their keys have room in the memory: an eighth of a request's, and of what
 * does not fit into one. */
START_TEST(a_user_with_many_entries)
{
	struct model m = model;
	struct arena a;

	ck_assert_int_eq(book_private_make(&model, USER), 0);
	m.a = &a;
	for (int i = 0; i < 70000 / 8; i++) {
		arena_init(&a, 1 << 20);
		add_entry(&m, i);
		arena_free(&a);
	}
	arena_init(&a, JOB_SCRATCH_MAX / 8);
	ck_assert_int_eq(book_private_remove(&m, USER), 0);
	ck_assert_msg(control_remove_owner(&m, USER) == 0, "%s", err_text(&err));
	arena_free(&a);
}
END_TEST

START_TEST(nothing_is_left_behind)
{
	const int64_t day = INT64_C(24) * 3600 * 1000;
	struct audit_row row;

	for (int i = 0; i < 20; i++)
		write_records(3, i);
	ck_assert_uint_eq(kept(), 20);
	ck_assert_int_eq(audit_get(&model, 1, &row), 1);
	ck_assert_int_eq(history_sweep(&model, row.time + (HISTORY_DAYS - 1) * day, 400), 0);
	ck_assert_uint_eq(kept(), 20);
	while (history_sweep(&model, row.time + (HISTORY_DAYS + 1) * day, 400) == 1)
		;
	ck_assert_uint_eq(kept(), 0);
	ck_assert_uint_eq(rows_of(STORE_INDEX, 0, INDEX_HISTORY), 0);
	write_records(3, 100);
	ck_assert_int_eq(history_forget(&model, USER), 0);
	ck_assert_uint_eq(rows_of(STORE_DATA, USER, DATA_HISTORY), 0);
	ck_assert_uint_eq(rows_of(STORE_INDEX, 0, INDEX_HISTORY), 0);
	ck_assert_uint_eq(rows_of(STORE_META, USER, META_HISTORY), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("history");
	TCase *t = tcase_create("history"), *rows = tcase_create("rows");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, my_setup, my_teardown);
	tcase_add_test(t, settings_come_back);
	tcase_add_test(t, a_contact_card);
	tcase_add_test(t, a_schedule_with_its_number);
	tcase_add_test(t, entries_of_the_phonebook);
	tcase_add_test(t, no_double_entry);
	tcase_add_test(t, nobody_elses);
	tcase_add_test(t, what_is_not_kept);
	tcase_add_test(t, the_last_hundred);
	tcase_set_timeout(rows, 60);
	tcase_add_checked_fixture(rows, store_setup, store_teardown);
	tcase_add_test(rows, large_writes_are_not_kept);
	tcase_add_test(rows, large_records_are_not_kept);
	tcase_add_test(rows, all_writes_together_are_limited);
	tcase_add_test(rows, a_wrong_time_stops_nothing);
	tcase_add_test(rows, not_longer_than_the_audit_log);
	tcase_add_test(rows, a_rest_that_is_swept);
	tcase_add_test(rows, large_entries_go);
	tcase_add_test(rows, a_user_with_many_entries);
	tcase_add_test(rows, nothing_is_left_behind);
	suite_add_tcase(s, t);
	suite_add_tcase(s, rows);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
