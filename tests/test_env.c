/* SPDX-License-Identifier: ISC */
/* Messages between processes: frames there and back, and what is refused. */
#include <check.h>
#include <string.h>

#include "common/rec_dev.h"
#include "common/sink.h"
#include "ipc/feed.h"

static struct arena a;
static struct err e;
static struct buf b;

static void
setup(void)
{
	arena_init(&a, 8 << 20);
	buf_init(&b, 8 << 20);
	e = (struct err){.depth = 0};
}

static void
teardown(void)
{
	arena_free(&a);
	buf_free(&b);
}

static const struct {
	enum env_type type;
	const struct rec *r;
} types[] = {
    {ENV_HELLO, &rec_hello},
    {ENV_REQUEST, &rec_request},
    {ENV_REPLY, &rec_reply},
    {ENV_CREDIT, &rec_credit},
    {ENV_CTL_REQUEST, &rec_ctl_request},
    {ENV_CTL_REPLY, &rec_ctl_reply},
    {ENV_FEED_HELLO, &rec_feed_hello},
    {ENV_FEED_WELCOME, &rec_feed_welcome},
    {ENV_FEED_MESSAGE, &rec_feed_message},
    {ENV_FEED_ACK, &rec_feed_ack},
    {ENV_FEED_WANT, &rec_feed_want},
    {ENV_FEED_VOLATILE, &rec_feed_volatile},
    {ENV_FEED_COMMAND, &rec_feed_command},
    {ENV_FEED_RESULT, &rec_feed_result},
    {ENV_FEED_ROUTES, &rec_feed_routes},
    {ENV_FEED_ROUTES_ACK, &rec_feed_routes_ack},
};

START_TEST(frames_there_and_back)
{
	const struct rec *r = types[_i].r;

	for (uint64_t seed = 0; seed < 300; seed++) {
		void *x = arena_alloc(&a, r->size), *y = arena_alloc(&a, r->size);

		ck_assert_int_eq(rec_random(r, x, seed, 0, &a), 0);
		env_write(&b, types[_i].type, x);
		ck_assert(!b.failed);
		ck_assert_int_eq((int)env_type(buf_str(&b)), (int)types[_i].type);
		ck_assert_msg(env_read(buf_str(&b), types[_i].type, y, &a, &e) == 0, "%s", err_text(&e));
		ck_assert(rec_equal(r, x, y));
		/* One byte more or less is another message. */
		ck_assert_int_eq(env_read((struct str){b.p, b.n - 1}, types[_i].type, y, &a, &e), -1);
		buf_addc(&b, 0);
		e.depth = 0;
		ck_assert_int_eq(env_read(buf_str(&b), types[_i].type, y, &a, &e), -1);
		e.depth = 0;
		buf_reset(&b);
		arena_free(&a);
	}
}
END_TEST

/* A frame of one type is never read as another. */
START_TEST(types_are_told_apart)
{
	struct credit c = {.has = 0};
	union {
		struct hello hello;
		struct request request;
		struct reply reply;
		struct credit credit;
		struct ctl_request ctl_request;
		struct ctl_reply ctl_reply;
		struct feed_hello feed_hello;
		struct feed_message feed_message;
		struct feed_command feed_command;
	} into;

	REC_SET(&c, credit, id, 1);
	REC_SET(&c, credit, parts, 2);
	env_write(&b, ENV_CREDIT, &c);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		e.depth = 0;
		ck_assert_int_eq(env_read(buf_str(&b), types[i].type, &into, &a, &e),
		    types[i].type == ENV_CREDIT ? 0 : -1);
	}
	ck_assert_int_eq((int)env_type((struct str){NULL, 0}), 0);
	ck_assert_int_eq((int)env_type(STR_LIT("\x00")), 0);
	ck_assert_int_eq((int)env_type(STR_LIT("\x08")), 0);
	ck_assert_int_eq((int)env_type(STR_LIT("\x0f")), 0);
	ck_assert_int_eq((int)env_type(STR_LIT("\x18")), 0);
	ck_assert_int_eq((int)env_type(STR_LIT("\xff")), 0);
	buf_reset(&b);
	env_write(&b, ENV_UNKNOWN, NULL);
	ck_assert_uint_eq(b.n, 1);
	ck_assert_int_eq((int)env_type(buf_str(&b)), ENV_UNKNOWN);
	ck_assert_int_eq(env_read(buf_str(&b), ENV_UNKNOWN, &into, &a, &e), -1);
	ck_assert_int_eq(env_read((struct str){NULL, 0}, ENV_CREDIT, &into, &a, &e), -1);
}
END_TEST

