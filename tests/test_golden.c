/* SPDX-License-Identifier: ISC */
/* Whole documents of every resource, compared with files in tests/golden; see its README.
 *   test_golden                  runs all of them (directory: $GOLDEN, else tests/golden)
 *   test_golden --make RESOURCE  prints a first draft of a resource's files from its table */
#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mp.h"
#include "common/rec_dev.h"
#include "common/records.h"
#include "common/sink.h"
#include "common/text.h"
#include "tests/rec_rig.h"

static struct arena a;
static struct err e;
static char folder[512];
static void *head; /* of the list that was read last */

static const char *
golden_dir(void)
{
	const char *dir = getenv("GOLDEN");

	return dir != NULL ? dir : "tests/golden";
}

static void
find_folder(const struct res *r)
{
	int n = snprintf(folder, sizeof(folder), "%s/", golden_dir());

	for (const char *c = r->id; *c != '\0'; c++)
		folder[n++] = (char)tolower((unsigned char)*c);
	folder[n] = '\0';
}

/* A file of the folder, an empty one is none. */
static struct str
file(const char *name, const char *ending)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);
	return rig_file(path, &a);
}

static bool
list_of(const struct res *r)
{
	return res_is_list(r);
}

/* The record through msgpack, as it travels between the processes. */
static void
cross(const struct rec *r, void *obj)
{
	struct buf b;
	struct str bytes;

	buf_init(&b, 2 << 20);
	mp_encode(r, obj, &b, ENCODE_SECRETS);
	bytes = arena_copy(&a, buf_str(&b));
	buf_free(&b);
	ck_assert_int_eq(mp_decode(r, obj, bytes, DECODE_ALL, &a, &e), 0);
}

