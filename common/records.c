/* SPDX-License-Identifier: ISC */
#include "common/records.h"

#include <limits.h>

#include "common/checks.h"

#define REC_FILE "common/rec/all.def"
#include "common/rec_impl.h"

/* clang-format off */
const struct rec *const all_records[] = {
#define RECORD(r, ...) &rec_##r,
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"
};
/* clang-format on */

const size_t all_records_count = sizeof(all_records) / sizeof(all_records[0]);

const struct rec *
record_by_name(struct str name)
{
	for (size_t i = 0; i < all_records_count; i++)
		if (str_eqc(name, all_records[i]->name))
			return all_records[i];
	return NULL;
}

const struct rec *
record_by_store(uint16_t kind)
{
	for (size_t i = 0; i < all_records_count; i++)
		if (kind != 0 && all_records[i]->store == kind)
			return all_records[i];
	return NULL;
}
