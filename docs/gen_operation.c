/* SPDX-License-Identifier: ISC */
/* Operations: a row and a method, with parameters, documents and every status. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "docs/gen.h"

enum { ERROR_EXAMPLES_MAX = 4 };

/* "Read", "Change", … where the shape tells; the method itself where it does not. */
static const char *
verb(const struct res *r, enum method m)
{
	if (r->shape == SHAPE_CUSTOM || r->shape == SHAPE_PING)
		return m == M_GET ? "Read" : res_method_name(m);
	switch (m) {
	case M_GET:
		return r->shape == SHAPE_COLLECTION ? "List" : "Read";
	case M_PUT:
		return r->update == UPDATE_MERGE ? "Change" : "Replace";
	case M_POST:
		return "Create in";
	case M_DELETE:
		return "Remove";
	default:
		return res_method_name(m);
	}
}

/* The first segment that says something: "callfwd" of "/my/callfwd/{id}". */
static void
tag_of(const struct res *r, char *ret, size_t size)
{
	struct str rest = str_c(r->path + 1), part = {"", 0};

	while (rest.n > 0) {
		str_cut(rest, '/', &part, &rest);
		if (part.p[0] != '{' && !str_eqc(part, "my"))
			break;
	}
	if (r->access == ACCESS_PUBLIC || part.n == 0)
		part = STR_LIT("server");
	snprintf(ret, size, "%.*s", (int)part.n, part.p);
}

static bool
is_in_path(const struct res *r, const char *name)
{
	char braced[80];

	snprintf(braced, sizeof(braced), "{%s}", name);
	return strstr(r->path, braced) != NULL;
}

static void
add_parameters(json_t *op, const struct res *r, enum method m)
{
	json_t *list = json_array();
	enum method as = m == M_HEAD ? M_GET : m;

	for (const struct res_param *p = r->params; p != NULL && p->name != NULL; p++)
		if (!is_in_path(r, p->name) && m != M_OPTIONS &&
		    (p->methods == 0 || (p->methods & as) != 0))
			gen_append(list, gen_parameter(p, false));
	if (res_is_endless(r) && m != M_OPTIONS)
		gen_append(list, gen_ref("parameters", "LastEventId"));
	if (gen_has_etag(r, m))
		gen_append(list, gen_ref("parameters", "IfNoneMatch"));
	if (gen_takes_if_match(r, m))
		gen_append(list, gen_ref("parameters", "IfMatch"));
	if (gen_takes_key(r, m))
		gen_append(list, gen_ref("parameters", "IdempotencyKey"));
	if (json_array_size(list) > 0)
		gen_set(op, "parameters", list);
	else
		json_decref(list);
}

/* As it goes through the stream, from what stands behind "data:". */
static json_t *
example_event(const struct res *r, struct str text)
{
	json_error_t e;
	json_t *data, *j;

	text = str_trim(text);
	if ((data = json_loadb(text.p, text.n, 0, &e)) == NULL)
		gen_die("%s: an example is no JSON: %s", r->id, e.text);
	j = gen_text("id: %lld\nevent: %s\ndata: %.*s\n\n",
	    (long long)json_integer_value(json_object_get(data, "id")),
	    json_string_value(json_object_get(data, "type")), (int)text.n, text.p);
	json_decref(data);
	return j;
}

static json_t *
example_value(const struct res *r, enum format fmt, struct str text)
{
	json_error_t e;
	json_t *j;

	if (fmt == FMT_EVENTS)
		return example_event(r, text);
	if (fmt != FMT_JSON)
		return gen_text("%.*s", (int)text.n, text.p);
	if ((j = json_loadb(text.p, text.n, 0, &e)) == NULL)
		gen_die("%s: an example is no JSON: %s", r->id, e.text);
	return j;
}

static void
add_examples(json_t *media, const struct res *r, enum format fmt, const struct gen_examples *x)
{
	json_t *all = json_object();

	for (size_t i = 0; i < x->n; i++) {
		json_t *one = json_object();

		gen_set(one, "value", example_value(r, fmt, x->v[i].text));
		gen_set(all, x->v[i].name, one);
	}
	if (x->n > 0)
		gen_set(media, "examples", all);
	else
		json_decref(all);
}

