/* SPDX-License-Identifier: ISC */
/* JSON by jansson, which accepts nothing that RFC 8259 does not; the depth is ours to check. */
#include <jansson.h>
#include <libxml/parser.h>
#include <string.h>

#include "common/budget.h"
#include "common/tree.h"

/* libxml2 would print to stderr where it has no parser to complain to. */
static void
on_error(void *arg, const char *fmt, ...)
{
	(void)arg;
	(void)fmt;
}

void
text_init(void)
{
	json_set_alloc_funcs(budget_malloc, budget_free);
	json_object_seed(0);
	xmlMemSetup(budget_free, budget_malloc, budget_realloc, budget_strdup);
	xmlInitParser();
	xmlSetGenericErrorFunc(NULL, on_error);
}

static struct node *
convert(json_t *j, struct str name, struct arena *a, unsigned depth, struct err *e)
{
	struct node *n, *c;
	const char *key;
	json_t *v;
	size_t i;

	if ((json_typeof(j) == JSON_ARRAY || json_typeof(j) == JSON_OBJECT) && depth > TREE_DEPTH_MAX) {
		err_set(e, ERR_MALFORMED, "the document is nested too deeply");
		return NULL;
	}
	if ((n = node_new(a, NODE_NULL, name)) == NULL)
		return NULL;
	switch (json_typeof(j)) {
	case JSON_NULL:
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		n->kind = NODE_BOOL;
		n->i = json_typeof(j) == JSON_TRUE;
		break;
	case JSON_INTEGER:
		n->kind = NODE_INT;
		n->i = json_integer_value(j);
		break;
	case JSON_REAL:
		n->kind = NODE_REAL;
		n->d = json_real_value(j);
		break;
	case JSON_STRING:
		n->kind = NODE_TEXT;
		n->text = arena_copy(a, (struct str){json_string_value(j), json_string_length(j)});
		if (n->text.p == NULL)
			return NULL;
		break;
	case JSON_ARRAY:
		n->kind = NODE_LIST;
		json_array_foreach (j, i, v) {
			if ((c = convert(v, (struct str){"", 0}, a, depth + 1, e)) == NULL)
				return NULL;
			node_append(n, c);
		}
		break;
	case JSON_OBJECT:
		n->kind = NODE_MAP;
		json_object_foreach (j, key, v) {
			struct str k = arena_copy(a, str_c(key));

			if (k.p == NULL || (c = convert(v, k, a, depth + 1, e)) == NULL)
				return NULL;
			node_append(n, c);
		}
		break;
	}
	return n;
}

/* jansson quotes what it stumbled over, which may be cut in the middle of a character: left out
 * then, since the phrase goes into an answer. */
static int
complain(struct err *e, json_error_t *why)
{
	char *quoted = str_is_utf8(str_c(why->text)) ? NULL : strstr(why->text, " near ");

	if (quoted != NULL)
		*quoted = '\0';
	return err_set(e, ERR_MALFORMED, "not valid JSON: %s (line %d, column %d)", why->text,
	    why->line, why->column);
}

struct reading {
	struct str text;
	struct arena *a;
	struct err *e;
	struct node *doc;
};

static void
read_document(void *arg)
{
	struct reading *r = arg;
	json_error_t why;
	/* Without JSON_DISABLE_EOF_CHECK whatever follows the first value is an error. */
	json_t *j = json_loadb(r->text.p, r->text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);

	if (j == NULL) {
		complain(r->e, &why);
		return;
	}
	err_set(r->e, ERR_TOO_LARGE, NULL);
	r->doc = convert(j, (struct str){"", 0}, r->a, 1, r->e);
	json_decref(j);
}

int
json_read(struct str text, struct arena *a, struct node **ret, struct err *e)
{
	struct reading r = {text, a, e, NULL};

	*ret = NULL;
	if (text.n == 0)
		return err_set(e, ERR_NO_ENTITY, NULL);
	if (budget_run(a, read_document, &r, NULL) != 0)
		return err_set(e, ERR_TOO_LARGE, NULL);
	if (r.doc == NULL)
		return -1;
	err_clear(e);
	*ret = r.doc;
	return 0;
}
