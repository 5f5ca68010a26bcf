/* SPDX-License-Identifier: ISC */
/*
 * Who asks in the authorisation matrix, and what the resource table cannot say
 * of a row: what a parameter of its path names, and what to send.
 */
#ifndef TESTS_AUTHORISATION_H
#define TESTS_AUTHORISATION_H

#include "common/res.h"
#include "tests/rig.h"

/* Those before WHO_NOBODY are known to the server, the others are to be turned away. */
enum asker {
	WHO_OWNER,      /* 4410 */
	WHO_OTHER,      /* 4420 */
	WHO_BARE,       /* 4430, who has no permission at all */
	WHO_ADMIN,      /* has superadmin, and a token that says so */
	WHO_ADMIN_SELF, /* has superadmin, and a token for the own data alone */
	WHO_NOBODY,     /* without credentials */
	WHO_WRONG,      /* wrong password */
	WHO_EXPIRED,
	WHO_REVOKED,        /* DELETE /session */
	WHO_ENDED,          /* DELETE /session?all with another token */
	WHO_DISABLED,       /* right password of a disabled user */
	WHO_DISABLED_TOKEN, /* token from before the user was disabled */
	WHOS
};

/* Loads the users that are the matrix's own, and makes the credentials of everybody: each that is
 * to be refused is tried, and accepted, before it becomes void. */
void who_make(struct rig *r);
const char *who_name(enum asker w);
/* What the caller logs in with, none = some text. */
const char *who_password(enum asker w);
/* Puts the caller's credentials into *q: for who is known a token that nobody has used. Texts live
 * until the next call. */
void who_ask(struct rig *r, enum asker w, struct ask *q);
/* Whether the server knows the caller; whether it sends a Bearer token. */
bool who_is_known(enum asker w);
bool who_has_token(enum asker w);
bool who_has_permission(enum asker w, int permission);

/* What the first parameter of a path names. */
enum names {
	NAMES_NOTHING,
	NAMES_VALUE,  /* a value to be stored: whatever it is, it is the caller's own */
	NAMES_ITEM,   /* something that belongs to a user */
	NAMES_COMMON, /* something for everybody whom the row admits; `theirs` is as `mine` */
	NAMES_USER
};

struct facts {
	enum res_id row;
	enum names names;
	/* One of 4410, one of 4420, and one that nobody has. NAMES_VALUE: the value is `mine`. */
	const char *mine, *theirs, *unknown;
	const char *query;  /* sent with every request; NULL = none */
	const char *second; /* the second parameter */
	unsigned lenient;   /* methods for which an unknown item is no error */
	/* To be sent; '#' = a number never sent before, '$' = the caller's password. NULL = the golden
	 * document. */
	const char *body;
	int answer;          /* status where the request is accepted, 0 = 200 */
	int writes;          /* status of accepted writes, 0 = as answer */
	int others;          /* NAMES_USER: status for any other user's, 0 = 403, or what an
	                      * administrator may */
	int token;           /* status of accepted requests that come with a token, 0 = the same */
	unsigned stores_not; /* methods that store nothing, or nothing that is dumped */
	int quiet;           /* 1 + permission without which writes are accepted and not stored */
	bool plain;          /* answers to GET have no text that is a user's own */
};

/* The row's facts, all zero for a row that needs none. Fails the test for a row with a parameter
 * whose meaning is unknown. */
const struct facts *facts_of(const struct res *res);

/* Puts the document that PUT or POST of the row sends into *out (NUL behind it), its type into
 * *type (NULL = none). */
void facts_body(
    const struct facts *f, const struct res *res, enum asker w, struct buf *out, const char **type);

#endif
