/* SPDX-License-Identifier: ISC */
/*
 * Everything that one request costs in our own code, without sockets: the
 * gateway's reading and writing of documents and messages, the backend's
 * proof of who asks, and the handler on a real store. For counting
 * instructions: run it under callgrind with two counts and take the difference.
 *   bench_path get-json|get-xml|put-json|put-xml COUNT DIR
 */
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/key.h"
#include "common/mp.h"
#include "common/sink.h"
#include "common/text.h"
#include "common/tree.h"

static const char put_json[] = "{\"expiration\":20,\"rings\":[{\"expiration\":30,\"type\":\"If no "
                               "response\",\"enabled\":true,\"number\":\"5551212\"}]}";
static const char put_xml[] =
    "<callsequence><rings><ring><expiration>30</expiration><type>If no response</type>"
    "<enabled>true</enabled><number>5551212</number></ring></rings><expiration>20</expiration>"
    "</callsequence>";

static unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];

static void
must(int rc, const char *what, const struct err *e)
{
	if (rc != 0) {
		fprintf(stderr, "bench_path: %s: %s\n", what, err_text(e));
		exit(1);
	}
}

static void
make_token(struct buf *token)
{
	struct cap c = {0};
	struct str domain = AUTH_SIGN_DOMAIN;
	unsigned char sig[crypto_sign_BYTES];
	struct buf signed_bytes;

	REC_SET(&c, cap, tenant, TENANT_DEFAULT);
	REC_SET(&c, cap, user, 1);
	REC_SET(&c, cap, scopes, SCOPE_SELF);
	REC_SET(&c, cap, token, 4711);
	REC_SET(&c, cap, issued, wall_ms());
	REC_SET(&c, cap, expires, wall_ms() + 3600000);
	REC_SET(&c, cap, key, cap_key_id(public_key));
	cap_write(&c, token);
	buf_init(&signed_bytes, 4096);
	buf_addstr(&signed_bytes, domain);
	buf_addstr(&signed_bytes, buf_str(token));
	crypto_sign_detached(
	    sig, NULL, (const unsigned char *)signed_bytes.p, signed_bytes.n, secret_key);
	buf_add(token, sig, sizeof(sig));
	buf_free(&signed_bytes);
}

static void
add_user(struct backend *be)
{
	struct store_txn *t;
	struct arena a;
	struct err e = {0};
	struct user u = {0};
	struct model m = {.a = &a, .e = &e, .tenant = TENANT_DEFAULT, .settings = be->settings};

	arena_init(&a, 1 << 20);
	must(store_begin(be->store, STORE_WRITE, &t, &e), "begin", &e);
	m.t = t;
	REC_SET(&u, user, user_name, STR_LIT("4410"));
	rec_defaults(&rec_user, &u);
	must(model_user_put(&m, 1, NULL, &u), "user", &e);
	must(store_commit(t, &e), "commit", &e);
	arena_free(&a);
}

/* What the gateway does before it sends. */
static void
make_request(const struct res *res, enum format fmt, bool put, struct str token, struct buf *frame)
{
	struct arena a;
	struct err e = {0};
	struct request q = {0};
	struct callfwd doc;
	struct buf body;
	struct res_keys keys;
	struct str text = fmt == FMT_JSON ? str_c(put_json) : str_c(put_xml);

	arena_init(&a, 8 << 20);
	buf_init(&body, 1 << 20);
	if (res_match(STR_LIT("/sipxconfig/rest/my/callfwd"), &keys, &a, &e) != res)
		must(-1, "match", &e);
	if (put) {
		must(text_read(res, fmt, text, &doc, &a, &e), "read", &e);
		must(rec_validate(res->record, &doc, true, &e), "validate", &e);
		mp_encode(res->record, &doc, &body, ENCODE_SECRETS);
		REC_SET(&q, request, body, buf_str(&body));
	}
	REC_SET(&q, request, id, 1);
	REC_SET(&q, request, deadline, 5000);
	REC_SET(&q, request, res, res->number);
	REC_SET(&q, request, method, put ? M_PUT : M_GET);
	REC_SET(&q, request, cap, token);
	REC_SET(&q, request, trace, STR_LIT("0123456789abcdef"));
	env_write(frame, ENV_REQUEST, &q);
	buf_free(&body);
	arena_wipe(&a);
}

