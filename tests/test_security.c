/* SPDX-License-Identifier: ISC */
/* What a gateway that has been taken over cannot do: the numbered lines of SECURITY.md. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/auth_child.h"
#include "common/mp.h"
#include "common/records.h"
#include "common/res.h"
#include "common/sink.h"
#include "tests/freeze.h"
#include "tests/hostile.h"

static struct rig rig;

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig_make(&rig);
	rig_backend(&rig);
	for (int u = 4410; u <= 4420; u += 10)
		ck_assert_int_eq(
		    rig_ctl(&rig, "secret99\n", NULL, 0, "user add %d --password-stdin", u), 0);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static void
ask_with(struct request *q, struct str token, int res)
{
	memset(q, 0, sizeof(*q));
	REC_SET(q, request, res, res);
	if (token.p != NULL)
		REC_SET(q, request, cap, token);
}

static void
with_password(struct request *q, int res, const char *user, const char *password)
{
	memset(q, 0, sizeof(*q));
	REC_SET(q, request, res, res);
	q->has |= REC_BIT(request, cred);
	REC_SET(&q->cred, credentials, user, str_c(user));
	REC_SET(&q->cred, credentials, password, str_c(password));
}

/* The token of a session of 4410, decoded. */
static struct str
session_of(struct hostile *h, char bytes[4096])
{
	struct request q;
	struct reply r;
	struct session s;
	struct err e = {0};
	size_t n;

	with_password(&q, RES_SESSION, "4410", "secret99");
	REC_SET(&q, request, method, M_POST);
	ck_assert_int_eq(hostile_ask(h, &q, &r), ERR_OK);
	ck_assert_int_eq(mp_decode(&rec_session, &s, r.body, DECODE_ALL, &h->arena, &e), 0);
	ck_assert(str_eqc(s.user_name, "4410"));
	ck_assert_int_eq(sodium_base642bin((unsigned char *)bytes, 4096, s.token.p, s.token.n, NULL, &n,
	                     NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
	    0);
	return (struct str){bytes, n};
}

START_TEST(capability_altered_anywhere_is_refused)
{
	struct hostile h;
	struct request q;
	char bytes[4096], copy[4096];
	struct str token;

	hostile_open(&h, &rig, false);
	token = session_of(&h, bytes);
	ask_with(&q, token, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	for (size_t i = 0; i < token.n; i++) {
		memcpy(copy, token.p, token.n);
		copy[i] = (char)(copy[i] ^ 1);
		ask_with(&q, (struct str){copy, token.n}, RES_CALLFWD);
		ck_assert_msg(hostile_ask(&h, &q, NULL) == ERR_UNAUTHORIZED, "byte %zu", i);
	}
	for (size_t n = 1; n < token.n; n += 7) {
		ask_with(&q, (struct str){token.p, n}, RES_CALLFWD);
		ck_assert_msg(hostile_ask(&h, &q, NULL) == ERR_UNAUTHORIZED, "length %zu", n);
	}
	hostile_close(&h);
}
END_TEST

START_TEST(capability_forged_with_another_key_is_refused)
{
	struct hostile h;
	struct request q;
	unsigned char pk[32], sk[64], sig[64];
	struct cap c = hostile_good_cap(&rig, 1);
	struct str domain = AUTH_SIGN_DOMAIN;
	struct buf token, text;

	hostile_open(&h, &rig, false);
	crypto_sign_keypair(pk, sk);
	buf_init(&token, 4096);
	buf_init(&text, 4096);
	cap_write(&c, &token);
	buf_addstr(&text, domain);
	buf_addstr(&text, buf_str(&token));
	crypto_sign_detached(sig, NULL, (unsigned char *)text.p, text.n, sk);
	buf_add(&token, sig, 64);
	ask_with(&q, buf_str(&token), RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	buf_free(&token);
	buf_free(&text);
	hostile_close(&h);
}
END_TEST

/* Even with a right signature every limit of a capability holds. */
START_TEST(capability_beyond_its_limits_is_refused)
{
	static const struct {
		const char *name;
		int64_t tenant, user, age_ms, life_ms, key_diff;
		int want;
	} cases[] = {
	    {"control: right", 1, 0, 0, 600000, 0, ERR_OK},
	    {"expired", 1, 0, 600000, 1000, 0, ERR_UNAUTHORIZED},
	    {"another tenant", 2, 0, 0, 600000, 0, ERR_UNAUTHORIZED},
	    {"no such user", 1, 999999, 0, 600000, 0, ERR_UNAUTHORIZED},
	    {"another key's name", 1, 0, 0, 600000, 1, ERR_UNAUTHORIZED},
	};
	struct hostile h;
	struct request q;

	{
		hostile_open(&h, &rig, false);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct cap c = hostile_good_cap(&rig, cases[i].user != 0 ? cases[i].user : 1);
			struct buf token;

			c.tenant = cases[i].tenant;
			c.issued -= cases[i].age_ms;
			c.expires = c.issued + cases[i].life_ms;
			c.key += cases[i].key_diff;
			hostile_capability(&rig, &c, &token);
			ask_with(&q, buf_str(&token), RES_CALLFWD);
			ck_assert_msg(hostile_ask(&h, &q, NULL) == cases[i].want, "%s", cases[i].name);
			buf_free(&token);
		}
		hostile_close(&h);
	}
}
END_TEST

START_TEST(capability_revoked_or_of_a_changed_user_is_refused)
{
	struct hostile h;
	struct request q;
	char bytes[4096], other[4096];
	struct str token, second;

	hostile_open(&h, &rig, false);
	token = session_of(&h, bytes);
	second = session_of(&h, other);
	ask_with(&q, token, RES_SESSION);
	REC_SET(&q, request, method, M_DELETE);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	ask_with(&q, token, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	ask_with(&q, second, RES_CALLFWD);
	ck_assert_msg(hostile_ask(&h, &q, NULL) == ERR_OK, "the other session goes on");

	ask_with(&q, second, RES_SESSION);
	REC_SET(&q, request, method, M_DELETE);
	q.query.v = &(struct query){0};
	REC_SET(q.query.v, query, name, STR_LIT("all"));
	q.query.n = 1;
	q.has |= REC_BIT(request, query);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	ask_with(&q, second, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);

	token = session_of(&h, bytes);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user disable 4410"), 0);
	ask_with(&q, token, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user enable 4410"), 0);
	ask_with(&q, token, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);

	ck_assert_int_eq(
	    rig_ctl(&rig, "another99\n", NULL, 0, "user password 4410 --password-stdin"), 0);
	ask_with(&q, token, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	ck_assert_msg(
	    hostile_ask(&h, &q, NULL) == ERR_UNAUTHORIZED, "an old password that was remembered");
	with_password(&q, RES_CALLFWD, "4410", "another99");
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	hostile_close(&h);
}
END_TEST

/* There is no field for a user; unknown ones change nothing. */
START_TEST(a_message_cannot_name_its_user)
{
	struct hostile h;
	struct request q;
	struct reply r;
	struct callfwd doc = {0}, got;
	struct err e = {0};
	char bytes[4096];
	struct str token;
	struct buf body, frame;
	struct str next;
	size_t map_at = 1;

	hostile_open(&h, &rig, false);
	token = session_of(&h, bytes);
	buf_init(&body, 4096);
	REC_SET(&doc, callfwd, expiration, 77);
	mp_encode(&rec_callfwd, &doc, &body, 0);
	ask_with(&q, token, RES_CALLFWD);
	REC_SET(&q, request, method, M_PUT);
	REC_SET(&q, request, body, buf_str(&body));
	REC_SET(&q, request, key, STR_LIT("4420"));
	REC_SET(&q, request, id, 9001);
	REC_SET(&q, request, deadline, 5000);
	buf_init(&frame, 8192);
	env_write(&frame, ENV_REQUEST, &q);
	/* Two more members: 120 = "4420", 121 = 2 (the other user's number). */
	ck_assert_int_eq(frame.p[map_at] & 0xf0, 0x80);
	frame.p[map_at] = (char)(frame.p[map_at] + 2);
	buf_add(&frame,
	    "\x78\xa4"
	    "4420"
	    "\x79\x02",
	    8);
	hostile_send(&h, buf_str(&frame));
	ck_assert(hostile_next(&h, &next, 5000));
	ck_assert_int_eq(env_read(next, ENV_REPLY, &r, &h.arena, &e), 0);
	ck_assert_int_eq(r.code, ERR_OK);
	with_password(&q, RES_CALLFWD, "4420", "secret99");
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_OK);
	ck_assert_int_eq(mp_decode(&rec_callfwd, &got, r.body, DECODE_ALL, &h.arena, &e), 0);
	ck_assert_int_eq(got.expiration, 20);
	ask_with(&q, token, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_OK);
	ck_assert_int_eq(mp_decode(&rec_callfwd, &got, r.body, DECODE_ALL, &h.arena, &e), 0);
	ck_assert_int_eq(got.expiration, 77);
	buf_free(&body);
	buf_free(&frame);
	hostile_close(&h);
}
END_TEST

START_TEST(credentials_and_capability_together_or_none_are_refused)
{
	struct hostile h;
	struct request q;
	char bytes[4096];
	struct str token;

	hostile_open(&h, &rig, false);
	token = session_of(&h, bytes);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	REC_SET(&q, request, cap, token);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_BAD_REQUEST);
	ask_with(&q, (struct str){NULL, 0}, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	ask_with(&q, (struct str){NULL, 0}, RES_READYZ);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	ask_with(&q, token, RES_LIVEZ);
	ck_assert_msg(
	    hostile_ask(&h, &q, NULL) == ERR_NOT_FOUND, "the gateway's own rows are no business here");
	ask_with(&q, token, RES_CALLFWD);
	REC_SET(&q, request, method, M_DELETE);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_METHOD);
	ask_with(&q, token, 60000);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_NOT_FOUND);
	hostile_close(&h);
}
END_TEST

/* What the gateway should have refused is refused all the same, and nothing is stored. */
START_TEST(documents_are_checked_again)
{
	struct hostile h;
	struct request q;
	struct reply before, after;
	struct str first;
	char bytes[4096];
	struct str token;
	struct ring rings[300];

	hostile_open(&h, &rig, false);
	token = session_of(&h, bytes);
	ask_with(&q, token, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, &before), ERR_OK);
	first =
	    (struct str){memcpy(malloc(before.body.n), before.body.p, before.body.n), before.body.n};
	for (int i = 0; i < 8; i++) {
		struct callfwd doc = {0};
		struct buf body;
		int want = ERR_INVALID;

		memset(rings, 0, sizeof(rings));
		for (size_t k = 0; k < 300; k++)
			REC_SET(&rings[k], ring, number, STR_LIT("1"));
		doc.rings.v = rings;
		doc.rings.n = i == 7 ? 300 : 1;
		doc.has |= REC_BIT(callfwd, rings);
		buf_init(&body, 1 << 20);
		if (i == 0)
			REC_SET(&doc, callfwd, expiration, 1000);
		else if (i == 1)
			REC_SET(&doc, callfwd, expiration, -1);
		else if (i == 2)
			REC_SET(&rings[0], ring, type, 77);
		else if (i == 3)
			REC_SET(&rings[0], ring, number, STR_LIT("\xff\xfe"));
		else if (i == 4)
			REC_SET(&rings[0], ring, number, STR_LIT("a b"));
		else if (i == 5)
			REC_SET(&rings[0], ring, expiration, -5);
		else if (i == 6)
			REC_SET(&rings[0], ring, schedule_id, 99999), want = ERR_UNPROCESSABLE;
		mp_encode(&rec_callfwd, &doc, &body, 0);
		ask_with(&q, token, RES_CALLFWD);
		REC_SET(&q, request, method, M_PUT);
		REC_SET(&q, request, body, buf_str(&body));
		ck_assert_msg(hostile_ask(&h, &q, NULL) == want, "document %d", i);
		buf_free(&body);
	}
	ask_with(&q, token, RES_CALLFWD);
	ck_assert_int_eq(hostile_ask(&h, &q, &after), ERR_OK);
	ck_assert(str_eq(first, after.body));
	free((char *)(uintptr_t)first.p);
	hostile_close(&h);
}
END_TEST

/* What a path says is the gateway's word alone: a text, a greeting, whose mailbox. */
START_TEST(paths_are_checked_again)
{
	static const struct {
		int res;
		const char *key, *key2;
		int want;
	} q[] = {
	    {RES_OPERATOR, "502", NULL, ERR_OK},
	    {RES_OPERATOR, NULL, NULL, ERR_OK},
	    {RES_OPERATOR, "\xff\xfe", NULL, -1}, /* no message at all: it is dropped */
	    {RES_ACTIVEGREETING, "4410", "none", ERR_OK},
	    {RES_ACTIVEGREETING, "4410", "NONE", ERR_INVALID},
	    {RES_ACTIVEGREETING, "4410", NULL, ERR_INVALID},
	    {RES_ACTIVEGREETING, "4420", "none", ERR_FORBIDDEN},
	    {RES_ACTIVEGREETING, NULL, "none", ERR_FORBIDDEN},
	    {RES_ACTIVEGREETING, NULL, NULL, ERR_FORBIDDEN},
	    {RES_VMPREFS, "4420", NULL, ERR_NO_ENTITY},
	    {RES_FAXPREFS, NULL, NULL, ERR_METHOD},
	    {RES_ATTENDANT_LANG, NULL, NULL, ERR_METHOD},
	    {RES_TIME, NULL, NULL, ERR_METHOD},
	};
	struct hostile h;
	char bytes[4096];
	struct str token;

	hostile_open(&h, &rig, false);
	token = session_of(&h, bytes);
	for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		struct request r;
		int code;

		ask_with(&r, token, q[i].res);
		REC_SET(&r, request, method, M_PUT);
		if (q[i].key != NULL)
			REC_SET(&r, request, key, str_c(q[i].key));
		if (q[i].key2 != NULL)
			REC_SET(&r, request, key2, str_c(q[i].key2));
		code = hostile_ask(&h, &r, NULL);
		ck_assert_msg(code == q[i].want, "%zu: %d", i, code);
	}
	hostile_close(&h);
}
END_TEST

