/* SPDX-License-Identifier: ISC */
/* Seals over the audit log, in the store: the last one of each hour. */
#include <string.h>

#include "backend/audit.h"
#include "backend/key.h"

enum { SEAL_BYTES = 16 + AUDIT_HASH + AUDIT_SIGNATURE, HOUR_MS = 60 * 60 * 1000 };

int
audit_seal_put(struct model *m, const struct audit_seal *s)
{
	unsigned char bytes[SEAL_BYTES];
	struct key k;

	audit_seal_text(s, bytes);
	memcpy(bytes + AUDIT_SEAL_TEXT, s->signature, AUDIT_SIGNATURE);
	key_id(&k, m->tenant, OWNER_SYSTEM, META_AUDIT_SEAL, (uint64_t)(s->time / HOUR_MS));
	return store_put(
	    m->t, STORE_META, key_str(&k), (struct str){(char *)bytes, sizeof(bytes)}, m->e);
}

struct seals {
	audit_seal_fn *seal;
	void *arg;
};

static int
each_seal(void *arg, struct str key, struct str val)
{
	struct seals *s = arg;
	struct audit_seal seal;

	(void)key;
	if (val.n != SEAL_BYTES)
		return 0;
	seal.number = key_rest_id(val);
	seal.time = (int64_t)key_rest_id((struct str){val.p + 8, 8});
	memcpy(seal.hash, val.p + 16, AUDIT_HASH);
	memcpy(seal.signature, val.p + AUDIT_SEAL_TEXT, AUDIT_SIGNATURE);
	return s->seal(s->arg, &seal);
}

int
audit_seals(struct model *m, audit_seal_fn *seal, void *arg)
{
	struct seals s = {seal, arg};
	struct key prefix;

	key_kind(&prefix, m->tenant, OWNER_SYSTEM, META_AUDIT_SEAL);
	return store_scan(m->t, STORE_META, key_str(&prefix), (struct str){"", 0}, each_seal, &s, m->e);
}

struct row_hash {
	uint64_t id;
	unsigned char hash[AUDIT_HASH];
};

static int
note_hash(void *arg, uint64_t id, struct str stored)
{
	struct row_hash *r = arg;

	r->id = id;
	memcpy(r->hash, stored.p, AUDIT_HASH);
	return 1;
}

int
audit_goes_on(struct model *m, const struct audit_head *h, const struct audit_seal *s)
{
	struct row_hash row = {.id = 0};

	if (s->number > h->newest)
		return 0;
	/* Before all rows: of the last one that has gone the hash is kept. */
	if (s->number < h->oldest)
		return s->number + 1 < h->oldest || s->number == 0 ||
		    memcmp(s->hash, h->before, AUDIT_HASH) == 0;
	if (audit_rows(m, s->number - 1, note_hash, &row) != 0)
		return -1;
	return row.id == s->number && memcmp(s->hash, row.hash, AUDIT_HASH) == 0;
}
