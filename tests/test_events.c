/* SPDX-License-Identifier: ISC */
/*
 * GET /my/events against a real backend and gateway: each event once and in order, also across
 * kills of either process; nobody else's; an end with the user's right; and readers, gateways and
 * numbers that mean no good.
 */
#include <check.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/event_streams.h"
#include "backend/user_events.h"
#include "common/clock.h"
#include "tests/feeder.h"
#include "tests/hostile.h"
#include "tests/sse.h"

#define ANA "\"Ana Pop\" <sip:4410@pbx.example.net>"
#define BEN "<sip:4420@pbx.example.net>"
#define FAR "<sip:9@far.example>"
#define USER_ANA "4410:secret99"
#define USER_BEN "4420:secret20"

enum { SOON_MS = 10000 };

static struct rig rig;
static struct feeder feed;

static void
begin(const char *extra)
{
	rig = (struct rig){.extra = extra};
	rig_start_fixture(&rig);
	feeder_open(&feed, feeder_endpoint(&rig), "kam-1", "e1");
	ck_assert_int_eq(feeder_hello(&feed), 0);
}

static void
setup(void)
{
	begin(NULL);
}

static void
setup_limits(void)
{
	begin("event_streams = 10\n[gateway]\nworkers = 1\nevent_streams = 6\n"
	      "cors = https://phone.example\n");
}

static void
teardown(void)
{
	if (feed.client != NULL)
		feeder_close(&feed);
	rig_stop(&rig);
}

static void
call(const char *key, const char *from, const char *to, enum call_state state)
{
	struct live_call c = feeder_call(from, to, 1700000000000);

	REC_SET(&c, live_call, state, (int)state);
	feeder_send(&feed, feed_kind_CALL, key, &c);
}

static void
end(const char *key)
{
	feeder_send(&feed, feed_kind_CALL_END, key, NULL);
}

static void
put(const char *user, const char *path, const char *json)
{
	struct answer a = rig_put(&rig, user, path, json);

	ck_assert_msg(a.status == 200, "PUT %s: %d %s", path, a.status, a.body);
	answer_free(&a);
}

static void
forwards(const char *user)
{
	put(user, "/my/forward", "{\"call-sequence\":{\"expiration\":30}}");
}

static void
expect(struct sse *s, const char *type, const char *part)
{
	struct sse_event ev;

	sse_expect(s, &ev, type);
	ck_assert_msg(strstr(ev.data, part) != NULL, "%s without %s: %s", type, part, ev.data);
}

/* Whether nothing but numbers and comments comes within some milliseconds. */
static bool
is_silent(struct sse *s, int ms)
{
	long long until = ms_now() + ms;

	for (;;) {
		struct sse_event ev;
		long long left = until - ms_now();
		enum sse_got got = sse_next(s, &ev, left > 0 ? (int)left : 1);

		if (got == SSE_TIMEOUT)
			return true;
		if ((got != SSE_EVENT || ev.type[0] != '\0') && got != SSE_COMMENT)
			return false;
		if (got == SSE_EVENT)
			s->last = ev.id;
	}
}

