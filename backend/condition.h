/* SPDX-License-Identifier: ISC */
/*
 * If-Match and If-None-Match (RFC 9110 13): what the client knows of a resource against what a GET
 * of the same path would answer now, in the transaction in which the request runs. Tags are
 * compared without the letter of the format, which the gateway knows about.
 */
#ifndef BACKEND_CONDITION_H
#define BACKEND_CONDITION_H

#include "backend/call.h"
#include "backend/digest.h"

/* What there is before the request has changed anything. */
struct current {
	bool exists; /* GET has an answer; never where there is no GET */
	bool tagged; /* and the answer an ETag: not for secrets, nor for lists of several parts */
	unsigned char tag[DIGEST_ETAG];
};

/* Whether the request has conditions; -1 with *e when they have not the form. */
int condition_asked(const struct request *q, struct err *e);

/* The answer of a GET that is in c->body. */
void condition_of_answer(
    const struct call *c, const struct digest_keys *k, bool parts, struct current *ret);
/* As GET would answer; c->body is empty afterwards. -1 with *c->m.e when it cannot be told. */
int condition_look(struct call *c, const struct digest_keys *k, struct current *ret);

/* 0, or -1 with ERR_PRECONDITION; for reads also with ERR_NOT_MODIFIED. */
int condition_check(const struct request *q, bool reads, const struct current *now, struct err *e);

#endif
