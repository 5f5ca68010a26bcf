/* SPDX-License-Identifier: ISC */
/*
 * Pages of which other origins may use the API (Fetch standard, "CORS protocol"): a list of exact
 * origins from the configuration. Nothing of Kore.
 */
#ifndef GATEWAY_CORS_H
#define GATEWAY_CORS_H

#include <stddef.h>

#include "common/conf.h"
#include "common/err.h"

enum { CORS_MAX = 16 };

struct cors {
	char text[CONF_TEXT_MAX]; /* the origins, each with a NUL behind it */
	const char *origin[CORS_MAX];
	size_t n; /* 0 = off */
};

/* Reads a list separated by commas: 0, or -1 when one is no origin as browsers write it. `ret` must
 * not be moved afterwards. */
int cors_read(struct cors *ret, const char *list, struct err *e);
/* The origin of the list that it is, NULL if none. */
const char *cors_find(const struct cors *c, const char *origin);

#endif
