/* SPDX-License-Identifier: ISC */
/* The key file, and where the keys and passwords are not to be found. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/auth_keys.h"
#include "tests/auth_rig.h"

static void
expect_refused(const char *why)
{
	struct auth_conf conf = {.key_file = rig_keys, .user = "nobody", .threads = 1};
	struct auth *a = NULL;
	struct err e = {0};

	ck_assert_int_eq(auth_start(&a, &conf, &e), -1);
	ck_assert_msg(strstr(err_text(&e), why) != NULL, "\"%s\" is not in \"%s\"", why, err_text(&e));
}

static size_t
read_keys(char *buf, size_t size)
{
	int fd = open(rig_keys, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, size);

	ck_assert_int_gt(n, 0);
	close(fd);
	return (size_t)n;
}

static void
write_keys(const char *p, size_t n, mode_t mode)
{
	int fd = open(rig_keys, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
	close(fd);
}

static void
make_keys(void)
{
	auth_stop(auth_rig_start(1));
}

START_TEST(made_with_care)
{
	struct stat st;

	make_keys();
	ck_assert_int_eq(stat(rig_keys, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(st.st_nlink, 1);
}
END_TEST

START_TEST(keys_persist)
{
	struct auth *a = auth_rig_start(1);
	unsigned char first[AUTH_PUBLIC_KEY_LEN];
	struct answer hash = {0}, sig = {0}, yes = {0};
	struct str text = STR_LIT("0815");

	memcpy(first, auth_public_key(a), sizeof(first));
	ck_assert_int_eq(auth_hash(a, text, rig_done, &hash), 0);
	ck_assert_int_eq(auth_sign(a, text, rig_done, &sig), 0);
	rig_wait(a, &hash, 1);
	rig_wait(a, &sig, 1);
	auth_stop(a);

	a = auth_rig_start(2);
	ck_assert_mem_eq(first, auth_public_key(a), sizeof(first));
	ck_assert(auth_signature_ok(auth_public_key(a), text, (unsigned char *)sig.text));
	ck_assert_int_eq(auth_verify(a, text, (struct str){hash.text, hash.n}, rig_done, &yes), 0);
	rig_wait(a, &yes, 1);
	ck_assert(yes.ok);
	auth_stop(a);
}
END_TEST

/* With another pepper the right PIN does not verify, nor does it without one. */
START_TEST(pepper_counts)
{
	struct auth *a = auth_rig_start(1);
	struct answer hash = {0}, yes = {0};
	struct str pin = STR_LIT("0815");
	char file[1024], *at;
	size_t n;

	ck_assert_int_eq(auth_hash(a, pin, rig_done, &hash), 0);
	rig_wait(a, &hash, 1);
	auth_stop(a);
	ck_assert_int_ge(sodium_init(), 0);
	ck_assert_int_ne(crypto_pwhash_str_verify(hash.text, pin.p, pin.n), 0);

	n = read_keys(file, sizeof(file));
	at = memmem(file, n, "pepper  ", 8);
	ck_assert_ptr_nonnull(at);
	at[8] = at[8] == '0' ? '1' : '0';
	write_keys(file, n, 0600);
	a = auth_rig_start(1);
	ck_assert_int_eq(auth_verify(a, pin, (struct str){hash.text, hash.n}, rig_done, &yes), 0);
	rig_wait(a, &yes, 1);
	ck_assert(!yes.ok);
	auth_stop(a);
}
END_TEST

START_TEST(refuses_open_modes)
{
	const mode_t modes[] = {0640, 0604, 0620, 0601, 0644, 0666};

	make_keys();
	ck_assert_int_eq(chmod(rig_keys, modes[_i]), 0);
	expect_refused("must be 0600");
	ck_assert_int_eq(chmod(rig_keys, 0600), 0);
	make_keys();
}
END_TEST

START_TEST(refuses_other_owner)
{
	make_keys();
	if (chown(rig_keys, geteuid() + 1, (gid_t)-1) != 0) {
		printf("SKIP refuses_other_owner: needs root\n");
		return;
	}
	expect_refused("belongs to another user");
}
END_TEST

static const struct {
	const char *what, *with, *why;
} damages[] = {
    {"tandem-keys 1", "tandem-keys 2", "version"},
    {"tandem-keys 1", "Tandem-keys 1", "version"},
    {"sealing ", "searing ", "a line"},
    {"\nsealing ", " sealing ", "a line"},
    {"audit   ", "audit  g", "a line"},
    {"audit   ", "audit\n  ", "a line"},
};

START_TEST(refuses_damage)
{
	const char *what = damages[_i].what, *with = damages[_i].with;
	char file[1024], *at;
	size_t n;

	make_keys();
	n = read_keys(file, sizeof(file));
	at = memmem(file, n, what, strlen(what));
	ck_assert_ptr_nonnull(at);
	memcpy(at, with, strlen(with));
	write_keys(file, n, 0600);
	expect_refused(damages[_i].why);
}
END_TEST

