/* SPDX-License-Identifier: ISC */
#include "tests/vectors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/ask.h"
#include "tests/compare.h"
#include "tests/vectors_read.h"

enum { VALUES_MAX = 32, TEXT_MAX = 16384, CHUNK_MAX = 64 };

struct kept {
	char name[32], value[1024];
};

/* Between the parts of an upload. */
#define BOUNDARY "7MA4YWxkTrZu0gW"

struct run {
	char files[512]; /* folder of what cases send and compare with */
	const struct vectors_target *t;
	const struct vfile *f;
	struct kept kept[VALUES_MAX]; /* captured so far */
	size_t nkept;
	char chunk[CHUNK_MAX][TEXT_MAX]; /* values of this case with names replaced */
	size_t nchunks;
	char problem[2048];
};

static bool __attribute__((format(printf, 2, 3))) problem(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->problem, sizeof(r->problem), fmt, ap);
	va_end(ap);
	return false;
}

static const char *
value_of(const struct run *r, const char *name, size_t n)
{
	for (size_t i = r->nkept; i-- > 0;)
		if (strlen(r->kept[i].name) == n && memcmp(r->kept[i].name, name, n) == 0)
			return r->kept[i].value;
	for (size_t i = 0; i < r->t->nvalues; i++)
		if (strlen(r->t->values[i].name) == n && memcmp(r->t->values[i].name, name, n) == 0)
			return r->t->values[i].value;
	return "";
}

/* A copy with ${names} replaced; NULL stays NULL. Valid until the end of the case. */
static const char *
filled(struct run *r, const char *text)
{
	char *out = r->chunk[r->nchunks % CHUNK_MAX];
	size_t n = 0;

	if (text == NULL)
		return NULL;
	r->nchunks++;
	while (*text != '\0' && n + 1 < TEXT_MAX) {
		const char *end = strncmp(text, "${", 2) == 0 ? strchr(text, '}') : NULL;

		if (end == NULL) {
			out[n++] = *text++;
			continue;
		}
		n += (size_t)snprintf(
		    out + n, TEXT_MAX - n, "%s", value_of(r, text + 2, (size_t)(end - text - 2)));
		n = n < TEXT_MAX ? n : TEXT_MAX - 1;
		text = end + 1;
	}
	out[n] = '\0';
	return out;
}

static const char *
password_of(const struct run *r, const char *user)
{
	for (size_t i = 0; i < r->t->npasswords; i++)
		if (strcmp(r->t->passwords[i].name, user) == 0)
			return r->t->passwords[i].value;
	return "";
}

/* "NAME" or "NAME PASSWORD" as "name:password"; "-" = no credentials. */
static void
credentials(const struct run *r, const char *as, char *ret, size_t len)
{
	const char *space = strchr(as, ' ');
	char name[128];

	ret[0] = '\0';
	if (strcmp(as, "-") == 0)
		return;
	snprintf(name, sizeof(name), "%.*s", space != NULL ? (int)(space - as) : 127, as);
	snprintf(ret, len, "%s:%s", name, space != NULL ? space + 1 : password_of(r, name));
}

static bool
check_error(struct run *r, const struct answer *a, const char *expected)
{
	char type[64], field[256] = "", have[256], want[512];

	if (sscanf(expected, "%63s %255s", type, field) < 1)
		return problem(r, "error: no type given");
	if (strstr(a->type, "xml") != NULL) {
		snprintf(want, sizeof(want), "<error><message>$text</message><type>%s</type>%s%s%s</error>",
		    type, field[0] != '\0' ? "<field>" : "", field, field[0] != '\0' ? "</field>" : "");
		return compare_xml(want, a->body, false, r->problem, sizeof(r->problem));
	}
	if (!json_find(a->body, "field", have, sizeof(have)))
		have[0] = '\0';
	if (strcmp(have, field) != 0)
		return problem(r, "field is \"%s\", expected \"%s\": %.500s", have, field, a->body);
	snprintf(want, sizeof(want), "{\"error\":\"$text\",\"type\":\"%s\"}", type);
	return compare_json(want, a->body, true, r->problem, sizeof(r->problem));
}

static bool
check_header(struct run *r, const struct answer *a, const char *expected)
{
	const char *colon = strstr(expected, ": "), *have;
	char name[128];

	if (colon == NULL)
		return problem(r, "header: no value given");
	snprintf(name, sizeof(name), "%.*s", (int)(colon - expected), expected);
	have = answer_header(a, name);
	if (have == NULL || strcmp(have, colon + 2) != 0)
		return problem(
		    r, "%s is \"%s\", expected \"%s\"", name, have != NULL ? have : "absent", colon + 2);
	return true;
}

static bool
check_text(struct run *r, const struct answer *a, const char *expected)
{
	char want[2048];
	size_t n = 0;

	for (const char *p = expected; *p != '\0' && n + 1 < sizeof(want); p++) {
		bool feed = p[0] == '\\' && p[1] == 'n';

		want[n++] = feed ? '\n' : *p;
		p += feed;
	}
	want[n] = '\0';
	return strcmp(want, a->body) == 0 || problem(r, "the body is %.500s", a->body);
}

