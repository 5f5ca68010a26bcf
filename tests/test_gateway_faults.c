/* SPDX-License-Identifier: ISC */
/* A backend that has been taken over, or is broken: what it sends may end a request, and never a
 * process of the gateway. tests/fake_backend.c does as the query says. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/rig.h"

static struct rig rig;
static pid_t before[16];
static size_t count;

static void
start_backend(const char *major)
{
	const char *build = getenv("TANDEM_BUILD");
	char program[256], endpoint[128];

	snprintf(program, sizeof(program), "%s/tests/fake_backend", build != NULL ? build : "build");
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/gateway/backend.sock", rig.dir);
	rig.backend = fork();
	ck_assert_int_ge(rig.backend, 0);
	if (rig.backend == 0) {
		int out = open("/dev/null", O_WRONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out, 1);
		execl(program, program, endpoint, major, (char *)NULL);
		_exit(127);
	}
}

static void
setup(void)
{
	char dir[128];

	memset(&rig, 0, sizeof(rig));
	rig.extra = "[gateway]\ndeadline_ms = 3000\n";
	rig_make(&rig);
	snprintf(dir, sizeof(dir), "%s/gateway", rig.dir);
	ck_assert_int_eq(mkdir(dir, 0711), 0);
	ck_assert_int_eq(chmod(dir, 0711), 0);
	start_backend("1");
	rig_gateway(&rig, 0);
	rig_await_ready(&rig, 0);
	count = children_of(rig.gateway[0], before, 16);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static const struct {
	const char *path, *method;
	int status; /* 0 = the answer is cut */
	const char *contains;
} cases[] = {
    {"/my/forward", "GET", 200, "\"call-sequence\""},
    {"/my/forward?twice", "GET", 200, "\"call-sequence\""},
    {"/my/forward", "GET", 200, "\"call-sequence\""},
    {"/my/forward?garbage", "GET", 500, "\"type\":\"internal\""},
    {"/my/forward?silent", "GET", 504, "\"type\":\"deadline\""},
    {"/my/forward?code=2", "GET", 400, "\"field\":\"rings[1].number\""},
    {"/my/forward?code=7", "GET", 404, "\"type\":\"not-found\""},
    {"/my/forward?code=999", "GET", 500, "\"type\":\"internal\""},
    {"/my/callfwdsched?parts=1&items=3", "GET", 200, "\"scheduleId\":3"},
    {"/my/callfwdsched?parts=20&items=50", "GET", 200, "\"scheduleId\":1000"},
    {"/my/callfwdsched?parts=3&failing", "GET", 0, NULL},
    {"/my/callfwdsched?parts=3&broken", "GET", 0, NULL},
    {"/my/callfwdsched?parts=3&stuck", "GET", 0, NULL},
    {"/my/callfwdsched?garbage", "GET", 500, "\"type\":\"internal\""},
};

START_TEST(whatever_comes_the_gateway_stays)
{
	pid_t after[16];
	struct answer a = rig_ask(&rig,
	    &(struct ask){.method = cases[_i].method,
	        .path = cases[_i].path,
	        .user = "4410:secret99",
	        .accept = "application/json",
	        .fresh = true});

	ck_assert_msg(a.status == cases[_i].status, "%s: %d, expected %d: %.200s", cases[_i].path,
	    a.status, cases[_i].status, a.body);
	ck_assert_msg(cases[_i].contains == NULL || strstr(a.body, cases[_i].contains) != NULL,
	    "%s: %.300s", cases[_i].path, a.body);
	answer_free(&a);
	/* The next request is none the worse for it. */
	a = rig_get(&rig, "4410:secret99", "/my/forward");
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	ck_assert_uint_eq(children_of(rig.gateway[0], after, 16), count);
	ck_assert_mem_eq(before, after, count * sizeof(*before));
}
END_TEST

START_TEST(another_version_is_refused)
{
	struct answer a;

	rig_kill(&rig.backend);
	start_backend("2");
	for (int i = 0; i < 20; i++) {
		a = rig_ask(&rig, &(struct ask){.path = "//readyz", .user = ""});
		ck_assert_int_eq(a.status, 503);
		answer_free(&a);
		usleep(50000);
	}
	rig_kill(&rig.backend);
	start_backend("1");
	rig_await_ready(&rig, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gateway faults");
	TCase *tc = tcase_create("hostile backend");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, whatever_comes_the_gateway_stays, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, another_version_is_refused);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
