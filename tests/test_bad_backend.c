/* SPDX-License-Identifier: ISC */
/* A backend that has gone, stands still, or dies in the middle of a request: clients get their
 * answer in time, and everything works again afterwards. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/compare.h"
#include "tests/freeze.h"
#include "tests/raw_tls.h"
#include "tests/watch.h"

enum { DEADLINE_MS = 700, SOON_MS = 4000, LOST_MS = 2000, PENDING_MS = 200, IN_TIME_MS = 10000 };

static struct rig r;

static const char user[] = "4410:secret99";
static const char new_rings[] = "{\"rings\":[{\"number\":\"" CANARY_TEXT "\"}],\"expiration\":77}";

static void
expect(struct answer a, int status, int at_most_ms, const char *what)
{
	ck_assert_msg(a.status == status, "%s: %d, expected %d: %s", what, a.status, status, a.body);
	ck_assert_msg(a.seconds * 1000 < at_most_ms, "%s: %.3f s", what, a.seconds);
	if (status == 503) {
		const char *wait = answer_header(&a, "retry-after");

		ck_assert_msg(wait != NULL && atoi(wait) > 0, "%s: no Retry-After", what);
	}
	answer_free(&a);
}

static char *
data(const char *path)
{
	struct answer a = rig_get(&r, user, path);
	char *body;

	for (int late = 0; a.status == 504 && late < 10; late++) {
		answer_free(&a);
		a = rig_get(&r, user, path);
	}
	body = a.body;
	ck_assert_int_eq(a.status, 200);
	a.body = NULL;
	answer_free(&a);
	return body;
}

static size_t
gateway_processes(pid_t *pid)
{
	return children_of(r.gateway[0], pid, WATCH_PIDS);
}

START_TEST(vanished)
{
	pid_t before[WATCH_PIDS], after[WATCH_PIDS];
	size_t n = gateway_processes(before);
	char *then = data("/my/callfwd"), *now;

	rig_kill(&r.backend);
	for (int i = 0; i < 5; i++) {
		expect(rig_get(&r, user, "/my/callfwd"), 503, SOON_MS, "GET");
		expect(rig_put(&r, user, "/my/callfwd", new_rings), 503, SOON_MS, "PUT");
	}
	expect(rig_get(&r, user, "//readyz"), 503, SOON_MS, "readyz");
	expect(rig_get(&r, user, "//livez"), 200, SOON_MS, "livez");
	expect(rig_get(&r, "", "/my/callfwd"), 401, SOON_MS, "no credentials");
	expect(rig_put(&r, user, "/my/callfwd", "{"), 400, SOON_MS, "a broken document");
	rig_backend(&r);
	rig_await_ready(&r, 0);
	now = data("/my/callfwd");
	ck_assert_str_eq(now, then);
	ck_assert_uint_eq(gateway_processes(after), n);
	ck_assert_mem_eq(before, after, n * sizeof(before[0]));
	free(then);
	free(now);
	watch_log(&r);
}
END_TEST

START_TEST(frozen)
{
	struct watch w;
	char why[512];
	int64_t from, frozen_at;

	watch_begin(&w, &r);
	frozen_at = raw_now();
	freeze(r.backend);
	for (int i = 0; i < 3; i++) {
		struct answer a;

		from = raw_now();
		a = rig_get(&r, user, "/my/callfwd");
		/* A connection that is silent for three seconds is taken for lost. */
		if (a.status == 503 && raw_now() - frozen_at >= LOST_MS) {
			answer_free(&a);
			break;
		}
		expect(a, 504, DEADLINE_MS + SOON_MS, "GET");
		ck_assert_int_ge(raw_now() - from, DEADLINE_MS - 50);
	}
	expect(rig_get(&r, user, "//readyz"), 503, DEADLINE_MS + SOON_MS, "readyz");
	expect(rig_get(&r, user, "//livez"), 200, SOON_MS, "livez");
	ck_assert_int_eq(kill(r.backend, SIGCONT), 0);
	rig_await_ready(&r, 0);
	/* The late answers are nobody's: each user gets their own. */
	for (int i = 0; i < 20; i++) {
		struct answer a = rig_get(&r, i % 2 ? user : "501:secret501", "/my/contact-information");

		/* On a busy machine one may be late as well. */
		for (int late = 0; a.status == 504 && late < 10; late++) {
			answer_free(&a);
			a = rig_get(&r, i % 2 ? user : "501:secret501", "/my/contact-information");
		}
		ck_assert_msg(compare_json(i % 2 ? "{\"contact-information\":{\"firstName\":\"Ana\"}}"
		                                 : "{\"contact-information\":{\"firstName\":\"Ada\"}}",
		                  a.body, true, why, sizeof(why)),
		    "%s", why);
		answer_free(&a);
	}
	watch_end(&w);
}
END_TEST

