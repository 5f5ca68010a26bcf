/* SPDX-License-Identifier: ISC */
/*
 * Texts of Janus: answers and events recorded from Janus 1.1.2 (tests/janus/), and what a switch
 * that lies or is broken may say instead.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feeds/janus_event.h"
#include "feeds/janus_secrets.h"

static struct arena mem;
static struct err e;

static void
setup(void)
{
	text_init();
	arena_init(&mem, JANUS_EVENTS_MEM);
	err_clear(&e);
}

static void
teardown(void)
{
	arena_free(&mem);
}

/* The n-th line of a recording, from 0; empty behind the last. */
static struct str
line(const char *file, int n)
{
	static char text[65536];
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "tests/janus/%s", file);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	for (int i = 0; i <= n; i++)
		if (fgets(text, sizeof(text), f) == NULL)
			text[0] = '\0';
	fclose(f);
	return str_trim(str_c(text));
}

/* The recorded answer of a transaction. */
static struct janus_answer
answer(int64_t transaction)
{
	struct janus_answer a;

	for (int i = 0;; i++) {
		struct str s = line("answers.jsonl", i);

		ck_assert_msg(s.n != 0, "no answer of that transaction");
		ck_assert_msg(janus_read(arena_copy(&mem, s), &mem, &a, &e) == 0, "%s", err_text(&e));
		if (a.transaction == transaction)
			return a;
	}
}

