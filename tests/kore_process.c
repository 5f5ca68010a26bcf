/* SPDX-License-Identifier: ISC */

/* Processes that die, and signals that must not make them. */

#include "kore_server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define H "Host: localhost\r\n"

static void
nap(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
}

static void
wait_logged(const struct kore_server *s, const char *text, int count, int ms)
{
	int64_t until = raw_now() + ms;

	while (kore_logged(s, text) < count) {
		ck_assert_msg(raw_now() < until, "%s: %d instead of %d", text, kore_logged(s, text), count);
		nap();
	}
}

/* So many milliseconds on a quiet machine: here as much more as ten answers take now. */
static int
patience(const struct kore_server *s, int ms)
{
	int64_t begin = raw_now();

	ck_assert(kore_answers(s, 10000));
	return ms + 10 * (int)(raw_now() - begin);
}

/* Clients that come in between have to wait, but each handshake succeeds at the first try. */
START_TEST(worker_is_replaced)
{
	struct kore_server s;
	struct raw_tls t;
	struct raw_answer a;
	int64_t begin;
	pid_t pid;
	int i, ms;

	kore_start(&s, KORE_KEY_EC, 1, NULL);
	ms = patience(&s, 4000);
	pid = kore_pid(&s, "[wrk");
	begin = raw_now();
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	wait_logged(&s, "restarting worker", 1, ms);
	for (i = 0; i < 20; i++) {
		kore_connect(&s, &t);
		kore_ask(&t, "GET / HTTP/1.1\r\n" H "\r\n", 200, &a);
		ck_assert_int_ne(kore_number(&a, "pid"), pid);
		raw_answer_free(&a);
		raw_close(&t);
		if (i == 0)
			ck_assert_int_lt(raw_now() - begin, ms);
	}
	ck_assert_int_eq(kore_logged(&s, "restarting worker"), 1);
	kore_stop(&s);
}
END_TEST

/* With another one alive nobody has to wait for the replacement. */
START_TEST(other_worker_takes_over)
{
	struct kore_server s;
	pid_t pids[2];
	int ms;

	kore_start(&s, KORE_KEY_EC, 2, NULL);
	ms = patience(&s, 4000);
	kore_all_pids(&s, "[wrk", pids, 2);
	ck_assert_int_eq(kill(pids[0], SIGKILL), 0);
	ck_assert(kore_answers(&s, ms));
	ck_assert_int_eq(kill(pids[1], SIGKILL), 0);
	ck_assert(kore_answers(&s, ms));
	kore_stop(&s);
}
END_TEST

/* Four workers that die five times each: twenty restarts, each later than the one before. */
START_TEST(deaths_do_not_spin)
{
	static const int delays[] = {100, 200, 400, 800, 1600};
	struct kore_server s;
	int64_t begin = raw_now();
	char text[64];
	pid_t pids[4];
	int i, round, ms;

	kore_start(&s, KORE_KEY_EC, 4, NULL);
	ms = patience(&s, 4000);
	for (round = 0; round < 5; round++) {
		wait_logged(&s, " started (cpu", 4 * (round + 1), ms + 4000);
		kore_all_pids(&s, "[wrk", pids, 4);
		for (i = 0; i < 4; i++)
			ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		wait_logged(&s, "restarting worker", 4 * (round + 1), ms + 1000);
		(void)snprintf(text, sizeof(text), " in %d ms", delays[round]);
		ck_assert_int_eq(kore_logged(&s, text), 4);
	}
	ck_assert_int_eq(kore_logged(&s, "restarting worker"), 20);
	ck_assert_int_ge(raw_now() - begin, 100 + 200 + 400 + 800);
	ck_assert(kore_answers(&s, 1600 + ms));
	kore_stop(&s);
}
END_TEST

START_TEST(hangup_is_harmless)
{
	struct kore_server s;
	struct raw_tls t;
	struct raw_answer a;
	pid_t pid;
	int i, ms;

	kore_start(&s, KORE_KEY_EC, 1, NULL);
	ms = patience(&s, 4000);
	pid = kore_pid(&s, "[wrk");
	kore_connect(&s, &t);
	for (i = 0; i < 10; i++) {
		ck_assert_int_eq(kill(s.pid, SIGHUP), 0);
		kore_ask(&t, "GET / HTTP/1.1\r\n" H "\r\n", 200, &a);
		ck_assert_int_eq(kore_number(&a, "pid"), pid);
		raw_answer_free(&a);
	}
	raw_close(&t);
	/* The death must be noticed although further signals arrive at once. */
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(kill(s.pid, SIGHUP), 0);
	ck_assert(kore_answers(&s, ms));
	ck_assert_int_eq(kore_logged(&s, "restarting worker"), 1);
	ck_assert_int_eq(waitpid(s.pid, NULL, WNOHANG), 0);
	kore_stop(&s);
}
END_TEST

