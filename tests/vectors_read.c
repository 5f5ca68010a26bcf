/* SPDX-License-Identifier: ISC */
#include "tests/vectors_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *keyword;
	enum vcheck_kind kind;
} checks[] = {
    {"header", VCHECK_HEADER},
    {"no-header", VCHECK_NO_HEADER},
    {"json", VCHECK_JSON},
    {"json-part", VCHECK_JSON_PART},
    {"xml", VCHECK_XML},
    {"xml-part", VCHECK_XML_PART},
    {"text", VCHECK_TEXT},
    {"error", VCHECK_ERROR},
    {"contains", VCHECK_CONTAINS},
    {"absent", VCHECK_ABSENT},
    {"empty", VCHECK_EMPTY},
    {"capture", VCHECK_CAPTURE},
    {"png", VCHECK_PNG},
    {"bytes", VCHECK_BYTES},
    {"other-bytes", VCHECK_OTHER_BYTES},
    {"capture-header", VCHECK_CAPTURE_HEADER},
};

static const struct {
	const char *keyword;
	size_t offset;
} texts[] = {
    {"as", offsetof(struct vcase, as)},
    {"bearer", offsetof(struct vcase, bearer)},
    {"accept", offsetof(struct vcase, accept)},
    {"type", offsetof(struct vcase, type)},
    {"body", offsetof(struct vcase, body)},
    {"differs", offsetof(struct vcase, differs)},
};

static bool
add_check(struct vcase *c, const char *keyword, const char *value)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (strcmp(checks[i].keyword, keyword) != 0)
			continue;
		if (c->nchecks == VCHECKS_MAX)
			return false;
		c->check[c->nchecks++] = (struct vcheck){checks[i].kind, value};
		return true;
	}
	return false;
}

static bool
add_text(struct vcase *c, const char *keyword, const char *value)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char **at = (const char **)(void *)((char *)c + texts[i].offset);

		if (strcmp(texts[i].keyword, keyword) != 0)
			continue;
		if (*at != NULL)
			return false;
		*at = value;
		return true;
	}
	return false;
}

static bool
take(struct vcase *c, const char *keyword, char *value)
{
	if (strcmp(keyword, "request") == 0) {
		char *space = strchr(value, ' ');

		if (space == NULL)
			return false;
		*space = '\0';
		c->method = value;
		c->path = space + 1;
		return true;
	}
	if (strcmp(keyword, "send") == 0) {
		if (c->nsend == VSENDS_MAX)
			return false;
		c->send[c->nsend++] = value;
		return true;
	}
	if (strcmp(keyword, "part") == 0) {
		if (c->nparts == VPARTS_MAX)
			return false;
		c->part[c->nparts++] = value;
		return true;
	}
	if (strcmp(keyword, "status") == 0) {
		c->status = atoi(value);
		return c->status >= 100;
	}
	if (strcmp(keyword, "changes") == 0) {
		c->changes = true;
		return true;
	}
	return add_text(c, keyword, value) || add_check(c, keyword, value);
}

static bool
take_line(struct vfile *f, const char *keyword, char *value)
{
	struct vcase *v;

	if (strcmp(keyword, "case") == 0) {
		if ((v = realloc(f->v, (f->n + 1) * sizeof(*v))) == NULL)
			return false;
		f->v = v;
		f->v[f->n++] = (struct vcase){.id = value};
		return true;
	}
	if (f->n > 0)
		return take(&f->v[f->n - 1], keyword, value);
	if (strcmp(keyword, "user") == 0)
		f->user = value;
	else if (strcmp(keyword, "watch") == 0)
		f->watch = value;
	else
		return false;
	return true;
}

/* The end of a value: the first line feed that no tab follows. */
static char *
value_end(char *p)
{
	while (*p != '\0' && !(p[0] == '\n' && p[1] != '\t'))
		p++;
	return p;
}

static char *
read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	long n;

	if (f == NULL)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0) {
		rewind(f);
		text = calloc(1, (size_t)n + 1);
		if (text != NULL && fread(text, 1, (size_t)n, f) != (size_t)n) {
			free(text);
			text = NULL;
		}
	}
	fclose(f);
	return text;
}

static int
check_cases(const struct vfile *f, char *why, size_t len)
{
	for (size_t i = 0; i < f->n; i++) {
		size_t id = strcspn(f->v[i].id, " ");

		snprintf(why, len, "case %s has no request or no status", f->v[i].id);
		if (f->v[i].method == NULL || f->v[i].status == 0)
			return -1;
		snprintf(why, len, "there are two cases %s", f->v[i].id);
		for (size_t k = 0; k < i; k++)
			if (strcspn(f->v[k].id, " ") == id && strncmp(f->v[k].id, f->v[i].id, id) == 0)
				return -1;
	}
	snprintf(why, len, "there are no cases");
	return f->n > 0 ? 0 : -1;
}

int
vfile_read(const char *path, struct vfile *f, char *why, size_t len)
{
	char *p, *end, *value;
	bool last = false;

	*f = (struct vfile){.text = read_all(path)};
	snprintf(why, len, "cannot be read");
	if (f->text == NULL)
		return -1;
	for (p = f->text; !last && *p != '\0'; p = end + 1) {
		end = value_end(p);
		last = *end == '\0';
		*end = '\0';
		if (*p == '#' || *p == '\0')
			continue;
		value = p + strcspn(p, " ");
		if (*value != '\0')
			*value++ = '\0';
		snprintf(why, len, "a line that is not understood: %s %.100s", p, value);
		if (!take_line(f, p, value)) {
			vfile_free(f);
			return -1;
		}
	}
	if (check_cases(f, why, len) == 0)
		return 0;
	vfile_free(f);
	return -1;
}

void
vfile_free(struct vfile *f)
{
	free(f->text);
	free(f->v);
	*f = (struct vfile){0};
}
