/* SPDX-License-Identifier: ISC */
/*
 * A feed beside a backend that is a test, and so can do what a real one does not do when it is
 * asked to: commands twice and too late, windows, numbers that are wanted again, nonsense.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/feed_host.h"
#include "tests/puppet.h"

static char dir[64], endpoint[96];
static struct child feed;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tandem-orders.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/feeds.sock", dir);
	host_open(endpoint);
	puppet_start(&feed, dir, endpoint, 8);
	child_expect(&feed, "resync");
}

static void
teardown(void)
{
	char command[128];

	child_kill(&feed);
	host_close();
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
command(int64_t id, int64_t deadline, int verb)
{
	struct feed_command c = {0};

	REC_SET(&c, feed_command, id, id);
	REC_SET(&c, feed_command, deadline, deadline);
	REC_SET(&c, feed_command, verb, verb);
	host_send(ENV_FEED_COMMAND, &c);
}

static struct feed_result
result_of(int64_t id)
{
	struct feed_result r;

	host_expect(ENV_FEED_RESULT, &r);
	ck_assert_int_eq(r.id, id);
	return r;
}

START_TEST(a_command_is_carried_out_once)
{
	struct feed_result r;
	char line[256];

	ck_assert_uint_eq(host_welcome(0, 256), 2);
	command(11, 5000, feed_verb_MUTE);
	ck_assert_str_eq(child_expect(&feed, "command"), "command 11 2");
	/* Again while it is under way, and again once it has ended. */
	command(11, 5000, feed_verb_MUTE);
	command(10, 5000, feed_verb_MUTE);
	ck_assert_str_eq(child_expect(&feed, "command"), "command 10 2");
	child_say(&feed, "result 11 1");
	r = result_of(11);
	child_say(&feed, "result 10 1");
	result_of(10);
	ck_assert(r.ok);
	ck_assert(str_eqc(r.text, "as told"));
	command(11, 5000, feed_verb_MUTE);
	r = result_of(11);
	ck_assert(r.ok);
	ck_assert(str_eqc(r.text, "as told"));
	/* What is overdue, what the switch cannot do, and what the frame does itself. */
	command(12, 0, feed_verb_MUTE);
	r = result_of(12);
	ck_assert(!r.ok);
	ck_assert_int_eq(r.code, ERR_DEADLINE);
	command(13, 5000, feed_verb_LOCK);
	r = result_of(13);
	ck_assert(!r.ok);
	ck_assert_int_eq(r.code, ERR_NOT_IMPLEMENTED);
	command(14, 5000, feed_verb_RESYNC);
	ck_assert(result_of(14).ok);
	child_expect(&feed, "resync");
	ck_assert(!child_line(&feed, line, sizeof(line), 200));
	/* Of a thousand others the first is remembered still; then it is another one. */
	for (int64_t id = 100; id < 1095; id++) {
		command(id, 0, feed_verb_MUTE);
		result_of(id);
	}
	command(11, 5000, feed_verb_MUTE);
	ck_assert(result_of(11).ok);
	command(2000, 0, feed_verb_MUTE);
	result_of(2000);
	command(11, 5000, feed_verb_MUTE);
	ck_assert_str_eq(child_expect(&feed, "command"), "command 11 2");
}
END_TEST

static void
expect_message(int64_t seq)
{
	struct feed_message m;

	host_expect(ENV_FEED_MESSAGE, &m);
	ck_assert_int_eq(m.seq, seq);
	ck_assert(str_eqc(m.epoch, host_epoch));
}

/* Greetings do not count: a feed repeats its own each second until it has read the answer. */
static bool
silent(int ms)
{
	long long until = ms_now() + ms;
	struct str frame;

	while (ms_now() < until)
		if (host_next(&frame, (int)(until - ms_now())) == 1 && env_type(frame) != ENV_FEED_HELLO)
			return false;
	return true;
}

/* Whether nothing at all is said for so long; what was said before the feed had read is over soon.
 */
static bool
falls_silent(int ms)
{
	struct str frame;

	for (int said = 0; host_next(&frame, ms) == 1; said++)
		if (said == 5 || env_type(frame) != ENV_FEED_HELLO)
			return false;
	return true;
}

static void
ack(int64_t seq)
{
	struct feed_ack a = {0};

	REC_SET(&a, feed_ack, epoch, str_c(host_epoch));
	REC_SET(&a, feed_ack, seq, seq);
	host_send(ENV_FEED_ACK, &a);
}