/* 504 leaves open whether the change was made; it is made as a whole, or not at all. */
START_TEST(frozen_write)
{
	char *then = data("/my/callfwd"), *now, why[512];
	struct answer behind;

	freeze(r.backend);
	expect(rig_put(&r, user, "/my/callfwd", new_rings), 504, DEADLINE_MS + SOON_MS, "PUT");
	ck_assert_int_eq(kill(r.backend, SIGCONT), 0);
	rig_await_ready(&r, 0);
	/* Writes are in order: behind this one the other is decided. */
	behind = rig_put(&r, user, "/my/contact-information", "{\"contact-information\":{}}");
	for (int late = 0; behind.status == 504 && late < 10; late++) {
		answer_free(&behind);
		behind = rig_put(&r, user, "/my/contact-information", "{\"contact-information\":{}}");
	}
	expect(behind, 200, SOON_MS, "PUT behind it");
	now = data("/my/callfwd");
	ck_assert_msg(strcmp(now, then) == 0 ||
	        compare_json("{\"rings\":[{\"number\":\"" CANARY_TEXT "\"}],\"expiration\":77}", now,
	            true, why, sizeof(why)),
	    "%s", now);
	free(then);
	free(now);
	watch_log(&r);
}
END_TEST

static const char *const under_way[] = {
    "GET /sipxconfig/rest/my/callfwd HTTP/1.1\r\nHost: localhost\r\n"
    "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\n\r\n",
    "PUT /sipxconfig/rest/my/callfwd HTTP/1.1\r\nHost: localhost\r\n"
    "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\nContent-Length: 17\r\n\r\n{\"expiration\":77}",
};

/* The deadline is far away here: what answers is the loss of the connection. */
START_TEST(killed)
{
	struct raw_answer a = {0};
	struct raw_tls t;
	char *then = data("/my/callfwd"), *now, *wait;
	int64_t from;

	ck_assert(raw_open(&t, (uint16_t)r.port[0], "localhost", NULL, 0, IN_TIME_MS));
	freeze(r.backend);
	ck_assert(raw_text(&t, under_way[_i]));
	ck_assert_int_eq(raw_next(&t, &a, false, PENDING_MS), RAW_TIMEOUT);
	from = raw_now();
	rig_kill(&r.backend);
	ck_assert_int_eq(raw_next(&t, &a, false, IN_TIME_MS), RAW_ANSWER);
	ck_assert_int_eq(a.status, 503);
	ck_assert_int_lt(raw_now() - from, SOON_MS);
	wait = raw_field(&a, "retry-after");
	ck_assert_ptr_nonnull(wait);
	free(wait);
	raw_answer_free(&a);
	raw_close(&t);
	rig_backend(&r);
	rig_await_ready(&r, 0);
	now = data("/my/callfwd");
	ck_assert_str_eq(now, then);
	free(then);
	free(now);
}
END_TEST

static void
setup(void)
{
	r = (struct rig){0};
	rig_start_fixture(&r);
}

static void
setup_impatient(void)
{
	r = (struct rig){.extra = "[gateway]\ndeadline_ms = 700\n"};
	_Static_assert(DEADLINE_MS == 700, "as in the configuration above");
	rig_start_fixture(&r);
}

static void
teardown(void)
{
	rig_stop(&r);
}

static void
add(Suite *suite, const char *name, void (*start)(void), const TTest *test, int loops)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, teardown);
	tcase_add_loop_test(tc, test, 0, loops);
	suite_add_tcase(suite, tc);
}

int
main(void)
{
	Suite *suite = suite_create("bad backend");
	SRunner *runner;
	int failed;

	add(suite, "vanished", setup, vanished, 1);
	add(suite, "frozen", setup_impatient, frozen, 1);
	add(suite, "frozen write", setup_impatient, frozen_write, 1);
	add(suite, "killed", setup, killed, 2);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
