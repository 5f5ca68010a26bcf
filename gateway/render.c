/* SPDX-License-Identifier: ISC */
#include "gateway/render.h"

#include <string.h>

#include "common/checks.h"
#include "common/log.h"
#include "common/mp.h"
#include "common/text.h"
#include "gateway/events.h"
#include "gateway/walltime.h"

enum { CREDIT_AHEAD = 4 };

static void
log_bad_reply(const struct req *r, const struct err *e)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR_, "bad-reply");
	log_str(&l, "id", str_c(r->trace));
	log_str(&l, "res", str_c(r->res->id));
	log_str(&l, "text", str_c(err_text(e)));
	log_end(&l);
}

static void
take_error(struct req *r, const struct reply *reply)
{
	int64_t code = reply->code < ERR_COUNT ? reply->code : ERR_INTERNAL;
	int max = ERR_TEXT_MAX - 1;

	err_clear(&r->err);
	/* Without an ETag, or to a write, it would mean nothing. */
	if (code == ERR_NOT_MODIFIED && !r->tagged)
		code = ERR_INTERNAL;
	if (REC_HAS(reply, reply, message) && reply->message.n > 0) {
		/* Cut where a character begins, or the document would not be UTF-8. */
		if (reply->message.n < (size_t)max)
			max = (int)reply->message.n;
		else
			while (max > 0 && ((unsigned char)reply->message.p[max] & 0xc0) == 0x80)
				max--;
		err_set(&r->err, (enum err_code)code, "%.*s", max, reply->message.p);
	} else {
		err_set(&r->err, (enum err_code)code, NULL);
	}
	for (size_t i = 0; REC_HAS(reply, reply, path) && i < reply->path.n && i < ERR_PATH_MAX; i++)
		if (reply->path.v[i] >= INT32_MIN && reply->path.v[i] <= INT32_MAX)
			err_push(&r->err, (int32_t)reply->path.v[i]);
	if (REC_HAS(reply, reply, retry_after))
		r->retry_after = reply->retry_after;
}

/* One record of the part; 0, or -1 with *e. */
static int
next_item(struct req *r, struct mp_src *src, struct err *e)
{
	struct arena items;
	void *obj;
	int rc = -1;

	arena_init(&items, REQ_MEMORY_MAX);
	err_clear(e);
	if ((obj = arena_alloc(&items, r->res->record->size)) == NULL)
		err_set(e, ERR_INTERNAL, "out of memory");
	else
		rc = rec_decode(r->res->record, obj, &src->src, DECODE_ALL, &items, e);
	if (rc == 0)
		text_list_item(r->res, r->accept.format, r->items++, obj, &r->out);
	arena_wipe(&items);
	return rc;
}

/* What stands before the items. */
static int
begin_list(struct req *r, struct mp_src *src, bool more, bool *is_empty, struct err *e)
{
	void *head;

	if (r->res->head == NULL) {
		*is_empty = !more && mp_src_at_end(src);
		text_list_begin(r->res, r->accept.format, *is_empty, &r->out);
		return 0;
	}
	if (mp_src_at_end(src))
		return err_set(e, ERR_INTERNAL, "a list without its head");
	if ((head = arena_alloc(&r->arena, r->res->head->size)) == NULL)
		return err_set(e, ERR_INTERNAL, "out of memory");
	if (rec_decode(r->res->head, head, &src->src, DECODE_ALL, &r->arena, e) != 0)
		return -1;
	*is_empty = !more && mp_src_at_end(src);
	text_list_head(r->res, r->accept.format, head, *is_empty, &r->out);
	return 0;
}

static int
write_list(struct req *r, struct str body, bool more, struct err *e)
{
	bool is_empty = false;
	struct mp_src src;

	mp_src_init(&src, body);
	if (r->state == REQ_WAIT && begin_list(r, &src, more, &is_empty, e) != 0)
		return -1;
	while (!mp_src_at_end(&src) && !r->out.failed)
		if (next_item(r, &src, e) != 0)
			return -1;
	if (!more)
		text_list_end(r->res, r->accept.format, is_empty, &r->out);
	return 0;
}

static int
write_single(struct req *r, struct str body, struct err *e)
{
	void *obj = arena_alloc(&r->arena, r->res->record->size);

	if (obj == NULL)
		return err_set(e, ERR_INTERNAL, "out of memory");
	if (mp_decode(r->res->record, obj, body, DECODE_ALL, &r->arena, e) != 0)
		return -1;
	text_write(r->res, r->accept.format, obj, &r->out);
	return 0;
}

/* What is known to be true now that the backend has answered. */
static void
ping_text(struct req *r)
{
	if (r->res->number == RES_TIME)
		walltime_text(time(NULL), &r->out);
	else
		buf_adds(&r->out, "ready\n");
}

/* A query that begins with its '?', of nothing but what stands for itself in a URL, so that it can
 * stand between the angle brackets of a Link. */
static int
take_next(struct req *r, struct str next, struct err *e)
{
	bool good = next.n > 1 && next.n <= RENDER_LOCATION_MAX && next.p[0] == '?';

	for (size_t i = 1; good && i < next.n; i++) {
		char c = next.p[i];

		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("-._~:/@%=&", c) != NULL);
	}
	if (!good)
		return err_set(e, ERR_INTERNAL, "a next page that is no query");
	buf_addstr(&r->next, next);
	return 0;
}

