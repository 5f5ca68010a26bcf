/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sink.h"
#include "common/text.h"
#include "docs/gen.h"

enum { MEMORY_MAX = 64 * 1024 * 1024 };

static void
folder_of(const struct res *r, char *ret, size_t size)
{
	const char *dir = getenv("GOLDEN");
	size_t n = (size_t)snprintf(ret, size, "%s/", dir != NULL ? dir : "tests/golden");

	for (const char *c = r->id; *c != '\0' && n + 1 < size; c++)
		ret[n++] = (char)tolower((unsigned char)*c);
	ret[n] = '\0';
}

static struct str
read_file(const char *path, struct arena *a)
{
	struct buf b;
	struct str s;
	FILE *f = fopen(path, "r");
	char part[4096];
	size_t n;

	if (f == NULL)
		gen_die("%s: %s", path, strerror(errno));
	buf_init(&b, GEN_TEXT_MAX);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	s = arena_copy(a, buf_str(&b));
	buf_free(&b);
	return s;
}

static const char *
ending_of(enum format fmt)
{
	return fmt == FMT_XML ? ".xml" : ".json";
}

/* Plain "put" before "put-x", whatever bytes follow the name. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	size_t na = strcspn((*a)->d_name, "."), nb = strcspn((*b)->d_name, ".");
	int c = memcmp((*a)->d_name, (*b)->d_name, na < nb ? na : nb);

	if (c != 0)
		return c;
	return na != nb ? (na < nb ? -1 : 1) : strcmp((*a)->d_name, (*b)->d_name);
}

/* Files "PREFIX*.json" or "PREFIX*.xml" of the row's folder, but for those with "want". */
static void
gather(const struct res *r, const char *prefix, enum format fmt, struct gen_examples *ret)
{
	char folder[1024], path[2048];
	struct dirent **names;
	int n;

	arena_init(&ret->arena, MEMORY_MAX);
	ret->n = 0;
	folder_of(r, folder, sizeof(folder));
	if ((n = scandir(folder, &names, NULL, by_name)) < 0)
		return;
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name, *dot = strchr(name, '.');
		size_t len = dot != NULL ? (size_t)(dot - name) : 0;

		if (dot != NULL && strcmp(dot, ending_of(fmt)) == 0 &&
		    strncmp(name, prefix, strlen(prefix)) == 0 && ret->n < GEN_EXAMPLES_MAX &&
		    len < sizeof(ret->v[0].name)) {
			struct gen_example *x = &ret->v[ret->n++];

			*x = (struct gen_example){.input = fmt};
			memcpy(x->name, name, len);
			snprintf(path, sizeof(path), "%s/%s", folder, name);
			x->text = read_file(path, &ret->arena);
		}
		free(names[i]);
	}
	free(names);
}

void
gen_examples_free(struct gen_examples *x)
{
	arena_free(&x->arena);
	x->n = 0;
}

void
gen_example_answers(const struct res *r, enum format fmt, struct gen_examples *ret)
{
	gather(r, "get", fmt, ret);
}

/* The document as one would write it by the schema: what is there, and nothing else. */
static void
write_input(const struct res *r, enum format fmt, const void *obj, struct buf *out)
{
	const struct rec *record = res_input(r);
	struct sink s;

	if (fmt == FMT_XML) {
		xml_sink_init(&s, out, r->xml_root);
		if (r->root_is_list)
			rec_encode_value(record->f, obj, &s, ENCODE_SECRETS);
		else
			rec_encode(record, obj, &s, ENCODE_SECRETS);
		return;
	}
	json_sink_init(&s, out);
	if (r->family == FAM_TREE)
		buf_printf(out, "{\"%s\":", r->json_root);
	if (r->root_is_list)
		rec_encode_value(record->f, obj, &s, ENCODE_SECRETS);
	else
		rec_encode(record, obj, &s, ENCODE_SECRETS);
	if (r->family == FAM_TREE)
		buf_addc(out, '}');
}

