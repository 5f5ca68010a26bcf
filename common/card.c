/* SPDX-License-Identifier: ISC */
#include "common/card.h"

const struct card_field card_fields[] = {
#define CARD(member, name, column) {name, column, offsetof(struct card, member)},
#include "common/card.def"
#undef CARD
};
const size_t card_fields_count = sizeof(card_fields) / sizeof(card_fields[0]);

struct str *
card_at(struct card *c, const struct card_field *f)
{
	return (struct str *)(void *)((char *)c + f->off);
}

struct str
card_get(const struct card *c, const struct card_field *f)
{
	return *(const struct str *)(const void *)((const char *)c + f->off);
}

const struct card_field *
card_field_by_name(struct str name)
{
	for (size_t i = 0; i < card_fields_count; i++)
		if (str_caseeqc(name, card_fields[i].name))
			return &card_fields[i];
	return NULL;
}
