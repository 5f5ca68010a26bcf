/* SPDX-License-Identifier: ISC */
/*
 * What the Janus feed asks and says. The other side is a made-up AudioBridge that changes at random
 * while its events are late, doubled or lost and its answers are old when they come: what the feed
 * has said must be what is so, each time as soon as all has settled.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeds/janus_sync.h"

enum { ROOMS = 4, PEOPLE = 6 };

/* A room as it is, or as it has been said to be. */
struct world {
	struct place {
		bool there, recording, muted;
		int name; /* counts its names */
		int64_t started;
		struct {
			bool there, muted;
			int name;
			int64_t joined;
		} who[PEOPLE];
	} room[ROOMS];
};

static struct world truth, said, shot;
static bool in_shot;
static struct janus_sync sync_;
static int64_t now;       /* ms; also the switch's clock */
static int64_t wall_step; /* of the wall clock */
static int asked, talked; /* questions not answered yet; volatile facts */
static int questions, snapshots, messages;
static int64_t wake_at;
static unsigned int seed;

static int
dice(int sides)
{
	return (int)(((unsigned)rand_r(&seed) % (unsigned)sides));
}

static bool
ask_rooms(void *arg)
{
	(void)arg;
	ck_assert_int_eq(asked, 0);
	asked = -1;
	questions++;
	return true;
}

static bool
ask_people(void *arg, int64_t room)
{
	(void)arg;
	ck_assert_int_eq(asked, 0);
	asked = (int)room;
	questions++;
	return true;
}

static bool
runs(const struct place *r)
{
	for (int i = 0; i < PEOPLE; i++)
		if (r->who[i].there)
			return true;
	return false;
}

static void
say(void *arg, enum feed_kind kind, const char *key, int64_t member, int64_t time_ms,
    const void *record)
{
	struct world *w = in_shot ? &shot : &said;
	struct place *r = key != NULL ? &w->room[janus_key_room(str_c(key)) - 1] : NULL;
	const struct live_conference *c = record;
	const struct live_member *m = record;
	struct err e = {.depth = 0};

	(void)arg;
	(void)time_ms;
	messages++;
	switch (kind) {
	case feed_kind_SNAPSHOT_BEGIN:
		memset(&shot, 0, sizeof(shot));
		in_shot = true;
		break;
	case feed_kind_SNAPSHOT_END:
		ck_assert(in_shot);
		said = shot;
		in_shot = false;
		snapshots++;
		break;
	case feed_kind_CONFERENCE:
		ck_assert_int_eq(rec_validate(&rec_live_conference, record, false, &e), 0);
		r->there = true;
		r->recording = c->recording;
		r->name = atoi(c->room.p + 1);
		r->started = c->started;
		break;
	case feed_kind_CONFERENCE_END:
		memset(r, 0, sizeof(*r));
		break;
	case feed_kind_MEMBER:
		ck_assert_int_eq(rec_validate(&rec_live_member, record, false, &e), 0);
		ck_assert(r->there);
		ck_assert_int_eq(m->id, member);
		r->who[member].there = true;
		r->who[member].muted = m->muted;
		r->who[member].name = atoi(m->name.p + 1);
		r->who[member].joined = m->joined;
		break;
	case feed_kind_MEMBER_END:
		ck_assert(r->who[member].there);
		memset(&r->who[member], 0, sizeof(r->who[member]));
		break;
	default:
		ck_abort_msg("a message of kind %d", (int)kind);
	}
}

static void
talk(void *arg, const char *key, int64_t member, bool talking)
{
	(void)arg;
	(void)key;
	(void)member;
	talked += talking ? 1 : -1;
}

static void
wake(void *arg, int64_t ms)
{
	(void)arg;
	ck_assert_int_ge(ms, 0);
	if (wake_at < 0 || now + ms < wake_at)
		wake_at = now + ms;
}

static int64_t
now_ms(void *arg)
{
	(void)arg;
	return now;
}

static int64_t
wall_us(void *arg)
{
	(void)arg;
	return (1700000000000 + now + wall_step) * 1000;
}

static const struct janus_sync_ops ops = {ask_rooms, ask_people, say, talk, wake, now_ms, wall_us};

/* --- the switch ------------------------------------------------------------------------------ */

