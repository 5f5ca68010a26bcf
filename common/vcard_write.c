/* SPDX-License-Identifier: ISC */
#include "common/vcard_write.h"

enum { FOLD = 75, LINE_MAX_BYTES = 64 * 1024 };

static void
text(struct buf *line, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		/* A bare CR would end the line for some readers. */
		if (c == '\r')
			continue;
		if (c == '\\' || c == ',' || c == ';' || c == '\n')
			buf_addc(line, '\\');
		buf_addc(line, c == '\n' ? 'n' : c);
	}
}

/* Ends the line: what is longer than 75 bytes goes on behind a blank in the next. */
static void
end_line(struct buf *out, struct buf *line)
{
	size_t at = 0, room = FOLD;

	while (line->n - at > room) {
		size_t n = room;

		while (n > 1 && ((unsigned char)line->p[at + n] & 0xc0) == 0x80)
			n--;
		buf_add(out, line->p + at, n);
		buf_adds(out, "\n ");
		at += n;
		room = FOLD - 1;
	}
	buf_add(out, line->p + at, line->n - at);
	buf_addc(out, '\n');
	out->failed = out->failed || line->failed;
	buf_reset(line);
}

static void
property(struct buf *out, struct buf *line, const char *name, const struct str *v, size_t n)
{
	buf_adds(line, name);
	buf_addc(line, ':');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(line, ';');
		text(line, v[i]);
	}
	end_line(out, line);
}

static void
one(struct buf *out, struct buf *line, const char *name, struct str value)
{
	property(out, line, name, &value, 1);
}

static void
address(struct buf *out, struct buf *line, const char *name, struct str box,
    const struct card_address *a)
{
	struct str v[] = {box, STR_LIT(""), a->street, a->city, a->state, a->zip, a->country};

	property(out, line, name, v, sizeof(v) / sizeof(v[0]));
}

static void
contact(struct buf *out, struct buf *line, const struct card *c)
{
	struct str org[] = {c->company_name, c->job_dept};

	one(out, line, "TEL;TYPE=HOME", c->home_phone_number);
	one(out, line, "TEL;TYPE=CELL", c->cell_phone_number);
	one(out, line, "TEL;TYPE=FAX", c->fax_number);
	address(out, line, "ADR;TYPE=WORK", c->office.office_designation, &c->office);
	address(out, line, "ADR;TYPE=HOME", STR_LIT(""), &c->home);
	one(out, line, "EMAIL;TYPE=PREF", c->email_address);
	one(out, line, "EMAIL", c->alternate_email_address);
	property(out, line, "ORG", org, 2);
	one(out, line, "TITLE", c->job_title);
}

void
vcard_write(struct buf *out, const struct card *c)
{
	struct str name[] = {c->last_name, c->first_name, STR_LIT(""), STR_LIT(""), STR_LIT("")};
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	buf_adds(out, "BEGIN:VCARD\nVERSION:3.0\n");
	buf_adds(&line, "FN:");
	text(&line, c->first_name);
	buf_addc(&line, ' ');
	text(&line, c->last_name);
	end_line(out, &line);
	property(out, &line, "N", name, 5);
	one(out, &line, "TEL;TYPE=WORK", c->number);
	if (c->has_contact)
		contact(out, &line, c);
	buf_adds(out, "END:VCARD\n\n");
	buf_free(&line);
}