START_TEST(recorded_answers)
{
	struct janus_answer a = answer(1);
	struct janus_room *rooms;
	struct janus_person *people;
	size_t n;

	ck_assert_int_eq(a.word, JANUS_SUCCESS);
	ck_assert_int_eq(a.id, 557312671456490);
	a = answer(2);
	ck_assert_int_eq(a.session, 557312671456490);
	ck_assert_int_eq(a.id, 2876567915574084);
	ck_assert_int_eq(answer(13).word, JANUS_ACK);

	a = answer(12);
	ck_assert_int_eq(janus_people_read(a.data, &mem, &people, &n, &e), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(people[0].id, 2912721603380001);
	ck_assert(people[0].muted && !people[1].muted);
	ck_assert(str_eqc(people[1].display, "Zo\u00eb \"Z\" \u00c4rmel"));
	ck_assert_int_ne(janus_rooms_read(a.data, &mem, &rooms, &n, &e), 0);

	a = answer(15);
	ck_assert_int_eq(janus_rooms_read(a.data, &mem, &rooms, &n, &e), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(rooms[1].id, 7001);
	ck_assert(str_eqc(rooms[1].description, "sales-room"));
	ck_assert_int_eq(rooms[1].count, 3);
	ck_assert(!rooms[1].recording);
	a = answer(24);
	ck_assert_int_eq(janus_rooms_read(a.data, &mem, &rooms, &n, &e), 0);
	ck_assert(rooms[0].recording);
}
END_TEST

START_TEST(recorded_failures)
{
	static const struct {
		int64_t transaction, code;
		const char *text;
		enum err_code row;
	} cases[] = {
	    {16, 489, "Unauthorized (wrong admin_key)", ERR_FORBIDDEN},
	    {17, 485, "No such room (9)", ERR_NOT_FOUND},
	    {20, 483, "Missing mandatory element (secret)", ERR_FORBIDDEN},
	    {21, 492, "No such user 5 in room 7001", ERR_NOT_FOUND},
	    {26, 482, "Unknown request 'bogus'", ERR_UNAVAILABLE},
	    {28, 459, "No such handle 5 in session 557312671456490", ERR_UNAVAILABLE},
	    {29, 458, "No such session 77", ERR_UNAVAILABLE},
	    {30, 403, "Unauthorized request (wrong or missing secret/token)", ERR_FORBIDDEN},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct janus_answer a = answer(cases[i].transaction);

		ck_assert_int_eq(a.code, cases[i].code);
		ck_assert(str_eqc(a.text, cases[i].text));
		ck_assert_int_eq(janus_error(a.code), cases[i].row);
	}
	ck_assert_int_eq(answer(18).code, 0);
}
END_TEST

struct seen {
	int kinds[JANUS_DESTROYED + 1];
	struct janus_event last;
	int n;
};

static void
see(void *arg, const struct janus_event *ev)
{
	struct seen *s = arg;

	s->kinds[ev->kind]++;
	s->last = *ev;
	s->n++;
}

static int
events(const char *text, struct seen *s, size_t *odd)
{
	memset(s, 0, sizeof(*s));
	err_clear(&e);
	return janus_events_read(str_c(text), &mem, see, s, odd, &e);
}

START_TEST(recorded_events)
{
	struct seen s = {.n = 0};
	struct str text;
	size_t odd;
	int all = 0;

	for (int i = 0; (text = line("events.jsonl", i)).n != 0; i++) {
		int n = janus_events_read(arena_copy(&mem, text), &mem, see, &s, &odd, &e);

		ck_assert_int_ge(n, 1);
		ck_assert_uint_eq(odd, 0);
		all += n;
	}
	/* Of all but those that say somebody was kicked, who is still there then, and the shutdown. */
	ck_assert_int_eq(all, 30);
	ck_assert_int_eq(s.n, 25);
	ck_assert_int_eq(s.kinds[JANUS_JOINED], 8);
	ck_assert_int_eq(s.kinds[JANUS_LEFT], 7);
	ck_assert_int_eq(s.kinds[JANUS_MUTED] + s.kinds[JANUS_UNMUTED], 2);
	ck_assert_int_eq(s.kinds[JANUS_ROOM], 6);
	ck_assert_int_eq(s.kinds[JANUS_CONFIGURED], 1);
	ck_assert_int_eq(s.kinds[JANUS_DESTROYED], 1);
	ck_assert_int_eq(s.last.kind, JANUS_LEFT);
	ck_assert_int_eq(s.last.time, 1795857679187522);
	ck_assert_int_eq(s.last.room, 7001);
	ck_assert_int_eq(s.last.who.id, 2912721603380001);
	ck_assert(str_eqc(s.last.who.display, "4420"));
}
END_TEST

#define EVENT(data)                                                                    \
	"{\"type\":64,\"timestamp\":5,\"event\":{\"plugin\":\"janus.plugin.audiobridge\"," \
	"\"data\":" data "}}"

/* Not from a recording: talking needs audio levels, which plain RTP participants lack. The form is
 * that of the source. */
START_TEST(who_talks)
{
	struct seen s;
	size_t odd;

	ck_assert_int_eq(
	    events(EVENT("{\"audiobridge\":\"talking\",\"room\":7,\"id\":3}"), &s, &odd), 1);
	ck_assert_int_eq(s.last.kind, JANUS_TALKING);
	ck_assert(s.last.who.talking);
	ck_assert_int_eq(
	    events(EVENT("{\"audiobridge\":\"stopped-talking\",\"room\":7,\"id\":3}"), &s, &odd), 1);
	ck_assert_int_eq(s.last.kind, JANUS_SILENT);
	ck_assert(!s.last.who.talking);
}
END_TEST

/* What is not of the right form is passed over and counted, and what is no list of events at all
 * is refused. */
START_TEST(hostile_events)
{
	static const char *const refused[] = {"", "null", "7", "\"x\"", "{", "[", "{}x", "[{},]",
	    "{\"a\":1,\"a\":2}", "[1e999]", "\xff\xfe", "{\"type\":99999999999999999999}"};
	static const char *const odd_ones[] = {"{}", "[1]", "[[]]", "[null]", "{\"type\":\"64\"}",
	    "{\"type\":-1}", "{\"type\":64}", "{\"type\":64,\"event\":[]}", EVENT("7"), EVENT("null"),
	    EVENT("{\"event\":\"joined\"}"), EVENT("{\"event\":\"joined\",\"room\":7}"),
	    EVENT("{\"event\":\"joined\",\"id\":7}"),
	    EVENT("{\"event\":\"joined\",\"room\":\"7\",\"id\":7}"),
	    EVENT("{\"event\":\"joined\",\"room\":7,\"id\":\"7\"}"),
	    EVENT("{\"event\":\"joined\",\"room\":7,\"id\":7.5}"),
	    EVENT("{\"event\":\"mute\",\"room\":-7,\"id\":7}"),
	    EVENT("{\"event\":\"mute\",\"room\":7,\"id\":-7}"), EVENT("{\"event\":\"destroyed\"}")};
	static const char *const others[] = {"[]", "{\"type\":256,\"event\":{\"status\":\"started\"}}",
	    "{\"type\":1}", EVENT("{}"), EVENT("{\"event\":\"announcement-started\",\"room\":7}"),
	    EVENT("{\"event\":7}"),
	    "{\"type\":64,\"event\":{\"plugin\":\"janus.plugin.sip\",\"data\":{\"event\":\"x\"}}}"};
	struct seen s;
	size_t odd;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ck_assert_msg(events(refused[i], &s, &odd) < 0, "%s", refused[i]);
		ck_assert_int_eq(s.n, 0);
	}
	for (size_t i = 0; i < sizeof(odd_ones) / sizeof(odd_ones[0]); i++) {
		ck_assert_msg(events(odd_ones[i], &s, &odd) == 0 && odd == 1, "%s", odd_ones[i]);
		ck_assert_int_eq(s.n, 0);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ck_assert_msg(events(others[i], &s, &odd) >= 0 && odd == 0, "%s", others[i]);
		ck_assert_int_eq(s.n, 0);
	}
	/* One that is broken takes none along. */
	ck_assert_int_eq(events("[" EVENT("{\"event\":\"mute\",\"room\":7,\"id\":1}") ",7," EVENT(
	                            "{\"event\":\"unmute\",\"room\":7,\"id\":9223372036854775807}") "]",
	                     &s, &odd),
	    2);
	ck_assert_uint_eq(odd, 1);
	ck_assert_int_eq(s.n, 2);
	ck_assert_int_eq(s.last.who.id, INT64_MAX);
}
END_TEST

/* More than a body may have in memory: refused, and the next one is fine. */
START_TEST(a_bomb)
{
	struct buf b;
	struct seen s = {.n = 0};
	size_t odd;

	buf_init(&b, JANUS_EVENTS_MAX);
	buf_addc(&b, '[');
	while (b.n < JANUS_EVENTS_MAX - 16)
		buf_adds(&b, "[],");
	buf_adds(&b, "[]]");
	ck_assert(!b.failed);
	ck_assert_int_lt(janus_events_read(buf_str(&b), &mem, see, &s, &odd, &e), 0);
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
	buf_free(&b);
	arena_free(&mem);
	ck_assert_int_eq(events(EVENT("{\"event\":\"left\",\"room\":7,\"id\":1}"), &s, &odd), 1);
	ck_assert_int_eq(s.n, 1);
}
END_TEST

START_TEST(hostile_answers)
{
	static const char *const refused[] = {"", "[]", "7", "{}", "{\"janus\":7}", "{\"janus\":\"\"}",
	    "{\"janus\":\"success\"", "{\"janus\":\"success\"}}"};
	static const char *const lists[] = {"{}", "{\"list\":{}}", "{\"list\":7}", "{\"lists\":[]}"};
	static const char rooms_text[] =
	    "{\"list\":[7,null,{},{\"room\":\"1\"},{\"room\":0},{\"room\":-4},"
	    "{\"room\":5,\"description\":9,\"record\":\"yes\","
	    "\"num_participants\":true},{\"room\":6}]}";
	struct janus_answer a;
	struct janus_room *rooms;
	struct node *n;
	size_t count;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ck_assert_msg(janus_read(str_c(refused[i]), &mem, &a, &e) != 0, "%s", refused[i]);
	ck_assert_int_eq(janus_read(STR_LIT("{\"janus\":\"error\",\"error\":[],\"transaction\":\"t0\","
	                                    "\"data\":7,\"plugindata\":\"x\"}"),
	                     &mem, &a, &e),
	    0);
	ck_assert_int_eq(a.word, JANUS_ERROR);
	ck_assert_int_ne(a.code, 0);
	ck_assert_int_eq(a.transaction, 0);
	ck_assert_ptr_null(a.data);
	ck_assert_int_ne(janus_rooms_read(NULL, &mem, &rooms, &count, &e), 0);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		ck_assert_int_eq(json_read(str_c(lists[i]), &mem, &n, &e), 0);
		ck_assert_int_ne(janus_rooms_read(n, &mem, &rooms, &count, &e), 0);
	}
	ck_assert_int_eq(json_read(str_c(rooms_text), &mem, &n, &e), 0);
	ck_assert_int_eq(janus_rooms_read(n, &mem, &rooms, &count, &e), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(rooms[0].id, 5);
	ck_assert_uint_eq(rooms[0].description.n, 0);
	ck_assert(!rooms[0].recording);
	ck_assert_int_eq(rooms[0].count, 0);
}
END_TEST

START_TEST(requests)
{
	struct janus_to to = {{"", 0}, 0, 0};
	struct janus_body b = {.request = "mute",
	    .room = 7001,
	    .id = 0,
	    .secret = STR_LIT("a\"b\\\n\x01"),
	    .flag = "record",
	    .value = true};
	struct buf body, out;
	struct node *n;

	buf_init(&body, JANUS_REQUEST_MAX);
	buf_init(&out, JANUS_REQUEST_MAX);
	janus_write(&out, &to, "create", 1, (struct str){"", 0});
	ck_assert(str_eqc(buf_str(&out), "{\"janus\":\"create\",\"transaction\":\"t1\"}"));
	to = (struct janus_to){STR_LIT("key"), 5, 0};
	buf_reset(&out);
	janus_write(&out, &to, "attach", 2, (struct str){"", 0});
	ck_assert(str_eqc(buf_str(&out),
	    "{\"janus\":\"attach\",\"transaction\":\"t2\",\"session_id\":5,"
	    "\"plugin\":\"janus.plugin.audiobridge\",\"apisecret\":\"key\"}"));
	to.handle = 6;
	buf_reset(&out);
	janus_write_body(&body, &b);
	janus_write(&out, &to, "message", 3, buf_str(&body));
	/* A secret with anything in it stays one text. */
	ck_assert_int_eq(json_read(buf_str(&out), &mem, &n, &e), 0);
	n = node_get(n, STR_LIT("body"));
	ck_assert(str_eq(janus_text(n, "secret"), b.secret));
	ck_assert_int_eq(janus_number(n, "id", -1), 0);
	ck_assert_int_eq(janus_number(n, "room", -1), 7001);
	ck_assert(janus_flag(n, "record", false));
	ck_assert_ptr_null(node_get(n, STR_LIT("admin_key")));
	buf_reset(&body);
	b = (struct janus_body){
	    .request = "edit", .room = 1, .id = -1, .word = "new_pin", .text = {"", 0}};
	janus_write_body(&body, &b);
	ck_assert(str_eqc(buf_str(&body), "{\"request\":\"edit\",\"room\":1,\"new_pin\":\"\"}"));
	buf_free(&body);
	buf_free(&out);
}
END_TEST

START_TEST(names)
{
	static const struct {
		const char *display, *number, *name;
	} cases[] = {
	    {"", "", ""},
	    {"4420", "4420", "4420"},
	    {" ana.pop ", "ana.pop", "ana.pop"},
	    {"Ana Pop", "", "Ana Pop"},
	    {"Ana Pop <4410>", "4410", "Ana Pop"},
	    {"<4410>", "4410", "4410"},
	    {"Ana <Pop> <4410>", "4410", "Ana <Pop>"},
	    {"Ana <>", "", "Ana <>"},
	    {"Ana <Pop Pop>", "", "Ana <Pop Pop>"},
	    {"Ana <4410", "", "Ana <4410"},
	    {">", "", ">"},
	};
	char kept[JANUS_DISPLAY_MAX], longest[600];
	struct live_member m;
	struct live_conference c;
	struct str number, name;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		janus_names(str_c(cases[i].display), &number, &name);
		ck_assert_msg(str_eqc(number, cases[i].number), "%s", cases[i].display);
		ck_assert_msg(str_eqc(name, cases[i].name), "%s", cases[i].display);
	}
	janus_display(STR_LIT("a\r\nb\tc\x7f"), kept);
	ck_assert_str_eq(kept, "a  b c ");
	for (size_t i = 0; i < 300; i++)
		memcpy(longest + 2 * i, "\u00e4", 2);
	janus_display((struct str){longest, 600}, kept);
	ck_assert_uint_eq(strlen(kept), 254);
	ck_assert(str_is_utf8(str_c(kept)));
	/* All of it is what the backend takes. */
	janus_member_fact(&m, INT64_MAX, str_c(kept), true, 0);
	ck_assert_int_eq(rec_validate(&rec_live_member, &m, false, &e), 0);
	ck_assert(!REC_HAS(&m, live_member, number) && !REC_HAS(&m, live_member, joined));
	ck_assert(m.muted && !m.deaf && !m.hold && !m.moderator);
	ck_assert_int_eq(m.volume_in, 0);
	janus_member_fact(&m, 1, STR_LIT("4420"), false, 5);
	ck_assert_int_eq(rec_validate(&rec_live_member, &m, false, &e), 0);
	ck_assert_int_eq(m.joined, 5);
	janus_conference_fact(&c, STR_LIT("sales-room"), true, 0);
	ck_assert_int_eq(rec_validate(&rec_live_conference, &c, false, &e), 0);
	ck_assert(c.recording && !c.locked && !REC_HAS(&c, live_conference, started));
}
END_TEST

