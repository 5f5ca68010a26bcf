/* SPDX-License-Identifier: ISC */
/*
 * tandem-feed-freeswitch, the program, between a process that speaks the recorded bytes of a
 * FreeSWITCH and a backend's end that the test holds: sessions, late starts, commands, and whatever
 * can become of either side.
 */
#include "tests/freeswitch_program.h"

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
#include "tests/child.h"
#include "tests/feed_desk.h"
#include "tests/freeswitch_rig.h"
#include "tests/freeswitch_server.h"
#include "tests/rig.h"

#define DOMAIN "pbx.example.net"
#define ROOM "47225372-3301-42bc-aaa2-c5ebd3d91712"
#define MEMBERS                                            \
	"member " ROOM " 1 1001 Alice in 0 out 0 energy 100\n" \
	"member " ROOM " 2 1002 Bob in 0 out 0 energy 100\n"   \
	"member " ROOM " 3 1003 Carol M moderator in 0 out 0 energy 100\n"

/* A second after it is back all is right, where nothing else is done; without that it would be by
 * the comparison after five. */
enum { AGAIN_MS = 4500 };

static struct server server;
static struct desk desk;
static struct listener heard;
static struct child feed;
static char dir[64], cdr_dir[96], ids[4096][64];
static size_t id_n;
static const char *password;

static void
on_message(void *arg, const struct feed_message *m, const void *record)
{
	char key[1700] = "", id[600] = "";
	struct fs_fact f = {.kind = (enum feed_kind)m->kind, .key = key, .record = record};

	(void)arg;
	if (REC_HAS(m, feed_message, key))
		snprintf(key, sizeof(key), "%.*s", (int)m->key.n, m->key.p);
	if (REC_HAS(m, feed_message, id))
		snprintf(id, sizeof(id), "%.*s", (int)m->id.n, m->id.p);
	f.id = id;
	f.member = REC_HAS(m, feed_message, member) ? m->member : 0;
	f.time = m->time;
	if (m->kind != feed_kind_CDR) {
		listener_fact(&heard, &f);
		return;
	}
	listener_cdr(&heard, record);
	for (size_t i = 0; i < id_n; i++)
		if (str_eqc(((const struct cdr *)record)->id, ids[i]))
			return;
	if (id_n < 4096)
		snprintf(ids[id_n++], 64, "%.*s", (int)((const struct cdr *)record)->id.n,
		    ((const struct cdr *)record)->id.p);
}

