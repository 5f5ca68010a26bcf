/* SPDX-License-Identifier: ISC */
/* tandemctl import as an operator uses it: real files, the real program, a real backend. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig.h"

enum { OUT = 1 << 20 };

static struct rig rig;
static char out[OUT];

#define ctl(input, ...) rig_ctl(&rig, input, out, sizeof(out), __VA_ARGS__)

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig_make(&rig);
	rig_backend(&rig);
	ck_assert_int_eq(ctl(NULL, "user add 201 --no-password"), 0);
	rig_load(&rig, "{\"type\":\"phonebook\",\"record\":{\"name\":\"sales\"}}\n");
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static void
has(const char *what)
{
	ck_assert_msg(strstr(out, what) != NULL, "no \"%s\" in: %s", what, out);
}

static void
has_not(const char *what)
{
	ck_assert_msg(strstr(out, what) == NULL, "\"%s\" is in: %s", what, out);
}

#define HEAD "First Name,Last Name,Number,Office Mail\n"

START_TEST(phonebook)
{
	static const char rows[] = HEAD "Dee,Fox,555100,dee@fox.test\n"
	                                "Eli,,7,\n"
	                                "\"Gil\nBo\",Hart,8,not an address\n"
	                                "\"x\"y,Hart,8,\n"
	                                "Dee,Fox,555100,other@fox.test\n"
	                                "\"O\"\"Neil\",\"S\\\"ons\",9,\n";

	ck_assert_int_eq(ctl(rows, "import phonebook - --user 201 --dry-run"), 1);
	has("nothing was kept");
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	has_not("Fox");
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(ctl(rows, "import phonebook - --user 201"), 1);
		has(again ? "line 2: same Dee Fox 555100" : "line 2: added Dee Fox 555100");
		has("line 3: refused Eli  7: First Name / Last Name / Number cannot be Null");
		has("line 4: refused Gil\\u000aBo Hart 8: Invalid Email Address");
		has("line 6: refused: text behind a closing quote");
		has("line 7: same Dee Fox 555100");
		has("line 8:");
		has(again ? "6 rows: 0 added, 0 updated, 3 the same, 3 refused"
		          : "6 rows: 2 added, 0 updated, 1 the same, 3 refused");
	}
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	has("\"first-name\":\"Dee\",\"last-name\":\"Fox\",\"number\":\"555100\"");
	has("O\\\"Neil");
	has("S\\\"ons");
	has("dee@fox.test");
	has_not("other@fox.test");
}
END_TEST

START_TEST(mapped)
{
	static const char rows[] = "Given;Family;Phone;Town;First Name\nDee;Fox;1;Oslo;wrong\n";

	ck_assert_int_eq(ctl(rows, "import phonebook - --book sales"), 1);
	has("no column is last-name (see --map)");
	ck_assert_int_eq(ctl(rows, "import phonebook - --book sales --map number=Nope"), 2);
	has("the file has no such column");
	ck_assert_int_eq(ctl(rows, "import phonebook - --book sales --map nope=Phone"), 2);
	has("there is no such field");
	ck_assert_int_eq(ctl(rows, "import phonebook - --book sales --map number"), 2);
	ck_assert_int_eq(ctl(rows,
	                     "import phonebook - --book sales --json --map first-name=given "
	                     "--map last-name=Family --map number=Phone --map homeAddress.city=Town"),
	    0);
	has("the column \"First Name\" is not known and not read");
	has("{\"line\":2,\"outcome\":\"added\"}");
	has("{\"rows\":1,\"added\":1,\"updated\":0,\"same\":0,\"refused\":0,\"applied\":true}");
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	has("\"homeAddress\":{\"city\":\"Oslo\"}");
}
END_TEST

START_TEST(vcards)
{
	static const char cards[] =
	    "BEGIN:VCARD\nVERSION:3.0\nN:Fox;Dee\nTEL;TYPE=CELL:1\nEND:VCARD\n"
	    "BEGIN:VCARD\nVERSION:9\nEND:VCARD\n"
	    "BEGIN:VCARD\nVERSION:4.0\nFN:Eli Gray\nTEL:2\nEMAIL:eli@gray.test\nEND:VCARD\n"
	    "BEGIN:VCARD\nVERSION:4.0\nFN:Nobody\nEND:VCARD\n";

	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(ctl(cards, "import vcard - --book sales"), 1);
		has(again ? "line 1: same Dee Fox 1" : "line 1: added Dee Fox 1");
		has("line 6: refused: line 7: this version of vCard is not known");
		has(again ? "line 9: same Eli Gray 2" : "line 9: added Eli Gray 2");
		has("line 15: refused Nobody: First Name");
	}
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	has("\"cellPhoneNumber\":\"1\"");
	has("\"emailAddress\":\"eli@gray.test\"");
}
END_TEST

START_TEST(wrong_targets)
{
	ck_assert_int_eq(ctl(HEAD "a,b,1,\n", "import phonebook - --book nope"), 1);
	has("there is no public phonebook nope");
	ck_assert_int_eq(ctl(HEAD "a,b,1,\n", "import phonebook - --user nope"), 1);
	has("there is no user nope");
	has_not("0 rows");
	ck_assert_int_eq(ctl(HEAD, "import phonebook -"), 2);
	ck_assert_int_eq(ctl(HEAD, "import phonebook - --user 201 --book sales"), 2);
	ck_assert_int_eq(ctl(NULL, "import phonebook /nonexistent --user 201"), 1);
	ck_assert_int_eq(ctl("", "import phonebook - --user 201"), 1);
	has("there are no columns");
}
END_TEST

START_TEST(users)
{
	static const char rows[] =
	    "\"User name\",\"PIN\",\"Voicemail PIN\",\"First name\",\"Last name\",\"User alias\","
	    "\"EMail address\",\"User group\",\"Phone model\",\"Im Id\",\"Salutation\",\"Job Title\","
	    "\"Home city\",\"Color\",\"SIP password\"\n"
	    "301,secret99,1234,Ann,Lee,\"annie "
	    "3010\",ann@lee.example,sales,p,ann,Dr,Boss,Oslo,red,sip301\n"
	    "302,,,Bob,May,annie,,,,,,,,,\n"
	    "303,,,Cy,May,,,,,,Lord,,,,\n"
	    ",,,Di,May,,,,,,,,,,\n"
	    "201,,,Ed,,,,,,,,Clerk,,,\n"
	    "304,,12,Flo,,,,,,,,,,,\n";

	ck_assert_int_eq(ctl(rows, "import users - --dry-run"), 1);
	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	has_not("301");
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(ctl(rows, "import users -"), 1);
		has("the column \"Color\" is not known and not read");
		has("the column of phoneModel is not read");
		has_not("secret99");
		has(again ? "line 2: same 301" : "line 2: added 301");
		has("line 3: refused 302:");
		has("line 4: refused 303: salutation: the value is not known");
		has("line 5: refused: there is no user name");
		has(again ? "line 6: same 201" : "line 6: updated 201");
		has("line 7: refused 304: voicemailPin:");
		has_not("sip301");
	}
	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	has("301                      enabled   yes             0       1 Ann Lee");
	has("201                      enabled   no              0       1 Ed");
	has_not("302");
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	has("\"salutation\":\"Dr\"");
	has("\"aliases\":[\"annie\",\"3010\"]");
	has("\"homeAddress\":{\"city\":\"Oslo\"}");
	has("$argon2id$");
	has("\"sipPassword\":\"sealed:");
	has_not("secret99");
	has_not("sip301");
	ck_assert_int_eq(ctl("1234\n", "user pin-verify 301 --pin-stdin"), 0);
	/* What the user has changed since is not set back. */
	ck_assert_int_eq(ctl("9876\n", "user pin 301 --pin-stdin"), 0);
	ck_assert_int_eq(ctl(rows, "import users -"), 1);
	ck_assert_int_eq(ctl("9876\n", "user pin-verify 301 --pin-stdin"), 0);
}
END_TEST

