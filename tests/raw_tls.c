/* SPDX-License-Identifier: ISC */

#include "raw_tls.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int raw_receive_buffer;

int64_t
raw_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool
wait_for(struct raw_tls *t, int error, int64_t until)
{
	struct pollfd pfd = {.fd = t->fd};
	int64_t left = until - raw_now();

	if (error == SSL_ERROR_WANT_READ)
		pfd.events = POLLIN;
	else if (error == SSL_ERROR_WANT_WRITE)
		pfd.events = POLLOUT;
	else
		return false;
	return left > 0 && poll(&pfd, 1, (int)left) == 1;
}

static int
connect_to(uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd != -1 && raw_receive_buffer > 0)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUF, &raw_receive_buffer, sizeof(raw_receive_buffer));
	if (fd != -1 &&
	    (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	        fcntl(fd, F_SETFL, O_NONBLOCK) == -1)) {
		(void)close(fd);
		return -1;
	}
	if (fd != -1)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static SSL *
session(struct raw_tls *t, const char *sni, const char *cert, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	t->ctx = ctx;
	if (ctx == NULL)
		return NULL;
	if (version != 0 &&
	    (!SSL_CTX_set_min_proto_version(ctx, version) ||
	        !SSL_CTX_set_max_proto_version(ctx, version)))
		return NULL;
	if (cert != NULL) {
		if (!SSL_CTX_load_verify_locations(ctx, cert, NULL))
			return NULL;
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	t->ssl = ssl = SSL_new(ctx);
	if (ssl == NULL || !SSL_set_fd(ssl, t->fd))
		return NULL;
	if (sni != NULL && !SSL_set_tlsext_host_name(ssl, sni))
		return NULL;
	return ssl;
}

bool
raw_open(struct raw_tls *t, uint16_t port, const char *sni, const char *cert, int version, int ms)
{
	int64_t until = raw_now() + ms;
	SSL *ssl;
	int r;

	*t = (struct raw_tls){.fd = -1};
	(void)signal(SIGPIPE, SIG_IGN);
	t->fd = connect_to(port);
	if (t->fd == -1)
		return false;
	ssl = session(t, sni, cert, version);
	while (ssl != NULL) {
		ERR_clear_error();
		r = SSL_connect(ssl);
		if (r == 1)
			return true;
		if (!wait_for(t, SSL_get_error(ssl, r), until))
			break;
	}
	raw_close(t);
	return false;
}

void
raw_close(struct raw_tls *t)
{
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	if (t->fd != -1)
		(void)close(t->fd);
	free(t->buf);
	*t = (struct raw_tls){.fd = -1};
}

bool
raw_send(struct raw_tls *t, const void *data, size_t len, int ms)
{
	int64_t until = raw_now() + ms;
	const char *at = data;
	int r;

	while (len > 0) {
		ERR_clear_error();
		r = SSL_write(t->ssl, at, len > 16384 ? 16384 : (int)len);
		if (r > 0) {
			at += r;
			len -= (size_t)r;
		} else if (!wait_for(t, SSL_get_error(t->ssl, r), until)) {
			return false;
		}
	}
	return true;
}

bool
raw_text(struct raw_tls *t, const char *text)
{
	return raw_send(t, text, strlen(text), 2000);
}

/* Appends what arrives. False when the stream has ended or the time is over. */
static bool
more(struct raw_tls *t, int64_t until)
{
	int error, r;
	char *grown;

	if (t->closed)
		return false;
	if (t->size - t->len < 16384 + 1) {
		grown = realloc(t->buf, t->size + 65536);
		if (grown == NULL)
			return false;
		t->buf = grown;
		t->size += 65536;
	}
	for (;;) {
		ERR_clear_error();
		r = SSL_read(t->ssl, t->buf + t->len, 16384);
		if (r > 0) {
			t->len += (size_t)r;
			t->buf[t->len] = '\0';
			return true;
		}
		error = SSL_get_error(t->ssl, r);
		if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
			if (!wait_for(t, error, until))
				return false;
			continue;
		}
		t->closed = true;
		t->clean = error == SSL_ERROR_ZERO_RETURN;
		return false;
	}
}

static void
consume(struct raw_tls *t, size_t len)
{
	t->len -= len;
	if (t->len > 0)
		memmove(t->buf, t->buf + len, t->len);
	if (t->buf != NULL)
		t->buf[t->len] = '\0';
}

static bool
append(struct raw_answer *a, const char *data, size_t len)
{
	char *grown = realloc(a->body, a->body_len + len + 1);

	if (grown == NULL)
		return false;
	a->body = grown;
	memcpy(a->body + a->body_len, data, len);
	a->body_len += len;
	a->body[a->body_len] = '\0';
	return true;
}

static enum raw_result
ended(struct raw_tls *t)
{
	return t->closed ? RAW_CLOSED : RAW_TIMEOUT;
}

