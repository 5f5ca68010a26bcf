/* SPDX-License-Identifier: ISC */
/* The wire between processes: exchange, limits, and what happens when the other side goes. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/clock.h"
#include "tests/freeze.h"
#include "tests/ipc_fixture.h"

static struct fixture f;

static void
setup(void)
{
	fixture_setup(&f);
}

static void
teardown(void)
{
	fixture_teardown(&f);
}

static struct ipc_client *
connected(const char *endpoint, struct ipc_server *s)
{
	struct ipc_client_conf conf = client_conf(&f, endpoint);
	struct ipc_client *c = client_open(&conf);

	ck_assert(await_event(c, s, IPC_UP, PATIENCE_MS));
	return c;
}

START_TEST(echo)
{
	struct child server = ipc_child_start(&f, (enum kind)_i, NULL);
	struct ipc_client *c = connected(server.endpoint, NULL);

	ck_assert(round_trip(c, NULL, STR_LIT("hello"), PATIENCE_MS));
	ck_assert(round_trip(c, NULL, STR_LIT("a\0b"), PATIENCE_MS));
	ipc_client_free(c);
	ipc_child_end(&server, SIGKILL);
}
END_TEST

START_TEST(killed_and_back)
{
	struct child server = ipc_child_start(&f, (enum kind)_i, NULL);
	struct ipc_client *c = connected(server.endpoint, NULL);
	int64_t at;

	ck_assert(round_trip(c, NULL, STR_LIT("hello"), PATIENCE_MS));
	at = clock_ms();
	ipc_child_end(&server, SIGKILL);
	/* By the end of the connection, not by its silence, which is noticed after three seconds. */
	ck_assert(await_event(c, NULL, IPC_DOWN, 2500));
	at = clock_ms();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(ipc_client_send(c, STR_LIT("lost"), NULL), -1);
	ck_assert_int_le(clock_ms() - at, 2500);
	/* Once, long enough for the interval between two attempts to have grown. */
	ck_assert(!await_event(c, NULL, IPC_UP, _i == KIND_IPC ? 3500 : 200));
	server = ipc_child_start(&f, (enum kind)_i, server.endpoint);
	at = clock_ms();
	/* With an interval that went on growing it would be 2.8 s. */
	ck_assert(await_event(c, NULL, IPC_UP, PATIENCE_MS));
	ck_assert_int_le(clock_ms() - at, 2200);
	ck_assert(round_trip(c, NULL, STR_LIT("hello again"), PATIENCE_MS));
	ipc_client_free(c);
	ipc_child_end(&server, SIGKILL);
}
END_TEST

START_TEST(frozen)
{
	struct child server = ipc_child_start(&f, (enum kind)_i, NULL);
	struct ipc_client *c = connected(server.endpoint, NULL);
	int64_t at;

	ck_assert(round_trip(c, NULL, STR_LIT("hello"), PATIENCE_MS));
	at = clock_ms();
	freeze(server.pid);
	ck_assert(await_event(c, NULL, IPC_DOWN, 8000));
	ck_assert_int_le(clock_ms() - at, 5000);
	ck_assert_int_eq(ipc_client_send(c, STR_LIT("lost"), NULL), -1);
	kill(server.pid, SIGCONT);
	ck_assert(await_event(c, NULL, IPC_UP, PATIENCE_MS));
	ck_assert(round_trip(c, NULL, STR_LIT("hello again"), PATIENCE_MS));
	ipc_client_free(c);
	ipc_child_end(&server, SIGKILL);
}
END_TEST

/* A quiet but healthy connection must survive its heartbeats. */
START_TEST(idle)
{
	struct child server = ipc_child_start(&f, (enum kind)_i, NULL);
	struct ipc_client *c = connected(server.endpoint, NULL);

	ck_assert(!await_event(c, NULL, IPC_DOWN, 4500));
	ck_assert(round_trip(c, NULL, STR_LIT("hello"), PATIENCE_MS));
	ipc_client_free(c);
	ipc_child_end(&server, SIGKILL);
}
END_TEST

START_TEST(queue_full)
{
	struct ipc_server_conf sconf = server_conf(&f, KIND_IPC);
	struct ipc_client_conf cconf = client_conf(&f, f.endpoint[KIND_IPC]);
	static char block[256 * 1024] = "x";
	struct ipc_server *s;
	struct ipc_client *c;
	int64_t at = clock_ms();
	int sent = 0;

	sconf.queue = 4;
	cconf.queue = 4;
	s = server_open(&sconf);
	c = client_open(&cconf);
	ck_assert(await_event(c, s, IPC_UP, PATIENCE_MS));
	at = clock_ms();
	/* Until nothing has gone through for a while: the I/O threads still move some. */
	for (int64_t last = at; clock_ms() - last < 500;)
		if (ipc_client_send(c, (struct str){block, sizeof(block)}, NULL) == 0) {
			sent++;
			last = clock_ms();
		}
	ck_assert_int_gt(sent, 4);
	ck_assert_int_lt(sent, 32);
	ck_assert_int_lt(clock_ms() - at, 10000);
	ipc_client_free(c);
	ipc_server_free(s);
}
END_TEST

