/* SPDX-License-Identifier: ISC */
#include "gateway/req.h"

#include <assert.h>
#include <string.h>

#include "common/sink.h"
#include "common/text.h"
#include "gateway/card_body.h"
#include "gateway/cred.h"
#include "gateway/multipart.h"
#include "gateway/openapi.h"
#include "gateway/preconditions.h"
#include "gateway/query.h"

#define TO(state) (1u << (state))

static const unsigned next_states[REQ_STATES] = {
    [REQ_PARSE] = TO(REQ_WAIT) | TO(REQ_ANSWER) | TO(REQ_DONE),
    [REQ_WAIT] = TO(REQ_STREAM) | TO(REQ_ANSWER) | TO(REQ_DONE),
    [REQ_STREAM] = TO(REQ_DONE),
    [REQ_ANSWER] = TO(REQ_DONE),
    [REQ_DONE] = 0,
};

static const char welcome[] =
    "This is Tandem, the user services of a phone system.\n"
    "\n"
    "Resources are below /sipxconfig/rest, for example\n"
    "\n"
    "    curl -u NAME:PASSWORD https://HOST:8443/sipxconfig/rest/my/forward\n"
    "\n"
    "/livez says whether the gateway runs, /readyz whether the backend answers.\n"
    "/openapi.json describes every resource for programs; for people there are\n"
    "tandem-gateway(8) and the folder docs.\n";

void
req_init(struct req *r, struct http_request *http)
{
	memset(r, 0, sizeof(*r));
	r->http = http;
	r->error_format = FMT_JSON;
	r->input = FMT_JSON;
	arena_init(&r->arena, REQ_MEMORY_MAX);
	buf_init(&r->body, REQ_MESSAGE_MAX);
	buf_init(&r->out, REQ_MEMORY_MAX);
	buf_init(&r->location, REQ_TARGET_MAX);
	buf_init(&r->next, REQ_TARGET_MAX);
	buf_init(&r->log_path, REQ_TARGET_MAX);
}

void
req_sent(struct req *r)
{
	explicit_bzero(&r->msg, sizeof(r->msg));
	buf_wipe(&r->body);
	arena_wipe(&r->arena);
}

void
req_free(struct req *r)
{
	req_sent(r);
	buf_wipe(&r->out);
	buf_free(&r->location);
	buf_free(&r->next);
	buf_free(&r->log_path);
}

int
req_status(const struct req *r)
{
	return r->err.code == ERR_OK && r->location.n > 0 ? 302 : err_status(r->err.code);
}

void
req_move(struct req *r, enum req_state to)
{
	assert((next_states[r->state] & TO(to)) != 0);
	r->state = to;
}

void
req_fail(struct req *r, enum err_code code)
{
	err_clear(&r->err);
	err_set(&r->err, code, NULL);
	req_move(r, REQ_ANSWER);
}

static int
match(struct req *r, const struct req_in *in)
{
	struct res_keys keys;

	r->error_format = accept_for_error(in->accept);
	r->method = res_method(in->method);
	if (in->path.n + in->query.n > REQ_TARGET_MAX)
		return err_set(&r->err, ERR_URI_TOO_LONG, NULL);
	r->res = res_match(in->path, &keys, &r->arena, &r->err);
	if (r->res == NULL)
		return -1;
	r->private_path = keys.private_key.n > 0;
	if (res_is_private_key(keys.private_key))
		REC_SET(&r->msg, request, private_key, keys.private_key);
	if (keys.v[0].n > 0)
		REC_SET(&r->msg, request, key, keys.v[0]);
	if (keys.v[1].n > 0)
		REC_SET(&r->msg, request, key2, keys.v[1]);
	return 0;
}

static bool
is_number_of_item(struct str key)
{
	int64_t v;

	return str_to_i64(key, &v) && v > 0;
}

static int
check_method(struct req *r)
{
	const struct res *res = r->res;
	bool is_forbidden = (res->forbidden & r->method) != 0;

	if (!res_allows(res, r->method)) {
		if (is_forbidden)
			return err_set(&r->err, ERR_FORBIDDEN, "the request needs the number of an item");
		r->show_allow = true;
		return err_set(&r->err, ERR_METHOD, NULL);
	}
	if (res->shape == SHAPE_ITEM && !is_number_of_item(r->msg.key))
		return is_forbidden
		    ? err_set(&r->err, ERR_FORBIDDEN, "the request needs the number of an item")
		    : err_set(&r->err, ERR_NOT_FOUND, NULL);
	return 0;
}

