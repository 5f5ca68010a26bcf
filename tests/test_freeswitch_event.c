/* SPDX-License-Identifier: ISC */
/*
 * What the feed makes of the events of a real FreeSWITCH: facts, call records and moments, checked
 * by hand against the recordings, and whatever a switch can get wrong.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tree.h"
#include "feeds/freeswitch_list.h"
#include "feeds/freeswitch_esl.h"
#include "tests/freeswitch_rig.h"

static struct listener l;

#define DOMAIN "pbx.example.net"
#define CORE "f831036f-fe13-4b4a-a838-10e58c4a980e"
#define ROOM "47225372-3301-42bc-aaa2-c5ebd3d91712"

static void
setup(void)
{
	listener_init(&l, DOMAIN);
}

static void
teardown(void)
{
	listener_free(&l);
}

static bool
said(const char *text)
{
	buf_addc(&l.said, '\0');
	l.said.n--;
	return strstr(l.said.p, text) != NULL;
}

static bool
shows(const char *text)
{
	return strstr(listener_shows(&l), text) != NULL;
}

/* 26 channels have ended, two of them b-legs; a conference of five with a transfer to another. */
static void
check_session(void)
{
	ck_assert_int_eq(l.events, 254);
	ck_assert_int_eq(l.bad, 0);
	ck_assert_int_eq(l.state.malformed, 0);
	ck_assert_int_eq(l.state.refused, 0);
	ck_assert_int_eq(l.cdrs, 24);
	ck_assert_int_eq(l.facts[feed_kind_CALL_END], 24);
	ck_assert_int_eq(l.facts[feed_kind_CONFERENCE_END], 2);
	ck_assert_int_eq(l.facts[feed_kind_MEMBER_END], 6);
	/* Two rooms; lock and unlock twice; recording on and off. */
	ck_assert_int_eq(l.facts[feed_kind_CONFERENCE], 8);
	ck_assert_str_eq(listener_shows(&l), "");
	/* A call to a room; a busy one; one that its caller gave up; one without an answer. */
	ck_assert(said("cdr e6da16de-aa6a-477f-b866-666d96130a5d \"Alice\" <sip:1001@" DOMAIN
	               "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN ") by 3001 conference started "
	               "1795452737682 answered 1795452737682 for 16940 C 200\n"));
	ck_assert(said(
	    "cdr 56d60645-42f8-416c-b134-2d993ca238bd <sip:1001@" DOMAIN "> () -> <sip:9486@" DOMAIN
	    "> (9486@" DOMAIN ") by  - started 1795452768622 answered 0 for 0 F 486\n"));
	ck_assert(said("cdr 154be068-6481-434a-b4ea-fca87015870c <sip:0000000000@" DOMAIN
	               "> () -> <sip:9180@" DOMAIN "> (9180@" DOMAIN
	               ") by  - started 1795452768622 answered 0 for 0 A 487\n"));
	ck_assert(said("cdr 6aea5631-5b96-4d41-aa5f-b01d656dfa70 <sip:0000000000@" DOMAIN
	               "> () -> <sip:9180@" DOMAIN "> (9180@" DOMAIN
	               ") by  - started 1795452768622 answered 0 for 0 F 480\n"));
	/* A bridged call is one record, with the b-leg's number as the one that it led to. */
	ck_assert(said("cdr b46ee693-6ac4-407f-ae4f-6eb108eee2b7 <sip:1001@" DOMAIN
	               "> () -> <sip:b9180@" DOMAIN "> (9180@" DOMAIN
	               ") by 9180 - started 1795452758602 answered 1795452760162 for 2460 C 200\n"));
	ck_assert(!said("cdr a82ce54d"));
	/* Click to call: the first party is the caller; answered when the second was there. */
	ck_assert(said("cdr 11111111-2222-3333-4444-555555555555 <sip:9196@" DOMAIN "> (9196@" DOMAIN
	               ") -> <sip:9180@" DOMAIN "> (9180@" DOMAIN
	               ") by 9180 click2call started 1795452763622 answered 1795452765182 for 2439 C "
	               "200\n"));
	ck_assert(!said("cdr c4a29d03"));
	/* The caller's number turns round in the events when the call is answered. */
	ck_assert(said("cdr cb7c58f9-a05b-49ef-ab11-b593cd2f5f9e <sip:1001@"));
	/* What happened in the room. */
	ck_assert(said("member " ROOM " 3 1003 Carol M moderator in 0 out 0 energy 100\n"));
	ck_assert(said("member " ROOM " 1 1001 Alice muted in 2 out -1 energy 300\n"));
	ck_assert(said("member " ROOM " 2 1002 Bob deaf in 0"));
	ck_assert(said("member " ROOM " 2 1002 Bob hold in 0"));
	ck_assert(said("room " ROOM " 3001 locked started 1795452737682\n"));
	ck_assert(said("room " ROOM " 3001 recording started 1795452737682\n"));
	ck_assert(said("member db853d90-a52f-4e69-84ed-3ac889b61992 2 1002 Bob"));
	ck_assert(said("moment " ROOM " 1 talking floor "));
	/* Each action is said under the event's own name and time. */
	ck_assert(said("5 " ROOM " 1 1795452742002 " CORE "/537 member"));
}

