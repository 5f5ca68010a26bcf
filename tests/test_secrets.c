/* SPDX-License-Identifier: ISC */
/* Secrets on their way through all processes: login details with other settings (LD-G4, LD-G6),
 * private keys (X12, XX-2), policies, dump and load, logs, and a gateway that is not ours. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/records.h"
#include "common/res.h"
#include "tests/compare.h"
#include "tests/hostile.h"

static struct rig rig;
static char key[64]; /* of 4410 */
static long key_id;

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.extra = "log = debug\n[gateway]\nlog = debug\n";
	rig_start_fixture(&rig);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static void
make_key(const char *user, const char *options)
{
	char out[256];

	ck_assert_msg(
	    rig_ctl(&rig, NULL, out, sizeof(out), "key make %s %s", user, options) == 0, "%s", out);
	ck_assert_int_eq(sscanf(out, "%ld %63s", &key_id, key), 2);
	ck_assert_uint_eq(strlen(key), 32);
}

/* The status of a request without credentials to /private/KEY/WHAT. */
static int
by_key(const char *method, const char *what, const char *type, const char *body)
{
	char path[256];
	struct answer a;
	int status;

	snprintf(path, sizeof(path), "/private/%s/%s", key, what);
	a = rig_ask(&rig, &(struct ask){.method = method, .path = path, .type = type, .body = body});
	status = a.status;
	answer_free(&a);
	return status;
}

static void
expect(const char *user, const char *path, int status, const char *json)
{
	struct answer a =
	    rig_ask(&rig, &(struct ask){.path = path, .user = user, .accept = "application/json"});
	char why[512] = "";

	ck_assert_msg(a.status == status, "%s: %d %s", path, a.status, a.body);
	ck_assert_msg(json == NULL || compare_json(json, a.body, false, why, sizeof(why)), "%s: %s\n%s",
	    path, why, a.body);
	answer_free(&a);
}

START_TEST(webrtc_gateways_are_listed) /* LD-G4 */
{
	struct answer a;
	char why[512];

	rig_load(&rig,
	    "{\"type\":\"settings\",\"record\":{\"imHosts\":[\"im1.pbx.example.net\"],"
	    "\"webrtcGateways\":[{\"fqdn\":\"10.0.0.9\",\"port\":7443}],\"ldapImAuth\":true,"
	    "\"logoutUrl\":\"https://portal.example.net/bye?x=1\"}}\n");
	expect("4410:secret99", "/my/logindetailsunite", 200,
	    "{\"login-details\":{\"userName\":\"4410\",\"imId\":\"ana\",\"ldapImAuth\":true,"
	    "\"sipPassword\":\"q7WmZt4X\",\"pin\":\"secret99\","
	    "\"im-locations\":[{\"fqdn\":\"im1.pbx.example.net\"}],"
	    "\"wrtc-locations\":[{\"fqdn\":\"10.0.0.9\",\"port\":7443}]}}");
	a = rig_ask(&rig, &(struct ask){.path = "/my/logindetailsunite", .user = "4410:secret99"});
	ck_assert_msg(compare_xml("<login-details><wrtc-locations><wrtc-location><fqdn>10.0.0.9</fqdn>"
	                          "<port>7443</port></wrtc-location></wrtc-locations></login-details>",
	                  a.body, true, why, sizeof(why)),
	    "%s", why);
	answer_free(&a);
	a = rig_ask(&rig, &(struct ask){.path = "/my/logoutunite", .user = "4410:secret99"});
	ck_assert_int_eq(a.status, 302);
	ck_assert_str_eq(answer_header(&a, "Location"), "https://portal.example.net/bye?x=1");
	answer_free(&a);
}
END_TEST

START_TEST(hosts_come_in_any_order) /* LD-G6 */
{
	bool seen[2] = {false, false};

	rig_load(&rig, "{\"type\":\"settings\",\"record\":{\"imHosts\":[\"im1\",\"im2\"]}}\n");
	for (int i = 0; i < 100 && !(seen[0] && seen[1]); i++) {
		struct answer a = rig_get(&rig, "4410:secret99", "/my/logindetailsunite");
		const char *one = strstr(a.body, "im1"), *two = strstr(a.body, "im2");

		ck_assert_msg(a.status == 200 && one != NULL && two != NULL, "%s", a.body);
		seen[one < two] = true;
		answer_free(&a);
	}
	ck_assert(seen[0] && seen[1]);
}
END_TEST