/* Settings with values that the gateway should have refused. */
START_TEST(settings_are_checked_again)
{
	struct hostile h;
	char bytes[4096], text[300];
	struct str token;
	struct request q;
	struct reply before, after;
	struct str first;

	memset(text, 'a', sizeof(text));
	hostile_open(&h, &rig, false);
	token = session_of(&h, bytes);
	ask_with(&q, token, RES_ATTENDANT);
	ck_assert_int_eq(hostile_ask(&h, &q, &before), ERR_OK);
	first =
	    (struct str){memcpy(malloc(before.body.n), before.body.p, before.body.n), before.body.n};
	for (int i = 0; i < 5; i++) {
		struct vmprefs v = {0};
		struct attendant at = {0};
		struct buf body;

		buf_init(&body, 4096);
		if (i == 0)
			REC_SET(&v, vmprefs, greeting, 4);
		else if (i == 1)
			REC_SET(&v, vmprefs, email_attach_type, -1);
		else if (i == 2)
			REC_SET(&v, vmprefs, email, STR_LIT("\xff"));
		else if (i == 3)
			REC_SET(&at.menu, attendant_menu, key_1, ((struct str){text, sizeof(text)}));
		else
			REC_SET(&at, attendant, language, STR_LIT("\xc0\xaf"));
		if (i == 3)
			at.has |= REC_BIT(attendant, menu);
		mp_encode(i < 3 ? &rec_vmprefs : &rec_attendant,
		    i < 3 ? (const void *)&v : (const void *)&at, &body, 0);
		ask_with(&q, token, i < 3 ? RES_VMPREFS : RES_ATTENDANT);
		REC_SET(&q, request, method, M_PUT);
		REC_SET(&q, request, body, buf_str(&body));
		ck_assert_msg(hostile_ask(&h, &q, NULL) == ERR_INVALID, "document %d", i);
		buf_free(&body);
	}
	ask_with(&q, token, RES_ATTENDANT);
	ck_assert_int_eq(hostile_ask(&h, &q, &after), ERR_OK);
	ck_assert(str_eq(first, after.body));
	free((char *)(uintptr_t)first.p);
	hostile_close(&h);
}
END_TEST

