/* SPDX-License-Identifier: ISC */
/*
 * The secrets of a Janus, from a file that others must not be able to read; see
 * tandem-feed-janus(8). They are never logged, and go nowhere but into requests to that Janus.
 */
#ifndef FEEDS_JANUS_SECRETS_H
#define FEEDS_JANUS_SECRETS_H

#include <stdint.h>

#include "common/err.h"
#include "common/str.h"

enum { JANUS_SECRETS_MAX = 65536, JANUS_SECRET_MAX = 256, JANUS_ROOM_SECRETS_MAX = 1024 };

struct janus_room_secret {
	int64_t room; /* 0 = all that have none of their own */
	struct str secret;
};

struct janus_secrets {
	char text[JANUS_SECRETS_MAX];
	size_t n;
	struct str api_secret, admin_key, event_password; /* empty = none */
	struct janus_room_secret rooms[JANUS_ROOM_SECRETS_MAX];
	size_t room_count;
};

/* Reads the file: 0, or -1 with *e, which names the file and the line and no secret. */
int janus_secrets_read(struct janus_secrets *s, const char *file, struct err *e);
/* What the file holds, already in s->text. */
int janus_secrets_parse(struct janus_secrets *s, const char *file, struct err *e);
/* Empty when the room has none. */
struct str janus_secret_of(const struct janus_secrets *s, int64_t room);

#endif
