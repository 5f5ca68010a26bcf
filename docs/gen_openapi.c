/* SPDX-License-Identifier: ISC */
/* What the OpenAPI document says once: about itself, and what operations refer to. */
#include <stdio.h>
#include <string.h>

#include "common/release.h"
#include "docs/gen.h"

static const char about[] =
    "The user services of a phone system, wire-compatible with sipXconfig's user API.\n"
    "\n"
    "Paths are understood below `/sipxconfig/rest` and at the root of the server alike; one slash "
    "at the end makes no difference. Those below `/my` are below `/private/{key}` as well, for the "
    "user "
    "with that private key, but for those that change how a user logs in. HEAD goes wherever GET "
    "goes, OPTIONS needs no credentials.\n"
    "\n"
    "The format of an answer follows `Accept`; the media type named first is the answer's when "
    "the client has no preference. Requests are read by `Content-Type`; without one, or with "
    "`text/plain` or `application/x-www-form-urlencoded`, the first character decides. Unknown "
    "members are ignored, members given twice are refused.\n"
    "\n"
    "Errors are JSON, or XML where `Accept` prefers it.";

/* json_pack() with its result checked. */
#define pack(...) packed(json_pack(__VA_ARGS__))

static json_t *
packed(json_t *j)
{
	if (j == NULL)
		gen_die("out of memory");
	return j;
}

static json_t *
error_types(void)
{
	json_t *j = json_array();

	for (int c = ERR_OK + 1; c < ERR_COUNT; c++)
		if (err_status((enum err_code)c) >= 400)
			gen_append(j, json_string(err_name((enum err_code)c)));
	return j;
}

static void
add_error_schemas(json_t *schemas)
{
	static const char text[] = "What is wrong, for people.",
	                  type[] = "What is wrong, for programs.",
	                  field[] = "The member it is about, as the client spells it.";

	gen_set(schemas, "Error",
	    pack("{s:s,s:s,s:[s,s],s:{s:{s:s,s:s},s:{s:s,s:s,s:o},s:{s:s,s:s}}}", "type", "object",
	        "description", "Why a request failed.", "required", "error", "type", "properties",
	        "error", "type", "string", "description", text, "type", "type", "string", "description",
	        type, "enum", error_types(), "field", "type", "string", "description", field));
	gen_set(schemas, "ErrorXml",
	    pack("{s:s,s:s,s:{s:s},s:[s,s],s:{s:{s:s,s:s},s:{s:s,s:s,s:o},s:{s:s,s:s}}}", "type",
	        "object", "description", "Why a request failed.", "xml", "name", "error", "required",
	        "message", "type", "properties", "message", "type", "string", "description", text,
	        "type", "type", "string", "description", type, "enum", error_types(), "field", "type",
	        "string", "description", field));
}

static void
add_headers(json_t *components)
{
	static const struct {
		const char *name, *type, *doc;
	} all[] = {
	    {"XRequestId", "string", "Name of the request in the server's log."},
	    {"ETag", "string", "Changes with the document; to be sent in If-None-Match or If-Match."},
	    {"Allow", "string", "Methods that the path serves."},
	    {"RetryAfter", "integer", "Seconds after which another try makes sense."},
	    {"WWWAuthenticate", "string",
	        "How to log in: Basic, and Bearer where a token was refused."},
	};
	json_t *headers = json_object();

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		gen_set(headers, all[i].name,
		    pack("{s:s,s:{s:s}}", "description", all[i].doc, "schema", "type", all[i].type));
	gen_set(components, "headers", headers);
}

static void
add_parameters(json_t *components)
{
	static const struct {
		const char *component, *name, *doc;
	} all[] = {
	    {"IfNoneMatch", "If-None-Match",
	        "ETags of what the client has: 304 when one of them is still good."},
	    {"IfMatch", "If-Match", "ETag of what is to be changed: 412 when it has changed since."},
	    {"LastEventId", "Last-Event-ID",
	        "Number of the last event that the client has: the stream goes on behind it, or begins "
	        "with an event `reset` when what follows has gone. Without it the stream begins with "
	        "what is new."},
	    {"IdempotencyKey", "Idempotency-Key",
	        "Name of this change, chosen by the client: sent again within 24 hours it is answered "
	        "as the first time and not done again; with another document it is refused with 422."},
	};
	json_t *params = json_object();

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		gen_set(params, all[i].component,
		    pack("{s:s,s:s,s:s,s:{s:s}}", "name", all[i].name, "in", "header", "description",
		        all[i].doc, "schema", "type", "string"));
	gen_set(components, "parameters", params);
}

static json_t *
error_content(void)
{
	return pack("{s:{s:o},s:{s:o}}", "application/json", "schema", gen_ref("schemas", "Error"),
	    "text/xml", "schema", gen_ref("schemas", "ErrorXml"));
}