/* The members before the items of a list; in JSON they have two names, of which one is read. */
static void
read_head(const struct res *r, enum format fmt, struct node *n)
{
	const struct field *items = &r->head->f[r->head->nf - 1];
	struct node **at = &n->first;
	struct tree_src src;

	while (*at != NULL) {
		bool is_again = str_eq((*at)->name, str_c(field_json(items)));

		for (size_t i = 0; i < r->head->nf && fmt == FMT_JSON; i++)
			is_again = is_again ||
			    (r->head->f[i].json_also != NULL && str_eqc((*at)->name, r->head->f[i].json_also));
		if (is_again)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
	head = arena_alloc(&a, r->head->size);
	tree_src_init(&src, n, RULES_TREE);
	ck_assert_msg(rec_decode(r->head, head, &src.src, DECODE_ALL, &a, &e) == 0, "%s", err_text(&e));
	ck_assert_msg(rec_validate(r->head, head, false, &e) == 0, "%s", err_text(&e));
	cross(r->head, head);
}

/* Records of an answer, every field of which counts. */
static struct list
read_answer(const struct res *r, enum format fmt, struct str text)
{
	struct node *doc = rig_read(fmt, text, &a);
	struct list l = {NULL, 1};
	struct node *n = doc;

	/* The items are the first field's. */
	if (r->json_style == ROOT_ITEMS) {
		struct node *whole = node_new(&a, NODE_MAP, (struct str){"", 0});

		doc->name = str_c(field_json(r->record->f));
		node_append(whole, doc);
		n = whole;
	}
	/* Below the root name each field has one name; bare it may have two. */
	if (fmt == FMT_JSON && (r->family == FAM_TREE || r->json_style == ROOT_BOTH))
		n = node_get(doc, str_c(r->json_root));
	ck_assert_msg(n != NULL, "%s: no root", folder);
	if (r->record->attributes && fmt == FMT_XML)
		return l;
	if (r->head != NULL) {
		struct node *all = n;

		n = node_get(n, str_c(field_json(&r->head->f[r->head->nf - 1])));
		ck_assert_msg(n != NULL, "%s: no items", folder);
		read_head(r, fmt, all);
	}
	if (list_of(r)) {
		struct node *first = n->first;

		l.n = 0;
		for (n = first; n != NULL; n = n->next)
			l.n++;
		n = first;
	}
	l.v = arena_array(&a, l.n, r->record->size);
	for (size_t i = 0; i < l.n; i++, n = n->next) {
		struct tree_src src;
		void *obj = (char *)l.v + i * r->record->size;

		tree_src_init(&src, n, fmt == FMT_XML || r->family == FAM_TREE ? RULES_TREE : RULES_BEAN);
		ck_assert_msg(
		    rec_decode(r->record, obj, &src.src, DECODE_ALL, &a, &e) == 0, "%s", err_text(&e));
		ck_assert_msg(rec_validate(r->record, obj, false, &e) == 0, "%s", err_text(&e));
		cross(r->record, obj);
	}
	return l;
}

static void
write_answer(const struct res *r, enum format fmt, struct list l, struct buf *out)
{
	if (!list_of(r)) {
		text_write(r, fmt, l.v, out);
		return;
	}
	if (r->head != NULL)
		text_list_head(r, fmt, head, l.n == 0, out);
	else
		text_list_begin(r, fmt, l.n == 0, out);
	for (size_t i = 0; i < l.n; i++)
		text_list_item(r, fmt, i, (char *)l.v + i * r->record->size, out);
	text_list_end(r, fmt, l.n == 0, out);
}

static void
expect_answer(
    const struct res *r, enum format fmt, struct list l, struct str want, const char *name)
{
	struct buf b;

	buf_init(&b, 2 << 20);
	write_answer(r, fmt, l, &b);
	ck_assert_msg(rig_equal(rig_read(fmt, buf_str(&b), &a), rig_read(fmt, want, &a)),
	    "%s/%s: written\n%.*s\ninstead of\n%.*s", folder, name, (int)b.n, b.p, (int)want.n, want.p);
	buf_free(&b);
}

/* get*.json and, where the resource has XML, get*.xml are the same answer. */
static void
try_get(const struct res *r, const char *name)
{
	struct str json = file(name, ".json"), xml = file(name, ".xml");
	struct list l = read_answer(r, FMT_JSON, json), other;

	expect_answer(r, FMT_JSON, l, json, name);
	if ((r->formats & FMT_XML) == 0) {
		ck_assert_msg(xml.p == NULL, "%s/%s.xml: the resource has no XML", folder, name);
		return;
	}
	ck_assert_msg(xml.p != NULL, "%s/%s.xml is missing", folder, name);
	expect_answer(r, FMT_XML, l, xml, name);
	other = read_answer(r, FMT_XML, xml);
	/* Attributes are written, never read. */
	for (size_t i = 0; i < l.n && !r->record->attributes; i++)
		ck_assert_msg(rec_equal(r->record, (char *)l.v + i * r->record->size,
		                  (char *)other.v + i * r->record->size),
		    "%s/%s: JSON and XML differ", folder, name);
}

static int
read_input(const struct res *r, enum format fmt, struct str text, void *obj)
{
	if (text_read(r, fmt, text, obj, &a, &e) != 0 ||
	    rec_validate(res_input(r), obj, r->update == UPDATE_MERGE, &e) != 0)
		return -1;
	cross(res_input(r), obj);
	return 0;
}

/* put*.json or put*.xml over the record of get.json (or over nothing, where records are created)
 * gives put*.want.json. What hooks of the backend add is not in it. */
static void
try_put(const struct res *r, const char *name, enum format fmt)
{
	struct str text = file(name, fmt == FMT_XML ? ".xml" : ".json"),
	           want = file(name, ".want.json");
	const struct rec *rec = res_input(r);
	void *input = arena_alloc(&a, rec->size);
	struct list stored = {arena_alloc(&a, rec->size), 1};
	struct res one = *r;

	ck_assert_msg(want.p != NULL, "%s/%s.want.json is missing", folder, name);
	ck_assert_msg(read_input(r, fmt, text, input) == 0, "%s/%s: %s", folder, name, err_text(&e));
	if (r->root_is_list) {
		expect_answer(r, FMT_JSON, rec_list(&rec->f[0], input), want, name);
		return;
	}
	one.record = rec;
	if (!list_of(r) && r->record != NULL)
		stored = read_answer(r, FMT_JSON, file("get", ".json"));
	rec_update(rec, r->update, stored.v, input);
	ck_assert_int_eq(rec_validate(rec, stored.v, false, &e), 0);
	if (list_of(r))
		one.shape = SHAPE_ITEM;
	expect_answer(&one, FMT_JSON, stored, want, name);
}

/* bad*.json or bad*.xml is refused as bad*.err says: status, field ("-" = none), phrase's begin. */
static void
try_bad(const struct res *r, const char *name, enum format fmt)
{
	struct str text = file(name, fmt == FMT_XML ? ".xml" : ".json"), want = file(name, ".err");
	struct str status, field, phrase;
	void *input = arena_alloc(&a, res_input(r)->size);
	enum err_code code;
	struct buf got;

	ck_assert_msg(want.p != NULL, "%s/%s.err is missing", folder, name);
	str_cut(str_trim(want), ' ', &status, &phrase);
	str_cut(phrase, ' ', &field, &phrase);
	ck_assert_msg(read_input(r, fmt, text, input) == -1, "%s/%s was accepted", folder, name);
	code = e.code == ERR_INVALID && r->invalid != ERR_OK ? r->invalid : e.code;
	ck_assert_msg(str_eq(status, arena_printf(&a, "%d", err_status(code))), "%s/%s: %d %s", folder,
	    name, err_status(code), err_text(&e));
	buf_init(&got, 1000);
	rec_path(res_input(r), fmt == FMT_XML, e.path, e.depth, &got);
	if (got.n == 0)
		buf_addc(&got, '-');
	ck_assert_msg(
	    str_eq(buf_str(&got), field), "%s/%s: field %.*s", folder, name, (int)got.n, got.p);
	ck_assert_msg(str_starts(str_c(err_text(&e)), arena_cstr(&a, phrase)), "%s/%s: \"%s\"", folder,
	    name, err_text(&e));
	buf_free(&got);
}

static bool
ends(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n >= m && strcmp(s + n - m, tail) == 0;
}

START_TEST(documents)
{
	const struct res *r = &all_resources[_i];
	size_t gets = 0, puts = 0, bads = 0;
	struct dirent *d;
	DIR *dir;

	if (res_input(r) == NULL)
		return;
	find_folder(r);
	dir = opendir(folder);
	ck_assert_msg(dir != NULL, "%s has no folder %s: test_golden --make %s prints a draft", r->id,
	    folder, r->id);
	while ((d = readdir(dir)) != NULL) {
		char name[300];
		enum format fmt = ends(d->d_name, ".xml") ? FMT_XML : FMT_JSON;
		bool plain = !ends(d->d_name, ".want.json");

		if (d->d_name[0] == '.' || ends(d->d_name, ".err") || !plain)
			continue;
		snprintf(name, sizeof(name), "%s", d->d_name);
		*strrchr(name, '.') = '\0';
		arena_init(&a, 64 << 20);
		e = (struct err){.depth = 0};
		if (str_starts(str_c(name), "get") && fmt == FMT_JSON) {
			try_get(r, name);
			gets++;
		} else if (str_starts(str_c(name), "put")) {
			try_put(r, name, fmt);
			puts++;
		} else if (str_starts(str_c(name), "bad")) {
			try_bad(r, name, fmt);
			bads++;
		} else {
			ck_assert_msg(str_starts(str_c(name), "get"), "%s/%s: what is it?", folder, d->d_name);
		}
		arena_free(&a);
	}
	closedir(dir);
	if ((r->methods & M_GET) != 0 || (r->shape == SHAPE_CUSTOM && r->record != NULL))
		ck_assert_msg(gets > 0, "%s has no get.json", folder);
	if ((r->methods & (M_PUT | M_POST)) != 0 && r->body != BODY_IGNORED)
		ck_assert_msg(puts > 0 && bads > 0, "%s has no put* or no bad*", folder);
}
END_TEST

/* Every folder belongs to a row: a renamed resource must take its files along. */
START_TEST(folders)
{
	DIR *dir = opendir(golden_dir());
	struct dirent *d;

	ck_assert_msg(dir != NULL, "no directory %s", golden_dir());
	while ((d = readdir(dir)) != NULL) {
		bool known = d->d_name[0] == '.' || strcmp(d->d_name, "README.md") == 0;

		for (size_t i = 0; i < all_resources_count && !known; i++) {
			find_folder(&all_resources[i]);
			known = strcmp(strrchr(folder, '/') + 1, d->d_name) == 0;
		}
		ck_assert_msg(known, "%s belongs to no resource", d->d_name);
	}
	closedir(dir);
}
END_TEST

static int
make(const char *id)
{
	for (size_t i = 0; i < all_resources_count; i++) {
		const struct res *r = &all_resources[i];
		struct list l = {NULL, 1};
		struct buf b;

		if (strcasecmp(r->id, id) != 0 || r->record == NULL)
			continue;
		arena_init(&a, 8 << 20);
		buf_init(&b, 1 << 20);
		l.v = arena_alloc(&a, r->record->size);
		if (rec_random(r->record, l.v, 1, RANDOM_FULL | RANDOM_TAME, &a) != 0)
			return 1;
		write_answer(r, FMT_JSON, l, &b);
		printf("get.json:\n%.*s\n", (int)b.n, b.p);
		buf_reset(&b);
		if ((r->formats & FMT_XML) != 0) {
			write_answer(r, FMT_XML, l, &b);
			printf("get.xml:\n%.*s\n", (int)b.n, b.p);
		}
		buf_free(&b);
		arena_free(&a);
		return 0;
	}
	fprintf(stderr, "no resource %s with a record\n", id);
	return 1;
}

int
main(int argc, char **argv)
{
	Suite *s;
	TCase *t;
	SRunner *r;
	int failed;

	text_init();
	if (argc == 3 && strcmp(argv[1], "--make") == 0)
		return make(argv[2]);
	s = suite_create("golden");
	t = tcase_create("all");
	r = srunner_create(s);
	suite_add_tcase(s, t);
	tcase_add_loop_test(t, documents, 0, (int)all_resources_count);
	tcase_add_test(t, folders);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