/* Answers and events on their way: each channel keeps its order, as Janus's do. */
struct letter {
	bool used;
	int64_t at;
	int question; /* -1 = rooms, > 0 = of that room, 0 = an event */
	struct world w;
	struct janus_event ev;
	char display[16];
};

enum { LETTERS = 512 };
static struct letter letters[LETTERS];
static size_t first, last; /* events */
static struct letter reply;

static void
tell(enum janus_event_kind kind, int room, int who, int copies)
{
	while (copies-- > 0) {
		struct letter *l = &letters[last++ % LETTERS];
		const struct place *r = &truth.room[room];

		ck_assert_uint_lt(last - first, LETTERS);
		l->at = now + 1 + dice(12);
		snprintf(l->display, sizeof(l->display), "n%d", who >= 0 ? r->who[who].name : 0);
		l->ev = (struct janus_event){.kind = kind,
		    .time = wall_us(NULL),
		    .room = room + 1,
		    .who = {who, str_c(l->display), who >= 0 && r->who[who].muted, false}};
	}
}

/* Something happens in Janus; how many events tell of it is the caller's to say. */
static void
happen(int copies)
{
	int room = dice(ROOMS), who = dice(PEOPLE);
	struct place *r = &truth.room[room];

	if (!r->there) {
		memset(r, 0, sizeof(*r));
		r->there = true;
		r->name = dice(1000);
		tell(JANUS_ROOM, room, -1, copies);
		return;
	}
	switch (dice(12)) {
	case 0:
		tell(JANUS_DESTROYED, room, -1, copies);
		memset(r, 0, sizeof(*r));
		return;
	case 1:
		r->muted = !r->muted;
		tell(JANUS_ROOM, room, -1, copies);
		return;
	case 2:
		r->name = dice(1000);
		tell(JANUS_ROOM, room, -1, copies);
		return;
	case 3: /* never told of when it begins */
		r->recording = !r->recording;
		if (!r->recording)
			tell(JANUS_ROOM, room, -1, copies);
		else
			janus_sync_doubt(&sync_, room + 1);
		return;
	default:
		break;
	}
	if (!r->who[who].there) {
		r->who[who].there = true;
		r->who[who].joined = copies > 0 ? wall_us(NULL) / 1000 : 0;
		r->who[who].muted = dice(2);
		r->who[who].name = dice(1000);
		tell(JANUS_JOINED, room, who, copies);
	} else if (dice(3) == 0) {
		tell(JANUS_LEFT, room, who, copies);
		memset(&r->who[who], 0, sizeof(r->who[who]));
	} else if (dice(2) == 0) {
		r->who[who].muted = !r->who[who].muted;
		tell(r->who[who].muted ? JANUS_MUTED : JANUS_UNMUTED, room, who, copies);
	} else {
		r->who[who].name = dice(1000);
		r->who[who].muted = dice(2);
		tell(JANUS_CONFIGURED, room, who, copies);
	}
}

static void
answer_now(const struct letter *l)
{
	struct janus_room rooms[ROOMS];
	struct janus_person people[PEOPLE];
	char names[ROOMS + PEOPLE][16];
	size_t n = 0;

	if (l->question == -1) {
		for (int i = 0; i < ROOMS; i++) {
			const struct place *r = &l->w.room[i];
			int count = 0;

			for (int j = 0; j < PEOPLE; j++)
				count += r->who[j].there;
			snprintf(names[i], sizeof(names[i]), "r%d", r->name);
			if (r->there)
				rooms[n++] = (struct janus_room){
				    i + 1, str_c(names[i]), r->muted, r->recording, count, false};
		}
		janus_sync_rooms(&sync_, rooms, n);
		return;
	}
	for (int j = 0; j < PEOPLE; j++) {
		const struct place *r = &l->w.room[l->question - 1];

		snprintf(names[ROOMS + j], sizeof(names[0]), "n%d", r->who[j].name);
		if (r->who[j].there)
			people[n++] = (struct janus_person){j, str_c(names[ROOMS + j]), r->who[j].muted, false};
	}
	if (!l->w.room[l->question - 1].there)
		janus_sync_failed(&sync_, true);
	else
		janus_sync_people(&sync_, people, n);
}

