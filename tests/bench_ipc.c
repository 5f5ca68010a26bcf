/* SPDX-License-Identifier: ISC */
/*
 * Round trips per second over the wire, frames of 300 bytes, an echo server in
 * a process of its own: for each transport with 1 and with 64 in flight.
 * Argument: seconds for each of the four measurements (default 2).
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "tests/ipc_fixture.h"

enum { FRAME = 300 };

/* Receives what is there; waits for the descriptor when that is nothing. */
static unsigned
receive(struct ipc_client *c, bool pending)
{
	struct pollfd fd = {.fd = ipc_client_fd(c), .events = POLLIN};
	struct str frame;
	unsigned n = 0;

	if (!pending && poll(&fd, 1, 1000) != 1) {
		fprintf(stderr, "no answer\n");
		exit(EXIT_FAILURE);
	}
	while (ipc_client_recv(c, &frame) == 1)
		n++;
	return n;
}

static double
measure(struct ipc_client *c, unsigned in_flight, int64_t ms)
{
	static const char block[FRAME];
	int64_t start = clock_ms();
	unsigned long done = 0;
	unsigned under_way = 0;
	int64_t spent;

	do {
		bool pending = false;

		while (under_way < in_flight) {
			bool more;

			if (ipc_client_send(c, (struct str){block, FRAME}, &more) != 0) {
				fprintf(stderr, "not sent\n");
				exit(EXIT_FAILURE);
			}
			pending = pending || more;
			under_way++;
		}
		unsigned n = receive(c, pending);

		under_way -= n;
		done += n;
		spent = clock_ms() - start;
	} while (spent < ms);
	while (under_way > 0)
		under_way -= receive(c, false);
	return (double)done * 1000 / (double)spent;
}

int
main(int argc, char **argv)
{
	static const char *const names[] = {"ipc", "tcp+CURVE"};
	int64_t ms = argc == 2 ? atoi(argv[1]) * 1000 : 2000;
	struct fixture f;

	fixture_child(argc, argv);
	fixture_setup(&f);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct child server = ipc_child_start(&f, (enum kind)kind, NULL);
		struct ipc_client_conf conf = client_conf(&f, server.endpoint);
		struct ipc_client *c = client_open(&conf);

		if (!await_event(c, NULL, IPC_UP, 3000))
			return EXIT_FAILURE;
		for (unsigned in_flight = 1; in_flight <= 64; in_flight *= 64)
			printf("%-9s %2u in flight %8.0f round trips/s\n", names[kind], in_flight,
			    measure(c, in_flight, ms));
		ipc_client_free(c);
		ipc_child_end(&server, SIGKILL);
	}
	fixture_teardown(&f);
	return EXIT_SUCCESS;
}
