/* SPDX-License-Identifier: ISC */
#include "tests/authorisation.h"

#include <check.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/records.h"

static const struct facts facts[] = {
    {RES_SESSION, .stores_not = M_POST | M_DELETE},
    {RES_CALLFWDSCHED,
        .body = "{\"name\":\"Shift #\",\"periods\":[{\"scheduledDay\":0,"
                "\"start\":{\"hrs\":1,\"min\":0},\"end\":{\"hrs\":2,\"min\":0}}]}"},
    {RES_CALLFWDSCHED_ID, NAMES_ITEM, .mine = "7", .theirs = "8", .unknown = "99999"},
    {RES_CONFERENCE, NAMES_ITEM, .mine = "sales-room", .theirs = "bobs", .unknown = "nobodys-room"},
    {RES_ATTENDANT, .body = "{\"operator\":\"#\"}",
        .quiet = 1 + permission_name_PERSONAL_ATTENDANT},
    {RES_ATTENDANT_LANG, .plain = true},
    {RES_OPERATOR, NAMES_VALUE, .mine = "502"},
    {RES_ACTIVEGREETING, NAMES_USER, .mine = "4410", .theirs = "4420", .unknown = "nobody",
        .second = "extendedabsence"},
    {RES_VMPREFS, .body = "{\"email\":\"#@ex.example\"}", .quiet = 1 + permission_name_VOICEMAIL},
    {RES_IMBOT_PREFS, .plain = true},
    {RES_VOICEMAIL_PIN_PATH, NAMES_VALUE, .mine = "77123"},
    {RES_LOGINDETAILSUNITE_LOGOUT, .answer = 302},
    {RES_LOGOUTUNITE, .answer = 302},
    {RES_PORTAL_PASSWORD_PATH, NAMES_VALUE, .mine = "another-password", .token = 403,
        .stores_not = M_PUT},
    {RES_PORTAL_PASSWORD, .body = "{\"password\":\"$\",\"current\":\"$\"}"},
    {RES_AVATAR, NAMES_USER, .mine = "4410", .theirs = "4420", .unknown = "nobody", .plain = true},
    {RES_PHONEBOOK,
        .body = "{\"phonebook\":{\"entry\":{\"first-name\":\"A\",\"last-name\":\"#\","
                "\"number\":\"80#\"}}}"},
    {RES_PHONEBOOK_ENTRY, NAMES_ITEM, .mine = "61", .theirs = "62", .unknown = "99999",
        .lenient = M_POST | M_DELETE,
        .body = "{\"entry\":{\"first-name\":\"B\",\"last-name\":\"#\",\"number\":\"90#\"}}"},
    {RES_SEARCH_PHONEBOOK, .query = "query=canary"},
    {RES_SHOW_CONTACTS, NAMES_VALUE, .mine = "false"},
    {RES_GOOGLE_IMPORT, .answer = 745, .stores_not = M_POST,
        .body = "{\"credentials\":{\"account\":\"ada\",\"password\":\"x\"}}"},
    {RES_PHONEBOOKENTRY, NAMES_ITEM, .mine = "card-4410", .theirs = "card-4420",
        .unknown = "no-card", .lenient = M_PUT,
        .body =
            "{\"pb\":{\"vcard\":\"BEGIN:VCARD\\nVERSION:3.0\\nN:#;Lou\\nTEL:70#\\nEND:VCARD\"}}"},
    {RES_PHONEBOOKS, .plain = true},
    {RES_PHONEBOOK_NAMED, NAMES_COMMON, .mine = "Company", .theirs = "Company", .unknown = "None",
        .plain = true},
    {RES_ACTIVECDRS_USER, NAMES_COMMON, .mine = "4410", .theirs = "4420", .unknown = "nobody",
        .lenient = M_GET | M_HEAD, .plain = true},
    /* The call of each user that test_authorisation.c tells of is the first event. */
    {RES_EVENTS, .query = "lastEventId=0"},
    {RES_AUDIT, .plain = true},
    {RES_HISTORY, NAMES_COMMON, .mine = "callfwd", .theirs = "callfwd", .unknown = "passwords",
        .plain = true},
    /* Numbers of writes are those of the whole system, so nobody knows one beforehand. */
    {RES_HISTORY_UNDO, NAMES_COMMON, .mine = "callfwd", .theirs = "callfwd", .unknown = "passwords",
        .second = "999999999", .writes = 404, .stores_not = M_PUT},
    {RES_CONFERENCEDETAILS, NAMES_ITEM, .mine = "sales-room", .theirs = "bobs",
        .unknown = "nobodys-room"},
    {RES_CONFERENCE_COMMAND, NAMES_ITEM, .mine = "sales-room", .theirs = "bobs",
        .unknown = "nobodys-room", .second = "list", .stores_not = M_PUT | M_POST, .plain = true},
    /* No switch is there that could call. */
    {RES_CALL, NAMES_VALUE, .mine = "5550100", .answer = 503, .stores_not = M_PUT},
    {RES_CALL_SHORT, NAMES_VALUE, .mine = "5550100", .answer = 503, .stores_not = M_PUT},
    {RES_CALLCONTROLLER, NAMES_USER, .mine = "4410", .theirs = "4420", .unknown = "nobody",
        .second = "5550100", .writes = 503, .others = 401, .stores_not = M_POST, .plain = true},
    {RES_CDR_HISTORY, NAMES_USER, .mine = "4410", .theirs = "4420", .unknown = "nobody",
        .others = 401},
};

