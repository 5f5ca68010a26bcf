/* SPDX-License-Identifier: ISC */
/*
 * Has the audit log sealed by the auth child: once a second, when it has grown, over its newest
 * row. The seal is stored like any other write. What a crash leaves unsealed, the next start seals.
 * A log that does not go on from the last seal is not sealed: `tandemctl audit verify` fails then.
 */
#ifndef BACKEND_AUDIT_SEALER_H
#define BACKEND_AUDIT_SEALER_H

#include "backend/auth.h"
#include "backend/store.h"
#include "backend/writer.h"

struct audit_sealer;

/* Before there are threads: 0, or -1 with *e. */
int audit_sealer_new(
    struct audit_sealer **ret, struct auth *auth, struct store *s, struct writer *w, struct err *e);
/* When the auth child and the writer have been stopped. NULL is allowed. */
void audit_sealer_free(struct audit_sealer *s);

/* Loop thread, each second. */
void audit_sealer_tick(struct audit_sealer *s);

#endif
