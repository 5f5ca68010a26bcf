/* SPDX-License-Identifier: ISC */
/*
 * What Kamailio says, right, damaged and hostile, as text; and the files of call records read by
 * the real program: several at once, rotated, cut, with lines that are none, through kills.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/tree.h"
#include "feeds/kamailio_event.h"
#include "tests/feeder.h"
#include "tests/puppet.h"

static struct arena mem;
static struct err e;

static void
text_setup(void)
{
	text_init();
	arena_init(&mem, 8 << 20);
}

static void
text_teardown(void)
{
	arena_free(&mem);
}

static int
event(const char *json, struct kam_event *ev)
{
	char text[8192];

	err_clear(&e);
	snprintf(text, sizeof(text), "%s", json);
	return kam_event_read(text, strlen(text), &mem, ev, &e);
}

#define HEAD "{\"boot\":\"1.2.3\",\"seq\":7,\"ts\":\"1795859581.450248\",\"dlg\":\"14:47\","
#define PARTIES "\"from\":\"IkFuYSIgPHNpcDphQGI+O3RhZz14\",\"to\":\"PHNpcDpjQGQ+\","

START_TEST(events_become_calls)
{
	struct kam_event ev;

	ck_assert_int_eq(
	    event(HEAD PARTIES "\"ev\":\"start\",\"start_ms\":\"1795859581447\",\"internal\":"
	                       "\"1\",\"to_aor\":\"Y0Bk\"}",
	        &ev),
	    0);
	ck_assert_str_eq(ev.boot, "1.2.3");
	ck_assert_str_eq(ev.key, "1.2.3/14:47");
	ck_assert_int_eq(ev.seq, 7);
	ck_assert_int_eq(ev.time, 1795859581450);
	ck_assert(!ev.over);
	ck_assert(str_eqc(ev.call.caller, "\"Ana\" <sip:a@b>"));
	ck_assert(str_eqc(ev.call.callee, "<sip:c@d>"));
	ck_assert(str_eqc(ev.call.callee_aor, "c@d"));
	ck_assert(!REC_HAS(&ev.call, live_call, caller_aor));
	ck_assert(ev.call.internal);
	ck_assert_int_eq(ev.call.state, call_state_STARTED);
	ck_assert_int_eq(rec_validate(&rec_live_call, &ev.call, false, &e), 0);
	ck_assert_int_eq(event(HEAD PARTIES "\"ev\":\"answer\",\"start_ms\":\"1\",\"answer_ms\":\"2\","
	                                    "\"recipient\":\"Yw==\",\"type\":\"desk\"}",
	                     &ev),
	    0);
	ck_assert_int_eq(ev.call.state, call_state_ANSWERED);
	ck_assert_int_eq(ev.call.answered, 2);
	ck_assert(str_eqc(ev.call.recipient, "c"));
	ck_assert(str_eqc(ev.call.type, "desk"));
	ck_assert_int_eq(event(HEAD PARTIES "\"ev\":\"ringing\",\"start_ms\":\"1\"}", &ev), 0);
	ck_assert_int_eq(ev.call.state, call_state_RINGING);
	ck_assert_int_eq(event(HEAD "\"ev\":\"failed\",\"code\":\"487\"}", &ev), 0);
	ck_assert(ev.over);
}
END_TEST

/* "\xff\xfe", "a\0b\nc", nothing, no base64, 3,000 letters: a call is a call whoever makes it. */
START_TEST(hostile_callers)
{
	static const struct {
		const char *from, *want;
	} cases[] = {
	    {"//4=", "??"},
	    {"YQBiCmM=", "a b c"},
	    {"", "<sip:anonymous@anonymous.invalid>"},
	    {"<null>", "<sip:anonymous@anonymous.invalid>"},
	    {"O3RhZz14", "<sip:anonymous@anonymous.invalid>"},
	    {"w6Q8c2lwOmE+", "\xc3\xa4<sip:a>"},
	    {"InwiIDxzaXA6YUBifGM+", "\"|\" <sip:a@b|c>"},
	};
	char json[8192], big[4100];
	struct kam_event ev;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(json, sizeof(json),
		    HEAD "\"from\":\"%s\",\"to\":\"PHNpcDpjQGQ+\",\"ev\":\"start\",\"start_ms\":\"1\"}",
		    cases[i].from);
		ck_assert_msg(event(json, &ev) == 0, "%s: %s", cases[i].from, err_text(&e));
		ck_assert_msg(str_eqc(ev.call.caller, cases[i].want), "%.*s", (int)ev.call.caller.n,
		    ev.call.caller.p);
		ck_assert_int_eq(rec_validate(&rec_live_call, &ev.call, false, &e), 0);
	}
	ck_assert_int_eq(
	    event(HEAD "\"from\":\"*\",\"to\":\"\",\"ev\":\"start\",\"start_ms\":\"1\"}", &ev), -1);
	memset(big, 'A', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	snprintf(json, sizeof(json), HEAD "\"from\":\"%s\",\"ev\":\"start\",\"start_ms\":\"1\"}", big);
	ck_assert_int_eq(event(json, &ev), -1);
}
END_TEST

