/* SPDX-License-Identifier: ISC */
/*
 * vCards: which subset is read, what becomes of it, what is refused, and that an export reads
 * back. As a program of its own: test_vcard --json FILE prints what was read, one object a card,
 * for tests/vcard_oracle.py; test_vcard --write FILE prints the export of the cards in a file.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sink.h"
#include "common/vcard.h"
#include "common/vcard_write.h"

static struct arena a;
static struct err e;

static void
setup(void)
{
	arena_init(&a, 8 << 20);
	e = (struct err){.depth = 0};
}

static void
teardown(void)
{
	arena_free(&a);
}

/* Between BEGIN and END, version 3.0. */
static struct card
read_one(const char *lines)
{
	struct vcard_reader v;
	struct card c, none;
	struct str text = arena_printf(&a, "BEGIN:VCARD\r\nVERSION:3.0\r\n%sEND:VCARD\r\n", lines);

	vcard_open(&v, text);
	ck_assert_msg(vcard_next(&v, &c, &a, &e) == 1, "%s: %s", lines, err_text(&e));
	ck_assert_int_eq(vcard_next(&v, &none, &a, &e), 0);
	return c;
}

/* Lines of a card, and what one field of it is then. */
static const struct {
	const char *lines, *field, *want;
} values[] = {
    {"N:Fox;Dee;;;\n", "first-name", "Dee"},
    {"N:Fox;Dee;;;\n", "last-name", "Fox"},
    {"n:Fox;Dee\r\n", "last-name", "Fox"},
    {"item1.N:Fox;Dee\n", "first-name", "Dee"},
    {"N:O\\;Neil\\, \\\\Sons;Dee\n", "last-name", "O;Neil, \\Sons"},
    {"N:a\\x;b\n", "last-name", "a\\x"},
    {"N:a;b\\\n", "first-name", "b\\"},
    {"N:Fox;\nN:;Dee\n", "last-name", "Fox"},
    {"N:;Dee\nN:Fox;Eve\n", "first-name", "Dee"},
    {"ORG:Quill;\nORG:Other;Sales\n", "companyName", "Quill"},
    {"N;CHARSET=US-ASCII:Fox;Dee\n", "first-name", "Dee"},
    {"N;CHARSET=utf-8:Fox;Dee\n", "first-name", "Dee"},
    {"N;ENCODING=QUOTED-PRINTABLE:F=6Fx;D=65=\n e\n", "last-name", "Fox"},
    {"N:Fo\n x;D\n\tee\n", "first-name", "Dee"},
    {"N:Fo\r\n x;Dee\r\n", "last-name", "Fox"},
    {"N:M\xc3\n \xbcller;J\n", "last-name", "M\xc3\xbcller"},
    {"N:;;\nFN:Ada de Byron\n", "first-name", "Ada de"},
    {"FN:Ada de Byron\n", "last-name", "Byron"},
    {"FN:Reception\n", "last-name", "Reception"},
    {"FN:Reception\n", "first-name", ""},
    {"FN:x y\nN:Fox;Dee\n", "last-name", "Fox"},
    {"N:;Dee\nFN:Dee Fox\n", "last-name", ""},
    {"N:Fox;Dee\nN:Second;Name\n", "last-name", "Fox"},
    {"ORG:Fox\\, Inc;Sales;West\n", "companyName", "Fox, Inc"},
    {"ORG:Fox;Sales;West\n", "jobDept", "Sales"},
    {"ORG:Fox\n", "jobDept", ""},
    {"TITLE:a\\nb\n", "jobTitle", "a\nb"},
    {"TITLE:a\\Nb\n", "jobTitle", "a\nb"},
    {"TITLE:a:b;c\n", "jobTitle", "a:b;c"},
    {"UID:urn:uuid:7\n", "uid", "urn:uuid:7"},
    {"FN:Ada\\nByron\n", "last-name", "Byron"},
    {"FN:Ada, \tByron\n", "last-name", "Byron"},
    {"TITLE:first\nTITLE:second\n", "jobTitle", "first"},
    {"ORG:;Sales\nORG:Other;West\n", "jobDept", "Sales"},
    {"ORG:;Sales\nORG:Other;West\n", "companyName", ""},
    {"N;ENCODING=QUOTED-PRINTABLE:=\n\nTITLE:x\n", "jobTitle", "x"},
    {"TITLE:a\n \n b\n", "jobTitle", "ab"},
    {"TITLE:a\tb\n", "jobTitle", "a\tb"},
    {"TITLE;X=:y\n", "jobTitle", "y"},
    {"TITLE;ENCODING=QUOTED-PRINTABLE:\n", "jobTitle", ""},
    {"TITLE;ENCODING=QUOTED-PRINTABLE:=4a=4G=:;=G1=g1=!1\n", "jobTitle", "J=4G=:;=G1=g1=!1"},
    {"TITLE;ENCODING=QUOTED-PRINTABLE:a=09b\n", "jobTitle", "a\tb"},
    {"TITLE;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab\n", "jobTitle", "a\nb"},
    {"TEL;PREF=0:1\nTEL;PREF=2:2\n", "number", "2"},
    {"TEL;TYPE=WORK:1\nTEL;TYPE=WORK:2\n", "number", "1"},
    {"IMPP:xmpp:\n", "imId", ""},
    {"ADR:;;One;;;;\nADR:;;Two;;;;\n", "officeAddress.street", "One"},
    {"BEGIN:VEVENT\nEND:VEVENT\nTITLE:x\n", "jobTitle", "x"},
    {"AGENT:BEGIN:VCARD\\nFN:Bo\\nAGENT:BEGIN:VCARD\\nEND:VCARD\\n\n", "assistantName", "Bo"},
    {"X_9:y\nTITLE:x\n", "jobTitle", "x"},
    {"TEL;PREF=1000:1\nTEL;PREF=99:2\n", "number", "2"},
    {"TEL;TYPE=WORK:1\nTEL;TYPE=HOME:2\nTEL;TYPE=CELL:3\nTEL;TYPE=FAX:4\n", "number", "1"},
    {"TEL;TYPE=WORK:1\nTEL;TYPE=HOME:2\nTEL;TYPE=CELL:3\nTEL;TYPE=FAX:4\n", "homePhoneNumber", "2"},
    {"TEL;TYPE=WORK:1\nTEL;TYPE=HOME:2\nTEL;TYPE=CELL:3\nTEL;TYPE=FAX:4\n", "cellPhoneNumber", "3"},
    {"TEL;TYPE=WORK:1\nTEL;TYPE=HOME:2\nTEL;TYPE=CELL:3\nTEL;TYPE=FAX:4\n", "faxNumber", "4"},
    {"TEL;TYPE=HOME:2\nTEL;TYPE=CELL:3\n", "number", "2"},
    {"TEL;TYPE=CELL:3\nTEL;TYPE=HOME:2\n", "number", "3"},
    {"TEL;TYPE=CELL:3\nTEL:1\n", "number", "1"},
    {"TEL;TYPE=FAX:4\n", "number", ""},
    {"TEL:1\nTEL;TYPE=WORK:2\n", "number", "2"},
    {"TEL;TYPE=WORK:1\nTEL;TYPE=WORK,PREF:2\n", "number", "2"},
    {"TEL;PREF=7:1\nTEL;PREF=2:2\nTEL:3\n", "number", "2"},
    {"TEL;PREF=0:1\nTEL;PREF=100:2\n", "number", "2"},
    {"TEL;HOME;VOICE:1\n", "homePhoneNumber", "1"},
    {"TEL;type=home;type=voice:1\n", "homePhoneNumber", "1"},
    {"TEL;TYPE=VOICE,HOME:1\n", "homePhoneNumber", "1"},
    {"TEL;TYPE=\"voice,home\":1\n", "homePhoneNumber", "1"},
    {"TEL;TYPE=\"voice\",\"home\":1\n", "homePhoneNumber", "1"},
    {"TEL;X=\"a:b;c\";TYPE=HOME:1\n", "homePhoneNumber", "1"},
    {"TEL;X=a^nb^^c^'d^e^:1\n", "number", "1"},
    {"TEL;TYPE=HOME,FAX:1\n", "faxNumber", "1"},
    {"TEL;TYPE=HOME:\n", "number", ""},
    {"TEL: 1 \n", "number", "1"},
    {"TEL;VALUE=uri:tel:+1-555-0100;ext=5\n", "number", "+1-555-0100"},
    {"TEL;VALUE=uri:sip:201@ex.example;transport=tcp\n", "number", "201@ex.example"},
    {"EMAIL:a@x\n", "emailAddress", "a@x"},
    {"EMAIL;TYPE=WORK:a@x\n", "emailAddress", "a@x"},
    {"EMAIL;TYPE=INTERNET,PREF:a@x\n", "emailAddress", "a@x"},
    {"EMAIL;TYPE=HOME:a@x\n", "emailAddress", ""},
    {"EMAIL;TYPE=HOME:a@x\n", "alternateEmailAddress", "a@x"},
    {"EMAIL;TYPE=PREF:a@x\nEMAIL:b@x\n", "alternateEmailAddress", "b@x"},
    {"EMAIL;TYPE=PREF:\nEMAIL:b@x\n", "emailAddress", ""},
    {"EMAIL;TYPE=PREF:\nEMAIL:b@x\n", "alternateEmailAddress", "b@x"},
    {"EMAIL:\nEMAIL:b@x\n", "emailAddress", "b@x"},
    {"EMAIL:a@x\nEMAIL;TYPE=PREF:b@x\n", "emailAddress", "b@x"},
    {"EMAIL:mailto:a@x\n", "emailAddress", "a@x"},
    {"IMPP;TYPE=WORK:xmpp:a@x\nIMPP;TYPE=PERSONAL:sip:b@x\n", "imId", "a@x"},
    {"IMPP;TYPE=WORK:xmpp:a@x\nIMPP;TYPE=PERSONAL:sip:b@x\n", "alternateImId", "b@x"},
    {"IMPP:XMPP:a%40b@x?message\n", "imId", "a@b@x"},
    {"IMPP:xmpp:a%0a%zz%4@x\n", "imId", "a%0a%zz%4@x"},
    {"IMPP:xmpp:a%FF@x\n", "imId", "a%FF@x"},
    {"IMPP:skype:a\n", "imId", "skype:a"},
    {"X-JABBER:a@x\n", "imId", "a@x"},
    {"ADR;TYPE=HOME:box;;1 Elm\\nRear;Town;ST;01234;Land\n", "homeAddress.street", "1 Elm\nRear"},
    {"ADR;TYPE=HOME:box;;1 Elm;Town;ST;01234;Land\n", "homeAddress.city", "Town"},
    {"ADR;TYPE=HOME:box;;1 Elm;Town;ST;01234;Land\n", "homeAddress.state", "ST"},
    {"ADR;TYPE=HOME:box;;1 Elm;Town;ST;01234;Land\n", "homeAddress.zip", "01234"},
    {"ADR;TYPE=HOME:box;;1 Elm;Town;ST;01234;Land\n", "homeAddress.country", "Land"},
    {"ADR;TYPE=HOME:box;;1 Elm;Town;ST;01234;Land\n", "homeAddress.officeDesignation", ""},
    {"ADR;TYPE=WORK:box;x;1 Elm\n", "officeAddress.officeDesignation", "box"},
    {"ADR:;Suite 5;1 Elm\n", "officeAddress.officeDesignation", "Suite 5"},
    {"ADR:;;1 Elm;Town\nADR;TYPE=PREF:;;2 Oak\n", "officeAddress.street", "2 Oak"},
    {"ADR:;;1 Elm;Town\nADR;TYPE=PREF:;;2 Oak\n", "officeAddress.city", ""},
    {"AGENT:BEGIN:VCARD\\nFN:Eli\\, Gray\\nTEL:8\\nEND:VCARD\\n\n", "assistantName", "Eli, Gray"},
    {"AGENT:BEGIN:VCARD\\nFN:Eli\\, Gray\\nTEL:8\\nEND:VCARD\\n\n", "assistantPhoneNumber", "8"},
    {"AGENT;VALUE=uri:cid:1\nTITLE:x\n", "jobTitle", "x"},
    {"AGENT:\nBEGIN:VCARD\nN:Gray;Eli\nTEL:8\nEND:VCARD\nTITLE:x\n", "assistantName", "Eli Gray"},
    {"AGENT:\nBEGIN:VCARD\nN:Gray;Eli\nTEL:8\nEND:VCARD\nTITLE:x\n", "jobTitle", "x"},
    {"N;ENCODING=QUOTED-PRINTABLE:M=C3=BCll=\ner;J\n", "last-name", "M\xc3\xbcller"},
    {"N;QUOTED-PRINTABLE;CHARSET=utf-8:=46ox;J\n", "last-name", "Fox"},
    {"TITLE;QUOTED-PRINTABLE:a=0D=0Ab=4\n", "jobTitle", "a\nb=4"},
    {"PHOTO;ENCODING=b:AAAA\n AAAA\nTITLE:x\n", "jobTitle", "x"},
    {"\nTITLE:x\n\n", "jobTitle", "x"},
    {"X-THING;A=B:y\nTITLE:x\n", "jobTitle", "x"},
};

