/* SPDX-License-Identifier: ISC */
/* What can be said to be wrong before anything is started. */
#ifndef GATEWAY_STARTUP_H
#define GATEWAY_STARTUP_H

#include "common/err.h"
#include "gateway/settings.h"

/* Works out what follows from the configuration, and checks it: 0, or -1 with *e. Looks at
 * files and users, and starts nothing. */
int startup_prepare(struct settings *s, struct err *e);
/* Whether the port is free; apart, because it is not while the gateway runs. */
int startup_check_port(const struct conf *c, struct err *e);

#endif
