/* SPDX-License-Identifier: ISC */
/* The gateway as a whole: TLS, where its key is, processes that are killed, changes that last. */
#include <check.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/load.h"
#include "tests/proc_memory.h"

enum { WORKERS = 2 }; /* as many as by default */

static struct rig rig;

static void
start(bool rsa)
{
	memset(&rig, 0, sizeof(rig));
	rig.rsa = rsa;
	rig_make(&rig);
	rig_backend(&rig);
	ck_assert_int_eq(rig_ctl(&rig, "secret99\n", NULL, 0, "user add 4410 --password-stdin"), 0);
	rig_gateway(&rig, 0);
	rig_await_ready(&rig, 0);
}

static void
setup_ec(void)
{
	start(false);
}

static void
setup_rsa(void)
{
	start(true);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void
both_versions(void)
{
	static const long versions[] = {
	    CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2,
	    CURL_SSLVERSION_TLSv1_3 | CURL_SSLVERSION_MAX_TLSv1_3,
	};

	for (size_t i = 0; i < 2; i++) {
		struct answer a = rig_ask(&rig,
		    &(struct ask){
		        .path = "/my/callfwd", .user = "4410:secret99", .tls = versions[i], .fresh = true});

		ck_assert_msg(a.status == 200, "TLS 1.%zu: %d", i + 2, a.status);
		answer_free(&a);
	}
}

START_TEST(tls_12_and_13_with_an_ec_key)
{
	both_versions();
}
END_TEST

START_TEST(tls_12_and_13_with_an_rsa_key)
{
	both_versions();
}
END_TEST

START_TEST(old_tls_is_refused)
{
	struct answer a = rig_ask(&rig,
	    &(struct ask){.path = "/my/callfwd",
	        .user = "4410:secret99",
	        .tls = CURL_SSLVERSION_TLSv1_0 | CURL_SSLVERSION_MAX_TLSv1_1,
	        .fresh = true});

	ck_assert_int_eq(a.status, 0);
	answer_free(&a);
}
END_TEST

static void
key_stays_in_the_key_manager(const char *const *params)
{
	char path[128];
	pid_t workers[8], keymgr[2];
	bool control = false;
	EVP_PKEY *key;
	size_t n;
	FILE *f;

	if (geteuid() != 0) {
		printf("SKIP private key in memory: only root may look\n");
		return;
	}
	snprintf(path, sizeof(path), "%s/tls/server.key", rig.dir);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	ck_assert_ptr_nonnull(key);
	both_versions();
	n = rig_processes(&rig, "[wrk", workers, 8);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_eq(rig_processes(&rig, "[keymgr", keymgr, 2), 1);
	for (; *params != NULL; params++) {
		BIGNUM *secret = NULL;

		ck_assert_int_eq(EVP_PKEY_get_bn_param(key, *params, &secret), 1);
		control = control || memory_has_number(keymgr[0], secret) == 1;
		for (size_t i = 0; i < n; i++)
			ck_assert_msg(
			    memory_has_number(workers[i], secret) == 0, "%s in worker %zu", *params, i);
		ck_assert_int_eq(memory_has_number(rig.gateway[0], secret), 0);
		ck_assert_int_eq(memory_has_number(rig.backend, secret), 0);
		BN_clear_free(secret);
	}
	ck_assert_msg(control, "the key is not found where it is: the search does not work");
	EVP_PKEY_free(key);
}

START_TEST(an_ec_key_is_in_no_worker)
{
	key_stays_in_the_key_manager((const char *const[]){OSSL_PKEY_PARAM_PRIV_KEY, NULL});
}
END_TEST

START_TEST(an_rsa_key_is_in_no_worker)
{
	key_stays_in_the_key_manager((const char *const[]){
	    OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2, NULL});
}
END_TEST

/* No user, root directory or system call that they do not need. */
START_TEST(the_processes_have_given_up_what_they_can)
{
	pid_t pids[WORKERS + 1];
	size_t n = WORKERS;
	bool root = geteuid() == 0;

	rig_await_workers(&rig, pids, n);
	pids[n++] = rig.backend;
	for (size_t i = 0; i < n; i++) {
		char path[64], line[256];
		int seccomp = -1, no_new = -1, uid = -1;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/status", (int)pids[i]);
		f = fopen(path, "r");
		ck_assert_ptr_nonnull(f);
		while (fgets(line, sizeof(line), f) != NULL) {
			sscanf(line, "Seccomp: %d", &seccomp);
			sscanf(line, "NoNewPrivs: %d", &no_new);
			sscanf(line, "Uid: %d", &uid);
		}
		fclose(f);
#if !defined(__SANITIZE_ADDRESS__)
		ck_assert_msg(seccomp == 2, "process %d has no filter", (int)pids[i]);
#endif
		ck_assert_int_eq(no_new, 1);
		ck_assert_msg(!root || uid != 0, "process %d is root", (int)pids[i]);
		if (root && pids[i] != rig.backend) {
			char link[256], want[128];
			ssize_t len;

			snprintf(path, sizeof(path), "/proc/%d/root", (int)pids[i]);
			len = readlink(path, link, sizeof(link) - 1);
			ck_assert_int_gt(len, 0);
			link[len] = '\0';
			snprintf(want, sizeof(want), "%s/gateway", rig.dir);
			ck_assert_str_eq(link, want);
		}
	}
}
END_TEST

/* In a child: the worker's user, groups and root directory. */
static void
become_a_worker(pid_t worker)
{
	char path[64], root[256], line[256];
	int uid = -1, gid = -1;
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)worker);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		sscanf(line, "Uid: %d", &uid);
		sscanf(line, "Gid: %d", &gid);
	}
	snprintf(path, sizeof(path), "/proc/%d/root", (int)worker);
	n = readlink(path, root, sizeof(root) - 1);
	if (n <= 0 || uid <= 0)
		_exit(100);
	root[n] = '\0';
	if (chdir("/") != 0 || chroot(root) != 0 || setgroups(0, NULL) != 0 ||
	    setgid((gid_t)gid) != 0 || setuid((uid_t)uid) != 0)
		_exit(101);
}