/* What the table says is checked, also behind the type byte. */
START_TEST(values_are_validated)
{
	struct request q = {.has = 0}, got;

	REC_SET(&q, request, id, 1);
	REC_SET(&q, request, deadline, 5000);
	REC_SET(&q, request, res, 10);
	REC_SET(&q, request, method, 1);
	env_write(&b, ENV_REQUEST, &q);
	ck_assert_int_eq(env_read(buf_str(&b), ENV_REQUEST, &got, &a, &e), 0);
	buf_reset(&b);
	q.deadline = 60001;
	env_write(&b, ENV_REQUEST, &q);
	ck_assert_int_eq(env_read(buf_str(&b), ENV_REQUEST, &got, &a, &e), -1);
	ck_assert_int_eq(e.path[0], 2);
	buf_reset(&b);
	q.deadline = 1;
	REC_UNSET(&q, request, method);
	e.depth = 0;
	env_write(&b, ENV_REQUEST, &q);
	ck_assert_int_eq(env_read(buf_str(&b), ENV_REQUEST, &got, &a, &e), -1);
	ck_assert_int_eq(e.path[0], 4);
	buf_reset(&b);
	/* Secrets travel between our processes; an answer to a client would not have them. */
	REC_SET(&q, request, method, 1);
	REC_SET(&q.cred, credentials, user, STR_LIT("4410"));
	REC_SET(&q.cred, credentials, password, STR_LIT("secret99"));
	q.has |= REC_BIT(request, cred);
	env_write(&b, ENV_REQUEST, &q);
	ck_assert_ptr_nonnull(memmem(b.p, b.n, "secret99", 8));
	buf_reset(&b);
	mp_encode(&rec_request, &q, &b, 0);
	ck_assert_ptr_null(memmem(b.p, b.n, "secret99", 8));
	ck_assert_ptr_null(memmem(b.p, b.n, "4410", 4));
}
END_TEST

START_TEST(hellos)
{
	unsigned char tables[8], others[8];
	struct hello h, got;
	bool same = false;

	env_hello(&h, tables, "gateway 1");
	env_write(&b, ENV_HELLO, &h);
	ck_assert_int_eq(env_read(buf_str(&b), ENV_HELLO, &got, &a, &e), 0);
	ck_assert_int_eq(env_hello_check(&got, &same, &e), 0);
	ck_assert(same);
	memcpy(others, tables, 8);
	others[7] ^= 1;
	REC_SET(&h, hello, tables, ((struct str){(char *)others, 8}));
	ck_assert_int_eq(env_hello_check(&h, &same, &e), 0);
	ck_assert(!same);
	REC_SET(&h, hello, minor, ENV_MINOR + 1);
	ck_assert_int_eq(env_hello_check(&h, &same, &e), 0);
	REC_SET(&h, hello, major, ENV_MAJOR + 1);
	ck_assert_int_eq(env_hello_check(&h, &same, &e), -1);
	REC_SET(&h, hello, major, ENV_MAJOR);
	REC_SET(&h, hello, protocol, STR_LIT("other"));
	ck_assert_int_eq(env_hello_check(&h, &same, &e), -1);
	/* A hash of another size does not get as far as the comparison. */
	REC_SET(&h, hello, protocol, STR_LIT("tandem"));
	for (size_t n = 0; n < 12; n++) {
		REC_SET(&h, hello, tables, ((struct str){"0123456789ab", n}));
		buf_reset(&b);
		env_write(&b, ENV_HELLO, &h);
		e.depth = 0;
		ck_assert_int_eq(env_read(buf_str(&b), ENV_HELLO, &got, &a, &e), n == 8 ? 0 : -1);
	}
}
END_TEST

/* A later minor version adds members: they are passed over. */
START_TEST(additions_are_passed_over)
{
	struct credit c;

	ck_assert_int_eq(
	    env_read(STR_LIT("\x04\x83\x01\x07\x63\x91\xa1x\x02\x03"), ENV_CREDIT, &c, &a, &e), 0);
	ck_assert_int_eq(c.id, 7);
	ck_assert_int_eq(c.parts, 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("env");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, frames_there_and_back, 0, sizeof(types) / sizeof(types[0]));
	tcase_add_test(t, types_are_told_apart);
	tcase_add_test(t, values_are_validated);
	tcase_add_test(t, hellos);
	tcase_add_test(t, additions_are_passed_over);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