START_TEST(a_stranger_is_asked_for_hello)
{
	struct hostile h;
	struct request q;
	struct buf out;
	struct str frame;

	hostile_open(&h, &rig, true);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	REC_SET(&q, request, id, 1);
	REC_SET(&q, request, deadline, 1000);
	REC_SET(&q, request, method, M_GET);
	buf_init(&out, 4096);
	env_write(&out, ENV_REQUEST, &q);
	hostile_send(&h, buf_str(&out));
	ck_assert(hostile_next(&h, &frame, 5000));
	ck_assert_int_eq(env_type(frame), ENV_UNKNOWN);
	buf_free(&out);
	hostile_close(&h);
}
END_TEST

/* The operator's commands do not exist on the gateways' socket. */
START_TEST(control_commands_are_not_taken_from_gateways)
{
	struct hostile h;
	struct ctl_request c = {0};
	struct buf out;
	struct str frame;

	hostile_open(&h, &rig, false);
	REC_SET(&c, ctl_request, id, 1);
	REC_SET(&c, ctl_request, command, ctl_command_DUMP);
	buf_init(&out, 4096);
	env_write(&out, ENV_CTL_REQUEST, &c);
	hostile_send(&h, buf_str(&out));
	ck_assert(!hostile_next(&h, &frame, 300));
	buf_free(&out);
	hostile_close(&h);
}
END_TEST

