/* SPDX-License-Identifier: ISC */
#include "gateway/fields.h"

#include <stdio.h>

#include <kore/kore.h>
#include <kore/http.h>

#include "gateway/bus.h"
#include "gateway/preconditions.h"
#include "gateway/render.h"
#include "gateway/settings.h"

/* Nothing here is a page: a browser that is made to show an answer shall load, run and frame
 * nothing, and tell nobody its address. */
#define FOR_BROWSERS                                                          \
	"x-content-type-options: nosniff\r\n"                                     \
	"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n" \
	"x-frame-options: DENY\r\n"                                               \
	"referrer-policy: no-referrer\r\n"

#define PREFLIGHT_SECONDS "3600"

void
fields_start(void)
{
	static char all[512];
	size_t n = (size_t)snprintf(all, sizeof(all), FOR_BROWSERS);

	if (settings.conf.gateway_hsts > 0)
		n += (size_t)snprintf(all + n, sizeof(all) - n,
		    "strict-transport-security: max-age=%lld\r\n", (long long)settings.conf.gateway_hsts);
	/* What is sent to one origin must not be taken for another's, refusals included. */
	if (settings.cors.n > 0)
		snprintf(all + n, sizeof(all) - n, "vary: Origin\r\n");
	http_fields_set(
	    all, "cache-control: no-store\r\ncross-origin-resource-policy: same-origin\r\n");
}

static void
add_allow(struct req *r, const char *name)
{
	char text[128];
	struct buf b;

	buf_init(&b, sizeof(text) - 1);
	if (r->res != NULL)
		res_allow_header(r->res, &b);
	else
		buf_adds(&b, "GET, PUT, POST, DELETE, HEAD, OPTIONS");
	snprintf(text, sizeof(text), "%.*s", (int)b.n, buf_str(&b).p);
	buf_free(&b);
	http_response_header(r->http, name, text);
}

static void
add_challenges(struct req *r)
{
	char text[512];

	if (r->err.code != ERR_UNAUTHORIZED)
		return;
	snprintf(text, sizeof(text), "Basic realm=\"%s\", charset=\"UTF-8\"", bus_realm());
	http_response_header(r->http, "www-authenticate", text);
	if (!r->bad_bearer)
		return;
	snprintf(text, sizeof(text), "Bearer realm=\"%s\", error=\"invalid_token\"", bus_realm());
	http_response_header(r->http, "www-authenticate", text);
}

/* Only what has an ETag may be kept, to be asked about before each use; everything else (secrets,
 * errors, writes, what is new each time) is in no cache at all. */
static void
add_caching(struct req *r)
{
	bool is_public = r->res != NULL && res_is_anonymous(r->res, r->method);
	char text[ETAG_TEXT];

	http_response_header(
	    r->http, "cross-origin-resource-policy", is_public ? "cross-origin" : "same-origin");
	if (r->etag != NULL) {
		http_response_header(r->http, "etag", r->etag);
		http_response_header(r->http, "cache-control", "public, max-age=3600");
		return;
	}
	if (!r->tagged || (r->err.code != ERR_OK && r->err.code != ERR_NOT_MODIFIED)) {
		http_response_header(r->http, "cache-control", "no-store");
		return;
	}
	etag_text(r, text);
	http_response_header(r->http, "etag", text);
	http_response_header(r->http, "cache-control", is_public ? "no-cache" : "private, no-cache");
}

/* Other origins get nothing, not even a refusal: without these fields the browser refuses. */
static void
add_cors(struct req *r)
{
	if (r->origin == NULL)
		return;
	http_response_header(r->http, "access-control-allow-origin", r->origin);
	http_response_header(r->http, "access-control-allow-credentials", "true");
	if (!r->preflight) {
		http_response_header(r->http, "access-control-expose-headers",
		    "ETag, Link, X-Request-Id, Retry-After, Idempotency-Replayed");
	} else if (r->err.code == ERR_OK) {
		add_allow(r, "access-control-allow-methods");
		http_response_header(r->http, "access-control-allow-headers",
		    "authorization, content-type, accept, if-match, if-none-match, idempotency-key");
		http_response_header(r->http, "access-control-max-age", PREFLIGHT_SECONDS);
	}
}

void
fields_add(struct req *r)
{
	struct http_request *h = r->http;
	const char *type = render_type(r);
	char text[64], location[RENDER_LOCATION_MAX + 1], link[RENDER_LOCATION_MAX + 20];

	add_caching(r);
	http_response_header(h, "x-request-id", r->trace);
	if (type != NULL)
		http_response_header(h, "content-type", type);
	if (render_varies(r))
		http_response_header(h, "vary", "Accept");
	if (r->err.code == ERR_OK && r->location.n > 0) {
		snprintf(location, sizeof(location), "%.*s", (int)r->location.n, r->location.p);
		http_response_header(h, "location", location);
	}
	/* RFC 8288; relative to what was asked for. */
	if (r->err.code == ERR_OK && r->next.n > 0) {
		snprintf(link, sizeof(link), "<%.*s>; rel=\"next\"", (int)r->next.n, r->next.p);
		http_response_header(h, "link", link);
	}
	if (r->retry_after > 0) {
		snprintf(text, sizeof(text), "%lld", (long long)r->retry_after);
		http_response_header(h, "retry-after", text);
	}
	/* A proxy that gathers what it passes on would hold events back. */
	if (r->state == REQ_STREAM && res_is_endless(r->res))
		http_response_header(h, "x-accel-buffering", "no");
	if (r->replayed)
		http_response_header(h, "idempotency-replayed", "true");
	if (r->show_allow)
		add_allow(r, "allow");
	add_challenges(r);
	add_cors(r);
}
