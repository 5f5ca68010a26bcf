/* SPDX-License-Identifier: ISC */
/*
 * From one release to the next and back: a store of a later form is not touched, one of an earlier
 * release is opened with all that is in it, and a single record of a later version is nobody's to
 * guess at. On each engine.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/key.h"
#include "backend/store_format.h"
#include "backend/when.h"
#include "common/clock.h"
#include "common/release.h"
#include "tests/rig_store.h"

static const char *const engines[] = {"bdb", "lmdb"};
enum { ENGINES = 2, ROW_MAX = 64 };

static struct rig rig;
static char out[65536];

static void
begin(const char *engine)
{
	memset(&rig, 0, sizeof(rig));
	rig.engine = engine;
	rig_make(&rig);
	rig_backend(&rig);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

#define ctl(input, ...) rig_ctl(&rig, input, out, sizeof(out), __VA_ARGS__)

struct row {
	char bytes[ROW_MAX];
	size_t n; /* 0 = none */
};

static void
format_key(struct key *k)
{
	key_kind(k, TENANT_DEFAULT, OWNER_SYSTEM, META_FORMAT);
}

static int
is_row(struct model *m, void *arg)
{
	const struct row *want = arg;
	struct key k;
	struct str v;

	format_key(&k);
	return store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e) == 1 && v.n == want->n &&
	        memcmp(v.p, want->bytes, v.n) == 0
	    ? 0
	    : 1;
}

static int
set_row(struct model *m, void *arg)
{
	const struct row *row = arg;
	struct key k;

	format_key(&k);
	return row->n == 0
	    ? store_del(m->t, STORE_META, key_str(&k), m->e) == 1 ? 0 : 1
	    : store_put(m->t, STORE_META, key_str(&k), (struct str){row->bytes, row->n}, m->e);
}

static struct row
row_of(unsigned char format, const char *release)
{
	struct row ret = {.n = 4 + strlen(release)};

	ret.bytes[3] = (char)format;
	memcpy(ret.bytes + 4, release, strlen(release));
	return ret;
}

static void
log_has(const char *what)
{
	char command[256];

	snprintf(command, sizeof(command), "grep -q '%s' %s", what, rig.log);
	ck_assert_msg(system(command) == 0, "\"%s\" is not in the log", what);
}

