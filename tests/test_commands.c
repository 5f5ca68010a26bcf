/* SPDX-License-Identifier: ISC */
/*
 * Acting through a switch: commands to conferences and click to call, from the request to the feed
 * and back; and feeds that answer wrongly, twice, late, for others, or not at all.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/feeder.h"

#define ROOM "/my/conference/sales-room/"
#define SAYS(text) "<command-response>" text "</command-response>"

static struct rig rig;
static struct feeder feed;
static int64_t all_verbs[15];

static void
start(void)
{
	rig = (struct rig){.port = {0}};
	rig_start_fixture(&rig);
}

static void
stop(void)
{
	rig_stop(&rig);
}

static void
connect_feed(void)
{
	char epoch[32];

	for (int i = 0; i < 15; i++)
		all_verbs[i] = i + 1;
	snprintf(epoch, sizeof(epoch), "%lld", ms_now());
	feeder_open(&feed, feeder_endpoint(&rig), "fs-1", epoch);
	feed.verbs = (struct int_list){all_verbs, 15};
	ck_assert_int_eq(feeder_hello(&feed), 0);
}

/* Says that it has nothing, and that it can do nothing. */
static void
clear(struct feeder *f)
{
	f->verbs.n = 0;
	feeder_hello(f);
	feeder_send(f, feed_kind_SNAPSHOT_BEGIN, NULL, NULL);
	feeder_send(f, feed_kind_SNAPSHOT_END, NULL, NULL);
	feeder_settle(f);
	feeder_close(f);
}

static void
disconnect_feed(void)
{
	clear(&feed);
}

static void
conference(struct feeder *f, int members)
{
	struct live_conference c = feeder_conference("sales-room");

	feeder_send(f, feed_kind_CONFERENCE, "c1", &c);
	for (int i = 1; i <= members; i++) {
		struct live_member m = feeder_participant(i, "4410");

		REC_SET(&m, live_member, name, STR_LIT("Ana; <b>\n&"));
		REC_SET(&m, live_member, moderator, i == 2);
		feeder_member(f, feed_kind_MEMBER, "c1", i, &m);
	}
	feeder_settle(f);
}

/* A request that waits for the switch, in a thread of its own. */
struct asking {
	pthread_t thread;
	struct ask ask;
	struct answer a;
};

static void *
ask_thread(void *arg)
{
	struct asking *k = arg;

	k->a = rig_ask(&rig, &k->ask);
	if (getenv("TANDEM_SHOW_ANSWERS") != NULL)
		fprintf(stderr, "%s %s: %d %s\n", k->ask.method, k->ask.path, k->a.status, k->a.body);
	return NULL;
}

static void
begin_ask(struct asking *k, const char *method, const char *path)
{
	*k = (struct asking){.ask = {.user = "4410:secret99", .method = method, .path = path}};
	ck_assert_int_eq(pthread_create(&k->thread, NULL, ask_thread, k), 0);
}

static void
end_ask(struct asking *k, int status, const char *body)
{
	pthread_join(k->thread, NULL);
	ck_assert_int_eq(k->a.status, status);
	if (body != NULL)
		ck_assert_str_eq(k->a.body, body);
	answer_free(&k->a);
}

/* What needs no switch. */
static void
says(const char *path, int status, const char *body)
{
	struct asking k;

	begin_ask(&k, "GET", path);
	end_ask(&k, status, body);
}

