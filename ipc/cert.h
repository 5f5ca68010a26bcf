/* SPDX-License-Identifier: ISC */
/* CURVE certificates in czmq's format (ZPL files; the secret one with mode 0600). */
#ifndef IPC_CERT_H
#define IPC_CERT_H

#include "common/err.h"

/* Makes a key pair: `file` (public part) and `file`_secret (both parts, mode 0600), with the
 * given name as metadata. Refuses to overwrite. */
int ipc_cert_make(const char *file, const char *name, struct err *e);

#endif