START_TEST(calls_and_settings_as_they_happen)
{
	struct sse ana, ben;
	struct answer a;

	call("old", ANA, FAR, call_state_ANSWERED);
	feeder_settle(&feed);
	sse_open_as(&ana, &rig, USER_ANA, NULL);
	sse_open_as(&ben, &rig, USER_BEN, NULL);
	ck_assert_int_eq(ana.status, 200);
	ck_assert_ptr_nonnull(strstr(ana.head, "content-type: text/event-stream\r\n"));
	ck_assert_ptr_nonnull(strstr(ana.head, "cache-control: no-store\r\n"));
	ck_assert_ptr_nonnull(strstr(ana.head, "x-accel-buffering: no\r\n"));
	ck_assert_ptr_nonnull(strstr(ana.head, "transfer-encoding: chunked\r\n"));
	/* What was before is not told, but where the stream is. */
	ck_assert(is_silent(&ana, 200));
	ck_assert_int_eq(ana.last, 1);
	call("c", ANA, BEN, call_state_STARTED);
	call("c", ANA, BEN, call_state_RINGING);
	call("c", ANA, BEN, call_state_RINGING);
	call("c", ANA, BEN, call_state_ANSWERED);
	end("c");
	expect(&ana, "call", "\"id\":2,\"type\":\"call\",");
	expect(&ana, "call", "\"state\":\"ringing\",\"call\":{\"id\":\"");
	expect(&ana, "call", "\"from\":\"Ana Pop - 4410\"");
	expect(&ana, "call", "\"state\":\"ended\"");
	for (int i = 0; i < 4; i++)
		expect(&ben, "call", "\"to\":\"4420\"");
	forwards(USER_ANA);
	expect(&ana, "settings", "\"state\":\"changed\",\"resource\":\"forward\"");
	/* A PIN stands in no event. */
	a = rig_put(&rig, USER_ANA, "/my/voicemail/pin/77123", NULL);
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	expect(&ana, "settings", "\"resource\":\"voicemail/pin\"}");
	/* What fails is no news, nor is a session. */
	a = rig_put(&rig, USER_ANA, "/my/forward", "{\"call-sequence\":{\"expiration\":-5}}");
	ck_assert_int_eq(a.status, 400);
	answer_free(&a);
	a = rig_ask(&rig, &(struct ask){.method = "POST", .path = "/session", .user = USER_ANA});
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	ck_assert(is_silent(&ana, 300));
	ck_assert(is_silent(&ben, 100));
	ck_assert_int_eq(ana.last, 7);
	ck_assert_int_eq(ben.last, 4);
	sse_close(&ana);
	sse_close(&ben);
}
END_TEST

/* Of rooms that the user owns, under the room's name, whatever the switch calls it. */
START_TEST(conferences_as_they_happen)
{
	struct live_conference conf = feeder_conference("sales-room"),
	                       far = feeder_conference("nobody");
	struct live_member member = feeder_participant(7, "4420");
	struct sse ana, ben;

	sse_open_as(&ana, &rig, USER_ANA, NULL);
	sse_open_as(&ben, &rig, USER_BEN, NULL);
	ck_assert(is_silent(&ana, 50));
	feeder_send(&feed, feed_kind_CONFERENCE, "far", &far);
	feeder_send(&feed, feed_kind_CONFERENCE, "k", &conf);
	expect(&ana, "conference",
	    "\"state\":\"started\",\"conference\":{\"name\":\"sales-room\",\"locked\":false,");
	feeder_member(&feed, feed_kind_MEMBER, "k", 7, &member);
	expect(&ana, "member", "\"state\":\"joined\",\"conference\":{\"name\":\"sales-room\"},");
	/* What is said again is no news, nor is what events do not show. */
	feeder_member(&feed, feed_kind_MEMBER, "k", 7, &member);
	REC_SET(&member, live_member, energy, 77);
	feeder_member(&feed, feed_kind_MEMBER, "k", 7, &member);
	feeder_send(&feed, feed_kind_CONFERENCE, "k", &conf);
	REC_SET(&member, live_member, muted, true);
	feeder_member(&feed, feed_kind_MEMBER, "k", 7, &member);
	expect(&ana, "member", "\"state\":\"changed\"");
	REC_SET(&conf, live_conference, locked, true);
	feeder_send(&feed, feed_kind_CONFERENCE, "k", &conf);
	expect(&ana, "conference", "\"locked\":true");
	feeder_member(&feed, feed_kind_MEMBER_END, "k", 7, NULL);
	expect(&ana, "member", "\"state\":\"left\"");
	feeder_member(&feed, feed_kind_MEMBER, "k", 7, &member);
	expect(&ana, "member", "\"muted\":true");
	/* The end of a conference is that of its members. */
	feeder_send(&feed, feed_kind_CONFERENCE_END, "k", NULL);
	expect(&ana, "member", "\"state\":\"left\"");
	expect(&ana, "conference", "\"state\":\"ended\"");
	/* So is a snapshot that lacks it. */
	feeder_send(&feed, feed_kind_CONFERENCE, "k2", &conf);
	expect(&ana, "conference", "\"state\":\"started\"");
	feeder_member(&feed, feed_kind_MEMBER, "k2", 7, &member);
	expect(&ana, "member", "joined");
	feeder_send(&feed, feed_kind_SNAPSHOT_BEGIN, NULL, NULL);
	feeder_send(&feed, feed_kind_SNAPSHOT_END, NULL, NULL);
	expect(&ana, "member", "left");
	expect(&ana, "conference", "ended");
	ck_assert(is_silent(&ana, 100));
	ck_assert(is_silent(&ben, 50));
	ck_assert_int_eq(ben.last, 0);
	sse_close(&ana);
	sse_close(&ben);
}
END_TEST

