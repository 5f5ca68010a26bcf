/* SPDX-License-Identifier: ISC */
/* One HTTPS request by libcurl, to any server, and its answer. */
#ifndef TESTS_ASK_H
#define TESTS_ASK_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
	int status; /* 0 = no answer at all */
	char type[128];
	char *headers; /* all lines */
	char *body;    /* NUL-terminated */
	size_t body_n;
	double seconds;
};

struct ask {
	const char *method, *path; /* path behind the base; "//x" = /x at the root */
	const char *user;          /* "name:password"; NULL or "" = none */
	const char *bearer;
	const char *accept, *type;
	const char *header; /* further header lines, separated by '\n' */
	const char *body;   /* NULL = none */
	size_t body_n;      /* 0 = strlen */
	int gateway;        /* index, for rig_ask() */
	long tls;           /* CURL_SSLVERSION_…, 0 = any */
	int timeout_ms;     /* 0 = 15 s */
	bool fresh;         /* a connection of its own */
};

/* Whose certificates are believed from now on: a file of CAs (PEM), "" = the system's; NULL (as it
 * is at first) = anybody's. */
void ask_trust(const char *file);

/* One request to `origin` ("https://host:port"); q->path stands behind `base`. The answer belongs
 * to the caller until answer_free(). Of a stream of events the first bytes are the answer, and the
 * connection is closed then. */
struct answer ask(const char *origin, const char *base, const struct ask *q);
void answer_free(struct answer *a);
/* The value of a header field of the answer, NULL when absent; valid until the next call. */
const char *answer_header(const struct answer *a, const char *name);
/* Where its Link field leads: the path of the next page below `path`, "" when there is none. Fails
 * the test when the field is another one. */
void answer_next(const struct answer *a, const char *path, char *next, size_t size);

#endif
