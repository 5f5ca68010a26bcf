/* SPDX-License-Identifier: ISC */
/*
 * From credentials or a capability to the user. Runs in the threads that hold a
 * transaction; what needs the auth child is only announced (WHO_VERIFY).
 */
#ifndef BACKEND_WHO_H
#define BACKEND_WHO_H

#include "backend/call.h"
#include "backend/memo.h"

enum { PASSWORD_MEMO_MS = 5 * 60 * 1000 };

enum who_answer {
	WHO_KNOWN,  /* *who is filled in */
	WHO_VERIFY, /* a password hash must be compared first (struct who_verify) */
	WHO_REFUSED /* *m.e says why */
};

/* What has been verified, shared by all threads. */
struct who_known {
	const unsigned char *public_key;
	struct memo
	    *tokens; /* capabilities that are rightly signed and not revoked; cleared when any is */
	struct memo *passwords; /* user, password, credential version */
};

/* A password check under way. */
struct who_verify {
	uint64_t account;     /* the account that the tries are counted for */
	struct str hash;      /* to compare with; empty = nobody's (use a decoy) */
	struct memo_key memo; /* to remember when it was right */
	/* Set by whoever had the hash compared with success, for the next who_find(). */
	bool done;
	uint32_t user;
	int64_t version;
};

/* Finds out who asks; `tokens_time` is memo_time(k->tokens) from before the transaction. Without
 * credentials and capability it is nobody (id 0), whom only public resources know and methods that
 * a row calls anonymous. */
enum who_answer who_find(struct model *m, const struct who_known *k, uint64_t tokens_time,
    const struct res *res, const struct request *req, int64_t now_ms, struct who *who,
    struct who_verify *v);

/* Reads the user again inside another transaction: 0, or -1 when the right has gone meanwhile
 * (disabled, password changed, session ended, private key revoked). `req` is looked at for a
 * private key alone. */
int who_again(
    struct model *m, struct who *who, const struct request *req, int64_t now_ms, int64_t issued_ms);

/* Whether the capability of a request, which was good once, is over by now: then *m->e says so. */
bool who_expired(struct model *m, const struct request *req, int64_t now_ms);

/* When the capability of a request was issued, 0 for a password. */
int64_t who_issued(struct model *m, const struct request *req);

#endif