START_TEST(damaged_events)
{
	static const char *const bad[] = {"", "{", "[]", "7", "{}", "{\"seq\":1}",
	    "{\"boot\":\"\",\"seq\":1,\"ev\":\"end\",\"dlg\":\"1:2\"}",
	    "{\"boot\":\"b\",\"seq\":0,\"ev\":\"end\",\"dlg\":\"1:2\"}",
	    "{\"boot\":\"b\",\"seq\":\"1\",\"ev\":\"end\",\"dlg\":\"1:2\"}",
	    "{\"boot\":\"b\",\"seq\":1,\"ev\":\"end\",\"dlg\":\"1\"}",
	    "{\"boot\":\"b\",\"seq\":1,\"ev\":\"end\",\"dlg\":\"1:2/x\"}",
	    "{\"boot\":\"b\",\"seq\":1,\"ev\":\"end\",\"dlg\":12}",
	    "{\"boot\":\"b\",\"seq\":1,\"ev\":\"end\",\"ev\":\"start\",\"dlg\":\"1:2\"}",
	    HEAD PARTIES "\"ev\":\"start\"}", HEAD PARTIES "\"ev\":\"start\",\"start_ms\":\"-1\"}",
	    HEAD PARTIES "\"ev\":\"other\",\"start_ms\":\"1\"}",
	    HEAD PARTIES "\"ev\":\"start\",\"start_ms\":\"99999999999999999999\"}"};
	struct kam_event ev;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(event(bad[i], &ev) == -1, "%s", bad[i]);
}
END_TEST

#define LINE                                                                          \
	"1795859581|1795859582|0.999000|1|14:47|1795859581447|1795859581777|200|1||TS0x|" \
	"IkFuYSIgPHNpcDphQGI+O3RhZz14|PHNpcDpjQGQ+||Y0Bk|Yw=="

static int
record(const char *line, struct cdr *c)
{
	err_clear(&e);
	return kam_cdr_read(str_c(line), &mem, c, &e);
}

