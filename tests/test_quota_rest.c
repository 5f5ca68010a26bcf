/* SPDX-License-Identifier: ISC */
/*
 * Quotas of users through the gateway: what is refused and what goes on, that operators are not
 * held to them, and that no kill makes the count of bytes wrong.
 */
#include <check.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/key.h"
#include "backend/quota.h"
#include "tests/rig_store.h"

#define BO "502:secret502"
#define CY "503:secret503"
#define OWN "/my/phonebook/entry"

enum { ENTRIES = 3, KILLS = 3 };

static struct rig rig;
static char text[32768];

static void
setup_with(const char *extra)
{
	rig = (struct rig){.extra = extra};
	rig_start_fixture(&rig);
}

static void
setup(void)
{
	setup_with("quota_entries = 3\nquota_kb = 4\n");
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static int
send_as(const char *user, const char *method, const char *path, const char *body)
{
	struct answer a = rig_ask(&rig,
	    &(struct ask){.method = method,
	        .path = path,
	        .user = user,
	        .type = body != NULL ? "application/json" : NULL,
	        .body = body});
	int status = a.status;

	snprintf(text, sizeof(text), "%s", a.body != NULL ? a.body : "");
	answer_free(&a);
	return status;
}

static const char *
entry(int n, size_t of_card)
{
	static char doc[1024];

	snprintf(doc, sizeof(doc),
	    "{\"first-name\":\"F%d\",\"last-name\":\"L\",\"number\":\"%d\",\"contact-information\":"
	    "{\"location\":\"%.*s\"}}",
	    n, 1000 + n, (int)of_card,
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	return doc;
}

static int
post(const char *user, int n)
{
	char doc[1100];

	snprintf(doc, sizeof(doc), "{\"entry\":%s}", entry(n, 0));
	return send_as(user, "POST", "/my/phonebook/entry/0", doc);
}

static int
bulk(const char *user, int from, int n)
{
	char doc[4096];
	size_t at = (size_t)snprintf(doc, sizeof(doc), "{\"phonebook\":[");

	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(
		    doc + at, sizeof(doc) - at, "%s%s", i > 0 ? "," : "", entry(from + i, 0));
	snprintf(doc + at, sizeof(doc) - at, "]}");
	return send_as(user, "POST", "/my/phonebook", doc);
}

/* How many entries are the user's own, and the number of the first one. */
static size_t
own(const char *user, char *first, size_t size)
{
	struct answer a = rig_ask(&rig,
	    &(struct ask){.method = "GET", .path = OWN, .user = user, .accept = "application/json"});
	json_t *doc = json_loadb(a.body, a.body_n, 0, NULL), *list = json_object_get(doc, "phonebook");
	size_t n = json_array_size(list);

	ck_assert_msg(a.status == 200 && doc != NULL, "%d %s", a.status, a.body);
	if (first != NULL && n > 0)
		snprintf(first, size, "/my/phonebook/entry/%s",
		    json_string_value(json_object_get(json_array_get(list, 0), "id")));
	json_decref(doc);
	answer_free(&a);
	return n;
}

static void
refused(int status, const char *says)
{
	ck_assert_msg(status == 507, "%d %s", status, text);
	ck_assert_msg(strstr(text, "\"type\":\"quota\"") != NULL, "%s", text);
	ck_assert_msg(strstr(text, says) != NULL, "%s", text);
}

START_TEST(entries)
{
	char path[64] = "", doc[1100];

	for (int i = 0; i < ENTRIES; i++)
		ck_assert_int_eq(post(BO, i), 200);
	refused(post(BO, 9), "a private phonebook may have 3 entries");
	ck_assert_uint_eq(own(BO, path, sizeof(path)), ENTRIES);
	/* Changes, other records and other users are not concerned. */
	snprintf(doc, sizeof(doc), "{\"entry\":%s}", entry(20, 200));
	ck_assert_int_eq(send_as(BO, "PUT", path, doc), 200);
	ck_assert_int_eq(
	    send_as(BO, "PUT", "/my/forward", "{\"call-sequence\":{\"expiration\":31}}"), 200);
	ck_assert_int_eq(post(CY, 1), 200);
	/* Two would fit, and none of three is stored. */
	refused(bulk(CY, 2, ENTRIES), "a private phonebook may have 3 entries");
	ck_assert_uint_eq(own(CY, NULL, 0), 1);
	ck_assert_int_eq(bulk(CY, 2, ENTRIES - 1), 200);
	ck_assert_int_eq(send_as(BO, "DELETE", path, NULL), 200);
	ck_assert_int_eq(post(BO, 9), 200);
	refused(post(BO, 10), "a private phonebook may have 3 entries");
	ck_assert_int_eq(send_as(BO, "DELETE", "/my/phonebook", NULL), 200);
	ck_assert_int_eq(bulk(BO, 1, ENTRIES), 200);
}
END_TEST

/* What is refused is no answer to the same key later. */
START_TEST(asked_again)
{
	char doc[1100], path[64] = "";
	struct ask q = {.method = "POST",
	    .path = "/my/phonebook/entry/0",
	    .user = BO,
	    .type = "application/json",
	    .header = "Idempotency-Key: \"again\"",
	    .body = doc};
	struct answer a;

	ck_assert_int_eq(bulk(BO, 1, ENTRIES), 200);
	snprintf(doc, sizeof(doc), "{\"entry\":%s}", entry(9, 0));
	a = rig_ask(&rig, &q);
	ck_assert_int_eq(a.status, 507);
	answer_free(&a);
	own(BO, path, sizeof(path));
	ck_assert_int_eq(send_as(BO, "DELETE", path, NULL), 200);
	a = rig_ask(&rig, &q);
	ck_assert_msg(a.status == 200, "%d %s", a.status, a.body);
	answer_free(&a);
	ck_assert_uint_eq(own(BO, NULL, 0), ENTRIES);
}
END_TEST

START_TEST(operators)
{
	static const char rows[] = "First name,Last name,Number,Email\nA,B,1,\nA,B,2,\nA,B,3,\n"
	                           "A,B,4,\nA,B,5,\n";
	char path[64] = "", doc[1100];

	ck_assert_int_eq(rig_ctl(&rig, rows, text, sizeof(text), "import phonebook - --user 502"), 0);
	ck_assert_uint_eq(own(BO, path, sizeof(path)), 5);
	rig_load(&rig,
	    "{\"type\":\"entry\",\"user\":\"502\",\"record\":{\"first-name\":\"A\",\"last-name\":"
	    "\"B\",\"number\":\"6\"}}\n");
	ck_assert_uint_eq(own(BO, path, sizeof(path)), 6);
	refused(post(BO, 1), "a private phonebook may have 3 entries");
	snprintf(doc, sizeof(doc), "{\"entry\":%s}", entry(20, 0));
	ck_assert_int_eq(send_as(BO, "PUT", path, doc), 200);
	/* Still too many, and deleted all the same. */
	ck_assert_int_eq(send_as(BO, "DELETE", path, NULL), 200);
	ck_assert_uint_eq(own(BO, NULL, 0), 5);
}
END_TEST

/* Some fifty bytes each. */
static const char *
buttons(int n)
{
	static char doc[16384];
	size_t at = (size_t)snprintf(doc, sizeof(doc), "{\"buttons\":[");

	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(doc + at, sizeof(doc) - at,
		    "%s{\"label\":\"%040d\",\"number\":\"%d\"}", i > 0 ? "," : "", i, 1000 + i);
	snprintf(doc + at, sizeof(doc) - at, "]}");
	return doc;
}

static int
dial(const char *user, int n)
{
	return send_as(user, "PUT", "/my/speeddial", buttons(n));
}

START_TEST(bytes)
{
	char row[16500];

	ck_assert_msg(dial(BO, 50) == 200, "%s", text);
	refused(dial(BO, 100), "what a user has stored may be 4 KiB");
	ck_assert_int_eq(dial(CY, 60), 200);
	/* By an operator it may be more; then what shrinks is taken, and what grows is not. */
	snprintf(row, sizeof(row), "{\"type\":\"speeddial\",\"user\":\"502\",\"record\":%s}\n",
	    buttons(130));
	rig_load(&rig, row);
	ck_assert_int_eq(send_as(BO, "GET", "/my/speeddial", NULL), 200);
	ck_assert_ptr_nonnull(strstr(text, "1099"));
	refused(post(BO, 1), "what a user has stored may be 4 KiB");
	ck_assert_uint_eq(own(BO, NULL, 0), 0);
	ck_assert_int_eq(dial(BO, 120), 200);
	refused(dial(BO, 121), "what a user has stored may be 4 KiB");
	ck_assert_int_eq(send_as(BO, "PUT", "/my/portal/password",
	                     "{\"password\":\"another-502\",\"current\":\"secret502\"}"),
	    200);
	ck_assert_int_eq(dial("502:another-502", 20), 200);
	ck_assert_int_eq(post("502:another-502", 1), 200);
}
END_TEST

/* What the operator sees of a user; bytes of all but the entries and buttons are a few hundred. */
static void
listed(int n_entries, long least, long most)
{
	const char *at, *number;
	char want[32];
	long n;

	ck_assert_int_eq(rig_ctl(&rig, NULL, text, sizeof(text), "user list --json"), 0);
	at = strstr(text, "\"userName\":\"502\"");
	ck_assert_msg(at != NULL, "%s", text);
	snprintf(want, sizeof(want), "\"entries\":%d,", n_entries);
	number = strstr(at, "\"bytes\":");
	ck_assert_msg(strstr(at, want) != NULL && strstr(at, want) < strchr(at, '}'), "%s", at);
	ck_assert_msg(number != NULL && number < strchr(at, '}'), "%s", at);
	n = strtol(number + 8, NULL, 10);
	ck_assert_msg(n >= least && n <= most, "%ld bytes", n);
}

START_TEST(shown)
{
	listed(0, 1, 1000);
	ck_assert_int_eq(dial(BO, 40), 200);
	ck_assert_int_eq(bulk(BO, 1, 2), 200);
	listed(2, 1700, 4096);
	ck_assert_int_eq(send_as(BO, "DELETE", "/my/phonebook", NULL), 200);
	ck_assert_int_eq(dial(BO, 1), 200);
	listed(0, 1, 1000);
}
END_TEST

START_TEST(none)
{
	rig_stop(&rig);
	setup_with("quota_entries = 0\nquota_kb = 0\n");
	ck_assert_int_eq(dial(BO, 130), 200);
	ck_assert_int_eq(bulk(BO, 1, ENTRIES + 2), 200);
	ck_assert_uint_eq(own(BO, NULL, 0), ENTRIES + 2);
}
END_TEST

/* --- kills --------------------------------------------------------------------------------------
 */

struct row {
	uint32_t owner;
	uint64_t says, has;
};

struct rows {
	struct row v[64];
	size_t n;
	bool missing; /* an owner with records has none */
};

static int
add_row(void *arg, struct str key, struct str val)
{
	struct rows *r = arg;
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	if (key_split(key, &tenant, &owner, &kind, &rest) && kind == META_QUOTA && r->n < 64)
		r->v[r->n++] = (struct row){owner, key_rest_id(val), 0};
	return 0;
}

static int
add_up(void *arg, struct str key, struct str val)
{
	struct rows *r = arg;
	const struct rec *rec;
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	if (!key_split(key, &tenant, &owner, &kind, &rest) || owner == OWNER_SYSTEM ||
	    (rec = record_by_store(kind)) == NULL || rec->transient)
		return 0;
	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].owner == owner) {
			r->v[i].has += val.n;
			return 0;
		}
	}
	r->missing = true;
	return 1;
}