/* Vectors CC-1, CC-2, CC-7, CC-8, CC-9, CC-11: what is decided before a switch is asked. */
START_TEST(refused_and_unknown)
{
	static const char *const bad[] = {ROOM "&", ROOM "&&&", ROOM "%26", ROOM "invite",
	    ROOM "invite&1&2", ROOM "inviteim", ROOM "inviteim&ghost", ROOM "inviteim&4410",
	    ROOM "mute%203", ROOM "mute&3%0d%0aconference", ROOM "mute&3%09", ROOM "mute&a&b&c&d",
	    ROOM "invite&%7bx=1%7d5", ROOM "invite&1|2", ROOM "invite&1,2", ROOM "invite&1;x",
	    ROOM "invite&$%7bx%7d", ROOM "invite&a%0ab", ROOM "invite&'1'", ROOM "invite&1%252c2",
	    ROOM "invite&1@a.example%3bx", ROOM "invite&1@-a.example", ROOM "invite&-1@a.example"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		says(bad[i], 400, NULL);
	says("/my/conference/nope/lock", 404, NULL);
	says("/my/conference/bobs/lock", 403, NULL);
	says(ROOM, 404, NULL);
	says(ROOM "frobnicate", 200, SAYS("Conference command 'frobnicate' not found."));
	says(ROOM "dial&1", 200, SAYS("Conference command 'dial' not found."));
	says(ROOM "%3Cb%3E", 200, SAYS("Conference command '&lt;b&gt;' not found."));
	says(ROOM "lock", 200, SAYS("Conference sales-room not found"));
	says(ROOM "mute&3", 200, SAYS("Conference sales-room not found"));
	conference(&feed, 2);
	says(ROOM "mute&99", 200, SAYS("Non-Existent ID 99"));
	says(ROOM "mute&-1", 200, SAYS("Non-Existent ID -1"));
	says(ROOM "mute&9223372036854775808", 200, SAYS("Non-Existent ID 9223372036854775808"));
	says(ROOM "record&erase", 200, SAYS("ERROR: Incorect &quot;action&quot; parameter"));
	ck_assert(feeder_silent(&feed, 200));
}
END_TEST

static void
member_is(struct feeder *f, int64_t id, bool muted)
{
	struct live_member m = feeder_participant(id, "4410");

	REC_SET(&m, live_member, muted, muted);
	feeder_member(f, feed_kind_MEMBER, "c1", id, &m);
	feeder_settle(f);
}

static bool
is_muted(int id)
{
	struct answer a = rig_get(&rig, "4410:secret99", "/my/conferencedetails/sales-room");
	char text[32];
	const char *at;
	bool muted;

	ck_assert_int_eq(a.status, 200);
	snprintf(text, sizeof(text), "\"id\":%d,", id);
	ck_assert_ptr_nonnull(at = strstr(a.body, text));
	ck_assert_ptr_nonnull(at = strstr(at, "\"canSpeak\":"));
	muted = strncmp(at, "\"canSpeak\":false", 16) == 0;
	answer_free(&a);
	return muted;
}

/* Vectors CC-3, CC-4, CC-5, CC-10. Nothing changes by a result, only by what the switch tells. */
START_TEST(a_switch_obeys)
{
	struct feed_command c;
	struct asking k;

	conference(&feed, 3);
	begin_ask(&k, "GET", ROOM "mute&3");
	c = feeder_command(&feed, feed_verb_MUTE);
	ck_assert(str_eqc(c.key, "c1") && str_eqc(c.room, "sales-room"));
	ck_assert(REC_HAS(&c, feed_command, member) && c.member == 3);
	ck_assert(c.deadline > 0 && c.deadline <= 60000);
	feeder_result(&feed, c.id, true, "OK mute 3\n");
	end_ask(&k, 200, SAYS("OK mute 3\n") "\n");
	ck_assert(!is_muted(3));
	member_is(&feed, 3, true);
	ck_assert(is_muted(3));

	begin_ask(&k, "GET", ROOM "kick&all");
	c = feeder_command(&feed, feed_verb_KICK);
	ck_assert(!REC_HAS(&c, feed_command, member));
	feeder_result(&feed, c.id, false, "-ERR Non-Existent ID <99>");
	end_ask(&k, 200, SAYS("-ERR Non-Existent ID &lt;99&gt;\n") "\n");

	begin_ask(&k, "PUT", ROOM "lock");
	c = feeder_command(&feed, feed_verb_LOCK);
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, SAYS("OK\n") "\n");

	begin_ask(&k, "POST", ROOM "volume_in&2&-3");
	c = feeder_command(&feed, feed_verb_VOLUME_IN);
	ck_assert(c.member == 2 && c.value == -3);
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, NULL);

	begin_ask(&k, "GET", ROOM "energy%262%26300/");
	c = feeder_command(&feed, feed_verb_ENERGY);
	ck_assert(c.member == 2 && c.value == 300);
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, NULL);

	begin_ask(&k, "GET", ROOM "pin&4711%23");
	c = feeder_command(&feed, feed_verb_PIN);
	ck_assert(str_eqc(c.text, "4711#"));
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, NULL);
	begin_ask(&k, "GET", ROOM "nopin");
	c = feeder_command(&feed, feed_verb_PIN);
	ck_assert(!REC_HAS(&c, feed_command, text));
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, NULL);

	begin_ask(&k, "GET", ROOM "kick&last");
	c = feeder_command(&feed, feed_verb_KICK);
	ck_assert_int_eq(c.member, 3);
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, NULL);

	/* One command for each who is no moderator. */
	begin_ask(&k, "GET", ROOM "mute&non_moderator");
	c = feeder_command(&feed, feed_verb_MUTE);
	ck_assert_int_eq(c.member, 1);
	feeder_result(&feed, c.id, true, "OK mute 1");
	c = feeder_command(&feed, feed_verb_MUTE);
	ck_assert_int_eq(c.member, 3);
	feeder_result(&feed, c.id, true, "OK mute 3");
	end_ask(&k, 200, SAYS("OK mute 1\nOK mute 3\n") "\n");
}
END_TEST

