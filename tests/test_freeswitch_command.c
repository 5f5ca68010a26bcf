/* SPDX-License-Identifier: ISC */
/*
 * Commands for FreeSWITCH: their lines, what its recorded replies mean, and arguments that would be
 * taken for something else. Call records in files: the recorded one, and such that are none.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/tree.h"
#include "feeds/freeswitch_command.h"
#include "feeds/freeswitch_esl.h"
#include "feeds/freeswitch_xmlcdr.h"
#include "tests/freeswitch_rig.h"

static const struct fs_dialling dialling = {
    "pbx.example.net", "user/%u@%d", "sofia/external/%u@%d", "/var/recordings", 20};

#define UUID "11111111-2222-3333-4444-555555555555"

static struct feed_command
command(int verb)
{
	struct feed_command c = {.has = 0};

	REC_SET(&c, feed_command, id, 1);
	REC_SET(&c, feed_command, verb, verb);
	return c;
}

static void
is_line(const struct feed_command *c, const char *room, const char *want)
{
	char line[FS_LINE_MAX];
	struct err e = {0};

	ck_assert_msg(fs_command_line(line, c, room, UUID, 1700000000123, &dialling, &e) == 0, "%s",
	    err_text(&e));
	ck_assert_str_eq(line, want);
}

static void
is_refused(const struct feed_command *c, const char *room)
{
	char line[FS_LINE_MAX];
	struct err e = {0};

	ck_assert_int_eq(fs_command_line(line, c, room, UUID, 1700000000123, &dialling, &e), -1);
	ck_assert_int_eq(e.code, ERR_INVALID);
	ck_assert_uint_gt(strlen(err_text(&e)), 0);
}

START_TEST(verbs_about_members)
{
	static const struct {
		int verb;
		const char *word;
	} v[] = {{feed_verb_MUTE, "mute"}, {feed_verb_UNMUTE, "unmute"}, {feed_verb_DEAF, "deaf"},
	    {feed_verb_UNDEAF, "undeaf"}, {feed_verb_KICK, "kick"}};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct feed_command c = command(v[i].verb);
		char want[128];

		snprintf(want, sizeof(want), "api conference 3001 %s all", v[i].word);
		is_line(&c, "3001", want);
		REC_SET(&c, feed_command, member, 17);
		snprintf(want, sizeof(want), "api conference 3001 %s 17", v[i].word);
		is_line(&c, "3001", want);
		is_refused(&c, NULL);
	}
}
END_TEST

START_TEST(other_verbs)
{
	struct feed_command c = command(feed_verb_LOCK);

	is_line(&c, "room-1.a", "api conference room-1.a lock");
	c = command(feed_verb_UNLOCK);
	is_line(&c, "3001", "api conference 3001 unlock");
	c = command(feed_verb_VOLUME_IN);
	is_refused(&c, "3001");
	REC_SET(&c, feed_command, value, -4);
	is_line(&c, "3001", "api conference 3001 volume_in all -4");
	REC_SET(&c, feed_command, member, 3);
	REC_SET(&c, feed_command, value, 5);
	is_refused(&c, "3001");
	c.verb = feed_verb_VOLUME_OUT;
	REC_SET(&c, feed_command, value, 4);
	is_line(&c, "3001", "api conference 3001 volume_out 3 4");
	c = command(feed_verb_RECORD);
	is_line(&c, "3001", "api conference 3001 record /var/recordings/3001-1700000000123.wav");
	REC_SET(&c, feed_command, value, 0);
	is_line(&c, "3001", "api conference 3001 norecord all");
	c = command(feed_verb_ENERGY);
	is_refused(&c, "3001");
	REC_SET(&c, feed_command, value, 300);
	REC_SET(&c, feed_command, member, 1);
	is_line(&c, "3001", "api conference 3001 energy 1 300");
	REC_SET(&c, feed_command, value, -1);
	is_refused(&c, "3001");
	c = command(feed_verb_PIN);
	is_line(&c, "3001", "api conference 3001 nopin");
	REC_SET(&c, feed_command, text, STR_LIT("43*1#"));
	is_line(&c, "3001", "api conference 3001 pin 43*1#");
	REC_SET(&c, feed_command, text, STR_LIT("mod 1"));
	is_refused(&c, "3001");
	c = command(feed_verb_RESYNC);
	is_refused(&c, "3001");
	c = command(999);
	is_refused(&c, "3001");
}
END_TEST

START_TEST(verbs_that_call)
{
	struct feed_command c = command(feed_verb_INVITE);

	is_refused(&c, "3001");
	REC_SET(&c, feed_command, from, STR_LIT("201"));
	is_line(&c, "3001", "api conference 3001 bgdial user/201@pbx.example.net 3001 3001");
	REC_SET(&c, feed_command, from, STR_LIT("<sip:ann@other.test:5070>"));
	is_line(&c, "3001", "api conference 3001 bgdial sofia/external/ann@other.test:5070 3001 3001");
	c = command(feed_verb_ORIGINATE);
	REC_SET(&c, feed_command, from, STR_LIT("sip:201@PBX.example.net"));
	is_refused(&c, NULL);
	REC_SET(&c, feed_command, to, STR_LIT("+15551212"));
	/* The form that was sent to the real one, with whose call it is. */
	is_line(&c, NULL,
	    "bgapi originate {origination_uuid=" UUID
	    ",originate_timeout=20,ignore_early_media=true,origination_caller_id_number=+15551212,"
	    "c2c_id=" UUID ",tandem_from=201@PBX.example.net,tandem_to=+15551212@pbx.example.net}"
	    "user/201@PBX.example.net &bridge({originate_timeout=20,origination_caller_id_number=201,"
	    "c2c_id=" UUID ",tandem_from=201@PBX.example.net,tandem_to=+15551212@pbx.example.net}"
	    "user/+15551212@pbx.example.net)");
}
END_TEST

