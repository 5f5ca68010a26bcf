/* SPDX-License-Identifier: ISC */
/*
 * Reads the CURVE keys out of a certificate file in czmq's format (ZPL). It is
 * our own because the gateway does not link czmq, and because czmq's reader
 * takes a missing secret key for zeros and leaves copies of it on the heap.
 */
#ifndef IPC_ZPL_H
#define IPC_ZPL_H

#include <stdbool.h>

#include "common/err.h"

enum { ZPL_KEY_SIZE = 32 };

struct zpl_cert {
	unsigned char public_key[ZPL_KEY_SIZE];
	unsigned char secret_key[ZPL_KEY_SIZE];
};

/* Both keys: from `file`_secret when that exists (as ipc_cert_make() names it), else from
 * `file` itself. A file that everybody may read is refused. Wipe *ret after use. */
int zpl_load_own(struct zpl_cert *ret, const char *file, struct err *e);
/* The public key alone. */
int zpl_load_public(unsigned char ret[ZPL_KEY_SIZE], const char *file, struct err *e);

#endif
