/* SPDX-License-Identifier: ISC */
/*
 * Entries of the proxy's hash table as they are to be, and which of them it does not have yet:
 * those that wait to be sent, and those that are on their way.
 */
#ifndef FEEDS_KAMAILIO_SLOTS_H
#define FEEDS_KAMAILIO_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct slot;

struct queue {
	struct slot *first, *last;
};

struct slots {
	void *entries; /* a tree */
	struct queue waits, under_way;
};

void slots_free(struct slots *s);

/* Names go from one owner to another: whoever set an entry last may remove it. False = no memory.
 */
bool slots_set(struct slots *s, const char *key, struct str value, int64_t owner);
void slots_unset(struct slots *s, const char *key, int64_t owner);

/* An entry that the proxy does not have as it is: value {NULL, 0} = it is to be removed. False = it
 * has all of them. Each call gives the next one, which counts as being on its way; key and value
 * are valid until something is changed. */
bool slots_next(struct slots *s, struct str *key, struct str *value);
/* What was on its way has arrived, or is to be sent once more. */
void slots_arrived(struct slots *s);
void slots_lost(struct slots *s);
/* The proxy has nothing: everything is to be sent. */
void slots_send_all(struct slots *s);

#endif