START_TEST(a_session_in_pieces_of_any_size)
{
	static const char *const files[] = {"esl-plain.raw.gz", "esl-json.raw.gz"};
	static const size_t sizes[] = {1, 13, 1000, 65536};

	listener_hear(&l, recorded(files[_i & 1]), sizes[_i >> 1]);
	check_session();
}
END_TEST

/* Form and pieces make no difference at all to what is said. */
START_TEST(both_forms_and_all_pieces_say_the_same)
{
	static struct listener other;

	listener_init(&other, DOMAIN);
	listener_hear(&l, recorded("esl-plain.raw.gz"), 65536);
	listener_hear(&other, recorded("esl-json.raw.gz"), 77);
	ck_assert_uint_eq(l.said.n, other.said.n);
	ck_assert_int_eq(memcmp(l.said.p, other.said.p, l.said.n), 0);
	listener_free(&other);
}
END_TEST

START_TEST(a_session_twice_is_the_session)
{
	size_t n;

	listener_hear(&l, recorded("esl-plain.raw.gz"), 4096);
	n = l.said.n;
	listener_hear(&l, recorded("esl-plain.raw.gz"), 4096);
	ck_assert_int_eq(l.events, 508);
	ck_assert_uint_eq(l.said.n, n);
	ck_assert_str_eq(listener_shows(&l), "");
}
END_TEST

/* The events in an order that shuffles neighbours: the same calls and rooms at the end, each call
 * record once. */
static char *events[2000];
static size_t count;

static bool
keep(void *arg, const struct esl_message *m)
{
	(void)arg;
	if (str_starts(m->type, "text/event-plain"))
		events[count++] = strndup(m->body.p, m->body.n);
	return true;
}

static void
load(const char *file)
{
	struct esl esl;
	struct err e = {0};

	while (count > 0)
		free(events[--count]);
	esl_init(&esl);
	ck_assert_int_eq(esl_take(&esl, recorded(file), keep, NULL, &e), 0);
	esl_free(&esl);
}

START_TEST(reordered_and_repeated_events)
{
	load("esl-plain.raw.gz");
	srandom((unsigned)_i);
	for (size_t i = 0; i + 1 < count; i++) {
		size_t j = i + (size_t)random() % 4;
		char *e = events[i];

		if (j < count)
			events[i] = events[j], events[j] = e;
	}
	for (size_t i = 0; i < count; i++) {
		listener_event(&l, events[i]);
		if (random() % 3 == 0)
			listener_event(&l, events[(size_t)random() % (i + 1)]);
	}
	ck_assert_str_eq(listener_shows(&l), "");
	ck_assert_int_eq(l.cdrs, 24);
}
END_TEST

/* 48 members muted and unmuted ten times, in 3 MB. */
START_TEST(a_burst)
{
	listener_hear(&l, recorded("esl-talk-and-burst.raw.gz"), 65536);
	ck_assert_int_eq(l.events, 1336);
	ck_assert_int_eq(l.state.refused, 0);
	ck_assert_uint_eq(l.state.members.n, 48);
	ck_assert_uint_eq(l.state.conferences.n, 1);
	ck_assert_ptr_null(strstr(listener_shows(&l), " muted"));
	ck_assert_int_eq(l.facts[feed_kind_MEMBER], 56 + 481 + 480 + 2);
}
END_TEST

/* --- lists ---------------------------------------------------------------------------------- */
static struct str bodies[200];
static size_t body_count;

static bool
keep_body(void *arg, const struct esl_message *m)
{
	(void)arg;
	if (str_eqc(m->type, "api/response"))
		bodies[body_count++] = (struct str){strndup(m->body.p, m->body.n), m->body.n};
	return true;
}

