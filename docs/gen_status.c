/* SPDX-License-Identifier: ISC */
/*
 * Which statuses a method of a row can answer, worked out from the row:
 *
 *   200  always; with a document where the row has a record and the method reads (or is the POST
 *        of a row whose request has no document of its own)
 *   304  GET and HEAD of a document, when If-None-Match names what the client has
 *   400  always: the path or the query cannot be decoded; a document cannot be read or breaks a
 *        rule of its record
 *   401  unless the row is public
 *   403  rows for administrators or with a permission; writes to an item of a group; items of
 *        others where the row says so (.foreign)
 *   404  rows with a parameter in their path (one that is too long, where it is the value itself)
 *   405  methods that a row does not serve: said once per path, since no operation answers it
 *   406  documents in a format that the row has not
 *   412  writes with If-Match or If-None-Match
 *   413, 415, 501  requests with a document: too large, of another type, only a part of it
 *   422  writes with an Idempotency-Key that stood for another request; documents that break a
 *        rule where the row says so (.invalid)
 *   429  unless the row is public: too many requests or wrong passwords
 *   500, 503, 504  rows that the backend serves
 *   507  writes, when the store is full, or (other than DELETE) when the user has too much in it
 *   and what the row lists as .errors, for its writes (where it has none, for its reads).
 *
 * What any request may meet before its row is known (408, 414, 417, 421, 431, 505) is the default
 * response.
 */
#include <stdio.h>
#include <string.h>

#include "docs/gen.h"

enum { WRITES = M_PUT | M_POST | M_DELETE, READS = M_GET | M_HEAD };

const enum method gen_methods[] = {M_GET, M_PUT, M_POST, M_DELETE, M_HEAD, M_OPTIONS};
const size_t gen_methods_count = sizeof(gen_methods) / sizeof(gen_methods[0]);

bool
gen_reads(const struct res *r, enum method m)
{
	if ((m & (M_PUT | M_POST)) == 0 || r->body == BODY_IGNORED)
		return false;
	return r->body == BODY_FILE ? m == M_POST : res_input(r) != NULL;
}

bool
gen_answers(const struct res *r, enum method m)
{
	if (r->record == NULL)
		return (m & M_GET) != 0 && r->family != FAM_NONE;
	return (m & M_GET) != 0 ||
	    (m == M_POST && r->shape == SHAPE_CUSTOM && r->body == BODY_IGNORED && !r->listed);
}

bool
gen_has_etag(const struct res *r, enum method m)
{
	/* Of the local ones only documents stay the same: the others say how things are. */
	return (m & READS) != 0 && (res_has_etag(r) || (r->local && r->family == FAM_BEAN));
}

bool
gen_takes_if_match(const struct res *r, enum method m)
{
	return (m & WRITES) != 0 && res_has_etag(r);
}

bool
gen_takes_key(const struct res *r, enum method m)
{
	/* A session is opened anew however often it is asked for. */
	return (m & WRITES) != 0 && !r->local && r->rate != RATE_LOGIN;
}

static bool
is_listed(const struct res *r, enum method m, enum err_code code)
{
	unsigned mine = (r->methods & WRITES) != 0 ? WRITES : READS;

	for (const enum err_code *c = r->errors; c != NULL && *c != ERR_OK; c++)
		if (*c == code)
			return (m & mine) != 0;
	return false;
}

static bool
is_refused(const struct res *r, enum method m)
{
	if (r->access == ACCESS_ADMIN || r->permission != 0 || r->foreign == ERR_FORBIDDEN)
		return true;
	return r->shape == SHAPE_ITEM && (m & WRITES) != 0;
}