/* So many names as a user may have; with one more the row is refused, and nothing of it is kept. */
START_TEST(many_names)
{
	enum { NAMES = 64 };
	static const char *const columns[] = {"User alias", "User group"};
	static const char *const fields[] = {"aliases", "groups"};
	char rows[4096], *p = rows, refused[128];

	p += sprintf(p, "User name,%s\n", columns[_i]);
	for (int user = 0; user < 2; user++) {
		p += sprintf(p, "40%d,", user);
		/* Groups are the same for both. */
		for (int i = 0; i < NAMES + user; i++)
			p += sprintf(p, "n%d%02d ", _i == 0 ? user : 0, i);
		p += sprintf(p, "\n");
	}
	for (int i = 0; _i == 1 && i <= NAMES; i++) {
		char group[96];

		snprintf(group, sizeof(group),
		    "{\"type\":\"group\",\"record\":{\"name\":\"n0%02d\",\"weight\":%d}}\n", i, i + 1);
		rig_load(&rig, group);
	}
	ck_assert_int_eq(ctl(rows, "import users -"), 1);
	has("line 2: added 400");
	snprintf(refused, sizeof(refused), "line 3: refused 401: %s: there are more than 64 names",
	    fields[_i]);
	has(refused);
	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	has("400 ");
	has_not("401 ");
}
END_TEST

/* More than one batch. What an import that was broken off has kept is not added again. */
START_TEST(many)
{
	enum { ROWS = 1000, FIRST = 300 };
	char *rows = malloc(200000), *p = rows, *part = NULL;

	ck_assert_ptr_nonnull(rows);
	p += sprintf(p, HEAD);
	for (int i = 0; i < ROWS; i++) {
		p += sprintf(p, "First%d,Last%d,%d,\n", i % 10, i / 10, i);
		if (i == FIRST - 1)
			part = strndup(rows, (size_t)(p - rows));
	}
	ck_assert_int_eq(ctl(part, "import phonebook - --book sales --json"), 0);
	has("{\"rows\":300,\"added\":300,");
	/* No terminal, no bar. */
	has_not("importing");
	ck_assert_int_eq(ctl(rows, "import phonebook - --book sales"), 0);
	has("1000 rows: 700 added, 0 updated, 300 the same, 0 refused");
	ck_assert_int_eq(ctl(rows, "import phonebook - --book sales"), 0);
	has("1000 rows: 0 added, 0 updated, 1000 the same, 0 refused");
	free(part);
	free(rows);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("import");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, phonebook);
	tcase_add_test(t, mapped);
	tcase_add_test(t, vcards);
	tcase_add_test(t, wrong_targets);
	tcase_add_test(t, users);
	tcase_add_loop_test(t, many_names, 0, 2);
	tcase_add_test(t, many);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