static struct str
reply_with(const char *text)
{
	struct esl esl;
	struct err e = {0};

	esl_init(&esl);
	if (body_count == 0)
		ck_assert_int_eq(esl_take(&esl, recorded("esl-cmd.raw.gz"), keep_body, NULL, &e), 0);
	esl_free(&esl);
	for (size_t i = 0; i < body_count; i++)
		if (memmem(bodies[i].p, bodies[i].n, text, strlen(text)) != NULL)
			return bodies[i];
	ck_abort_msg("no reply with %s", text);
}

static char asked[10][64];
static size_t asked_n;

static void
on_ask(void *arg, const char *key)
{
	(void)arg;
	ck_assert_uint_lt(asked_n, 10);
	snprintf(asked[asked_n++], 64, "%s", key);
}

static void
list_rooms(struct str text, uint64_t mark)
{
	struct err e = {0};

	l.state.list++;
	ck_assert_int_eq(fs_list_conferences(&l.state, text, mark, 1795452742000, &e), 0);
}

START_TEST(somebody_who_comes_late)
{
	list_rooms(reply_with("\"conference_name\""), l.state.clock);
	fs_list_done(&l.state, l.state.clock, 1795452742000);
	ck_assert_str_eq(listener_shows(&l),
	    "member " ROOM " 1 1001 Alice in 0 out 0 energy 100\n"
	    "member " ROOM " 2 1002 Bob in 0 out 0 energy 100\n"
	    "member " ROOM " 3 1003 Carol M moderator in 0 out 0 energy 100\n"
	    "room " ROOM " 3001 started 1795452737000\n");
	/* The same list again says nothing but that the conference is there. */
	list_rooms(reply_with("\"conference_name\""), l.state.clock);
	fs_list_done(&l.state, l.state.clock, 1795452742000);
	ck_assert_int_eq(l.facts[feed_kind_CONFERENCE], 2);
	ck_assert_int_eq(l.facts[feed_kind_MEMBER], 3);
	/* From there on by events: all are kicked. */
	listener_hear(&l, recorded("esl-late.raw.gz"), 65536);
	ck_assert_str_eq(listener_shows(&l), "");
}
END_TEST

START_TEST(a_list_is_older_than_events_since)
{
	struct str list = reply_with("\"conference_name\"");
	uint64_t mark = 0;

	load("esl-plain.raw.gz");
	/* Up to the second mute of member 1. */
	for (size_t i = 0; i < count; i++) {
		if (strstr(events[i], "Event-Sequence: 537\n") != NULL) {
			mark = l.state.clock;
			listener_event(&l, events[i]);
			break;
		}
		listener_event(&l, events[i]);
	}
	ck_assert(shows("member " ROOM " 1 1001 Alice muted"));
	/* Asked for before, answered after: the event stays, what no event touched is compared. */
	list_rooms(list, mark);
	ck_assert(shows("member " ROOM " 1 1001 Alice muted"));
	/* Asked for after: the list is right. */
	list_rooms(list, l.state.clock);
	ck_assert(!shows("muted"));
	fs_list_done(&l.state, l.state.clock, 1795452742000);
	ck_assert(shows("member " ROOM " 3"));
	/* Gone from the list: gone, and with it its members; calls were not listed at all. */
	list_rooms(STR_LIT("[]"), l.state.clock);
	fs_list_done(&l.state, l.state.clock, 1795452742000);
	ck_assert_str_eq(listener_shows(&l), "");
	ck_assert_uint_eq(l.state.members.n, 0);
}
END_TEST

/* A list comes faster than events: what it lacks has events on their way, and a call record. */
START_TEST(events_behind_a_list)
{
	struct err e = {0};
	size_t half = 0;

	load("esl-plain.raw.gz");
	while (strstr(events[half], "Event-Sequence: 807\n") == NULL)
		listener_event(&l, events[half++]);
	ck_assert_str_ne(listener_shows(&l), "");
	list_rooms(STR_LIT("[]"), l.state.clock);
	ck_assert_int_eq(
	    fs_list_channels(&l.state, STR_LIT("{\"row_count\":0}"), false, on_ask, NULL, &e), 0);
	fs_list_done(&l.state, l.state.clock, 1795452754000);
	ck_assert_str_eq(listener_shows(&l), "");
	for (; half < count; half++)
		listener_event(&l, events[half]);
	ck_assert_str_eq(listener_shows(&l), "");
	ck_assert_int_eq(l.cdrs, 24);
	/* What has ended by an event stays so. */
	listener_hear(&l, recorded("esl-plain.raw.gz"), 65536);
	ck_assert_str_eq(listener_shows(&l), "");
	ck_assert_int_eq(l.cdrs, 24);
}
END_TEST

