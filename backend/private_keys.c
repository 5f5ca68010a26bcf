/* SPDX-License-Identifier: ISC */
#include "backend/private_keys.h"

#include <sodium.h>
#include <string.h>

#include "backend/user_events.h"

enum { DIGEST_LEN = 32, DIGEST_HEX = 2 * DIGEST_LEN };

static void
digest(struct str key, char ret[DIGEST_HEX + 1])
{
	unsigned char bytes[DIGEST_LEN];

	crypto_generichash(bytes, sizeof(bytes), (const unsigned char *)key.p, key.n, NULL, 0);
	sodium_bin2hex(ret, DIGEST_HEX + 1, bytes, sizeof(bytes));
}

struct gathering {
	struct model *m;
	struct private_keys *list;
	struct str stored[PRIVATE_KEYS_MAX];
	bool failed;
};

static int
gather(void *arg, uint64_t id, struct str stored)
{
	struct gathering *g = arg;

	if (g->list->n == PRIVATE_KEYS_MAX)
		return 1;
	g->list->id[g->list->n] = id;
	g->stored[g->list->n] = arena_copy(g->m->a, stored);
	g->failed = g->stored[g->list->n++].p == NULL;
	return g->failed;
}

int
private_keys_of(struct model *m, uint32_t user, struct private_keys *ret)
{
	struct gathering g = {.m = m, .list = ret};

	ret->n = 0;
	if (model_each(m, &rec_private_key, user, gather, &g) != 0)
		return -1;
	if (g.failed)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < ret->n; i++) {
		if (model_decode(m, &rec_private_key, g.stored[i], &ret->key[i]) != 0)
			return -1;
		rec_defaults(&rec_private_key, &ret->key[i]);
	}
	return 0;
}

int
private_key_user(
    struct model *m, struct str key, enum method method, int64_t now_ms, uint32_t *user)
{
	struct private_keys list;
	char hex[DIGEST_HEX + 1];
	int rc;

	if (!res_is_private_key(key))
		return 0;
	digest(key, hex);
	rc = model_name(m, INDEX_PRIVATE_KEY, str_c(hex), user);
	if (rc != 1)
		return rc;
	if (private_keys_of(m, *user, &list) != 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct private_key *k = &list.key[i];

		if (str_eq_secret(k->hash, str_c(hex)))
			return (!REC_HAS(k, private_key, expires) || now_ms < k->expires) &&
			    (!k->read_only || method == M_GET);
	}
	return 0;
}

int
private_key_put(struct model *m, uint32_t user, uint64_t id, const struct private_key *k)
{
	struct private_keys list;
	uint32_t other;
	int rc = model_item_owner(m, &rec_private_key, id, &other);

	if (rc < 0 || private_keys_of(m, user, &list) != 0)
		return -1;
	if (rc == 1 && other != user)
		return err_set(m->e, ERR_CONFLICT, "the number is in use by another owner");
	if (rc == 1 && private_key_revoke(m, id) < 0)
		return -1;
	if (rc == 0 && list.n == PRIVATE_KEYS_MAX)
		return err_set(m->e, ERR_CONFLICT, "there are %d keys already", PRIVATE_KEYS_MAX);
	rc = model_name(m, INDEX_PRIVATE_KEY, k->hash, &other);
	if (rc != 0)
		return rc < 0 ? -1 : err_set(m->e, ERR_CONFLICT, "there is such a key already");
	return model_number_used(m, rec_private_key.store, id) != 0 ||
	        model_item_index(m, &rec_private_key, id, user) != 0 ||
	        model_name_set(m, INDEX_PRIVATE_KEY, k->hash, user) != 0
	    ? -1
	    : model_put(m, &rec_private_key, user, id, k);
}

int
private_key_make(struct model *m, uint32_t user, struct private_key *made, uint64_t *id,
    char key[PRIVATE_KEY_LEN + 1])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	char hex[DIGEST_HEX + 1];

	for (size_t i = 0; i < PRIVATE_KEY_LEN; i++)
		key[i] = letters[randombytes_uniform(sizeof(letters) - 1)];
	key[PRIVATE_KEY_LEN] = '\0';
	digest(str_c(key), hex);
	REC_SET(made, private_key, hash, arena_copy(m->a, str_c(hex)));
	*id = model_next_number(m, rec_private_key.store);
	return made->hash.p == NULL || *id == 0 ? -1 : private_key_put(m, user, *id, made);
}

int
private_key_revoke(struct model *m, uint64_t id)
{
	struct private_key k;
	uint32_t user;
	int rc = model_item_owner(m, &rec_private_key, id, &user);

	if (rc == 1)
		rc = model_get(m, &rec_private_key, user, id, &k);
	if (rc != 1)
		return rc;
	user_event_touch(user);
	return model_name_del(m, INDEX_PRIVATE_KEY, k.hash) != 0 ||
	        model_item_unindex(m, &rec_private_key, id) != 0 ||
	        model_del(m, &rec_private_key, user, id) < 0
	    ? -1
	    : 1;
}

int
private_keys_forget(struct model *m, uint32_t user)
{
	struct private_keys list;

	if (private_keys_of(m, user, &list) != 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		if (private_key_revoke(m, list.id[i]) < 0)
			return -1;
	return 0;
}
