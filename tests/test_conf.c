/* SPDX-License-Identifier: ISC */
/* The configuration file: good ones, and every bad one with its line. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf.h"

static char dir[64], file[96];
static struct conf c;
static struct err e;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/tandem.conf", dir);
	e = (struct err){.depth = 0};
	conf_defaults(&c);
}

static void
teardown(void)
{
	unlink(file);
	rmdir(dir);
}

static void
write_file(const char *text, size_t n)
{
	FILE *f = fopen(file, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(defaults_are_valid)
{
	struct conf again;

	ck_assert_int_eq(c.gateway_port, 8443);
	ck_assert_str_eq(c.backend_engine, "bdb");
	ck_assert_str_eq(c.backend_listen2, "");
	for (const struct conf_item *it = conf_items; it->name != NULL; it++) {
		char setting[600];

		snprintf(setting, sizeof(setting), "%s.%s=%s", it->section, it->name, it->dflt);
		ck_assert_msg(conf_set(&c, str_c(setting), &e) == 0, "%s", err_text(&e));
		ck_assert_ptr_nonnull(it->doc);
	}
	conf_defaults(&again);
	ck_assert(memcmp(&c, &again, sizeof(c)) == 0);
}
END_TEST

START_TEST(a_file_is_read)
{
	static const char text[] = "; a comment\n# another\n\n[gateway]\nport = 9443 ; behind a value\n"
	                           "listen=::1\n  \n[backend]\r\nport_is_not_here_but_cache_mb\n";
	static const char good[] =
	    "\xef\xbb\xbf; a comment\n# another\n\n[gateway]\nport = 9443 ; behind a value\n"
	    "listen=::1\r\nbackend = ipc:///run/a;b\n[backend]\ncache_mb = 128\n[gateway]\nworkers = 4";

	write_file(good, sizeof(good) - 1);
	ck_assert_msg(conf_read(&c, file, &e) == 0, "%s", err_text(&e));
	ck_assert_int_eq(c.gateway_port, 9443);
	ck_assert_str_eq(c.gateway_listen, "::1");
	ck_assert_str_eq(c.gateway_backend, "ipc:///run/a;b");
	ck_assert_int_eq(c.backend_cache_mb, 128);
	ck_assert_int_eq(c.gateway_workers, 4);
	ck_assert_msg(c.gateway_deadline_ms == 5000, "what is not given keeps its default");
	write_file(text, sizeof(text) - 1);
	ck_assert_int_eq(conf_read(&c, file, &e), -1);
	write_file("", 0);
	ck_assert_int_eq(conf_read(&c, file, &e), 0);
}
END_TEST

static const struct {
	const char *text;
	int line;
	const char *says;
} bad[] = {
    {"[gateway]\nnothing = 1\n", 2, "unknown setting \"nothing\" in [gateway]"},
    {"[nowhere]\nport = 1\n", 2, "unknown setting \"port\" in [nowhere]"},
    {"port = 1\n", 1, "unknown setting \"port\" in []"},
    {"[gateway]\nport = 1\nport = 2\n", 3, "gateway.port is given twice"},
    {"[gateway]\nport = 1\n[backend]\n[gateway]\nport = 1\n", 5, "gateway.port is given twice"},
    {"[gateway]\nport = 0\n", 2, "gateway.port must be a number from 1 to 65535"},
    {"[gateway]\nport = 65536\n", 2, "gateway.port must be a number from 1 to 65535"},
    {"[gateway]\nport = http\n", 2, "gateway.port must be a number from 1 to 65535"},
    {"[gateway]\nport =\n", 2, "gateway.port must be a number from 1 to 65535"},
    {"[gateway]\nport\n", 2, "not a section"},
    {"[gateway\n", 1, "not a section"},
    /* The first error counts, with its own words. */
    {"[gateway]\nport = 0\nworkers = none\n", 2, "gateway.port must be"},
    {"[gateway]\nnonsense\nworkers = none\n", 2, "not a section"},
    {"[gateway]\nport = 0\nnonsense\n", 2, "gateway.port must be"},
    /* An indented line goes on with the value before it, which would be given twice. */
    {"[gateway]\nlisten = ::1\n  port = 1\n", 3, "gateway.listen is given twice"},
};

