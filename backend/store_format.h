/* SPDX-License-Identifier: ISC */
/*
 * The form of what the records are stored in: which tables and keys there are, and what their rows
 * mean. A record has a version of its own (model.h); this number changes with what more than one
 * row depends on, so that a release never works on a store that it would misread. It is a row of
 * the store, with the name of the release that started on it last.
 */
#ifndef BACKEND_STORE_FORMAT_H
#define BACKEND_STORE_FORMAT_H

#include "backend/store.h"

/* The form that this release writes. Whoever raises it makes the step from the one before, in the
 * transaction of store_format_check(), and adds a store of the last release to tests/stores/. */
enum { STORE_FORMAT = 1 };

/* To be called before anything else is written. A store without the row, which is an empty one, or
 * one that was begun before there were releases, gets it. 0, or -1 with ERR_INTERNAL, the store
 * unchanged: it is of a later form, and the text says what can be done. */
int store_format_check(struct store *s, uint32_t tenant, struct err *e);

#endif
