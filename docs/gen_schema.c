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

/* Which component stands for a record in a form. */
struct component {
	const struct rec *record;
	struct gen_form form;
	char name[96];
};

enum { COMPONENTS_MAX = 1024 };
static struct component components[COMPONENTS_MAX];
static size_t count;

bool
gen_shows(const struct field *f, enum gen_use use)
{
	/* What nobody may read is sent all the same; what is ignored need not be. */
	return use == GEN_ANSWER ? (f->flags & F_SECRET) == 0 : !field_read_only(f);
}

static bool
is_required(const struct rec *r, const struct field *f, struct gen_form form)
{
	switch (form.use) {
	case GEN_ANSWER:
		/* Code of a row may hide even what has a default, as lists of rooms do. */
		return (form.nulls && !r->sparse) || (f->flags & F_REQ) != 0;
	case GEN_INPUT:
		return (f->flags & F_REQ) != 0;
	default:
		return false;
	}
}

/* Whether rows answer the record itself: then their code may hide members of it. */
static bool
is_document(const struct rec *r)
{
	for (size_t i = 0; i < all_resources_count; i++)
		if (all_resources[i].record == r)
			return true;
	return false;
}

static bool
is_nullable(const struct rec *r, const struct field *f, struct gen_form form)
{
	unsigned there = is_document(r) ? F_REQ : F_REQ | F_DFLT;

	if (form.xml)
		return false;
	if (form.use == GEN_ANSWER)
		return form.nulls && !r->sparse && (f->flags & there) == 0;
	return (f->flags & F_REQ) == 0;
}

static const char *
name_of(const struct field *f, struct gen_form form)
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
list(json_t *schemas, const struct field *f, struct gen_form form)
{
	json_t *j = typed("array"), *items;

	if (f->kind == K_LIST)
		items = gen_record(schemas, f->sub, form);
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
value(json_t *schemas, const struct field *f, struct gen_form form)
{
	/* Only the document's own members may stay away from an update. */
	struct gen_form below = {form.xml, form.nulls, form.use == GEN_UPDATE ? GEN_INPUT : form.use};

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
		return gen_record(schemas, f->sub, below);
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
add_default(json_t *j, const struct field *f, struct gen_form form)
{
	/* Where absence keeps what is stored, a default would be a lie. */
	bool kept = form.use == GEN_UPDATE || (form.use == GEN_INPUT && (f->flags & F_KEEP) != 0);
	json_t *v = (f->flags & F_DFLT) != 0 && !kept ? standard(f) : NULL;

	if (v != NULL)
		gen_set(j, "default", v);
}

static json_t *
describe(const struct field *f, struct gen_form form)
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

json_t *
gen_property(json_t *schemas, const struct rec *r, const struct field *f, struct gen_form form)
{
	json_t *j = value(schemas, f, form);

	if (is_nullable(r, f, form))
		j = or_null(j);
	gen_set(j, "description", describe(f, form));
	add_default(j, f, form);
	if (form.use == GEN_ANSWER && field_read_only(f))
		gen_set(j, "readOnly", json_true());
	if (form.use != GEN_ANSWER && (f->flags & F_SECRET) != 0)
		gen_set(j, "writeOnly", json_true());
	return j;
}

static json_t *
attribute(void)
{
	json_t *j = json_object();

	gen_set(j, "attribute", json_true());
	return j;
}

static void
fill(json_t *schemas, json_t *j, const struct rec *r, struct gen_form form)
{
	json_t *properties = json_object(), *required = json_array();

	gen_set(j, "type", json_string("object"));
	gen_set(j, "description", json_string(r->doc));
	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];

		if (!gen_shows(f, form.use))
			continue;
		gen_set(properties, name_of(f, form), gen_property(schemas, r, f, form));
		if (form.xml && r->attributes)
			gen_set(json_object_get(properties, name_of(f, form)), "xml", attribute());
		if (is_required(r, f, form))
			gen_append(required, json_string(name_of(f, form)));
	}
	if (json_array_size(required) > 0)
		gen_set(j, "required", required);
	else
		json_decref(required);
	gen_set(j, "properties", properties);
	if (r->closed && form.use != GEN_ANSWER)
		gen_set(j, "additionalProperties", json_false());
}

/* "Ring", "RingXml", "RingInput", "RingXmlUpdate"; "RingTree" where "Ring" is another form. */
static void
choose_name(json_t *schemas, const struct rec *r, struct gen_form form, char *ret, size_t size)
{
	static const char *const uses[] = {"", "Input", "Update"};
	char base[64];

	gen_pascal(r->name, base, sizeof(base));
	snprintf(ret, size, "%s%s%s", base, form.xml ? "Xml" : "", uses[form.use]);
	if (json_object_get(schemas, ret) != NULL)
		snprintf(ret, size, "%s%s%s", base, form.nulls ? "Bean" : "Tree", uses[form.use]);
}

json_t *
gen_record(json_t *schemas, const struct rec *r, struct gen_form form)
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