START_TEST(one_value)
{
	struct card c = read_one(values[_i].lines);
	const struct card_field *f = card_field_by_name(str_c(values[_i].field));
	struct str got = card_get(&c, f);

	ck_assert_msg(str_eqc(got, values[_i].want), "%s: %s is \"%.*s\"", values[_i].lines,
	    values[_i].field, (int)got.n, got.p);
}
END_TEST

#define BEGIN_ "BEGIN:VCARD\nVERSION:3.0\n"
#define END_ "END:VCARD\n"

/* What is refused, and the words for it. */
static const struct {
	const char *text, *want;
} bad[] = {
    {"FN:x\n", "line 1: a card begins with BEGIN:VCARD"},
    {"\n\nFN:x\n", "line 3: a card begins with BEGIN:VCARD"},
    {"BEGIN:VCARD\n", "line 1: END:VCARD is missing"},
    {BEGIN_ "FN:x\n", "line 3: END:VCARD is missing"},
    {"BEGIN:VCARD\nFN:x\n" END_, "line 1: the card has no VERSION"},
    {"BEGIN:VCARD\nVERSION:5.0\n" END_,
        "line 2: this version of vCard is not known (2.1, 3.0 and 4.0 are)"},
    {BEGIN_ BEGIN_ END_, "line 3: END:VCARD is missing before it"},
    {BEGIN_ "FN\n" END_, "line 3: there is no colon"},
    {BEGIN_ "FN;TYPE=x\n" END_, "line 3: there is no colon"},
    {BEGIN_ "FN;TYPE\n" END_, "line 3: there is no colon"},
    {BEGIN_ "FN;:x\n" END_, "line 3: a parameter has no proper name"},
    {BEGIN_ "FN;a\xc3\xbc=x:x\n" END_, "line 3: a parameter has no proper name"},
    {BEGIN_ "FN;A=\"x:y\n" END_, "line 3: a quoted parameter is not closed"},
    {BEGIN_ "FN;A=x\"y\":y\n" END_, "line 3: a quote within a parameter"},
    /* Half of a character would have begun the value. */
    {BEGIN_ "TEL;A=\"x\"\u0177:1\n" END_, "line 3: a quote within a parameter"},
    {BEGIN_ "TEL;A=\"x\"y:1\n" END_, "line 3: a quote within a parameter"},
    {BEGIN_ ":x\n" END_, "line 3: there is no proper name"},
    {BEGIN_ "F N:x\n" END_, "line 3: there is no proper name"},
    {BEGIN_ "a b.FN:x\n" END_, "line 3: the group has no proper name"},
    {BEGIN_ "FN:\xff\n" END_, "line 3: is not UTF-8 text, or has control characters"},
    {BEGIN_ "NOTE:a\n b\nFN:\x01\n" END_, "line 5: is not UTF-8 text, or has control characters"},
    {BEGIN_ "FN:a\rb\n" END_, "line 3: is not UTF-8 text, or has control characters"},
    {BEGIN_ "FN;CHARSET=ISO-8859-1:x\n" END_, "line 3: only the character set UTF-8 is read"},
    {BEGIN_ "FN;QUOTED-PRINTABLE:=FF\n" END_, "line 3: is not UTF-8 text"},
    {BEGIN_ "FN;QUOTED-PRINTABLE:=00\n" END_, "line 3: is not UTF-8 text"},
    {BEGIN_ "AGENT:BEGIN:VCARD\\nFN:x\n" END_, "line 3: the AGENT is no proper card"},
    {BEGIN_ "AGENT:\nBEGIN:VCARD\nAGENT:\nBEGIN:VCARD\n" END_ END_ END_,
        "line 6: END:VCARD is missing before it"},
    {BEGIN_ "FN;QUOTED-PRINTABLE:x=", "line 3: END:VCARD is missing"},
    {BEGIN_ "FN;QUOTED-PRINTABLE:=7F\n" END_, "line 3: is not UTF-8 text"},
    {BEGIN_ "FN:\x7f\n" END_, "line 3: is not UTF-8 text, or has control characters"},
    {BEGIN_ "F{:x\n" END_, "line 3: there is no proper name"},
    {BEGIN_ "F@:x\n" END_, "line 3: there is no proper name"},
    {"FN:x\nFN:y\n", "line 1: a card begins with BEGIN:VCARD"},
};