static void
write_file(const char *path, const void *data, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

static void
start_feed(void)
{
	static char set[10][200], log[96], secret[96];
	char *argv[24] = {
	    (char *)(uintptr_t)child_program("tandem-feed-freeswitch"), "-c", "etc/tandem.conf"};
	size_t n = 3;

	snprintf(log, sizeof(log), "%s/log", dir);
	snprintf(secret, sizeof(secret), "%s/password", dir);
	write_file(secret, password, strlen(password));
	snprintf(set[0], 200, "feed.backend=ipc://%s/feeds.sock", dir);
	snprintf(set[1], 200, "feed.spool=%s/spool", dir);
	snprintf(set[2], 200, "freeswitch.port=%d", server.port);
	snprintf(set[3], 200, "freeswitch.password_file=%s", secret);
	snprintf(set[4], 200, "freeswitch.domain=" DOMAIN);
	snprintf(set[5], 200, "freeswitch.compare_s=5");
	snprintf(set[6], 200, "freeswitch.record_directory=/var/lib/fs/recordings/conf");
	snprintf(set[7], 200, "freeswitch.cdr_directory=%s", cdr_dir);
	for (int i = 0; i < 8; i++) {
		argv[n++] = "-o";
		argv[n++] = set[i];
	}
	child_start(&feed, log, argv);
}

static void
setup(void)
{
	char endpoint[128];

	password = "ClueCon\n";
	id_n = 0;
	cdr_dir[0] = '\0';
	snprintf(dir, sizeof(dir), "/tmp/tandem-fs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	/* Started by root, the feed becomes another user. */
	ck_assert_int_eq(chmod(dir, 0711), 0);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/feeds.sock", dir);
	server_start(&server, "esl-plain.raw.gz");
	listener_init(&heard, DOMAIN);
	desk = (struct desk){.message = on_message};
	desk_open(&desk, endpoint);
}

/* Whatever a sanitizer or the feed has said against itself. */
static void
check_log(void)
{
	char path[96], *text = malloc(4 << 20);
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", dir);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, (4 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	if (strstr(text, "Sanitizer") != NULL || strstr(text, "runtime error") != NULL)
		ck_abort_msg("%s", text);
	/* Wrong or right, it is in no log. */
	ck_assert_ptr_null(strstr(text, "ClueCon"));
	ck_assert_ptr_null(strstr(text, "guessed"));
	free(text);
}

static void
teardown(void)
{
	char command[128];

	if (feed.pid > 0)
		ck_assert_int_eq(child_end(&feed, SIGTERM, 10000), 0);
	server_stop(&server);
	desk_close(&desk);
	listener_free(&heard);
	check_log();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static bool
has_snapshot(void *arg)
{
	return heard.facts[feed_kind_SNAPSHOT_END] >= *(int *)arg;
}

static void
await_snapshot(int count)
{
	desk_until(&desk, has_snapshot, &count, "a snapshot");
}

static bool
has_ended(void *arg)
{
	(void)arg;
	return heard.cdrs >= 24 && heard.facts[feed_kind_CALL_END] >= 24 &&
	    heard.facts[feed_kind_CONFERENCE_END] >= 2;
}

static const char *wanted;

static bool
is_shown(void *arg)
{
	(void)arg;
	return strcmp(listener_shows(&heard), wanted) == 0;
}

static void
await_shown(const char *want, int ms)
{
	long long until = ms_now() + ms;

	wanted = want;
	while (!is_shown(NULL)) {
		if (ms_now() > until)
			ck_abort_msg("wanted:\n%s\nshown:\n%s", want, listener_shows(&heard));
		desk_run(&desk, 5);
	}
}

static void
set_upto(const char *text)
{
	atomic_store(&server.control->upto, server_event(&server, text) + 1);
}

static void
fault(enum server_fault f)
{
	atomic_store(&server.control->fault, f);
}

/* Everything that the recorded session was, in pieces of some size. */
START_TEST(a_session)
{
	static const int chunks[] = {100, 1448, 65536};

	atomic_store(&server.control->chunk, chunks[_i]);
	start_feed();
	await_snapshot(1);
	ck_assert_str_eq(listener_shows(&heard), "");
	ck_assert_uint_eq(desk.verbs.n, 14);
	set_upto("Event-Sequence: 524\n");
	atomic_store(&server.control->rooms, 1);
	await_shown("call 54241008-d6b4-44ef-bfe0-a95e1f2e589d \"Carol M\" <sip:1003@" DOMAIN
	            "> () -> <sip:mod3001@" DOMAIN "> (mod3001@" DOMAIN
	            ") by  - answered started 1795452738982 answered 1795452739002\n"
	            "call 8b9ba963-cd1d-48f3-a23d-04f8a6bca967 \"Bob\" <sip:1002@" DOMAIN
	            "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN
	            ") by  conference answered started 1795452738502 answered 1795452738502\n"
	            "call 9cb313d3-bc77-416c-b7ea-9fc3bb4da5e9 \"Bob\" <sip:1002@" DOMAIN
	            "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN
	            ") by  - answered started 1795452738482 answered 1795452738502\n"
	            "call b136079a-d26a-4a56-8536-179c3d4bca13 \"Alice\" <sip:1001@" DOMAIN
	            "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN
	            ") by  - answered started 1795452737682 answered 1795452737702\n"
	            "call b997a3bb-bfae-46bd-9c35-7e0d9bb4bc15 \"Carol M\" <sip:1003@" DOMAIN
	            "> () -> <sip:mod3001@" DOMAIN "> (mod3001@" DOMAIN
	            ") by  conference answered started 1795452739002 answered 1795452739002\n"
	            "call e6da16de-aa6a-477f-b866-666d96130a5d \"Alice\" <sip:1001@" DOMAIN
	            "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN
	            ") by  conference answered started 1795452737682 answered 1795452737682\n" MEMBERS
	            "room " ROOM " 3001 started 1795452737682\n",
	    15000);
	atomic_store(&server.control->rooms, 0);
	atomic_store(&server.control->upto, (int)server.events);
	desk_until(&desk, has_ended, NULL, "all calls end");
	await_shown("", 15000);
	ck_assert_int_eq(heard.cdrs, 24);
	ck_assert_uint_eq(id_n, 24);
	ck_assert_int_gt(desk.volatiles, 0);
}
END_TEST

/* What is there when it comes is listed; what happened before is not made up. */
static const char late[] = "call 54241008-d6b4-44ef-bfe0-a95e1f2e589d \"Carol M\" <sip:1003@" DOMAIN
                           "> () -> <sip:mod3001@" DOMAIN "> (mod3001@" DOMAIN
                           ") by  - answered started 1795452738982 answered 1795452739002\n"
                           "call 8b9ba963-cd1d-48f3-a23d-04f8a6bca967 \"Bob\" <sip:1002@" DOMAIN
                           "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN
                           ") by  - answered started 1795452738502 answered 1795452738502\n"
                           "call 9cb313d3-bc77-416c-b7ea-9fc3bb4da5e9 \"Bob\" <sip:1002@" DOMAIN
                           "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN
                           ") by  - answered started 1795452738482 answered 1795452738502\n"
                           "call b136079a-d26a-4a56-8536-179c3d4bca13 \"Alice\" <sip:1001@" DOMAIN
                           "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN
                           ") by  - answered started 1795452737682 answered 1795452737702\n"
                           "call b997a3bb-bfae-46bd-9c35-7e0d9bb4bc15 \"Carol M\" <sip:1003@" DOMAIN
                           "> () -> <sip:mod3001@" DOMAIN "> (mod3001@" DOMAIN
                           ") by  - answered started 1795452739002 answered 1795452739002\n"
                           "call e6da16de-aa6a-477f-b866-666d96130a5d \"Alice\" <sip:1001@" DOMAIN
                           "> () -> <sip:3001@" DOMAIN "> (3001@" DOMAIN
                           ") by  - answered started 1795452737682 answered 1795452737682\n" MEMBERS
                           "room " ROOM " 3001 started ";

static void
check_late(int ms)
{
	long long until = ms_now() + ms;

	/* When the room began is worked out from its seconds, so it is not always the same. */
	while (strncmp(listener_shows(&heard), late, sizeof(late) - 1) != 0) {
		if (ms_now() > until)
			ck_abort_msg("shown:\n%s", listener_shows(&heard));
		desk_run(&desk, 5);
	}
}

START_TEST(somebody_who_comes_late)
{
	set_upto("Event-Sequence: 524\n");
	atomic_store(&server.control->rooms, 1);
	start_feed();
	await_snapshot(1);
	check_late(0);
	ck_assert_int_eq(heard.cdrs, 0);
	/* Asked for once more: the same. */
	desk_run(&desk, 6000);
	check_late(0);
	server_await_command(&server, "api conference json_list", 2);
	/* The rest by events. */
	atomic_store(&server.control->rooms, 0);
	atomic_store(&server.control->upto, (int)server.events);
	await_shown("", 15000);
}
END_TEST

/* The switch is away while everything changes; a second after it is back all is right. */
START_TEST(a_switch_that_was_away)
{
	start_feed();
	await_snapshot(1);
	server_close(&server);
	desk_run(&desk, 1500);
	set_upto("Event-Sequence: 524\n");
	atomic_store(&server.control->rooms, 1);
	fault(FAULT_NONE);
	check_late(AGAIN_MS);
	server_close(&server);
	atomic_store(&server.control->rooms, 0);
	atomic_store(&server.control->upto, (int)server.events);
	fault(FAULT_NONE);
	await_shown("", AGAIN_MS);
}
END_TEST

START_TEST(a_switch_that_was_started_anew)
{
	set_upto("Event-Sequence: 524\n");
	atomic_store(&server.control->rooms, 1);
	start_feed();
	await_snapshot(1);
	check_late(0);
	server_close(&server);
	atomic_store(&server.control->core, 7);
	atomic_store(&server.control->rooms, 0);
	atomic_store(&server.control->upto, 0);
	fault(FAULT_NONE);
	await_shown("", AGAIN_MS);
}
END_TEST

/* Killed and started again at some point, between and within events: the same at the end. */
START_TEST(a_feed_that_is_killed)
{
	start_feed();
	await_snapshot(1);
	for (int i = 0; i < 6; i++) {
		int64_t messages = desk.messages;

		atomic_store(&server.control->upto, (int)server.events * (i + 1) / 8);
		while (desk.messages == messages)
			desk_run(&desk, 1 + 3 * i);
		child_kill(&feed);
		start_feed();
		await_snapshot((int)heard.facts[feed_kind_SNAPSHOT_END] + 1);
	}
	ck_assert_str_ne(listener_shows(&heard), "");
	atomic_store(&server.control->upto, (int)server.events);
	await_shown("", 15000);
}
END_TEST

/* --- commands ------------------------------------------------------------------------------------
 */
static struct feed_command
command(int64_t id, int verb)
{
	struct feed_command c = {.has = 0};

	REC_SET(&c, feed_command, id, id);
	REC_SET(&c, feed_command, deadline, 5000);
	REC_SET(&c, feed_command, verb, verb);
	return c;
}

static void
gives(const struct feed_command *c, bool ok, int code, const char *text)
{
	desk_command(&desk, c);
	ck_assert_str_eq(desk.text, text);
	ck_assert_int_eq(desk.result.ok, ok);
	ck_assert_int_eq(REC_HAS(&desk.result, feed_result, code) ? (int)desk.result.code : 0, code);
}

START_TEST(commands)
{
	struct feed_command c;

	set_upto("Event-Sequence: 524\n");
	atomic_store(&server.control->rooms, 1);
	start_feed();
	await_snapshot(1);
	c = command(1, feed_verb_MUTE);
	REC_SET(&c, feed_command, key, STR_LIT(ROOM));
	gives(&c, true, 0, "+OK mute 3\n+OK mute 2\n+OK mute 1");
	server_await_command(&server, "api conference 3001 mute all", 1);
	REC_SET(&c, feed_command, id, 2);
	REC_SET(&c, feed_command, member, 1);
	gives(&c, true, 0, "+OK mute 1");
	REC_SET(&c, feed_command, id, 3);
	REC_SET(&c, feed_command, member, 9999);
	gives(&c, false, ERR_NOT_FOUND, "-ERR Non-Existant ID 9999");
	c = command(4, feed_verb_LOCK);
	REC_SET(&c, feed_command, key, STR_LIT(ROOM));
	gives(&c, true, 0, "+OK 3001 locked");
	c.verb = feed_verb_VOLUME_IN;
	REC_SET(&c, feed_command, id, 5);
	REC_SET(&c, feed_command, member, 1);
	REC_SET(&c, feed_command, value, 2);
	gives(&c, true, 0, "+OK Volume IN 1 = 2");
	REC_SET(&c, feed_command, id, 6);
	REC_SET(&c, feed_command, value, 1000);
	gives(&c, false, ERR_INVALID, "a volume is a number from -4 to 4");
	c = command(7, feed_verb_RECORD);
	REC_SET(&c, feed_command, room, STR_LIT("3001"));
	gives(&c, true, 0, "+OK Record file /var/lib/fs/recordings/conf/r1.wav");
	server_await_command(
	    &server, "api conference 3001 record /var/lib/fs/recordings/conf/3001-", 1);
	REC_SET(&c, feed_command, id, 8);
	REC_SET(&c, feed_command, value, 0);
	gives(&c, true, 0,
	    "Stopped recording file /var/lib/fs/recordings/conf/r1.wav\n+OK Stopped recording 0 files");
	c = command(9, feed_verb_INVITE);
	REC_SET(&c, feed_command, key, STR_LIT(ROOM));
	REC_SET(&c, feed_command, from, STR_LIT("201"));
	gives(&c, true, 0, "+OK Job-UUID: d4e54184-b3b3-42b7-a2e2-b5a7b55b2d0a");
	server_await_command(&server, "api conference 3001 bgdial user/201@" DOMAIN " 3001 3001", 1);
	c = command(10, feed_verb_ORIGINATE);
	REC_SET(&c, feed_command, from, STR_LIT("201@" DOMAIN));
	REC_SET(&c, feed_command, to, STR_LIT("5551212"));
	desk_command(&desk, &c);
	ck_assert(desk.result.ok);
	ck_assert(strncmp(desk.text, "+OK Job-UUID: ", 14) == 0);
	server_await_command(&server, "bgapi originate {origination_uuid=", 1);
	ck_assert_ptr_nonnull(strstr(server.control->notes, "}user/201@" DOMAIN " &bridge({"));
	/* What is not there, what is not allowed, and what comes a second time. */
	c = command(11, feed_verb_KICK);
	REC_SET(&c, feed_command, key, STR_LIT("no-such-conference"));
	gives(&c, false, ERR_NOT_FOUND, "no such conference");
	c = command(12, feed_verb_ORIGINATE);
	REC_SET(&c, feed_command, from, STR_LIT("201"));
	REC_SET(&c, feed_command, to, STR_LIT("202\n\napi hupall"));
	gives(&c, false, ERR_INVALID, "a number or user to call must be a plain word");
	c = command(2, feed_verb_KICK);
	REC_SET(&c, feed_command, key, STR_LIT(ROOM));
	gives(&c, true, 0, "+OK mute 1");
	ck_assert_ptr_null(strstr(server.control->notes, "kick"));
	ck_assert_ptr_null(strstr(server.control->notes, "hupall"));
	/* Without a switch it is said at once; on a reply that never comes when the link is lost. */
	c = command(13, feed_verb_LOCK);
	REC_SET(&c, feed_command, key, STR_LIT(ROOM));
	server_close(&server);
	gives(&c, false, ERR_UNAVAILABLE, "FreeSWITCH is not connected");
}
END_TEST

/* A list of everything that has one room. */
static void
tell_room(int64_t part, const char *name, const char *code, int64_t limit)
{
	struct feed_room room = {.has = 0};
	struct feed_routes r = {.has = 0};

	REC_SET(&room, feed_room, id, 5);
	room.has |= REC_BIT(feed_room, room);
	REC_SET(&room.room, room, name, STR_LIT("sales-room"));
	REC_SET(&room.room, room, extension, str_c(name));
	if (code[0] != '\0')
		REC_SET(&room.room, room, access_code, str_c(code));
	REC_SET(&room.room, room, max_members, limit);
	REC_SET(&r, feed_routes, part, part);
	REC_SET(&r, feed_routes, generation, 1);
	REC_SET(&r, feed_routes, version, part);
	REC_SET(&r, feed_routes, begin, true);
	REC_SET(&r, feed_routes, end, true);
	r.has |= REC_BIT(feed_routes, rooms);
	r.rooms.v = &room;
	r.rooms.n = 1;
	desk_routes(&desk, &r);
	desk_run(&desk, 100);
}

/* What users have set holds in conferences that run, and in those that begin. */
START_TEST(codes_and_limits)
{
	start_feed();
	await_snapshot(1);
	tell_room(1, "3001", "4321", 20);
	ck_assert_ptr_null(strstr(server.control->notes, "pin"));
	set_upto("Event-Sequence: 524\n");
	atomic_store(&server.control->rooms, 1);
	server_await_command(&server, "api conference 3001 pin 4321", 1);
	server_await_command(&server, "api conference 3001 set max_members 20", 1);
	/* Once is enough, also when the conference is listed once more. */
	desk_run(&desk, 6000);
	tell_room(2, "3001", "4321", 20);
	server_await_command(&server, "api conference 3001 pin", 1);
	tell_room(3, "3001", "", 1);
	server_await_command(&server, "api conference 3001 nopin", 1);
	server_await_command(&server, "api conference 3001 set max_members 0", 1);
	/* Another one's. */
	tell_room(4, "3002", "99", 2);
	ck_assert_ptr_null(strstr(server.control->notes, "3002"));
	ck_assert_ptr_null(strstr(server.control->notes, "pin 99"));
}
END_TEST

START_TEST(a_command_without_a_reply)
{
	struct feed_command c = command(1, feed_verb_LOCK);

	atomic_store(&server.control->rooms, 1);
	set_upto("Event-Sequence: 524\n");
	start_feed();
	await_snapshot(1);
	fault(FAULT_NO_REPLY);
	REC_SET(&c, feed_command, key, STR_LIT(ROOM));
	gives(&c, false, ERR_UNAVAILABLE, "the connection to FreeSWITCH was lost");
	fault(FAULT_NONE);
	await_snapshot(2);
	check_late(0);
}
END_TEST

/* --- a switch that is none
 * ------------------------------------------------------------------------- */
static long
resident_kb(void)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)feed.pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmRSS: %ld", &kb);
	fclose(f);
	ck_assert_int_gt(kb, 0);
	return kb;
}

/* A sanitizer keeps what was freed, more with each login: as many as there are in the time. */
static void
keep_little(void)
{
	const char *had = getenv("ASAN_OPTIONS");
	char options[512];

	snprintf(options, sizeof(options), "%s:quarantine_size_mb=4", had != NULL ? had : "");
	setenv("ASAN_OPTIONS", options, 1);
}

START_TEST(a_switch_that_lies)
{
	static const enum server_fault v[] = {
	    FAULT_ENDLESS_LINE, FAULT_ENDLESS_HEAD, FAULT_NEGATIVE, FAULT_HUGE, FAULT_ZEROS};
	long before;
	long long from;
	int logins;

	keep_little();
	start_feed();
	await_snapshot(1);
	before = resident_kb();
	server_close(&server);
	logins = atomic_load(&server.control->logins);
	fault(v[_i]);
	/* It comes again and again with its two connections, each after a pause of 50 ms or more. */
	from = ms_now();
	desk_run(&desk, 1500);
	while (atomic_load(&server.control->logins) < logins + 4 && ms_now() - from < 15000)
		desk_run(&desk, 20);
	ck_assert_int_ge(atomic_load(&server.control->logins), logins + 4);
	ck_assert_int_le(
	    atomic_load(&server.control->logins), logins + 2 * (int)((ms_now() - from) / 50 + 1));
	ck_assert_int_lt(resident_kb() - before, 32 * 1024);
	fault(FAULT_NONE);
	set_upto("Event-Sequence: 524\n");
	atomic_store(&server.control->rooms, 1);
	check_late(10000);
}
END_TEST

START_TEST(a_switch_that_stalls)
{
	start_feed();
	await_snapshot(1);
	if (_i == 0) {
		/* In the middle of an event: half of it is never told. */
		fault(FAULT_HALF_EVENT);
		set_upto("Event-Sequence: 524\n");
		atomic_store(&server.control->rooms, 1);
	} else {
		/* Before it has said anything. */
		server_close(&server);
		fault(FAULT_SILENT);
		desk_run(&desk, 1500);
		set_upto("Event-Sequence: 524\n");
		atomic_store(&server.control->rooms, 1);
	}
	/* Less than the silence after which the feed connects anew, and asks. */
	desk_run(&desk, 2000);
	ck_assert_str_eq(listener_shows(&heard), "");
	fault(FAULT_NONE);
	check_late(18000);
}
END_TEST

START_TEST(a_wrong_password)
{
	password = "guessed";
	start_feed();
	desk_meet(&desk);
	desk_run(&desk, 2000);
	for (int i = 0; i < 600 && atomic_load(&server.control->refused) < 4; i++)
		desk_run(&desk, 20);
	/* Both connections, again and again, ever more slowly. */
	ck_assert_int_ge(atomic_load(&server.control->refused), 4);
	ck_assert_int_le(atomic_load(&server.control->refused), 20);
	ck_assert_int_eq(atomic_load(&server.control->logins), 0);
	ck_assert_int_eq(heard.facts[feed_kind_SNAPSHOT_BEGIN], 0);
}
END_TEST

/* --- call records in files
 * --------------------------------------------------------------------------- */
static void
leave_record(const char *id, size_t n, bool whole)
{
	struct str text = recorded("xml_cdr.xml");
	static const char old[] = "15e19ebf-7aab-4f5e-80e5-41818486a7e1";
	char *copy = strndup(text.p, text.n), path[256], *at;

	for (at = copy; (at = strstr(at, old)) != NULL; at++)
		memcpy(at, id, strlen(old));
	snprintf(path, sizeof(path), "%s/a_%s.cdr.xml", cdr_dir, id);
	write_file(path, copy, whole ? text.n : n);
	free(copy);
}

static void
record_id(char id[37], int i)
{
	snprintf(id, 37, "00000000-0000-4000-8000-%012d", i);
}

static bool
has_records(void *arg)
{
	return id_n >= *(size_t *)arg;
}

static void
await_records(size_t n)
{
	desk_until(&desk, has_records, &n, "the call records");
	desk_run(&desk, 300);
	ck_assert_uint_eq(id_n, n);
}

START_TEST(call_records_in_files)
{
	char id[37], path[256];
	struct timespec past[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = 0}};
	size_t n = 0;

	snprintf(cdr_dir, sizeof(cdr_dir), "%s/cdr", dir);
	ck_assert_int_eq(mkdir(cdr_dir, 0755), 0);
	/* Before it starts, and more than one look takes. */
	for (; n < 1500; n++) {
		record_id(id, (int)n);
		leave_record(id, 0, true);
	}
	start_feed();
	await_snapshot(1);
	await_records(n);
	ck_assert_int_eq(heard.cdrs, 1500);
	/* While it runs, one by one; other files are nothing to it. */
	for (; n < 1510; n++) {
		record_id(id, (int)n);
		leave_record(id, 0, true);
		await_records(n + 1);
	}
	snprintf(path, sizeof(path), "%s/other.txt", cdr_dir);
	write_file(path, "x", 1);
	snprintf(path, sizeof(path), "%s/link.xml", cdr_dir);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	/* One that is being written holds up those behind it, and is read when it is whole. */
	record_id(id, (int)n);
	leave_record(id, 5000, false);
	desk_run(&desk, 600);
	ck_assert_uint_eq(id_n, n);
	leave_record(id, 0, true);
	await_records(++n);
	/* By events nothing comes. */
	atomic_store(&server.control->upto, (int)server.events);
	await_shown("", 15000);
	desk_run(&desk, 300);
	ck_assert_uint_eq(id_n, n);
	/* A clock that was set back five minutes. */
	record_id(id, (int)n);
	leave_record(id, 0, true);
	snprintf(path, sizeof(path), "%s/a_%s.cdr.xml", cdr_dir, id);
	past[1].tv_sec = time(NULL) - 300;
	ck_assert_int_eq(utimensat(AT_FDCWD, path, past, 0), 0);
	await_records(++n);
	/* Files that are none are passed over in the end; those behind them come. */
	snprintf(path, sizeof(path), "%s/bad.xml", cdr_dir);
	write_file(path, "<cdr><variables>", 16);
	past[1].tv_sec = time(NULL) - 60;
	ck_assert_int_eq(utimensat(AT_FDCWD, path, past, 0), 0);
	record_id(id, (int)n);
	leave_record(id, 0, true);
	await_records(++n);
}
END_TEST