static long
rss_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmRSS: %ld", &kib);
	fclose(f);
	return kib;
}

/* Until it is for the frozen auth child to compare a password. Only root can see what waits in its
 * socket, which is its descriptor 3; what is seen is taken away, and the audit's seals come there
 * too. */
static void
await_password(pid_t child)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_getfd, pidfd, 3, 0), .events = POLLIN};
	struct auth_request r = {0};

	if (p.fd < 0)
		usleep(1000000);
	while (p.fd >= 0 && r.op != AUTH_OP_VERIFY) {
		ck_assert_int_eq(poll(&p, 1, 20000), 1);
		ck_assert_int_gt(recv(p.fd, &r, sizeof(r), 0), 0);
	}
	if (p.fd >= 0)
		close(p.fd);
	close(pidfd);
}

/* Right passwords are not called wrong because nobody could compare them. */
START_TEST(passwords_when_the_auth_child_ends)
{
	struct hostile h;
	struct request q;
	pid_t child = child_named(rig.backend, "tandem-auth");
	struct err e = {0};
	struct reply reply;
	struct str frame;
	struct buf out;
	int code = -1;

	hostile_open(&h, &rig, false);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	freeze(child);
	REC_SET(&q, request, id, 99999);
	REC_SET(&q, request, deadline, 8000);
	REC_SET(&q, request, method, M_GET);
	buf_init(&out, 8192);
	env_write(&out, ENV_REQUEST, &q);
	hostile_send(&h, buf_str(&out));
	buf_free(&out);
	await_password(child);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	while (code < 0 && hostile_next(&h, &frame, 20000))
		if (env_type(frame) == ENV_REPLY && env_read(frame, ENV_REPLY, &reply, &h.arena, &e) == 0 &&
		    reply.id == 99999)
			code = (int)reply.code;
	ck_assert_int_eq(code, ERR_UNAVAILABLE);
	hostile_close(&h);
	rig_await_end(&rig.backend, 10000);
}
END_TEST