START_TEST(refused)
{
	struct vcard_reader v;
	struct card c;

	vcard_open(&v, str_c(bad[_i].text));
	ck_assert_int_eq(vcard_next(&v, &c, &a, &e), -1);
	ck_assert_int_eq(e.code, ERR_MALFORMED);
	ck_assert_str_eq(err_text(&e), bad[_i].want);
}
END_TEST

/* A bad card takes nothing with it that stands before or behind. */
START_TEST(goes_on)
{
	static const char text[] =
	    "\xef\xbb\xbf" BEGIN_ "FN:one\n" END_ "\n"
	    "rubbish\n" BEGIN_ "FN:two\n" END_ BEGIN_ "FN:bad\n" BEGIN_ "FN:three\n" END_ BEGIN_
	    "FN;:bad\nTEL:1\n" END_ "begin:vcard\nversion:4.0\nfn:four\nend:vcard";
	static const char *const want[] = {"one", NULL, "two", NULL, "three", NULL, "four"};
	static const size_t lines[] = {1, 6, 7, 11, 14, 18, 23};
	struct vcard_reader v;
	struct card c;

	vcard_open(&v, str_c(text));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		int rc = vcard_next(&v, &c, &a, &e);

		ck_assert_msg(rc == (want[i] != NULL ? 1 : -1), "%zu: %s", i, err_text(&e));
		ck_assert_uint_eq(v.line, lines[i]);
		if (want[i] != NULL)
			ck_assert(str_eqc(c.last_name, want[i]));
	}
	ck_assert_int_eq(vcard_next(&v, &c, &a, &e), 0);
}
END_TEST