START_TEST(channels_are_dumped_and_refined)
{
	struct str list = reply_with("{\"row_count\":4"), dump;
	struct err e = {0};

	asked_n = 0;
	l.state.list++;
	ck_assert_int_eq(fs_list_channels(&l.state, list, true, on_ask, NULL, &e), 0);
	/* Four channels, one of them a b-leg. */
	ck_assert_uint_eq(asked_n, 3);
	dump = reply_with("Event-Name: CHANNEL_DATA");
	fs_list_dump(&l.state, "11111111-2222-3333-4444-555555555555", dump, 1795452767000);
	ck_assert_str_eq(listener_shows(&l),
	    "call 11111111-2222-3333-4444-555555555555 <sip:9196@" DOMAIN "> (9196@" DOMAIN
	    ") -> <sip:9180@" DOMAIN "> (9180@" DOMAIN
	    ") by 9180 click2call answered started 1795452763622 answered 1795452765182\n");
	/* Somebody else's name, no dump at all, one that is gone. */
	fs_list_dump(&l.state, asked[0], dump, 1795452767000);
	fs_list_dump(&l.state, asked[1], STR_LIT("-ERR No such channel!\n"), 1795452767000);
	fs_list_dump(&l.state, asked[2], STR_LIT(""), 1795452767000);
	ck_assert_uint_eq(l.state.legs.n, 1);
	fs_list_done(&l.state, l.state.clock, 1795452767000);
	ck_assert_uint_eq(l.state.legs.n, 1);
	/* None is there any more. */
	l.state.list++;
	ck_assert_int_eq(
	    fs_list_channels(&l.state, STR_LIT("{\"row_count\":0}"), true, on_ask, NULL, &e), 0);
	fs_list_done(&l.state, l.state.clock, 1795452767000);
	ck_assert_str_eq(listener_shows(&l), "");
	ck_assert_int_eq(l.cdrs, 0);
}
END_TEST

START_TEST(lists_that_are_none)
{
	static const char *const texts[] = {"", "-ERR no reply\n", "{}", "[", "[1,null,{}]",
	    "[{\"conference_uuid\":\"a\"}]", "[{\"conference_uuid\":7,\"conference_name\":\"x\"}]",
	    "[{\"conference_uuid\":\"a b\",\"conference_name\":\"x\"}]",
	    "[{\"conference_uuid\":\"a\",\"conference_name\":\"x\",\"members\":[{\"id\":1}]}]",
	    "{\"row_count\":1}", "{\"row_count\":1,\"rows\":{}}",
	    "{\"row_count\":1,\"rows\":[{\"uuid\":\"x\\ny\"}]}",
	    "{\"row_count\":1,\"rows\":[{\"uuid\":\"a;b\"},7,{}]}"};

	asked_n = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err e = {0};

		l.state.list++;
		fs_list_conferences(&l.state, str_c(texts[i]), l.state.clock, 1, &e);
		err_clear(&e);
		fs_list_channels(&l.state, str_c(texts[i]), true, on_ask, NULL, &e);
	}
	ck_assert_uint_eq(asked_n, 0);
	ck_assert_uint_eq(l.state.members.n, 0);
	ck_assert_uint_eq(l.state.conferences.n, 1);
	ck_assert(shows("room a x"));
}
END_TEST

/* A snapshot says all of it, and nothing else is left. */
START_TEST(a_snapshot)
{
	char before[8192];

	load("esl-plain.raw.gz");
	for (size_t i = 0; i < 60; i++)
		listener_event(&l, events[i]);
	snprintf(before, sizeof(before), "%s", listener_shows(&l));
	ck_assert_ptr_nonnull(strstr(before, "room " ROOM));
	fs_say_all(&l.state, 1);
	ck_assert_str_eq(listener_shows(&l), before);
	ck_assert_int_eq(l.facts[feed_kind_SNAPSHOT_BEGIN], 1);
	ck_assert_int_eq(l.facts[feed_kind_SNAPSHOT_END], 1);
}
END_TEST