START_TEST(server_queue_full)
{
	struct ipc_server_conf sconf = server_conf(&f, KIND_IPC);
	static char block[256 * 1024] = "x";
	struct ipc_server *s;
	struct ipc_client *c;
	struct ipc_peer peer;
	struct str frame;
	struct err e = {0};
	bool ready;
	int sent = 0;

	sconf.queue = 4;
	s = server_open(&sconf);
	c = connected(f.endpoint[KIND_IPC], s);
	ck_assert_int_eq(ipc_client_send(c, STR_LIT("feed me"), NULL), 0);
	ck_assert_int_eq(ipc_wait(&s, &ready, 1, NULL, 0, PATIENCE_MS, &e), 1);
	ck_assert_int_eq(ipc_server_recv(s, &peer, &frame), 1);
	while (sent < 5000 && ipc_server_send(s, &peer, (struct str){block, sizeof(block)}) == 0)
		sent++;
	ck_assert_int_lt(sent, 5000);
	ipc_client_free(c);
	/* Gone: refused as soon as the server has noticed. */
	for (int64_t end = clock_ms() + PATIENCE_MS; clock_ms() < end;)
		if (ipc_server_send(s, &peer, STR_LIT("x")) == -1)
			break;
	ck_assert_int_eq(ipc_server_send(s, &peer, STR_LIT("x")), -1);
	memcpy(peer.id, "nobody", 6);
	peer.n = 6;
	ck_assert_int_eq(ipc_server_send(s, &peer, STR_LIT("x")), -1);
	ipc_server_free(s);
}
END_TEST

START_TEST(largest)
{
	struct ipc_server_conf conf = server_conf(&f, (enum kind)_i);
	struct ipc_server *s = server_open(&conf);
	struct ipc_client *c = connected(ipc_server_endpoint(s), s);
	char *block = calloc(1, IPC_MESSAGE_MAX + 1);
	bool pending = true;

	ck_assert_ptr_nonnull(block);
	ck_assert(round_trip(c, s, (struct str){block, IPC_MESSAGE_MAX}, PATIENCE_MS));
	ck_assert_int_eq(ipc_client_send(c, (struct str){block, IPC_MESSAGE_MAX + 1}, &pending), -1);
	ck_assert(!pending);
	ck_assert_int_eq(ipc_client_send(c, (struct str){block, 0}, NULL), -1);
	ck_assert(round_trip(c, s, STR_LIT("still there"), PATIENCE_MS));
	free(block);
	ipc_client_free(c);
	ipc_server_free(s);
}
END_TEST

/* A peer that keeps none of the rules: what it sends is dropped, others are served on. */
START_TEST(bad_frames)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_IPC);
	struct ipc_server *s = server_open(&conf);
	struct ipc_client *c = connected(f.endpoint[KIND_IPC], s);
	char *block = calloc(1, IPC_MESSAGE_MAX + 65);
	void *ctx = zmq_ctx_new();
	void *raw = zmq_socket(ctx, ZMQ_DEALER);
	void *named = zmq_socket(ctx, ZMQ_DEALER);
	int zero = 0;
	char back[8];
	int n;

	zmq_setsockopt(raw, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(named, ZMQ_LINGER, &zero, sizeof(zero));
	/* One byte longer than the longest routing id that the server keeps. */
	memset(block, 'n', IPC_PEER_MAX + 1);
	zmq_setsockopt(named, ZMQ_ROUTING_ID, block, IPC_PEER_MAX + 1);
	zmq_connect(named, f.endpoint[KIND_IPC]);
	zmq_connect(raw, f.endpoint[KIND_IPC]);
	zmq_send(raw, "a", 1, ZMQ_SNDMORE);
	zmq_send(raw, "b", 1, 0);
	zmq_send(raw, "", 0, 0);
	zmq_send(raw, "", 0, ZMQ_SNDMORE);
	zmq_send(raw, "b", 1, ZMQ_SNDMORE);
	zmq_send(raw, "c", 1, 0);
	zmq_send(named, "d", 1, 0);
	for (int64_t end = clock_ms() + PATIENCE_MS; ipc_server_dropped(s) < 4 && clock_ms() < end;)
		echo_once(s, 10);
	ck_assert_uint_eq(ipc_server_dropped(s), 4);
	zmq_send(raw, "good", 4, 0);
	for (int64_t end = clock_ms() + PATIENCE_MS;
	     (n = zmq_recv(raw, back, sizeof(back), ZMQ_DONTWAIT)) < 0 && clock_ms() < end;)
		echo_once(s, 10);
	ck_assert_int_eq(n, 4);
	zmq_send(raw, block, IPC_MESSAGE_MAX + 1, 0);
	for (int64_t end = clock_ms() + PATIENCE_MS; ipc_server_dropped(s) < 5 && clock_ms() < end;)
		echo_once(s, 10);
	ck_assert_uint_eq(ipc_server_dropped(s), 5);
	/* The socket itself cuts off a peer that announces more than a frame can have. */
	zmq_send(raw, block, IPC_MESSAGE_MAX + 65, 0);
	for (int64_t end = clock_ms() + 300; clock_ms() < end;)
		echo_once(s, 10);
	ck_assert_int_eq(zmq_recv(raw, back, sizeof(back), ZMQ_DONTWAIT), -1);
	ck_assert(round_trip(c, s, STR_LIT("still there"), PATIENCE_MS));
	ck_assert_uint_eq(ipc_server_dropped(s), 5);
	zmq_close(raw);
	zmq_close(named);
	zmq_ctx_term(ctx);
	free(block);
	ipc_client_free(c);
	ipc_server_free(s);
}
END_TEST