/* Frames of all kinds of wrong: the backend stays up, stays small, and goes on serving. */
START_TEST(hostile_bytes_do_no_harm)
{
	static const char bombs[][8] = {
	    "\x02\xdd\x20\x00\x00\x00",
	    "\x02\xdf\xff\xff\xff\xff",
	    "\x02\xdb\xff\xff\xff\xff",
	    "\x02\xc6\xff\xff\xff\xff",
	    "\x01\xdd\xff\xff\xff\xff",
	    "\x04\xdf\x7f\xff\xff\xff",
	};
	struct hostile h;
	struct request q;
	struct buf good;
	pid_t pid = rig.backend;
	long before;
	unsigned seed = 12345;

	hostile_open(&h, &rig, false);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	before = rss_kib(pid);
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++)
		hostile_send(&h, (struct str){bombs[i], 6});
	buf_init(&good, 8192);
	REC_SET(&q, request, id, 1);
	env_write(&good, ENV_REQUEST, &q);
	for (int i = 0; i < 20000; i++) {
		char frame[1024];
		size_t n = good.n < sizeof(frame) ? good.n : sizeof(frame);

		memcpy(frame, good.p, n);
		seed = seed * 1103515245 + 12345;
		for (unsigned k = 0; k <= seed % 4; k++) {
			seed = seed * 1103515245 + 12345;
			frame[seed / 65536 % n] = (char)(seed >> 8);
		}
		if (seed % 5 == 0)
			n = seed / 65536 % n + 1;
		if (seed % 7 == 0)
			frame[0] = (char)(seed % 9);
		hostile_send(&h, (struct str){frame, n});
		/* Some are well-formed by chance and are answered. */
		for (struct str got; ipc_client_recv(h.c, &got) == 1;)
			;
	}
	hostile_close(&h);
	hostile_open(&h, &rig, false);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
