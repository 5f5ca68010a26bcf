/* SPDX-License-Identifier: ISC */
/*
 * Writes the documents that follow from the tables.
 *   gen_api FOLDER    writes FOLDER/openapi.json and FOLDER/api.md
 * Golden documents are read from $GOLDEN, else tests/golden.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tree.h"
#include "docs/gen.h"

void
gen_die(const char *fmt, ...)
{
	va_list ap;

	fputs("gen_api: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void
gen_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		gen_die("\"%s\" cannot be set", key);
}

void
gen_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		gen_die("an item cannot be added");
}

json_t *
gen_text(const char *fmt, ...)
{
	va_list ap;
	json_t *j;

	va_start(ap, fmt);
	j = json_vsprintf(fmt, ap);
	va_end(ap);
	if (j == NULL)
		gen_die("not UTF-8, or no memory: %s", fmt);
	return j;
}

json_t *
gen_ref(const char *section, const char *name)
{
	json_t *j = json_object();

	gen_set(j, "$ref", gen_text("#/components/%s/%s", section, name));
	return j;
}

void
gen_pascal(const char *name, char *ret, size_t size)
{
	bool up = true;
	size_t n = 0;

	for (; *name != '\0' && n + 1 < size; name++) {
		if (!isalnum((unsigned char)*name)) {
			up = true;
			continue;
		}
		ret[n++] = (char)(up ? toupper((unsigned char)*name) : tolower((unsigned char)*name));
		up = false;
	}
	ret[n] = '\0';
}

static void
write_file(const char *folder, const char *name, struct str text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "w")) == NULL)
		gen_die("%s: %s", path, strerror(errno));
	if (fwrite(text.p, 1, text.n, f) != text.n || fclose(f) != 0)
		gen_die("%s: %s", path, strerror(errno));
}

static void
write_openapi(const char *folder)
{
	json_t *doc = gen_openapi();
	struct buf out;
	char *text;

	/* Members stay in the order in which they were put: that of the tables. */
	text = json_dumps(doc, JSON_INDENT(1));
	if (text == NULL)
		gen_die("the document cannot be written");
	buf_init(&out, GEN_TEXT_MAX);
	buf_printf(&out, "%s\n", text);
	if (out.failed)
		gen_die("openapi.json is too long");
	write_file(folder, "openapi.json", buf_str(&out));
	buf_free(&out);
	/* text_init() has given jansson an allocator of its own. */
	json_malloc_t allocate;
	json_free_t release;
	json_get_alloc_funcs(&allocate, &release);
	release(text);
	json_decref(doc);
}

int
main(int argc, char **argv)
{
	struct buf out;

	if (argc != 2)
		gen_die("usage: gen_api FOLDER");
	text_init();
	write_openapi(argv[1]);
	buf_init(&out, GEN_TEXT_MAX);
	gen_markdown(&out);
	if (out.failed)
		gen_die("api.md is too long");
	write_file(argv[1], "api.md", buf_str(&out));
	buf_free(&out);
	return 0;
}
