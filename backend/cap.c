/* SPDX-License-Identifier: ISC */
#include "backend/cap.h"

#include <sodium.h>

#include "backend/auth.h"
#include "common/mp.h"
#include "common/sink.h"

#define REC_FILE "backend/cap.def"
#include "common/rec_impl.h"

void
cap_write(const struct cap *c, struct buf *out)
{
	mp_encode(&rec_cap, c, out, ENCODE_SECRETS);
}

int
cap_read(struct str token, struct cap *ret, struct str *payload, const unsigned char **sig,
    struct arena *a)
{
	struct err ignored = {0};

	if (token.n <= AUTH_SIGNATURE_LEN || token.n > AUTH_PAYLOAD_MAX + AUTH_SIGNATURE_LEN)
		return -1;
	*payload = (struct str){token.p, token.n - AUTH_SIGNATURE_LEN};
	*sig = (const unsigned char *)token.p + payload->n;
	if (mp_decode(&rec_cap, ret, *payload, DECODE_ALL, a, &ignored) != 0)
		return -1;
	return rec_validate(&rec_cap, ret, false, &ignored);
}

int64_t
cap_key_id(const unsigned char public_key[32])
{
	return (int64_t)public_key[0] << 24 | (int64_t)public_key[1] << 16 |
	    (int64_t)public_key[2] << 8 | (int64_t)public_key[3];
}

void
cap_text(struct str token, struct buf *out)
{
	char text[sodium_base64_ENCODED_LEN(
	    AUTH_PAYLOAD_MAX + AUTH_SIGNATURE_LEN, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

	if (token.n > AUTH_PAYLOAD_MAX + AUTH_SIGNATURE_LEN) {
		out->failed = true;
		return;
	}
	sodium_bin2base64(text, sizeof(text), (const unsigned char *)token.p, token.n,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	buf_adds(out, text);
	sodium_memzero(text, sizeof(text));
}
