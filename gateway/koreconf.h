/* SPDX-License-Identifier: ISC */
/* Kore's own configuration, written from ours at every start. */
#ifndef GATEWAY_KORECONF_H
#define GATEWAY_KORECONF_H

#include "common/buf.h"
#include "common/err.h"
#include "gateway/settings.h"

void koreconf_render(const struct settings *s, const char *pidfile, struct buf *out);

#endif