START_TEST(lines_become_records)
{
	struct cdr c;

	ck_assert_int_eq(record(LINE, &c), 0);
	ck_assert(str_eqc(c.id, "1795859581447/14:47/M-1"));
	ck_assert(str_eqc(c.caller, "\"Ana\" <sip:a@b>"));
	ck_assert_int_eq(c.started, 1795859581447);
	ck_assert_int_eq(c.answered, 1795859581777);
	ck_assert_int_eq(c.duration, 999);
	ck_assert_int_eq(c.code, 200);
	ck_assert_int_eq(c.end, cdr_end_COMPLETED);
	ck_assert_int_eq(rec_validate(&rec_cdr, &c, false, &e), 0);
	ck_assert_int_eq(record("1|1|0.000000|1|14:47|5||487|0||TS0x|YQ==|YQ==|||", &c), 0);
	ck_assert_int_eq(c.end, cdr_end_ABANDONED);
	ck_assert(!REC_HAS(&c, cdr, answered));
	ck_assert_int_eq(record("1|1|0.000000|1|14:47|5|<null>|486|0||TS0x|YQ==|YQ==|||", &c), 0);
	ck_assert_int_eq(c.end, cdr_end_FAILED);
	ck_assert_int_eq(record("1|1|0.000000|1|14:47|5||||||||||", &c), 0);
	ck_assert_int_eq(c.end, cdr_end_UNKNOWN);
	ck_assert_int_eq(rec_validate(&rec_cdr, &c, false, &e), 0);
}
END_TEST

START_TEST(lines_that_are_none)
{
	static const char *const bad[] = {"", "|", LINE "|", "1|2|3",
	    "1|1|0.0|2|14:47|5||487|0||TS0x|YQ==|YQ==|||", "1|1|0.0|1|14|5||487|0||TS0x|YQ==|YQ==|||",
	    "1|1|x|1|14:47|5||487|0||TS0x|YQ==|YQ==|||", "1|1|0.0|1|14:47|x||487|0||TS0x|YQ==|YQ==|||",
	    "1|1|-1.0|1|14:47|5||487|0||TS0x|YQ==|YQ==|||",
	    "1|1|0.0|1|14:47|5||487|0||TS0x|sip:a|YQ==|||", "1|1|0.0|1|14:47|5||487|0||*|YQ==|YQ==|||"};
	char cut[sizeof(LINE)];
	struct cdr c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(record(bad[i], &c) == -1, "%s", bad[i]);
	/* Cut at every byte: refused, or a record without what stood behind. */
	for (size_t n = 0; n < sizeof(LINE) - 1; n++) {
		memcpy(cut, LINE, n);
		cut[n] = '\0';
		if (record(cut, &c) == 0)
			ck_assert(str_eqc(c.id, "1795859581447/14:47/M-1"));
	}
}
END_TEST

START_TEST(whom_a_command_may_call)
{
	static const struct {
		const char *in, *want;
	} cases[] = {{"201", "sip:201@pbx"}, {"+49.30-1", "sip:+49.30-1@pbx"}, {"*98#", "sip:*98#@pbx"},
	    {"a@b.example", "sip:a@b.example"}, {"sip:a@127.0.0.1:5060", "sip:a@127.0.0.1:5060"},
	    {"", NULL}, {"@b", NULL}, {"a@", NULL}, {"a b", NULL}, {"a\r\nVia: x", NULL}, {"<a>", NULL},
	    {"a;b", NULL}, {"a@b;transport=tcp", NULL}, {"a@b?Subject=x", NULL}, {"a\"", NULL},
	    {"a\\", NULL}, {"a,b", NULL}, {"a@b@c", NULL}, {"\xc3\xa4", NULL}, {"a{b}", NULL},
	    {"tel:1", NULL}, {"sips:a@b", NULL}, {"$(x)", NULL}};
	char out[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = kam_target(str_c(cases[i].in), "pbx", out, sizeof(out));

		ck_assert_msg(ok == (cases[i].want != NULL), "%s", cases[i].in);
		if (ok)
			ck_assert_str_eq(out, cases[i].want);
	}
	ck_assert(!kam_target(STR_LIT("201"), "", out, sizeof(out)));
	ck_assert(!kam_target((struct str){"a\0b", 3}, "pbx", out, sizeof(out)));
	ck_assert(
	    !kam_target(STR_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@bbbbb"),
	        "", out, sizeof(out)));
}
END_TEST

/* --- files, read by the program ------------------------------------------------------------------
 */

static struct rig rig;
static struct child feed;
static int http_port, udp_port, next_call, ready_before;

