/* SPDX-License-Identifier: ISC */
/* Sealed SIP passwords: there and back through the auth child; whose they are; broken ones. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/seal.h"
#include "tests/auth_rig.h"
#include "tests/freeze.h"

static const struct str user = {"4410", 4}, password = {"q7WmZt4X", 8};
static struct arena arena;

static void
setup(void)
{
	rig_setup();
	arena_init(&arena, 1 << 20);
}

static void
teardown(void)
{
	arena_free(&arena);
	rig_teardown();
}

static struct str
sealed(struct auth *a, struct str who, struct str what)
{
	struct buf b;
	struct str s;

	buf_init(&b, 4096);
	ck_assert_int_eq(seal_text(auth_sealing_key(a), who, what, &b), 0);
	s = arena_copy(&arena, buf_str(&b));
	buf_free(&b);
	return s;
}

/* The password, or "-" when the child refuses. */
static const char *
opened_box(struct auth *a, struct str who, struct str box)
{
	struct answer an = {0};

	ck_assert_int_eq(auth_open(a, box, who, rig_done, &an), 0);
	rig_wait(a, &an, 1);
	ck_assert(an.ok || an.n == 0);
	return an.ok ? arena_cstr(&arena, (struct str){an.text, an.n}) : "-";
}

static const char *
opened(struct auth *a, struct str who, struct str text)
{
	struct str box;

	ck_assert(seal_bytes(text, &box, &arena));
	return opened_box(a, who, box);
}

START_TEST(there_and_back)
{
	static char longest[AUTH_SIP_PASSWORD_MAX + 1];
	struct auth *a = auth_rig_start(1);
	struct str text = sealed(a, user, password), again = sealed(a, user, password);
	struct buf b;

	memset(longest, 'x', sizeof(longest) - 1);
	buf_init(&b, 4096);
	ck_assert(seal_is(text) && !seal_is(password));
	ck_assert_ptr_null(memmem(text.p, text.n, password.p, password.n));
	/* Nobody sees by the stored text who has the same password. */
	ck_assert(!str_eq(text, again));
	ck_assert_str_eq(opened(a, user, text), "q7WmZt4X");
	ck_assert_str_eq(opened(a, user, again), "q7WmZt4X");
	ck_assert_str_eq(opened(a, user, sealed(a, user, STR_LIT(""))), "");
	ck_assert_str_eq(opened(a, user, sealed(a, user, str_c(longest))), longest);
	ck_assert_int_eq(
	    seal_text(auth_sealing_key(a), user, (struct str){longest, sizeof(longest)}, &b), -1);
	ck_assert_uint_eq(b.n, 0);
	auth_stop(a);
}
END_TEST

START_TEST(another_users_text_does_not_open)
{
	struct auth *a = auth_rig_start(1);
	struct str text = sealed(a, user, password);

	ck_assert_str_eq(opened(a, STR_LIT("4420"), text), "-");
	ck_assert_str_eq(opened(a, STR_LIT("441"), text), "-");
	ck_assert_str_eq(opened(a, STR_LIT(""), text), "-");
	/* Names and passwords do not run into each other. */
	ck_assert_str_eq(opened(a, STR_LIT("4410q"), text), "-");
	ck_assert_str_eq(opened(a, user, text), "q7WmZt4X");
	auth_stop(a);
}
END_TEST

START_TEST(another_key_does_not_open)
{
	struct auth *a = auth_rig_start(1), *b;
	struct str text = sealed(a, user, password);
	unsigned char first[AUTH_PUBLIC_KEY_LEN];

	memcpy(first, auth_sealing_key(a), sizeof(first));
	auth_stop(a);
	a = auth_rig_start(1);
	ck_assert_mem_eq(first, auth_sealing_key(a), sizeof(first));
	ck_assert_str_eq(opened(a, user, text), "q7WmZt4X");
	auth_stop(a);
	ck_assert_int_eq(remove(rig_keys), 0);
	b = auth_rig_start(1);
	ck_assert_mem_ne(first, auth_sealing_key(b), sizeof(first));
	ck_assert_str_eq(opened(b, user, text), "-");
	auth_stop(b);
}
END_TEST