static int
check_credentials(struct req *r, const struct req_in *in)
{
	struct cred c;

	if (r->res->access == ACCESS_PUBLIC)
		return 0;
	/* The key is the credential. Names and passwords that a browser adds by itself are not looked
	 * at: a message has one of them alone. */
	if (r->private_path)
		return REC_HAS(&r->msg, request, private_key) ? 0
		                                              : err_set(&r->err, ERR_UNAUTHORIZED, NULL);
	if (in->authorization.n == 0)
		return res_is_anonymous(r->res, r->method) ? 0 : err_set(&r->err, ERR_UNAUTHORIZED, NULL);
	cred_parse(in->authorization, &c, &r->arena);
	switch (c.kind) {
	case CRED_BASIC:
		REC_SET(&r->msg.cred, credentials, user, c.user);
		REC_SET(&r->msg.cred, credentials, password, c.password);
		r->msg.has |= REC_BIT(request, cred);
		break;
	case CRED_BEARER:
		REC_SET(&r->msg, request, cap, c.cap);
		r->bad_bearer = true; /* should the backend refuse it */
		break;
	default:
		r->bad_bearer = c.kind == CRED_BAD_BEARER;
		return err_set(&r->err, ERR_UNAUTHORIZED, NULL);
	}
	explicit_bzero(&c, sizeof(c));
	return 0;
}

/* Only answers with a document are negotiated: the others have nothing to choose. */
static bool
answers_document(const struct req *r)
{
	return r->res->record != NULL &&
	    ((r->method & (M_GET | M_HEAD)) != 0 ||
	        (r->res->shape == SHAPE_CUSTOM && r->method == M_POST && r->res->body == BODY_IGNORED &&
	            !r->res->listed));
}

static int
negotiate(struct req *r, const struct req_in *in)
{
	unsigned offered = r->res->formats;
	enum format first = FMT_JSON;

	if (offered == FMT_TEXT && !accept_text(in->accept))
		return err_set(&r->err, ERR_NOT_ACCEPTABLE, NULL);
	if (res_is_endless(r->res))
		first = FMT_EVENTS;
	else if (r->res->family != FAM_TREE && r->res->family != FAM_BEAN)
		return 0;
	if (r->res->family == FAM_TREE && (offered & FMT_XML) != 0)
		first = FMT_XML;
	if (r->res->first != FMT_NONE)
		first = r->res->first;
	if (!accept_choose(in->accept, offered, first, &r->accept) && answers_document(r))
		return err_set(&r->err, ERR_NOT_ACCEPTABLE, NULL);
	return 0;
}

/* What holds for every body that is looked at. */
static int
check_transfer(struct req *r, const struct req_in *in)
{
	if (r->method == M_PUT && in->content_range)
		return err_set(&r->err, ERR_NOT_IMPLEMENTED, "parts of a document cannot be written");
	if (in->content_encoding.n > 0 && !str_caseeqc(in->content_encoding, "identity"))
		return err_set(&r->err, ERR_MEDIA_TYPE, "documents must not be compressed");
	return 0;
}

static bool
is_too_long(const struct req *r, const struct req_in *in)
{
	return in->body.n > (r->res->max_body != 0 ? r->res->max_body : RES_BODY_MAX);
}

static int
read_file(struct req *r, const struct req_in *in)
{
	struct str file;

	if (check_transfer(r, in) != 0)
		return -1;
	if (is_too_long(r, in))
		return err_set(&r->err, ERR_TOO_LARGE, NULL);
	if (multipart_file(in->content_type, in->body, &file, &r->err) != 0)
		return -1;
	REC_SET(&r->msg, request, body, file);
	return 0;
}

static int
check_body_type(struct req *r, const struct req_in *in)
{
	const struct res *res = r->res;

	if (res->family == FAM_BEAN && (res->formats & FMT_XML) == 0)
		r->input = FMT_JSON;
	else if ((r->input = body_format(in->content_type, in->body)) == FMT_NONE)
		return err_set(&r->err, ERR_MEDIA_TYPE, NULL);
	if (in->body.n == 0)
		return err_set(&r->err, ERR_NO_ENTITY, NULL);
	return is_too_long(r, in) ? err_set(&r->err, ERR_TOO_LARGE, NULL) : 0;
}

