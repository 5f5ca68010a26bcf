/* SPDX-License-Identifier: ISC */
#include "common/clock.h"
#include "tests/path_rig.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/cap.h"
#include "backend/job.h"

static unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];

void
path_must(int rc, const char *what, const struct err *e)
{
	if (rc != 0) {
		fprintf(stderr, "%s: %s\n", what, err_text(e));
		exit(1);
	}
}

void
path_start(struct backend *be, const char *dir)
{
	struct store_conf sc = {.dir = dir, .engine = "bdb", .cache_bytes = 16 << 20};
	struct err e = {0};

	if (sodium_init() < 0)
		exit(1);
	crypto_sign_keypair(public_key, secret_key);
	path_must(store_open(&be->store, &sc, &e), "store", &e);
	be->settings = settings_now_new();
	be->rates = rates_new((const int64_t[RATE_CLASSES]){0});
	be->known.public_key = public_key;
	be->known.tokens = memo_new(64);
	be->known.passwords = memo_new(64);
	path_must(writer_start(&be->writer, be->store, 64, 64, &e), "writer", &e);
	path_must(pool_start(&be->pool, 1, 64, &e), "pool", &e);
}

void
path_stop(struct backend *be)
{
	writer_stop(be->writer);
	pool_stop(be->pool);
	store_close(be->store);
	settings_now_free(be->settings);
	rates_free(be->rates);
	memo_free(be->known.tokens);
	memo_free(be->known.passwords);
}

void
path_write(struct backend *be, path_fn *f, void *arg)
{
	struct store_txn *t;
	struct arena a;
	struct err e = {0};
	struct model m = {.a = &a, .e = &e, .tenant = TENANT_DEFAULT, .settings = be->settings};

	arena_init(&a, 1 << 20);
	path_must(store_begin(be->store, STORE_WRITE, &t, &e), "begin", &e);
	m.t = t;
	path_must(f(&m, arg), "write", &e);
	path_must(store_commit(t, &e), "commit", &e);
	arena_free(&a);
}

struct new_user {
	uint32_t id;
	const char *name;
};

static int
put_user(struct model *m, void *arg)
{
	const struct new_user *n = arg;
	struct user u = {0};

	REC_SET(&u, user, user_name, str_c(n->name));
	rec_defaults(&rec_user, &u);
	return model_user_put(m, n->id, NULL, &u);
}

void
path_add_user(struct backend *be, uint32_t id, const char *name)
{
	struct new_user n = {id, name};

	path_write(be, put_user, &n);
}

void
path_token(uint32_t user, struct buf *token)
{
	struct cap c = {0};
	struct str domain = AUTH_SIGN_DOMAIN;
	unsigned char sig[crypto_sign_BYTES];
	struct buf signed_bytes;

	REC_SET(&c, cap, tenant, TENANT_DEFAULT);
	REC_SET(&c, cap, user, user);
	REC_SET(&c, cap, scopes, SCOPE_SELF);
	REC_SET(&c, cap, token, 4711);
	REC_SET(&c, cap, issued, clock_wall_ms());
	REC_SET(&c, cap, expires, clock_wall_ms() + 3600000);
	REC_SET(&c, cap, key, cap_key_id(public_key));
	buf_init(token, 4096);
	cap_write(&c, token);
	buf_init(&signed_bytes, 4096);
	buf_addstr(&signed_bytes, domain);
	buf_addstr(&signed_bytes, buf_str(token));
	crypto_sign_detached(
	    sig, NULL, (const unsigned char *)signed_bytes.p, signed_bytes.n, secret_key);
	buf_add(token, sig, sizeof(sig));
	buf_free(&signed_bytes);
}

struct job *
path_run(struct backend *be, const struct res *res, struct str frame)
{
	struct snapshot snapshot = {.t = NULL};
	struct job *j = job_new(be);
	struct str copy = arena_copy(&j->arena, frame);

	path_must(env_read(copy, ENV_REQUEST, &j->req, &j->arena, &j->err), "request", &j->err);
	j->res = res;
	j->overdue_us = clock_us() + 5000000;
	if (!job_run(j, &snapshot)) {
		struct pollfd p = {.fd = pool_fd(be->pool), .events = POLLIN};

		while (poll(&p, 1, 5000) == 1 && (j = pool_take(be->pool)) == NULL)
			;
	}
	snapshot_end(&snapshot);
	return j;
}
