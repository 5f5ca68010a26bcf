/* SPDX-License-Identifier: ISC */
/*
 * Passes over a .def table that declare its types. No include guard: the
 * includer defines REC_FILE to the table's name, and gets for each record
 *   struct NAME, struct NAME_list, NAME_F_FIELD (bit numbers), rec_NAME;
 * for each enum: enum NAME with NAME_VALUE constants, and enum_NAME.
 */
#include "common/rec.h"

/* clang-format off */
/* Pass 1: enums. */
#define ENUM(e, ...) enum e {
#define VAL(e, name, number, text) e##_##name = (number),
#define ENUM_END(e) e##_END_ }; extern const struct enum_table enum_##e;
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"

/* Pass 2: bit numbers. More than 64 fields do not fit into `has`. */
#define RECORD(r, ...) enum {
#define RECORD_END(r) r##_F_COUNT }; _Static_assert((int)r##_F_COUNT <= 64, "too many fields: " #r);
#define BOOL(r, tg, m, fl, ...) r##_F_##m,
#define INT(r, tg, m, fl, ...) r##_F_##m,
#define STR(r, tg, m, fl, ...) r##_F_##m,
#define BIN(r, tg, m, fl, ...) r##_F_##m,
#define ENU(r, tg, m, e, fl, ...) r##_F_##m,
#define SUB(r, tg, m, s, fl, ...) r##_F_##m,
#define LIST(r, tg, m, s, fl, ...) r##_F_##m,
#define STRS(r, tg, m, fl, ...) r##_F_##m,
#define INTS(r, tg, m, fl, ...) r##_F_##m,
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"

/* Pass 3: structs and descriptors' declarations. */
#define RECORD(r, ...) struct r { uint64_t has;
#define RECORD_END(r) }; struct r##_list { struct r *v; size_t n; }; extern const struct rec rec_##r;
#define BOOL(r, tg, m, fl, ...) bool m;
#define INT(r, tg, m, fl, ...) int64_t m;
#define STR(r, tg, m, fl, ...) struct str m;
#define BIN(r, tg, m, fl, ...) struct str m;
#define ENU(r, tg, m, e, fl, ...) int m;
#define SUB(r, tg, m, s, fl, ...) struct s m;
#define LIST(r, tg, m, s, fl, ...) struct s##_list m;
#define STRS(r, tg, m, fl, ...) struct str_list m;
#define INTS(r, tg, m, fl, ...) struct int_list m;
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"
/* clang-format on */