START_TEST(a_private_key_replaces_credentials) /* X12, XX-2 */
{
	struct answer a, b;
	char path[128], first[64], out[2048];

	make_key("4410", "");
	snprintf(first, sizeof(first), "%s", key);
	snprintf(path, sizeof(path), "/private/%s/forward", key);
	a = rig_ask(&rig, &(struct ask){.path = path});
	b = rig_ask(&rig, &(struct ask){.path = "/my/forward", .user = "4410:secret99"});
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(a.body, b.body);
	ck_assert_ptr_nonnull(answer_header(&a, "Cache-Control"));
	answer_free(&a);
	answer_free(&b);
	ck_assert_int_eq(
	    by_key("PUT", "forward", "application/json", "{\"call-sequence\":{\"expiration\":41}}"),
	    200);
	/* A user's other credentials are none of its business. */
	ck_assert_int_eq(by_key("PUT", "voicemail/pin/4711", NULL, NULL), 403);
	ck_assert_int_eq(by_key("PUT", "voicemail/pin", "application/json", "{\"pin\":\"4711\"}"), 403);
	ck_assert_int_eq(by_key("PUT", "portal/password/abcdefgh", NULL, NULL), 403);
	ck_assert_int_eq(by_key("PUT", "portal/password", "application/json",
	                     "{\"password\":\"abcdefgh\",\"current\":\"secret99\"}"),
	    403);
	ck_assert_int_eq(by_key("GET", "nope", NULL, NULL), 404);
	/* There is no password of this request that could be shown. */
	snprintf(path, sizeof(path), "/private/%s/logindetailsunite", key);
	a = rig_ask(&rig, &(struct ask){.path = path, .user = "4410:secret99"});
	ck_assert_int_eq(a.status, 200);
	ck_assert_ptr_null(strstr(a.body, "secret99"));
	ck_assert_ptr_nonnull(strstr(a.body, "q7WmZt4X"));
	answer_free(&a);
	/* For reading alone, and with an end. */
	make_key("4410", "--read-only --days 2");
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 200);
	ck_assert_int_eq(
	    by_key("PUT", "forward", "application/json", "{\"call-sequence\":{\"expiration\":42}}"),
	    401);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key list 4410 --json"), 0);
	ck_assert_msg(
	    strstr(out, "\"readOnly\":true") != NULL && strstr(out, "\"expires\":") != NULL, "%s", out);
	ck_assert_ptr_null(strstr(out, key));
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key list"), 0);
	ck_assert_ptr_nonnull(strstr(out, "4410"));
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key revoke %ld", key_id), 0);
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 401);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key revoke %ld", key_id), 1);
	snprintf(key, sizeof(key), "%s", first);
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 200);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user disable 4410"), 0);
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 401);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user enable 4410"), 0);
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 200);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 4410 --yes"), 0);
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 401);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key list --json"), 0);
	ck_assert_str_eq(out, "[]\n");
}
END_TEST

START_TEST(a_user_has_few_keys)
{
	char out[256];

	for (int i = 0; i < 16; i++)
		make_key("4410", "");
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key make 4410"), 1);
	ck_assert_msg(strstr(out, "16 keys already") != NULL, "%s", out);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key make nobody"), 1);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key make 4410 --days 0"), 2);
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "key revoke x"), 2);
}
END_TEST

static void
set_policies(const char *policy)
{
	char rows[1024];

	snprintf(rows, sizeof(rows),
	    "{\"type\":\"settings\",\"record\":{\"compat\":["
	    "{\"resource\":\"logindetails\",\"policy\":\"%s\"},"
	    "{\"resource\":\"logindetailsunite\",\"policy\":\"%s\"},"
	    "{\"resource\":\"voicemail-pin\",\"policy\":\"%s\"},"
	    "{\"resource\":\"portal-password\",\"policy\":\"%s\"},"
	    "{\"resource\":\"private\",\"policy\":\"%s\"}]}}\n",
	    policy, policy, policy, policy, policy);
	rig_load(&rig, rows);
}

static int
put(const char *path, const char *body)
{
	struct answer a = rig_put(&rig, "4410:secret99", path, body);
	int status = a.status;

	answer_free(&a);
	return status;
}

