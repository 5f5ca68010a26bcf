/* SPDX-License-Identifier: ISC */
#include "backend/key.h"

#include <string.h>

#include "backend/store.h"

_Static_assert((int)KEY_MAX == (int)STORE_KEY_MAX, "every key can be stored");

void
key_number(char *to, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (char)(unsigned char)(v >> (8 * (bytes - 1 - i)));
}

static void
put(struct key *k, uint64_t v, size_t bytes)
{
	key_number(k->bytes + k->n, v, bytes);
	k->n += bytes;
}

static uint64_t
get(const char *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

void
key_tenant(struct key *k, uint32_t tenant)
{
	k->n = 0;
	put(k, tenant, 4);
}

void
key_kind(struct key *k, uint32_t tenant, uint32_t owner, uint16_t kind)
{
	k->n = 0;
	put(k, tenant, 4);
	put(k, owner, 4);
	put(k, kind, 2);
}

void
key_id(struct key *k, uint32_t tenant, uint32_t owner, uint16_t kind, uint64_t id)
{
	key_kind(k, tenant, owner, kind);
	put(k, id, 8);
}

void
key_text(struct key *k, uint32_t tenant, uint32_t owner, uint16_t kind, struct str text)
{
	key_kind(k, tenant, owner, kind);
	if (text.n > KEY_MAX - k->n)
		text.n = KEY_MAX - k->n;
	if (text.n > 0)
		memcpy(k->bytes + k->n, text.p, text.n);
	k->n += text.n;
}

struct str
key_str(const struct key *k)
{
	return (struct str){k->bytes, k->n};
}

bool
key_split(struct str key, uint32_t *tenant, uint32_t *owner, uint16_t *kind, struct str *rest)
{
	if (key.n < KEY_HEAD)
		return false;
	*tenant = (uint32_t)get(key.p, 4);
	*owner = (uint32_t)get(key.p + 4, 4);
	*kind = (uint16_t)get(key.p + 8, 2);
	*rest = (struct str){key.p + KEY_HEAD, key.n - KEY_HEAD};
	return true;
}

uint64_t
key_rest_id(struct str rest)
{
	return rest.n >= 8 ? get(rest.p, 8) : 0;
}
