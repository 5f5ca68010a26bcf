/* SPDX-License-Identifier: ISC */
/* The resource table: rows, paths, methods. */
#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "common/records.h"
#include "common/res.h"

static struct arena a;
static struct err e;

static void
setup(void)
{
	arena_init(&a, 1 << 20);
	e = (struct err){.depth = 0};
}

static void
teardown(void)
{
	arena_free(&a);
}

#define KEY_255                                                                             \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *path;
	int res; /* 0 = none */
	const char *key;
	enum err_code code;
} paths[] = {
    {"/", RES_ROOT, "", ERR_OK},
    {"", RES_ROOT, "", ERR_OK},
    {"/sipxconfig/rest", RES_ROOT, "", ERR_OK},
    {"/sipxconfig/rest/", RES_ROOT, "", ERR_OK},
    {"/livez", RES_LIVEZ, "", ERR_OK},
    {"/my/forward", RES_FORWARD, "", ERR_OK},
    {"/my/forward/", RES_FORWARD, "", ERR_OK},
    {"/sipxconfig/rest/my/forward", RES_FORWARD, "", ERR_OK},
    {"/sipxconfig/rest/my/forward/", RES_FORWARD, "", ERR_OK},
    {"/my/%66orward", RES_FORWARD, "", ERR_OK},
    {"/my/callfwdsched", RES_CALLFWDSCHED, "", ERR_OK},
    {"/my/callfwdsched/", RES_CALLFWDSCHED, "", ERR_OK},
    {"/my/callfwdsched/7", RES_CALLFWDSCHED_ID, "7", ERR_OK},
    {"/my/callfwdsched/7/", RES_CALLFWDSCHED_ID, "7", ERR_OK},
    {"/my/callfwdsched/a%20b%25", RES_CALLFWDSCHED_ID, "a b%", ERR_OK},
    {"/my/callfwdsched/%C3%a9", RES_CALLFWDSCHED_ID, "\xc3\xa9", ERR_OK},
    {"/my/callfwdsched/%2e%2e", RES_CALLFWDSCHED_ID, "..", ERR_OK},
    {"/my/callfwdsched/%257", RES_CALLFWDSCHED_ID, "%7", ERR_OK},
    {"/my/callfwdsched/a+b", RES_CALLFWDSCHED_ID, "a+b", ERR_OK},
    {"/my/callfwdsched/" KEY_255, RES_CALLFWDSCHED_ID, KEY_255, ERR_OK},
    {"/my/callfwdsched/" KEY_255 "x", 0, "", ERR_NOT_FOUND},
    {"/my/callfwdsched//", 0, "", ERR_NOT_FOUND},
    {"/my/callfwdsched/7/8", 0, "", ERR_NOT_FOUND},
    {"//my/forward", 0, "", ERR_NOT_FOUND},
    {"/my//forward", 0, "", ERR_NOT_FOUND},
    {"//", 0, "", ERR_NOT_FOUND},
    {"/my", 0, "", ERR_NOT_FOUND},
    {"/my/Forward", 0, "", ERR_NOT_FOUND},
    {"/my/forwardx", 0, "", ERR_NOT_FOUND},
    {"/forward", 0, "", ERR_NOT_FOUND},
    {"/sipxconfig", 0, "", ERR_NOT_FOUND},
    {"/sipxconfig/restx/my/forward", 0, "", ERR_NOT_FOUND},
    {"/sipxconfig/rest/sipxconfig/rest/my/forward", 0, "", ERR_NOT_FOUND},
    {"/my/../my/forward", 0, "", ERR_NOT_FOUND},
    {"*", 0, "", ERR_NOT_FOUND},
    {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", 0, "", ERR_NOT_FOUND},
    {"/my%2fforward", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%2F", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%00", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%4", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%4g", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%-1", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%ff", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%c0%af", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/%ed%a0%80", 0, "", ERR_BAD_REQUEST},
    {"/my/callfwdsched/\xff", 0, "", ERR_BAD_REQUEST},
};

START_TEST(paths_are_matched)
{
	struct res_keys keys = {{{"x", 1}, {"y", 1}}, {"z", 1}};
	const struct res *r = res_match(str_c(paths[_i].path), &keys, &a, &e);

	ck_assert_msg((r == NULL) == (paths[_i].res == 0), "%s", paths[_i].path);
	if (r == NULL) {
		ck_assert_msg(e.code == paths[_i].code, "%s: %s", paths[_i].path, err_name(e.code));
		return;
	}
	ck_assert_int_eq((int)r->number, paths[_i].res);
	ck_assert_msg(str_eqc(keys.v[0], paths[_i].key), "%s: %.*s", paths[_i].path, (int)keys.v[0].n,
	    keys.v[0].p);
}
END_TEST

#define KEY "abcdefghijklmnopqrstuvwxyzABC012"

static const struct {
	const char *path;
	int res; /* 0 = none */
	const char *private_key, *key;
} private_paths[] = {
    {"/private/" KEY "/forward", RES_FORWARD, KEY, ""},
    {"/sipxconfig/rest/private/" KEY "/forward/", RES_FORWARD, KEY, ""},
    {"/private/" KEY "/callfwdsched/7", RES_CALLFWDSCHED_ID, KEY, "7"},
    {"/private/" KEY "/portal/password/a+b%2Bc", RES_PORTAL_PASSWORD_PATH, KEY, "a b+c"},
    {"/my/portal/password/a+b%20c", RES_PORTAL_PASSWORD_PATH, "", "a b c"},
    {"/my/voicemail/pin/a+b%2B", RES_VOICEMAIL_PIN_PATH, "", "a+b+"},
    {"/private/x/forward", RES_FORWARD, "x", ""},
    {"/private/%61/forward", RES_FORWARD, "a", ""},
    {"/private//forward", 0, "", ""},
    {"/private/" KEY, 0, "", ""},
    {"/private/" KEY "/", 0, "", ""},
    {"/private/" KEY "/my/forward", 0, "", ""},
    {"/private/" KEY "/private/" KEY "/forward", 0, "", ""},
    {"/Private/" KEY "/forward", 0, "", ""},
    {"/private", 0, "", ""},
};

START_TEST(private_paths_stand_for_the_users)
{
	struct res_keys keys;
	const struct res *r = res_match(str_c(private_paths[_i].path), &keys, &a, &e);

	ck_assert_msg(
	    (r != NULL ? (int)r->number : 0) == private_paths[_i].res, "%s", private_paths[_i].path);
	ck_assert_msg(
	    str_eqc(keys.private_key, private_paths[_i].private_key), "%s", private_paths[_i].path);
	ck_assert_msg(str_eqc(keys.v[0], private_paths[_i].key), "%s: %.*s", private_paths[_i].path,
	    (int)keys.v[0].n, keys.v[0].p);
}
END_TEST

static const struct {
	const char *path;
	bool matched;
	const char *shown;
} log_paths[] = {
    {"/my/forward", true, "/my/forward"},
    {"/sipxconfig/rest/my/forward/", true, "/sipxconfig/rest/my/forward/"},
    {"", false, ""},
    {"/", true, "/"},
    {"/my/a%20b", true, "/my/a b"},
    {"/my/voicemail/pin", true, "/my/voicemail/pin"},
    {"/my/voicemail/pin/", true, "/my/voicemail/pin/***"},
    {"/my/voicemail/pin/4711", true, "/my/voicemail/pin/***"},
    {"/my/voicemail/pin/4711/x", false, "/my/voicemail/pin/***"},
    {"/my//voicemail///pin//4711", false, "/my//voicemail///pin/***"},
    {"/my/voicemail/x/pin/4711", false, "/my/voicemail/x/pin/***"},
    {"/my/Voicemail/Pin4711", false, "/my/Voicemail/Pin/***"},
    {"/my/voicemail/%70in/4711", true, "/my/voicemail/pin/***"},
    {"/my/voicemail%2fpin%2f4711", false, "/my/voicemail/pin/***"},
    {"/my/voicemail/%2570in/4711", false, "/my/voicemail/pin/***"},
    {"/my/voicemail/pin/%", false, "/my/voicemail/pin/***"},
    {"/my/portal/password/a/b", false, "/my/portal/password/***"},
    {"/my/portal", false, "/my/portal"},
    {"/pin/portal", false, "/pin/portal"},
    {"/private/" KEY "/forward", true, "/private/***/forward"},
    {"/private/x/forward", false, "/private/***/forward"},
    {"//private//" KEY, false, "//private//***"},
    {"/private" KEY "/a", false, "/private***/a"},
    {"/PRIVATE/" KEY "/voicemail/pin/1", false, "/private/***/voicemail/pin/***"},
    {"/privat/" KEY, false, "/privat/***"},
    {"/my/callfwdsched/" KEY, true, "/my/callfwdsched/" KEY},
    {"/my/callfwdsched/%", false, "/my/callfwdsched/%"},
};

START_TEST(logged_paths_have_no_secrets)
{
	struct buf b;

	buf_init(&b, 8192);
	res_log_path(str_c(log_paths[_i].path), log_paths[_i].matched, &b);
	ck_assert_msg(
	    str_eqc(buf_str(&b), log_paths[_i].shown), "%s: %.*s", log_paths[_i].path, (int)b.n, b.p);
	buf_free(&b);
}
END_TEST

START_TEST(logged_paths_are_short)
{
	char path[9000];
	struct buf b;

	buf_init(&b, 8192);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	res_log_path((struct str){path, sizeof(path)}, false, &b);
	ck_assert_uint_eq(b.n, 512);
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = '/';
	buf_reset(&b);
	res_log_path((struct str){path, sizeof(path)}, false, &b);
	ck_assert(!b.failed);
	buf_free(&b);
}
END_TEST

START_TEST(paths_may_run_out_of_memory)
{
	struct res_keys keys;

	arena_init(&a, 16);
	ck_assert_ptr_null(res_match(STR_LIT("/my/callfwdsched/7"), &keys, &a, &e));
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
}
END_TEST

/* What a row must say for the code that reads it. */
START_TEST(rows_make_sense)
{
	const struct res *r = &all_resources[_i];
	struct res_keys keys;

	ck_assert_ptr_eq(res_by_number(r->number), r);
	ck_assert_int_gt((int)r->number, 0);
	ck_assert_int_le((int)r->number, 65535);
	ck_assert_msg(r->doc != NULL && r->path[0] == '/', "%s", r->id);
	ck_assert_msg((r->methods & ~(unsigned)(M_GET | M_PUT | M_POST | M_DELETE)) == 0, "%s", r->id);
	ck_assert_msg((r->family == FAM_BYTES) == (r->media != NULL), "%s", r->id);
	ck_assert_msg((r->anonymous & ~r->methods) == 0, "%s", r->id);
	ck_assert_ptr_eq(res_match(str_c(r->path), &keys, &a, &e), r);
	if (r->record == NULL)
		return;
	ck_assert_msg(r->formats != 0, "%s", r->id);
	if (r->family == FAM_TREE || r->json_style == ROOT_BOTH)
		ck_assert_msg(r->json_root != NULL, "%s", r->id);
	if (r->json_style == ROOT_ITEMS)
		ck_assert_msg(r->formats == FMT_JSON && r->methods == M_GET &&
		        rec_item_size(r->record->f) > 0 && r->record->f->kind >= K_LIST,
		    "%s", r->id);
	if ((r->formats & FMT_XML) != 0)
		ck_assert_msg(r->xml_root != NULL, "%s", r->id);
	else
		ck_assert_msg(r->xml_root == NULL, "%s", r->id);
	ck_assert_ptr_eq(record_by_name(str_c(r->record->name)), r->record);
}
END_TEST

START_TEST(methods)
{
	const struct res *fw = res_by_number(RES_FORWARD), *session = res_by_number(RES_SESSION);
	struct buf b;

	ck_assert_int_eq(res_method(STR_LIT("DELETE")), M_DELETE);
	ck_assert_int_eq(res_method(STR_LIT("get")), M_OTHER);
	ck_assert_int_eq(res_method(STR_LIT("")), M_OTHER);
	ck_assert_int_eq(res_method(STR_LIT("PATCH")), M_OTHER);
	ck_assert_str_eq(res_method_name(M_HEAD), "HEAD");
	ck_assert_str_eq(res_method_name(M_OTHER), "OTHER");
	ck_assert(res_allows(fw, M_GET) && res_allows(fw, M_HEAD) && res_allows(fw, M_OPTIONS));
	ck_assert(!res_allows(fw, M_POST) && !res_allows(fw, M_OTHER) && !res_allows(fw, M_DELETE));
	ck_assert(!res_allows(session, M_HEAD) && res_allows(session, M_OPTIONS));
	buf_init(&b, 200);
	res_allow_header(fw, &b);
	ck_assert(str_eqc(buf_str(&b), "GET, PUT, HEAD, OPTIONS"));
	buf_reset(&b);
	res_allow_header(session, &b);
	ck_assert(str_eqc(buf_str(&b), "POST, DELETE, OPTIONS"));
	buf_free(&b);
	ck_assert_ptr_null(res_by_number(0));
	ck_assert_ptr_null(res_by_number(INT64_MAX));
	ck_assert_ptr_null(res_by_number(((int64_t)1 << 32) + RES_FORWARD));
	ck_assert_uint_eq(res_table_hash(), res_table_hash());
	ck_assert_uint_ne(res_table_hash(), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("res");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, paths_are_matched, 0, sizeof(paths) / sizeof(paths[0]));
	tcase_add_loop_test(
	    t, private_paths_stand_for_the_users, 0, sizeof(private_paths) / sizeof(private_paths[0]));
	tcase_add_loop_test(
	    t, logged_paths_have_no_secrets, 0, sizeof(log_paths) / sizeof(log_paths[0]));
	tcase_add_test(t, logged_paths_are_short);
	tcase_add_test(t, paths_may_run_out_of_memory);
	tcase_add_loop_test(t, rows_make_sense, 0, (int)all_resources_count);
	tcase_add_test(t, methods);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
