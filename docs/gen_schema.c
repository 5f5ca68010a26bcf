/* SPDX-License-Identifier: ISC */
/*
 * Schemas from records. A record has up to one component per form: JSON or
 * XML, as it is answered or as it is sent. The forms differ in names, in what
 * must be there, and in what absence looks like: bare JSON answers null, all
 * others leave the member out.
 */
#include <stdio.h>
#include <string.h>

#include "docs/gen.h"

struct form {
	bool xml;
	bool nulls; /* absent members are there, as null */
	enum gen_use use;
};

/* Which component stands for a record in a form. */
struct component {
	const struct rec *record;
	struct form form;
	char name[96];
};

enum { COMPONENTS_MAX = 1024 };
static struct component components[COMPONENTS_MAX];
static size_t count;

static json_t *record_ref(json_t *schemas, const struct rec *r, struct form form);

static bool
is_shown(const struct field *f, enum gen_use use)
{
	/* What nobody may read is sent all the same; what is ignored need not be. */
	return use == GEN_ANSWER ? (f->flags & F_SECRET) == 0 : !field_read_only(f);
}

static bool
is_required(const struct field *f, struct form form)
{
	switch (form.use) {
	case GEN_ANSWER:
		/* Code of a row may hide even what has a default, as lists of rooms do. */
		return form.nulls || (f->flags & F_REQ) != 0;
	case GEN_INPUT:
		return (f->flags & F_REQ) != 0;
	default:
		return false;
	}
}

static bool
is_nullable(const struct field *f, struct form form)
{
	if (form.xml)
		return false;
	if (form.use == GEN_ANSWER)
		return form.nulls && (f->flags & (F_REQ | F_DFLT)) == 0;
	return (f->flags & F_REQ) == 0;
}

static const char *
name_of(const struct field *f, struct form form)
{
	return form.xml ? field_xml(f) : field_json(f);
}

static json_t *
typed(const char *type)
{
	json_t *j = json_object();

	gen_set(j, "type", json_string(type));
	return j;
}

static json_t *
integer(int64_t min, int64_t max)
{
	json_t *j = typed("integer");

	gen_set(j, "format", json_string(min < INT32_MIN || max > INT32_MAX ? "int64" : "int32"));
	/* The format says the widest limits, which JSON readers with doubles cannot hold. */
	if (min > -((int64_t)1 << 53))
		gen_set(j, "minimum", json_integer(min));
	if (max < (int64_t)1 << 53)
		gen_set(j, "maximum", json_integer(max));
	return j;
}

static json_t *
text(int64_t min, int64_t max)
{
	json_t *j = typed("string");

	if (min > 0)
		gen_set(j, "minLength", json_integer(min));
	gen_set(j, "maxLength", json_integer(max != 0 ? max : 255));
	return j;
}

static json_t *
enumerated(const struct enum_table *t)
{
	json_t *j = typed("string"), *values = json_array();

	for (size_t i = 0; i < t->n; i++)
		gen_append(values, json_string(t->v[i].text));
	gen_set(j, "enum", values);
	return j;
}

static json_t *
list(json_t *schemas, const struct field *f, struct form form)
{
	json_t *j = typed("array"), *items;

	if (f->kind == K_LIST)
		items = record_ref(schemas, f->sub, form);
	else
		items = f->kind == K_STRS ? text(0, 0) : integer(INT64_MIN, INT64_MAX);
	if (form.xml) {
		json_t *outer = json_object(), *inner = json_object();

		gen_set(inner, "name", json_string(field_item(f)));
		gen_set(items, "xml", inner);
		gen_set(outer, "wrapped", json_true());
		gen_set(j, "xml", outer);
	}
	if (f->min > 0 && f->kind != K_INTS)
		gen_set(j, "minItems", json_integer(f->min));
	gen_set(j, "maxItems", json_integer(f->max));
	gen_set(j, "items", items);
	return j;
}

