/* SPDX-License-Identifier: ISC */
/* A disk that is full or fails, under each engine that has one. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/store.h"
#include "tests/store_faults.h"
#include "tests/store_rig.h"

enum { ACKNOWLEDGED = 43 };

static struct store_rig rig;

START_TEST(full_disk)
{
	store_rig_open(&rig, rig_engines[_i]);
	ck_assert_int_eq(store_rig_put_row(&rig, "v", STR_LIT("1")), 0);
	atomic_store(&fault_full, rig.home);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(store_rig_put_row(&rig, "v", STR_LIT("2")), ERR_NO_SPACE);
	ck_assert_uint_eq(store_rig_number(&rig, "v"), 1);
	atomic_store(&fault_full, NULL);
	ck_assert_uint_eq(store_rig_number(&rig, "v"), 1);
	ck_assert_int_eq(store_rig_put_row(&rig, "v", STR_LIT("3")), 0);
	store_rig_reopen(&rig);
	ck_assert_uint_eq(store_rig_number(&rig, "v"), 3);
	store_rig_close(&rig);
}
END_TEST

/* The kernel reports lost pages once: a later flush that succeeds stands behind a hole. */
static int
put_without_flush(struct store_rig *r)
{
	if (store_rig_put_row(r, "v", STR_LIT("1")) != 0)
		return 1;
	atomic_store(&fault_flush_errno, EIO);
	return store_rig_put_row(r, "v", STR_LIT("2")) == 0 ? ACKNOWLEDGED : 2;
}

/* What was not written counts as clean afterwards, so that the next start would read it although
 * the disk has not got it. LMDB refers to none of it. */
START_TEST(failed_flush)
{
	atomic_uint *forgotten =
	    mmap(NULL, sizeof(*forgotten), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(forgotten, MAP_FAILED);
	atomic_store(&fault_forgotten, forgotten);
	store_rig_open(&rig, rig_engines[_i]);
	ck_assert_int_eq(store_rig_in_child(&rig, put_without_flush), RIG_PANICKED);
	if (strcmp(rig_engines[_i], "bdb") == 0)
		ck_assert_uint_eq(atomic_load(forgotten), 1);
	atomic_store(&fault_forgotten, NULL);
	munmap(forgotten, sizeof(*forgotten));
	store_rig_reopen(&rig);
	ck_assert_uint_ge(store_rig_number(&rig, "v"), 1);
	store_rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_disk");
	TCase *tc = tcase_create("disk");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 30);
	/* "mem" has none. */
	tcase_add_loop_test(tc, full_disk, 1, RIG_ENGINES);
	tcase_add_loop_test(tc, failed_flush, 1, RIG_ENGINES);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
