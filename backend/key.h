/* SPDX-License-Identifier: ISC */
/*
 * Keys of the store: [tenant u32][owner u32][kind u16][rest], all big-endian,
 * so that the rows of one owner are neighbours and a list is a range.
 * Owner 0 is the system itself. Users and groups share one number space.
 */
#ifndef BACKEND_KEY_H
#define BACKEND_KEY_H

#include <stdint.h>

#include "common/str.h"

enum { KEY_MAX = 511 /* STORE_KEY_MAX */, KEY_HEAD = 10, OWNER_SYSTEM = 0 };

struct key {
	char bytes[KEY_MAX];
	size_t n;
};

/* [tenant][owner][kind] */
void key_kind(struct key *k, uint32_t tenant, uint32_t owner, uint16_t kind);
/* [tenant][owner][kind][id u64] */
void key_id(struct key *k, uint32_t tenant, uint32_t owner, uint16_t kind, uint64_t id);
/* [tenant][owner][kind][text]; text beyond KEY_MAX is cut (names are shorter by validation). */
void key_text(struct key *k, uint32_t tenant, uint32_t owner, uint16_t kind, struct str text);
/* [tenant]: everything of a tenant. */
void key_tenant(struct key *k, uint32_t tenant);

struct str key_str(const struct key *k);

/* Reads the parts back; false when the key is too short. *rest is what follows the kind. */
bool key_split(struct str key, uint32_t *tenant, uint32_t *owner, uint16_t *kind, struct str *rest);
/* Big-endian in so many bytes, as keys and rows have their numbers. */
void key_number(char *to, uint64_t v, size_t bytes);
/* The u64 at the start of `rest`, 0 when it is shorter. */
uint64_t key_rest_id(struct str rest);

#endif