START_TEST(policies_take_secrets_out)
{
	make_key("4410", "");
	set_policies("masked");
	expect("4410:secret99", "/my/logindetails", 200,
	    "{\"login-details\":{\"userName\":\"4410\",\"imId\":\"ana\",\"ldapImAuth\":false}}");
	expect("4410:secret99", "/my/logindetailsunite", 200,
	    "{\"login-details\":{\"userName\":\"4410\",\"imId\":\"ana\",\"ldapImAuth\":false,"
	    "\"im-locations\":[]}}");
	ck_assert_int_eq(put("/my/voicemail/pin/4711", ""), 403);
	ck_assert_int_eq(put("/my/portal/password/abcdefgh", ""), 403);
	ck_assert_int_eq(put("/my/voicemail/pin", "{\"pin\":\"4711\"}"), 200);
	ck_assert_int_eq(
	    put("/my/portal/password", "{\"password\":\"secret99\",\"current\":\"secret99\"}"), 200);
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 403);
	set_policies("off");
	expect("4410:secret99", "/my/logindetails", 404, NULL);
	expect("4410:secret99", "/my/logindetailsunite", 404, NULL);
	ck_assert_int_eq(put("/my/voicemail/pin/4711", ""), 404);
	ck_assert_int_eq(put("/my/portal/password/abcdefgh", ""), 404);
	ck_assert_int_eq(put("/my/voicemail/pin", "{\"pin\":\"4711\"}"), 200);
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 404);
	set_policies("full");
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 200);
}
END_TEST

START_TEST(the_current_password_cannot_be_guessed)
{
	int status = 0;

	for (int i = 0; i < 12 && status != 429; i++)
		status = put("/my/portal/password", "{\"password\":\"abcdefgh\",\"current\":\"wrong\"}");
	ck_assert_int_eq(status, 429);
	ck_assert_int_eq(
	    put("/my/portal/password", "{\"password\":\"abcdefgh\",\"current\":\"secret99\"}"), 429);
}
END_TEST

START_TEST(pins_are_verified)
{
	char out[512];
	int rc = 0;

	ck_assert_int_eq(
	    rig_ctl(&rig, "4711\n", out, sizeof(out), "user pin-verify 4410 --pin-stdin"), 1);
	ck_assert_int_eq(rig_ctl(&rig, "471\n", out, sizeof(out), "user pin 4410 --pin-stdin"), 1);
	ck_assert_int_eq(rig_ctl(&rig, "4711\n", out, sizeof(out), "user pin 4410 --pin-stdin"), 0);
	ck_assert_int_eq(
	    rig_ctl(&rig, "4711\n", out, sizeof(out), "user pin-verify 4410 --pin-stdin"), 0);
	ck_assert_int_eq(put("/my/voicemail/pin/ab12cd", ""), 200);
	ck_assert_int_eq(
	    rig_ctl(&rig, "4711\n", out, sizeof(out), "user pin-verify 4410 --pin-stdin"), 1);
	ck_assert_int_eq(
	    rig_ctl(&rig, "ab12cd\n", out, sizeof(out), "user pin-verify 4410 --pin-stdin"), 0);
	for (int i = 0; i < 10; i++)
		rc = rig_ctl(&rig, "wrong\n", out, sizeof(out), "user pin-verify 4410 --pin-stdin");
	ck_assert_int_eq(rc, 1);
	ck_assert_int_eq(
	    rig_ctl(&rig, "ab12cd\n", out, sizeof(out), "user pin-verify 4410 --pin-stdin"), 1);
	ck_assert_msg(strstr(out, "too many") != NULL, "%s", out);
	/* That has nothing to do with logging in. */
	expect("4410:secret99", "/my/keepalive", 200, NULL);
}
END_TEST

static char *
dumped(void)
{
	char out[65536];

	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "dump"), 0);
	return strdup(out);
}

