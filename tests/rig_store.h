/* SPDX-License-Identifier: ISC */
#ifndef TESTS_RIG_STORE_H
#define TESTS_RIG_STORE_H

#include "backend/model.h"
#include "tests/rig.h"

/* Opens the store of a rig whose backend does not run, as the backend's own user in a process of
 * its own, and lets `work` look or change: one transaction, kept when it returns 0. What it
 * returned (up to 100), or 101 when the store cannot be opened, 102 when it cannot be changed. */
int rig_store(const struct rig *r, int (*work)(struct model *m, void *arg), void *arg);

#endif
