/* SPDX-License-Identifier: ISC */
/* Types and descriptors of every record in rec/all.def. */
#ifndef COMMON_RECORDS_H
#define COMMON_RECORDS_H

#include "common/png.h"

#define REC_FILE "common/rec/all.def"
#include "common/rec_decl.h"
#undef REC_FILE

/* All records, for what goes through every one of them (documents, tests, dump). */
extern const struct rec *const all_records[];
extern const size_t all_records_count;

/* By name, or by kind in store keys; NULL when there is none. */
const struct rec *record_by_name(struct str name);
const struct rec *record_by_store(uint16_t kind);

#endif