/* Nothing in a card makes it take more than the arena has, and it always comes to the end. */
START_TEST(bounded)
{
	struct vcard_reader v;
	struct arena small;
	struct card c;
	struct buf b;
	int rc, refusals = 0;

	buf_init(&b, 8 << 20);
	buf_adds(&b, BEGIN_);
	for (int i = 0; i < 10000; i++)
		buf_adds(&b, "TEL;TYPE=a,b,c:a\\nb\n folded\n");
	buf_adds(&b, END_ BEGIN_ "FN:last\n" END_);
	for (size_t cap = 1024; cap <= 64 * 1024; cap *= 2) {
		arena_init(&small, cap);
		vcard_open(&v, buf_str(&b));
		while ((rc = vcard_next(&v, &c, &small, &e)) != 0) {
			refusals += rc < 0;
			ck_assert(rc == 1 || e.code == ERR_TOO_LARGE);
			arena_free(&small);
			arena_init(&small, cap);
		}
		arena_free(&small);
	}
	ck_assert_int_ge(refusals, 7);
	buf_free(&b);
}
END_TEST

START_TEST(too_many_parameters)
{
	struct vcard_reader v;
	struct card c;
	struct buf b;

	for (int n = VCARD_PARAMS_MAX; n <= VCARD_PARAMS_MAX + 1; n++) {
		buf_init(&b, 8 << 20);
		buf_adds(&b, BEGIN_ "FN;TYPE=a");
		for (int i = 1; i < n; i++)
			buf_adds(&b, ",a");
		buf_adds(&b, ":x\n" END_);
		vcard_open(&v, buf_str(&b));
		ck_assert_int_eq(vcard_next(&v, &c, &a, &e), n == VCARD_PARAMS_MAX ? 1 : -1);
		buf_free(&b);
	}
	ck_assert_str_eq(err_text(&e), "line 3: has too many parameters");
}
END_TEST

