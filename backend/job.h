/* SPDX-License-Identifier: ISC */
/*
 * A request on its way through the backend's threads. The loop thread makes
 * it; a reader finds out who asks and answers reads; the writer applies writes;
 * it always returns to the loop, which alone sends. At any time one thread owns it.
 */
#ifndef BACKEND_JOB_H
#define BACKEND_JOB_H

#include "backend/call.h"
#include "backend/digest.h"
#include "backend/who.h"
#include "backend/writer.h"
#include "ipc/server.h"

enum {
	JOB_ARENA_MAX = 4 * 1024 * 1024,
	JOB_SCRATCH_MAX = 8 * 1024 * 1024,
	ANSWER_MAX = 1024 * 1024
};

/* What the loop has to do when a job comes back. */
enum job_next {
	NEXT_REPLY,  /* send what err, body and more say */
	NEXT_VERIFY, /* have verify.hash compared, then run again */
	NEXT_SIGN,   /* have the capability signed, then reply */
	NEXT_HASH,   /* have `secret` hashed, then run again */
	NEXT_IMAGE,  /* have a picture made of `upload`, then run again */
	NEXT_PROVE,  /* have `proof` compared with verify.hash, then run again */
	NEXT_OPEN,   /* have `box` opened, then run again */
	NEXT_COMMAND /* have a switch told `command`, then run again */
};

struct backend;
struct event_stream;

struct job {
	struct writer_job write; /* first: the writer knows jobs by it */
	struct job *next;
	struct backend *be;
	struct ipc_server *via;
	struct ipc_peer peer;
	struct arena arena;   /* the message, who asks; as long as the job */
	struct arena scratch; /* what one run works with */
	bool control;
	struct request req;
	const struct res *res;
	struct ctl_request ctl;
	struct ctl_reply *ctl_reply;
	struct str secret, new_hash;
	struct str upload, picture;
	/* A secret that must be right (NEXT_PROVE); the version of the credentials it was right for. */
	struct str proof;
	bool proved;
	int64_t proved_version;
	/* A sealed text (NEXT_OPEN) and what was in it. */
	struct str box, opened;
	bool was_opened;
	bool masked;
	/* For a switch (NEXT_COMMAND) and what became of it. */
	struct command command;
	struct commanded commanded;
	bool was_commanded;
	struct str location;
	int64_t arrived_us, overdue_us; /* CLOCK_MONOTONIC */
	struct who who;
	struct who_verify verify;
	struct cap sign;
	enum job_next then;
	struct err err;
	int64_t retry_after;
	struct buf body;
	bool more;
	bool tagged, replayed; /* there is an ETag; the answer is that of the first time */
	unsigned char tag[DIGEST_ETAG];
	/* A list that is sent in parts (streams.h). */
	struct mark mark;
	int64_t credit;
	bool streaming, running, forgotten;
	int64_t last_us;
	/* A list that never ends (event_streams.h). */
	struct event_stream *stream;
	struct buf proof_kept; /* capability or key, when the message has been let go */
	bool may_send;         /* what is new shall be read */
	bool current;          /* and that was all of it */
};

struct job *job_new(struct backend *be);
/* Wipes: passwords and tokens were in it. */
void job_free(struct job *j);

/* A job that may rest for hours keeps no more than it must. */
void job_rest(struct job *j);

/* One snapshot of the store for several jobs that a reader has taken together: all of them came
 * before it, so none can miss what was answered before it was sent. */
struct snapshot {
	struct store_txn *t;  /* NULL until the first job that needs it */
	uint64_t tokens_time; /* memo_time() of the known tokens before it */
};

void snapshot_end(struct snapshot *s);

/* Reader threads: finds out who asks, answers reads, hands writes to the writer. When it
 * returns true the job goes back to the loop; false = the writer has it. */
bool job_run(struct job *j, struct snapshot *s);

/* Runs a control command in a reader thread, the same way. */
bool control_run(struct job *j);

#endif