START_TEST(bad_files_are_refused)
{
	char want[300];

	write_file(bad[_i].text, strlen(bad[_i].text));
	ck_assert_int_eq(conf_read(&c, file, &e), -1);
	snprintf(want, sizeof(want), "%s:%d: %s", file, bad[_i].line, bad[_i].says);
	ck_assert_msg(
	    strncmp(err_text(&e), want, strlen(want)) == 0, "%s\ninstead of\n%s", err_text(&e), want);
}
END_TEST

/* libinih has a fixed line: what does not fit must not be cut off, or read as a line of its own. */
START_TEST(long_lines_are_refused)
{
	for (size_t n = 100; n < 700; n++) {
		char text[1000], want[200];
		int at = snprintf(text, sizeof(text), "[gateway]\nlisten = ");

		memset(text + at, 'x', n);
		memcpy(text + at + n, "\n", 2);
		write_file(text, strlen(text));
		conf_defaults(&c);
		if (conf_read(&c, file, &e) == 0) {
			ck_assert_uint_eq(strlen(c.gateway_listen), n);
			continue;
		}
		snprintf(want, sizeof(want), "%s:2: ", file);
		ck_assert_msg(strncmp(err_text(&e), want, strlen(want)) == 0, "%zu: %s", n, err_text(&e));
		ck_assert_uint_gt(n, 180);
	}
	/* A comment may be as long as it likes, and hides no setting. */
	for (size_t n = 100; n < 700; n++) {
		char text[1000];
		int at = snprintf(text, sizeof(text), "[gateway]\n; ");

		memset(text + at, ' ', n);
		strcpy(text + at + n, "port = 1\nworkers = 3\n");
		write_file(text, strlen(text));
		conf_defaults(&c);
		ck_assert_msg(conf_read(&c, file, &e) == 0, "%zu: %s", n, err_text(&e));
		ck_assert_int_eq(c.gateway_port, 8443);
		ck_assert_int_eq(c.gateway_workers, 3);
	}
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
	ck_assert_int_eq(conf_read(&c, file, &e), -1);
	ck_assert_ptr_nonnull(strstr(err_text(&e), "cannot be read"));
	ck_assert_int_eq(conf_read(&c, dir, &e), -1);
	ck_assert_ptr_nonnull(strstr(err_text(&e), "cannot be read"));
	/* A NUL would hide the rest of its line. */
	write_file("[gateway]\nport = 80\0"
	           "80\n",
	    21);
	ck_assert_int_eq(conf_read(&c, file, &e), -1);
}
END_TEST

static const struct {
	const char *setting;
	bool ok;
} settings[] = {
    {"gateway.port=1", true},
    {"gateway.listen=", true},
    {"gateway.listen=a=b", true},
    {"gateway.port", false},
    {"port=1", false},
    {"gateway.port=x", false},
    {"gateway.nothing=1", false},
    {".=", false},
    {"", false},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.port=1", false},
    {"gateway.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1", false},
};

START_TEST(single_settings)
{
	ck_assert_msg((conf_set(&c, str_c(settings[_i].setting), &e) == 0) == settings[_i].ok, "%s: %s",
	    settings[_i].setting, err_text(&e));
}
END_TEST

START_TEST(texts_have_a_limit)
{
	char s[400] = "gateway.listen=";
	size_t n = strlen(s);

	memset(s + n, 'x', 256);
	ck_assert_int_eq(conf_set(&c, (struct str){s, n + 255}, &e), 0);
	ck_assert_uint_eq(strlen(c.gateway_listen), 255);
	ck_assert_int_eq(conf_set(&c, (struct str){s, n + 256}, &e), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, defaults_are_valid);
	tcase_add_test(t, a_file_is_read);
	tcase_add_loop_test(t, bad_files_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, long_lines_are_refused);
	tcase_add_test(t, files_that_cannot_be_read);
	tcase_add_loop_test(t, single_settings, 0, sizeof(settings) / sizeof(settings[0]));
	tcase_add_test(t, texts_have_a_limit);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