static json_t *
content(json_t *schemas, const struct res *r, enum method m, enum gen_use use)
{
	struct gen_media types[GEN_MEDIA_MAX];
	size_t n = gen_media(r, use != GEN_ANSWER, types);
	json_t *j = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *media = json_object();
		struct gen_examples x = {.n = 0};

		gen_set(media, "schema", gen_document(schemas, r, m, types[i].format, use));
		if ((types[i].format & (FMT_XML | FMT_JSON)) != 0 && use != GEN_ANSWER)
			gen_example_inputs(r, types[i].format, &x);
		else if ((types[i].format & (FMT_XML | FMT_JSON)) != 0 && r->record != NULL)
			gen_example_answers(r, types[i].format, &x);
		else if (types[i].format == FMT_EVENTS)
			gen_example_answers(r, FMT_JSON, &x);
		add_examples(media, r, types[i].format, &x);
		gen_examples_free(&x);
		gen_set(j, types[i].type, media);
	}
	return j;
}

static void
add_header(json_t *headers, const char *field, const char *component)
{
	gen_set(headers, field, gen_ref("headers", component));
}

static json_t *
success(json_t *schemas, const struct res *r, enum method m)
{
	json_t *j = json_object(), *headers = json_object();

	gen_set(j, "description",
	    json_string(m == M_OPTIONS  ? "What the path serves, in Allow"
	            : m == M_HEAD       ? "As GET, without the document"
	            : gen_answers(r, m) ? "The document"
	            : (m & M_GET) != 0  ? "Nothing but the status"
	                                : "Done"));
	add_header(headers, "X-Request-Id", "XRequestId");
	if (gen_has_etag(r, m))
		add_header(headers, "ETag", "ETag");
	if (m == M_OPTIONS)
		add_header(headers, "Allow", "Allow");
	gen_set(j, "headers", headers);
	if (gen_answers(r, m))
		gen_set(j, "content", content(schemas, r, m, GEN_ANSWER));
	return j;
}

/* An error of the row with examples of its own; the fields are those of the common response. */
static json_t *
error_with_examples(json_t *components, const char *name, const struct res *r, int status)
{
	json_t *common = json_object_get(json_object_get(components, "responses"), name);
	struct gen_examples x;
	json_t *j = NULL;

	gen_example_errors(r, status, &x);
	if (x.n > ERROR_EXAMPLES_MAX)
		x.n = ERROR_EXAMPLES_MAX;
	if (x.n > 0) {
		if ((j = json_deep_copy(common)) == NULL)
			gen_die("out of memory");
		add_examples(
		    json_object_get(json_object_get(j, "content"), "application/json"), r, FMT_JSON, &x);
	}
	gen_examples_free(&x);
	return j;
}

/* Monitors of /readyz get a line of text. */
static json_t *
not_ready(void)
{
	json_t *j =
	    json_pack("{s:s,s:{s:o,s:o},s:{s:{s:{s:s}}}}", "description", "The backend does not answer",
	        "headers", "X-Request-Id", gen_ref("headers", "XRequestId"), "Retry-After",
	        gen_ref("headers", "RetryAfter"), "content", "text/plain", "schema", "type", "string");

	if (j == NULL)
		gen_die("out of memory");
	return j;
}

static json_t *
responses(json_t *components, const struct res *r, enum method m)
{
	json_t *j = json_object();

	gen_set(j, "200", success(json_object_get(components, "schemas"), r, m));
	if (gen_has_etag(r, m))
		gen_set(j, "304", gen_ref("responses", "NotModified"));
	for (int status = gen_next_status(399); status != 0; status = gen_next_status(status)) {
		json_t *one = NULL;
		char name[64], key[32];

		if (!gen_has_status(r, m, status))
			continue;
		gen_status_name(status, name, sizeof(name));
		/* OpenAPI has no keys for statuses beyond 599, which the legacy API uses. */
		snprintf(key, sizeof(key), "%s%d", status > 599 ? "x-status-" : "", status);
		if (gen_reads(r, m))
			one = error_with_examples(components, name, r, status);
		if (one == NULL && r->shape == SHAPE_PING && r->family == FAM_TEXT && status == 503)
			one = not_ready();
		gen_set(j, key, one != NULL ? one : gen_ref("responses", name));
	}
	gen_set(j, "default", gen_ref("responses", "Error"));
	return j;
}