/* One millisecond. An answer is made some time after its question and comes some time later. */
static void
tick(void)
{
	now++;
	if (asked != 0 && !reply.used) {
		reply = (struct letter){.used = true, .at = now + dice(4), .question = asked};
		reply.w = truth;
	} else if (reply.used && reply.at <= now) {
		struct letter l = reply;

		reply.used = false;
		asked = 0;
		answer_now(&l);
	}
	while (first != last && letters[first % LETTERS].at <= now)
		janus_sync_event(&sync_, &letters[first++ % LETTERS].ev);
	if (wake_at >= 0 && wake_at <= now) {
		wake_at = -1;
		janus_sync_pump(&sync_);
	}
}

static void
settle(void)
{
	int64_t until = now + 2000;

	while (first != last || asked != 0 || wake_at >= 0) {
		ck_assert_msg(now < until, "it does not come to rest");
		tick();
	}
}

static void
must_agree(const char *when)
{
	for (int i = 0; i < ROOMS; i++) {
		struct place *t = &truth.room[i], *s = &said.room[i];

		ck_assert_msg(s->there == (t->there && runs(t)), "%s: room %d is %s", when, i + 1,
		    s->there ? "said to run" : "not said to run");
		if (!s->there)
			continue;
		ck_assert_msg(s->recording == t->recording, "%s: recording of %d", when, i + 1);
		ck_assert_msg(s->name == t->name, "%s: name of %d", when, i + 1);
		for (int j = 0; j < PEOPLE; j++) {
			ck_assert_msg(s->who[j].there == t->who[j].there, "%s: %d in %d is %s", when, j, i + 1,
			    s->who[j].there ? "said to be there" : "not said to be there");
			if (!t->who[j].there)
				continue;
			ck_assert_msg(s->who[j].muted == (t->who[j].muted || t->muted),
			    "%s: %d in %d is muted or not", when, j, i + 1);
			ck_assert_msg(s->who[j].name == t->who[j].name, "%s: name of %d", when, j);
		}
	}
}

/* Since when they have been there, wherever an event has told of it. */
static void
times_must_agree(void)
{
	for (int i = 0; i < ROOMS; i++) {
		const struct place *t = &truth.room[i], *s = &said.room[i];

		for (int j = 0; s->there && j < PEOPLE; j++) {
			if (!t->who[j].there)
				continue;
			ck_assert_int_eq(s->who[j].joined, t->who[j].joined);
			if (s->who[j].joined != 0)
				ck_assert_int_le(s->started, s->who[j].joined);
		}
	}
}

static void
setup(void)
{
	memset(&truth, 0, sizeof(truth));
	memset(&said, 0, sizeof(said));
	now = 1;
	wall_step = 0;
	asked = talked = questions = snapshots = messages = 0;
	wake_at = -1;
	first = last = 0;
	reply.used = in_shot = false;
	seed = 7;
	janus_sync_init(&sync_, &ops, NULL, JANUS_BY_DESCRIPTION);
}

static void
teardown(void)
{
	janus_sync_free(&sync_);
}

static void
connect_(void)
{
	janus_sync_up(&sync_);
	settle();
	must_agree("at first");
}

/* --- tests ----------------------------------------------------------------------------------- */

START_TEST(whatever_happens_is_said)
{
	for (int i = 0; i < 40; i++)
		happen(0);
	connect_();
	ck_assert_int_eq(snapshots, 1);
	for (int round = 0; round < 400; round++) {
		for (int i = dice(30); i > 0; i--) {
			happen(1 + (dice(8) == 0));
			for (int j = dice(6); j > 0; j--)
				tick();
		}
		settle();
		must_agree("after a round");
		times_must_agree();
	}
	/* All of that by events and doubts. */
	ck_assert_int_eq(snapshots, 1);
}
END_TEST

/* The first two of a conference come while the room is asked about: the event is there before the
 * answer, or only behind it, or the answer does not have them yet. */
