/* SPDX-License-Identifier: ISC */
/*
 * One request: what the client wants, how far it is, and what it will be
 * answered. Nothing of Kore: http.c brings the header fields and takes the
 * answer, bus.c the message and the replies.
 */
#ifndef GATEWAY_REQ_H
#define GATEWAY_REQ_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/res.h"
#include "gateway/accept.h"
#include "ipc/env.h"

enum {
	REQ_MEMORY_MAX = 8 * 1024 * 1024,
	REQ_TARGET_MAX = 8 * 1024, /* bytes of path and query */
	REQ_MESSAGE_MAX = 1100000, /* bytes of a document as msgpack */
	REQ_TRACE_SIZE = 17
};

enum req_state {
	REQ_PARSE,  /* being read and checked */
	REQ_WAIT,   /* the backend has it, or is about to get it */
	REQ_STREAM, /* parts of the answer arrive and go out */
	REQ_ANSWER, /* decided: `err`, or `out` with what belongs to it */
	REQ_DONE,   /* answered, or nobody is listening any more */
	REQ_STATES
};

struct http_request;

struct req {
	enum req_state state;
	struct http_request *http;
	const struct res *res; /* NULL until the path has matched */
	enum method method;
	struct accept_choice accept; /* of the answer */
	enum format error_format;
	enum format input; /* of the client's document, for the names in errors */
	char trace[REQ_TRACE_SIZE];
	int64_t started_us;

	/* Freed once the message is out, and used again for the reply. */
	struct arena arena;
	struct request msg;
	struct buf body; /* the document as msgpack */

	struct err err; /* ERR_OK = success */
	struct buf out; /* text of the answer, or of the part not sent yet */
	bool has_text;  /* there is a document, perhaps an empty one */
	bool show_allow;
	bool bad_bearer;
	bool private_path; /* /private/KEY/… */
	int64_t retry_after;
	const char *etag;      /* of a document of the gateway's own, which any cache may keep */
	bool tagged;           /* the answer has an ETag, or would have had one */
	unsigned char tag[16]; /* and this is what it is made of */
	bool replayed;         /* done before, under the same Idempotency-Key */
	const char *origin;    /* the page's, when it may see answers; of the configuration */
	bool preflight;        /* OPTIONS that asks what such a page may send */
	struct buf location;   /* where the client is sent: a 302 */
	struct buf next;       /* the query of the next page */
	struct buf log_path;   /* the path as logs may show it */

	int64_t id;    /* among the pending, 0 = none */
	bool more;     /* the backend has further parts */
	bool broken;   /* the stream cannot be finished */
	bool begun;    /* the header of the stream is out */
	size_t items;  /* written so far */
	int64_t due;   /* parts that the backend may be given leave for */
	int64_t ahead; /* parts that it has leave for and that have not come */
	bool current;  /* of a stream of events: the backend has sent all that there is now */
	int64_t event; /* and this is the number of the last one */
	size_t queued; /* bytes waiting for the client when last looked at */
	int64_t moved; /* when the client last took some, ms */
};

/* What http.c found in the request; absent fields are empty. */
struct req_in {
	struct str method, path, query, body;
	struct str accept, authorization, content_type, content_encoding;
	bool content_range;
	/* .p is NULL without the field; empty ones mean something. */
	struct str if_match, if_none_match, idempotency_key, last_event_id;
	struct str client; /* its address */
};

void req_init(struct req *r, struct http_request *http);
/* Wipes and frees everything but the structure. */
void req_free(struct req *r);

/* Every change of state goes through here. */
void req_move(struct req *r, enum req_state to);
/* Decides for an error: sets it and moves to REQ_ANSWER. */
void req_fail(struct req *r, enum err_code code);

/* The status of the answer. */
int req_status(const struct req *r);

/* Checks the request and makes the message (without id and deadline). Afterwards the state is
 * REQ_WAIT or REQ_ANSWER. Texts of the message point into `in` and the arena. */
void req_parse(struct req *r, const struct req_in *in);
/* Overwrites and frees what the message was made of. */
void req_sent(struct req *r);

#endif
