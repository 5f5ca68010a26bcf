/* SPDX-License-Identifier: ISC */
/* Between Kore and a request: header fields in, answers out. */
#include "gateway/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#include <kore/kore.h>
#include <kore/http.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "gateway/bus.h"
#include "gateway/fields.h"
#include "gateway/render.h"
#include "gateway/settings.h"
#include "gateway/stream.h"

enum {
	QUEUE_SHORT = 64 * 1024,
	CATCH_UP_QUEUE = 16 * 1024, /* of a stream of events that has not come to the present yet */
	STALLED_MS = 30000
};

static uint64_t trace_seed;
static uint64_t trace_count;

void
http_start(void)
{
	if (getrandom(&trace_seed, sizeof(trace_seed), 0) != (ssize_t)sizeof(trace_seed))
		trace_seed = (uint64_t)clock_us() << 20 ^ (uint64_t)getpid();
}

/* splitmix64: no two alike in a worker, and hardly ever in two. */
static void
make_trace(char ret[REQ_TRACE_SIZE])
{
	uint64_t z = trace_seed + ++trace_count * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	snprintf(ret, REQ_TRACE_SIZE, "%016llx", (unsigned long long)(z ^ z >> 31));
}

/* Further fields of that name are appended, as RFC 9110 5.3 says; Kore limits their bytes. */
static void
join(struct req *r, struct str *to, const char *value)
{
	if (to->n == 0)
		*to = str_c(value);
	else
		*to = arena_printf(&r->arena, "%.*s, %s", (int)to->n, to->p, value);
}

static void
take_origin(struct req *r, const char *value, size_t count)
{
	/* Browsers send one. */
	r->origin = count == 1 ? cors_find(&settings.cors, value) : NULL;
}

static void
client_address(const struct http_request *h, char ret[INET6_ADDRSTRLEN])
{
	const struct connection *c = h->owner;

	ret[0] = '\0';
	if (c != NULL && c->family == AF_INET)
		inet_ntop(AF_INET, &c->addr.ipv4.sin_addr, ret, INET6_ADDRSTRLEN);
	else if (c != NULL && c->family == AF_INET6)
		inet_ntop(AF_INET6, &c->addr.ipv6.sin6_addr, ret, INET6_ADDRSTRLEN);
}

static void
gather(struct req *r, struct req_in *in)
{
	const struct http_request *h = r->http;
	struct http_header *f;
	size_t origins = 0;

	memset(in, 0, sizeof(*in));
	in->method = str_c(h->method_text);
	in->path = str_c(h->path);
	in->query = str_c(h->query_string);
	if (h->http_body != NULL)
		in->body = (struct str){(const char *)h->http_body->data, h->http_body_length};
	TAILQ_FOREACH (f, &h->req_headers, list) {
		if (strcasecmp(f->header, "accept") == 0)
			join(r, &in->accept, f->value);
		else if (strcasecmp(f->header, "authorization") == 0)
			/* Two of them are an attack or a mistake: no scheme has a comma there. */
			in->authorization = in->authorization.n == 0 ? str_c(f->value) : STR_LIT(",");
		else if (strcasecmp(f->header, "content-type") == 0)
			join(r, &in->content_type, f->value);
		else if (strcasecmp(f->header, "content-encoding") == 0)
			join(r, &in->content_encoding, f->value);
		else if (strcasecmp(f->header, "content-range") == 0)
			in->content_range = true;
		else if (strcasecmp(f->header, "if-match") == 0)
			join(r, &in->if_match, f->value);
		else if (strcasecmp(f->header, "if-none-match") == 0)
			join(r, &in->if_none_match, f->value);
		else if (strcasecmp(f->header, "idempotency-key") == 0)
			join(r, &in->idempotency_key, f->value);
		else if (strcasecmp(f->header, "last-event-id") == 0)
			join(r, &in->last_event_id, f->value);
		else if (strcasecmp(f->header, "origin") == 0)
			take_origin(r, f->value, ++origins);
		else if (strcasecmp(f->header, "access-control-request-method") == 0)
			r->preflight = h->method == HTTP_METHOD_OPTIONS;
	}
}

/* Kore keeps header and body until the request is over; their secrets are not needed so long. The
 * target may have a PIN, a password or a key in it, also where it matches no row. */
static void
wipe_secrets(struct http_request *h)
{
	struct http_header *f;

	if (h->http_body != NULL)
		explicit_bzero(h->http_body->data, h->http_body_length);

	explicit_bzero((void *)(uintptr_t)h->path, strlen(h->path));
	TAILQ_FOREACH (f, &h->req_headers, list)
		if (strcasecmp(f->header, "authorization") == 0)
			explicit_bzero(f->value, strlen(f->value));
}

static void
log_access(struct req *r, int status, size_t bytes)
{
	char address[INET6_ADDRSTRLEN];
	struct log_line l;

	if (settings.log > LOG_INFO_)
		return;
	client_address(r->http, address);
	log_begin(&l, LOG_INFO_, "request");
	log_str(&l, "id", str_c(r->trace));
	log_str(&l, "method", str_c(r->http->method_text));
	log_str(&l, "path", buf_str(&r->log_path));
	log_str(&l, "res", str_c(r->res != NULL ? r->res->id : "-"));
	log_num(&l, "status", status);
	log_num(&l, "us", clock_us() - r->started_us);
	log_num(&l, "bytes", (int64_t)bytes);
	log_str(&l, "client", str_c(address));
	if (r->broken)
		log_str(&l, "outcome", STR_LIT("aborted"));
	log_end(&l);
}