/* Whatever could begin another command, header, argument, variable or application. */
START_TEST(nothing_can_be_slipped_in)
{
	static const char bad[] = "\n\r\t {}[]&|;,'\"\\$()<>=%!^`~?:/\x7f\x80";
	struct feed_command c;
	char text[16], room[16];

	for (size_t i = 0; i < sizeof(bad); i++) {
		for (int at = 0; at < 3; at++) {
			struct str s = {text, 3};

			memcpy(text, "201", 4);
			text[at] = bad[i];
			memcpy(room, text, 4);
			c = command(feed_verb_MUTE);
			if (strlen(room) == 3)
				is_refused(&c, room);
			/* Blanks around are no part of it. */
			if (at != 1 && (bad[i] == ' ' || bad[i] == '\n' || bad[i] == '\r' || bad[i] == '\t'))
				continue;
			c = command(feed_verb_INVITE);
			REC_SET(&c, feed_command, from, s);
			is_refused(&c, "3001");
			c = command(feed_verb_ORIGINATE);
			REC_SET(&c, feed_command, from, s);
			REC_SET(&c, feed_command, to, STR_LIT("202"));
			is_refused(&c, NULL);
			REC_SET(&c, feed_command, to, s);
			REC_SET(&c, feed_command, from, STR_LIT("202"));
			is_refused(&c, NULL);
		}
	}
	c = command(feed_verb_INVITE);
	for (size_t i = 0; i < sizeof(bad); i++) {
		char host[] = "201@ho.st";

		if (bad[i] == ':')
			continue;
		host[5] = bad[i];
		REC_SET(&c, feed_command, from, ((struct str){host, 9}));
		is_refused(&c, "3001");
	}
	REC_SET(&c, feed_command, from, STR_LIT("201@"));
	is_refused(&c, "3001");
	REC_SET(&c, feed_command, from, STR_LIT("@host"));
	is_refused(&c, "3001");
	REC_SET(&c, feed_command, from, STR_LIT("-201"));
	is_refused(&c, "3001");
	REC_SET(&c, feed_command, from, STR_LIT("201@-host"));
	is_refused(&c, "3001");
	c = command(feed_verb_MUTE);
	is_refused(&c, "-all");
	is_refused(&c, "");
}
END_TEST

