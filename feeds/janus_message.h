/* SPDX-License-Identifier: ISC */
/*
 * What is said to Janus and what Janus answers, as texts: JSON, one document a message. Requests of
 * the Janus API (session, handle, transaction) around those of the AudioBridge plugin, as Janus
 * 1.1.2 documents and does them. No sockets here; see janus_api.h.
 */
#ifndef FEEDS_JANUS_MESSAGE_H
#define FEEDS_JANUS_MESSAGE_H

#include "common/buf.h"
#include "common/tree.h"

enum {
	JANUS_REQUEST_MAX = 8000,  /* bytes: Janus reads 8192 at once and drops the rest */
	JANUS_ANSWER_MAX = 262144, /* bytes: its socket takes 212992 by default */
	JANUS_ANSWER_MEM = 8 << 20,
	JANUS_ROOMS_MAX = 1024,  /* rooms that are told of; more are left out, and said in the log */
	JANUS_MEMBERS_MAX = 8192 /* participants in all of them, likewise */
};

/* Around every request. */
struct janus_to {
	struct str api_secret;   /* empty = none */
	int64_t session, handle; /* 0 = none yet */
};

/* A request to the AudioBridge. What is empty, 0 or NULL is left out. */
struct janus_body {
	const char *request;
	int64_t room;
	int64_t id; /* participant; -1 = none */
	struct str secret, admin_key;
	const char *flag; /* name of a boolean member */
	bool value;
	const char *word; /* name of a text member, written when it is empty too */
	struct str text;
};

void janus_write_body(struct buf *out, const struct janus_body *b);
/* `word`: create, attach, keepalive or message; `body` is for messages. */
void janus_write(struct buf *out, const struct janus_to *to, const char *word, int64_t transaction,
    struct str body);

enum janus_word { JANUS_SUCCESS, JANUS_ERROR, JANUS_ACK, JANUS_EVENT, JANUS_TIMEOUT, JANUS_OTHER };

struct janus_answer {
	enum janus_word word;
	int64_t transaction;     /* of the request; 0 = of none of ours */
	int64_t session;         /* 0 = not said */
	int64_t id;              /* create, attach: what was made */
	const struct node *data; /* what the plugin answered, or NULL */
	int64_t code;            /* of a failure, of Janus or of the plugin; 0 = none */
	struct str text;         /* its words */
};

/* Any message of Janus; texts point into the arena. 0, or -1 with *e for what is no such message.
 */
int janus_read(struct str text, struct arena *a, struct janus_answer *ret, struct err *e);

/* Codes of failures that mean something here. */
enum {
	JANUS_NO_SESSION = 458,
	JANUS_NO_HANDLE = 459,
	JANUS_UNAUTHORIZED = 403,
	AUDIOBRIDGE_MISSING = 483, /* a secret, among others */
	AUDIOBRIDGE_INVALID = 484,
	AUDIOBRIDGE_NO_ROOM = 485,
	AUDIOBRIDGE_FORBIDDEN = 489,
	AUDIOBRIDGE_NO_USER = 492
};

/* A row of the table of errors for a code of Janus or of the AudioBridge. */
enum err_code janus_error(int64_t code);

struct janus_room {
	int64_t id;
	struct str description;
	bool muted; /* as a whole: nobody in it is heard */
	bool recording;
	int64_t count; /* participants */
	bool has_code; /* a PIN is asked for */
};

struct janus_person {
	int64_t id;
	struct str display;
	bool muted, talking;
};

/* Answers to list and to listparticipants. Items that lack a usable number are left out, and so are
 * those beyond JANUS_ROOMS_MAX or JANUS_MEMBERS_MAX. 0, or -1 with *e when it is no such answer. */
int janus_rooms_read(
    const struct node *data, struct arena *a, struct janus_room **ret, size_t *n, struct err *e);
int janus_people_read(
    const struct node *data, struct arena *a, struct janus_person **ret, size_t *n, struct err *e);

/* Members of JSON objects, for events too. A member of another type counts as absent. */
int64_t janus_number(const struct node *n, const char *name, int64_t otherwise);
bool janus_flag(const struct node *n, const char *name, bool otherwise);
struct str janus_text(const struct node *n, const char *name);

#endif