/* The slot goes now and not with Kore's request, or a second reply would find it. */
static void
done(struct req *r)
{
	bus_release(r);
	req_move(r, REQ_DONE);
}

static int
answer(struct req *r)
{
	int status;

	if (r->err.code == ERR_OK && r->out.failed)
		err_set(&r->err, ERR_INTERNAL, NULL);
	if (r->err.code != ERR_OK && r->err.code != ERR_NOT_MODIFIED)
		render_error(r);
	status = req_status(r);
	fields_add(r);
	http_response(r->http, status, r->out.n > 0 ? r->out.p : NULL, r->out.n);
	log_access(r, status, r->method == M_HEAD ? 0 : r->out.n);
	done(r);
	return KORE_RESULT_OK;
}

bool
stream_has_room(const struct req *r)
{
	size_t queued = http_response_queued(r->http);

	/* What happens now does not wait for a reader who is slow. */
	if (res_is_endless(r->res))
		return r->current || queued < CATCH_UP_QUEUE;
	return queued < QUEUE_SHORT;
}

bool
stream_is_stalled(struct req *r)
{
	size_t queued = http_response_queued(r->http);

	if (queued == 0 || queued < r->queued)
		r->moved = clock_ms();
	r->queued = queued;
	return clock_ms() - r->moved > STALLED_MS;
}

static int
abort_stream(struct req *r)
{
	r->broken = true;
	log_access(r, err_status(ERR_OK), r->http->content_length);
	done(r);
	http_response_abort(r->http);
	return KORE_RESULT_ERROR;
}

static int
finish_stream(struct req *r)
{
	size_t bytes = r->http->content_length;

	if (!http_response_chunked_end(r->http))
		return abort_stream(r);
	log_access(r, err_status(ERR_OK), bytes);
	done(r);
	return KORE_RESULT_OK;
}

/* A client whose network has gone acknowledges no comment; without this the system would try to
 * send it for a quarter of an hour. */
static void
notice_death(struct req *r)
{
	unsigned ms = STALLED_MS;

	if (r->http->owner != NULL)
		(void)setsockopt(r->http->owner->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

static int
stream(struct req *r)
{
	if (!r->begun && !r->broken) {
		fields_add(r);
		if (res_is_endless(r->res))
			notice_death(r);
		r->begun = true;
		r->moved = clock_ms();
		/* Kore counts there what has gone into chunks. */
		r->http->content_length = 0;
		if (!http_response_chunked_begin(r->http, err_status(ERR_OK)))
			return abort_stream(r);
	}
	if (r->broken)
		return abort_stream(r);
	if (r->out.n > 0 && !http_response_chunk(r->http, r->out.p, r->out.n))
		return abort_stream(r);
	if (res_is_endless(r->res))
		buf_free(&r->out);
	buf_reset(&r->out);
	if (stream_is_stalled(r) ||
	    (res_is_endless(r->res) && http_response_queued(r->http) > QUEUE_SHORT))
		return abort_stream(r);
	if (!r->more || r->method == M_HEAD)
		return finish_stream(r);
	bus_credit(r);
	if (r->broken)
		return abort_stream(r);
	http_request_sleep(r->http);
	return KORE_RESULT_RETRY;
}

/* Also when the client has left in the middle. */
static void
on_free(struct http_request *h)
{
	struct req *r = h->hdlr_extra;

	if (r->state != REQ_DONE)
		log_event(LOG_DEBUG_, "gone", "the client of %s left before its answer", r->trace);
	bus_release(r);
	req_free(r);
	free(r);
	h->hdlr_extra = NULL;
}

static struct req *
begin(struct http_request *h)
{
	struct req *r = malloc(sizeof(*r));
	char address[INET6_ADDRSTRLEN];
	struct req_in in;

	if (r == NULL)
		return NULL;
	req_init(r, h);
	/* In place of http_state_create(), whose memory is not aligned. */
	h->hdlr_extra = r;
	h->flags |= HTTP_REQUEST_RETAIN_EXTRA;
	h->onfree = on_free;
	make_trace(r->trace);
	r->started_us = clock_us();
	gather(r, &in);
	client_address(h, address);
	in.client = str_c(address);
	req_parse(r, &in);
	if (r->state == REQ_WAIT)
		bus_send(r);
	wipe_secrets(h);
	return r;
}

int
gateway_page(struct http_request *h)
{
	struct req *r = h->hdlr_extra != NULL ? h->hdlr_extra : begin(h);

	if (r == NULL) {
		http_response_header(h, "cache-control", "no-store");
		http_response(h, err_status(ERR_UNAVAILABLE), NULL, 0);
		return KORE_RESULT_OK;
	}
	switch (r->state) {
	case REQ_ANSWER:
		return answer(r);
	case REQ_STREAM:
		return stream(r);
	default:
		http_request_sleep(h);
		return KORE_RESULT_RETRY;
	}
}

int
gateway_error_body(int status, char *text, size_t size, const char **type)
{
	struct err e;
	struct buf b;
	int n;

	err_clear(&e);
	/* The first code of 400 is about documents, and Kore sees none. */
	if (status != 400 && err_status(err_of_status(status)) == status)
		err_set(&e, err_of_status(status), NULL);
	else
		err_set(&e, ERR_BAD_REQUEST, status == 400 ? NULL : "%s", http_reason(status));
	buf_init(&b, size);
	text_error(NULL, FMT_JSON, FMT_JSON, &e, &b);
	n = b.failed ? 0 : (int)b.n;
	if (n > 0)
		memcpy(text, b.p, b.n);
	*type = "application/json;charset=UTF-8";
	buf_free(&b);
	return n;
}