static int
write_success(struct req *r, const struct reply *reply, struct err *e)
{
	struct str body = REC_HAS(reply, reply, body) ? reply->body : (struct str){"", 0};
	bool more = REC_HAS(reply, reply, more) && reply->more;
	bool reads = (r->method & (M_GET | M_HEAD)) != 0;

	if (r->res->paged) {
		if (REC_HAS(reply, reply, location) && take_next(r, reply->location, e) != 0)
			return -1;
	} else if (REC_HAS(reply, reply, location)) {
		if (check_url(reply->location) != NULL || reply->location.n > RENDER_LOCATION_MAX)
			return err_set(e, ERR_INTERNAL, "a location that is no URL");
		buf_addstr(&r->location, reply->location);
		return 0;
	}
	r->has_text = true;
	r->more = more;
	r->current = REC_HAS(reply, reply, current) && reply->current;
	if (res_is_endless(r->res))
		return more ? events_write(r, body, e) : err_set(e, ERR_INTERNAL, "events have no end");
	if (res_is_list(r->res) && reads)
		return write_list(r, body, more, e);
	if (more)
		return err_set(e, ERR_INTERNAL, "parts of what is no list");
	if (r->res->shape == SHAPE_PING) {
		r->has_text = r->res->family == FAM_TEXT;
		if (r->has_text)
			ping_text(r);
		return 0;
	}
	if ((r->res->family == FAM_BYTES && reads) || r->res->family == FAM_TEXT) {
		buf_addstr(&r->out, body);
		return 0;
	}
	if (r->res->record != NULL && (reads || (r->res->shape == SHAPE_CUSTOM && body.n > 0)))
		return write_single(r, body, e);
	r->has_text = false;
	return 0;
}

/* Only where the row and the method have one, whatever the backend says. */
static void
take_tag(struct req *r, const struct reply *reply)
{
	r->tagged = REC_HAS(reply, reply, etag) && reply->etag.n == sizeof(r->tag) &&
	    (r->method & (M_GET | M_HEAD)) != 0 && res_has_etag(r->res);
	if (r->tagged)
		memcpy(r->tag, reply->etag.p, sizeof(r->tag));
	r->replayed = REC_HAS(reply, reply, replayed) && reply->replayed;
}

static void
count_part(struct req *r, bool is_first)
{
	r->due += is_first ? CREDIT_AHEAD : 1;
	if (r->ahead > 0)
		r->ahead--;
}

void
render_reply(struct req *r, const struct reply *reply)
{
	bool is_first = r->state == REQ_WAIT;
	struct err e;

	err_clear(&e);
	if (is_first)
		take_tag(r, reply);
	if (reply->code != ERR_OK) {
		r->more = false;
		take_error(r, reply);
	} else if (write_success(r, reply, &e) != 0 || r->out.failed) {
		if (r->out.failed)
			err_set(&e, ERR_INTERNAL, "the answer is too long");
		log_bad_reply(r, &e);
		err_clear(&r->err);
		err_set(&r->err, ERR_INTERNAL, NULL);
	}
	arena_wipe(&r->arena);
	if (is_first && (r->err.code != ERR_OK || !r->more)) {
		req_move(r, REQ_ANSWER);
		return;
	}
	if (is_first)
		req_move(r, REQ_STREAM);
	/* A stream of events ends when its user may not have it any longer: that is no fault. */
	r->broken = r->err.code != ERR_OK && (!res_is_endless(r->res) || err_is_fault(r->err.code));
	count_part(r, is_first);
}

/* Monitors of /readyz get one status and one text, whatever is wrong. */
static bool
is_not_ready(const struct req *r)
{
	return r->res != NULL && r->res->number == RES_READYZ && err_status(r->err.code) >= 500;
}

void
render_error(struct req *r)
{
	buf_wipe(&r->out);
	r->has_text = true;
	if (is_not_ready(r)) {
		err_clear(&r->err);
		err_set(&r->err, ERR_UNAVAILABLE, NULL);
		buf_adds(&r->out, "backend is not available\n");
	}
	if (r->err.code == ERR_UNAVAILABLE && r->retry_after < 1)
		r->retry_after = 1;
	/* The legacy server's own codes have no document. */
	r->has_text = err_status(r->err.code) < 600;
	if (r->out.n == 0 && r->has_text)
		text_error(r->res, r->error_format, r->input, &r->err, &r->out);
}

/* By the name that the client has for it. */
static const char *
text_type(const struct req *r)
{
	static const char *const types[] = {"text/plain;charset=UTF-8", "text/csv;charset=UTF-8",
	    "text/comma-separated-values;charset=UTF-8", "text/x-vcard;charset=UTF-8",
	    "text/vcard;charset=UTF-8"};
	const char *name = r->accept.named;

	if (name == NULL)
		name = r->accept.format == FMT_VCARD ? "x-vcard" : r->res->csv_type;
	for (size_t i = 0; name != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strncmp(types[i] + 5, name, strlen(name)) == 0)
			return types[i];
	return types[0];
}

const char *
render_type(const struct req *r)
{
	if (!r->has_text)
		return NULL;
	if (is_not_ready(r))
		return "text/plain;charset=UTF-8";
	if (r->err.code != ERR_OK)
		return r->error_format == FMT_XML ? "text/xml" : "application/json;charset=UTF-8";
	if (r->res->family == FAM_BYTES)
		return r->res->media;
	if (res_is_endless(r->res))
		return "text/event-stream";
	if (r->res->family != FAM_TREE && r->res->family != FAM_BEAN)
		return "text/plain;charset=UTF-8";
	if (r->accept.format == FMT_XML)
		return r->accept.app_xml ? "application/xml" : "text/xml";
	if (r->accept.format == FMT_CSV || r->accept.format == FMT_VCARD)
		return text_type(r);
	return r->res->family == FAM_TREE ? "application/json" : "application/json;charset=UTF-8";
}

bool
render_varies(const struct req *r)
{
	if (r->res == NULL)
		return r->err.code != ERR_OK;
	return r->res->formats != 0 || (r->err.code != ERR_OK && !is_not_ready(r));
}