/* --- a hostile or broken switch ----------------------------------------------------------------
 */
static void
event(const char *name, int seq, const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text),
	    "Event-Name: %s\nCore-UUID: c1\nFreeSWITCH-IPv4: 10.0.0.1\nEvent-Date-Timestamp: "
	    "1700000000000000\nEvent-Sequence: %d\n%s\n",
	    name, seq, more);
	listener_event(&l, text);
}

START_TEST(another_core)
{
	event("CHANNEL_CREATE", 1, "Unique-ID: a\nCall-Direction: inbound\n");
	ck_assert(!l.state.restarted);
	listener_event(
	    &l, "Event-Name: CHANNEL_CREATE\nCore-UUID: c2\nEvent-Sequence: 5\nUnique-ID: b\n\n");
	ck_assert(l.state.restarted);
	ck_assert(!shows("call b"));
}
END_TEST

/* A caller may write what he likes into his address; nobody is mistaken for somebody else. */
START_TEST(hostile_addresses)
{
	event("CHANNEL_CREATE", 1,
	    "Unique-ID: a\nCall-Direction: inbound\nCaller-Destination-Number: 200\n"
	    "Caller-Orig-Caller-ID-Name: x%22%20%3Csip%3A201%40" DOMAIN "%3E%0D%0A\n"
	    "variable_sip_from_uri: 201%40" DOMAIN "%3E%40evil.test\n"
	    "variable_sip_req_host: 10.0.0.1\nvariable_sip_to_uri: 200%40other.test\n");
	ck_assert(shows("call a \"x\\\" <sip:201@" DOMAIN ">\" <sip:201%40" DOMAIN
	                "%3E@evil.test> () -> <sip:200@other.test> (200@" DOMAIN ")"));
	/* A domain of somebody else's stays theirs. */
	event("CHANNEL_CREATE", 2,
	    "Unique-ID: b\nCall-Direction: inbound\nCaller-Destination-Number: 200\n"
	    "variable_sip_from_uri: 201%4010.0.0.1%3A5060\n"
	    "variable_sip_auth_username: 202\nvariable_sip_auth_realm: " DOMAIN "\n"
	    "variable_sip_req_host: other.test\n");
	ck_assert(shows("call b <sip:201@" DOMAIN "> (202@" DOMAIN ") -> <sip:200@other.test> "
	                "(200@other.test)"));
	/* Bytes that are no text, and very many. */
	event("CHANNEL_CREATE", 3,
	    "Unique-ID: c\nCall-Direction: inbound\nCaller-Orig-Caller-ID-Name: %FF%00%C3\n"
	    "variable_sip_from_uri: %00%FF%40%80\n");
	ck_assert(shows("call c \"? ?\" <sip:%00%FF@%80>"));
	/* Nobody at all. */
	event("CHANNEL_CREATE", 4, "Unique-ID: d\n");
	ck_assert(shows("call d <sip:anonymous@" DOMAIN "> () -> <sip:unknown@" DOMAIN ">"));
}
END_TEST

/* A channel that does not say yet whom it calls is no call yet, in no snapshot either. */
START_TEST(a_call_without_parties_is_not_told)
{
	event("CHANNEL_CREATE", 1, "Unique-ID: a\nvariable_c2c_id: x\n");
	fs_say_all(&l.state, 1);
	ck_assert_str_eq(listener_shows(&l), "");
	event("CHANNEL_ANSWER", 2,
	    "Unique-ID: a\nvariable_c2c_id: x\nvariable_tandem_from: 200%40" DOMAIN "\n");
	ck_assert(shows("call a <sip:200@" DOMAIN ">"));
	fs_say_all(&l.state, 1);
	ck_assert(shows("call a <sip:200@" DOMAIN ">"));
}
END_TEST

/* An originated channel that is later bridged as if it had been called stays the call that it was
 * told as, and ends. */
