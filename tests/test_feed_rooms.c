/* SPDX-License-Identifier: ISC */
/* Rooms as a feed keeps them: lists, changes, what is gone, and bounds. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeds/rooms.h"

static struct rooms rooms;
static struct feed_room v[ROOMS_MAX + 2];
static struct feed_gone gone[1];

static void
setup(void)
{
	rooms_init(&rooms);
}

static void
teardown(void)
{
	rooms_free(&rooms);
}

static void
set_room(size_t i, int64_t id, const char *name, const char *code)
{
	v[i] = (struct feed_room){.has = 0};
	REC_SET(&v[i], feed_room, id, id);
	REC_SET(&v[i].room, room, name, str_c(name));
	if (code != NULL)
		REC_SET(&v[i].room, room, access_code, str_c(code));
	v[i].has |= REC_BIT(feed_room, room);
}

/* A part with the first n rooms; version 0 = it does not end a list. */
static bool
take(size_t n, bool begin, bool end, int64_t version)
{
	struct feed_routes r = {.has = 0};

	REC_SET(&r, feed_routes, generation, 7);
	if (version > 0)
		REC_SET(&r, feed_routes, version, version);
	REC_SET(&r, feed_routes, begin, begin);
	REC_SET(&r, feed_routes, end, end);
	r.rooms.v = v;
	r.rooms.n = n;
	if (n > 0)
		r.has |= REC_BIT(feed_routes, rooms);
	return rooms_take(&rooms, &r);
}

static void
has(int64_t version)
{
	int64_t g, at;

	ck_assert_int_eq(rooms_have(&rooms, &g, &at), version > 0);
	if (version > 0) {
		ck_assert_int_eq(g, 7);
		ck_assert_int_eq(at, version);
	}
}

START_TEST(a_list_replaces_what_was)
{
	uint64_t stamp;

	has(0);
	set_room(0, 1, "sales", "11");
	set_room(1, 2, "lab", NULL);
	ck_assert(take(2, true, false, 0));
	has(0);
	ck_assert(take(0, false, true, 5));
	has(5);
	ck_assert_str_eq(rooms_find(&rooms, "sales")->code, "11");
	ck_assert_str_eq(rooms_find(&rooms, "lab")->code, "");
	ck_assert_ptr_null(rooms_find(&rooms, "nobody"));
	stamp = rooms_find(&rooms, "sales")->stamp;
	/* The same again changes nothing, and who is not in it is gone. */
	ck_assert(take(1, true, true, 6));
	has(6);
	ck_assert_uint_eq(rooms_find(&rooms, "sales")->stamp, stamp);
	ck_assert_ptr_null(rooms_find(&rooms, "lab"));
	/* A list that is not finished leaves nothing that could be gone on from. */
	ck_assert(take(1, true, false, 0));
	has(0);
	ck_assert_ptr_nonnull(rooms_find(&rooms, "sales"));
}
END_TEST

START_TEST(changes)
{
	struct feed_routes r = {.has = 0};
	uint64_t stamp;

	set_room(0, 1, "sales", "11");
	REC_SET(&v[0].room, room, extension, STR_LIT("3001"));
	REC_SET(&v[0].room, room, did, STR_LIT("5550100"));
	REC_SET(&v[0].room, room, max_members, 1);
	ck_assert(take(1, true, true, 1));
	ck_assert_ptr_eq(rooms_find(&rooms, "3001"), rooms_find(&rooms, "sales"));
	ck_assert_ptr_eq(rooms_find(&rooms, "5550100"), rooms_find(&rooms, "sales"));
	ck_assert_int_eq(rooms_find(&rooms, "sales")->max_members, 0);
	stamp = rooms_find(&rooms, "sales")->stamp;
	set_room(0, 1, "sales", "12");
	REC_SET(&v[0].room, room, moderator_code, STR_LIT("77"));
	REC_SET(&v[0].room, room, max_members, 2);
	ck_assert(take(1, false, false, 2));
	has(2);
	ck_assert_uint_ne(rooms_find(&rooms, "sales")->stamp, stamp);
	ck_assert_str_eq(rooms_find(&rooms, "sales")->code, "12");
	ck_assert_str_eq(rooms_find(&rooms, "sales")->moderator_code, "77");
	ck_assert_int_eq(rooms_find(&rooms, "sales")->max_members, 2);
	ck_assert_ptr_null(rooms_find(&rooms, "3001"));
	/* Numbers of users are others'. */
	REC_SET(&gone[0], feed_gone, subject, feed_subject_USER);
	REC_SET(&gone[0], feed_gone, id, 1);
	r.gone.v = gone;
	r.gone.n = 1;
	r.has |= REC_BIT(feed_routes, gone);
	ck_assert(rooms_take(&rooms, &r));
	ck_assert_ptr_nonnull(rooms_find(&rooms, "sales"));
	REC_SET(&gone[0], feed_gone, subject, feed_subject_ROOM);
	ck_assert(rooms_take(&rooms, &r));
	ck_assert_ptr_null(rooms_find(&rooms, "sales"));
	ck_assert(rooms_take(&rooms, &r));
}
END_TEST

START_TEST(bounds)
{
	static char names[ROOMS_MAX + 2][16], code[ROOM_CODE_MAX + 1];

	for (size_t i = 0; i < ROOMS_MAX + 2; i++) {
		snprintf(names[i], sizeof(names[i]), "room%zu", i);
		set_room(i, (int64_t)i + 1, names[i], "1");
	}
	memset(code, '7', ROOM_CODE_MAX);
	set_room(1, 2, names[1], code);
	ck_assert(take(ROOMS_MAX + 2, true, true, 9));
	has(9);
	ck_assert_uint_eq(rooms.n, ROOMS_MAX);
	ck_assert_str_eq(rooms_find(&rooms, "room1")->code, code);
	ck_assert_ptr_null(rooms_find(&rooms, names[ROOMS_MAX]));
	ck_assert(take(0, true, true, 10));
	ck_assert_uint_eq(rooms.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("feed_rooms");
	TCase *t = tcase_create("rooms");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_list_replaces_what_was);
	tcase_add_test(t, changes);
	tcase_add_test(t, bounds);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