static json_t *
value(json_t *schemas, const struct field *f, struct form form)
{
	/* Only the document's own members may stay away from an update. */
	struct form below = {form.xml, form.nulls, form.use == GEN_UPDATE ? GEN_INPUT : form.use};

	switch (f->kind) {
	case K_BOOL:
		return typed("boolean");
	case K_INT:
		return integer(f->min, f->max);
	case K_ENUM:
		return enumerated(f->en);
	case K_STR:
		return text(f->min, f->max);
	case K_BIN: {
		json_t *j = typed("string");

		gen_set(j, "contentEncoding", json_string("base16"));
		return j;
	}
	case K_REC:
		return record_ref(schemas, f->sub, below);
	default:
		return list(schemas, f, below);
	}
}

static json_t *
or_null(json_t *j)
{
	json_t *type = json_object_get(j, "type"), *both = json_array();

	if (type == NULL) {
		json_t *any = json_object();

		gen_append(both, j);
		gen_append(both, typed("null"));
		gen_set(any, "anyOf", both);
		return any;
	}
	gen_append(both, json_incref(type));
	gen_append(both, json_string("null"));
	gen_set(j, "type", both);
	if (json_object_get(j, "enum") != NULL)
		gen_append(json_object_get(j, "enum"), json_null());
	return j;
}

static json_t *
standard(const struct field *f)
{
	switch (f->kind) {
	case K_BOOL:
		return json_boolean(f->dflt != 0);
	case K_INT:
		return json_integer(f->dflt);
	case K_ENUM:
		return json_string(enum_text(f->en, (int)f->dflt));
	case K_STR:
		return json_string(f->sdflt != NULL ? f->sdflt : "");
	case K_LIST:
	case K_STRS:
	case K_INTS:
		return json_array();
	default:
		return NULL;
	}
}

static void
add_default(json_t *j, const struct field *f, struct form form)
{
	/* Where absence keeps what is stored, a default would be a lie. */
	bool kept = form.use == GEN_UPDATE || (form.use == GEN_INPUT && (f->flags & F_KEEP) != 0);
	json_t *v = (f->flags & F_DFLT) != 0 && !kept ? standard(f) : NULL;

	if (v != NULL)
		gen_set(j, "default", v);
}

static json_t *
describe(const struct field *f, struct form form)
{
	struct buf b;
	json_t *j;

	buf_init(&b, GEN_TEXT_MAX);
	buf_adds(&b, f->doc);
	if (form.use != GEN_ANSWER && f->alias != NULL) {
		buf_adds(&b, " Also understood as ");
		for (const char *c = f->alias; *c != '\0'; c++)
			buf_adds(&b, *c == '|' ? ", " : (char[]){*c, '\0'});
		buf_addc(&b, '.');
	}
	if (form.use != GEN_ANSWER && (f->flags & F_KEEP) != 0)
		buf_adds(&b, " Left out, it stays as it is.");
	j = gen_text("%.*s", (int)b.n, b.p);
	buf_free(&b);
	return j;
}

static json_t *
property(json_t *schemas, const struct field *f, struct form form)
{
	json_t *j = value(schemas, f, form);

	if (is_nullable(f, form))
		j = or_null(j);
	gen_set(j, "description", describe(f, form));
	add_default(j, f, form);
	if (form.use == GEN_ANSWER && field_read_only(f))
		gen_set(j, "readOnly", json_true());
	if (form.use != GEN_ANSWER && (f->flags & F_SECRET) != 0)
		gen_set(j, "writeOnly", json_true());
	return j;
}

static void
fill(json_t *schemas, json_t *j, const struct rec *r, struct form form)
{
	json_t *properties = json_object(), *required = json_array();

	gen_set(j, "type", json_string("object"));
	gen_set(j, "description", json_string(r->doc));
	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];

		if (!is_shown(f, form.use))
			continue;
		gen_set(properties, name_of(f, form), property(schemas, f, form));
		if (is_required(f, form))
			gen_append(required, json_string(name_of(f, form)));
	}
	if (json_array_size(required) > 0)
		gen_set(j, "required", required);
	else
		json_decref(required);
	gen_set(j, "properties", properties);
}

