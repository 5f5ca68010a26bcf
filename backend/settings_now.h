/* SPDX-License-Identifier: ISC */
/*
 * The system settings as they are now, in memory: nearly every answer needs
 * some, and only a load changes them. Read again after each load that was
 * committed; safe in threads.
 */
#ifndef BACKEND_SETTINGS_NOW_H
#define BACKEND_SETTINGS_NOW_H

#include "backend/store.h"
#include "common/records.h"

struct settings_now;

struct settings_now *settings_now_new(void);
/* NULL is allowed. */
void settings_now_free(struct settings_now *s);

/* Reads them from the store: 0, or -1 with *e and the old ones kept. */
int settings_now_read(struct settings_now *s, struct store *store, uint32_t tenant, struct err *e);
/* Copies them; texts into the arena. 0, or -1 when memory ends. */
int settings_now_get(struct settings_now *s, struct settings *ret, struct arena *a);
/* What the settings say about a resource with secrets. */
enum compat_policy settings_now_compat(struct settings_now *s, enum compat_resource r);

#endif