static struct str
rewritten(const struct res *r, enum format from, enum format to, struct str text, struct arena *a)
{
	void *obj = arena_alloc(a, res_input(r)->size);
	struct err e = {.depth = 0};
	struct str s;
	struct buf b;

	if (obj == NULL || text_read(r, from, text, obj, a, &e) != 0)
		gen_die("%s: an example cannot be read: %s", r->id, err_text(&e));
	buf_init(&b, GEN_TEXT_MAX);
	write_input(r, to, obj, &b);
	s = arena_copy(a, buf_str(&b));
	buf_free(&b);
	return s;
}

static bool
is_same_json(struct str a, struct str b)
{
	json_t *x = json_loadb(a.p, a.n, 0, NULL), *y = json_loadb(b.p, b.n, 0, NULL);
	bool same = x != NULL && json_equal(x, y) == 1;

	json_decref(x);
	json_decref(y);
	return same;
}

/* Blanks between elements mean nothing in our documents. */
static bool
is_same_xml(struct str a, struct str b)
{
	size_t i = 0, k = 0;

	while (i < a.n && k < b.n) {
		if (a.p[i] == b.p[k]) {
			i++;
			k++;
		} else if (i > 0 && isspace((unsigned char)a.p[i])) {
			i++;
		} else {
			return false;
		}
	}
	while (i < a.n && isspace((unsigned char)a.p[i]))
		i++;
	return i == a.n && k == b.n;
}

void
gen_example_inputs(const struct res *r, enum format fmt, struct gen_examples *ret)
{
	struct gen_examples other;
	size_t kept = 0;

	gather(r, "put", fmt, ret);
	for (size_t i = 0; i < ret->n; i++) {
		struct str text = ret->v[i].text, again = rewritten(r, fmt, fmt, text, &ret->arena);

		if (fmt == FMT_XML ? is_same_xml(text, again) : is_same_json(text, again))
			ret->v[kept++] = ret->v[i];
	}
	if (kept > 0 || (ret->n == 0 && r->xml_root == NULL)) {
		ret->n = kept;
		return;
	}
	if (ret->n > 0) {
		ret->v[0].text = rewritten(r, fmt, fmt, ret->v[0].text, &ret->arena);
		ret->n = 1;
		return;
	}
	gather(r, "put", fmt == FMT_XML ? FMT_JSON : FMT_XML, &other);
	if (other.n > 0) {
		ret->v[ret->n] = other.v[0];
		ret->v[ret->n++].text = rewritten(r, other.v[0].input, fmt, other.v[0].text, &ret->arena);
	}
	gen_examples_free(&other);
}

/* As the gateway finds it: reading, then the table's rules. */
static void
refuse(const struct res *r, struct gen_example *x, struct arena *a)
{
	void *obj = arena_alloc(a, res_input(r)->size);

	err_clear(&x->error);
	if (obj == NULL)
		gen_die("out of memory");
	if (text_read(r, x->input, x->text, obj, a, &x->error) == 0 &&
	    rec_validate(res_input(r), obj, r->update == UPDATE_MERGE, &x->error) == 0)
		/* Found by the backend alone. */
		return;
	if (x->error.code == ERR_INVALID && r->invalid != ERR_OK)
		x->error.code = r->invalid;
}

void
gen_example_errors(const struct res *r, int status, struct gen_examples *ret)
{
	struct gen_examples part;
	struct buf b;

	arena_init(&ret->arena, MEMORY_MAX);
	ret->n = 0;
	buf_init(&b, GEN_TEXT_MAX);
	for (unsigned fmt = FMT_XML; fmt <= FMT_JSON; fmt++) {
		gather(r, "bad", (enum format)fmt, &part);
		for (size_t i = 0; i < part.n && ret->n < GEN_EXAMPLES_MAX; i++) {
			struct gen_example *x = &ret->v[ret->n];

			refuse(r, &part.v[i], &part.arena);
			if (part.v[i].error.code == ERR_OK || err_status(part.v[i].error.code) != status)
				continue;
			*x = part.v[i];
			buf_reset(&b);
			text_error(r, FMT_JSON, x->input, &x->error, &b);
			x->text = arena_copy(&ret->arena, buf_str(&b));
			ret->n++;
		}
		gen_examples_free(&part);
	}
	buf_free(&b);
}