static bool
capture(struct run *r, const struct answer *a, const char *value, bool header)
{
	const char *space = strchr(value, ' ');
	struct kept *k = &r->kept[r->nkept];

	if (space == NULL || r->nkept == VALUES_MAX)
		return problem(r, "capture: too many, or no path");
	snprintf(k->name, sizeof(k->name), "%.*s", (int)(space - value), value);
	if (header) {
		const char *have = answer_header(a, space + 1);

		if (have == NULL)
			return problem(r, "there is no header field %s", space + 1);
		snprintf(k->value, sizeof(k->value), "%s", have);
	} else if (!json_find(a->body, space + 1, k->value, sizeof(k->value))) {
		return problem(r, "there is no %s in %.500s", space + 1, a->body);
	}
	r->nkept++;
	return true;
}

/* A file of the cases; to be freed. NULL when it cannot be read. */
static char *
read_file(const struct run *r, const char *name, size_t *n)
{
	char path[1024], *p = NULL;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->files, name);
	f = fopen(path, "rb");
	if (f != NULL && fstat(fileno(f), &st) == 0 && (p = malloc((size_t)st.st_size + 1)) != NULL)
		*n = fread(p, 1, (size_t)st.st_size, f);
	if (f != NULL)
		fclose(f);
	return p;
}

static bool
check_bytes(struct run *r, const struct answer *a, const char *name, bool wanted)
{
	size_t n = 0;
	char *p = read_file(r, name, &n);
	bool there = p != NULL, same = there && n == a->body_n && memcmp(p, a->body, n) == 0;

	free(p);
	return (there && same == wanted) ||
	    problem(r, "the body is %s%s", same ? "that of " : "not that of ", name);
}

/* "WIDTH HEIGHT": the signature, and what IHDR says. */
static bool
check_png(struct run *r, const struct answer *a, const char *expected)
{
	const unsigned char *p = (const unsigned char *)a->body;
	unsigned w, h;

	if (a->body_n < 24 || memcmp(p, "\x89PNG\r\n\x1a\n", 8) != 0 || memcmp(p + 12, "IHDR", 4) != 0)
		return problem(r, "the body is no PNG: %zu bytes", a->body_n);
	w = (unsigned)p[16] << 24 | (unsigned)p[17] << 16 | (unsigned)p[18] << 8 | p[19];
	h = (unsigned)p[20] << 24 | (unsigned)p[21] << 16 | (unsigned)p[22] << 8 | p[23];
	if (strtoul(expected, NULL, 10) != w ||
	    strtoul(expected + strcspn(expected, " "), NULL, 10) != h)
		return problem(r, "it has %u x %u pixels", w, h);
	return true;
}

static bool
check_one(struct run *r, const struct answer *a, const struct vcheck *c)
{
	const char *v = filled(r, c->value);
	char *why = r->problem;
	size_t len = sizeof(r->problem);

	switch (c->kind) {
	case VCHECK_HEADER:
		return check_header(r, a, v);
	case VCHECK_NO_HEADER:
		return answer_header(a, v) == NULL || problem(r, "there is a header field %s", v);
	case VCHECK_JSON:
	case VCHECK_JSON_PART:
		return compare_json(v, a->body, c->kind == VCHECK_JSON_PART, why, len);
	case VCHECK_XML:
	case VCHECK_XML_PART:
		return compare_xml(v, a->body, c->kind == VCHECK_XML_PART, why, len);
	case VCHECK_TEXT:
		return check_text(r, a, v);
	case VCHECK_ERROR:
		return check_error(r, a, v);
	case VCHECK_CONTAINS:
		return strstr(a->body, v) != NULL || problem(r, "no %s in %.500s", v, a->body);
	case VCHECK_ABSENT:
		return strstr(a->body, v) == NULL || problem(r, "%s is in %.500s", v, a->body);
	case VCHECK_EMPTY:
		return a->body_n == 0 || problem(r, "there is a body: %.500s", a->body);
	case VCHECK_CAPTURE:
	case VCHECK_CAPTURE_HEADER:
		return capture(r, a, v, c->kind == VCHECK_CAPTURE_HEADER);
	case VCHECK_PNG:
		return check_png(r, a, v);
	case VCHECK_BYTES:
	case VCHECK_OTHER_BYTES:
		return check_bytes(r, a, v, c->kind == VCHECK_BYTES);
	}
	return false;
}