/* 0 = none of these can be reached by somebody with a worker's identity, even without the filter
 * that takes open() away from the real one. */
static int
reach_as_worker(pid_t worker)
{
	static const char *const files[] = {"state/data.db", "state", "auth/keys", "tls/server.key",
	    "tandem.conf", "control/control.sock", "log"};
	char path[256];
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		become_a_worker(worker);
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			snprintf(path, sizeof(path), "%s/%s", rig.dir, files[i]);
			if (open(path, O_RDONLY) >= 0)
				_exit((int)i + 1);
			snprintf(path, sizeof(path), "/../%s", files[i]);
			if (open(path, O_RDONLY) >= 0)
				_exit((int)i + 21);
		}
		/* Its own directory holds the socket and nothing can be put there. */
		if (access("/backend.sock", F_OK) != 0 || open("/new", O_CREAT | O_WRONLY, 0600) >= 0)
			_exit(99);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

START_TEST(a_worker_cannot_reach_the_data)
{
	pid_t workers[WORKERS];

	if (geteuid() != 0) {
		printf("SKIP a worker's identity: only root can take it\n");
		return;
	}
	rig_await_workers(&rig, workers, WORKERS);
	ck_assert_int_eq(reach_as_worker(workers[0]), 0);
}
END_TEST

START_TEST(a_worker_killed_under_load_is_back)
{
	pid_t before[8], after[8];
	struct load_client l;
	size_t n;

	load_begin(&l, &rig, 0, "4410:secret99", "/my/callfwd", NULL);
	for (int round = 0; round < 3; round++) {
		long long killed, until = ms_now() + 10000;
		long seen;

		n = rig_processes(&rig, "[wrk", before, 8);
		ck_assert_uint_ge(n, 1);
		for (size_t i = 0; i < n; i++)
			kill(before[i], SIGKILL);
		killed = ms_now();
		seen = l.seen->answered;
		while (l.seen->last_ok_ms <= killed || l.seen->answered <= seen) {
			ck_assert_msg(ms_now() < until, "no answer any more");
			pause_ms(5);
		}
		/* Here other programs may want the processors as well. */
		ck_assert_msg(l.seen->last_ok_ms - killed <= 4000, "first answer after %lld ms",
		    l.seen->last_ok_ms - killed);
		while (rig_processes(&rig, "[wrk", after, 8) < n) {
			ck_assert_msg(ms_now() < until, "not all workers came back");
			pause_ms(10);
		}
		pause_ms(300);
	}
	load_end_client(&l);
	ck_assert_int_gt(l.seen->answered, 20);
	load_free(&l);
}
END_TEST

