/* SPDX-License-Identifier: ISC */
/* Entries of phonebooks as the plain texts that CSV and vCard are made of, and back. */
#ifndef COMMON_ENTRY_CARD_H
#define COMMON_ENTRY_CARD_H

#include "common/card.h"
#include "common/records.h"

/* The texts stay where they are. */
void entry_to_card(const struct entry *e, struct card *ret);
/* Empty texts become absent fields; uid, which entries do not have, is left out. */
void entry_of_card(const struct card *c, struct entry *ret);

#endif