START_TEST(the_first_of_a_conference)
{
	enum { BEFORE, BEHIND, NOT_YET, CASES };

	for (int i = 0; i < 2 * CASES; i++) {
		struct janus_person people[] = {
		    {1, STR_LIT("n1"), false, false}, {2, STR_LIT("n2"), false, false}};
		struct janus_event ev = {
		    .kind = JANUS_JOINED, .room = 1, .who = {1, STR_LIT("n1"), false, false}};
		int64_t start;
		bool two = i >= CASES;

		teardown();
		setup();
		truth.room[0].there = true;
		connect_();
		now += 100;
		janus_sync_doubt(&sync_, 1);
		while (asked != 1) {
			if (asked == -1) {
				struct janus_room room = {1, STR_LIT("r0"), false, false, 0, false};

				asked = 0;
				janus_sync_rooms(&sync_, &room, 1);
			}
			now++;
			janus_sync_pump(&sync_);
		}
		ev.time = wall_us(NULL);
		start = ev.time / 1000;
		now += 10;
		asked = 0;
		if (i % CASES != BEHIND) {
			janus_sync_event(&sync_, &ev);
			ev.time += two ? 5000 : 0;
			ev.who.id = two ? 2 : 1;
			janus_sync_event(&sync_, &ev);
		}
		if (i % CASES == NOT_YET) {
			janus_sync_people(&sync_, people, 0);
			now += 100;
			janus_sync_pump(&sync_);
			ck_assert_int_eq(asked, 1);
			asked = 0;
		}
		janus_sync_people(&sync_, people, two ? 2 : 1);
		if (i % CASES == BEHIND) {
			janus_sync_event(&sync_, &ev);
			ev.time += two ? 5000 : 0;
			ev.who.id = two ? 2 : 1;
			janus_sync_event(&sync_, &ev);
		}
		ck_assert_int_eq(said.room[0].who[1].joined, start);
		ck_assert_int_eq(said.room[0].who[2].joined, two ? start + 5 : 0);
		ck_assert_int_eq(said.room[0].started, start);
	}
}
END_TEST

/* Lost events cannot be seen; the next check finds what they were about. */
START_TEST(lost_events_and_a_clock_that_steps)
{
	connect_();
	for (int round = 0; round < 300; round++) {
		for (int i = dice(20); i > 0; i--) {
			happen(dice(3));
			for (int j = dice(4); j > 0; j--)
				tick();
		}
		if (dice(20) == 0)
			wall_step = dice(7200000) - 3600000;
		janus_sync_check(&sync_);
		settle();
		/* What had doubts while the check was going on is settled too. */
		must_agree("after a check");
	}
}
END_TEST

START_TEST(a_clock_an_hour_back_costs_questions_alone)
{
	for (int i = 0; i < 40; i++)
		happen(0);
	connect_();
	wall_step = -3600000;
	for (int i = 0; i < 200; i++) {
		happen(1);
		for (int j = 0; j < 30; j++)
			tick();
	}
	settle();
	must_agree("an hour back");
}
END_TEST

/* The connection breaks at any moment; what was asked is never answered. */
START_TEST(breaks)
{
	connect_();
	for (int round = 0; round < 300; round++) {
		for (int i = dice(20); i > 0; i--) {
			happen(1);
			for (int j = dice(4); j > 0; j--)
				tick();
		}
		janus_sync_down(&sync_, false);
		reply.used = false;
		asked = 0;
		for (int i = dice(10); i > 0; i--) {
			happen(1);
			tick();
		}
		janus_sync_up(&sync_);
		settle();
		must_agree("after a break");
	}
}
END_TEST

/* A dead switch has no conferences, and says so once; the next one begins anew. */
START_TEST(the_switch_dies)
{
	int before;

	janus_sync_down(&sync_, true);
	ck_assert_int_eq(snapshots, 1);
	janus_sync_down(&sync_, true);
	ck_assert_int_eq(snapshots, 1);
	for (int i = 0; i < 60; i++)
		happen(0);
	connect_();
	ck_assert(runs(&said.room[0]) || runs(&said.room[1]) || runs(&said.room[2]));
	janus_sync_down(&sync_, false);
	must_agree("while it is away");
	janus_sync_down(&sync_, true);
	memset(&truth, 0, sizeof(truth));
	must_agree("when it is dead");
	before = snapshots;
	/* Whoever wants a snapshot then has it at once. */
	janus_sync_snapshot(&sync_);
	ck_assert_int_eq(snapshots, before + 1);
	for (int i = 0; i < 60; i++)
		happen(0);
	connect_();
}
END_TEST

START_TEST(answers_that_fail)
{
	for (int i = 0; i < 60; i++)
		happen(0);
	janus_sync_up(&sync_);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_ne(asked, 0);
		asked = 0;
		reply.used = false;
		janus_sync_failed(&sync_, false);
		while (asked == 0)
			tick();
	}
	ck_assert_int_eq(snapshots, 0);
	settle();
	must_agree("at last");
	/* Answers that nobody has asked for are nobody's. */
	janus_sync_rooms(&sync_, NULL, 0);
	janus_sync_people(&sync_, NULL, 0);
	must_agree("still");
}
END_TEST