/* "Ring", "RingXml", "RingInput", "RingXmlUpdate"; "RingTree" where "Ring" is another form. */
static void
choose_name(json_t *schemas, const struct rec *r, struct form form, char *ret, size_t size)
{
	static const char *const uses[] = {"", "Input", "Update"};
	char base[64];

	gen_pascal(r->name, base, sizeof(base));
	snprintf(ret, size, "%s%s%s", base, form.xml ? "Xml" : "", uses[form.use]);
	if (json_object_get(schemas, ret) != NULL)
		snprintf(ret, size, "%s%s%s", base, form.nulls ? "Bean" : "Tree", uses[form.use]);
}

static json_t *
record_ref(json_t *schemas, const struct rec *r, struct form form)
{
	struct component *c;
	json_t *j;

	/* Absence looks the same wherever clients write. */
	if (form.xml || form.use != GEN_ANSWER)
		form.nulls = false;
	for (size_t i = 0; i < count; i++) {
		c = &components[i];
		if (c->record == r && c->form.xml == form.xml && c->form.nulls == form.nulls &&
		    c->form.use == form.use)
			return gen_ref("schemas", c->name);
	}
	if (count == COMPONENTS_MAX)
		gen_die("more than %d schemas", COMPONENTS_MAX);
	c = &components[count++];
	c->record = r;
	c->form = form;
	choose_name(schemas, r, form, c->name, sizeof(c->name));
	/* Its place is before those of the records in it. */
	j = json_object();
	gen_set(schemas, c->name, j);
	fill(schemas, j, r, form);
	return gen_ref("schemas", c->name);
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

/* Bare JSON may show members twice: below the root name as well, and under second names. */
static json_t *
bare(json_t *schemas, const struct res *r, struct form form)
{
	json_t *properties = json_object(), *required, *j, *all;

	if (r->json_style == ROOT_BOTH)
		gen_set(properties, r->json_root, record_ref(schemas, r->record, form));
	for (size_t i = 0; i < r->record->nf; i++) {
		const struct field *f = &r->record->f[i];

		if (f->json_also != NULL && is_shown(f, form.use))
			gen_set(properties, f->json_also, property(schemas, f, form));
	}
	if (json_object_size(properties) == 0) {
		json_decref(properties);
		return record_ref(schemas, r->record, form);
	}
	j = typed("object");
	all = json_array();
	gen_append(all, record_ref(schemas, r->record, form));
	gen_set(j, "allOf", all);
	if (form.use == GEN_ANSWER) {
		const char *key;
		json_t *v;

		required = json_array();
		json_object_foreach (properties, key, v)
			gen_append(required, json_string(key));
		gen_set(j, "required", required);
	}
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
array_of(const struct res *r, json_t *items)
{
	json_t *j = typed("array");

	gen_set(j, "items", items);
	if (r->shape == SHAPE_COLLECTION && r->max_items > 0)
		gen_set(j, "description", gen_text("A user may have %zu.", r->max_items));
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
	struct form form = {fmt == FMT_XML, r->family == FAM_BEAN && fmt == FMT_JSON, use};
	bool is_list = r->shape == SHAPE_COLLECTION && (m & M_GET) != 0;
	json_t *j;

	if (r->record == NULL || (fmt != FMT_XML && fmt != FMT_JSON))
		return typed(fmt == FMT_JSON ? "object" : "string");
	if (fmt == FMT_XML) {
		const char *item = r->record->xml != NULL ? r->record->xml : r->record->name;

		if (!is_list)
			return named(record_ref(schemas, r->record, form), r->xml_root);
		j = array_of(r, named(record_ref(schemas, r->record, form), item));
		named(j, r->xml_root);
		gen_set(json_object_get(j, "xml"), "wrapped", json_true());
		return j;
	}
	if (r->family == FAM_TREE) {
		j = record_ref(schemas, r->record, form);
		return below(r->json_root, is_list ? array_of(r, j) : j);
	}
	j = bare(schemas, r, form);
	return is_list ? array_of(r, j) : j;
}