/* Certificates are read again, and the old and the new connections go on. */
START_TEST(certificates_are_reloaded)
{
	struct kore_server s;
	struct raw_tls t;
	struct raw_answer a;
	int ms;

	kore_start(&s, KORE_KEY_EC, 1, NULL);
	ms = patience(&s, 4000);
	kore_connect(&s, &t);
	ck_assert_int_eq(kill(s.pid, SIGUSR1), 0);
	wait_logged(&s, "loaded private key", 2, ms + 1000);
	kore_ask(&t, "GET / HTTP/1.1\r\n" H "\r\n", 200, &a);
	raw_answer_free(&a);
	raw_close(&t);
	ck_assert(kore_answers(&s, ms));
	kore_stop(&s);
}
END_TEST

/* It is made by a thread, and all of the worker has to go. */
START_TEST(forbidden_call_kills)
{
	struct kore_server s;
	struct raw_tls t;
	struct raw_answer a;
	int ms;

	if (!KORE_SECCOMP_KILLS) {
		kore_skip("forbidden system call", "a sanitizer build allows all of them");
		return;
	}
	kore_start(&s, KORE_KEY_EC, 1, NULL);
	ms = patience(&s, 4000);
	kore_connect(&s, &t);
	ck_assert(raw_text(&t, "GET /forbidden HTTP/1.1\r\n" H "\r\n"));
	ck_assert_int_eq(raw_next(&t, &a, false, 10000), RAW_CLOSED);
	raw_answer_free(&a);
	raw_close(&t);
	wait_logged(&s, "died from sandbox violation", 1, ms + 1000);
	ck_assert(kore_answers(&s, ms));
	kore_stop(&s);
}
END_TEST

/* Without their parent the others leave, and with them the port. */
START_TEST(nobody_survives_the_parent)
{
	struct kore_server s;
	int64_t until;
	pid_t pids[4];
	int i;

	kore_start(&s, KORE_KEY_EC, 3, NULL);
	kore_all_pids(&s, "[", pids, 4);
	ck_assert_int_eq(kill(s.pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(s.pid, NULL, 0), s.pid);
	s.pid = -1;
	until = raw_now() + 10000;
	for (i = 0; i < 4; i++) {
		while (kill(pids[i], 0) == 0) {
			ck_assert_msg(raw_now() < until, "process %d is still there", (int)pids[i]);
			nap();
		}
	}
	kore_stop(&s);
}
END_TEST

START_TEST(stops_with_clients)
{
	struct kore_server s;
	struct raw_tls t;
	int64_t until;
	int status;

	kore_start(&s, KORE_KEY_EC, 2, NULL);
	kore_connect(&s, &t);
	ck_assert(raw_text(&t, "GET /sleep?n=60000 HTTP/1.1\r\n" H "\r\n"));
	ck_assert_int_eq(kill(s.pid, SIGTERM), 0);
	until = raw_now() + 10000;
	while (waitpid(s.pid, &status, WNOHANG) == 0) {
		ck_assert_msg(raw_now() < until, "does not stop");
		nap();
	}
	s.pid = -1;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	raw_close(&t);
	kore_stop(&s);
}
END_TEST

TCase *
kore_process_tests(void)
{
	TCase *tcase = tcase_create("process");

	tcase_set_timeout(tcase, 90);
	tcase_add_test(tcase, worker_is_replaced);
	tcase_add_test(tcase, other_worker_takes_over);
	tcase_add_test(tcase, deaths_do_not_spin);
	tcase_add_test(tcase, hangup_is_harmless);
	tcase_add_test(tcase, certificates_are_reloaded);
	tcase_add_test(tcase, forbidden_call_kills);
	tcase_add_test(tcase, nobody_survives_the_parent);
	tcase_add_test(tcase, stops_with_clients);
	return tcase;
}