/* A digit that is none, at the first and the last place of every key. */
START_TEST(refuses_bad_hex)
{
	char file[1024];
	size_t n;

	make_keys();
	n = read_keys(file, sizeof(file));
	file[14 + (size_t)(_i / 2) * 73 + (_i % 2 == 0 ? 8 : 71)] = 'x';
	write_keys(file, n, 0600);
	expect_refused("a line");
}
END_TEST

START_TEST(refuses_lengths)
{
	char file[1024];
	size_t n;

	make_keys();
	n = read_keys(file, sizeof(file) - 1);
	file[n] = '\n';
	write_keys(file, n + 1, 0600);
	expect_refused("wrong length");
	for (size_t cut = 1; cut < n; cut += 29) {
		write_keys(file, n - cut, 0600);
		expect_refused(n - cut < 14 ? "version" : "wrong length");
	}
	write_keys(file, 0, 0600);
	expect_refused("version");
	write_keys(file, n, 0600);
	make_keys();
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
	char target[128];

	if (_i == 0) {
		ck_assert_int_eq(mkfifo(rig_keys, 0600), 0);
		expect_refused("not a regular file");
		return;
	}
	snprintf(target, sizeof(target), "%s.real", rig_keys);
	make_keys();
	ck_assert_int_eq(rename(rig_keys, target), 0);
	ck_assert_int_eq(symlink(target, rig_keys), 0);
	expect_refused(strerror(ELOOP));
	ck_assert_int_eq(unlink(target), 0);
}
END_TEST

/* Loads the keys as soon as `gate` is closed and sends them to `out`. */
static _Noreturn void
load_at_once(int gate, int out)
{
	struct auth_keys k = {0};
	struct err e = {0};
	char c;

	if (read(gate, &c, 1) != 0 || auth_keys_load(rig_keys, &k, &e) != 0)
		explicit_bzero(&k, sizeof(k));
	_exit(write(out, &k, sizeof(k)) == (ssize_t)sizeof(k) ? 0 : 1);
}

/* First starts at the same moment end with one set of keys. */
START_TEST(many_first_starts)
{
	struct auth_keys first, k;
	int gate[2], out[2];

	ck_assert_int_eq(pipe(out), 0);
	for (int round = 0; round < 20; round++) {
		ck_assert_int_eq(pipe(gate), 0);
		for (int i = 0; i < 4; i++)
			if (fork() == 0) {
				close(gate[1]);
				load_at_once(gate[0], out[1]);
			}
		close(gate[1]);
		for (int i = 0; i < 4; i++) {
			ck_assert_int_eq(read(out[0], &k, sizeof(k)), (ssize_t)sizeof(k));
			ck_assert(!sodium_is_zero((unsigned char *)&k, sizeof(k)));
			if (i == 0)
				first = k;
			ck_assert_mem_eq(&first, &k, sizeof(k));
		}
		for (int i = 0; i < 4; i++)
			wait(NULL);
		close(gate[0]);
		ck_assert_int_eq(unlink(rig_keys), 0);
	}
}
END_TEST

