/* SPDX-License-Identifier: ISC */
/* From one engine to the other and back: by the copying itself, and by tandemctl with what the
 * product has stored. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/store_migrate.h"
#include "tests/rig.h"
#include "tests/store_rig.h"

enum { OUT = 4 << 20 };

static char out[OUT];

static void
put_part(struct store *s, uint32_t part, const char *key, struct str val)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct err e;

	ck_assert_msg(store_part_put(t, part, str_c(key), val, &e) == 0, "%s", err_text(&e));
	rig_commit(t);
}

/* More than one transaction's worth, large rows, partitions, one of them empty. */
static void
make_rows(struct store *s)
{
	static char big[300000];
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct err e;

	for (int i = 0; i < 3000; i++) {
		char key[16], val[400];

		snprintf(key, sizeof(key), "row%05d", i);
		memset(val, 'a' + i % 26, sizeof(val));
		ck_assert_int_eq(store_put(t, i % 2 ? STORE_DATA : STORE_INDEX, str_c(key),
		                     (struct str){val, (size_t)i % sizeof(val)}, &e),
		    0);
	}
	rig_commit(t);
	for (uint32_t part = 100; part < 200; part++)
		put_part(s, part * 7, "k", STR_LIT("of a partition"));
	for (uint32_t i = 0; i < 20; i++)
		put_part(s, UINT32_MAX, (char[]){(char)('a' + i), '\0'}, (struct str){big, sizeof(big)});
	put_part(s, 5, "k", STR_LIT("v"));
	t = rig_begin(s, STORE_WRITE);
	ck_assert_int_eq(store_part_del(t, 5, STR_LIT("k"), &e), 1);
	rig_commit(t);
}

enum { ROWS = 3000 + 100 + 20 };

static void
check_some(const struct store_conf *conf)
{
	struct store_txn *t;
	struct store *s;
	struct str val;
	struct err e;

	ck_assert_msg(store_open(&s, conf, &e) == 0, "%s", err_text(&e));
	t = rig_begin(s, STORE_READ);
	ck_assert_int_eq(store_get(t, STORE_DATA, STR_LIT("row00399"), &rig_arena, &val, &e), 1);
	ck_assert_uint_eq(val.n, 399);
	ck_assert_int_eq(store_part_get(t, 700, STR_LIT("k"), &rig_arena, &val, &e), 1);
	ck_assert_int_eq(store_part_get(t, UINT32_MAX, STR_LIT("t"), &rig_arena, &val, &e), 1);
	ck_assert_uint_eq(val.n, 300000);
	store_abort(t);
	store_close(s);
}

static void
refused(const struct store_conf *from, const struct store_conf *to, const char *why)
{
	struct err e = {0};
	uint64_t n;

	ck_assert_int_eq(store_migrate(from, to, &n, &e), -1);
	ck_assert_msg(strstr(err_text(&e), why) != NULL, "%s", err_text(&e));
}

START_TEST(there_and_back)
{
	struct store_rig rig;
	char there[128], back[128], path[160];
	struct store_conf second, third;
	struct err e = {0};
	struct store *s;
	uint64_t n = 0;
	FILE *f;

	store_rig_open(&rig, "bdb");
	make_rows(rig.s);
	second = third = rig.conf;
	snprintf(there, sizeof(there), "%s/there", rig.dir);
	snprintf(back, sizeof(back), "%s/back", rig.dir);
	second.engine = "lmdb";
	second.dir = there;
	third.dir = back;
	refused(&rig.conf, &second, "in use by another process");
	/* What that left is not taken for a store. */
	ck_assert_int_eq(store_open(&s, &second, &e), -1);
	ck_assert_ptr_nonnull(strstr(err_text(&e), "was not completed"));
	store_close(rig.s);
	rig.s = NULL;
	refused(&rig.conf, &second, "is not empty");
	snprintf(path, sizeof(path), "%s/unfinished", there);
	ck_assert_int_eq(unlink(path), 0);

	ck_assert_msg(store_migrate(&rig.conf, &second, &n, &e) == 0, "%s", err_text(&e));
	ck_assert_uint_eq(n, ROWS);
	check_some(&second);
	refused(&rig.conf, &second, "is not empty");
	ck_assert_msg(store_migrate(&second, &third, &n, &e) == 0, "%s", err_text(&e));
	ck_assert_uint_eq(n, ROWS);
	check_some(&third);

	rig.conf.engine = "lmdb";
	refused(&rig.conf, &third, "holds no store of the engine \"lmdb\"");
	snprintf(path, sizeof(path), "%s/mark", back);
	ck_assert_ptr_nonnull(f = fopen(path, "r"));
	fclose(f);
	store_rig_close(&rig);
}
END_TEST

static struct rig rig;

#define ctl(input, ...) rig_ctl(&rig, input, out, sizeof(out), __VA_ARGS__)

static void
has(const char *what)
{
	ck_assert_msg(strstr(out, what) != NULL, "no \"%s\" in: %s", what, out);
}

/* The backend's engine and directory from now on. */
static void
go_on_with(const char *engine, const char *dir)
{
	char command[384];

	snprintf(command, sizeof(command),
	    "sed -i 's,^state = .*,state = %s/%s,; /^engine/d; /^.backend/a engine = %s' %s", rig.dir,
	    dir, engine, rig.conf);
	ck_assert_int_eq(system(command), 0);
}

static char *
dump(void)
{
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	return strdup(out);
}

START_TEST(what_the_product_stored)
{
	char *before, *after;
	struct stat st;
	char path[128];

	rig_make(&rig);
	rig_backend(&rig);
	ck_assert_int_eq(ctl(NULL, "load packaging/demo.jsonl"), 0);
	ck_assert_int_eq(ctl("secret99\n", "user add 777 --first Ann --password-stdin"), 0);
	ck_assert_int_eq(ctl("123456\n", "user pin 777 --pin-stdin"), 0);
	before = dump();
	ck_assert_int_eq(ctl(NULL, "migrate lmdb:%s/second", rig.dir), 1);
	has("in use by another process");
	has("nothing was migrated");
	snprintf(path, sizeof(path), "%s/second", rig.dir);
	ck_assert_int_ne(stat(path, &st), 0);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	ck_assert_int_eq(ctl(NULL, "migrate lmdb"), 2);
	ck_assert_int_eq(ctl(NULL, "migrate paper:%s/second", rig.dir), 1);
	has("no store engine is named");
	ck_assert_int_eq(ctl(NULL, "migrate lmdb:%s/second", rig.dir), 0);
	has("migrated ");
	ck_assert_int_eq(ctl(NULL, "migrate lmdb:%s/second", rig.dir), 1);
	has("is not empty");

	go_on_with("lmdb", "second");
	rig_backend(&rig);
	ck_assert_int_eq(ctl(NULL, "status"), 0);
	has("engine           lmdb\n");
	after = dump();
	ck_assert_str_eq(after, before);
	ck_assert_int_eq(ctl("123456\n", "user pin-verify 777 --pin-stdin"), 0);
	ck_assert_int_eq(ctl(NULL, "backup %s/backup --without-keys", rig.dir), 0);
	ck_assert_int_eq(ctl(NULL, "user add 778 --no-password"), 0);
	free(before);
	before = dump();
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	ck_assert_int_eq(ctl(NULL, "migrate bdb:%s/third", rig.dir), 0);
	go_on_with("bdb", "third");
	rig_backend(&rig);
	free(after);
	after = dump();
	ck_assert_str_eq(after, before);
	free(after);
	free(before);
	rig_stop(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("migrate");
	TCase *tc = tcase_create("engines");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, what_the_product_stored);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