static json_t *
describe_status(int status)
{
	const char *phrase = http_reason(status);
	json_t *j;
	struct buf b;

	buf_init(&b, GEN_TEXT_MAX);
	buf_printf(&b, "%s.", strcmp(phrase, "Unknown") == 0 ? "Refused" : phrase);
	for (int c = ERR_OK + 1; c < ERR_COUNT; c++) {
		struct err e = {.code = (enum err_code)c};

		if (err_status(e.code) == status)
			buf_printf(&b, " `%s`: %s.", err_name(e.code), err_text(&e));
	}
	j = gen_text("%.*s", (int)b.n, b.p);
	buf_free(&b);
	return j;
}

static json_t *
error_response(int status)
{
	json_t *j = json_object(), *headers = json_object();

	gen_set(j, "description", describe_status(status));
	gen_set(headers, "X-Request-Id", gen_ref("headers", "XRequestId"));
	if (status == 401)
		gen_set(headers, "WWW-Authenticate", gen_ref("headers", "WWWAuthenticate"));
	if (status == 429 || status == 503)
		gen_set(headers, "Retry-After", gen_ref("headers", "RetryAfter"));
	gen_set(j, "headers", headers);
	gen_set(j, "content", error_content());
	return j;
}

static bool
is_used(int status)
{
	for (size_t i = 0; i < all_resources_count; i++)
		for (size_t m = 0; m < gen_methods_count; m++)
			if (res_allows(&all_resources[i], gen_methods[m]) &&
			    gen_has_status(&all_resources[i], gen_methods[m], status))
				return true;
	return false;
}

void
gen_common(json_t *components)
{
	json_t *responses = json_object();

	gen_set(responses, "NotModified",
	    pack("{s:s,s:{s:o,s:o}}", "description", "What the client has is still good", "headers",
	        "X-Request-Id", gen_ref("headers", "XRequestId"), "ETag", gen_ref("headers", "ETag")));
	for (int status = gen_next_status(399); status != 0; status = gen_next_status(status)) {
		char name[64];

		if (!is_used(status))
			continue;
		gen_status_name(status, name, sizeof(name));
		gen_set(responses, name, error_response(status));
	}
	gen_set(responses, "Error",
	    pack("{s:s,s:{s:o},s:o}", "description",
	        "Any request may be refused before its resource is known: with 408, 414, 417, 421, 431 "
	        "or 505.",
	        "headers", "X-Request-Id", gen_ref("headers", "XRequestId"), "content",
	        error_content()));
	gen_set(components, "schemas", json_object());
	add_error_schemas(json_object_get(components, "schemas"));
	gen_set(components, "responses", responses);
	add_parameters(components);
	add_headers(components);
	gen_set(components, "securitySchemes",
	    pack("{s:{s:s,s:s,s:s},s:{s:s,s:s,s:s}}", "basic", "type", "http", "scheme", "basic",
	        "description", "Name and password of the user (RFC 7617).", "bearer", "type", "http",
	        "scheme", "bearer", "description", "Token that POST /session answers (RFC 6750)."));
}

static json_t *
tags_of(json_t *paths)
{
	json_t *tags = json_array(), *seen = json_object(), *item, *op;
	const char *path, *method;

	json_object_foreach (paths, path, item) {
		json_object_foreach (item, method, op) {
			const char *tag = json_string_value(json_array_get(json_object_get(op, "tags"), 0));

			if (tag == NULL || json_object_get(seen, tag) != NULL)
				continue;
			gen_append(tags, pack("{s:s}", "name", tag));
			gen_set(seen, tag, json_true());
		}
	}
	json_decref(seen);
	return tags;
}

json_t *
gen_openapi(void)
{
	json_t *doc = json_object(), *paths = json_object(), *components = json_object();

	gen_common(components);
	for (size_t i = 0; i < all_resources_count; i++) {
		const struct res *r = &all_resources[i];

		if (json_object_get(paths, r->path) != NULL)
			gen_die("%s: two rows with the path %s", r->id, r->path);
		gen_set(paths, r->path, gen_path_item(components, r));
	}
	gen_set(doc, "openapi", json_string("3.1.0"));
	gen_set(doc, "info",
	    pack("{s:s,s:s,s:s,s:{s:s,s:s}}", "title", "Tandem", "version", TANDEM_RELEASE,
	        "description", about, "license", "name", "ISC", "identifier", "ISC"));
	gen_set(doc, "servers",
	    pack("[{s:s,s:s}]", "url", "/sipxconfig/rest", "description",
	        "The server that answers this"));
	gen_set(doc, "security", pack("[{s:[]},{s:[]}]", "basic", "bearer"));
	gen_set(doc, "tags", tags_of(paths));
	gen_set(doc, "paths", paths);
	gen_set(doc, "components", components);
	return doc;
}