bool
gen_may_fail(const struct res *r, enum method m, enum err_code code)
{
	bool reads = gen_reads(r, m), open = r->access == ACCESS_PUBLIC;
	bool takes = reads || (r->path_value && (m & WRITES) != 0);

	if (m == M_OPTIONS)
		return code == ERR_BAD_REQUEST;
	if (is_listed(r, m, code) || (takes && code == r->invalid && code != ERR_OK))
		return true;
	switch (code) {
	case ERR_BAD_REQUEST:
		return true;
	case ERR_INVALID:
		return takes && r->invalid == ERR_OK;
	case ERR_MALFORMED:
	case ERR_NO_ENTITY:
	case ERR_TOO_LARGE:
	case ERR_MEDIA_TYPE:
		return reads;
	case ERR_NOT_IMPLEMENTED:
		return reads && m == M_PUT;
	case ERR_UNAUTHORIZED:
	case ERR_TOO_MANY:
		return !open;
	case ERR_FORBIDDEN:
		return is_refused(r, m);
	case ERR_NOT_FOUND:
		return strchr(r->path, '{') != NULL;
	case ERR_NOT_ACCEPTABLE:
		return r->record != NULL && (gen_answers(r, m) || m == M_HEAD);
	case ERR_PRECONDITION:
		return gen_takes_if_match(r, m);
	case ERR_UNPROCESSABLE:
		return gen_takes_key(r, m);
	case ERR_INTERNAL:
	case ERR_DEADLINE:
		/* Monitors get one status, whatever is wrong. */
		return !r->local && !(r->shape == SHAPE_PING && open);
	case ERR_UNAVAILABLE:
		return !r->local;
	case ERR_NO_SPACE:
		return !r->local && (m & WRITES) != 0;
	case ERR_QUOTA:
		return !r->local && !open && (m & (M_PUT | M_POST)) != 0;
	default:
		return false;
	}
}

bool
gen_has_status(const struct res *r, enum method m, int status)
{
	for (int c = ERR_OK + 1; c < ERR_COUNT; c++)
		if (err_status((enum err_code)c) == status && gen_may_fail(r, m, (enum err_code)c))
			return true;
	return false;
}

int
gen_next_status(int after)
{
	int next = 0;

	for (int c = ERR_OK + 1; c < ERR_COUNT; c++) {
		int status = err_status((enum err_code)c);

		if (status > after && (next == 0 || status < next))
			next = status;
	}
	return next;
}

void
gen_status_name(int status, char *ret, size_t size)
{
	const char *phrase = http_reason(status);

	if (strcmp(phrase, "Unknown") == 0)
		snprintf(ret, size, "Status%d", status);
	else
		gen_pascal(phrase, ret, size);
}

size_t
gen_media(const struct res *r, bool input, struct gen_media ret[GEN_MEDIA_MAX])
{
	bool is_csv = r->csv_type != NULL && strcmp(r->csv_type, "comma-separated-values") == 0;
	const struct gen_media known[] = {{"text/xml", FMT_XML}, {"application/xml", FMT_XML},
	    {"application/json", FMT_JSON}, {"text/plain", FMT_TEXT},
	    {is_csv ? "text/comma-separated-values" : "text/plain", FMT_CSV}, {"text/csv", FMT_CSV},
	    {"text/x-vcard", FMT_VCARD}, {"text/vcard", FMT_VCARD}, {"text/event-stream", FMT_EVENTS}};
	enum format first = r->first != FMT_NONE ? r->first
	    : r->family == FAM_BEAN              ? FMT_JSON
	                                         : FMT_NONE;
	unsigned rest = r->formats;
	size_t n = 0;

	if (r->family == FAM_TEXT)
		rest |= FMT_TEXT;
	/* What is read does not depend on what is offered. */
	if (input && r->body == BODY_FILE) {
		ret[n++] = (struct gen_media){"multipart/form-data", FMT_NONE};
		return n;
	}
	if (!input && r->family == FAM_BYTES) {
		ret[n++] = (struct gen_media){r->media, FMT_NONE};
		return n;
	}
	if (input)
		rest = r->xml_root != NULL ? FMT_XML | FMT_JSON : FMT_JSON;
	/* What wins a tie comes first, the others in the order of the list. */
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if ((rest & known[i].format) != 0 && (known[i].format == first) == (round == 0))
				ret[n++] = known[i];
	if ((rest & ~(unsigned)(FMT_XML | FMT_JSON | FMT_TEXT | FMT_CSV | FMT_VCARD | FMT_EVENTS)) != 0)
		gen_die("%s: a format has no media type in gen_media()", r->id);
	return n;
}
