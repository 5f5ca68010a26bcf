/* SPDX-License-Identifier: ISC */
/*
 * Gateways on another host: a network namespace of the test's own with two
 * gateways that reach the backend over tcp with CURVE. One is added and one
 * removed under load, and the other's clients notice nothing. Needs root.
 */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/load.h"

static struct rig rig;
static char ns[32], address[32];
static int tcp_port;

__attribute__((format(printf, 1, 2))) static void
sh(const char *fmt, ...)
{
	char cmd[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_msg(system(cmd) == 0, "failed: %s", cmd);
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* 10.91.N.1 is this side, 10.91.N.2 the other host. */
static void
make_host(void)
{
	int n = (int)getpid() % 250 + 1;

	snprintf(ns, sizeof(ns), "tandem%d", (int)getpid());
	snprintf(address, sizeof(address), "10.91.%d.1", n);
	sh("ip netns add %s && ip link add v%sa type veth peer name v%sb", ns, ns + 6, ns + 6);
	sh("ip link set v%sb netns %s && ip addr add %s/24 dev v%sa && ip link set v%sa up", ns + 6, ns,
	    address, ns + 6, ns + 6);
	sh("nsenter --net=/run/netns/%s ip addr add 10.91.%d.2/24 dev v%sb && nsenter "
	   "--net=/run/netns/%s ip link set v%sb up && nsenter --net=/run/netns/%s ip link set lo up",
	    ns, n, ns + 6, ns, ns + 6, ns);
}

/* The other host's configuration of a gateway: no ipc, its own directory and certificate. */
static void
write_gateway(int i)
{
	char path[128];
	FILE *f;

	sh("mkdir -p %s/gw%d && build=${TANDEM_BUILD:-build} && $build/tandemctl -c %s cert make "
	   "%s/gw%d/curve gw%d >/dev/null",
	    rig.dir, i, rig.conf, rig.dir, i, i);
	sh("cp %s/gw%d/curve %s/allow/gw%d && cp %s/curve/backend %s/gw%d/server && chown -R "
	   "tandem-gateway %s/gw%d && "
	   "chmod 711 %s/gw%d",
	    rig.dir, i, rig.dir, i, rig.dir, rig.dir, i, rig.dir, i, rig.dir, i);
	snprintf(path, sizeof(path), "%s/gateway%d.conf", rig.dir, i);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f,
	    "[gateway]\nlisten = 127.0.0.1\nport = %d\ncertificate = %s/tls/server.crt\nkey = "
	    "%s/tls/server.key\n"
	    "root = %s/gw%d\nbackend = tcp://%s:%d\ncurve_cert = %s/gw%d/curve\ncurve_server = "
	    "%s/gw%d/server\n"
	    "workers = 1\n",
	    rig.port[i], rig.dir, rig.dir, rig.dir, i, address, tcp_port, rig.dir, i, rig.dir, i);
	fclose(f);
}

static void
enter(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setns(fd, CLONE_NEWNET), 0);
	close(fd);
}

/* Starts a gateway over there; this process comes back. */
static void
start_there(int i)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	enter();
	rig_gateway(&rig, i);
	rig_await_ready(&rig, i);
	ck_assert_int_eq(setns(here, CLONE_NEWNET), 0);
	close(here);
}

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	make_host();
	tcp_port = free_port();
	rig_make(&rig);
	sh("mkdir -p %s/curve %s/allow && chmod 755 %s/allow && "
	   "build=${TANDEM_BUILD:-build} && $build/tandemctl -c %s cert make %s/curve/backend backend "
	   ">/dev/null && "
	   "chown -R tandem %s/curve",
	    rig.dir, rig.dir, rig.dir, rig.conf, rig.dir, rig.dir);
	sh("printf 'listen2 = tcp://%s:%d\\ncurve_cert = %s/curve/backend\\ncurve_allow = %s/allow\\n' "
	   ">>%s",
	    address, tcp_port, rig.dir, rig.dir, rig.conf);
	write_gateway(0);
	write_gateway(1);
	rig_backend(&rig);
	ck_assert_int_eq(rig_ctl(&rig, "secret99\n", NULL, 0, "user add 4410 --password-stdin"), 0);
}

static void
teardown(void)
{
	rig_stop(&rig);
	if (ns[0] != '\0')
		sh("ip netns del %s", ns);
}

static void
await_answers(struct load_client *l, long more)
{
	long seen = l->seen->answered;

	for (long long until = ms_now() + 10000; l->seen->answered < seen + more; pause_ms(5))
		ck_assert_msg(ms_now() < until, "no answers over there");
}

START_TEST(gateways_come_and_go_on_another_host)
{
	struct load_client first, second;

	start_there(0);
	load_begin(&first, &rig, 0, "4410:secret99", "/my/callfwd", ns);
	await_answers(&first, 50);
	for (int round = 0; round < 2; round++) {
		start_there(1);
		load_begin(&second, &rig, 1, "4410:secret99", "/my/callfwd", ns);
		await_answers(&second, 50);
		await_answers(&first, 50);
		load_end_client(&second);
		ck_assert_int_eq(second.seen->failed, 0);
		load_free(&second);
		/* Once told to stop, once killed. */
		if (round == 0)
			ck_assert_int_eq(rig_end(&rig.gateway[1]), 0);
		else
			rig_kill(&rig.gateway[1]);
		await_answers(&first, 50);
	}
	load_end_client(&first);
	ck_assert_msg(first.seen->failed == 0, "%ld failed, last with %d", first.seen->failed,
	    first.seen->last_failure);
	printf("another host: %ld requests, none failed\n", first.seen->answered);
	load_free(&first);
}
END_TEST

/* A key that is not in the directory of the allowed ones opens nothing. */
START_TEST(a_gateway_without_leave_gets_nothing)
{
	struct answer a;

	sh("rm %s/allow/gw1", rig.dir);
	kill(rig.backend, SIGHUP);
	start_there(0);
	enter();
	rig_gateway(&rig, 1);
	for (long long until = ms_now() + 10000;;) {
		a = rig_ask(&rig, &(struct ask){.path = "//livez", .user = "", .gateway = 1});
		if (a.status == 200)
			break;
		answer_free(&a);
		ck_assert(ms_now() < until);
		pause_ms(20);
	}
	answer_free(&a);
	for (int i = 0; i < 20; i++, pause_ms(50)) {
		a = rig_ask(&rig, &(struct ask){.path = "//readyz", .user = "", .gateway = 1});
		ck_assert_int_eq(a.status, 503);
		answer_free(&a);
	}
	a = rig_ask(&rig, &(struct ask){.path = "//readyz", .user = "", .gateway = 0});
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hosts");
	TCase *tc = tcase_create("another host");
	SRunner *sr;
	int failed;

	if (geteuid() != 0) {
		printf("SKIP hosts: only root can make another host\n");
		return 0;
	}
	tcase_set_timeout(tc, 90);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, gateways_come_and_go_on_another_host);
	tcase_add_test(tc, a_gateway_without_leave_gets_nothing);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