START_TEST(sighup_is_harmless)
{
	pid_t workers[8];
	struct load_client l;
	long failed;
	size_t n;

	load_begin(&l, &rig, 0, "4410:secret99", "/my/callfwd", NULL);
	while (l.seen->answered < 5)
		pause_ms(5);
	failed = l.seen->failed;
	for (int i = 0; i < 5; i++) {
		long seen = l.seen->answered;

		kill(rig.gateway[0], SIGHUP);
		n = rig_processes(&rig, "[wrk", workers, 8);
		for (size_t k = 0; k < n; k++)
			kill(workers[k], SIGHUP);
		kill(rig.backend, SIGHUP);
		for (long long until = ms_now() + 5000; l.seen->answered < seen + 5; pause_ms(5))
			ck_assert(ms_now() < until);
	}
	ck_assert_int_eq(l.seen->failed, failed);
	/* And a worker killed afterwards still comes back. */
	n = rig_processes(&rig, "[wrk", workers, 8);
	for (size_t k = 0; k < n; k++)
		kill(workers[k], SIGKILL);
	pause_ms(20);
	rig_await_ready(&rig, 0);
	load_end_client(&l);
	load_free(&l);
}
END_TEST

static const char put[] =
    "{\"expiration\":20,\"rings\":[{\"expiration\":30,\"type\":\"If no response\","
    "\"enabled\":true,\"number\":\"5551212\"}]}";

START_TEST(an_acknowledged_change_survives_kill_9_of_everything)
{
	for (int round = 0; round < 3; round++) {
		char body[256];
		struct answer a;
		pid_t pids[32];
		size_t n;

		snprintf(body, sizeof(body), "{\"expiration\":%d,\"rings\":[{\"number\":\"555%d\"}]}",
		    100 + round, round);
		a = rig_put(&rig, "4410:secret99", "/my/callfwd", round == 0 ? put : body);
		ck_assert_int_eq(a.status, 200);
		answer_free(&a);
		n = children_of(rig.gateway[0], pids, 32);
		rig_kill(&rig.backend);
		rig_kill(&rig.gateway[0]);
		for (size_t i = 0; i < n; i++)
			for (long long until = ms_now() + 5000; kill(pids[i], 0) == 0; pause_ms(10))
				ck_assert_msg(ms_now() < until, "process %d outlives its parent", (int)pids[i]);
		rig_backend(&rig);
		rig_gateway(&rig, 0);
		rig_await_ready(&rig, 0);
		a = rig_get(&rig, "4410:secret99", "/my/callfwd");
		ck_assert_int_eq(a.status, 200);
		snprintf(body, sizeof(body), round == 0 ? "\"number\":\"5551212\"" : "\"number\":\"555%d\"",
		    round);
		ck_assert_msg(strstr(a.body, body) != NULL, "%s is not in %s", body, a.body);
		answer_free(&a);
	}
}
END_TEST

START_TEST(it_stops_cleanly)
{
	long long from = ms_now();

	ck_assert_int_eq(rig_end(&rig.gateway[0]), 0);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	ck_assert_int_lt(ms_now() - from, 6000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gateway");
	TCase *ec = tcase_create("P-256"), *rsa = tcase_create("RSA-2048");
	SRunner *sr;
	int failed;

	tcase_set_timeout(ec, 60);
	tcase_set_timeout(rsa, 60);
	tcase_add_checked_fixture(ec, setup_ec, teardown);
	tcase_add_checked_fixture(rsa, setup_rsa, teardown);
	tcase_add_test(ec, tls_12_and_13_with_an_ec_key);
	tcase_add_test(ec, old_tls_is_refused);
	tcase_add_test(ec, an_ec_key_is_in_no_worker);
	tcase_add_test(ec, the_processes_have_given_up_what_they_can);
	tcase_add_test(ec, a_worker_cannot_reach_the_data);
	tcase_add_test(ec, a_worker_killed_under_load_is_back);
	tcase_add_test(ec, sighup_is_harmless);
	tcase_add_test(ec, an_acknowledged_change_survives_kill_9_of_everything);
	tcase_add_test(ec, it_stops_cleanly);
	tcase_add_test(rsa, tls_12_and_13_with_an_rsa_key);
	tcase_add_test(rsa, an_rsa_key_is_in_no_worker);
	suite_add_tcase(s, ec);
	suite_add_tcase(s, rsa);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
