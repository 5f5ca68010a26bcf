/* SPDX-License-Identifier: ISC */
/* A frame as it arrives on a socket: a gateway's, an operator's, a feed's. */
#include "ipc/env.h"
#include "ipc/feed.h"

#include "tests/fuzz/fuzz.h"

int
fuzz_env(const uint8_t *data, size_t size)
{
	struct str frame = {(const char *)data, size};
	enum env_type type = env_type(frame);
	union {
		struct hello hello;
		struct request request;
		struct reply reply;
		struct credit credit;
		struct ctl_request ctl_request;
		struct ctl_reply ctl_reply;
		struct feed_hello feed_hello;
		struct feed_welcome feed_welcome;
		struct feed_message feed_message;
		struct feed_ack feed_ack;
		struct feed_want feed_want;
		struct feed_volatile feed_volatile;
		struct feed_command feed_command;
		struct feed_result feed_result;
		struct feed_routes feed_routes;
		struct feed_routes_ack feed_routes_ack;
	} x, y;
	struct arena a;
	struct err e = {.depth = 0};
	struct buf first, second;
	bool same;

	if (type == 0)
		return 0;
	arena_init(&a, 4 << 20);
	if (env_read(frame, type, &x, &a, &e) == 0) {
		buf_init(&first, 8 << 20);
		buf_init(&second, 8 << 20);
		env_write(&first, type, &x);
		FUZZ_MUST(!first.failed);
		if (env_read(buf_str(&first), type, &y, &a, &e) == 0) {
			env_write(&second, type, &y);
			FUZZ_MUST(str_eq(buf_str(&first), buf_str(&second)));
		} else {
			FUZZ_MUST(e.code == ERR_TOO_LARGE);
		}
		if (type == ENV_HELLO)
			(void)env_hello_check(&x.hello, &same, &e);
		buf_free(&first);
		buf_free(&second);
	}
	arena_free(&a);
	return 0;
}

FUZZ_TARGET(env)
