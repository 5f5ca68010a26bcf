/* SPDX-License-Identifier: ISC */
/*
 * An entry of a phonebook as plain texts, for the formats that know no records: vCard and CSV.
 * An absent value is the empty text. Everything points into whoever made it.
 */
#ifndef COMMON_CARD_H
#define COMMON_CARD_H

#include "common/str.h"

struct card_address {
	struct str street, city, country, state, zip, office_designation;
};

struct card {
	struct str first_name, last_name, number;
	struct str uid; /* of a vCard: its own lasting name */
	struct str job_title, job_dept, company_name, assistant_name, location;
	struct card_address home, office, branch;
	struct str cell_phone_number, home_phone_number, assistant_phone_number, fax_number;
	struct str did_number, im_id, im_display_name, alternate_im_id;
	struct str email_address, alternate_email_address, avatar;
	bool has_contact; /* the entry has contact information, be it empty */
};

/* One value of a card: its name as documents of the API spell it ("homeAddress.city"), and its
 * column in the legacy CSV export, NULL = it has none. Those with a column stand first, in the
 * export's order. */
struct card_field {
	const char *name, *column;
	size_t off;
};
extern const struct card_field card_fields[];
extern const size_t card_fields_count;

/* The value of a field. */
struct str *card_at(struct card *c, const struct card_field *f);
struct str card_get(const struct card *c, const struct card_field *f);
/* NULL when there is no such name; ASCII case is ignored. */
const struct card_field *card_field_by_name(struct str name);

#endif
