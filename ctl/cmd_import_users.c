/* SPDX-License-Identifier: ISC */
/*
 * import users: the CSV that sipXconfig exports and imports. Columns that are absent or empty
 * leave what is stored.
 */
#include <stdio.h>
#include <string.h>

#include "common/mp.h"
#include "common/records.h"
#include "common/sink.h"
#include "ctl/import.h"
#include "ctl/row.h"

enum { NAMES_MAX = 64, BODY_MAX = 64 * 1024 };

enum {
	USER_NAME,
	PIN,
	VOICEMAIL_PIN,
	SIP_PASSWORD,
	FIRST_NAME,
	LAST_NAME,
	ALIASES,
	GROUPS,
	IM_ID,
	PHONE, /* from here on nothing that is read */
	PHONE_MODEL,
	PHONE_GROUP,
	PHONE_LINE,
	CONTACT /* from here on fields of the contact card, by their names */
};

/* NAMES_MAX, which the table of the user has too. */
#define TOO_MANY_NAMES "there are more than 64 names"
#define NO_PHONES "is not read: phones are the provisioning system's"

static const struct import_field fields[] = {
    {"userName", "User name", NULL},
    {"pin", "PIN", NULL},
    {"voicemailPin", "Voicemail PIN", NULL},
    {"sipPassword", "SIP password", NULL},
    {"firstName", "First name", NULL},
    {"lastName", "Last name", NULL},
    {"aliases", "User alias", NULL},
    {"groups", "User group", NULL},
    {"imId", "Im Id", NULL},
    {"phone", "Phone serial number", NO_PHONES},
    {"phoneModel", "Phone model", NO_PHONES},
    {"phoneGroup", "Phone group", NO_PHONES},
    {"phoneLine", "Phone line", NO_PHONES},
    {"emailAddress", "EMail address", NULL},
    {"salutation", "Salutation", NULL},
    {"manager", "Manager", NULL},
    {"employeeId", "EmployeeId|Employee Id", NULL},
    {"jobTitle", "Job Title", NULL},
    {"jobDept", "Job department", NULL},
    {"companyName", "Company name", NULL},
    {"assistantName", "Assistant name", NULL},
    {"cellPhoneNumber", "Cell phone number", NULL},
    {"homePhoneNumber", "Home phone number", NULL},
    {"assistantPhoneNumber", "Assistant phone number", NULL},
    {"faxNumber", "Fax number", NULL},
    {"didNumber", "Did number", NULL},
    {"alternateEmailAddress", "Alternate email", NULL},
    {"alternateImId", "Alternate im", NULL},
    {"location", "Location", NULL},
    {"homeAddress.street", "Home street", NULL},
    {"homeAddress.city", "Home city", NULL},
    {"homeAddress.state", "Home state", NULL},
    {"homeAddress.country", "Home country", NULL},
    {"homeAddress.zip", "Home zip", NULL},
    {"officeAddress.street", "Office street", NULL},
    {"officeAddress.city", "Office city", NULL},
    {"officeAddress.state", "Office state", NULL},
    {"officeAddress.country", "Office country", NULL},
    {"officeAddress.zip", "Office zip", NULL},
    {"officeAddress.officeDesignation", "Office mail stop|Office designation", NULL},
    {"twiterName", "Twitter|Twitter name", NULL},
    {"linkedinName", "Linkedin|Linkedin name", NULL},
    {"facebookName", "Facebook|Facebook name", NULL},
    {"xingName", "Xing|Xing name", NULL},
    {"custom1", "Custom 1", NULL},
    {"custom2", "Custom 2", NULL},
    {"custom3", "Custom 3", NULL},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* Sets a text or an enum by its name ("homeAddress.city"): NULL, or what is wrong with it. */
static const char *
set_field(const struct rec *r, void *obj, struct str name, struct str value)
{
	struct str head, rest;
	size_t at;
	const struct field *f;
	bool nested = str_cut(name, '.', &head, &rest);

	f = rec_field_by_name(r, head, false, &at);
	if (f == NULL || (nested && f->kind != K_REC))
		return "the field is not known";
	rec_set_has(obj, rec_has(obj) | (uint64_t)1 << at);
	if (nested)
		return set_field(f->sub, rec_at(f, obj), rest, value);
	if (f->kind == K_ENUM)
		return enum_value(f->en, value, rec_at(f, obj)) ? NULL : "the value is not known";
	memcpy(rec_at(f, obj), &value, sizeof(value));
	return NULL;
}

/* Names between blanks or commas: NULL, or what is wrong with them. */
static const char *
split(struct str s, struct str_list *ret)
{
	for (size_t i = 0; i < s.n;) {
		size_t from = i;

		while (i < s.n && s.p[i] != ' ' && s.p[i] != ',')
			i++;
		if (i > from && ret->n == NAMES_MAX)
			return TOO_MANY_NAMES;
		if (i > from)
			ret->v[ret->n++] = (struct str){s.p + from, i - from};
		i++;
	}
	return NULL;
}

struct parts {
	struct user user;
	struct contact contact;
	struct str aliases[NAMES_MAX], groups[NAMES_MAX];
};

static const char *
fill(struct parts *p, const struct import_map *map, const struct str_list *values,
    const char **field)
{
	struct str v[FIELDS];
	const char *why = NULL;

	for (size_t i = 0; i < FIELDS; i++)
		v[i] = import_map_value(map, i, values);
	REC_SET(&p->user, user, user_name, v[USER_NAME]);
	if (v[FIRST_NAME].n > 0)
		REC_SET(&p->user, user, first_name, v[FIRST_NAME]);
	if (v[LAST_NAME].n > 0)
		REC_SET(&p->user, user, last_name, v[LAST_NAME]);
	if (v[IM_ID].n > 0)
		REC_SET(&p->user, user, im_id, v[IM_ID]);
	if (v[SIP_PASSWORD].n > 0)
		REC_SET(&p->user, user, sip_password, v[SIP_PASSWORD]);
	if (v[ALIASES].n > 0) {
		REC_SET(&p->user, user, aliases, ((struct str_list){p->aliases, 0}));
		why = split(v[ALIASES], &p->user.aliases);
		*field = fields[ALIASES].name;
	}
	if (v[GROUPS].n > 0 && why == NULL) {
		REC_SET(&p->user, user, groups, ((struct str_list){p->groups, 0}));
		why = split(v[GROUPS], &p->user.groups);
		*field = fields[GROUPS].name;
	}
	for (size_t i = CONTACT; i < FIELDS && why == NULL; i++) {
		if (v[i].n > 0)
			why = set_field(&rec_contact, &p->contact, str_c(fields[i].name), v[i]);
		*field = fields[i].name;
	}
	return why;
}

static int
encode(
    const struct rec *r, const void *obj, struct str name, struct stored_row *row, struct arena *a)
{
	struct buf body;

	buf_init(&body, BODY_MAX);
	mp_encode(r, obj, &body, ENCODE_SECRETS);
	memset(row, 0, sizeof(*row));
	REC_SET(row, stored_row, kind, r->store);
	REC_SET(row, stored_row, owner_type, owner_type_USER);
	REC_SET(row, stored_row, owner, name);
	REC_SET(row, stored_row, body, arena_copy(a, buf_str(&body)));
	buf_free(&body);
	return row->body.p != NULL ? 0 : -1;
}

/* A voicemail PIN that is set stays: NULL, or why it was refused; *rc for what ends the import. */
static const char *
send_pin(struct import *im, struct str name, struct str pin, int *rc)
{
	static char why[256];
	struct ctl_request q = {0};
	struct ctl_reply r;
	struct err e;

	REC_SET(&q, ctl_request, command, ctl_command_USER_PIN);
	REC_SET(&q, ctl_request, name, name);
	REC_SET(&q, ctl_request, password, pin);
	REC_SET(&q, ctl_request, keep, true);
	if ((*rc = ctl_call(im->c, &q, &r, LINK_CALL_MS)) != EXIT_OK || r.code == ERR_OK)
		return NULL;
	ctl_error_of(&r, &e);
	snprintf(why, sizeof(why), "%s", err_text(&e));
	return why;
}

/* Sends one user; what the backend refuses is said, everything else ends the import. */
static int
send_user(
    struct import *im, const struct import_row *about, struct str pin, struct str voicemail_pin)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	struct err e;
	char field[256] = "";
	int rc = import_connect(im);

	if (rc != EXIT_OK)
		return rc;
	REC_SET(&q, ctl_request, command, ctl_command_IMPORT_USER);
	REC_SET(&q, ctl_request, name, about->what);
	REC_SET(&q, ctl_request, rows, ((struct stored_row_list){im->rows, im->n}));
	if (pin.n > 0)
		REC_SET(&q, ctl_request, password, pin);
	if (im->c->dry_run)
		REC_SET(&q, ctl_request, dry_run, true);
	if ((rc = ctl_call(im->c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	if (r.code == ERR_OK && REC_HAS(&r, ctl_reply, results) && r.results.n == 1) {
		enum import_outcome outcome = (enum import_outcome)r.results.v[0].outcome;
		const char *why = voicemail_pin.n > 0 && !im->c->dry_run
		    ? send_pin(im, about->what, voicemail_pin, &rc)
		    : NULL;

		import_say(im, about, why != NULL ? import_outcome_REFUSED : outcome,
		    why != NULL ? "voicemailPin" : NULL, why);
		return rc;
	}
	ctl_error_of(&r, &e);
	if (e.code == ERR_UNAVAILABLE || e.code == ERR_INTERNAL || e.code == ERR_NO_SPACE)
		return ctl_refused(&r, NULL);
	if (REC_HAS(&r, ctl_reply, kind))
		row_path(r.kind, e.path, e.depth, field, sizeof(field));
	import_say(im, about, import_outcome_REFUSED, field, err_text(&e));
	return EXIT_OK;
}

static int
user_row(
    struct import *im, const struct import_map *map, const struct str_list *values, size_t line)
{
	struct parts *p = arena_alloc(&im->arena, sizeof(*p));
	struct import_row about = {line, import_map_value(map, USER_NAME, values)};
	const char *field = NULL, *why;
	int rc = EXIT_OK;

	if (p == NULL)
		return ctl_fail(EXIT_FAILED, "out of memory");
	why = about.what.n == 0 ? "there is no user name" : fill(p, map, values, &field);
	if (why == NULL && about.what.n > 255)
		why = "the user name is too long";
	im->n = p->contact.has != 0 ? 2 : 1;
	if (why == NULL &&
	    (encode(&rec_user, &p->user, about.what, &im->rows[0], &im->arena) != 0 ||
	        (im->n == 2 &&
	            encode(&rec_contact, &p->contact, about.what, &im->rows[1], &im->arena) != 0)))
		why = "the row is too long";
	if (why != NULL)
		import_say(im, &about, import_outcome_REFUSED, field, why);
	else
		rc = send_user(im, &about, import_map_value(map, PIN, values),
		    import_map_value(map, VOICEMAIL_PIN, values));
	im->n = 0;
	arena_wipe(&im->arena);
	return rc;
}

int
cmd_import_users(struct ctl *c)
{
	static struct import im;
	struct import_map map;
	int rc = import_open(&im, c);

	if (rc != EXIT_OK)
		return rc;
	import_map_init(&map, fields, FIELDS);
	return import_close(&im, import_csv(&im, &map, "userName", user_row));
}