const struct facts *
facts_of(const struct res *res)
{
	static const struct facts none;
	const struct facts *f = &none;

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (facts[i].row == res->number)
			f = &facts[i];
	ck_assert_msg(strchr(res->path, '{') == NULL || f->names != NAMES_NOTHING,
	    "tests/authorisation.c does not say what the parameter of %s (row %s) names: add a line to "
	    "facts[] there, with one of the NAMES_ values, one of user 4410, one of user "
	    "4420 and one that nobody has; tests/authorisation.jsonl is loaded before",
	    res->path, res->id);
	ck_assert_msg(res->path_value == (f->names == NAMES_VALUE),
	    "row %s: path_value in common/res.def and facts[] in tests/authorisation.c differ",
	    res->id);
	ck_assert_msg(
	    strchr(res->path, '{') == strrchr(res->path, '{') || f->second != NULL || res->path_value,
	    "tests/authorisation.c has no second parameter for %s (row %s)", res->path, res->id);
	return f;
}

static void
add_file(const char *path, struct buf *out)
{
	char block[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	ck_assert_msg(f != NULL, "%s cannot be read", path);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(out, block, n);
	fclose(f);
}

/* put.json of the row's golden folder, or the first document there that a client may send. */
static void
golden(const struct res *res, struct buf *out)
{
	char pattern[256];
	const char *found = NULL;
	glob_t g;
	int n = snprintf(pattern, sizeof(pattern), "tests/golden/%s", res->id);

	for (int i = (int)strlen("tests/golden/"); i < n; i++)
		pattern[i] = (char)tolower((unsigned char)pattern[i]);
	snprintf(pattern + n, sizeof(pattern) - (size_t)n, "/put*.json");
	ck_assert_msg(glob(pattern, 0, NULL, &g) == 0,
	    "%s: there is no %s, nor a body in "
	    "tests/authorisation.c",
	    res->id, pattern);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		if (strstr(g.gl_pathv[i], ".want.") != NULL)
			continue;
		if (found == NULL || strstr(g.gl_pathv[i], "/put.json") != NULL)
			found = g.gl_pathv[i];
	}
	ck_assert_ptr_nonnull(found);
	add_file(found, out);
	globfree(&g);
}

void
facts_body(
    const struct facts *f, const struct res *res, enum asker w, struct buf *out, const char **type)
{
	static int serial;

	*type = "application/json";
	if (res->body == BODY_FILE) {
		*type = "multipart/form-data; boundary=limit";
		buf_adds(out,
		    "--limit\r\nContent-Disposition: form-data; name=\"file\"; "
		    "filename=\"a.gif\"\r\nContent-Type: image/gif\r\n\r\n");
		add_file("tests/conformance/files/300x200.gif", out);
		buf_adds(out, "\r\n--limit--\r\n");
	} else if (res_input(res) == NULL || res->body == BODY_IGNORED) {
		*type = NULL;
	} else if (f->body == NULL) {
		golden(res, out);
	} else {
		serial++;
		for (const char *c = f->body; *c != '\0'; c++)
			if (*c == '#')
				buf_printf(out, "%d", serial);
			else if (*c == '$')
				buf_adds(out, who_password(w));
			else
				buf_addc(out, *c);
	}
	buf_addc(out, '\0');
	ck_assert(!out->failed);
}