START_TEST(talking_is_passed_on_for_those_who_are_known)
{
	struct janus_event ev = {.kind = JANUS_TALKING, .room = 1, .who = {0, {"", 0}, false, true}};

	truth.room[0] = (struct place){.there = true, .who = {{.there = true}}};
	connect_();
	messages = 0;
	now += 1000;
	ev.time = wall_us(NULL) - 1000;
	janus_sync_event(&sync_, &ev);
	ck_assert_int_eq(talked, 1);
	ev.kind = JANUS_SILENT;
	ev.who.talking = false;
	janus_sync_event(&sync_, &ev);
	ck_assert_int_eq(talked, 0);
	ck_assert_int_eq(messages, 0);
	janus_sync_repeat(&sync_, 1, 0);
	ck_assert_int_eq(messages, 1);
	janus_sync_repeat(&sync_, 1, 5);
	ck_assert_int_eq(messages, 1);
}
END_TEST

/* Only what can be the name of a room in Tandem is one. */
START_TEST(rooms_and_their_names)
{
	struct janus_room rooms[] = {{1, STR_LIT("sales room"), false, false, 1, false},
	    {2, STR_LIT(" sales-room "), false, false, 1, false}, {3, {"", 0}, false, false, 1, false}};
	struct janus_person one = {5, STR_LIT("n1"), false, false};

	ck_assert_int_eq(janus_key_room(STR_LIT("7001")), 7001);
	ck_assert_int_eq(janus_key_room(STR_LIT("07001")), 0);
	ck_assert_int_eq(janus_key_room(STR_LIT("-1")), 0);
	ck_assert_int_eq(janus_key_room(STR_LIT("")), 0);
	for (int rule = JANUS_BY_DESCRIPTION; rule <= JANUS_BY_NUMBER; rule++) {
		janus_sync_free(&sync_);
		janus_sync_init(&sync_, &ops, NULL, (enum janus_rule)rule);
		asked = 0;
		janus_sync_up(&sync_);
		asked = 0;
		memset(&said, 0, sizeof(said));
		janus_sync_rooms(&sync_, rooms, 3);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_gt(asked, 0);
			asked = 0;
			janus_sync_people(&sync_, &one, 1);
		}
		ck_assert_int_eq(said.room[0].there, rule == JANUS_BY_NUMBER);
		ck_assert_int_eq(said.room[1].there, true);
		ck_assert_int_eq(said.room[2].there, rule == JANUS_BY_NUMBER);
	}
}
END_TEST

/* As many as are kept, and no more. */
START_TEST(bounds)
{
	struct janus_table t = {.v = NULL};
	struct janus_known *r;

	for (int i = 1; i <= JANUS_ROOMS_MAX; i++)
		ck_assert_ptr_nonnull(janus_table_room(&t, i));
	ck_assert_ptr_null(janus_table_room(&t, JANUS_ROOMS_MAX + 1));
	r = janus_table_room(&t, 1);
	ck_assert_ptr_nonnull(r);
	for (int i = 0; i < JANUS_MEMBERS_MAX; i++)
		ck_assert_ptr_nonnull(janus_table_join(&t, r, i));
	ck_assert_ptr_null(janus_table_join(&t, janus_table_find(&t, 2), 1));
	janus_table_drop(&t, r);
	ck_assert_uint_eq(t.members, 0);
	ck_assert_ptr_nonnull(janus_table_join(&t, janus_table_find(&t, 2), 1));
	janus_table_clear(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("janus sync");
	TCase *t = tcase_create("janus sync");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, whatever_happens_is_said);
	tcase_add_test(t, the_first_of_a_conference);
	tcase_add_test(t, lost_events_and_a_clock_that_steps);
	tcase_add_test(t, a_clock_an_hour_back_costs_questions_alone);
	tcase_add_test(t, breaks);
	tcase_add_test(t, the_switch_dies);
	tcase_add_test(t, answers_that_fail);
	tcase_add_test(t, talking_is_passed_on_for_those_who_are_known);
	tcase_add_test(t, rooms_and_their_names);
	tcase_add_test(t, bounds);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