/* Every bit counts, and every length is only that: a box that does not open. */
START_TEST(damaged_boxes)
{
	struct auth *a = auth_rig_start(1);
	static char any[AUTH_PAYLOAD_MAX + 1];
	struct str box;

	ck_assert(seal_bytes(sealed(a, user, password), &box, &arena));
	for (size_t i = 0; i < box.n; i += 7) {
		char *copy = arena_cstr(&arena, box);

		memcpy(copy, box.p, box.n);
		copy[i] = (char)(copy[i] ^ 0x10);
		ck_assert_str_eq(opened_box(a, user, (struct str){copy, box.n}), "-");
	}
	for (size_t n = 0; n < box.n; n += 5)
		ck_assert_str_eq(opened_box(a, user, (struct str){box.p, n}), "-");
	for (size_t n = SEAL_BOX_MAX - 1; n <= sizeof(any); n += 300)
		ck_assert_str_eq(opened_box(a, user, (struct str){any, n}), "-");
	ck_assert_str_eq(opened_box(a, (struct str){any, AUTH_USER_MAX}, box), "-");
	ck_assert_str_eq(opened_box(a, (struct str){any, AUTH_USER_MAX + 1}, box), "-");
	ck_assert_str_eq(opened_box(a, user, box), "q7WmZt4X");
	auth_stop(a);
}
END_TEST

START_TEST(forms_of_text)
{
	struct auth *a = auth_rig_start(1);
	struct str good = sealed(a, user, password), ret;
	char *text = arena_alloc(&arena, 1024);

	ck_assert(seal_bytes(good, &ret, &arena));
	ck_assert(!seal_bytes(password, &ret, &arena));
	ck_assert(!seal_bytes(STR_LIT(""), &ret, &arena));
	ck_assert(!seal_bytes(STR_LIT("sealed:"), &ret, &arena));
	ck_assert(!seal_bytes(STR_LIT("sealed:AAAA"), &ret, &arena));
	ck_assert(!seal_bytes(STR_LIT("Sealed:AAAA"), &ret, &arena));
	for (size_t cut = 0; cut < 4; cut++)
		ck_assert(cut == 0 || !seal_bytes((struct str){good.p, good.n - cut}, &ret, &arena) ||
		    ret.n < SEAL_BOX_MIN + password.n);
	/* Neither the other alphabet nor padding, blanks, NUL or more than fits. */
	for (const char *bad = "+/= \n"; *bad != '\0'; bad++) {
		memcpy(text, good.p, good.n);
		text[20] = *bad;
		ck_assert(!seal_bytes((struct str){text, good.n}, &ret, &arena));
	}
	text[20] = '\0';
	ck_assert(!seal_bytes((struct str){text, good.n}, &ret, &arena));
	memset(text, 'A', 1024);
	memcpy(text, SEAL_PREFIX, 7);
	ck_assert(!seal_bytes((struct str){text, 1024}, &ret, &arena));
	ck_assert(seal_bytes((struct str){text, 7 + SEAL_BOX_MAX / 3 * 4 + 2}, &ret, &arena));
	auth_stop(a);
}
END_TEST

/* Opening takes its turn before hashes that wait. The child rests until it has been asked for all
 * of them, so that none is made meanwhile. */
START_TEST(opening_overtakes)
{
	struct auth *a = auth_rig_start(1);
	struct answer hash[8] = {{0}}, an = {0};
	char dear[AUTH_HASH_MAX];
	struct str box;

	ck_assert(seal_bytes(sealed(a, user, password), &box, &arena));
	rig_dear_hash(dear, 10);
	freeze(auth_pid(a));
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(auth_verify(a, password, str_c(dear), rig_done, &hash[i]), 0);
	ck_assert_int_eq(auth_open(a, box, user, rig_done, &an), 0);
	ck_assert_int_eq(kill(auth_pid(a), SIGCONT), 0);
	rig_wait(a, &an, 1);
	ck_assert(an.ok);
	ck_assert_int_eq(hash[7].calls, 0);
	rig_wait(a, hash, 8);
	auth_stop(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("seal");
	TCase *t = tcase_create("seal");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, there_and_back);
	tcase_add_test(t, another_users_text_does_not_open);
	tcase_add_test(t, another_key_does_not_open);
	tcase_add_test(t, damaged_boxes);
	tcase_add_test(t, forms_of_text);
	tcase_add_test(t, opening_overtakes);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
