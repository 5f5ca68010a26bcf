/* SPDX-License-Identifier: ISC */
/*
 * One request at the point where it meets the store: who asks (proved), what
 * for, in which transaction. Handlers read it and fill in the result; they
 * never send anything.
 */
#ifndef BACKEND_CALL_H
#define BACKEND_CALL_H

#include "backend/cap.h"
#include "backend/command.h"
#include "backend/model.h"
#include "common/buf.h"
#include "common/res.h"
#include "ipc/env.h"

/* The caller, from a verified capability or password and the store; never from a message. */
struct who {
	uint32_t tenant, id; /* id 0 = nobody (public resources) */
	struct user user;
	int64_t scopes;
	int64_t token; /* of the capability, 0 without one */
	bool by_key;   /* by a private key */
};

/* Three texts of 255 characters and what joins them. */
enum { MARK_NAME_MAX = 3 * 255 * 4 + 2 };

/* Where a list stands between its parts: what was sent last. */
struct mark {
	bool set;
	size_t owner; /* place among the owners listed */
	uint64_t id;
	char name[MARK_NAME_MAX];
	size_t name_n;
	uint64_t left; /* items still to come, where their number was fixed at the beginning */
};

struct call {
	struct model m; /* transaction, arena, error, tenant */
	const struct res *res;
	const struct request *req;
	const struct who *who;
	uint32_t subject; /* whose data a user named in the request stands for, 0 = the caller's */
	int64_t now_ms;   /* wall clock, ms since 1970 */
	struct buf *body; /* the answer: one record, or several one after the other */
	struct mark *mark;
	bool more;          /* the list goes on behind the mark */
	bool current;       /* of an endless list: nothing more is there now */
	struct str hash;    /* of the secret that hooks->secret named, empty = none */
	struct str picture; /* made of the upload that hooks->picture named */
	struct str open;    /* show: a sealed text to be opened by the auth child; then it runs again */
	bool was_opened;    /* and this is what came of it, empty when it did not open: */
	struct str opened;
	struct str location;     /* custom: where the client is sent instead of getting a document */
	struct moments *moments; /* of running conferences' members */
	bool masked;             /* what is secret stays out of the answer (settings.compat) */
	struct cap *sign;        /* custom: a capability to be signed and answered */
	bool wants_signature;
	/* custom: what a switch is to be told. Once that has come to an end it runs again with
	 * `commanded`. */
	struct command command;
	bool wants_command;
	const struct commanded *commanded;
};

/* Runs a reading (GET) or writing (others) request: 0 with the answer in *body, or -1 with
 * *m.e. Writing ones run inside the writer's transaction. */
int serve_read(struct call *c);
int serve_write(struct call *c);

/* For hooks. */
/* The caller's own number and those of the caller's groups, lightest first. */
enum { OWNERS_MAX = GROUPS_MAX + 1 };
int call_owners(struct call *c, uint32_t *owners, size_t *n);
/* Whose data a user named in a path stands for: the caller's own (by name, alias or messaging id),
 * or anybody's for an administrator. -1 with ERR_FORBIDDEN, for an administrator ERR_NOT_FOUND. */
int call_subject(struct call *c, struct str name, uint32_t *owner);
/* The client's document, checked as if nobody had checked it before. */
int call_document(struct call *c, const struct rec *r, bool update, void *obj);
/* A query parameter, NULL when absent. */
const struct query *call_query(const struct call *c, const char *name);
/* A number in the query, `*ret` as it is when absent: 0, or -1 with ERR_BAD_REQUEST. */
int call_query_number(struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret);
/* Whether a name of the request's is the caller's: 0, or -1 with ERR_UNAUTHORIZED, the legacy
 * server's status for others. */
int call_check_user(struct call *c, struct str name);

#endif