START_TEST(what_was_missed_is_told_first)
{
	struct sse s;

	for (int i = 0; i < 300; i++)
		forwards(USER_ANA);
	sse_open_as(&s, &rig, USER_ANA, "0");
	forwards(USER_ANA);
	for (int i = 1; i <= 301; i++)
		expect(&s, "settings", "forward");
	ck_assert_int_eq(s.last, 301);
	sse_close(&s);
	/* By the query, for clients that cannot set the field; the field wins. */
	sse_open(
	    &s, &rig, 0, "/my/events?lastEventId=299", "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\n");
	expect(&s, "settings", "\"id\":300");
	expect(&s, "settings", "\"id\":301");
	ck_assert(is_silent(&s, 100));
	sse_close(&s);
	sse_open(&s, &rig, 0, "/my/events?lastEventId=100",
	    "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\nLast-Event-ID: 300\r\n");
	expect(&s, "settings", "\"id\":301");
	sse_close(&s);
	sse_open_as(&s, &rig, USER_ANA, "301");
	ck_assert(is_silent(&s, 100));
	sse_close(&s);
	sse_open_as(&s, &rig, USER_ANA, "");
	ck_assert(is_silent(&s, 100));
	ck_assert_int_eq(s.last, 301);
	sse_close(&s);
}
END_TEST

START_TEST(numbers_that_are_none)
{
	static const char *const numbers[] = {"-1", "-9223372036854775808", "9223372036854775807",
	    "99999999999999999999999", "abc", "3x", "2", "0x1", "%00", "1 1", "\xff\xfe", "+1, +1"};
	struct sse_event ev;
	struct sse s;

	forwards(USER_ANA);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sse_open_as(&s, &rig, USER_ANA, numbers[i]);
		ck_assert_msg(s.status == 200, "%s: %d", numbers[i], s.status);
		sse_expect(&s, &ev, "reset");
		ck_assert_int_eq(ev.id, 1);
		sse_close(&s);
	}
	sse_open(
	    &s, &rig, 0, "/my/events?lastEventId=-7", "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\n");
	sse_expect(&s, &ev, "reset");
	/* And it goes on. */
	forwards(USER_ANA);
	expect(&s, "settings", "\"id\":2");
	sse_close(&s);
}
END_TEST

START_TEST(a_log_that_is_full)
{
	struct sse_event ev;
	struct sse s;

	for (int i = 0; i < (EVENTS_KEPT + 100) / 2; i++) {
		call("c", FAR, ANA, call_state_RINGING);
		end("c");
		if (i % 100 == 99)
			feeder_settle(&feed);
	}
	feeder_settle(&feed);
	sse_open_as(&s, &rig, USER_ANA, "99");
	sse_expect(&s, &ev, "reset");
	ck_assert_int_eq(ev.id, EVENTS_KEPT + 100);
	sse_close(&s);
	sse_open_as(&s, &rig, USER_ANA, "100");
	for (int i = 101; i <= EVENTS_KEPT + 100; i++)
		expect(&s, "call", "\"call\":{");
	ck_assert(is_silent(&s, 100));
	sse_close(&s);
}
END_TEST

static bool
is_free(int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	bool free;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	free = bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 && listen(fd, 1) == 0;
	close(fd);
	return free;
}

/* Its workers see by themselves that their parent has gone, and give the port back. */
static void
kill_gateway(void)
{
	long long until = ms_now() + SOON_MS;

	rig_kill(&rig.gateway[0]);
	while (!is_free(rig.port[0])) {
		ck_assert_msg(ms_now() < until, "the workers of a killed gateway keep its port");
		usleep(10000);
	}
}

