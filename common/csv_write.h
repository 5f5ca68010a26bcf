/* SPDX-License-Identifier: ISC */
/* The CSV export of a phonebook as the legacy server writes it: 27 columns, every value quoted,
 * lines ended by LF, a quote within a value as \" (and a backslash as \\, so that csv.h reads
 * the same again). */
#ifndef COMMON_CSV_WRITE_H
#define COMMON_CSV_WRITE_H

#include "common/buf.h"
#include "common/card.h"

/* The line with the names of the columns. */
void csv_write_head(struct buf *out);
/* An entry's line; nothing for one with neither first nor last name. */
void csv_write_card(struct buf *out, const struct card *c);
/* One quoted value, for other tables. */
void csv_write_value(struct buf *out, struct str s);

#endif
