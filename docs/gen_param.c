/* SPDX-License-Identifier: ISC */
/* Parameters of paths and queries: what the row says, or what follows from its path. */
#include <stdio.h>
#include <string.h>

#include "docs/gen.h"

static json_t *
param_schema(const struct res_param *p)
{
	json_t *j = json_object();

	gen_set(j, "type",
	    json_string(p->kind == K_INT ? "integer"
	            : p->kind == K_BOOL  ? "boolean"
	                                 : "string"));
	if (p->kind == K_INT && p->max != 0) {
		gen_set(j, "minimum", json_integer(p->min));
		gen_set(j, "maximum", json_integer(p->max));
	} else if (p->kind == K_STR) {
		if (p->min > 0)
			gen_set(j, "minLength", json_integer(p->min));
		if (p->max > 0)
			gen_set(j, "maxLength", json_integer(p->max));
	}
	return j;
}

json_t *
gen_parameter(const struct res_param *p, bool in_path)
{
	json_t *j = json_object();

	gen_set(j, "name", json_string(p->name));
	gen_set(j, "in", json_string(in_path ? "path" : "query"));
	gen_set(j, "description", json_string(p->doc));
	if (in_path)
		gen_set(j, "required", json_true());
	else if (p->kind == K_BOOL)
		gen_set(j, "allowEmptyValue", json_true());
	gen_set(j, "schema", param_schema(p));
	return j;
}

static const struct res_param *
find_param(const struct res *r, const char *name)
{
	for (const struct res_param *p = r->params; p != NULL && p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

json_t *
gen_path_parameters(const struct res *r)
{
	json_t *list = json_array();

	for (const char *c = strchr(r->path, '{'); c != NULL; c = strchr(c, '{')) {
		char name[64];
		struct res_param usual = {.name = name,
		    .kind = K_STR,
		    .min = 1,
		    .max = RES_KEY_MAX,
		    .doc = r->path_value ? "The value to be stored, percent-encoded."
		                         : "A segment of the path, percent-encoded."};
		const struct res_param *said;

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(c + 1, "}"), c + 1);
		if (r->shape == SHAPE_ITEM) {
			usual.kind = K_INT;
			usual.max = INT32_MAX;
			usual.doc = "Number of the item.";
		}
		said = find_param(r, name);
		gen_append(list, gen_parameter(said != NULL ? said : &usual, true));
		c++;
	}
	return list;
}
