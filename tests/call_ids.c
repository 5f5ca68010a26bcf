/* SPDX-License-Identifier: ISC */
#include "tests/call_ids.h"

#include <check.h>
#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "feeds/kamailio_event.h"

enum { NAMED = 5, PAGES_MAX = 10000 };

void
call_ids_add(struct call_ids *ids, const char *id, size_t n)
{
	ck_assert_uint_lt(n, CALL_ID_MAX);
	if (ids->n == ids->room) {
		ids->room = ids->room == 0 ? 1024 : ids->room * 2;
		ids->v = realloc(ids->v, ids->room * sizeof(ids->v[0]));
		ck_assert_ptr_nonnull(ids->v);
	}
	memcpy(ids->v[ids->n], id, n);
	ids->v[ids->n++][n] = '\0';
}

void
call_ids_free(struct call_ids *ids)
{
	free(ids->v);
	*ids = (struct call_ids){0};
}

/* --- the proxy's files ----------------------------------------------------------------------- */

/* Made here once more, not by the backend: the start turned round, and a hash of the names that the
 * feed and the proxy have. */
static void
add_record(struct call_ids *ids, const struct cdr *c)
{
	static const char source[] = "kamailio";
	unsigned char place[16], digest[16];
	crypto_generichash_state st;
	uint64_t turned = (uint64_t)(INT64_MAX - c->started);
	char id[CALL_ID_MAX];

	crypto_generichash_init(&st, NULL, 0, sizeof(digest));
	crypto_generichash_update(&st, (const unsigned char *)source, sizeof(source));
	crypto_generichash_update(&st, (const unsigned char *)c->id.p, c->id.n);
	crypto_generichash_final(&st, digest, sizeof(digest));
	for (int i = 0; i < 8; i++)
		place[i] = (unsigned char)(turned >> (56 - 8 * i));
	memcpy(place + 8, digest, 8);
	sodium_bin2base64(
	    id, sizeof(id), place, sizeof(place), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	call_ids_add(ids, id, strlen(id));
}

static void
add_file(struct call_ids *ids, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	ck_assert_ptr_nonnull(f);
	while ((n = getline(&line, &size, f)) > 0 && line[n - 1] == '\n') {
		struct arena a;
		struct cdr c;
		struct err e = {0};

		arena_init(&a, 65536);
		ck_assert_msg(kam_cdr_read((struct str){line, (size_t)n - 1}, &a, &c, &e) == 0, "%s: %s",
		    err_text(&e), line);
		add_record(ids, &c);
		arena_free(&a);
	}
	free(line);
	fclose(f);
}

void
call_ids_of_files(struct call_ids *ids, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		char path[512];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		add_file(ids, path);
	}
	closedir(d);
}

/* --- what a user is shown -------------------------------------------------------------------- */

/* What stands before and behind an id; in CSV it is the first column, which may be in quotes. */
static const struct format {
	const char *name, *before;
	char behind;
} formats[] = {
    {"application/json", "\"id\":\"", '"'}, {"text/xml", "<id>", '<'}, {"text/csv", "\n", ','}};

static void
add_page(struct call_ids *ids, const struct format *f, const char *body)
{
	const char stop[] = {f->behind, '"', '\0'}, *end;

	while ((body = strstr(body, f->before)) != NULL) {
		body += strlen(f->before);
		if ((end = strchr(body, f->behind)) == NULL)
			break;
		body += *body == '"';
		call_ids_add(ids, body, strcspn(body, stop));
		body = end;
	}
}

void
call_ids_of_pages(
    struct call_ids *ids, struct rig *r, const char *user, const char *format, const char *path)
{
	const struct format *f = formats;
	char at[2048];
	int pages = 0;

	while (strcmp(f->name, format) != 0)
		f++;
	snprintf(at, sizeof(at), "%s", path);
	while (at[0] != '\0') {
		struct answer a = rig_ask(r, &(struct ask){.user = user, .path = at, .accept = format});

		ck_assert_msg(a.status == 200, "%s: %d %s", at, a.status, a.body);
		add_page(ids, f, a.body);
		answer_next(&a, "/my/cdrs", at, sizeof(at));
		answer_free(&a);
		ck_assert_int_lt(++pages, PAGES_MAX);
	}
}

/* --- comparing ------------------------------------------------------------------------------- */

struct found {
	const char *what;
	size_t n;
	char some[NAMED * CALL_ID_MAX];
};

static void
note(struct found *f, const char *id)
{
	if (f->n++ < NAMED)
		snprintf(f->some + strlen(f->some), sizeof(f->some) - strlen(f->some), " %s", id);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
sort(struct call_ids *ids)
{
	if (ids->n > 0)
		qsort(ids->v, ids->n, sizeof(ids->v[0]), by_text);
}

bool
call_ids_equal(struct call_ids *want, struct call_ids *have, char *why, size_t size)
{
	struct found f[] = {{.what = "missing"}, {.what = "doubled"}, {.what = "of nobody"}};
	size_t w = 0, h = 0, n = 0;

	sort(want);
	sort(have);
	while (w < want->n || h < have->n) {
		int order = w == want->n ? 1 : h == have->n ? -1 : strcmp(want->v[w], have->v[h]);

		if (order < 0)
			note(&f[0], want->v[w++]);
		else if (order == 0)
			w++, h++;
		else if (h > 0 && strcmp(have->v[h], have->v[h - 1]) == 0)
			note(&f[1], have->v[h++]);
		else
			note(&f[2], have->v[h++]);
	}
	why[0] = '\0';
	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		if (f[i].n > 0 && n < size)
			n += (size_t)snprintf(why + n, size - n, "%s%zu %s:%s%s", n > 0 ? "; " : "", f[i].n,
			    f[i].what, f[i].some, f[i].n > NAMED ? " …" : "");
	return n == 0;
}
