/* SPDX-License-Identifier: ISC */
#ifndef TANDEM_TESTS_RAW_TLS_H
#define TANDEM_TESTS_RAW_TLS_H

/*
 * A TLS client that sends exactly the bytes it is given and reads HTTP answers strictly: what
 * the tests of framing need and no real client allows. Nothing in here blocks longer than the
 * time it is told to.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_tls {
	void *ctx;
	void *ssl;
	int fd;
	bool closed; /* end of stream, or an error, was seen */
	bool clean;  /* and it came with a close_notify */
	size_t len;
	char *buf; /* read, but not yet part of an answer */
	size_t size;
};

enum raw_result { RAW_ANSWER, RAW_CLOSED, RAW_TIMEOUT, RAW_MALFORMED };

struct raw_answer {
	int status;
	bool complete; /* false: the connection closed in the middle of the body */
	bool chunked;
	size_t head_len;
	char head[32768]; /* status line and header fields, NUL-terminated */
	size_t body_len;
	char *body; /* NUL-terminated, to be freed by raw_answer_free() */
};

/* Monotonic clock in milliseconds. */
int64_t raw_now(void);

/*
 * Connects to 127.0.0.1. The name for SNI may be NULL. The peer must prove that it has the
 * certificate in the file, unless that is NULL. version is TLS1_2_VERSION, TLS1_3_VERSION or 0.
 */
bool raw_open(
    struct raw_tls *t, uint16_t port, const char *sni, const char *cert, int version, int ms);
void raw_close(struct raw_tls *t);

/* All of the data, false if the peer does not take it in time. */
bool raw_send(struct raw_tls *t, const void *data, size_t len, int ms);
bool raw_text(struct raw_tls *t, const char *text);

/* Reads one answer. bodyless is for the answer to a HEAD request. */
enum raw_result raw_next(struct raw_tls *t, struct raw_answer *a, bool bodyless, int ms);
void raw_answer_free(struct raw_answer *a);

/* The value of a header field in a malloc()ed string, NULL if there is none or more than one. */
char *raw_field(const struct raw_answer *a, const char *name);

/* Waits for the end of the stream; false if more bytes or nothing come in time. */
bool raw_closed(struct raw_tls *t, int ms);

/* Appends what arrives to t->buf, t->len; false when nothing does in time. And takes it away. */
bool raw_more(struct raw_tls *t, int ms);
void raw_take(struct raw_tls *t, size_t len);

/* Bytes that the system takes for the next connections before anybody reads, 0 = as it likes. */
extern int raw_receive_buffer;

/* Reads and forgets one block, to be a client that is slow on purpose. */
long raw_drain(struct raw_tls *t, int ms);

#endif