static void
add_body(json_t *op, json_t *schemas, const struct res *r, enum method m)
{
	static const char *const lenient[] = {
	    [FAM_TREE] = "Every scalar may come as a text, a list of one as the item itself; only "
	                 "`true` is true, and `null` counts as absent.",
	    [FAM_BEAN] =
	        "In JSON `\"15\"` and `20.7` are understood as integers, numbers as texts, `0` "
	        "and `1` as booleans; `\"\"` and `null` are absent numbers and booleans.",
	};
	json_t *body = json_object();
	struct buf b;

	buf_init(&b, GEN_TEXT_MAX);
	if (r->body == BODY_FILE) {
		buf_adds(&b, "One part, with the file.");
	} else {
		buf_adds(&b,
		    r->update == UPDATE_MERGE ? "What is left out stays as it is. "
		                              : "What is left out is cleared or gets its default. ");
		buf_adds(&b, lenient[r->family]);
	}
	if (r->json_style == ROOT_BOTH)
		buf_printf(&b, " The members may also stand below `%s`.", r->json_root);
	if (r->root_alias != NULL)
		buf_printf(&b, " The root may be called `%s` as well.", r->root_alias);
	buf_printf(&b, " At most %zu bytes.", r->max_body != 0 ? r->max_body : (size_t)RES_BODY_MAX);
	gen_set(body, "description", gen_text("%.*s", (int)b.n, b.p));
	buf_free(&b);
	gen_set(body, "required", json_true());
	gen_set(body, "content", content(schemas, r, m, gen_input_use(r)));
	gen_set(op, "requestBody", body);
}

/* "get", the method's name in documents. */
static void
lower(enum method m, char ret[16])
{
	const char *name = res_method_name(m);
	size_t n = 0;

	for (; name[n] != '\0' && n < 15; n++)
		ret[n] = (char)tolower((unsigned char)name[n]);
	ret[n] = '\0';
}

static void
name_operation(json_t *op, const struct res *r, enum method m)
{
	char method[16], id[96], tag[96];
	json_t *tags = json_array();

	lower(m, method);
	gen_pascal(r->id, id, sizeof(id));
	tag_of(r, tag, sizeof(tag));
	gen_append(tags, json_string(tag));
	gen_set(op, "tags", tags);
	gen_set(op, "operationId", gen_text("%s%s", method, id));
	gen_set(op, "summary", gen_text("%s %s", verb(r, m), r->path));
	gen_set(op, "description", json_string(r->doc));
}

/* Credentials are welcome, and wrong ones refused. */
static json_t *
optional(void)
{
	json_t *j = json_pack("[{},{s:[]},{s:[]}]", "basic", "bearer");

	if (j == NULL)
		gen_die("out of memory");
	return j;
}

static json_t *
operation(json_t *components, const struct res *r, enum method m)
{
	json_t *op = json_object();

	name_operation(op, r, m);
	if (r->access == ACCESS_PUBLIC || m == M_OPTIONS)
		gen_set(op, "security", json_array());
	else if (res_is_anonymous(r, m))
		gen_set(op, "security", optional());
	add_parameters(op, r, m);
	if (gen_reads(r, m))
		add_body(op, json_object_get(components, "schemas"), r, m);
	gen_set(op, "responses", responses(components, r, m));
	return op;
}

static json_t *
describe_path(const struct res *r)
{
	struct buf b, allow;
	bool first = true;
	json_t *j;

	buf_init(&b, GEN_TEXT_MAX);
	buf_init(&allow, GEN_TEXT_MAX);
	res_allow_header(r, &allow);
	buf_printf(&b, "%s Any other method than %.*s answers 405 with `Allow`", r->doc, (int)allow.n,
	    allow.p);
	for (size_t i = 0; i < gen_methods_count; i++) {
		if ((r->forbidden & gen_methods[i]) == 0 || res_allows(r, gen_methods[i]))
			continue;
		buf_printf(&b, "%s%s", first ? ", but 403 for " : " and ", res_method_name(gen_methods[i]));
		first = false;
	}
	buf_addc(&b, '.');
	j = gen_text("%.*s", (int)b.n, b.p);
	buf_free(&allow);
	buf_free(&b);
	return j;
}

json_t *
gen_path_item(json_t *components, const struct res *r)
{
	json_t *item = json_object(), *params = gen_path_parameters(r);

	gen_set(item, "description", describe_path(r));
	if (json_array_size(params) > 0)
		gen_set(item, "parameters", params);
	else
		json_decref(params);
	for (size_t i = 0; i < gen_methods_count; i++) {
		char key[16];

		if (!res_allows(r, gen_methods[i]))
			continue;
		lower(gen_methods[i], key);
		gen_set(item, key, operation(components, r, gen_methods[i]));
	}
	return item;
}