START_TEST(head_and_caches)
{
	struct ask q = {.user = "4410:secret99", .method = "HEAD", .path = ROOM "lock"};
	struct answer a;

	conference(&feed, 1);
	a = rig_ask(&rig, &q);
	ck_assert_int_eq(a.status, 405);
	ck_assert_str_eq(answer_header(&a, "allow"), "GET, PUT, POST, OPTIONS");
	answer_free(&a);
	ck_assert(feeder_silent(&feed, 200));
	q = (struct ask){.user = "4410:secret99", .path = ROOM "list", .accept = "application/json"};
	a = rig_ask(&rig, &q);
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(a.type, "text/plain;charset=UTF-8");
	ck_assert_str_eq(answer_header(&a, "cache-control"), "no-store");
	answer_free(&a);
}
END_TEST

static void
moment(int64_t member, bool talking, bool floor)
{
	struct feed_volatile v = {0};

	REC_SET(&v, feed_volatile, key, STR_LIT("c1"));
	REC_SET(&v, feed_volatile, member, member);
	REC_SET(&v, feed_volatile, talking, talking);
	REC_SET(&v, feed_volatile, floor, floor);
	feeder_frame(&feed, ENV_FEED_VOLATILE, &v);
}

START_TEST(who_talks)
{
	struct live_member m = feeder_participant(2, "4410");

	conference(&feed, 2);
	REC_SET(&m, live_member, name, STR_LIT("Bo"));
	moment(1, true, true);
	moment(2, true, false);
	moment(3, true, true);
	feeder_member(&feed, feed_kind_MEMBER, "c1", 2, &m);
	feeder_settle(&feed);
	says(ROOM "list", 200,
	    SAYS("1;;;Ana  &lt;b&gt; &amp;;4410;hear|speak|talking|floor;0;0;0\n"
	         "2;;;Bo;4410;hear|speak|talking;0;0;0\n") "\n");
	/* Who is muted does not talk; what is not told anew stays. */
	REC_SET(&m, live_member, muted, true);
	moment(1, false, false);
	feeder_member(&feed, feed_kind_MEMBER, "c1", 2, &m);
	feeder_settle(&feed);
	says(ROOM "list", 200,
	    SAYS("1;;;Ana  &lt;b&gt; &amp;;4410;hear|speak;0;0;0\n2;;;Bo;4410;hear;0;0;0\n") "\n");
	/* A feed that begins anew has forgotten who talked. */
	moment(1, true, true);
	feeder_hello(&feed);
	says(ROOM "list", 200,
	    SAYS("1;;;Ana  &lt;b&gt; &amp;;4410;hear|speak;0;0;0\n2;;;Bo;4410;hear;0;0;0\n") "\n");
}
END_TEST