#if !defined(__SANITIZE_ADDRESS__)
	ck_assert_msg(rss_kib(pid) < before + 32768, "grew from %ld to %ld KiB", before, rss_kib(pid));
#else
	(void)before;
#endif
	buf_free(&good);
	hostile_close(&h);
}
END_TEST

/* More connections than an unprepared process has descriptors: libzmq would abort there. */
START_TEST(many_connections_do_no_harm)
{
	enum { MANY = 1300 };
	struct rlimit limit;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct hostile h;
	struct request q;
	int fds[MANY], n = 0;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/gateway/backend.sock", rig.dir);
	for (long long until = ms_now() + 20000; n < MANY && ms_now() < until;) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		ck_assert_int_ge(fd, 0);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
			fds[n++] = fd;
		} else {
			/* The backlog is full for a moment, or the backend is gone. */
			close(fd);
			ck_assert_int_eq(waitpid(rig.backend, NULL, WNOHANG), 0);
		}
	}
	ck_assert_int_eq(n, MANY);
	hostile_open(&h, &rig, false);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	hostile_close(&h);
	while (n > 0)
		close(fds[--n]);
	ck_assert_int_eq(waitpid(rig.backend, NULL, WNOHANG), 0);
}
END_TEST

START_TEST(guessing_is_slowed_down)
{
	struct hostile h;
	struct request q;
	struct reply r;
	int code = 0, n;

	hostile_open(&h, &rig, false);
	with_password(&q, RES_CALLFWD, "4420", "secret99");
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	for (n = 0; n < 30 && code != ERR_TOO_MANY; n++) {
		with_password(&q, RES_CALLFWD, "4420", "wrong");
		code = hostile_ask(&h, &q, &r);
		ck_assert(code == ERR_UNAUTHORIZED || code == ERR_TOO_MANY);
	}
	ck_assert_int_eq(n, 11);
	ck_assert_int_gt(r.retry_after, 800);
	with_password(&q, RES_CALLFWD, "4420", "secret99");
	ck_assert_msg(hostile_ask(&h, &q, NULL) == ERR_OK, "who is known already is not shut out");
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	hostile_close(&h);
}
END_TEST

