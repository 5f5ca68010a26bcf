/* SPDX-License-Identifier: ISC */
/* Undoing goes by today's rules: what could not be written now does not come back either. */
#include <check.h>
#include <stdio.h>

#include "tests/my_rig.h"

#define CY "503:secret503"
#define BUTTONS(list) "{\"buttons\":[" list "],\"groupSpeedDial\":false}"
#define LAMP "{\"label\":\"Ana\",\"number\":\"4410\",\"blf\":true}"

static void
load(const char *line)
{
	ck_assert_int_eq(rig_ctl(&my_rig, line, NULL, 0, "load -"), 0);
}

static void
take_permission(const char *name)
{
	char line[256];

	snprintf(line, sizeof(line),
	    "{\"type\":\"group\",\"record\":{\"name\":\"staff\",\"weight\":2,\"permissions\":["
	    "{\"name\":\"%s\",\"enabled\":false}]}}\n",
	    name);
	load(line);
}

/* The ring that named a removed schedule rang always; both come back together. */
START_TEST(a_schedule_and_its_ring)
{
	long long id = my_schedule(ANA, SHIFT("Early"), "Early");
	char path[64], body[256];

	snprintf(body, sizeof(body),
	    "{\"rings\":[{\"expiration\":30,\"type\":\"If no response\",\"enabled\":true,"
	    "\"number\":\"5551212\",\"scheduleId\":%lld}]}",
	    id);
	my_send("PUT", ANA, "/my/callfwd", body, 200);
	snprintf(path, sizeof(path), "/my/callfwdsched/%lld", id);
	my_send("DELETE", ANA, path, NULL, 200);
	snprintf(body, sizeof(body), "\"scheduleId\":%lld", id);
	my_has_not(ANA, "/my/callfwd", body);
	my_undo_newest(ANA, "callfwdsched");
	my_has(ANA, path, "Early");
	my_has(ANA, "/my/callfwd", body);
	/* And back again. */
	my_undo_newest(ANA, "callfwdsched");
	my_send("GET", ANA, path, NULL, 404);
	my_has_not(ANA, "/my/callfwd", body);
}
END_TEST

/* An operator has given the number to another user's schedule since. */
START_TEST(a_number_that_is_taken)
{
	long long id = my_schedule(ANA, SHIFT("Early"), "Early");
	char path[64], line[512];

	snprintf(path, sizeof(path), "/my/callfwdsched/%lld", id);
	my_send("DELETE", ANA, path, NULL, 200);
	snprintf(line, sizeof(line),
	    "{\"type\":\"schedule\",\"user\":\"4420\",\"item\":%lld,\"record\":%s}\n", id,
	    SHIFT("Night"));
	load(line);
	my_undo(ANA, "callfwdsched", my_newest(ANA, "callfwdsched", NULL), 409);
	my_has(BEN, path, "Night");
}
END_TEST

static void
put_card(const char *title)
{
	char json[128];

	snprintf(json, sizeof(json), "{\"contact-information\":{\"jobTitle\":\"%s\"}}", title);
	my_send("PUT", ANA, "/my/contact-information", json, 200);
}

/* What a user cannot write is not undone with the rest. */
START_TEST(what_the_operator_keeps)
{
	const char *path = "/my/contact-information";
	long long first, second;

	put_card("A");
	first = my_newest(ANA, "contact-information", NULL);
	put_card("B");
	second = my_newest(ANA, "contact-information", NULL);
	load("{\"type\":\"contact\",\"user\":\"4410\",\"record\":{\"jobTitle\":\"B\",\"employeeId\":"
	     "\"E-77\",\"manager\":\"Boss\"}}\n");
	my_undo(ANA, "contact-information", second, 200);
	my_has(ANA, path, "\"jobTitle\":\"A\"");
	my_has(ANA, path, "\"employeeId\":\"E-77\"");
	my_undo(ANA, "contact-information", first, 200);
	my_has_not(ANA, path, "\"jobTitle\":\"A\"");
	my_has(ANA, path, "\"manager\":\"Boss\"");
}
END_TEST