/* The client's part in an event's life: whatever is killed, it connects anew with what it has. */
START_TEST(each_event_once_whoever_is_killed)
{
	enum { ROUNDS = 6, EACH = 40 };
	long long have = 0;
	struct sse s;

	for (int round = 0; round < ROUNDS; round++) {
		char number[24];

		snprintf(number, sizeof(number), "%lld", have);
		sse_open_as(&s, &rig, USER_ANA, number);
		for (int i = 0; i < EACH; i++) {
			char key[32];

			snprintf(key, sizeof(key), "c%d.%d", round, i);
			call(key, ANA, FAR, call_state_RINGING);
		}
		/* Some of it arrives, and none of it twice. */
		for (int i = 0; i < EACH / 2; i++)
			expect(&s, "call", "ringing");
		have = s.last;
		if (round % 2 == 0) {
			kill_gateway();
		} else {
			rig_kill(&rig.backend);
			feeder_close(&feed);
		}
		ck_assert_int_ne(sse_end(&s, SOON_MS), SSE_TIMEOUT);
		sse_close(&s);
		if (round % 2 == 0) {
			rig_gateway(&rig, 0);
		} else {
			int64_t stored;

			rig_backend(&rig);
			feeder_open(&feed, feeder_endpoint(&rig), "kam-1", "e1");
			stored = feeder_hello(&feed);
			/* As a feed does: what is not stored is sent again. */
			for (int64_t i = stored; i < (int64_t)EACH * (round + 1); i++) {
				char key[32];
				struct live_call c = feeder_call(ANA, FAR, 1700000000000);

				REC_SET(&c, live_call, state, call_state_RINGING);
				snprintf(key, sizeof(key), "c%d.%d", round, (int)(i % EACH));
				feeder_send_as(&feed, i + 1, feed_kind_CALL, key, &c);
			}
			feed.seq = (int64_t)EACH * (round + 1);
		}
		rig_await_ready(&rig, 0);
		feeder_settle(&feed);
	}
	sse_open_as(&s, &rig, USER_ANA, "0");
	for (int i = 1; i <= ROUNDS * EACH; i++)
		expect(&s, "call", "ringing");
	ck_assert(is_silent(&s, 200));
	sse_close(&s);
}
END_TEST

static void
token_of(const char *user, char *ret, size_t len)
{
	struct answer a =
	    rig_ask(&rig, &(struct ask){.method = "POST", .path = "/session", .user = user});
	const char *from = strstr(a.body, "\"token\":\"");

	ck_assert_ptr_nonnull(from);
	from += strlen("\"token\":\"");
	snprintf(ret, len, "%.*s", (int)strcspn(from, "\""), from);
	answer_free(&a);
}

static void
open_with_token(struct sse *s, const char *token)
{
	char fields[4096];

	snprintf(fields, sizeof(fields), "Authorization: Bearer %s\r\n", token);
	sse_open(s, &rig, 0, "/my/events", fields);
	ck_assert_int_eq(s->status, 200);
	ck_assert(is_silent(s, 50));
}

