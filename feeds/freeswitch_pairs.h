/* SPDX-License-Identifier: ISC */
/*
 * What an event of FreeSWITCH says: names and values. As plain text, values are percent-encoded
 * and a body of its own may follow behind an empty line; in JSON, all values are texts and the
 * body is a member "_body". A call record in XML is brought into the same form.
 */
#ifndef FEEDS_FREESWITCH_PAIRS_H
#define FEEDS_FREESWITCH_PAIRS_H

#include "common/arena.h"
#include "common/err.h"

enum { FS_PAIRS_MAX = 4096 };

struct fs_pair {
	struct str name, value;
};

struct fs_pairs {
	struct fs_pair *v;
	size_t n, size;
	struct str body;
};

/* Reads an event; everything lies in the arena. 0, or -1 with *e. */
int fs_pairs_plain(struct fs_pairs *ret, struct str text, struct arena *a, struct err *e);
int fs_pairs_json(struct fs_pairs *ret, struct str text, struct arena *a, struct err *e);

/* Appends a pair; the texts are not copied. 0, or -1 with *e. */
int fs_pairs_add(
    struct fs_pairs *p, struct str name, struct str value, struct arena *a, struct err *e);

/* The first value of that name, empty when there is none. */
struct str fs_get(const struct fs_pairs *p, const char *name);
/* As a number not below 0; 0 when it is none. */
int64_t fs_get_number(const struct fs_pairs *p, const char *name);
/* Whether it is "true". */
bool fs_get_flag(const struct fs_pairs *p, const char *name);

/* Replaces %XX by the byte; what is no such escape stays. {NULL, 0} when memory ends. */
struct str fs_unescape(struct str s, struct arena *a);

#endif