START_TEST(dial_strings)
{
	static const char *const bad[] = {"", "user/201", "user/%d", "user/%u %d", "{x=y}user/%u",
	    "user/%u|", "%x%u", "user/%u%", "user/%u,"};
	struct err e = {0};

	ck_assert_int_eq(fs_check_dial("user/%u@%d", &e), 0);
	ck_assert_int_eq(fs_check_dial("sofia/gateway/pstn/%u", &e), 0);
	ck_assert_int_eq(fs_check_dial("sofia/internal/%u@127.0.0.1:5060", &e), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(fs_check_dial(bad[i], &e) == -1, "%s", bad[i]);
}
END_TEST

/* Every reply of the recorded session that is one or the other. */
struct replies {
	int ok, failed;
};

static bool
on_reply(void *arg, const struct esl_message *m)
{
	struct replies *r = arg;
	struct str text = str_eqc(m->type, "api/response") ? m->body : m->reply;

	if (!str_eqc(m->type, "api/response") && !str_eqc(m->type, "command/reply"))
		return true;
	if (fs_reply_ok(text))
		r->ok++;
	else
		r->failed++;
	/* Energy and agc answer without +OK, lists with what they list, usage with neither. */
	if (!fs_reply_ok(text) && memmem(text.p, text.n, "+OK", 3) != NULL)
		ck_abort_msg("%.*s", (int)text.n, text.p);
	return true;
}

START_TEST(replies_as_recorded)
{
	struct replies r = {0};
	struct esl esl;
	struct err e = {0};

	esl_init(&esl);
	ck_assert_int_eq(esl_take(&esl, recorded("esl-cmd.raw.gz"), on_reply, &r, &e), 0);
	esl_free(&esl);
	ck_assert_int_eq(r.ok + r.failed, 97);
	ck_assert_int_eq(r.ok, 60);
	ck_assert(fs_reply_ok(STR_LIT("Skipping moderator (member id 3).\n+OK mute 2\n+OK mute 1\n")));
	ck_assert(
	    fs_reply_ok(STR_LIT("Stopped recording file /x.wav\n+OK Stopped recording 0 files\n")));
	ck_assert(!fs_reply_ok(STR_LIT("-ERR Non-Existant ID 9999\n")));
	ck_assert(!fs_reply_ok(STR_LIT("+OK mute 1\n-ERR Non-Existant ID 9999\n")));
	ck_assert(!fs_reply_ok(STR_LIT("mute <[member_id|all]|last|non_moderator> [<quiet>]")));
	ck_assert(!fs_reply_ok(STR_LIT("Energy 1 = 300\n")));
	ck_assert(!fs_reply_ok(STR_LIT("")));
}
END_TEST

START_TEST(a_call_record_in_a_file)
{
	struct arena a;
	struct cdr r;
	struct err e = {0};

	arena_init(&a, FS_XMLCDR_MEMORY);
	ck_assert_int_eq(fs_xmlcdr_read(&r, recorded("xml_cdr.xml"), "pbx.example.net", &a, &e), 1);
	ck_assert_int_eq(rec_validate(&rec_cdr, &r, false, &e), 0);
	ck_assert(str_eqc(r.id, "15e19ebf-7aab-4f5e-80e5-41818486a7e1"));
	ck_assert(str_eqc(r.caller, "<sip:4001@phones.test>"));
	ck_assert(!REC_HAS(&r, cdr, caller_aor));
	ck_assert(str_eqc(r.callee, "<sip:3001@far.test>"));
	ck_assert(str_eqc(r.callee_aor, "3001@pbx.example.net"));
	ck_assert(str_eqc(r.recipient, "3001"));
	ck_assert(str_eqc(r.type, "conference"));
	ck_assert_int_eq(r.started, 1795452985311);
	ck_assert_int_eq(r.answered, 1795452985331);
	ck_assert_int_eq(r.duration, 1540);
	ck_assert_int_eq(r.end, cdr_end_COMPLETED);
	ck_assert_int_eq(r.code, 200);
	arena_free(&a);
}
END_TEST

START_TEST(files_that_are_no_call_record)
{
	struct str whole = recorded("xml_cdr.xml");
	static const char *const texts[] = {"", "<cdr/>", "<cdr><variables/></cdr>",
	    "<cdr><variables><uuid>a</uuid></variables></cdr>", "<other><variables/></other>",
	    "<!DOCTYPE cdr [<!ENTITY a \"b\">]><cdr>&a;</cdr>",
	    "<cdr><variables><uuid></uuid><start_uepoch>5</start_uepoch></variables></cdr>"};
	static const char b_leg[] =
	    "<cdr><channel_data><direction>outbound</direction></channel_data><variables><uuid>b</uuid>"
	    "<start_uepoch>5</start_uepoch><originator>a</originator></variables></cdr>";
	struct arena a;
	struct cdr r;
	struct err e = {0};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		arena_init(&a, FS_XMLCDR_MEMORY);
		ck_assert_int_eq(fs_xmlcdr_read(&r, str_c(texts[i]), "", &a, &e), -1);
		arena_free(&a);
	}
	/* One that is still being written. */
	for (size_t n = 0; n + 1 < whole.n; n += 97) {
		arena_init(&a, FS_XMLCDR_MEMORY);
		if (fs_xmlcdr_read(&r, (struct str){whole.p, n}, "", &a, &e) != -1)
			ck_abort_msg("cut at %zu", n);
		arena_free(&a);
	}
	arena_init(&a, FS_XMLCDR_MEMORY);
	ck_assert_int_eq(fs_xmlcdr_read(&r, STR_LIT(b_leg), "", &a, &e), 0);
	arena_free(&a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("freeswitch_command");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	text_init();
	suite_add_tcase(s, t);
	tcase_add_test(t, verbs_about_members);
	tcase_add_test(t, other_verbs);
	tcase_add_test(t, verbs_that_call);
	tcase_add_test(t, nothing_can_be_slipped_in);
	tcase_add_test(t, dial_strings);
	tcase_add_test(t, replies_as_recorded);
	tcase_add_test(t, a_call_record_in_a_file);
	tcase_add_test(t, files_that_are_no_call_record);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
