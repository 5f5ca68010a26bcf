/* SPDX-License-Identifier: ISC */
#include "backend/seal.h"

#include <sodium.h>
#include <string.h>

_Static_assert(AUTH_SEAL_OVERHEAD == crypto_box_SEALBYTES, "libsodium's overhead");
_Static_assert(AUTH_PUBLIC_KEY_LEN == crypto_box_PUBLICKEYBYTES, "libsodium's key");
_Static_assert(AUTH_PUBLIC_KEY_LEN == crypto_box_SECRETKEYBYTES, "libsodium's key");

enum { INSIDE_MAX = SEAL_OWNER_LEN + AUTH_SIP_PASSWORD_MAX };

/* A domain of its own: no digest made of a name elsewhere is this one. */
static void
owner_digest(struct str user, unsigned char ret[SEAL_OWNER_LEN])
{
	static const unsigned char domain[] = "tandem-sip-password-1";
	crypto_generichash_state s;

	crypto_generichash_init(&s, NULL, 0, SEAL_OWNER_LEN);
	crypto_generichash_update(&s, domain, sizeof(domain));
	crypto_generichash_update(&s, (const unsigned char *)user.p, user.n);
	crypto_generichash_final(&s, ret, SEAL_OWNER_LEN);
}

bool
seal_is(struct str value)
{
	return str_starts(value, SEAL_PREFIX);
}

bool
seal_bytes(struct str value, struct str *ret, struct arena *a)
{
	const size_t prefix = sizeof(SEAL_PREFIX) - 1;
	unsigned char *p;
	size_t n;

	if (!seal_is(value) || (p = arena_alloc(a, SEAL_BOX_MAX)) == NULL ||
	    sodium_base642bin(p, SEAL_BOX_MAX, value.p + prefix, value.n - prefix, NULL, &n, NULL,
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    n < SEAL_BOX_MIN)
		return false;
	*ret = (struct str){(const char *)p, n};
	return true;
}

int
seal_text(const unsigned char public_key[AUTH_PUBLIC_KEY_LEN], struct str user, struct str password,
    struct buf *out)
{
	unsigned char inside[INSIDE_MAX], box[SEAL_BOX_MAX];
	char text[sodium_base64_ENCODED_LEN(SEAL_BOX_MAX, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
	size_t n = SEAL_OWNER_LEN + password.n;
	int rc;

	if (password.n > AUTH_SIP_PASSWORD_MAX)
		return -1;
	owner_digest(user, inside);
	if (password.n > 0)
		memcpy(inside + SEAL_OWNER_LEN, password.p, password.n);
	rc = crypto_box_seal(box, inside, n, public_key);
	explicit_bzero(inside, sizeof(inside));
	if (rc != 0)
		return -1;
	sodium_bin2base64(
	    text, sizeof(text), box, n + AUTH_SEAL_OVERHEAD, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	buf_adds(out, SEAL_PREFIX);
	buf_adds(out, text);
	return 0;
}

int
seal_open(const unsigned char public_key[AUTH_PUBLIC_KEY_LEN],
    const unsigned char secret_key[AUTH_PUBLIC_KEY_LEN], struct str box, struct str user, char *ret,
    size_t *n)
{
	unsigned char inside[INSIDE_MAX], owner[SEAL_OWNER_LEN];
	int rc = -1;

	if (box.n < SEAL_BOX_MIN || box.n > SEAL_BOX_MAX)
		return -1;
	owner_digest(user, owner);
	if (crypto_box_seal_open(inside, (const unsigned char *)box.p, box.n, public_key, secret_key) ==
	        0 &&
	    sodium_memcmp(inside, owner, SEAL_OWNER_LEN) == 0) {
		*n = box.n - SEAL_BOX_MIN;
		memcpy(ret, inside + SEAL_OWNER_LEN, *n);
		rc = 0;
	}
	explicit_bzero(inside, sizeof(inside));
	return rc;
}