struct burst {
	struct ipc_client *c;
	uint32_t sent, received, total;
	bool pending;
	bool *seen;
};

static void
burst_send(struct burst *b)
{
	while (b->sent < b->total && b->sent - b->received < 64) {
		bool pending = false;
		char frame[300] = {0};

		memcpy(frame, &b->sent, sizeof(b->sent));
		ck_assert_int_eq(ipc_client_send(b->c, (struct str){frame, sizeof(frame)}, &pending), 0);
		b->sent++;
		b->pending = b->pending || pending;
	}
}

static void
burst_receive(struct burst *b)
{
	struct str frame;

	b->pending = false;
	while (ipc_client_recv(b->c, &frame) == 1) {
		uint32_t number;

		ck_assert_uint_eq(frame.n, 300);
		memcpy(&number, frame.p, sizeof(number));
		ck_assert_uint_lt(number, b->total);
		ck_assert(!b->seen[number]);
		b->seen[number] = true;
		b->received++;
	}
}

/* As Kore's worker does it: level-triggered epoll on the descriptor, everything received after
 * each wake-up, and a turn of its own when a send says that messages are waiting. */
START_TEST(no_lost_wakeup)
{
	struct child server = ipc_child_start(&f, (enum kind)_i, NULL);
	struct burst b = {.c = connected(server.endpoint, NULL), .total = 10000};
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(EPOLL_CLOEXEC);

	b.seen = calloc(b.total, sizeof(*b.seen));
	ck_assert_ptr_nonnull(b.seen);
	ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_ADD, ipc_client_fd(b.c), &ev), 0);
	burst_send(&b);
	while (b.received < b.total) {
		/* A lost wake-up shows as this time running out. */
		int n = epoll_wait(ep, &ev, 1, b.pending ? 0 : 8000);

		ck_assert_msg(n > 0 || b.pending, "no wake-up after %u of %u", b.received, b.sent);
		burst_receive(&b);
		burst_send(&b);
	}
	free(b.seen);
	close(ep);
	ipc_client_free(b.c);
	ipc_child_end(&server, SIGKILL);
}
END_TEST

/* A loop that only ever waits for the descriptor, from the start. */
START_TEST(first_event)
{
	struct child server = ipc_child_start(&f, (enum kind)_i, NULL);
	struct ipc_client_conf conf = client_conf(&f, server.endpoint);
	struct ipc_client *c = client_open(&conf);
	struct pollfd event = {.fd = ipc_client_event_fd(c), .events = POLLIN};
	struct pollfd frame = {.fd = ipc_client_fd(c), .events = POLLIN};
	struct str back;
	enum ipc_event is;

	/* The descriptor is ready for what is no event of ours, too. */
	do
		ck_assert_int_eq(poll(&event, 1, 8000), 1);
	while ((is = ipc_client_event(c)) == IPC_NOTHING);
	ck_assert_int_eq(is, IPC_UP);
	ck_assert_int_eq(ipc_client_event(c), IPC_NOTHING);
	ck_assert(ipc_client_met(c));
	ck_assert_int_eq(ipc_client_send(c, STR_LIT("x"), NULL), 0);
	while (ipc_client_recv(c, &back) == 0)
		ck_assert_int_eq(poll(&frame, 1, 8000), 1);
	ipc_child_end(&server, SIGKILL);
	ck_assert_int_eq(poll(&event, 1, 8000), 1);
	ck_assert_int_eq(ipc_client_event(c), IPC_DOWN);
	ipc_client_free(c);
}
END_TEST

