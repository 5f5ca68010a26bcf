/* SPDX-License-Identifier: ISC */
/* Dumps are loaded when they are whole, by whom the operator trusts, and of any release. */
#include <check.h>
#include <dirent.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/freeze.h"
#include "tests/rig.h"

static struct rig rig;
static char out[65536];

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.leaks = true;
	rig_make(&rig);
	rig_backend(&rig);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

#define ctl(input, ...) rig_ctl(&rig, input, out, sizeof(out), __VA_ARGS__)

static void
has(const char *what)
{
	ck_assert_msg(strstr(out, what) != NULL, "no \"%s\" in: %s", what, out);
}

/* One line of shell in the rig's directory. */
static int
sh(const char *line)
{
	char command[512];

	snprintf(command, sizeof(command), "cd %s && %s", rig.dir, line);
	return system(command);
}

static const char rows[] =
    "{\"type\":\"settings\",\"record\":{\"realm\":\"ex.example\"}}\n"
    "{\"type\":\"group\",\"record\":{\"name\":\"sales\",\"weight\":1}}\n"
    "{\"type\":\"user\",\"record\":{\"userName\":\"301\",\"groups\":[\"sales\"]}}\n";

static const struct {
	const char *damage; /* of the file "dump" */
	int status;
	const char *says;
} dumps[] = {
    {":", 0, "3 rows"},
    {"sed -i '$d' dump", 1, "the dump is not complete"},
    {"head -c -10 dump >d; mv d dump", 1, "not what was dumped"},
    {"sed -i 's/sales/sells/' dump", 1, "not what was dumped"},
    {"sed -i '3d' dump", 1, "not what was dumped"},
    {"sed -i '1s/dump 1/dump 2/' dump", 1, "dump:1: the dump was made by a later release"},
    /* Whoever means it. */
    {"sed -i -e '1d' -e 's/\"weight\":1/\"weight\":2/' dump", 0, "3 rows"},
};

/* Each case with a dump of its own; nothing is applied. */
START_TEST(a_dump_that_is_not_whole)
{
	ck_assert_int_eq(ctl(rows, "load -"), 0);
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		ck_assert_int_eq(ctl(NULL, "dump %s/dump", rig.dir), 0);
		ck_assert_int_eq(sh(dumps[i].damage), 0);
		ck_assert_msg(ctl(NULL, "load %s/dump --dry-run", rig.dir) == dumps[i].status, "%s: %s",
		    dumps[i].damage, out);
		has(dumps[i].says);
	}
}
END_TEST

#define KEYS                                                                                      \
	"for k in ours theirs; do openssl genpkey -algorithm ed25519 -out $k 2>/dev/null && openssl " \
	"pkey "                                                                                       \
	"-in $k -pubout -out $k.pub; done; openssl genpkey -algorithm x25519 -out other"

static const struct {
	const char *damage; /* of the file "dump" */
	const char *key;
	int status;
	const char *says;
} signed_dumps[] = {
    {"true", "ours.pub", 0, "3 rows"},
    {"true", "theirs.pub", 1, "dump: its signature is not of this key"},
    {"true", "ours", 1, "ours: this is no public key"},
    {"true", "none", 1, "none: No such file"},
    {"sed -i '$d' dump", "ours.pub", 1, "dump: it is not signed"},
    {"sed -i '$s/ed25519 ./ed25519 /' dump", "ours.pub", 1, "its signature is not of this key"},
    {"sed -i '1d' dump", "ours.pub", 1, "it is not signed"},
    {": >dump", "ours.pub", 1, "it is not signed"},
    {"sed -i 's/sales/sells/' dump", "ours.pub", 1, "not what was dumped"},
    /* The sum anew, by somebody without the key. */
    {"sed -i 's/sales/sells/' dump; sed -i \"/^# end/s/[0-9a-f]*$/$(sed '/^# end/,$d' dump | b2sum "
     "-l 256 | cut -c1-64)/\" dump",
        "ours.pub", 1, "its signature is not of this key"},
    {"sed 3p -n dump >row; cat row >>dump", "ours.pub", 1, "rows behind the last line"},
    {"printf '# a remark\\n\\n' >>dump", "ours.pub", 0, "3 rows"},
    {"sed -i 's/$/\\r/' dump", "ours.pub", 1, "not what was dumped"},
};