/* What the gateway does with the answer. */
static void
write_answer(const struct res *res, enum format fmt, struct str frame)
{
	struct arena a;
	struct err e = {0};
	struct reply r;
	struct callfwd doc;
	struct buf out;

	arena_init(&a, 8 << 20);
	buf_init(&out, 1 << 20);
	must(env_read(frame, ENV_REPLY, &r, &a, &e), "reply", &e);
	must(mp_decode(res->record, &doc, r.body, DECODE_ALL, &a, &e), "document", &e);
	text_write(res, fmt, &doc, &out);
	buf_free(&out);
	arena_wipe(&a);
}

static void
one(struct backend *be, const struct res *res, enum format fmt, bool put, struct str token)
{
	struct buf frame, answer;
	struct job *j = job_new(be);
	struct snapshot snapshot = {.t = NULL};
	struct reply r = {0};
	struct str copy;

	buf_init(&frame, IPC_MESSAGE_MAX);
	buf_init(&answer, IPC_MESSAGE_MAX);
	make_request(res, fmt, put, token, &frame);
	copy = arena_copy(&j->arena, buf_str(&frame));
	must(env_read(copy, ENV_REQUEST, &j->req, &j->arena, &j->err), "request", &j->err);
	j->res = res;
	j->overdue_us = now_us() + 5000000;
	if (!job_run(j, &snapshot)) {
		struct pollfd p = {.fd = pool_fd(be->pool), .events = POLLIN};

		while (poll(&p, 1, 5000) == 1 && (j = pool_take(be->pool)) == NULL)
			;
	}
	snapshot_end(&snapshot);
	must(j->err.code == ERR_OK ? 0 : -1, "job", &j->err);
	REC_SET(&r, reply, id, 1);
	REC_SET(&r, reply, code, 0);
	if (j->body.n > 0)
		REC_SET(&r, reply, body, buf_str(&j->body));
	if (j->tagged)
		REC_SET(&r, reply, etag, ((struct str){(char *)j->tag, sizeof(j->tag)}));
	env_write(&answer, ENV_REPLY, &r);
	if (!put)
		write_answer(res, fmt, buf_str(&answer));
	job_free(j);
	buf_free(&frame);
	buf_free(&answer);
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	static struct backend be = {.conf = &conf};
	const struct res *res = res_by_number(RES_CALLFWD);
	struct store_conf sc = {.engine = "bdb", .cache_bytes = 16 << 20};
	struct err e = {0};
	struct buf token;
	bool put;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_path get-json|get-xml|put-json|put-xml COUNT DIR\n");
		return 2;
	}
	put = strncmp(argv[1], "put", 3) == 0;
	sc.dir = argv[3];
	text_init();
	if (sodium_init() < 0)
		return 1;
	crypto_sign_keypair(public_key, secret_key);
	must(store_open(&be.store, &sc, &e), "store", &e);
	be.settings = settings_now_new();
	be.rates = rates_new((const int64_t[RATE_CLASSES]){0});
	be.known.public_key = public_key;
	be.known.tokens = memo_new(64);
	be.known.passwords = memo_new(64);
	must(writer_start(&be.writer, be.store, 64, 64, &e), "writer", &e);
	must(pool_start(&be.pool, 1, 64, &e), "pool", &e);
	add_user(&be);
	buf_init(&token, 4096);
	make_token(&token);
	for (long i = strtol(argv[2], NULL, 10); i > 0; i--)
		one(&be, res, strstr(argv[1], "json") != NULL ? FMT_JSON : FMT_XML, put, buf_str(&token));
	writer_stop(be.writer);
	pool_stop(be.pool);
	store_close(be.store);
	settings_now_free(be.settings);
	rates_free(be.rates);
	memo_free(be.known.tokens);
	memo_free(be.known.passwords);
	buf_free(&token);
	return 0;
}