/* Loads the keys, says so, and stays to be searched; `wipe` = without keeping them. */
static _Noreturn void
load_and_stay(int out, bool wipe)
{
	struct auth_keys k;
	struct err e = {0};

	alarm(20);
	if (auth_keys_load(rig_keys, &k, &e) != 0)
		_exit(1);
	if (wipe)
		explicit_bzero(&k, sizeof(k));
	if (write(out, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Of the file's text nothing stays, whether it was read or made before. */
START_TEST(text_is_wiped)
{
	const bool wipe = _i % 2 == 1, make = _i / 2 == 1;
	char hex[2 * AUTH_KEY_LEN + 1], c;
	struct auth_keys k;
	struct err e = {0};
	int out[2];
	pid_t pid;

	ck_assert_int_ge(sodium_init(), 0);
	ck_assert_int_eq(pipe(out), 0);
	if (!make)
		make_keys();
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		load_and_stay(out[1], wipe);
	ck_assert_int_eq(read(out[0], &c, 1), 1);
	ck_assert_int_eq(auth_keys_load(rig_keys, &k, &e), 0);
	sodium_bin2hex(hex, sizeof(hex), k.audit, AUTH_KEY_LEN);
	ck_assert_int_eq(rig_search(pid, k.audit, AUTH_KEY_LEN), wipe ? 0 : 1);
	ck_assert_int_eq(rig_search(pid, hex, strlen(hex)), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

enum { LONG_PASSWORD = 900, RARE = 31 };

/* Rare are the last characters: what comes first on a stack is soon overwritten. They are
 * put together here, so that no copy of the whole stands in this program. */
static struct str
rare_password(char buf[LONG_PASSWORD])
{
	memset(buf, '.', LONG_PASSWORD);
	memcpy(buf + LONG_PASSWORD - RARE, "Zwergziege0815-", 15);
	memcpy(buf + LONG_PASSWORD - 16, "Quarkstrudel4711", 16);
	return (struct str){buf, LONG_PASSWORD};
}

static struct str
rare_part(struct str pw)
{
	return (struct str){pw.p + pw.n - RARE, RARE};
}

START_TEST(proc_files)
{
	const char *names[] = {"environ", "cmdline"};
	static char buf[65536];
	struct auth *a = auth_rig_start(1);
	struct answer an = {0};
	char text[LONG_PASSWORD], hex[2 * AUTH_KEY_LEN + 1];
	struct str pw = rare_password(text), rare = rare_part(pw);
	struct auth_keys keys;
	struct err e = {0};

	ck_assert_int_eq(auth_hash(a, pw, rig_done, &an), 0);
	rig_wait(a, &an, 1);
	ck_assert_int_eq(auth_keys_load(rig_keys, &keys, &e), 0);
	for (size_t i = 0; i < 2; i++) {
		size_t n = rig_proc(auth_pid(a), names[i], buf, sizeof(buf));

		/* For an ordinary user the file cannot even be read. */
		ck_assert(n > 0 || geteuid() != 0);
		ck_assert_ptr_null(memmem(buf, n, rare.p, rare.n));
		for (size_t k = 0; k < sizeof(keys); k += AUTH_KEY_LEN) {
			const unsigned char *key = (const unsigned char *)&keys + k;

			sodium_bin2hex(hex, sizeof(hex), key, AUTH_KEY_LEN);
			ck_assert_ptr_null(memmem(buf, n, key, AUTH_KEY_LEN));
			ck_assert_ptr_null(memmem(buf, n, hex, strlen(hex)));
		}
	}
	auth_stop(a);
}
END_TEST

enum {
	KEY_IN_CHILD = 1,
	KEY_IN_PARENT = 2,
	PASSWORD_IN_CHILD = 4,
	PASSWORD_IN_PARENT = 8,
	HEX_IN_CHILD = 16,
	NOT_READABLE = 64
};

/* Runs in a process of its own: it must hold the keys that it looks for. */
static int
look_around(pid_t parent, pid_t child, struct str pw)
{
	char hex[2 * AUTH_KEY_LEN + 1];
	struct auth_keys keys;
	struct err e = {0};
	int found = 0;

	if (auth_keys_load(rig_keys, &keys, &e) != 0 || rig_search(child, pw.p, pw.n) < 0)
		return NOT_READABLE;
	sodium_bin2hex(hex, sizeof(hex), keys.signing, AUTH_KEY_LEN);
	if (rig_search(child, keys.signing, AUTH_KEY_LEN) == 1)
		found |= KEY_IN_CHILD;
	if (rig_search(parent, keys.signing, AUTH_KEY_LEN) != 0 ||
	    rig_search(parent, keys.pepper, AUTH_KEY_LEN) != 0 ||
	    rig_search(parent, hex, strlen(hex)) != 0)
		found |= KEY_IN_PARENT;
	if (rig_search(child, pw.p, pw.n) == 1)
		found |= PASSWORD_IN_CHILD;
	if (rig_search(parent, pw.p, pw.n) == 1)
		found |= PASSWORD_IN_PARENT;
	if (rig_search(child, hex, strlen(hex)) == 1)
		found |= HEX_IN_CHILD;
	return found;
}

/* The password is this test's own until it is wiped; its being found before, and the key's
 * being found in the child, show that the search can find. */
START_TEST(memory)
{
	struct auth *a = auth_rig_start(2);
	struct answer an[2] = {0};
	char text[LONG_PASSWORD];
	struct str pw = rare_password(text);
	const int expected[] = {KEY_IN_CHILD | PASSWORD_IN_PARENT, KEY_IN_CHILD};

	ck_assert_int_eq(auth_hash(a, pw, rig_done, &an[0]), 0);
	rig_wait(a, an, 1);
	ck_assert_int_eq(auth_verify(a, pw, (struct str){an[0].text, an[0].n}, rig_done, &an[1]), 0);
	rig_wait(a, an, 2);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		int status;

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			char own[LONG_PASSWORD];

			_exit(look_around(getppid(), auth_pid(a), rare_part(rare_password(own))));
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status));
		if (WEXITSTATUS(status) == NOT_READABLE && geteuid() != 0) {
			printf("SKIP memory: needs root to read the child's\n");
			break;
		}
		ck_assert_int_eq(WEXITSTATUS(status), expected[i]);
		explicit_bzero(text, sizeof(text));
	}
	auth_stop(a);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("auth_keys");
	TCase *t = tcase_create("auth_keys");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, made_with_care);
	tcase_add_test(t, keys_persist);
	tcase_add_test(t, pepper_counts);
	tcase_add_loop_test(t, refuses_open_modes, 0, 6);
	tcase_add_test(t, refuses_other_owner);
	tcase_add_loop_test(t, refuses_damage, 0, COUNT(damages));
	tcase_add_loop_test(t, refuses_bad_hex, 0, 8);
	tcase_add_test(t, refuses_lengths);
	tcase_add_loop_test(t, refuses_what_is_no_file, 0, 2);
	tcase_add_test(t, many_first_starts);
	tcase_add_loop_test(t, text_is_wiped, 0, 4);
	tcase_add_test(t, proc_files);
	tcase_add_test(t, memory);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