static enum raw_result
sized_body(struct raw_tls *t, struct raw_answer *a, size_t len, int64_t until)
{
	size_t part;

	while (a->body_len < len) {
		if (t->len == 0 && !more(t, until))
			return t->closed ? RAW_ANSWER : RAW_TIMEOUT;
		part = t->len < len - a->body_len ? t->len : len - a->body_len;
		if (!append(a, t->buf, part))
			return RAW_MALFORMED;
		consume(t, part);
	}
	a->complete = true;
	return RAW_ANSWER;
}

static enum raw_result
chunked_body(struct raw_tls *t, struct raw_answer *a, int64_t until)
{
	size_t at, size;
	char *end;

	for (;;) {
		while (t->len == 0 || (end = strstr(t->buf, "\r\n")) == NULL) {
			if (!more(t, until))
				return t->closed ? RAW_ANSWER : RAW_TIMEOUT;
		}
		size = 0;
		for (at = 0; isxdigit((unsigned char)t->buf[at]) && at < 8; at++)
			size = size * 16 + (size_t)strtoul((char[]){t->buf[at], 0}, NULL, 16);
		if (at == 0 || t->buf + at != end)
			return RAW_MALFORMED;
		at += 2;
		while (t->len < at + size + 2) {
			if (!more(t, until))
				return t->closed ? RAW_ANSWER : RAW_TIMEOUT;
		}
		if (memcmp(t->buf + at + size, "\r\n", 2) != 0)
			return RAW_MALFORMED;
		if (size > 0 && !append(a, t->buf + at, size))
			return RAW_MALFORMED;
		consume(t, at + size + 2);
		if (size == 0) {
			a->complete = true;
			return RAW_ANSWER;
		}
	}
}

static enum raw_result
body(struct raw_tls *t, struct raw_answer *a, bool bodyless, int64_t until)
{
	char *length = raw_field(a, "content-length");
	char *coding = raw_field(a, "transfer-encoding");
	enum raw_result r;

	a->chunked = coding != NULL && strcmp(coding, "chunked") == 0;
	if (bodyless || a->status < 200 || a->status == 204 || a->status == 304) {
		a->complete = true;
		r = RAW_ANSWER;
	} else if (a->chunked && length == NULL) {
		r = chunked_body(t, a, until);
	} else if (coding != NULL) {
		r = RAW_MALFORMED;
	} else if (length != NULL) {
		r = sized_body(t, a, (size_t)strtoul(length, NULL, 10), until);
	} else {
		r = sized_body(t, a, SIZE_MAX, until);
		a->complete = t->closed && t->clean;
	}
	free(length);
	free(coding);
	return r;
}

enum raw_result
raw_next(struct raw_tls *t, struct raw_answer *a, bool bodyless, int ms)
{
	int64_t until = raw_now() + ms;
	char *end;

	*a = (struct raw_answer){0};
	while (t->len == 0 || (end = strstr(t->buf, "\r\n\r\n")) == NULL) {
		if (!more(t, until))
			return t->len > 0 && t->closed ? RAW_MALFORMED : ended(t);
	}
	a->head_len = (size_t)(end - t->buf) + 4;
	if (a->head_len >= sizeof(a->head) || strncmp(t->buf, "HTTP/1.", 7) != 0 ||
	    !isdigit((unsigned char)t->buf[7]) || t->buf[8] != ' ')
		return RAW_MALFORMED;
	memcpy(a->head, t->buf, a->head_len);
	a->status = (int)strtol(a->head + 9, NULL, 10);
	consume(t, a->head_len);
	if (!append(a, "", 0))
		return RAW_MALFORMED;
	return body(t, a, bodyless, until);
}

void
raw_answer_free(struct raw_answer *a)
{
	free(a->body);
	a->body = NULL;
}

char *
raw_field(const struct raw_answer *a, const char *name)
{
	size_t len = strlen(name);
	const char *line = a->head;
	const char *value;
	char *found = NULL;

	while ((line = strstr(line, "\r\n")) != NULL && strncmp(line, "\r\n\r\n", 4) != 0) {
		line += 2;
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		if (found != NULL) {
			free(found);
			return NULL;
		}
		value = line + len + 1;
		value += strspn(value, " ");
		found = strndup(value, strcspn(value, "\r"));
	}
	return found;
}

bool
raw_closed(struct raw_tls *t, int ms)
{
	return t->len == 0 && !more(t, raw_now() + ms) && t->closed;
}

long
raw_drain(struct raw_tls *t, int ms)
{
	long len;

	if (!more(t, raw_now() + ms))
		return t->closed ? 0 : -1;
	len = (long)t->len;
	t->len = 0;
	return len;
}

bool
raw_more(struct raw_tls *t, int ms)
{
	return more(t, raw_now() + ms);
}

void
raw_take(struct raw_tls *t, size_t len)
{
	consume(t, len);
}
