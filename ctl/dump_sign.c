/* SPDX-License-Identifier: ISC */
#include "ctl/dump_sign.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { SIGNATURE = 64, SIGNATURE_TEXT = 96 };

struct dump_key {
	EVP_PKEY *key;
};

struct dump_key *
dump_key_read(const char *file, bool is_public, struct err *e)
{
	struct dump_key *ret = malloc(sizeof(*ret));
	FILE *f = fopen(file, "re");

	if (ret == NULL || f == NULL) {
		err_set(e, ERR_INVALID, "%s: %s", file, strerror(errno));
	} else {
		ret->key = is_public ? PEM_read_PUBKEY(f, NULL, NULL, NULL)
		                     : PEM_read_PrivateKey(f, NULL, NULL, NULL);
		if (ret->key != NULL && EVP_PKEY_is_a(ret->key, "ED25519")) {
			fclose(f);
			return ret;
		}
		EVP_PKEY_free(ret->key);
		err_set(e, ERR_INVALID, "%s: this is no %s key of the kind Ed25519 in PEM", file,
		    is_public ? "public" : "secret");
	}
	if (f != NULL)
		fclose(f);
	free(ret);
	return NULL;
}

void
dump_key_free(struct dump_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

int
dump_sign(const struct dump_key *k, struct str text, struct buf *to, struct err *e)
{
	unsigned char signature[SIGNATURE];
	char shown[SIGNATURE_TEXT];
	size_t n = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->key) == 1 &&
	    EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text.p, text.n) == 1;

	EVP_MD_CTX_free(ctx);
	if (!done)
		return err_set(e, ERR_INTERNAL, "the dump cannot be signed");
	sodium_bin2base64(shown, sizeof(shown), signature, n, sodium_base64_VARIANT_ORIGINAL);
	buf_adds(to, shown);
	return 0;
}

bool
dump_signed(const struct dump_key *k, struct str text, struct str signature)
{
	unsigned char bytes[SIGNATURE];
	size_t n;
	EVP_MD_CTX *ctx;
	bool ret;

	if (sodium_base642bin(bytes, sizeof(bytes), signature.p, signature.n, NULL, &n, NULL,
	        sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != sizeof(bytes) || (ctx = EVP_MD_CTX_new()) == NULL)
		return false;
	ret = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->key) == 1 &&
	    EVP_DigestVerify(ctx, bytes, n, (const unsigned char *)text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ret;
}
