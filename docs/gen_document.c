/* SPDX-License-Identifier: ISC */
/* Schemas of whole documents: what stands around records as the row says. The counterpart of
 * common/text.c. */
#include <string.h>

#include "docs/gen.h"

static json_t *
typed(const char *type)
{
	json_t *j = json_object();

	gen_set(j, "type", json_string(type));
	return j;
}

static json_t *
below(const char *root, json_t *inner)
{
	json_t *j = typed("object"), *required = json_array(), *properties = json_object();

	gen_append(required, json_string(root));
	gen_set(j, "required", required);
	gen_set(properties, root, inner);
	gen_set(j, "properties", properties);
	return j;
}

static json_t *
all_names(json_t *properties)
{
	json_t *names = json_array(), *v;
	const char *key;

	json_object_foreach (properties, key, v)
		gen_append(names, json_string(key));
	return names;
}

/* Bare JSON may show members twice: below the root name as well, and under second names. */
static json_t *
bare(json_t *schemas, const struct res *r, const struct rec *record, struct gen_form form)
{
	json_t *properties = json_object(), *j, *all;

	if (r->json_style == ROOT_BOTH)
		gen_set(properties, r->json_root, gen_record(schemas, record, form));
	for (size_t i = 0; i < record->nf; i++) {
		const struct field *f = &record->f[i];

		if (f->json_also != NULL && gen_shows(f, form.use))
			gen_set(properties, f->json_also, gen_property(schemas, record, f, form));
	}
	if (json_object_size(properties) == 0) {
		json_decref(properties);
		return gen_record(schemas, record, form);
	}
	j = typed("object");
	all = json_array();
	gen_append(all, gen_record(schemas, record, form));
	gen_set(j, "allOf", all);
	if (form.use == GEN_ANSWER)
		gen_set(j, "required", all_names(properties));
	gen_set(j, "properties", properties);
	return j;
}

static json_t *
named(json_t *j, const char *element)
{
	json_t *x = json_object_get(j, "xml");

	if (x == NULL) {
		x = json_object();
		gen_set(j, "xml", x);
	}
	gen_set(x, "name", json_string(element));
	return j;
}

static json_t *
wrapped(json_t *j, const char *element)
{
	named(j, element);
	gen_set(json_object_get(j, "xml"), "wrapped", json_true());
	return j;
}

static json_t *
array_of(json_t *items)
{
	json_t *j = typed("array");

	gen_set(j, "items", items);
	return j;
}

/* Records of an answer that is a list. */
static json_t *
items(json_t *schemas, const struct res *r, struct gen_form form)
{
	const struct rec *record = r->record;

	if (form.xml)
		return array_of(named(
		    gen_record(schemas, record, form), record->xml != NULL ? record->xml : record->name));
	if (r->family == FAM_TREE)
		return array_of(gen_record(schemas, record, form));
	return array_of(bare(schemas, r, record, form));
}

/* The members of the row's head, under both their names in JSON, and the list behind them. */
static json_t *
headed(json_t *schemas, const struct res *r, struct gen_form form)
{
	const struct rec *head = r->head;
	json_t *j = typed("object"), *properties = json_object();

	gen_set(j, "description", json_string(head->doc));
	for (size_t i = 0; i < head->nf; i++) {
		const struct field *f = &head->f[i];
		const char *name = form.xml ? field_xml(f) : field_json(f);

		if (i + 1 == head->nf) {
			json_t *list = items(schemas, r, form);

			gen_set(list, "description", json_string(f->doc));
			gen_set(properties, name, form.xml ? wrapped(list, name) : list);
			continue;
		}
		gen_set(properties, name, gen_property(schemas, head, f, form));
		if (!form.xml && f->json_also != NULL)
			gen_set(properties, f->json_also, gen_property(schemas, head, f, form));
	}
	gen_set(j, "properties", properties);
	return j;
}

static json_t *
answer_list(json_t *schemas, const struct res *r, struct gen_form form)
{
	json_t *j = r->head != NULL ? headed(schemas, r, form) : items(schemas, r, form);

	if (r->head == NULL && r->shape == SHAPE_COLLECTION && r->max_items > 0)
		gen_set(j, "description", gen_text("A user may have %zu.", r->max_items));
	if (form.xml) {
		j = r->head != NULL ? named(j, r->xml_root) : wrapped(j, r->xml_root);
		if (r->xml_namespace != NULL)
			gen_set(json_object_get(j, "xml"), "namespace", json_string(r->xml_namespace));
		return j;
	}
	return r->family == FAM_TREE ? below(r->json_root, j) : j;
}

/* The record's first field alone, a list, in place of the record. */
static json_t *
only_field(json_t *schemas, const struct rec *record, struct gen_form form)
{
	return gen_property(schemas, record, &record->f[0], form);
}

static json_t *
file(const struct res *r, enum gen_use use)
{
	json_t *j;

	if (use != GEN_ANSWER)
		return below("file", json_object());
	j = json_object();
	gen_set(j, "description", gen_text("The file, of the type %s.", r->media));
	return j;
}

/* OpenAPI 3.1 has no words for what the parts of a stream are. */
static json_t *
events(json_t *schemas, const struct rec *record, struct gen_form form)
{
	json_t *j = typed("string");

	gen_set(j, "description",
	    json_string("Server-Sent Events (WHATWG HTML), without an end: `id` is the event's number, "
	                "`event` its type, `data` a JSON document as x-data says."));
	gen_set(j, "x-data", gen_record(schemas, record, form));
	return j;
}

enum gen_use
gen_input_use(const struct res *r)
{
	return r->update == UPDATE_MERGE ? GEN_UPDATE : GEN_INPUT;
}

json_t *
gen_document(json_t *schemas, const struct res *r, enum method m, enum format fmt, enum gen_use use)
{
	const struct rec *record = use == GEN_ANSWER ? r->record : res_input(r);
	struct gen_form form = {fmt == FMT_XML, r->family == FAM_BEAN && fmt == FMT_JSON, use};
	json_t *j;

	if (fmt == FMT_NONE)
		return file(r, use);
	if (fmt == FMT_EVENTS)
		return events(schemas, record, form);
	if (record == NULL || (fmt != FMT_XML && fmt != FMT_JSON))
		return typed(fmt == FMT_JSON ? "object" : "string");
	if (use == GEN_ANSWER && res_is_list(r) && (m & M_GET) != 0)
		return answer_list(schemas, r, form);
	if (use == GEN_ANSWER && r->json_style == ROOT_ITEMS && fmt == FMT_JSON)
		return only_field(schemas, record, form);
	if (use != GEN_ANSWER && r->root_is_list) {
		form.use = GEN_INPUT;
		j = only_field(schemas, record, form);
		return fmt == FMT_XML ? wrapped(j, r->xml_root) : below(r->json_root, j);
	}
	if (fmt == FMT_XML)
		return named(gen_record(schemas, record, form), r->xml_root);
	return r->family == FAM_TREE ? below(r->json_root, gen_record(schemas, record, form))
	                             : bare(schemas, r, record, form);
}