/* The document of a case with parts; to be freed. */
static char *
join_parts(struct run *r, const struct vcase *c, size_t *len)
{
	char *all = NULL;
	FILE *f = open_memstream(&all, len);

	for (size_t i = 0; i < c->nparts; i++) {
		size_t n = 0;
		char *p = read_file(r, c->part[i], &n);

		fprintf(f,
		    "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n"
		    "Content-Type: application/octet-stream\r\n\r\n",
		    c->part[i]);
		fwrite(p != NULL ? p : "", 1, n, f);
		fputs("\r\n", f);
		free(p);
	}
	fputs("--" BOUNDARY "--\r\n", f);
	fclose(f);
	return all;
}

static struct answer
send_case(struct run *r, const struct vcase *c)
{
	char user[256], fields[4096] = "", *parts = NULL;
	struct answer a;
	size_t nparts = 0;

	credentials(r,
	    filled(r,
	        c->bearer != NULL   ? "-"
	            : c->as != NULL ? c->as
	                            : r->f->user),
	    user, sizeof(user));
	for (size_t i = 0; i < c->nsend; i++) {
		size_t n = strlen(fields);

		snprintf(fields + n, sizeof(fields) - n, "%s%s", n > 0 ? "\n" : "", filled(r, c->send[i]));
	}
	if (c->nparts > 0)
		parts = join_parts(r, c, &nparts);
	a = ask(r->t->origin, r->t->base,
	    &(struct ask){.method = c->method,
	        .path = filled(r, c->path),
	        .user = user,
	        .bearer = filled(r, c->bearer),
	        .accept = filled(r, c->accept),
	        .type = parts != NULL ? "multipart/form-data; boundary=" BOUNDARY : filled(r, c->type),
	        .header = fields,
	        .body = parts != NULL ? parts : filled(r, c->body),
	        .body_n = nparts});
	free(parts);
	return a;
}

/* What the file's user sees of the watched resource; to be freed. */
static char *
snapshot(struct run *r)
{
	char user[256];
	struct answer a;
	char *body;

	credentials(r, r->f->user, user, sizeof(user));
	a = ask(r->t->origin, r->t->base,
	    &(struct ask){.path = r->f->watch, .user = user, .accept = "application/json"});
	body = a.status == 200 ? a.body : NULL;
	if (body != NULL)
		a.body = NULL;
	answer_free(&a);
	return body;
}

static bool
is_write(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
	    strcmp(method, "OPTIONS") != 0;
}

static bool
is_left_out(const struct vectors_target *t, const struct vcase *c)
{
	return (t->read_only && is_write(c->method)) || (t->legacy && c->differs != NULL);
}

static bool
run_case(struct run *r, const struct vcase *c)
{
	bool watched = r->f->watch != NULL && !c->changes && is_write(c->method);
	char *before = watched ? snapshot(r) : NULL, *after;
	struct answer a = send_case(r, c);
	bool good = a.status == c->status ||
	    problem(r, "status %d, expected %d: %.500s", a.status, c->status, a.body);

	for (size_t i = 0; good && i < c->nchecks; i++)
		good = check_one(r, &a, &c->check[i]);
	answer_free(&a);
	after = watched ? snapshot(r) : NULL;
	if (good && watched)
		good = before != NULL && after != NULL
		    ? compare_json(before, after, false, r->problem, sizeof(r->problem))
		    : problem(r, "%s cannot be read", r->f->watch);
	free(before);
	free(after);
	return good;
}

int
vectors_passwords(struct vectors_target *t, const char *file)
{
	enum { USERS_MAX = 64 };
	static struct kept lines[USERS_MAX];
	static struct vectors_value values[USERS_MAX];
	FILE *f = fopen(file, "r");
	size_t n = 0;

	if (f == NULL)
		return -1;
	while (n < USERS_MAX && fscanf(f, "%31s %1023s", lines[n].name, lines[n].value) == 2) {
		values[n] = (struct vectors_value){lines[n].name, lines[n].value};
		n++;
	}
	fclose(f);
	t->passwords = values;
	t->npasswords = n;
	return 0;
}

int
vectors_run(const struct vectors_target *t, const char *file, struct vectors_result *ret)
{
	struct run *r = calloc(1, sizeof(*r));
	struct vfile f;
	char why[512];

	*ret = (struct vectors_result){0};
	if (r == NULL || vfile_read(file, &f, why, sizeof(why)) != 0) {
		t->report(t->arg, file, "-", r == NULL ? "out of memory" : why);
		free(r);
		return -1;
	}
	r->t = t;
	r->f = &f;
	snprintf(r->files, sizeof(r->files), "%.*s../files",
	    strrchr(file, '/') != NULL ? (int)(strrchr(file, '/') - file + 1) : 0, file);
	for (size_t i = 0; i < f.n; i++) {
		if (is_left_out(t, &f.v[i])) {
			ret->left_out++;
			continue;
		}
		r->nchunks = 0;
		ret->cases++;
		ret->departures += f.v[i].differs != NULL;
		if (run_case(r, &f.v[i]))
			continue;
		ret->failed++;
		t->report(t->arg, file, f.v[i].id, r->problem);
	}
	vfile_free(&f);
	free(r);
	return 0;
}
