/* SPDX-License-Identifier: ISC */
/* What can be said to be wrong before anything is started. */
#ifndef GATEWAY_STARTUP_H
#define GATEWAY_STARTUP_H

#include "common/err.h"
#include "gateway/settings.h"

/* Works out what follows from the configuration, and checks it: 0, or -1 with *e. Touches
 * files, users and the port, and starts nothing. */
int startup_prepare(struct settings *s, struct err *e);

#endif