START_TEST(who_is_there)
{
	conference(&feed, 2);
	says(ROOM "list", 200,
	    SAYS("1;;;Ana  &lt;b&gt; &amp;;4410;hear|speak;0;0;0\n"
	         "2;;;Ana  &lt;b&gt; &amp;;4410;hear|speak;0;0;0\n") "\n");
	says(ROOM "list&delim&%3E,%3C", 200,
	    SAYS(
	        "1&gt;,&lt;&gt;,&lt;&gt;,&lt;Ana; &lt;b  &amp;&gt;,&lt;4410&gt;,&lt;hear|speak&gt;,&lt;"
	        "0&gt;,&lt;0&gt;,&lt;0\n"
	        "2&gt;,&lt;&gt;,&lt;&gt;,&lt;Ana; &lt;b  &amp;&gt;,&lt;4410&gt;,&lt;hear|speak&gt;,&lt;"
	        "0&gt;,&lt;0&gt;,&lt;0\n") "\n");
	feeder_member(&feed, feed_kind_MEMBER_END, "c1", 2, NULL);
	feeder_settle(&feed);
	says(ROOM "xml_list", 200,
	    SAYS("<?xml version=\"1.0\"?>\n<conferences><conference name=\"sales-room\" "
	         "locked=\"false\" recording=\"false\"><members><member type=\"caller\"><id>1</id>"
	         "<flags><can_hear>true</can_hear><can_speak>true</can_speak><hold>false</hold>"
	         "<talking>false</talking><has_floor>false</has_floor><is_moderator>false</"
	         "is_moderator></flags><uuid></uuid>"
	         "<caller_id_name>Ana; &lt;b&gt;\n&amp;</caller_id_name>"
	         "<caller_id_number>4410</caller_id_number><energy>0</energy><volume_in>0</volume_in>"
	         "<volume_out>0</volume_out></member></members></conference></conferences>") "\n");
}
END_TEST

/* Vector CC-6. */
START_TEST(recordings)
{
	struct live_conference r = feeder_conference("sales-room");
	struct feed_command c;
	struct asking k;

	conference(&feed, 1);
	begin_ask(&k, "GET", ROOM "record");
	c = feeder_command(&feed, feed_verb_RECORD);
	ck_assert_int_eq(c.value, 1);
	feeder_result(&feed, c.id, true, "Record file x.wav");
	end_ask(&k, 200, SAYS("Record file x.wav\n") "\n");
	REC_SET(&r, live_conference, recording, true);
	feeder_send(&feed, feed_kind_CONFERENCE, "c1", &r);
	feeder_settle(&feed);
	says(ROOM "record", 200, SAYS("IN_PROGRESS"));
	says(ROOM "record&status", 200, SAYS("IN_PROGRESS"));
	says(ROOM "record&duration", 200, SAYS("0"));
	begin_ask(&k, "GET", ROOM "record&stop");
	c = feeder_command(&feed, feed_verb_RECORD);
	ck_assert_int_eq(c.value, 0);
	feeder_result(&feed, c.id, true, "Stopped recording");
	end_ask(&k, 200, SAYS("Stopped recording\n") "\n");
	REC_SET(&r, live_conference, recording, false);
	feeder_send(&feed, feed_kind_CONFERENCE, "c1", &r);
	feeder_settle(&feed);
	says(ROOM "record&status", 200, SAYS("NO_RECORDING"));
	says(ROOM "record&stop", 200, SAYS("NO_RECORDING"));
	says(ROOM "record&duration", 200, SAYS("NO_RECORDING"));
}
END_TEST

/* Vector CC-1: also while nobody is in the room. */
START_TEST(invitations)
{
	struct feed_command c;
	struct asking k;

	begin_ask(&k, "GET", ROOM "invite&4420");
	c = feeder_command(&feed, feed_verb_ORIGINATE);
	ck_assert_msg(str_eqc(c.from, "sip:4420@pbx.example.net"), "%.*s", (int)c.from.n, c.from.p);
	ck_assert(str_eqc(c.to, "sip:7001@pbx.example.net"));
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, SAYS("Invitation sent"));
	conference(&feed, 1);
	begin_ask(&k, "GET", ROOM "inviteim&ana");
	c = feeder_command(&feed, feed_verb_INVITE);
	ck_assert(str_eqc(c.from, "sip:4410@pbx.example.net"));
	ck_assert(str_eqc(c.key, "c1") && str_eqc(c.room, "sales-room"));
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, SAYS("Invitation sent"));
}
END_TEST

/* Users are called in the domain that telephones have, whatever the realm is. */
START_TEST(the_domain_of_telephones)
{
	struct feed_command c;
	struct asking k;

	rig_load(&rig,
	    "{\"type\":\"settings\",\"record\":{\"realm\":\"ex.example\",\"sipDomains\":[\"phones."
	    "example\",\"b.example\"]}}\n");
	begin_ask(&k, "PUT", "/my/call/4420");
	c = feeder_command(&feed, feed_verb_ORIGINATE);
	ck_assert_msg(str_eqc(c.from, "sip:4410@phones.example"), "%.*s", (int)c.from.n, c.from.p);
	ck_assert(str_eqc(c.to, "sip:4420@phones.example"));
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, "");
}
END_TEST

