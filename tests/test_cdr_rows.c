/* SPDX-License-Identifier: ISC */
/* Rows of call records as the store has them, by all engines. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "backend/cdr.h"
#include "tests/store_rig.h"

enum { ANA = 5, BEN = 6, MANY = 2500 };

#define FEBRUARY INT64_C(1706745600000) /* 2024-02-01 */
#define MARCH INT64_C(1709251200000)

static struct arena mem;
static struct err err;

static struct model
begin(struct store *s, enum store_mode mode)
{
	arena_free(&mem);
	arena_init(&mem, 4 << 20);
	return (struct model){.a = &mem, .e = &err, .tenant = TENANT_DEFAULT, .t = rig_begin(s, mode)};
}

/* One call, with a row of each party. */
static void
file(struct model *m, int n, int64_t started)
{
	struct call_record r = {.has = 0};
	char id[24];

	snprintf(id, sizeof(id), "call-%d", n);
	r.has |= REC_BIT(call_record, cdr);
	REC_SET(&r.cdr, cdr, id, str_c(id));
	REC_SET(&r.cdr, cdr, caller, STR_LIT("<sip:4410@pbx.example.net>"));
	REC_SET(&r.cdr, cdr, callee, STR_LIT("<sip:4420@pbx.example.net>"));
	REC_SET(&r.cdr, cdr, started, started);
	REC_SET(&r.cdr, cdr, end, cdr_end_COMPLETED);
	REC_SET(&r, call_record, source, STR_LIT("kam-1"));
	ck_assert_msg(cdr_load(m, ANA, &r, NULL) == 0, "%s", err_text(&err));
	ck_assert_msg(cdr_load(m, BEN, &r, NULL) == 0, "%s", err_text(&err));
}

static int
count_row(void *arg, const struct cdr_place *at, struct str stored)
{
	(void)at;
	(void)stored;
	++*(int *)arg;
	return 0;
}

static int
rows_in(struct model *m, uint32_t user)
{
	struct cdr_query q = {.user = user, .to = INT64_MAX};
	int n = 0;

	ck_assert_int_eq(cdr_each(m, &q, count_row, &n), 0);
	return n;
}

static int
rows_of(struct store *s, uint32_t user)
{
	struct model m = begin(s, STORE_READ);
	int n = rows_in(&m, user);

	rig_commit(m.t);
	return n;
}

/* More than are looked at in one go, in two months; undone, and for good. */
static void
forgotten(struct store *s)
{
	struct model m = begin(s, STORE_WRITE);

	for (int i = 0; i < MANY; i++)
		file(&m, i, i % 2 == 0 ? FEBRUARY + i : MARCH + i);
	rig_commit(m.t);
	ck_assert_int_eq(rows_of(s, ANA), MANY);
	m = begin(s, STORE_WRITE);
	ck_assert_int_eq(cdr_forget(&m, ANA), 0);
	ck_assert_int_eq(rows_in(&m, ANA), 0);
	store_abort(m.t);
	ck_assert_int_eq(rows_of(s, ANA), MANY);
	m = begin(s, STORE_WRITE);
	ck_assert_int_eq(cdr_forget(&m, ANA), 0);
	ck_assert_int_eq(cdr_forget(&m, ANA), 0);
	ck_assert_int_eq(cdr_forget(&m, 77), 0);
	rig_commit(m.t);
	ck_assert_int_eq(rows_of(s, ANA), 0);
	ck_assert_int_eq(rows_of(s, BEN), MANY);
	arena_free(&mem);
}

static const struct store_case cases[] = {{"forgotten", forgotten}};

int
main(void)
{
	return rig_run("cdr_rows", cases, (int)(sizeof(cases) / sizeof(cases[0])));
}