static void
setup_budget(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.extra = "write_rate = 1\n";
	rig_make(&rig);
	rig_backend(&rig);
	ck_assert_int_eq(rig_ctl(&rig, "secret99\n", NULL, 0, "user add 4410 --password-stdin"), 0);
}

START_TEST(one_user_cannot_have_everything)
{
	struct hostile h;
	struct request q;
	struct reply r;
	struct callfwd doc = {0};
	struct buf body;
	int code = ERR_OK, n;

	hostile_open(&h, &rig, false);
	buf_init(&body, 4096);
	REC_SET(&doc, callfwd, expiration, 77);
	mp_encode(&rec_callfwd, &doc, &body, 0);
	for (n = 0; n < 20 && code == ERR_OK; n++) {
		with_password(&q, RES_CALLFWD, "4410", "secret99");
		REC_SET(&q, request, method, M_PUT);
		REC_SET(&q, request, body, buf_str(&body));
		code = hostile_ask(&h, &q, &r);
	}
	ck_assert_int_eq(code, ERR_TOO_MANY);
	ck_assert_int_ge(r.retry_after, 1);
	with_password(&q, RES_CALLFWD, "4410", "secret99");
	ck_assert_msg(hostile_ask(&h, &q, NULL) == ERR_OK, "reads are counted by themselves");
	buf_free(&body);
	hostile_close(&h);
}
END_TEST

/* The privileged process never parses what a stranger typed. */
START_TEST(the_backend_has_no_text_parser)
{
	char cmd[512];
	const char *dir = getenv("TANDEM_BUILD");

	snprintf(cmd, sizeof(cmd),
	    "{ nm %s/tandem-backend; nm -D %s/tandem-backend; ldd %s/tandem-backend; } | "
	    "grep -iE ' (json_|xml)|jansson|libxml2'",
	    dir != NULL ? dir : "build", dir != NULL ? dir : "build", dir != NULL ? dir : "build");
	ck_assert_msg(system(cmd) != 0, "the backend links a text parser");
	snprintf(cmd, sizeof(cmd), "nm %s/tandem-gateway | grep -q ' json_read'",
	    dir != NULL ? dir : "build");
	ck_assert_msg(system(cmd) == 0, "the search itself does not work");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("security");
	TCase *tc = tcase_create("hostile gateway");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, capability_altered_anywhere_is_refused);
	tcase_add_test(tc, capability_forged_with_another_key_is_refused);
	tcase_add_test(tc, capability_beyond_its_limits_is_refused);
	tcase_add_test(tc, capability_revoked_or_of_a_changed_user_is_refused);
	tcase_add_test(tc, a_message_cannot_name_its_user);
	tcase_add_test(tc, credentials_and_capability_together_or_none_are_refused);
	tcase_add_test(tc, documents_are_checked_again);
	tcase_add_test(tc, paths_are_checked_again);
	tcase_add_test(tc, settings_are_checked_again);
	tcase_add_test(tc, a_stranger_is_asked_for_hello);
	tcase_add_test(tc, control_commands_are_not_taken_from_gateways);
	tcase_add_test(tc, passwords_when_the_auth_child_ends);
	tcase_add_test(tc, hostile_bytes_do_no_harm);
	tcase_add_test(tc, many_connections_do_no_harm);
	tcase_add_test(tc, guessing_is_slowed_down);
	tcase_add_test(tc, the_backend_has_no_text_parser);
	suite_add_tcase(s, tc);
	tc = tcase_create("budget");
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup_budget, teardown);
	tcase_add_test(tc, one_user_cannot_have_everything);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
