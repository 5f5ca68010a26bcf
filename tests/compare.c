/* SPDX-License-Identifier: ISC */
#include "tests/compare.h"

#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct comparison {
	bool part;
	char path[512]; /* where in the document */
	char *why;
	size_t len;
};

static bool
differs(struct comparison *c, const char *what)
{
	snprintf(c->why, c->len, "at \"%s\": %s", c->path, what);
	return false;
}

static bool same_json(struct comparison *c, const json_t *want, const json_t *have);

static bool
same_scalar(struct comparison *c, const json_t *want, const json_t *have)
{
	const char *text = json_string_value(want);
	char what[1024], *w, *h;
	bool same;

	if (text != NULL && strcmp(text, "$positive") == 0)
		same = json_is_number(have) && json_number_value(have) > 0;
	else if (text != NULL && strcmp(text, "$text") == 0)
		same = json_is_string(have) && json_string_length(have) > 0;
	else
		same = json_equal(want, have) == 1;
	if (same)
		return true;
	w = json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT);
	h = json_dumps(have, JSON_ENCODE_ANY | JSON_COMPACT);
	snprintf(what, sizeof(what), "expected %.400s, have %.400s", w, h);
	free(w);
	free(h);
	return differs(c, what);
}

static bool
same_below(struct comparison *c, const char *step, const json_t *want, const json_t *have)
{
	size_t n = strlen(c->path);
	bool same;

	snprintf(c->path + n, sizeof(c->path) - n, "%s%s", step[0] != '[' && n > 0 ? "." : "", step);
	same = same_json(c, want, have);
	c->path[n] = '\0';
	return same;
}

static bool
same_object(struct comparison *c, const json_t *want, const json_t *have)
{
	const char *key;
	json_t *v;

	if (!json_is_object(have))
		return same_scalar(c, want, have);
	json_object_foreach ((json_t *)(uintptr_t)want, key, v) {
		const json_t *other = json_object_get(have, key);
		char what[256];

		snprintf(what, sizeof(what), "there is no \"%.200s\"", key);
		if (other == NULL)
			return differs(c, what);
		if (!same_below(c, key, v, other))
			return false;
	}
	json_object_foreach ((json_t *)(uintptr_t)have, key, v) {
		char what[256];

		snprintf(what, sizeof(what), "\"%.200s\" is not expected", key);
		if (!c->part && json_object_get(want, key) == NULL)
			return differs(c, what);
	}
	return true;
}

static bool
same_array(struct comparison *c, const json_t *want, const json_t *have)
{
	char step[32];

	if (!json_is_array(have) || json_array_size(have) != json_array_size(want))
		return same_scalar(c, want, have);
	for (size_t i = 0; i < json_array_size(want); i++) {
		snprintf(step, sizeof(step), "[%zu]", i);
		if (!same_below(c, step, json_array_get(want, i), json_array_get(have, i)))
			return false;
	}
	return true;
}

static bool
same_json(struct comparison *c, const json_t *want, const json_t *have)
{
	if (json_is_object(want))
		return same_object(c, want, have);
	if (json_is_array(want))
		return same_array(c, want, have);
	return same_scalar(c, want, have);
}

