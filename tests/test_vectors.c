/* SPDX-License-Identifier: ISC */
/* Every case of tests/conformance, a file after the other, each against processes and a store of
 * its own. TANDEM_VECTORS names another folder. */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/compare.h"
#include "tests/rig.h"
#include "tests/vectors.h"

static const struct vectors_value values[] = {
    {"realm", "ex.example"},
    {"fqdn", "pbx.ex.example"},
};

static glob_t files;

static void
report(void *arg, const char *file, const char *id, const char *problem)
{
	(void)arg;
	fprintf(stderr, "%s: case %s\n    %s\n", file, id, problem);
}

START_TEST(vectors)
{
	const char *file = files.gl_pathv[_i];
	struct rig r = {0};
	struct vectors_result result;
	char origin[64];
	struct vectors_target t = {.origin = origin,
	    .base = "/sipxconfig/rest",
	    .values = values,
	    .nvalues = sizeof(values) / sizeof(values[0]),
	    .report = report};
	int rc;

	/* Other origins change a field of every answer, so the others run without. */
	if (strstr(file, "/cors.case") != NULL)
		r.extra = "[gateway]\ncors = https://portal.example, http://localhost:3000\n";
	rig_start_fixture(&r);
	snprintf(origin, sizeof(origin), "https://127.0.0.1:%d", r.port[0]);
	ck_assert_int_eq(vectors_passwords(&t, "tests/conformance/passwords"), 0);
	rc = vectors_run(&t, file, &result);
	printf("%s: %zu cases, %zu failed, %zu departures\n", file, result.cases, result.failed,
	    result.departures);
	rig_stop(&r);
	ck_assert_msg(rc == 0 && result.failed == 0, "%s: %zu of %zu cases failed", file, result.failed,
	    result.cases);
}
END_TEST

/* The command of the design document, as it stands there; only the host is another. */
static const char design_command[] =
    "curl -v -k -X PUT -H \"Content-Type: application/json\" -d '{\"expiration\":20,"
    "\"rings\":[{\"expiration\":30,\"type\":\"If no response\",\"enabled\":true,"
    "\"number\":\"5551212\"}]}' https://201:password@%s/sipxconfig/rest/my/callfwd";

START_TEST(design_document)
{
	struct rig r = {0};
	struct answer a;
	char command[1024], all[1100], host[64], out[8192] = "", why[512];
	FILE *f;

	rig_start_fixture(&r);
	snprintf(host, sizeof(host), "127.0.0.1:%d", r.port[0]);
	snprintf(command, sizeof(command), design_command, host);
	snprintf(all, sizeof(all), "%s 2>&1", command);
	f = popen(all, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(out, 1, sizeof(out) - 1, f), 0);
	ck_assert_int_eq(pclose(f), 0);
	ck_assert_msg(strstr(out, "< HTTP/1.1 200 OK") != NULL, "%s", out);
	a = rig_get(&r, "201:password", "/my/callfwd");
	ck_assert_int_eq(a.status, 200);
	ck_assert_msg(
	    compare_json("{\"expiration\":20,\"rings\":[{\"expiration\":30,"
	                 "\"type\":\"If no response\",\"enabled\":true,\"number\":\"5551212\","
	                 "\"scheduleId\":null}]}",
	        a.body, true, why, sizeof(why)),
	    "%s", why);
	answer_free(&a);
	rig_stop(&r);
}
END_TEST

/* The tool itself, as an operator would point it at a server. */
static int
tool(const struct rig *rg, const char *args, char *out, size_t len)
{
	char command[1024];
	FILE *f;
	size_t n;
	int rc;

	snprintf(command, sizeof(command),
	    "%s/tests/conformance --url https://127.0.0.1:%d/sipxconfig/rest %s 2>&1",
	    getenv("TANDEM_BUILD"), rg->port[0], args);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(out, 1, len - 1, f);
	out[n] = '\0';
	rc = pclose(f);
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

START_TEST(the_tool_passes_and_fails)
{
	static const char file[] = "tests/conformance/cases/forward.case";
	struct rig r = {0};
	char out[16384], args[512];

	rig_start_fixture(&r);
	snprintf(args, sizeof(args), "--insecure --set realm=ex.example %s", file);
	ck_assert_msg(tool(&r, args, out, sizeof(out)) == 0, "%s", out);
	ck_assert_ptr_nonnull(strstr(out, " 0 failed, 0 left out"));
	/* The fixture's certificate is nobody's. */
	snprintf(args, sizeof(args), "--set realm=ex.example %s", file);
	ck_assert_int_eq(tool(&r, args, out, sizeof(out)), 1);
	snprintf(args, sizeof(args), "--insecure --set realm=other.example %s",
	    "tests/conformance/cases/common.case");
	ck_assert_int_eq(tool(&r, args, out, sizeof(out)), 1);
	ck_assert_ptr_nonnull(strstr(out, "not ok "));
	snprintf(args, sizeof(args), "--insecure --read-only --legacy --set realm=ex.example %s", file);
	ck_assert_int_ne(tool(&r, args, out, sizeof(out)), 2);
	ck_assert_ptr_null(strstr(out, " 0 left out"));
	ck_assert_int_eq(tool(&r, "--nonsense", out, sizeof(out)), 2);
	rig_stop(&r);
}
END_TEST

int
main(void)
{
	const char *folder = getenv("TANDEM_VECTORS");
	Suite *suite = suite_create("vectors");
	TCase *tc = tcase_create("files");
	SRunner *runner;
	char pattern[512];
	int failed;

	snprintf(
	    pattern, sizeof(pattern), "%s/*.case", folder != NULL ? folder : "tests/conformance/cases");
	if (glob(pattern, 0, NULL, &files) != 0) {
		fprintf(stderr, "no cases: %s\n", pattern);
		return 1;
	}
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, vectors, 0, (int)files.gl_pathc);
	tcase_add_test(tc, design_document);
	tcase_add_test(tc, the_tool_passes_and_fails);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&files);
	return failed != 0;
}
