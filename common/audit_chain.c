/* SPDX-License-Identifier: ISC */
#include "common/audit_chain.h"

#include <sodium.h>
#include <string.h>

_Static_assert(AUDIT_HASH == crypto_generichash_BYTES, "length of the hash");
_Static_assert(AUDIT_SIGNATURE == crypto_sign_BYTES, "length of the signature");

void
audit_chain(unsigned char hash[AUDIT_HASH], struct str row)
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, AUDIT_HASH);
	crypto_generichash_update(&st, hash, AUDIT_HASH);
	crypto_generichash_update(&st, (const unsigned char *)row.p, row.n);
	crypto_generichash_final(&st, hash, AUDIT_HASH);
}

void
audit_seal_text(const struct audit_seal *s, unsigned char ret[AUDIT_SEAL_TEXT])
{
	for (int i = 0; i < 8; i++) {
		ret[i] = (unsigned char)(s->number >> (56 - 8 * i));
		ret[8 + i] = (unsigned char)((uint64_t)s->time >> (56 - 8 * i));
	}
	memcpy(ret + 16, s->hash, AUDIT_HASH);
}

bool
audit_seal_ok(const struct audit_seal *s, const unsigned char public_key[AUDIT_PUBLIC_KEY])
{
	const struct str domain = AUDIT_DOMAIN;
	unsigned char text[sizeof("tandem-audit-1") + AUDIT_SEAL_TEXT];

	memcpy(text, domain.p, domain.n);
	audit_seal_text(s, text + domain.n);
	return crypto_sign_verify_detached(
	           s->signature, text, domain.n + AUDIT_SEAL_TEXT, public_key) == 0;
}