/* One that is over after some milliseconds. */
static void
short_token(int64_t life_ms, char *ret, size_t len)
{
	struct str payload;
	const unsigned char *sig;
	struct buf signed_token, text;
	struct arena a;
	struct cap c;
	char token[4096], bytes[4096];
	size_t n;

	token_of(USER_ANA, token, sizeof(token));
	arena_init(&a, 1 << 16);
	ck_assert_int_eq(sodium_base642bin((unsigned char *)bytes, sizeof(bytes), token, strlen(token),
	                     NULL, &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
	    0);
	ck_assert_int_eq(cap_read((struct str){bytes, n}, &c, &payload, &sig, &a), 0);
	REC_SET(&c, cap, token, 4711);
	REC_SET(&c, cap, issued, clock_wall_ms());
	REC_SET(&c, cap, expires, c.issued + life_ms);
	hostile_capability(&rig, &c, &signed_token);
	buf_init(&text, len);
	cap_text(buf_str(&signed_token), &text);
	snprintf(ret, len, "%.*s", (int)text.n, text.p);
	buf_free(&text);
	buf_free(&signed_token);
	arena_free(&a);
}

/* The stream ends as HTTP says it, at once where somebody has taken the right away. */
static void
ends(struct sse *s, const char *why, int ms)
{
	long long from = ms_now();
	enum sse_got got = sse_end(s, SOON_MS);

	ck_assert_msg(got == SSE_ENDED, "%s: %d", why, (int)got);
	ck_assert_msg(ms_now() - from < ms, "%s: only after %lld ms", why, ms_now() - from);
	sse_close(s);
}

START_TEST(a_stream_ends_with_the_right_to_it)
{
	enum { AT_ONCE_MS = 4000, LOOK_MS = 9000 };
	char token[4096], out[1024], path[128];
	struct sse basic, session, key, over, ben;
	struct answer a;

	sse_open_as(&ben, &rig, USER_BEN, NULL);
	/* Its time is over. */
	short_token(3000, token, sizeof(token));
	open_with_token(&over, token);
	/* The session is ended. */
	token_of(USER_ANA, token, sizeof(token));
	open_with_token(&session, token);
	a = rig_ask(&rig, &(struct ask){.method = "DELETE", .path = "/session", .bearer = token});
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	ends(&session, "DELETE /session", AT_ONCE_MS);
	token_of(USER_ANA, token, sizeof(token));
	open_with_token(&session, token);
	/* A key is revoked. */
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key make 4410"), 0);
	for (char *p = out; *p != '\0'; p += strspn(p, " \n")) {
		size_t n = strcspn(p, " \n");

		if (n == 32)
			snprintf(path, sizeof(path), "/private/%.*s/events", (int)n, p);
		p += n;
	}
	sse_open(&key, &rig, 0, path, "");
	ck_assert_int_eq(key.status, 200);
	forwards(USER_ANA);
	expect(&key, "settings", "forward");
	expect(&session, "settings", "forward");
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "key revoke 1"), 0);
	ends(&key, "key revoke", AT_ONCE_MS);
	ck_assert(is_silent(&session, 50));
	ends(&over, "an expired token", LOOK_MS);
	/* The password is another one: who logged in with the old one has to do so again. */
	sse_open_as(&basic, &rig, USER_ANA, NULL);
	ck_assert(is_silent(&basic, 50));
	ck_assert_int_eq(
	    rig_ctl(&rig, "secret99\n", NULL, 0, "user password 4410 --password-stdin --allow-weak"),
	    0);
	ends(&basic, "user password", AT_ONCE_MS);
	ends(&session, "user password", AT_ONCE_MS);
	sse_open_as(&basic, &rig, USER_ANA, NULL);
	ck_assert(is_silent(&basic, 50));
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user disable 4410"), 0);
	ends(&basic, "user disable", AT_ONCE_MS);
	sse_open_as(&basic, &rig, USER_ANA, NULL);
	ck_assert_int_eq(basic.status, 401);
	sse_close(&basic);
	/* And the events of what happens then are nobody's. */
	call("c", ANA, BEN, call_state_ANSWERED);
	expect(&ben, "call", "answered");
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 4420 --yes"), 0);
	ends(&ben, "user remove", AT_ONCE_MS);
}
END_TEST

START_TEST(limits)
{
	struct sse s[6], far[5], other;
	long long until;
	struct answer a;

	/* Six are the worker's. */
	for (int i = 0; i < 6; i++) {
		sse_open_as(&s[i], &rig, i < 3 ? USER_ANA : USER_BEN, NULL);
		ck_assert_int_eq(s[i].status, 200);
	}
	sse_open_as(&other, &rig, USER_ANA, NULL);
	ck_assert_int_eq(other.status, 503);
	ck_assert_ptr_nonnull(strstr(other.head, "retry-after: "));
	sse_close(&other);
	a = rig_get(&rig, USER_ANA, "/my/forward");
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	/* Ten are the backend's: another gateway has four of them. */
	rig_gateway(&rig, 1);
	rig_await_ready(&rig, 1);
	for (int i = 0; i < 5; i++) {
		sse_open(&far[i], &rig, 1, "/my/events", "Authorization: Basic NDQyMDpzZWNyZXQyMA==\r\n");
		ck_assert_int_eq(far[i].status, i < 4 ? 200 : 503);
	}
	for (int i = 0; i < 5; i++)
		sse_close(&far[i]);
	/* Places come back. */
	for (int i = 0; i < 6; i++)
		sse_close(&s[i]);
	until = ms_now() + SOON_MS;
	do {
		ck_assert_msg(ms_now() < until, "no place becomes free");
		sse_open_as(&other, &rig, USER_ANA, NULL);
		sse_close(&other);
	} while (other.status != 200);
	/* A page of another origin. */
	sse_open(&other, &rig, 0, "/my/events",
	    "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\nOrigin: https://phone.example\r\n");
	ck_assert_ptr_nonnull(
	    strstr(other.head, "access-control-allow-origin: https://phone.example\r\n"));
	sse_close(&other);
}
END_TEST