static int
read_body(struct req *r, const struct req_in *in)
{
	const struct res *res = r->res;
	const struct rec *rec = res_input(res);
	void *obj;

	if ((r->method & (M_PUT | M_POST)) == 0 || res->body == BODY_IGNORED)
		return 0;
	if (res->body == BODY_FILE)
		return read_file(r, in);
	if (rec == NULL)
		return 0;
	if (check_transfer(r, in) != 0 || check_body_type(r, in) != 0)
		return -1;
	if ((obj = arena_alloc(&r->arena, rec->size)) == NULL)
		return err_set(&r->err, ERR_TOO_LARGE, NULL);
	if (text_read(res, r->input, in->body, obj, &r->arena, &r->err) != 0)
		return -1;
	if (rec == &rec_card_sync && card_body(obj, &r->arena, &r->err) != 0)
		return -1;
	if (rec_validate(rec, obj, res->update == UPDATE_MERGE, &r->err) != 0) {
		if (r->err.code == ERR_INVALID && res->invalid != ERR_OK)
			r->err.code = res->invalid;
		return -1;
	}
	mp_encode(rec, obj, &r->body, ENCODE_SECRETS);
	if (r->body.failed)
		return err_set(&r->err, ERR_TOO_LARGE, NULL);
	REC_SET(&r->msg, request, body, buf_str(&r->body));
	return 0;
}

/* A browser that connects anew names what it has in the field, behind the address with which its
 * page began; an empty text means nothing in both. */
static void
take_last_event(struct req *r, const struct req_in *in, const struct query_list *query)
{
	struct str text = in->last_event_id;
	int64_t id;

	for (size_t i = 0; text.n == 0 && i < query->n; i++)
		if (str_eqc(query->v[i].name, "lastEventId"))
			text = query->v[i].value;
	if (text.n == 0)
		return;
	/* What was never given out as a number gets the answer of one that has gone. */
	REC_SET(&r->msg, request, last_event_id, str_to_i64(text, &id) && id >= 0 ? id : -1);
}

static int
make_message(struct req *r, const struct req_in *in)
{
	struct query_list query;

	if (query_parse(in->query, &query, &r->arena, &r->err) != 0)
		return -1;
	if (query.n > 0)
		REC_SET(&r->msg, request, query, query);
	if (res_is_endless(r->res))
		take_last_event(r, in, &query);
	REC_SET(&r->msg, request, res, (int64_t)r->res->number);
	REC_SET(&r->msg, request, method, r->method == M_HEAD ? M_GET : (int64_t)r->method);
	REC_SET(&r->msg, request, trace, str_c(r->trace));
	if (in->client.n > 0)
		REC_SET(&r->msg, request, client, in->client);
	return 0;
}

static void
answer_locally(struct req *r, const struct req_in *in)
{
	r->has_text = true;
	switch (r->res->number) {
	case RES_LIVEZ:
		buf_adds(&r->out, "ok\n");
		break;
	case RES_OPENAPI:
		r->etag = openapi_etag();
		if (openapi_is_known(in->if_none_match)) {
			r->has_text = false;
			err_set(&r->err, ERR_NOT_MODIFIED, NULL);
		} else {
			buf_addstr(&r->out, openapi_text());
		}
		break;
	default:
		buf_adds(&r->out, welcome);
		break;
	}
}

static int
parse(struct req *r, const struct req_in *in)
{
	/* "OPTIONS *" asks about the server as a whole, which has no row. */
	bool whole = str_eqc(in->path, "*") && str_eqc(in->method, "OPTIONS");

	if (!whole && match(r, in) != 0)
		return -1;
	if (whole || r->method == M_OPTIONS) {
		r->show_allow = true;
		return 0;
	}
	if (check_method(r) != 0 || check_credentials(r, in) != 0 || negotiate(r, in) != 0)
		return -1;
	if (r->res->local) {
		answer_locally(r, in);
		return 0;
	}
	if (preconditions_read(r, in) != 0 || read_body(r, in) != 0 || make_message(r, in) != 0)
		return -1;
	req_move(r, REQ_WAIT);
	return 0;
}

/* Where the path itself is a secret its row's is shown. */
static void
set_log_path(struct req *r, struct str path)
{
	if (r->res != NULL && r->res->secret && !r->private_path)
		buf_adds(&r->log_path, r->res->path);
	else
		res_log_path(path, r->res != NULL, &r->log_path);
}

void
req_parse(struct req *r, const struct req_in *in)
{
	int rc = parse(r, in);

	set_log_path(r, in->path);
	if (rc == 0 && r->state == REQ_WAIT)
		return;
	/* What was put into a message must not outlive the refusal. */
	req_sent(r);
	req_move(r, REQ_ANSWER);
}