START_TEST(dump_and_load_keep_secrets)
{
	char *first, *second, out[512], *at;

	make_key("4410", "");
	ck_assert_int_eq(rig_ctl(&rig, "4711\n", out, sizeof(out), "user pin 4410 --pin-stdin"), 0);
	ck_assert_int_eq(
	    rig_ctl(&rig, "phone-1\n", out, sizeof(out), "user sip-password 4420 --password-stdin"), 0);
	first = dumped();
	ck_assert_ptr_nonnull(strstr(first, "\"sipPassword\":\"sealed:"));
	ck_assert_ptr_null(strstr(first, "q7WmZt4X"));
	ck_assert_ptr_null(strstr(first, "phone-1"));
	ck_assert_ptr_null(strstr(first, key));
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 4410 --yes"), 0);
	rig_load(&rig, first);
	second = dumped();
	ck_assert_uint_eq(strlen(first), strlen(second));
	ck_assert_int_eq(by_key("GET", "forward", NULL, NULL), 200);
	ck_assert_int_eq(
	    rig_ctl(&rig, "4711\n", out, sizeof(out), "user pin-verify 4410 --pin-stdin"), 0);
	expect("4420:secret20", "/my/logindetails", 200,
	    "{\"login-details\":{\"userName\":\"4420\",\"ldapImAuth\":false,\"sipPassword\":\"phone-"
	    "1\"}}");
	/* One user's sealed text under another user's name. */
	at = strstr(first, "\"sipPassword\":\"");
	ck_assert_ptr_nonnull(at);
	at[strcspn(at + 15, "\"") + 15 + 1] = '\0';
	snprintf(out, sizeof(out), "{\"type\":\"user\",\"record\":{\"userName\":\"9001\",%s}}\n", at);
	rig_load(&rig, out);
	ck_assert_int_eq(
	    rig_ctl(&rig, "secret90\n", out, sizeof(out), "user password 9001 --password-stdin"), 0);
	expect("9001:secret90", "/my/logindetails", 200,
	    "{\"login-details\":{\"userName\":\"9001\",\"ldapImAuth\":false}}");
	ck_assert_int_eq(rig_ctl(&rig,
	                     "{\"type\":\"user\",\"record\":{\"userName\":\"9001\",\"sipPassword\":"
	                     "\"sealed:abc\"}}\n",
	                     out, sizeof(out), "load -"),
	    1);
	ck_assert_msg(strstr(out, "sipPassword: begins with") != NULL, "%s", out);
	free(first);
	free(second);
}
END_TEST

static const char *const slips[] = {
    "/my/voicemail/pin/Zq4711x",
    "/my/voicemail/pin/Zq4711x/",
    "/my/voicemail/pin/Zq4711x/x",
    "/my/voicemail/pin//Zq4711x",
    "/my//voicemail//pin///Zq4711x",
    "/my/voicemail/./pin/Zq4711x",
    "/My/Voicemail/PIN/Zq4711x",
    "/my/voicemail/p%69n/Zq4711x",
    "/my/voicemail%2Fpin%2FZq4711x",
    "/my/voicemail/p%2569n/Zq4711x",
    "/my/voicemail/pin/Zq4711x%zz",
    "/my/voicemail/pinZq4711x",
    "/my/portal/password/Zq4711x%20more",
    "/my/portal/password;a/Zq4711x",
    "/portal/password/Zq4711x",
};

static const char *const key_slips[] = {"/private/%s/forward", "/private/%s", "/private/%s/nope",
    "/Private/%s/forward", "/private//%s/forward", "/privat/%s/forward", "/private/%s/forward/x/y",
    "/private%s/forward", "/private/%s/voicemail/pin/Zq4711x", "/my/private/%s/x"};

static bool
in_log(const char *text)
{
	char command[512];

	snprintf(command, sizeof(command), "grep -aqF -- '%s' %s", text, rig.log);
	return system(command) == 0;
}

START_TEST(no_log_has_secrets)
{
	static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "PATCH"};
	static const char *const gone[] = {"Zq4711x", "secret99", "q7WmZt4X", "Rw-body-pin",
	    "Rw-body-password", "argon2id", "sealed:"};
	char path[256], out[256];
	struct answer a;

	make_key("4410", "");
	for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
		for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
			a = rig_ask(&rig,
			    &(struct ask){.method = methods[m],
			        .path = slips[i],
			        .user = "4420:secret20",
			        .header = "Content-Length: 0"});
			/* The one path that is right changes what it is meant to change. */
			ck_assert_msg(a.status >= 400 || m == 1, "%s %s: %d", methods[m], slips[i], a.status);
			ck_assert_msg(strstr(a.body, "Zq4711x") == NULL, "%s: %s", slips[i], a.body);
			answer_free(&a);
		}
		for (size_t i = 0; i < sizeof(key_slips) / sizeof(key_slips[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(path, sizeof(path), key_slips[i], key);
#pragma GCC diagnostic pop
			a = rig_ask(&rig, &(struct ask){.method = methods[m], .path = path});
			ck_assert_msg(strstr(a.body, key) == NULL, "%s: %s", path, a.body);
			answer_free(&a);
		}
	}
	put("/my/voicemail/pin", "{\"pin\":\"Rw-body-pin\"}");
	put("/my/voicemail/pin", "{\"pin\":\"Rw-body-pin\",}");
	put("/my/portal/password", "{\"password\":\"Rw-body-password\",\"current\":\"wrong\"}");
	expect("4410:secret99", "/my/logindetailsunite", 200, NULL);
	ck_assert_int_eq(
	    rig_ctl(&rig, "Rw-body-pin\n", out, sizeof(out), "user pin 501 --pin-stdin"), 0);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		ck_assert_msg(!in_log(gone[i]), "\"%s\" is in the log", gone[i]);
	ck_assert_msg(!in_log(key), "a private key is in the log");
	/* The search finds what is there. */
	ck_assert(in_log("/private/***/forward"));
	ck_assert(in_log("/my/voicemail/pin/{pin}"));
	ck_assert(in_log("voicemail/pin/***"));
}
END_TEST

