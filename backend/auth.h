/* SPDX-License-Identifier: ISC */
/*
 * The backend's half of the auth child: a process of its own that hashes
 * passwords (argon2id) in its own threads, signs capabilities (Ed25519) and opens
 * sealed SIP passwords (seal.h), which anybody here can seal.
 * The signing key, the sealing key, the PIN pepper and the audit key live in
 * that process alone; it has no files and no network once it has started.
 * Everything here is for the loop thread, but for auth_signature_ok(); answers come by
 * callback from auth_read().
 *
 * What is hashed is a keyed hash of the password under the PIN pepper: a stolen store
 * without the key file does not yield even four-digit PINs. Hashes made elsewhere do
 * not verify for the same reason.
 */
#ifndef BACKEND_AUTH_H
#define BACKEND_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/str.h"

enum {
	AUTH_PUBLIC_KEY_LEN = 32,
	AUTH_SIGNATURE_LEN = 64,
	AUTH_HASH_MAX = 128, /* text form of a password hash, without NUL */
	AUTH_PASSWORD_MAX = 1024,
	AUTH_PAYLOAD_MAX = 2048, /* longest thing to be signed */
	AUTH_SIP_PASSWORD_MAX = 128,
	AUTH_SEAL_OVERHEAD = 48, /* bytes of a sealed box beyond what is in it */
	AUTH_USER_MAX = 1024,    /* bytes of a user's name */
	AUTH_QUEUE_MAX = 64      /* requests under way at once */
};

struct auth;

struct auth_conf {
	const char *key_file; /* made with mode 0600 when missing; read before privileges drop */
	const char *user;     /* the child becomes this user when started as root; NULL = no change */
	unsigned threads;     /* hashing threads, 1..8 */
};

/* ok: verified / hashed / signed / opened. result: the hash text, the signature or the password,
 * else empty; valid during the call only, a password is wiped behind it. */
typedef void auth_done_fn(void *arg, bool ok, struct str result);

/* Forks the child, waits until it is confined, and learns its public key. Call before any
 * thread exists, in the thread that lives as long as the process: the child ends when its
 * socket is closed, and where both have one user it is killed when that thread ends. */
int auth_start(struct auth **ret, const struct auth_conf *conf, struct err *e);
/* Ends the child and waits for it; pending callbacks are called with ok = false. */
void auth_stop(struct auth *a);

const unsigned char *auth_public_key(const struct auth *a);
/* The key for seal_text(); never changes, so that any thread may use it. */
const unsigned char *auth_sealing_key(const struct auth *a);
/* The public key of the audit key. */
const unsigned char *auth_audit_key(const struct auth *a);
/* Whether the child has ended: a callback with ok = false then says nothing about the secret. */
bool auth_has_gone(const struct auth *a);
pid_t auth_pid(const struct auth *a);

/* Each returns 0, or -1 at once when the queue is full, the child is gone, or a password to
 * be hashed or a payload to be signed is too long (then the callback is not called). A
 * password or hash too long to be verified is answered as wrong. Strings need not outlive
 * the call. No copy of a password is made in this process; the child wipes its own. */
int auth_hash(struct auth *a, struct str password, auth_done_fn *done, void *arg);
int auth_verify(
    struct auth *a, struct str password, struct str hash, auth_done_fn *done, void *arg);
/* Signs AUTH_SIGN_DOMAIN followed by the payload: a signature made for a capability can
 * never be taken for one made for another purpose. */
int auth_sign(struct auth *a, struct str payload, auth_done_fn *done, void *arg);

/* Signs AUDIT_DOMAIN (common/audit_chain.h) followed by the payload, by the audit key. */
int auth_seal_audit(struct auth *a, struct str payload, auth_done_fn *done, void *arg);

/* Opens a box of seal_bytes() for that user; what cannot be one is answered as not opened. */
int auth_open(struct auth *a, struct str box, struct str user, auth_done_fn *done, void *arg);

/* The domain, its NUL included. */
#define AUTH_SIGN_DOMAIN STR_LIT("tandem-cap-1\0")

/* Whether auth_sign() of the child with that public key made `sig` for `payload`. Needs no
 * child and keeps no state: any thread may ask once libsodium is initialised. */
int auth_signature_ok(const unsigned char public_key[AUTH_PUBLIC_KEY_LEN], struct str payload,
    const unsigned char sig[AUTH_SIGNATURE_LEN]);

/* To be polled for reading. */
int auth_fd(const struct auth *a);
/* Takes what has arrived and calls the callbacks. -1 when the child has gone or has sent
 * nonsense (all pending callbacks were called with ok = false); the backend then stops.
 * A callback may make new requests; it may not call auth_read() or auth_stop(). */
int auth_read(struct auth *a);

#endif