static int
files_of(pid_t pid)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((d = opendir(path)) == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Of all processes of the gateway. */
static int
open_files(void)
{
	pid_t below[16];
	size_t n = children_of(rig.gateway[0], below, 16);
	int all = 0;

	for (size_t i = 0; i < n; i++)
		all += files_of(below[i]);
	return all;
}

START_TEST(who_leaves_leaves_nothing)
{
	struct sse s[EVENT_STREAMS_OF_USER], more;
	long long until = ms_now() + SOON_MS;
	int before = open_files();

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < EVENT_STREAMS_OF_USER; i++) {
			do {
				ck_assert_msg(ms_now() < until, "streams of clients that left hold their places");
				sse_open_as(&s[i], &rig, USER_ANA, NULL);
				if (s[i].status != 200)
					sse_close(&s[i]);
			} while (s[i].status == 429);
			ck_assert_int_eq(s[i].status, 200);
		}
		/* One more is too many for this user, and none of another's business. */
		sse_open_as(&more, &rig, USER_ANA, NULL);
		ck_assert_int_eq(more.status, 429);
		ck_assert_ptr_nonnull(strstr(more.head, "retry-after: "));
		sse_close(&more);
		sse_open_as(&more, &rig, USER_BEN, NULL);
		ck_assert_int_eq(more.status, 200);
		sse_close(&more);
		forwards(USER_ANA);
		for (int i = 0; i < EVENT_STREAMS_OF_USER; i++) {
			expect(&s[i], "settings", "forward");
			sse_close(&s[i]);
		}
		until = ms_now() + SOON_MS;
	}
	/* Those of curl and of the backend may stay. */
	while (open_files() > before + 2)
		ck_assert_msg(ms_now() < until, "%d files instead of %d", open_files(), before);
}
END_TEST