/* A feed that says nothing of the conference within two seconds is asked to list it, once. */
START_TEST(a_change_that_does_not_show)
{
	struct feed_command c;
	struct asking k;

	conference(&feed, 2);
	begin_ask(&k, "GET", ROOM "mute&1");
	c = feeder_command(&feed, feed_verb_MUTE);
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, NULL);
	c = feeder_command(&feed, feed_verb_RESYNC);
	ck_assert(str_eqc(c.key, "c1"));
	ck_assert(feeder_silent(&feed, 2500));
	/* What shows, or has failed, needs no list. */
	begin_ask(&k, "GET", ROOM "mute&1");
	c = feeder_command(&feed, feed_verb_MUTE);
	member_is(&feed, 1, true);
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, NULL);
	begin_ask(&k, "GET", ROOM "mute&1");
	c = feeder_command(&feed, feed_verb_MUTE);
	feeder_result(&feed, c.id, false, "-ERR");
	end_ask(&k, 200, NULL);
	ck_assert(feeder_silent(&feed, 2500));
}
END_TEST

/* Results that nobody waits for, and those of others. */
START_TEST(results_that_are_not_wanted)
{
	struct feeder other;
	struct feed_command c;
	struct asking k;

	feeder_open(&other, feeder_endpoint(&rig), "fs-2", "x");
	feeder_hello(&other);
	conference(&feed, 1);
	feeder_result(&feed, 1, true, "x");
	feeder_result(&feed, INT64_MAX, true, "x");
	begin_ask(&k, "GET", ROOM "mute&1");
	c = feeder_command(&feed, feed_verb_MUTE);
	feeder_result(&other, c.id, true, "from another switch");
	feeder_result(&feed, c.id + 1, true, "of another command");
	feeder_result(&feed, c.id - 1, true, "of another command");
	feeder_send(&other, feed_kind_CALL_END, "x", NULL);
	feeder_settle(&other);
	feeder_result(&feed, c.id, true, "right");
	feeder_result(&feed, c.id, false, "twice");
	end_ask(&k, 200, SAYS("right\n") "\n");
	feeder_result(&feed, c.id, true, "much later");
	says(ROOM "record&status", 200, SAYS("NO_RECORDING"));
	clear(&other);
}
END_TEST

/* A feed that knows less, one that is silent, one that has gone, and one that comes back. */
START_TEST(feeds_that_cannot)
{
	struct feed_command c, again;
	struct asking k;

	conference(&feed, 1);
	feed.verbs.n = 1;
	feeder_hello(&feed);
	says(ROOM "mute&1", 200, SAYS("ERROR: the switch of this conference has no such command"));
	feed.verbs.n = 15;
	feeder_hello(&feed);
	begin_ask(&k, "GET", ROOM "mute&1");
	c = feeder_command(&feed, feed_verb_MUTE);
	/* It has been away in between, and may or may not have heard of it. */
	feeder_hello(&feed);
	again = feeder_command(&feed, feed_verb_MUTE);
	ck_assert_int_eq(again.id, c.id);
	ck_assert_int_le(again.deadline, c.deadline);
	feeder_result(&feed, c.id, true, "heard");
	end_ask(&k, 200, SAYS("heard\n") "\n");
	begin_ask(&k, "GET", ROOM "mute&1");
	feeder_command(&feed, feed_verb_MUTE);
	end_ask(&k, 200, SAYS("ERROR: the switch does not answer"));
	/* Another life of its own does not know what it was told. */
	begin_ask(&k, "GET", ROOM "mute&1");
	feeder_command(&feed, feed_verb_MUTE);
	snprintf(feed.epoch, sizeof(feed.epoch), "another");
	feeder_hello(&feed);
	end_ask(&k, 200, SAYS("ERROR: no switch is connected that could do it"));
	feeder_close(&feed);
	says(ROOM "mute&1", 200, SAYS("ERROR: no switch is connected that could do it"));
	connect_feed();
}
END_TEST