/* Killed at any point: no record is lost, and each has the name by which a second one is noticed.
 */
START_TEST(kills_lose_no_record)
{
	char id[37];
	size_t n = 0;

	snprintf(cdr_dir, sizeof(cdr_dir), "%s/cdr", dir);
	ck_assert_int_eq(mkdir(cdr_dir, 0755), 0);
	start_feed();
	await_snapshot(1);
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 100; i++, n++) {
			record_id(id, (int)n);
			leave_record(id, 0, true);
		}
		desk_run(&desk, 40 * round);
		child_kill(&feed);
		for (int i = 0; i < 20; i++, n++) {
			record_id(id, (int)n);
			leave_record(id, 0, true);
		}
		start_feed();
	}
	await_records(n);
}
END_TEST

/* A case each, so that $CK_RUN_CASE runs one alone. */
#define ADD(test, n)                                   \
	do {                                               \
		TCase *t = tcase_create(#test);                \
                                                       \
		tcase_set_timeout(t, 90);                      \
		tcase_add_checked_fixture(t, setup, teardown); \
		tcase_add_loop_test(t, test, 0, n);            \
		suite_add_tcase(s, t);                         \
	} while (0)

int
freeswitch_program(bool slow)
{
	Suite *s = suite_create("freeswitch");
	SRunner *r = srunner_create(s);
	int failed;

	text_init();
	if (slow) {
		ADD(a_command_without_a_reply, 1);
		ADD(codes_and_limits, 1);
		ADD(a_switch_that_stalls, 2);
		ADD(kills_lose_no_record, 1);
	} else {
		ADD(a_session, 3);
		ADD(somebody_who_comes_late, 1);
		ADD(a_switch_that_was_away, 1);
		ADD(a_switch_that_was_started_anew, 1);
		ADD(a_feed_that_is_killed, 1);
		ADD(commands, 1);
		ADD(a_switch_that_lies, 5);
		ADD(a_wrong_password, 1);
		ADD(call_records_in_files, 1);
	}
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