static void
want(int64_t seq)
{
	struct feed_want w = {0};

	REC_SET(&w, feed_want, epoch, str_c(host_epoch));
	REC_SET(&w, feed_want, seq, seq);
	host_send(ENV_FEED_WANT, &w);
}

START_TEST(the_window_is_kept)
{
	char first[80], unknown = ENV_UNKNOWN;

	child_say(&feed, "calls k 30");
	child_expect(&feed, "said");
	host_welcome(0, 10);
	for (int64_t seq = 1; seq <= 10; seq++)
		expect_message(seq);
	ck_assert(silent(300));
	ack(4);
	for (int64_t seq = 11; seq <= 14; seq++)
		expect_message(seq);
	ck_assert(silent(300));
	want(7);
	for (int64_t seq = 7; seq <= 16; seq++)
		expect_message(seq);
	/* Of another epoch, never sent, nonsense: nothing happens. */
	snprintf(first, sizeof(first), "%s", host_epoch);
	snprintf(host_epoch, sizeof(host_epoch), "other");
	ack(30);
	want(1);
	memcpy(host_epoch, first, sizeof(host_epoch));
	ack(1000);
	host_frame(STR_LIT("\x13\xff\xff"));
	host_frame(STR_LIT("\xff"));
	ck_assert(silent(300));
	/* Without any acknowledgement everything behind the last one comes again. */
	expect_message(7);
	/* A backend that knows nothing of this feed is greeted, and says how far it is. */
	host_frame((struct str){&unknown, 1});
	host_welcome(20, 256);
	for (int64_t seq = 21; seq <= 30; seq++)
		expect_message(seq);
	/* More than there ever were: other numbers, and a snapshot. */
	memcpy(first, host_epoch, sizeof(first));
	host_frame((struct str){&unknown, 1});
	host_welcome(31, 256);
	child_expect(&feed, "resync");
	/* A greeting that was repeated before the welcome was read has the old epoch still. */
	do
		host_welcome(0, 256);
	while (strcmp(host_epoch, first) == 0);
	child_say(&feed, "call again");
	expect_message(1);
}
END_TEST

/* At once, then four a second; the last one counts; and nothing is kept while nobody is there. */
START_TEST(who_talks_is_told_four_times_a_second)
{
	struct feed_volatile v = {0};
	long long from, last;
	int n = 0;

	child_say(&feed, "talk room 1 5");
	/* Once it answers, it has read that; behind the welcome it would be told. */
	child_say(&feed, "cursor");
	child_expect(&feed, "cursor");
	host_welcome(0, 256);
	ck_assert(silent(400));
	from = ms_now();
	for (int i = 1; i <= 200; i++) {
		child_say(&feed, "talk room 1 %d", i);
		usleep(5000);
	}
	child_say(&feed, "talk room 2 7");
	last = ms_now();
	while (v.energy != 200 || n == 0) {
		host_expect(ENV_FEED_VOLATILE, &v);
		n += v.member == 1;
		if (v.member == 2)
			ck_assert_int_eq(v.energy, 7);
	}
	ck_assert(str_eqc(v.key, "room"));
	ck_assert_int_ge(n, 2);
	/* One at once, and one for each whole quarter of a second up to now. */
	ck_assert_int_le(n, 2 + (ms_now() - from) / 250);
	ck_assert_int_ge(last - from, 1000);
	silent(400);
	ck_assert(silent(400));
}
END_TEST

START_TEST(a_feed_that_is_refused)
{
	struct feed_welcome w = {0};
	struct feed_hello h;

	host_expect(ENV_FEED_HELLO, &h);
	REC_SET(&w, feed_welcome, epoch, h.epoch);
	REC_SET(&w, feed_welcome, applied, 0);
	REC_SET(&w, feed_welcome, window, 1);
	REC_SET(&w, feed_welcome, major, 9);
	REC_SET(&w, feed_welcome, minor, 0);
	REC_SET(&w, feed_welcome, refused, STR_LIT("another version"));
	host_send(ENV_FEED_WELCOME, &w);
	child_say(&feed, "call k");
	child_expect(&feed, "call 0");
	/* It says nothing, and asks again after a while. */
	ck_assert(falls_silent(3000));
	host_welcome(0, 256);
	expect_message(1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("feed_orders");
	TCase *t = tcase_create("feed_orders");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_command_is_carried_out_once);
	tcase_add_test(t, the_window_is_kept);
	tcase_add_test(t, who_talks_is_told_four_times_a_second);
	tcase_add_test(t, a_feed_that_is_refused);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
