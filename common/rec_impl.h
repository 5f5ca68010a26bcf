/* SPDX-License-Identifier: ISC */
/*
 * Passes over a .def table that define its descriptors, for exactly one .c
 * file per table. No include guard; REC_FILE names the table.
 */

/* clang-format off */
/* Pass 1: texts of enums. */
#define ENUM(e, ...) static const struct enum_val e##_vals[] = {
#define VAL(e, name, number, text) {e##_##name, text},
#define ENUM_END(e) };
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"
#define ENUM(e, ...) const struct enum_table enum_##e = \
	{.name = #e, .v = e##_vals, .n = sizeof(e##_vals) / sizeof(e##_vals[0]), __VA_ARGS__};
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"

/* Pass 2: a tag used twice in a record is a duplicate case, and does not compile. */
#define RECORD(r, ...) static inline void r##_tags_are_unique(int t) { switch (t) {
#define RECORD_END(r) break; } }
#define BOOL(r, tg, m, fl, ...) case tg:
#define INT(r, tg, m, fl, ...) case tg:
#define STR(r, tg, m, fl, ...) case tg:
#define BIN(r, tg, m, fl, ...) case tg:
#define ENU(r, tg, m, e, fl, ...) case tg:
#define SUB(r, tg, m, s, fl, ...) case tg:
#define LIST(r, tg, m, s, fl, ...) case tg:
#define STRS(r, tg, m, fl, ...) case tg:
#define INTS(r, tg, m, fl, ...) case tg:
#define GONE(r, tg) case tg:
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"

/* Pass 3: fields. */
#define REC_FIELD_(r, tg, m, kd, fl) \
	.name = #m, .tag = tg, .off = offsetof(struct r, m), .kind = kd, .flags = fl
#define RECORD(r, ...) static const struct field r##_fields[] = {
#define RECORD_END(r) };
#define BOOL(r, tg, m, fl, ...) {REC_FIELD_(r, tg, m, K_BOOL, fl), __VA_ARGS__},
#define INT(r, tg, m, fl, ...) {REC_FIELD_(r, tg, m, K_INT, fl), __VA_ARGS__},
#define STR(r, tg, m, fl, ...) {REC_FIELD_(r, tg, m, K_STR, fl), __VA_ARGS__},
#define BIN(r, tg, m, fl, ...) {REC_FIELD_(r, tg, m, K_BIN, fl), __VA_ARGS__},
#define ENU(r, tg, m, e, fl, ...) {REC_FIELD_(r, tg, m, K_ENUM, fl), .en = &enum_##e, __VA_ARGS__},
#define SUB(r, tg, m, s, fl, ...) {REC_FIELD_(r, tg, m, K_REC, fl), .sub = &rec_##s, __VA_ARGS__},
#define LIST(r, tg, m, s, fl, ...) {REC_FIELD_(r, tg, m, K_LIST, fl), .sub = &rec_##s, __VA_ARGS__},
#define STRS(r, tg, m, fl, ...) {REC_FIELD_(r, tg, m, K_STRS, fl), __VA_ARGS__},
#define INTS(r, tg, m, fl, ...) {REC_FIELD_(r, tg, m, K_INTS, fl), __VA_ARGS__},
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"

/* Pass 4: records. */
#define RECORD(r, ...) const struct rec rec_##r = {.name = #r, .f = r##_fields, \
	.nf = sizeof(r##_fields) / sizeof(r##_fields[0]), .size = sizeof(struct r), __VA_ARGS__};
#include "common/rec_rest.h"
#include REC_FILE
#include "common/rec_undef.h"
#undef REC_FIELD_
/* clang-format on */
