/* SPDX-License-Identifier: ISC */
/* The memory of the store's library: what one thread gives back is what another takes next. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/store_pool.h"

enum { THREADS = 4, HELD = 200, ROUNDS = 20000 };

static void *
give_back(void *p)
{
	pool_free(p);
	return NULL;
}

START_TEST(of_any_thread)
{
	static const size_t sizes[] = {256, 337, 344, 4096 + 97, 8192};
	pthread_t t;
	void *p;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		p = pool_malloc(sizes[i]);
		ck_assert_ptr_nonnull(p);
		memset(p, 0xa5, sizes[i]);
		ck_assert_int_eq(pthread_create(&t, NULL, give_back, p), 0);
		ck_assert_int_eq(pthread_join(t, NULL), 0);
		ck_assert_ptr_eq(pool_malloc(sizes[i]), p);
		pool_free(p);
	}
}
END_TEST

/* As the library has it, which gives some to its callers. */
START_TEST(are_blocks_of_malloc)
{
	char *p = pool_malloc(400), *q;

	memset(p, 'x', 400);
	ck_assert_ptr_nonnull(q = realloc(p, 4992));
	for (int i = 0; i < 400; i++)
		ck_assert_int_eq(q[i], 'x');
	pool_free(q);
	ck_assert_ptr_eq(p = pool_malloc(4992), q);
	free(p);
	ck_assert_ptr_nonnull(p = pool_malloc(0));
	pool_free(p);
	pool_free(NULL);
	ck_assert_ptr_nonnull(p = pool_malloc(100000));
	memset(p, 0, 100000);
	pool_free(p);
}
END_TEST

/* Blocks that overlap would be seen. */
static void *
take_and_give(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg;
	unsigned char *held[HELD] = {NULL};
	size_t sizes[HELD];

	for (int round = 0; round < ROUNDS; round++) {
		size_t i = (size_t)rand_r(&seed) % HELD;

		if (held[i] != NULL) {
			for (size_t j = 0; j < sizes[i]; j += 61)
				if (held[i][j] != (unsigned char)(i + (size_t)arg))
					return "a block was written to by another";
			pool_free(held[i]);
		}
		sizes[i] = 1 + (size_t)rand_r(&seed) % 9000;
		if ((held[i] = pool_malloc(sizes[i])) == NULL)
			return "no memory";
		memset(held[i], (int)(i + (size_t)arg), sizes[i]);
	}
	for (size_t i = 0; i < HELD; i++)
		pool_free(held[i]);
	return NULL;
}

START_TEST(many_threads)
{
	pthread_t t[THREADS];
	void *wrong;

	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, take_and_give, (void *)(i * 50)), 0);
	for (size_t i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(t[i], &wrong), 0);
		ck_assert_msg(wrong == NULL, "%s", (const char *)wrong);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_pool");
	TCase *t = tcase_create("store_pool");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, of_any_thread);
	tcase_add_test(t, are_blocks_of_malloc);
	tcase_add_test(t, many_threads);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