START_TEST(a_later_form_is_left_alone)
{
	struct row ours = row_of(STORE_FORMAT, TANDEM_RELEASE), none = {.n = 0},
	           later = row_of(STORE_FORMAT + 1, "9.9.9"), odd = {.bytes = "?", .n = 1},
	           earlier = row_of(STORE_FORMAT, "0.0.9");

	begin(engines[_i]);
	ck_assert_int_eq(ctl("secret99\n", "user add 201 --first Ann --password-stdin"), 0);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	ck_assert_int_eq(rig_store(&rig, is_row, &ours), 0);
	ck_assert_int_eq(rig_store(&rig, set_row, &later), 0);
	/* Twice: the first refusal has changed nothing. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(rig_backend_refuses(&rig), 78);
		log_has("the store has form 2, of release 9.9.9; this is " TANDEM_RELEASE " with form 1: ");
		log_has("load a dump from before it");
	}
	ck_assert_int_eq(rig_store(&rig, is_row, &later), 0);
	ck_assert_int_eq(rig_store(&rig, set_row, &odd), 0);
	ck_assert_int_eq(rig_backend_refuses(&rig), 78);
	log_has("form cannot be read");
	/* And all is there for a release that knows it; one without a row was begun before. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(rig_store(&rig, set_row, i == 0 ? &earlier : &none), 0);
		rig_backend(&rig);
		ck_assert_int_eq(ctl(NULL, "user list"), 0);
		ck_assert_msg(strstr(out, "201 ") != NULL, "%s", out);
		rig_kill(&rig.backend);
		ck_assert_int_eq(rig_store(&rig, is_row, &ours), 0);
	}
}
END_TEST

/* The version of the record becomes one later than this program's. */
static int
make_newer(struct model *m, void *arg)
{
	uint32_t owner;
	struct key k;
	struct str v;

	(void)arg;
	if (model_name(m, INDEX_LOGIN, STR_LIT("4410"), &owner) != 1)
		return 1;
	key_kind(&k, m->tenant, owner, rec_callfwd.store);
	if (store_get(m->t, STORE_DATA, key_str(&k), m->a, &v, m->e) != 1)
		return 2;
	++*(char *)(uintptr_t)v.p;
	return store_put(m->t, STORE_DATA, key_str(&k), v, m->e);
}

START_TEST(a_record_of_a_later_version)
{
	struct answer a;

	memset(&rig, 0, sizeof(rig));
	rig.engine = engines[_i];
	rig_start_fixture(&rig);
	a = rig_put(&rig, "4410:secret99", "/my/forward", "{\"call-sequence\":{\"expiration\":41}}");
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	ck_assert_int_eq(rig_store(&rig, make_newer, NULL), 0);
	rig_backend(&rig);
	rig_await_ready(&rig, 0);
	a = rig_get(&rig, "4410:secret99", "/my/forward");
	ck_assert_int_eq(a.status, 500);
	answer_free(&a);
	/* Nor is it written over. */
	a = rig_put(&rig, "4410:secret99", "/my/forward", "{\"call-sequence\":{\"expiration\":42}}");
	ck_assert_int_eq(a.status, 500);
	answer_free(&a);
	a = rig_get(&rig, "4410:secret99", "/my/contact-information");
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	a = rig_get(&rig, "4420:secret20", "/my/forward");
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	ck_assert_int_ne(ctl(NULL, "dump"), 0);
	ck_assert_msg(strstr(out, "a stored callfwd cannot be read") != NULL, "%s", out);
}
END_TEST

enum { KIND_OF_LATER = 1999 };

/* A user has a record of a kind that this program does not know, or a month of calls has one. */
static int
add_kind(struct model *m, void *arg)
{
	uint32_t owner;
	struct key k;

	if (model_is_aside(KIND_OF_LATER) || record_by_store(KIND_OF_LATER) != NULL)
		return 1;
	if (model_name(m, INDEX_LOGIN, STR_LIT("4410"), &owner) != 1)
		return 2;
	key_kind(&k, m->tenant, owner, KIND_OF_LATER);
	return *(const bool *)arg
	    ? store_part_put(m->t, when_month(clock_wall_ms()), key_str(&k), STR_LIT("\1\200"), m->e)
	    : store_put(m->t, STORE_DATA, key_str(&k), STR_LIT("\1\200"), m->e);
}

/* A dump is all there is, or none: not what this release happens to know. */
START_TEST(a_kind_of_a_later_release)
{
	bool in_month = _i % 2 == 1;

	begin(engines[_i / 2]);
	ck_assert_int_eq(ctl(NULL, "user add 4410 --no-password"), 0);
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	ck_assert_int_eq(rig_store(&rig, add_kind, &in_month), 0);
	rig_backend(&rig);
	ck_assert_int_ne(ctl(NULL, "dump"), 0);
	ck_assert_msg(strstr(out, "the kind 1999 is of a later release") != NULL, "%s", out);
}
END_TEST

/* What is beside the records is no record: no kind has two meanings. */
START_TEST(kinds_are_apart)
{
#define KIND(table, name, number)                                            \
	ck_assert(STORE_##table != STORE_DATA || record_by_store(name) == NULL); \
	ck_assert(model_is_aside(name) == (STORE_##table == STORE_DATA));
#include "backend/kinds.def"
#undef KIND
}
END_TEST

/* What a release has stored, each later one finds: the same as in a dump of that release. */
START_TEST(stores_of_releases)
{
	char command[1024], version[32], engine[8];
	struct rig fresh = {.engine = NULL};
	glob_t g;

	ck_assert_int_eq(glob("tests/stores/*.tar.gz", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		ck_assert_int_eq(
		    sscanf(g.gl_pathv[i], "tests/stores/%31[0-9.]-%7[a-z]", version, engine), 2);
		begin(engine);
		ck_assert_int_eq(rig_end(&rig.backend), 0);
		snprintf(command, sizeof(command),
		    "cd %s && rm state/* && mkdir there && tar -C there --no-same-owner -xzf $OLDPWD/%s && "
		    "mv there/state/* state && chown --reference=state state/*",
		    rig.dir, g.gl_pathv[i]);
		ck_assert_int_eq(system(command), 0);
		rig_backend(&rig);
		ck_assert_int_eq(ctl(NULL, "dump %s/dump", rig.dir), 0);
		memset(&fresh, 0, sizeof(fresh));
		rig_make(&fresh);
		rig_backend(&fresh);
		ck_assert_int_eq(
		    rig_ctl(&fresh, NULL, out, sizeof(out), "load tests/dumps/%s.jsonl", version), 0);
		ck_assert_int_eq(rig_ctl(&fresh, NULL, NULL, 0, "dump %s/dump", fresh.dir), 0);
		snprintf(command, sizeof(command), "cmp %s/dump %s/dump", rig.dir, fresh.dir);
		ck_assert_msg(system(command) == 0, "%s", g.gl_pathv[i]);
		rig_stop(&fresh);
		rig_stop(&rig);
	}
	ck_assert_uint_ge(g.gl_pathc, 2);
	globfree(&g);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_format");
	TCase *t = tcase_create("store_format");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_set_timeout(t, 90);
	tcase_add_loop_test(t, a_later_form_is_left_alone, 0, ENGINES);
	tcase_add_loop_test(t, a_record_of_a_later_version, 0, ENGINES);
	tcase_add_loop_test(t, a_kind_of_a_later_release, 0, 2 * ENGINES);
	tcase_add_test(t, kinds_are_apart);
	tcase_add_test(t, stores_of_releases);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