/* Where there was no card and an operator has written none, there is none. */
START_TEST(no_card_again)
{
	put_card("A");
	my_has(ANA, "/my/contact-information", "\"avatar\"");
	my_undo_newest(ANA, "contact-information");
	my_has_not(ANA, "/my/contact-information", "\"avatar\"");
}
END_TEST

START_TEST(a_permission_that_is_gone)
{
	my_send("PUT", CY, "/my/vmprefs",
	    "{\"email\":\"one@ex.example\",\"emailAttachType\":\"YES\",\"greeting\":\"NONE\"}", 200);
	my_send("PUT", CY, "/my/vmprefs",
	    "{\"email\":\"two@ex.example\",\"emailAttachType\":\"YES\",\"greeting\":\"STANDARD\"}",
	    200);
	my_send("PUT", CY, "/my/voicemail/attendant", "{\"operator\":\"4410\"}", 200);
	take_permission("voicemail");
	my_undo(CY, "vmprefs", my_newest(CY, "vmprefs", NULL), 403);
	my_has(CY, "/my/vmprefs", "two@ex.example");
	take_permission("personal-auto-attendant");
	my_undo(CY, "attendant", my_newest(CY, "attendant", NULL), 403);
	my_has(CY, "/my/voicemail/attendant", "\"operator\":\"4410\"");
	my_undo(CY, "vmprefs", my_newest(CY, "vmprefs", NULL), 200);
	my_has(CY, "/my/vmprefs", "one@ex.example");
}
END_TEST

/* Who may not see others' state any more gets no lamp back. */
START_TEST(lamps)
{
	long long second;

	my_send("PUT", CY, "/my/speeddial", BUTTONS(LAMP), 200);
	my_send("PUT", CY, "/my/speeddial", BUTTONS(""), 200);
	second = my_newest(CY, "speeddial", NULL);
	my_undo(CY, "speeddial", second, 200);
	my_has(CY, "/my/speeddial", "\"blf\":true");
	my_undo_newest(CY, "speeddial");
	take_permission("subscribe-to-presence");
	my_undo(CY, "speeddial", second, 200);
	my_has(CY, "/my/speeddial", "\"4410\"");
	my_has(CY, "/my/speeddial", "\"blf\":false");
}
END_TEST

static void
put_vcard(const char *name, const char *number)
{
	char json[512];

	snprintf(json, sizeof(json),
	    "{\"pb\":{\"internalId\":\"card-9\",\"vcard\":\"BEGIN:VCARD\\r\\nVERSION:3.0\\r\\n"
	    "N:%s;Ida;;;\\r\\nFN:Ida %s\\r\\nTEL:%s\\r\\nEND:VCARD\\r\\n\"}}",
	    name, name, number);
	my_send("PUT", ANA, "/my/phonebookentry/card-9", json, 200);
}

/* Another entry is what another system calls by that name now. */
START_TEST(an_internal_id_that_is_taken)
{
	long long removed;

	put_vcard("First", "771");
	my_send("DELETE", ANA, "/my/phonebookentry/card-9", NULL, 200);
	removed = my_newest(ANA, "phonebook", NULL);
	put_vcard("Second", "772");
	my_undo(ANA, "phonebook", removed, 409);
	my_send("DELETE", ANA, "/my/phonebookentry/card-9", NULL, 200);
	my_undo(ANA, "phonebook", removed, 200);
	my_has(ANA, "/my/phonebook/entry", "771");
	my_has_not(ANA, "/my/phonebook/entry", "772");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("undo");
	TCase *t = tcase_create("undo");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, my_setup, my_teardown);
	tcase_add_test(t, a_schedule_and_its_ring);
	tcase_add_test(t, a_number_that_is_taken);
	tcase_add_test(t, what_the_operator_keeps);
	tcase_add_test(t, no_card_again);
	tcase_add_test(t, a_permission_that_is_gone);
	tcase_add_test(t, lamps);
	tcase_add_test(t, an_internal_id_that_is_taken);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