static int64_t
cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	    (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

START_TEST(waiting)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_IPC);
	struct ipc_server_conf tcp = server_conf(&f, KIND_CURVE);
	struct ipc_server *s[] = {server_open(&conf), server_open(&tcp)};
	struct ipc_client *c = connected(ipc_server_endpoint(s[1]), s[1]);
	struct pollfd fds[] = {{.fd = -1, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	struct err e = {0};
	bool ready[2];
	int64_t at = clock_ms();
	int64_t cpu = cpu_ms();
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	fds[1].fd = p[0];
	ck_assert_int_eq(ipc_wait(s, ready, 2, fds, 2, 300, &e), 0);
	ck_assert_int_ge(clock_ms() - at, 300);
	ck_assert_int_lt(cpu_ms() - cpu, 100);
	ck_assert_int_eq(ipc_client_send(c, STR_LIT("x"), NULL), 0);
	ck_assert_int_eq(ipc_wait(s, ready, 2, fds, 2, PATIENCE_MS, &e), 1);
	ck_assert(!ready[0] && ready[1] && fds[1].revents == 0);
	/* Not taken, so still there; now together with a descriptor. */
	ck_assert_int_eq(write(p[1], "x", 1), 1);
	ck_assert_int_eq(ipc_wait(s, ready, 2, fds, 2, -1, &e), 2);
	ck_assert(ready[1] && fds[1].revents == POLLIN);
	close(p[1]);
	ck_assert_int_eq(ipc_wait(s, ready, 0, fds, 2, 0, &e), 1);
	ck_assert_int_eq(fds[1].revents, POLLIN | POLLHUP);
	ck_assert_int_eq(ipc_wait(s, ready, 2, fds, IPC_WAIT_MAX, 0, &e), -1);
	close(p[0]);
	ipc_client_free(c);
	ipc_server_free(s[0]);
	ipc_server_free(s[1]);
}
END_TEST

static void
ignore(int sig)
{
	(void)sig;
}

START_TEST(signals)
{
	const struct sigaction sa = {.sa_handler = ignore};
	/* Again and again, since one may come before the wait begins. */
	const struct itimerval timer = {.it_value.tv_usec = 100000, .it_interval.tv_usec = 100000};
	const struct itimerval never = {.it_value.tv_usec = 0};
	struct ipc_server_conf conf = server_conf(&f, KIND_CURVE);
	struct sigaction before;
	struct sigaction after;
	struct ipc_server *s;
	struct ipc_client *c;
	struct err e = {0};
	bool ready;

	/* The libraries' threads must not take the process's signals, nor its handlers. */
	ck_assert_int_eq(sigaction(SIGTERM, NULL, &before), 0);
	s = server_open(&conf);
	c = connected(ipc_server_endpoint(s), s);
	ck_assert_int_eq(sigaction(SIGTERM, NULL, &after), 0);
	ck_assert(before.sa_handler == after.sa_handler);
	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
	ck_assert_int_eq(ipc_wait(&s, &ready, 1, NULL, 0, 5000, &e), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	while (ipc_client_event(c) != IPC_NOTHING)
		;
	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
	ck_assert_int_eq(ipc_client_wait(c, 5000), -1);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	ck_assert_int_eq(ipc_client_wait(c, 10), 0);
	ipc_client_free(c);
	ipc_server_free(s);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("ipc");
	TCase *tc = tcase_create("wire");
	SRunner *runner;
	int failed;

	fixture_child(argc, argv);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 40);
	tcase_add_loop_test(tc, echo, 0, KIND_COUNT);
	tcase_add_loop_test(tc, killed_and_back, 0, KIND_COUNT);
	tcase_add_loop_test(tc, frozen, 0, KIND_COUNT);
	tcase_add_test(tc, idle);
	tcase_add_test(tc, queue_full);
	tcase_add_test(tc, server_queue_full);
	tcase_add_loop_test(tc, largest, 0, KIND_COUNT);
	tcase_add_test(tc, bad_frames);
	tcase_add_loop_test(tc, no_lost_wakeup, 0, KIND_COUNT);
	tcase_add_loop_test(tc, first_event, 0, KIND_COUNT);
	tcase_add_test(tc, waiting);
	tcase_add_test(tc, signals);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
