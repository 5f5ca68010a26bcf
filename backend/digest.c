/* SPDX-License-Identifier: ISC */
#include "backend/digest.h"

#include <sodium.h>
#include <string.h>

#include "backend/key.h"
#include "backend/model.h"
#include "common/release.h"

_Static_assert(DIGEST_KEY == crypto_generichash_KEYBYTES, "key of the hash");
_Static_assert(DIGEST_KEY >= crypto_shorthash_siphashx24_KEYBYTES, "key of the short hash");
_Static_assert(DIGEST_ETAG == crypto_shorthash_siphashx24_BYTES, "length of the short hash");

static int
stored_key(struct store_txn *t, uint32_t tenant, unsigned char key[DIGEST_KEY], struct err *e)
{
	struct arena a;
	struct key k;
	struct str v = {"", 0};
	int rc;

	arena_init(&a, 65536);
	key_kind(&k, tenant, OWNER_SYSTEM, META_DIGEST_KEY);
	rc = store_get(t, STORE_META, key_str(&k), &a, &v, e);
	if (rc == 1 && v.n == DIGEST_KEY) {
		memcpy(key, v.p, DIGEST_KEY);
	} else if (rc >= 0) {
		randombytes_buf(key, DIGEST_KEY);
		rc = store_put(t, STORE_META, key_str(&k), (struct str){(char *)key, DIGEST_KEY}, e);
	}
	arena_wipe(&a);
	return rc < 0 ? -1 : 0;
}

static void
derive(unsigned char ret[DIGEST_KEY], const unsigned char key[DIGEST_KEY], const char *what)
{
	crypto_generichash(ret, DIGEST_KEY, (const unsigned char *)what, strlen(what), key, DIGEST_KEY);
}

int
digest_open(struct digest_keys *k, struct store *s, uint32_t tenant, struct err *e)
{
	unsigned char key[DIGEST_KEY];
	struct store_txn *t;
	int rc;

	if (store_begin(s, STORE_WRITE, &t, e) != 0)
		return -1;
	rc = stored_key(t, tenant, key, e);
	if (rc == 0)
		rc = store_commit(t, e);
	else
		store_abort(t);
	derive(k->answers, key, "tandem answers " TANDEM_RELEASE);
	derive(k->writes, key, "tandem writes");
	derive(k->records, key, "tandem records");
	sodium_memzero(key, sizeof(key));
	return rc;
}

void
digest_answer(const struct digest_keys *k, const struct res *r, struct str body,
    unsigned char ret[DIGEST_ETAG])
{
	crypto_shorthash_siphashx24(ret, (const unsigned char *)body.p, body.n, k->answers);
	/* Equal documents of two resources shall not have the same ETag. */
	ret[0] ^= (unsigned char)((unsigned)r->number & 255);
	ret[1] ^= (unsigned char)((unsigned)r->number >> 8);
}

static void
add_number(crypto_generichash_state *st, int64_t v)
{
	crypto_generichash_update(st, (const unsigned char *)&v, sizeof(v));
}

/* The length first, so that no two lists of texts have the same bytes. */
static void
add_text(crypto_generichash_state *st, struct str s)
{
	add_number(st, (int64_t)s.n);
	if (s.n > 0)
		crypto_generichash_update(st, (const unsigned char *)s.p, s.n);
}

void
digest_write(const struct digest_keys *k, uint32_t user, const struct request *q,
    unsigned char ret[DIGEST_WRITE])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, k->writes, DIGEST_KEY, DIGEST_WRITE);
	add_number(&st, user);
	add_number(&st, q->res);
	add_number(&st, q->method);
	add_text(&st, q->idempotency_key);
	add_text(&st, q->key);
	add_text(&st, q->key2);
	add_number(&st, (int64_t)q->query.n);
	for (size_t i = 0; i < q->query.n; i++) {
		add_text(&st, q->query.v[i].name);
		add_text(&st, q->query.v[i].value);
	}
	add_text(&st, q->body);
	crypto_generichash_final(&st, ret, DIGEST_WRITE);
	sodium_memzero(&st, sizeof(st));
}

void
digest_record(const struct digest_keys *k, uint32_t owner, uint16_t kind, uint64_t item,
    struct str stored, unsigned char ret[DIGEST_RECORD])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, k->records, DIGEST_KEY, DIGEST_RECORD);
	add_number(&st, owner);
	add_number(&st, kind);
	add_number(&st, (int64_t)item);
	add_text(&st, stored);
	crypto_generichash_final(&st, ret, DIGEST_RECORD);
}

void
digest_more(const struct digest_keys *k, unsigned char all[DIGEST_RECORD],
    const unsigned char more[DIGEST_RECORD])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, k->records, DIGEST_KEY, DIGEST_RECORD);
	crypto_generichash_update(&st, all, DIGEST_RECORD);
	crypto_generichash_update(&st, more, DIGEST_RECORD);
	crypto_generichash_final(&st, all, DIGEST_RECORD);
}

uint64_t
digest_name(const struct digest_keys *k, uint32_t user, struct str name)
{
	crypto_generichash_state st;
	unsigned char bytes[DIGEST_ETAG];
	uint64_t v;

	crypto_generichash_init(&st, k->writes, DIGEST_KEY, sizeof(bytes));
	add_number(&st, user);
	add_text(&st, name);
	crypto_generichash_final(&st, bytes, sizeof(bytes));
	memcpy(&v, bytes, sizeof(v));
	return (v & INT64_MAX) | 1;
}
