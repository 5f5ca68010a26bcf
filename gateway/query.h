/* SPDX-License-Identifier: ISC */
/* The query string as a list of decoded parameters. Nothing of Kore. */
#ifndef GATEWAY_QUERY_H
#define GATEWAY_QUERY_H

#include "common/arena.h"
#include "common/err.h"
#include "ipc/env.h"

enum { QUERY_MAX = 16, QUERY_NAME_MAX = 64, QUERY_VALUE_MAX = 1024 };

/* '&' between parameters, '+' is a blank, %XX once. Empty parameters are passed over. 0, or -1
 * with ERR_BAD_REQUEST. */
int query_parse(struct str query, struct query_list *ret, struct arena *a, struct err *e);

#endif