START_TEST(too_long_a_line)
{
	struct vcard_reader v;
	struct card c;
	struct buf b;

	buf_init(&b, 16 << 20);
	buf_adds(&b, BEGIN_ "PHOTO:");
	while (b.n < VCARD_LINE_MAX + (1 << 20))
		buf_adds(&b, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n ");
	buf_adds(&b, "\n" END_);
	vcard_open(&v, buf_str(&b));
	ck_assert_int_eq(vcard_next(&v, &c, &a, &e), -1);
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
	ck_assert_str_eq(err_text(&e), "line 3: is too long");
	ck_assert_int_eq(vcard_next(&v, &c, &a, &e), 0);
	buf_free(&b);
}
END_TEST

START_TEST(written)
{
	static const char want[] = "BEGIN:VCARD\nVERSION:3.0\nFN:Dee Fox\nN:Fox;Dee;;;\n"
	                           "TEL;TYPE=WORK:555100\nTEL;TYPE=HOME:\nTEL;TYPE=CELL:\n"
	                           "TEL;TYPE=FAX:\nADR;TYPE=WORK:B 1;;;;;;\n"
	                           "ADR;TYPE=HOME:;;1 Elm\\, Rear;;;01234;\n"
	                           "EMAIL;TYPE=PREF:dee@fox.example\nEMAIL:\nORG:;Sa\\;les\n"
	                           "TITLE:a\\\\b\\nc\nEND:VCARD\n\n";
	struct card c = {.first_name = STR_LIT("Dee"),
	    .last_name = STR_LIT("Fox"),
	    .number = STR_LIT("555100"),
	    .home = {.street = STR_LIT("1 Elm, Rear"), .zip = STR_LIT("01234")},
	    .office = {.office_designation = STR_LIT("B 1")},
	    .email_address = STR_LIT("dee@fox.example"),
	    .job_dept = STR_LIT("Sa;les"),
	    .job_title = STR_LIT("a\\b\r\nc"),
	    .has_contact = true};
	struct buf b;

	buf_init(&b, 4096);
	vcard_write(&b, &c);
	ck_assert_msg(str_eqc(buf_str(&b), want), "%.*s", (int)b.n, b.p);
	buf_reset(&b);
	c.has_contact = false;
	vcard_write(&b, &c);
	ck_assert(str_eqc(buf_str(&b),
	    "BEGIN:VCARD\nVERSION:3.0\nFN:Dee Fox\nN:Fox;Dee;;;\nTEL;TYPE=WORK:555100\nEND:VCARD\n\n"));
	buf_free(&b);
}
END_TEST

/* Every value of the export comes back, whatever is in it and however long it is. */
START_TEST(round_trip)
{
	static const char alphabet[] = "ab,;:\\\"'\n=^%. \xc3\xbc\xf0\x9f\x98\x80";
	static const char *const exported[] = {"first-name", "last-name", "number", "homePhoneNumber",
	    "cellPhoneNumber", "faxNumber", "companyName", "jobDept", "jobTitle", "emailAddress",
	    "alternateEmailAddress", "homeAddress.street", "homeAddress.city", "homeAddress.state",
	    "homeAddress.zip", "homeAddress.country", "officeAddress.street",
	    "officeAddress.officeDesignation"};
	struct card c = {.has_contact = true}, got;
	struct vcard_reader v;
	struct buf b;

	buf_init(&b, 1 << 20);
	srand((unsigned)_i + 1);
	for (size_t i = 0; i < sizeof(exported) / sizeof(exported[0]); i++) {
		struct buf value;

		buf_init(&value, 4096);
		buf_addc(&value, 'x');
		for (int n = rand() % 100; n > 0; n--) {
			size_t at = (size_t)rand() % (sizeof(alphabet) - 1);

			if (at < 14)
				buf_addc(&value, alphabet[at]);
			else
				buf_adds(&value, at % 2 ? "\xc3\xbc" : "\xf0\x9f\x98\x80");
		}
		buf_addc(&value, 'y');
		*card_at(&c, card_field_by_name(str_c(exported[i]))) = arena_copy(&a, buf_str(&value));
		buf_free(&value);
	}
	vcard_write(&b, &c);
	for (size_t i = 0, from = 0; i < b.n; i++) {
		if (b.p[i] != '\n')
			continue;
		ck_assert_uint_le(i - from, 75);
		ck_assert(str_is_utf8((struct str){b.p + from, i - from}));
		from = i + 1;
	}
	vcard_open(&v, buf_str(&b));
	ck_assert_msg(vcard_next(&v, &got, &a, &e) == 1, "%s", err_text(&e));
	for (size_t i = 0; i < card_fields_count; i++)
		ck_assert_msg(str_eq(card_get(&c, &card_fields[i]), card_get(&got, &card_fields[i])),
		    "%s of\n%.*s", card_fields[i].name, (int)b.n, b.p);
	buf_free(&b);
}
END_TEST

static struct str
read_file(const char *path)
{
	static char text[4 << 20];
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(text, 1, sizeof(text), f) : 0;

	if (f == NULL || n == sizeof(text)) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return (struct str){text, n};
}

static void
print_json(struct buf *out, const struct card *c)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < card_fields_count; i++) {
		buf_adds(out, i > 0 ? "," : "");
		json_text(out, str_c(card_fields[i].name));
		buf_addc(out, ':');
		json_text(out, card_get(c, &card_fields[i]));
	}
	buf_adds(out, "}\n");
}