static int
secrets(struct janus_secrets *s, const char *text)
{
	err_clear(&e);
	s->n = strlen(text);
	memcpy(s->text, text, s->n);
	return janus_secrets_parse(s, "file", &e);
}

START_TEST(a_file_of_secrets)
{
	static struct janus_secrets s;
	static const char *const wrong[] = {"x", "=", "api_secret", "api_secret =", "api_secrets = x",
	    "api_secret = x\napi_secret = y", "room_secret 0 = x", "room_secret -1 = x",
	    "room_secret x = x", "room_secrets 7 = x", "api_secret = \xff"};
	char dir[] = "/tmp/tandem-secrets-XXXXXX", path[64];
	FILE *f;

	ck_assert_int_eq(secrets(&s,
	                     "# all of them\n\n api_secret = a = b \r\nroom_secret 7 = seven\n"
	                     "room_secret = others\nevent_password=p"),
	    0);
	ck_assert(str_eqc(s.api_secret, "a = b"));
	ck_assert(str_eqc(s.event_password, "p"));
	ck_assert_uint_eq(s.admin_key.n, 0);
	ck_assert(str_eqc(janus_secret_of(&s, 7), "seven"));
	ck_assert(str_eqc(janus_secret_of(&s, 8), "others"));
	ck_assert_int_eq(secrets(&s, ""), 0);
	ck_assert_uint_eq(janus_secret_of(&s, 8).n, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(secrets(&s, wrong[i]) != 0, "%s", wrong[i]);
	/* What is wrong is said without saying it. */
	ck_assert_int_ne(secrets(&s, "admin_key = fine\nmy-secret"), 0);
	ck_assert_str_eq(err_text(&e), "file:2: not a secret, or one given twice");

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/secrets", dir);
	ck_assert_int_ne(janus_secrets_read(&s, path, &e), 0);
	f = fopen(path, "w");
	fputs("api_secret = x\n", f);
	fclose(f);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_ne(janus_secrets_read(&s, path, &e), 0);
	ck_assert_int_eq(chmod(path, 0440), 0);
	ck_assert_int_eq(janus_secrets_read(&s, path, &e), 0);
	ck_assert(str_eqc(s.api_secret, "x"));
	ck_assert_int_ne(janus_secrets_read(&s, dir, &e), 0);
	unlink(path);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("janus");
	TCase *t = tcase_create("janus");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, recorded_answers);
	tcase_add_test(t, recorded_failures);
	tcase_add_test(t, recorded_events);
	tcase_add_test(t, who_talks);
	tcase_add_test(t, hostile_events);
	tcase_add_test(t, a_bomb);
	tcase_add_test(t, hostile_answers);
	tcase_add_test(t, requests);
	tcase_add_test(t, names);
	tcase_add_test(t, a_file_of_secrets);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