START_TEST(a_signed_dump)
{
	ck_assert_int_eq(sh(KEYS), 0);
	ck_assert_int_eq(ctl(rows, "load -"), 0);
	for (size_t i = 0; i < sizeof(signed_dumps) / sizeof(signed_dumps[0]); i++) {
		ck_assert_int_eq(ctl(NULL, "dump %s/dump --sign %s/ours", rig.dir, rig.dir), 0);
		ck_assert_int_eq(ctl(NULL, "load %s/dump --dry-run", rig.dir), 0);
		ck_assert_int_eq(sh(signed_dumps[i].damage), 0);
		ck_assert_msg(ctl(NULL, "load %s/dump --dry-run --signed-by %s/%s", rig.dir, rig.dir,
		                  signed_dumps[i].key) == signed_dumps[i].status,
		    "%s, %s: %s", signed_dumps[i].damage, signed_dumps[i].key, out);
		has(signed_dumps[i].says);
	}
}
END_TEST

/* As tandemctl(1) says, without Tandem; and keys that are none. */
START_TEST(a_signature_by_other_tools)
{
	ck_assert_int_eq(sh(KEYS), 0);
	ck_assert_int_eq(ctl(rows, "load -"), 0);
	ck_assert_int_eq(ctl(NULL, "dump %s/dump --sign %s/ours", rig.dir, rig.dir), 0);
	ck_assert_int_eq(
	    sh("sed -n 's/^# signed ed25519 //p' dump | base64 -d >signature && "
	       "grep '^# end ' dump >last && openssl pkeyutl -verify -pubin -inkey ours.pub "
	       "-rawin -in last -sigfile signature >/dev/null"),
	    0);
	ck_assert_int_eq(ctl(NULL, "dump %s/dump --sign %s/other", rig.dir, rig.dir), 1);
	has("other: this is no secret key of the kind Ed25519");
	ck_assert_int_eq(ctl(NULL, "dump %s/dump --sign %s/ours.pub", rig.dir, rig.dir), 1);
	has("this is no secret key");
}
END_TEST

/* Whether it has begun to connect, which a load does when it has checked its file. */
static bool
connects(pid_t pid)
{
	char path[64], to[64] = "";
	bool ret = false;
	struct dirent *entry;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((d = opendir(path)) == NULL)
		return false;
	while (!ret && (entry = readdir(d)) != NULL) {
		ssize_t n = readlinkat(dirfd(d), entry->d_name, to, sizeof(to) - 1);

		to[n > 0 ? n : 0] = '\0';
		ret = strstr(to, "eventpoll") != NULL;
	}
	closedir(d);
	return ret;
}

/* Runs tandemctl load in a child and stops with the backend frozen when the file has been checked.
 */
static pid_t
load_halfway(void)
{
	char file[128], key[128];
	long long until = ms_now() + 20000;
	pid_t pid;

	snprintf(file, sizeof(file), "%s/dump", rig.dir);
	snprintf(key, sizeof(key), "%s/ours.pub", rig.dir);
	freeze(rig.backend);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		const char *program = getenv("TANDEMCTL");

		ck_assert_ptr_nonnull(freopen(rig.log, "a", stderr));
		execl(program != NULL ? program : "build/tandemctl", "tandemctl", "-c", rig.conf, "load",
		    file, "--signed-by", key, (char *)NULL);
		_exit(127);
	}
	while (!connects(pid)) {
		ck_assert_msg(ms_now() < until, "the load does not connect");
		usleep(10000);
	}
	return pid;
}

static const struct {
	const char *how; /* "forged" takes the place of "dump" */
	int status;
} replacements[] = {
    {"mv forged dump", 0},                                 /* what was checked is still open */
    {"cp forged dump", 1},                                 /* the same file with other bytes */
    {"sed -i '/call_record/d' forged; cp forged dump", 1}, /* fewer calls */
};