START_TEST(a_gateway_cannot_misuse_a_key)
{
	struct hostile h;
	struct request q;
	struct reply r;

	make_key("admin", "");
	hostile_open(&h, &rig, false);
	memset(&q, 0, sizeof(q));
	REC_SET(&q, request, res, RES_FORWARD);
	REC_SET(&q, request, private_key, str_c(key));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_OK);
	/* It opens no session, and reaches nothing that /private/ does not mirror. */
	REC_SET(&q, request, res, RES_SESSION);
	REC_SET(&q, request, method, M_POST);
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_FORBIDDEN);
	REC_SET(&q, request, method, M_DELETE);
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_FORBIDDEN);
	REC_SET(&q, request, res, RES_PORTAL_PASSWORD_PATH);
	REC_SET(&q, request, method, M_PUT);
	REC_SET(&q, request, key, STR_LIT("abcdefgh"));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_FORBIDDEN);
	/* One kind of credentials alone. */
	memset(&q, 0, sizeof(q));
	REC_SET(&q, request, res, RES_FORWARD);
	REC_SET(&q, request, private_key, str_c(key));
	q.has |= REC_BIT(request, cred);
	REC_SET(&q.cred, credentials, user, STR_LIT("4410"));
	REC_SET(&q.cred, credentials, password, STR_LIT("secret99"));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_BAD_REQUEST);
	q.has &= ~REC_BIT(request, cred);
	REC_SET(&q, request, cap, STR_LIT("x"));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_BAD_REQUEST);
	q.has &= ~REC_BIT(request, cap);
	/* Whatever is no key finds nothing, the digest of one included. */
	REC_SET(&q, request, private_key, STR_LIT("0123456789abcdef0123456789abcde/"));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_UNAUTHORIZED);
	/* Short and empty secrets, which our gateway's own checks would not let through either. */
	memset(&q, 0, sizeof(q));
	REC_SET(&q, request, res, RES_VOICEMAIL_PIN_PATH);
	REC_SET(&q, request, method, M_PUT);
	q.has |= REC_BIT(request, cred);
	REC_SET(&q.cred, credentials, user, STR_LIT("4410"));
	REC_SET(&q.cred, credentials, password, STR_LIT("secret99"));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_INVALID);
	REC_SET(&q, request, res, RES_VOICEMAIL_PIN);
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_NO_ENTITY);
	REC_SET(&q, request, body,
	    STR_LIT("\x81\x01\xa3"
	            "471"));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_INVALID);
	REC_SET(&q, request, body,
	    STR_LIT("\x81\x01\xc4\x04"
	            "4711"));
	ck_assert_int_ne(hostile_ask(&h, &q, &r), ERR_OK);
	hostile_close(&h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("secrets");
	TCase *t = tcase_create("secrets");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 90);
	tcase_add_test(t, webrtc_gateways_are_listed);
	tcase_add_test(t, hosts_come_in_any_order);
	tcase_add_test(t, a_private_key_replaces_credentials);
	tcase_add_test(t, a_user_has_few_keys);
	tcase_add_test(t, policies_take_secrets_out);
	tcase_add_test(t, the_current_password_cannot_be_guessed);
	tcase_add_test(t, pins_are_verified);
	tcase_add_test(t, dump_and_load_keep_secrets);
	tcase_add_test(t, no_log_has_secrets);
	tcase_add_test(t, a_gateway_cannot_misuse_a_key);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
