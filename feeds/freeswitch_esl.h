/* SPDX-License-Identifier: ISC */
/*
 * Messages of FreeSWITCH's Event Socket, cut out of a stream of bytes that may come in pieces of
 * any size: header lines, an empty line, then as many bytes as Content-Length says, if it is there.
 * Strict: what is not of that form ends the connection, since nothing behind it can be trusted.
 */
#ifndef FEEDS_FREESWITCH_ESL_H
#define FEEDS_FREESWITCH_ESL_H

#include "common/err.h"
#include "common/str.h"

enum {
	ESL_HEAD_MAX = 64 * 1024,       /* bytes of a message's header lines */
	ESL_BODY_MAX = 16 * 1024 * 1024 /* and of its body: a list of 10,000 channels has 9 MB */
};

struct esl_message {
	struct str type;  /* Content-Type */
	struct str reply; /* Reply-Text, empty when there is none */
	struct str body;
};

/* What was cut out is valid during the call. False = no more, the rest of the bytes is dropped. */
typedef bool esl_message_fn(void *arg, const struct esl_message *m);

struct esl {
	char *p;
	size_t n, size;
	size_t head; /* bytes of the header lines, 0 = they are still coming */
	size_t body; /* bytes of the body */
	size_t type_at, type_n, reply_at, reply_n;
};

void esl_init(struct esl *s);
/* Forgets what has come; the same stream must not go on. */
void esl_free(struct esl *s);

/* Takes bytes as they come and calls fn for each message that is whole. 0, or -1 with *e when this
 * is no Event Socket, or more than the limits: nothing more is to be taken then. Memory is taken
 * for bytes that are there, never for what a message announces. */
int esl_take(struct esl *s, struct str bytes, esl_message_fn *fn, void *arg, struct err *e);

/* Whether a message has begun to come. */
bool esl_midway(const struct esl *s);

#endif