/* Whether the gateway still has its end of a connection, from the kernel's list of all. */
static bool
is_served(const struct sse *s)
{
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	char want[64], line[512];
	bool found = false;
	FILE *f;

	ck_assert_int_eq(getsockname(s->tls.fd, (struct sockaddr *)&own, &len), 0);
	snprintf(want, sizeof(want), ": %08X:%04X %08X:%04X 01 ", (unsigned)own.sin_addr.s_addr,
	    (unsigned)rig.port[0], (unsigned)own.sin_addr.s_addr, (unsigned)ntohs(own.sin_port));
	ck_assert_ptr_nonnull(f = fopen("/proc/net/tcp", "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		found = found || strstr(line, want) != NULL;
	fclose(f);
	return found;
}

/* What is more than 64 KiB behind is cut; what others get does not wait for it. */
START_TEST(a_reader_who_takes_nothing_is_cut)
{
	enum { CALLS_MAX = 5000 };
	char name[900], from[1024];
	struct sse slow, fast;
	int n = 0, told = 0;

	sse_open_as(&fast, &rig, USER_ANA, NULL);
	ck_assert(is_silent(&fast, 50));
	raw_receive_buffer = 4096;
	sse_open_as(&slow, &rig, USER_ANA, NULL);
	raw_receive_buffer = 0;
	ck_assert(is_served(&slow));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(from, sizeof(from), "\"%s\" <sip:9@far.example>", name);
	while (n < CALLS_MAX && (n % 50 != 0 || is_served(&slow))) {
		char key[32];

		snprintf(key, sizeof(key), "c%d", n++);
		call(key, from, ANA, call_state_ANSWERED);
		expect(&fast, "call", "answered");
	}
	ck_assert_msg(n < CALLS_MAX, "it was told of %d calls that it did not look at", n);
	feeder_settle(&feed);
	for (struct sse_event ev; sse_next(&slow, &ev, SOON_MS) == SSE_EVENT;)
		told++;
	ck_assert(slow.tls.closed && !slow.ended);
	ck_assert_int_lt(told, n);
	sse_close(&slow);
	sse_close(&fast);
}
END_TEST

/* A gateway that is not ours: what it may ask for is bounded, and it holds nothing for long. */
START_TEST(a_quiet_stream_lives_and_a_dead_gateway_does_not)
{
	enum { QUIET_MS = 34000, BEAT_MS = 15000 };
	long long from, beat;
	struct request q = {0};
	struct reply reply;
	struct hostile h;
	struct sse quiet, ben;

	sse_open_as(&quiet, &rig, USER_ANA, NULL);
	ck_assert(is_silent(&quiet, 50));
	hostile_open(&h, &rig, false);
	REC_SET(&q, request, res, RES_EVENTS);
	REC_SET(&q.cred, credentials, user, STR_LIT("4420"));
	REC_SET(&q.cred, credentials, password, STR_LIT("secret20"));
	q.has |= REC_BIT(request, cred);
	for (int i = 0; i <= EVENT_STREAMS_OF_USER; i++) {
		struct request one = q;

		ck_assert_int_eq(
		    hostile_ask(&h, &one, &reply), i < EVENT_STREAMS_OF_USER ? ERR_OK : ERR_TOO_MANY);
		if (i == 0)
			ck_assert(REC_HAS(&reply, reply, more) && REC_HAS(&reply, reply, current));
	}
	/* Streams without credit say nothing more. */
	forwards(USER_BEN);
	ck_assert(!hostile_next(&h, &(struct str){NULL, 0}, 300));
	hostile_close(&h);
	sse_open_as(&ben, &rig, USER_BEN, NULL);
	ck_assert_int_eq(ben.status, 429);
	sse_close(&ben);
	from = beat = ms_now();
	while (ms_now() - from < QUIET_MS) {
		struct sse_event ev;
		enum sse_got got = sse_next(&quiet, &ev, BEAT_MS);

		ck_assert_msg(got == SSE_COMMENT, "%d after %lld ms", (int)got, ms_now() - from);
		ck_assert_msg(ms_now() - beat <= BEAT_MS, "silent for %lld ms", ms_now() - beat);
		beat = ms_now();
	}
	forwards(USER_ANA);
	expect(&quiet, "settings", "forward");
	sse_open_as(&ben, &rig, USER_BEN, NULL);
	ck_assert_int_eq(ben.status, 200);
	sse_close(&ben);
	sse_close(&quiet);
}
END_TEST

/* What a hostile gateway says about streams that are not its own is said to nobody. */
START_TEST(a_hostile_gateway_reaches_no_other_s_stream)
{
	struct request q = {0};
	struct credit c = {0};
	struct hostile h;
	struct sse s;
	struct buf b;

	sse_open_as(&s, &rig, USER_ANA, NULL);
	ck_assert(is_silent(&s, 50));
	hostile_open(&h, &rig, false);
	buf_init(&b, 4096);
	for (int64_t id = 0; id < 100000; id += id < 200 ? 1 : 4096 + 1) {
		REC_SET(&c, credit, id, id);
		REC_SET(&c, credit, parts, id % 3 == 0 ? 0 : 64);
		buf_reset(&b);
		env_write(&b, ENV_CREDIT, &c);
		hostile_send(&h, buf_str(&b));
	}
	/* A user cannot be named. */
	REC_SET(&q, request, res, RES_EVENTS);
	REC_SET(&q, request, key, STR_LIT("4410"));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	REC_SET(&q, request, last_event_id, INT64_MAX);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	buf_free(&b);
	hostile_close(&h);
	forwards(USER_ANA);
	expect(&s, "settings", "forward");
	sse_close(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("events");
	TCase *t = tcase_create("events"), *l = tcase_create("limits"),
	      *c = tcase_create("conferences"), *patience = tcase_create("patience");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 180);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, calls_and_settings_as_they_happen);
	tcase_add_test(c, conferences_as_they_happen);
	tcase_add_test(t, what_was_missed_is_told_first);
	tcase_add_test(t, numbers_that_are_none);
	tcase_add_test(t, a_log_that_is_full);
	tcase_add_test(t, each_event_once_whoever_is_killed);
	tcase_add_test(t, a_stream_ends_with_the_right_to_it);
	tcase_add_test(t, who_leaves_leaves_nothing);
	tcase_add_test(t, a_reader_who_takes_nothing_is_cut);
	tcase_add_test(t, a_hostile_gateway_reaches_no_other_s_stream);
	suite_add_tcase(suite, t);
	tcase_set_tags(patience, "slow");
	tcase_set_timeout(patience, 180);
	tcase_add_checked_fixture(patience, setup, teardown);
	tcase_add_test(patience, a_quiet_stream_lives_and_a_dead_gateway_does_not);
	suite_add_tcase(suite, patience);
	tcase_set_timeout(l, 120);
	tcase_add_checked_fixture(l, setup_limits, teardown);
	tcase_add_test(l, limits);
	suite_add_tcase(suite, l);
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	suite_add_tcase(suite, c);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