START_TEST(a_call_stays_a_call)
{
	event("CHANNEL_CREATE", 1,
	    "Unique-ID: a\nCall-Direction: outbound\nCaller-Destination-Number: 200\n");
	ck_assert(shows("call a "));
	event("CHANNEL_ANSWER", 2,
	    "Unique-ID: a\nCall-Direction: outbound\nOther-Type: originator\nOther-Leg-Unique-ID: b\n"
	    "Caller-Channel-Answered-Time: 1700000001000000\n");
	ck_assert(shows(" answered started"));
	event("CHANNEL_HANGUP_COMPLETE", 3,
	    "Unique-ID: a\nCall-Direction: outbound\nOther-Type: originator\nOther-Leg-Unique-ID: b\n");
	ck_assert_str_eq(listener_shows(&l), "");
	/* One that was called is none from the beginning. */
	event("CHANNEL_CREATE", 4,
	    "Unique-ID: c\nCall-Direction: outbound\nvariable_originator: d\n"
	    "Caller-Destination-Number: 200\n");
	event("CHANNEL_HANGUP_COMPLETE", 5, "Unique-ID: c\nvariable_originator: d\n");
	ck_assert_int_eq(l.facts[feed_kind_CALL], 2);
	ck_assert_int_eq(l.facts[feed_kind_CALL_END], 1);
}
END_TEST

START_TEST(events_that_are_none)
{
	listener_event(&l, "Event-Name: CHANNEL_CREATE\nUnique-ID: a\n\n");
	listener_event(&l, "Core-UUID: c1\nEvent-Sequence: 1\n\n");
	event("CHANNEL_CREATE", 0, "Unique-ID: a\n");
	event("CHANNEL_CREATE", -5, "Unique-ID: a\n");
	ck_assert_int_eq(l.state.malformed, 4);
	event("CHANNEL_CREATE", 1, "");
	event("CHANNEL_CREATE", 2, "Unique-ID: with%20blank\n");
	event("CHANNEL_CREATE", 3, "Unique-ID: line%0Aend\n");
	event("CUSTOM", 4, "Event-Subclass: conference%3A%3Amaintenance\nAction: add-member\n");
	event("CUSTOM", 5, "Event-Subclass: conference%3A%3Amaintenance\nAction: rejected-join-only\n");
	event("CUSTOM", 6, "Event-Subclass: other\nConference-Unique-ID: x\nConference-Name: y\n");
	event("HEARTBEAT", 7, "");
	event("CHANNEL_SOMETHING", 8, "Unique-ID: a\n");
	ck_assert_uint_eq(l.said.n, 0);
	ck_assert_int_eq(l.state.refused, 4);
}
END_TEST

/* More channels, rooms and members than there may be, and as many that have ended. */
START_TEST(the_number_of_things_is_bounded)
{
	char more[256];
	int seq = 1;

	for (int i = 0; i < FS_LEGS_MAX + 10; i++) {
		snprintf(more, sizeof(more), "Unique-ID: u%d\nCall-Direction: inbound\n", i);
		listener_event(&l, "");
		l.said.n = 0;
		for (; l.n > 100; l.n--)
			free((char *)(uintptr_t)l.row[l.n - 1].p);
		event("CHANNEL_CREATE", seq++, more);
	}
	ck_assert_uint_eq(l.state.legs.n, FS_LEGS_MAX);
	ck_assert_int_eq(l.state.refused, 10);
	l.said.n = 0;
	for (int i = 0; i < FS_LEGS_MAX; i++) {
		snprintf(more, sizeof(more), "Unique-ID: u%d\nCall-Direction: inbound\n", i);
		event("CHANNEL_HANGUP_COMPLETE", seq++, more);
	}
	ck_assert_uint_eq(l.state.legs.n, 0);
	ck_assert_uint_eq(l.state.legs.ended, FS_ENDED_MAX);
	ck_assert_int_eq(l.cdrs, FS_LEGS_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("freeswitch_event");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	text_init();
	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_session_in_pieces_of_any_size, 0, 8);
	tcase_add_test(t, both_forms_and_all_pieces_say_the_same);
	tcase_add_test(t, a_session_twice_is_the_session);
	tcase_add_loop_test(t, reordered_and_repeated_events, 0, 10);
	tcase_add_test(t, a_burst);
	tcase_add_test(t, somebody_who_comes_late);
	tcase_add_test(t, a_list_is_older_than_events_since);
	tcase_add_test(t, events_behind_a_list);
	tcase_add_test(t, channels_are_dumped_and_refined);
	tcase_add_test(t, lists_that_are_none);
	tcase_add_test(t, a_snapshot);
	tcase_add_test(t, another_core);
	tcase_add_test(t, hostile_addresses);
	tcase_add_test(t, a_call_without_parties_is_not_told);
	tcase_add_test(t, a_call_stays_a_call);
	tcase_add_test(t, events_that_are_none);
	tcase_add_test(t, the_number_of_things_is_bounded);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