/* Vectors CA-1, CA-2, CA-3, CA-4, CA-5, CA-6, CA-7, CA-8. */
START_TEST(click_to_call)
{
	static const char *const right[][2] = {{"/my/call/4420", "sip:4420@pbx.example.net"},
	    {"/my/call/9.555-01(00)", "sip:95550100@pbx.example.net"},
	    {"/my/call/%2B15550100", "sip:+15550100@pbx.example.net"},
	    {"/my/call/+15550100", "sip:+15550100@pbx.example.net"},
	    {"/call/4420", "sip:4420@pbx.example.net"},
	    {"/my/call/ana.pop@far.example", "sip:ana.pop@far.example"},
	    {"/my/call/sip:ana-p@far.example", "sip:ana-p@far.example"}};
	static const char *const wrong[] = {"55%2055", "()", "12*we@sip", "a%0d%0ab", "1;x=y", "1,2",
	    "1%7c2", "$x", "1&2", "1'2", "1%252c", "sip:1", "1@a.example%3E", "%3C1%3E",
	    "1@a@b.example", "@a.example", "1@.example", "1@a..example", "%C3%A4"};
	struct feed_command c;
	struct asking k;
	char path[128];

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		begin_ask(&k, "PUT", right[i][0]);
		c = feeder_command(&feed, feed_verb_ORIGINATE);
		ck_assert(str_eqc(c.from, "sip:4410@pbx.example.net"));
		ck_assert_msg(str_eqc(c.to, right[i][1]), "%s: %.*s", right[i][0], (int)c.to.n, c.to.p);
		feeder_result(&feed, c.id, true, NULL);
		end_ask(&k, 200, "");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(path, sizeof(path), "/my/call/%s", wrong[i]);
		begin_ask(&k, "PUT", path);
		pthread_join(k.thread, NULL);
		ck_assert_msg(k.a.status == 400, "%s: %d", path, k.a.status);
		answer_free(&k.a);
	}
	begin_ask(&k, "GET", "/my/call/4420");
	end_ask(&k, 405, NULL);
	begin_ask(&k, "PUT", "/my/call/");
	end_ask(&k, 404, NULL);
	begin_ask(&k, "PUT", "/my/call/4420");
	c = feeder_command(&feed, feed_verb_ORIGINATE);
	feeder_result(&feed, c.id, false, "busy");
	end_ask(&k, 500, NULL);
	feed.verbs.n = 0;
	feeder_hello(&feed);
	begin_ask(&k, "PUT", "/my/call/4420");
	end_ask(&k, 503, NULL);
}
END_TEST

#define CALLCONTROLLER "/my/redirect/callcontroller/4410/"
#define LINES                                                    \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<status-lines " \
	"xmlns=\"http://www.sipfoundry.org/sipX/schema/xml/call-status-00-00\""
#define LINE(ms, line)                                                                  \
	"<status><timestamp>" ms "</timestamp><call-id>k1</call-id><method>INVITE</method>" \
	"<status-line>SIP/2.0 " line "</status-line></status>"

static void
controller_says(const char *path, int status, const char *body)
{
	struct answer a =
	    rig_ask(&rig, &(struct ask){.path = path, .user = "4410:secret99", .accept = "text/xml"});

	ck_assert_msg(a.status == status, "%s: %d %s", path, a.status, a.body);
	if (body != NULL)
		ck_assert_str_eq(a.body, body);
	answer_free(&a);
}