/* Calls are read a second time: what they are then must be what was signed. */
START_TEST(a_file_that_is_replaced)
{
	static const char call[] =
	    "{\"type\":\"user\",\"record\":{\"userName\":\"302\"}}\n"
	    "{\"type\":\"call_record\",\"user\":\"302\",\"record\":{\"cdr\":{\"id\":\"v1\",\"caller\":"
	    "\"<sip:302@ex.example>\",\"callee\":\"<sip:9@ex.example>\",\"started\":1715856163000,"
	    "\"duration\":0,\"end\":\"A\",\"code\":487},\"source\":\"kam-1\",\"calls\":true,"
	    "\"called\":false,\"internal\":true}}\n";
	int status;
	pid_t pid;

	ck_assert_int_eq(sh(KEYS), 0);
	ck_assert_int_eq(ctl(rows, "load -"), 0);
	ck_assert_msg(ctl(call, "load -") == 0, "%s", out);
	ck_assert_int_eq(ctl(NULL, "dump %s/dump --sign %s/ours", rig.dir, rig.dir), 0);
	ck_assert_int_eq(sh("sed 's/\"v1\"/\"forged\"/' dump >forged"), 0);
	pid = load_halfway();
	ck_assert_int_eq(sh(replacements[_i].how), 0);
	kill(rig.backend, SIGCONT);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	has("\"id\":\"v1\"");
	ck_assert_msg(strstr(out, "\"id\":\"forged\"") == NULL, "%s", out);
	ck_assert_int_eq(WEXITSTATUS(status), replacements[_i].status);
}
END_TEST

/* Each is applied whole or not at all, and says which. */
START_TEST(two_loads_at_once)
{
	enum { ROWS = 20000 };
	static char rows_of[2][ROWS * 64], list[2 * ROWS * 80];
	int rc[2], status;
	pid_t other;

	for (int k = 0; k < 2; k++)
		for (size_t i = 0, n = 0; i < ROWS; i++)
			n += (size_t)snprintf(rows_of[k] + n, sizeof(rows_of[k]) - n,
			    "{\"type\":\"user\",\"record\":{\"userName\":\"%c%06zu\"}}\n", "mo"[k], i);
	ck_assert_int_ge(other = fork(), 0);
	if (other == 0)
		_exit(rig_ctl(&rig, rows_of[1], NULL, 0, "load -"));
	rc[0] = ctl(rows_of[0], "load -");
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert(WIFEXITED(status));
	rc[1] = WEXITSTATUS(status);
	ck_assert_int_eq(rig_ctl(&rig, NULL, list, sizeof(list), "user list"), 0);
	for (int k = 0; k < 2; k++) {
		size_t n = occurrences_of(k == 0 ? "\nm" : "\no", list);

		ck_assert_msg(n == (rc[k] == 0 ? ROWS : 0), "load %d ended with %d: %zu of %d rows", k,
		    rc[k], n, ROWS);
	}
}
END_TEST

/* What a release has dumped, each later one loads. */
START_TEST(dumps_of_releases)
{
	glob_t g;

	ck_assert_int_eq(glob("tests/dumps/*.jsonl", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct rig fresh = {0};

		rig_make(&fresh);
		rig_backend(&fresh);
		ck_assert_msg(rig_ctl(&fresh, NULL, out, sizeof(out), "load %s", g.gl_pathv[i]) == 0,
		    "%s: %s", g.gl_pathv[i], out);
		rig_stop(&fresh);
	}
	globfree(&g);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dump");
	TCase *t = tcase_create("dump"), *releases = tcase_create("releases"),
	      *loads = tcase_create("loads");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_dump_that_is_not_whole);
	tcase_add_test(t, a_signed_dump);
	tcase_add_test(t, a_signature_by_other_tools);
	tcase_add_loop_test(
	    t, a_file_that_is_replaced, 0, sizeof(replacements) / sizeof(replacements[0]));
	suite_add_tcase(suite, t);
	tcase_set_timeout(loads, 60);
	tcase_add_checked_fixture(loads, setup, teardown);
	tcase_add_test(loads, two_loads_at_once);
	suite_add_tcase(suite, loads);
	tcase_set_timeout(releases, 60);
	tcase_add_test(releases, dumps_of_releases);
	suite_add_tcase(suite, releases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
