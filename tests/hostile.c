/* SPDX-License-Identifier: ISC */
#include "common/clock.h"
#include "tests/hostile.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "backend/auth.h"
#include "backend/job.h"
#include "common/res.h"

/* For a machine that has other things to do. */
enum { PATIENCE_MS = 20000 };

static void
wait_up(struct hostile *h)
{
	for (long long until = ms_now() + PATIENCE_MS; ms_now() < until;) {
		enum ipc_event ev = ipc_client_event(h->c);

		if (ev == IPC_UP)
			return;
		if (ev == IPC_NOTHING)
			ipc_client_wait(h->c, 50);
	}
	ck_abort_msg("the backend's socket does not connect");
}

void
hostile_open(struct hostile *h, struct rig *r, bool mute)
{
	char endpoint[128];
	struct ipc_client_conf conf = {.endpoint = endpoint, .queue = 10000, .reconnect_ms = 20};
	struct err e = {0};
	unsigned char tables[8];
	struct hello hello;
	struct buf out;
	struct str frame;

	memset(h, 0, sizeof(*h));
	arena_init(&h->arena, 16 << 20);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/gateway/backend.sock", r->dir);
	ck_assert_msg(ipc_client_new(&h->c, &conf, &e) == 0, "%s", err_text(&e));
	wait_up(h);
	if (mute)
		return;
	env_hello(&hello, tables, "hostile");
	buf_init(&out, 4096);
	env_write(&out, ENV_HELLO, &hello);
	hostile_send(h, buf_str(&out));
	buf_free(&out);
	ck_assert(hostile_next(h, &frame, PATIENCE_MS));
	ck_assert_int_eq(env_type(frame), ENV_HELLO);
}

void
hostile_close(struct hostile *h)
{
	ipc_client_free(h->c);
	arena_free(&h->arena);
}

void
hostile_send(struct hostile *h, struct str frame)
{
	for (long long until = ms_now() + 5000; ipc_client_send(h->c, frame, NULL) != 0;) {
		ck_assert_msg(ms_now() < until, "a frame cannot be sent");
		while (ipc_client_event(h->c) != IPC_NOTHING)
			;
		ipc_client_wait(h->c, 5);
	}
}

bool
hostile_next(struct hostile *h, struct str *frame, int ms)
{
	for (long long until = ms_now() + ms; ms_now() <= until;) {
		if (ipc_client_recv(h->c, frame) == 1)
			return true;
		while (ipc_client_event(h->c) != IPC_NOTHING)
			;
		ipc_client_wait(h->c, 20);
	}
	return false;
}

int
hostile_ask(struct hostile *h, struct request *q, struct reply *reply)
{
	struct reply own, *r = reply != NULL ? reply : &own;
	struct err e = {0};
	struct str frame;
	struct buf out;

	REC_SET(q, request, id, ++h->next_id);
	if (!REC_HAS(q, request, deadline))
		REC_SET(q, request, deadline, 5000);
	if (!REC_HAS(q, request, method))
		REC_SET(q, request, method, M_GET);
	buf_init(&out, IPC_MESSAGE_MAX);
	env_write(&out, ENV_REQUEST, q);
	hostile_send(h, buf_str(&out));
	buf_free(&out);
	arena_free(&h->arena);
	while (hostile_next(h, &frame, PATIENCE_MS)) {
		frame = arena_copy(&h->arena, frame);
		if (env_type(frame) == ENV_REPLY && env_read(frame, ENV_REPLY, r, &h->arena, &e) == 0 &&
		    r->id == h->next_id)
			return (int)r->code;
	}
	return -1;
}

static void
keys_of(struct rig *r, unsigned char public_key[32], unsigned char secret[64])
{
	char path[128];
	struct auth_keys keys;
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/auth/keys", r->dir);
	ck_assert_int_ge(sodium_init(), 0);
	ck_assert_msg(auth_keys_load(path, &keys, &e) == 0, "%s", err_text(&e));
	crypto_sign_seed_keypair(public_key, secret, keys.signing);
}

void
hostile_capability(struct rig *r, const struct cap *c, struct buf *token)
{
	unsigned char public_key[32], secret[64], sig[64];
	struct str domain = AUTH_SIGN_DOMAIN;
	struct buf text;

	keys_of(r, public_key, secret);
	buf_init(token, 4096);
	cap_write(c, token);
	buf_init(&text, 4096);
	buf_addstr(&text, domain);
	buf_addstr(&text, buf_str(token));
	crypto_sign_detached(sig, NULL, (const unsigned char *)text.p, text.n, secret);
	buf_add(token, sig, sizeof(sig));
	buf_free(&text);
}

struct cap
hostile_good_cap(struct rig *r, int64_t user)
{
	unsigned char public_key[32], secret[64];
	struct cap c = {0};

	keys_of(r, public_key, secret);
	REC_SET(&c, cap, tenant, 1);
	REC_SET(&c, cap, user, user);
	REC_SET(&c, cap, scopes, 1);
	REC_SET(&c, cap, token, 4711);
	REC_SET(&c, cap, issued, clock_wall_ms());
	REC_SET(&c, cap, expires, clock_wall_ms() + 600000);
	REC_SET(&c, cap, key, cap_key_id(public_key));
	return c;
}
