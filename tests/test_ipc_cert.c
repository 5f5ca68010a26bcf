/* SPDX-License-Identifier: ISC */
/* The files that keys are in: written by czmq, read by our own reader and by czmq's. */
#include <check.h>
#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cert.h"
#include "ipc/zpl.h"

static char dir[32];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ipc-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* Check runs each test in a process of its own, so nothing else is left in memory. */
static void
teardown(void)
{
	zdir_t *d = zdir_new(dir, NULL);

	zdir_remove(d, true);
	zdir_destroy(&d);
}

static void
file_write(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

START_TEST(cert_files)
{
	char path[PATH_MAX];
	char secret[PATH_MAX + 8];
	struct stat st;
	struct err e = {0};
	mode_t mask = umask(0);

	snprintf(path, sizeof(path), "%s/new", dir);
	snprintf(secret, sizeof(secret), "%s_secret", path);
	ck_assert_int_eq(ipc_cert_make(path, "new", &e), 0);
	ck_assert_uint_eq(umask(mask), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0644);
	ck_assert_int_eq(stat(secret, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(ipc_cert_make(path, "new", &e), -1);
	ck_assert_int_eq(e.code, ERR_CONFLICT);
	/* One of the two is enough for a refusal, and the other is not left behind. */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ipc_cert_make(path, "new", &e), -1);
	ck_assert_int_eq(stat(path, &st), -1);
	ck_assert_int_eq(unlink(secret), 0);
	ck_assert_int_eq(ipc_cert_make(path, "new\"\ncurve", &e), -1);
	ck_assert_int_eq(ipc_cert_make(path, "", &e), -1);
	ck_assert_int_eq(ipc_cert_make("/nonexistent/x", "x", &e), -1);
	ck_assert_int_eq(ipc_cert_make("/dev/full", "x", &e), -1);
}
END_TEST

/* The keys have digits such as # and = in them. */
START_TEST(cert_oracle)
{
	for (int i = 0; i < 200; i++) {
		char path[PATH_MAX];
		struct zpl_cert ours;
		struct err e = {0};
		zcert_t *theirs;

		snprintf(path, sizeof(path), "%s/c%d", dir, i);
		ck_assert_int_eq(ipc_cert_make(path, "name # = 'x'", &e), 0);
		theirs = zcert_load(path);
		ck_assert_ptr_nonnull(theirs);
		ck_assert_int_eq(zpl_load_own(&ours, path, &e), 0);
		ck_assert_mem_eq(ours.public_key, zcert_public_key(theirs), ZPL_KEY_SIZE);
		ck_assert_mem_eq(ours.secret_key, zcert_secret_key(theirs), ZPL_KEY_SIZE);
		memset(ours.public_key, 0, ZPL_KEY_SIZE);
		ck_assert_int_eq(zpl_load_public(ours.public_key, path, &e), 0);
		ck_assert_mem_eq(ours.public_key, zcert_public_key(theirs), ZPL_KEY_SIZE);
		zcert_destroy(&theirs);
	}
}
END_TEST

#define Z85 "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define PUBLIC "    public-key = \"" Z85 "\"\n"
#define SECRET "    secret-key = \"" Z85 "\"\n"

START_TEST(cert_contents)
{
	static const struct {
		const char *text;
		bool has_public, has_both;
	} table[] = {
	    {"curve\n" PUBLIC SECRET, true, true},
	    {"# c\n\nmetadata\n    name = \"x\"\ncurve\n" PUBLIC "    later = \"?\"\n" SECRET, true,
	        true},
	    {"curve\n" PUBLIC, true, false},
	    {"curve\n    public-key = \"" Z85 "\"", true, false},
	    {"", false, false},
	    {"curve\n", false, false},
	    {"curve\n" SECRET, false, false},
	    {"curve\n" PUBLIC PUBLIC, false, false},
	    {"metadata\n" PUBLIC, false, false},
	    {PUBLIC, false, false},
	    {"curve\n    public-key = " Z85 "\n", false, false},
	    {"curve\n    public-key = \"" Z85 "x\"\n", false, false},
	    {"curve\n    public-key = \"short\"\n", false, false},
	    {"curve\n    public-key = \"\n", false, false},
	    {"curve\n    public-key\n", false, false},
	    {"curve\n    public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{h,D\"\n", false, false},
	};
	char path[PATH_MAX];
	char big[9000];
	struct zpl_cert cert;
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/t", dir);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		file_write(path, table[i].text);
		ck_assert_int_eq(chmod(path, 0640), 0);
		ck_assert_msg(
		    (zpl_load_public(cert.public_key, path, &e) == 0) == table[i].has_public, "row %zu", i);
		ck_assert_msg((zpl_load_own(&cert, path, &e) == 0) == table[i].has_both, "row %zu", i);
	}
	memset(big, '#', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	file_write(path, big);
	ck_assert_int_eq(zpl_load_public(cert.public_key, path, &e), -1);
	ck_assert_int_eq(zpl_load_public(cert.public_key, dir, &e), -1);
	ck_assert_int_eq(zpl_load_public(cert.public_key, "/dev/zero", &e), -1);
	file_write(path, table[0].text);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(zpl_load_own(&cert, path, &e), -1);
	ck_assert_int_eq(e.code, ERR_FORBIDDEN);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ipc_cert");
	TCase *tc = tcase_create("files");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, cert_files);
	tcase_add_test(tc, cert_oracle);
	tcase_add_test(tc, cert_contents);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