/* How often a feed has said that it is ready. */
static int
times_ready(void)
{
	char line[1024], path[96];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", rig.dir);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "event=ready text=\"source kam-1, ") != NULL;
	if (f != NULL)
		fclose(f);
	return n;
}

static void
start_feed(void)
{
	char log[128], set[7][256];
	char *argv[] = {(char *)(uintptr_t)child_program("tandem-feed-kamailio"), "-c", rig.conf, "-o",
	    set[0], "-o", set[1], "-o", set[2], "-o", set[3], "-o", set[4], "-o", set[5], NULL};

	snprintf(log, sizeof(log), "%s/log", rig.dir);
	snprintf(set[0], sizeof(set[0]), "feed.backend=%s", feeder_endpoint(&rig));
	snprintf(set[1], sizeof(set[1]), "feed.spool=%s/spool", rig.dir);
	snprintf(set[2], sizeof(set[2]), "kamailio.url=http://127.0.0.1:%d", http_port);
	snprintf(set[3], sizeof(set[3]), "kamailio.port=%d", udp_port);
	snprintf(set[4], sizeof(set[4]), "kamailio.cdr_dir=%s/cdr", rig.dir);
	snprintf(set[5], sizeof(set[5]), "feed.source=kam-1");
	ready_before = times_ready();
	child_start(&feed, log, argv);
}

/* Numbers that a feed had at its end, the last time. */
static long long
numbers(void)
{
	char line[1024], path[96];
	long long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", rig.dir);
	f = fopen(path, "r");
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *at = strstr(line, "event=stopped text=\"source kam-1, ");

		if (at != NULL)
			n = atoll(at + strlen("event=stopped text=\"source kam-1, "));
	}
	fclose(f);
	return n;
}

static void
files_setup(void)
{
	char dir[96];

	rig = (struct rig){.port = {0}};
	rig_start_fixture(&rig);
	snprintf(dir, sizeof(dir), "%s/cdr", rig.dir);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	/* Nobody is there. */
	http_port = free_port();
	udp_port = free_port();
	next_call = 0;
	start_feed();
}

static void
files_teardown(void)
{
	child_kill(&feed);
	rig_stop(&rig);
}

static void
append(const char *name, const char *text)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/cdr/%s", rig.dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	fchmod(fd, 0644);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Appends the records of so many further calls. */
static void
calls(const char *name, int n)
{
	char line[256];

	for (int i = 0; i < n; i++) {
		snprintf(line, sizeof(line),
		    "1795859581|1795859582|0.999000|1|14:%d|1795859581447|1795859581777|200|1||TS0x|YQ==|"
		    "YQ==||Y0Bk|Yw==\n",
		    ++next_call);
		append(name, line);
	}
}

/* Before that a signal ends it as any other program. */
static void
await_ready(void)
{
	long long until = ms_now() + 15000;

	while (times_ready() == ready_before) {
		ck_assert_msg(ms_now() < until, "the feed does not start");
		nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
	}
}

static void
end_feed(void)
{
	int status;
	char path[96], line[1024] = "", last[1024] = "";
	FILE *f;

	await_ready();
	status = child_end(&feed, SIGTERM, 10000);
	if (status == 0)
		return;
	snprintf(path, sizeof(path), "%s/log", rig.dir);
	f = fopen(path, "r");
	while (fgets(line, sizeof(line), f) != NULL)
		memcpy(last, line, sizeof(last));
	ck_abort_msg("the feed ended with %d: %s", status, last);
}

/* Waits until the spool has so many messages, all of them stored, and ends the feed. */
static void
expect(long long want)
{
	long long until = ms_now() + 15000;

	do {
		await_ready();
		nanosleep(&(struct timespec){0, 600 * 1000000}, NULL);
		end_feed();
		ck_assert_msg(ms_now() < until, "%lld messages, not %lld", numbers(), want);
		start_feed();
	} while (numbers() < want);
	await_ready();
	nanosleep(&(struct timespec){0, 600 * 1000000}, NULL);
	end_feed();
	ck_assert_int_eq(numbers(), want);
}