START_TEST(click_to_call_with_progress)
{
	struct live_call call =
	    feeder_call("<sip:4410@pbx.example.net>", "\"Bob\" <sip:4420@pbx.example.net>", 1000);
	struct cdr ended = {0};
	struct feed_command c;
	struct asking k;
	char want[1024];
	int64_t now = (int64_t)time(NULL) * 1000;

	controller_says(CALLCONTROLLER "4420", 200, LINES "/>");
	begin_ask(&k, "POST", CALLCONTROLLER "4420?sipMethod=refer&timeout=20");
	c = feeder_command(&feed, feed_verb_ORIGINATE);
	ck_assert(str_eqc(c.from, "sip:4410@pbx.example.net"));
	ck_assert(str_eqc(c.to, "sip:4420@pbx.example.net"));
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, "");
	/* Another telephone, in one's own name. */
	begin_ask(&k, "POST", "/my/redirect/callcontroller/5550100/4420?agent=4410");
	c = feeder_command(&feed, feed_verb_ORIGINATE);
	ck_assert(str_eqc(c.from, "sip:5550100@pbx.example.net"));
	feeder_result(&feed, c.id, true, NULL);
	end_ask(&k, 200, "");
	REC_SET(&call, live_call, state, call_state_RINGING);
	feeder_send(&feed, feed_kind_CALL, "k1", &call);
	feeder_settle(&feed);
	controller_says(CALLCONTROLLER "4420", 200,
	    LINES ">" LINE("1000", "100 Trying") LINE("1000", "180 Ringing") "</status-lines>");
	controller_says(CALLCONTROLLER "4421", 200, LINES "/>");
	REC_SET(&call, live_call, state, call_state_ANSWERED);
	REC_SET(&call, live_call, answered, 3000);
	feeder_send(&feed, feed_kind_CALL, "k1", &call);
	feeder_settle(&feed);
	controller_says(CALLCONTROLLER "4420", 200,
	    LINES ">" LINE("1000", "100 Trying") LINE("1000", "180 Ringing")
	        LINE("3000", "200 OK") "</status-lines>");
	/* It has ended: told of for a while. */
	REC_SET(&ended, cdr, id, STR_LIT("k1"));
	REC_SET(&ended, cdr, caller, STR_LIT("<sip:4410@pbx.example.net>"));
	REC_SET(&ended, cdr, callee, STR_LIT("<sip:4420@pbx.example.net>"));
	REC_SET(&ended, cdr, started, now - 60000);
	REC_SET(&ended, cdr, end, cdr_end_FAILED);
	REC_SET(&ended, cdr, code, 486);
	feeder_send(&feed, feed_kind_CALL_END, "k1", NULL);
	feeder_send(&feed, feed_kind_CDR, NULL, &ended);
	feeder_settle(&feed);
	snprintf(want, sizeof(want), LINES ">" LINE("%lld", "486") "</status-lines>",
	    (long long)now - 60000);
	controller_says(CALLCONTROLLER "4420", 200, want);
	controller_says(CALLCONTROLLER "4420?resultCacheTime=30", 200, LINES "/>");
}
END_TEST

START_TEST(what_a_callcontroller_refuses)
{
	static const struct {
		const char *path;
		int status;
	} t[] = {{"/my/redirect/callcontroller/4420/4410", 401},
	    {"/my/redirect/callcontroller/4410/4420?agent=4420", 401},
	    {"/my/redirect/callcontroller/nobody/4420", 401}, {CALLCONTROLLER "44%0d%0a20", 400},
	    {CALLCONTROLLER "4420?timeout=-1", 400}, {CALLCONTROLLER "4420?resultCacheTime=x", 400},
	    {CALLCONTROLLER "4420?action=transfer", 400},
	    {CALLCONTROLLER "4420?action=transfer&target=4421", 406},
	    {CALLCONTROLLER "4420?sipMethod=invite", 406}, {"/my/redirect/callcontroller/4410", 404}};
	struct asking k;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		begin_ask(&k, "POST", t[i].path);
		end_ask(&k, t[i].status, NULL);
	}
	begin_ask(&k, "PUT", CALLCONTROLLER "4420");
	end_ask(&k, 405, NULL);
	feed.verbs.n = 0;
	feeder_hello(&feed);
	begin_ask(&k, "POST", CALLCONTROLLER "4420");
	end_ask(&k, 503, NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("commands");
	TCase *t = tcase_create("commands");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 90);
	tcase_add_unchecked_fixture(t, start, stop);
	tcase_add_checked_fixture(t, connect_feed, disconnect_feed);
	tcase_add_test(t, refused_and_unknown);
	tcase_add_test(t, a_switch_obeys);
	tcase_add_test(t, head_and_caches);
	tcase_add_test(t, who_is_there);
	tcase_add_test(t, who_talks);
	tcase_add_test(t, recordings);
	tcase_add_test(t, invitations);
	tcase_add_test(t, a_change_that_does_not_show);
	tcase_add_test(t, results_that_are_not_wanted);
	tcase_add_test(t, feeds_that_cannot);
	tcase_add_test(t, click_to_call);
	tcase_add_test(t, click_to_call_with_progress);
	tcase_add_test(t, what_a_callcontroller_refuses);
	/* Changes the settings: the last one. */
	tcase_add_test(t, the_domain_of_telephones);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
