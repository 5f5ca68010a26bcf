/* SPDX-License-Identifier: ISC */
/* Entries of the phonebook as cards and back: every field alone, all, and none. */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/entry_card.h"

/* The name that a vCard has for its card is used while it is imported, and no part of an entry. */
static bool
is_kept(const struct card_field *f)
{
	return strcmp(f->name, "uid") != 0;
}

/* What stands in one field arrives in the field of the same name, and nowhere else. */
START_TEST(each_field_alone)
{
	const struct card_field *f = &card_fields[_i];
	struct card in = {.has_contact = true}, out;
	struct entry e;

	*card_at(&in, f) = str_c(f->name);
	entry_of_card(&in, &e);
	entry_to_card(&e, &out);
	for (size_t i = 0; i < card_fields_count; i++) {
		struct str got = card_get(&out, &card_fields[i]);

		if (i == (size_t)_i && is_kept(f))
			ck_assert_msg(str_eqc(got, f->name), "%s is lost", f->name);
		else
			ck_assert_msg(got.n == 0, "%s came into %s", f->name, card_fields[i].name);
	}
}
END_TEST

START_TEST(all_fields)
{
	struct card in = {.has_contact = true}, out;
	struct entry e;

	for (size_t i = 0; i < card_fields_count; i++)
		*card_at(&in, &card_fields[i]) = str_c(card_fields[i].name);
	entry_of_card(&in, &e);
	ck_assert_uint_eq(e.has,
	    REC_BIT(entry, first_name) | REC_BIT(entry, last_name) | REC_BIT(entry, number) |
	        REC_BIT(entry, card));
	entry_to_card(&e, &out);
	for (size_t i = 0; i < card_fields_count; i++)
		ck_assert(str_eqc(card_get(&out, &card_fields[i]), card_fields[i].name) ==
		    is_kept(&card_fields[i]));
}
END_TEST

/* An entry without a card, and one whose card is empty, have no contact information. */
START_TEST(no_fields)
{
	struct card in = {.has_contact = false}, out;
	struct entry e;

	entry_of_card(&in, &e);
	ck_assert_uint_eq(e.has, REC_BIT(entry, card));
	entry_to_card(&e, &out);
	ck_assert(!out.has_contact);
	e.has = 0;
	e.card.has = REC_BIT(entry_card, location);
	entry_to_card(&e, &out);
	ck_assert(!out.has_contact);
}
END_TEST

/* A field that is not set is no value, whatever its place in memory holds. */
START_TEST(absent_addresses_are_not_read)
{
	struct card out;
	struct entry e;

	memset(&e, 0, sizeof(e));
	e.has = REC_BIT(entry, card);
	REC_SET(&e.card, entry_card, location, str_c("Attic"));
	e.card.home_address.has = REC_BIT(address, city);
	e.card.home_address.city = str_c("Ghent");
	entry_to_card(&e, &out);
	ck_assert(out.has_contact && str_eqc(out.location, "Attic"));
	ck_assert_uint_eq(out.home.city.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("entry card");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_loop_test(t, each_field_alone, 0, (int)card_fields_count);
	tcase_add_test(t, all_fields);
	tcase_add_test(t, no_fields);
	tcase_add_test(t, absent_addresses_are_not_read);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
