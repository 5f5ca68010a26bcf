/* SPDX-License-Identifier: ISC */
/* From one engine to another: a new store with the rows of one that nobody uses meanwhile. */
#ifndef BACKEND_STORE_MIGRATE_H
#define BACKEND_STORE_MIGRATE_H

#include "backend/store.h"

/* Copies all rows of `from` to `to`, whose directory is made or empty, opens that anew, and
 * compares number and digest of the rows. The copy is a store of its own, with its own mark. Until
 * it is complete a file in its directory keeps it from being opened. 0 with the number, or -1. */
int store_migrate(
    const struct store_conf *from, const struct store_conf *to, uint64_t *rows, struct err *e);

#endif
