/* SPDX-License-Identifier: ISC */
/*
 * Lists of records as CSV (RFC 4180), for whatever is no phonebook: a line with the names of the
 * fields, and a line per record with their values; absent ones are empty. Lists and records in
 * records have no column.
 *
 * Texts come from anybody who calls, and spreadsheets take what begins with '=', '+', '-' or '@'
 * for a formula: such a text gets an apostrophe in front, but for numbers with their sign.
 */
#ifndef COMMON_CSV_RECORD_H
#define COMMON_CSV_RECORD_H

#include "common/buf.h"
#include "common/rec.h"

void csv_record_head(const struct rec *r, struct buf *out);
void csv_record_row(const struct rec *r, const void *obj, struct buf *out);

#endif