START_TEST(each_line_once)
{
	calls("cdrs_1.log", 3);
	calls("cdrs_2.log", 4);
	append("cdrs_1.log", "half of a ");
	expect(7);
	start_feed();
	append("cdrs_1.log", "line|that is none\n");
	append("notes.log", LINE "\n");
	append("cdrs_3.log.gz", LINE "\n");
	calls("cdrs_1.log", 2);
	expect(9);
}
END_TEST

static void
move(const char *from, const char *to)
{
	char a[160], b[160];

	snprintf(a, sizeof(a), "%s/cdr/%s", rig.dir, from);
	snprintf(b, sizeof(b), "%s/cdr/%s", rig.dir, to);
	ck_assert_int_eq(rename(a, b), 0);
}

START_TEST(files_are_rotated)
{
	char path[160];

	calls("cdrs_1.log", 3);
	expect(3);
	/* While the feed is away: the rest is in the old file, the new one has its name. */
	calls("cdrs_1.log", 2);
	move("cdrs_1.log", "cdrs_1.log.1");
	calls("cdrs_1.log", 4);
	start_feed();
	expect(9);
	move("cdrs_1.log.1", "cdrs_1.log.2");
	move("cdrs_1.log", "cdrs_1.log.1");
	calls("cdrs_1.log.1", 1);
	start_feed();
	calls("cdrs_1.log", 1);
	expect(11);
	/* Emptied in its place: what is there then is new. */
	snprintf(path, sizeof(path), "%s/cdr/cdrs_1.log", rig.dir);
	ck_assert_int_eq(truncate(path, 0), 0);
	calls("cdrs_1.log", 2);
	start_feed();
	expect(13);
	ck_assert_int_eq(unlink(path), 0);
	calls("cdrs_1.log", 1);
	start_feed();
	expect(14);
}
END_TEST

START_TEST(kills_between_lines)
{
	for (int i = 0; i < 10; i++) {
		calls("cdrs_1.log", 5);
		calls("cdrs_2.log", 5);
		nanosleep(&(struct timespec){0, (long)i * 25 * 1000000}, NULL);
		child_kill(&feed);
		if (i == 4)
			rig_kill(&rig.backend);
		if (i == 7)
			rig_backend(&rig);
		start_feed();
	}
	expect(100);
}
END_TEST

/* A line without an end takes neither memory nor the lines of other files. */
START_TEST(an_endless_line)
{
	char *much = malloc(1 << 20);

	memset(much, 'x', (1 << 20) - 1);
	much[(1 << 20) - 1] = '\0';
	calls("cdrs_1.log", 1);
	append("cdrs_1.log", much);
	append("cdrs_1.log", much);
	calls("cdrs_2.log", 1);
	expect(2);
	start_feed();
	append("cdrs_1.log", "\n");
	calls("cdrs_1.log", 1);
	expect(3);
	free(much);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("feed_kamailio");
	TCase *t = tcase_create("text"), *f = tcase_create("files");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, text_setup, text_teardown);
	tcase_add_test(t, events_become_calls);
	tcase_add_test(t, hostile_callers);
	tcase_add_test(t, damaged_events);
	tcase_add_test(t, lines_become_records);
	tcase_add_test(t, lines_that_are_none);
	tcase_add_test(t, whom_a_command_may_call);
	tcase_set_timeout(f, 120);
	tcase_add_checked_fixture(f, files_setup, files_teardown);
	tcase_add_test(f, each_line_once);
	tcase_add_test(f, files_are_rotated);
	tcase_add_test(f, kills_between_lines);
	tcase_add_test(f, an_endless_line);
	suite_add_tcase(s, t);
	suite_add_tcase(s, f);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