static int
print_file(const char *path, bool json)
{
	struct vcard_reader v;
	struct card c;
	struct buf out;
	int rc;

	setup();
	buf_init(&out, 64 << 20);
	vcard_open(&v, read_file(path));
	while ((rc = vcard_next(&v, &c, &a, &e)) != 0) {
		if (rc < 0)
			buf_adds(&out, json ? "null\n" : "");
		else if (json)
			print_json(&out, &c);
		else
			vcard_write(&out, &c);
		arena_free(&a);
		arena_init(&a, 8 << 20);
	}
	fwrite(out.p, 1, out.n, stdout);
	buf_free(&out);
	teardown();
	return 0;
}

static Suite *
suite(void)
{
	Suite *s = suite_create("vcard");
	TCase *tc = tcase_create("vcard");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, one_value, 0, sizeof(values) / sizeof(values[0]));
	tcase_add_loop_test(tc, refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, goes_on);
	tcase_add_test(tc, bounded);
	tcase_add_test(tc, too_many_parameters);
	tcase_add_test(tc, too_long_a_line);
	tcase_add_test(tc, written);
	tcase_add_loop_test(tc, round_trip, 0, 50);
	suite_add_tcase(s, tc);
	return s;
}

int
main(int argc, char **argv)
{
	SRunner *sr;
	int failed;

	if (argc == 3 && strcmp(argv[1], "--json") == 0)
		return print_file(argv[2], true);
	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return print_file(argv[2], false);
	sr = srunner_create(suite());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