/* In the store of a backend that was killed: 0 = each owner's row says what there is. */
static int
look(struct model *m, void *arg)
{
	struct key all;
	struct rows r = {.n = 0, .missing = false};
	int bad = 0;

	(void)arg;
	key_tenant(&all, TENANT_DEFAULT);
	if (store_scan(m->t, STORE_META, key_str(&all), (struct str){"", 0}, add_row, &r, m->e) != 0 ||
	    store_scan(m->t, STORE_DATA, key_str(&all), (struct str){"", 0}, add_up, &r, m->e) != 0)
		return 4;
	for (size_t i = 0; i < r.n; i++) {
		if (r.v[i].says == r.v[i].has)
			continue;
		fprintf(stderr, "owner %u: the row says %llu, there are %llu\n", r.v[i].owner,
		    (unsigned long long)r.v[i].says, (unsigned long long)r.v[i].has);
		bad = 5;
	}
	return r.n < 4 || r.missing ? 6 : bad;
}

static atomic_bool stop;
static atomic_int done;

/* Entries come and go, now of one user and now of another. */
static void *
write_on(void *arg)
{
	(void)arg;
	for (int i = 0; !stop; i++) {
		const char *user = i / 3 % 2 == 0 ? BO : CY;
		char doc[1100];

		if (i % 60 >= 58) {
			done += send_as(i % 60 == 58 ? BO : CY, "DELETE", "/my/phonebook", NULL) == 200;
			continue;
		}
		snprintf(doc, sizeof(doc), "{\"entry\":%s}", entry(i, (size_t)i % 200));
		done += send_as(user, "POST", "/my/phonebook/entry/0", doc) == 200;
	}
	return NULL;
}

START_TEST(killed)
{
	rig_stop(&rig);
	setup_with("quota_entries = 100\n");
	for (int k = 0; k < KILLS; k++) {
		pthread_t thread;
		int least = done + 50 + 17 * k;

		stop = false;
		ck_assert_int_eq(pthread_create(&thread, NULL, write_on, NULL), 0);
		for (long long until = ms_now() + 20000; done < least && ms_now() < until;)
			usleep(1000);
		rig_kill(&rig.backend);
		stop = true;
		pthread_join(thread, NULL);
		ck_assert_int_ge(done, least);
		ck_assert_int_eq(rig_store(&rig, look, NULL), 0);
		rig_backend(&rig);
		rig_await_ready(&rig, 0);
	}
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	ck_assert_int_eq(rig_store(&rig, look, NULL), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("quota_rest");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, entries);
	tcase_add_test(t, asked_again);
	tcase_add_test(t, operators);
	tcase_add_test(t, bytes);
	tcase_add_test(t, shown);
	tcase_add_test(t, none);
	tcase_add_test(t, killed);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