bool
compare_json(const char *expected, const char *actual, bool part, char *why, size_t len)
{
	struct comparison c = {.part = part, .why = why, .len = len};
	json_error_t e;
	json_t *want = json_loads(expected, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e), *have;
	bool same = false;

	if (want == NULL) {
		snprintf(why, len, "the expected document: %s", e.text);
		return false;
	}
	have = json_loads(actual, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (have == NULL)
		snprintf(why, len, "not JSON: %s: %.300s", e.text, actual);
	else
		same = same_json(&c, want, have);
	json_decref(want);
	json_decref(have);
	return same;
}

static const xmlNode *
element(const xmlNode *n)
{
	while (n != NULL && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

static bool
same_text(struct comparison *c, const xmlNode *want, const xmlNode *have)
{
	xmlChar *w = xmlNodeGetContent(want), *h = xmlNodeGetContent(have);
	const char *expected = (const char *)w, *actual = (const char *)h;
	char what[1024];
	bool same;

	if (strcmp(expected, "$positive") == 0)
		same = atof(actual) > 0;
	else if (strcmp(expected, "$text") == 0)
		same = actual[0] != '\0';
	else
		same = strcmp(expected, actual) == 0;
	snprintf(what, sizeof(what), "expected \"%.400s\", have \"%.400s\"", expected, actual);
	xmlFree(w);
	xmlFree(h);
	return same || differs(c, what);
}

static bool same_element(struct comparison *c, const xmlNode *want, const xmlNode *have);

static bool
same_children(struct comparison *c, const xmlNode *want, const xmlNode *have)
{
	char what[256];

	for (; want != NULL; want = element(want->next), have = element(have->next)) {
		while (c->part && have != NULL && !xmlStrEqual(want->name, have->name))
			have = element(have->next);
		snprintf(what, sizeof(what), "expected <%.100s>, have %.100s", (const char *)want->name,
		    have != NULL ? (const char *)have->name : "the end");
		if (have == NULL || !xmlStrEqual(want->name, have->name))
			return differs(c, what);
		if (!same_element(c, want, have))
			return false;
	}
	snprintf(what, sizeof(what), "<%.200s> is not expected",
	    have != NULL ? (const char *)have->name : "");
	return c->part || have == NULL || differs(c, what);
}

static bool
same_element(struct comparison *c, const xmlNode *want, const xmlNode *have)
{
	size_t n = strlen(c->path);
	bool same;

	snprintf(c->path + n, sizeof(c->path) - n, "/%s", (const char *)want->name);
	if (have->properties != NULL && want->properties == NULL)
		return differs(c, "has attributes");
	if (element(want->children) == NULL && element(have->children) == NULL)
		same = same_text(c, want, have);
	else
		same = same_children(c, element(want->children), element(have->children));
	c->path[n] = '\0';
	return same;
}

static xmlDoc *
read_xml(const char *text)
{
	return xmlReadMemory(text, (int)strlen(text), NULL, "UTF-8",
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

bool
compare_xml(const char *expected, const char *actual, bool part, char *why, size_t len)
{
	struct comparison c = {.part = part, .why = why, .len = len};
	xmlDoc *want = read_xml(expected), *have = read_xml(actual);
	const xmlNode *w = want != NULL ? xmlDocGetRootElement(want) : NULL;
	const xmlNode *h = have != NULL ? xmlDocGetRootElement(have) : NULL;
	bool same = false;

	if (w == NULL)
		snprintf(why, len, "the expected document is not XML");
	else if (h == NULL)
		snprintf(why, len, "not XML: %.300s", actual);
	else
		same = same_children(&c, w, h);
	xmlFreeDoc(want);
	xmlFreeDoc(have);
	return same;
}

/* Steps into "[2]" or "[name=value]"; *path moves behind it. */
static const json_t *
step_into_array(const json_t *j, const char **path)
{
	char inside[256], *eq;
	size_t n = strcspn(++*path, "]");

	snprintf(inside, sizeof(inside), "%.*s", (int)n, *path);
	*path += n + ((*path)[n] == ']');
	eq = strchr(inside, '=');
	if (eq == NULL)
		return json_array_get(j, (size_t)strtoul(inside, NULL, 10));
	*eq++ = '\0';
	for (size_t i = 0; i < json_array_size(j); i++) {
		const json_t *item = json_array_get(j, i);
		const char *text = json_string_value(json_object_get(item, inside));

		if (text != NULL && strcmp(text, eq) == 0)
			return item;
	}
	return NULL;
}

static const json_t *
walk(const json_t *j, const char *path)
{
	char name[128];

	while (j != NULL && *path != '\0') {
		if (*path == '[') {
			j = step_into_array(j, &path);
			continue;
		}
		path += *path == '.';
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(path, ".["), path);
		path += strcspn(path, ".[");
		j = json_object_get(j, name);
	}
	return j;
}

bool
json_find(const char *document, const char *path, char *ret, size_t len)
{
	json_t *doc = json_loads(document, JSON_DECODE_ANY, NULL);
	const json_t *at = walk(doc, path);
	char *text;

	if (json_is_string(at)) {
		snprintf(ret, len, "%s", json_string_value(at));
	} else if (at != NULL) {
		text = json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT);
		snprintf(ret, len, "%s", text);
		free(text);
	}
	json_decref(doc);
	return at != NULL;
}
