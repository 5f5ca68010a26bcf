/* SPDX-License-Identifier: ISC */
/*
 * What provisioning systems and feeds have to carry out: a numbered queue that is written in the
 * transaction of its cause. Readers keep the number of the last event that they have seen.
 */
#ifndef BACKEND_EVENTS_H
#define BACKEND_EVENTS_H

#include "backend/model.h"

enum { EVENTS_KEPT = 10000 };

/* Appends an event about a user's devices; beyond EVENTS_KEPT the oldest goes. 0 or -1. */
int event_add(struct model *m, enum device_event_kind kind, struct str user, int64_t now_ms);

/* Up to `max` events behind number `after`, oldest first, into the caller's array. 0 or -1. */
int event_list(
    struct model *m, uint64_t after, struct device_event *ret, size_t max, size_t *n, bool *more);

#endif
