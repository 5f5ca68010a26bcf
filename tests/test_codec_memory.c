/* SPDX-License-Identifier: ISC */
/*
 * The readers of text and msgpack when memory runs out at any point: each document of the fuzz
 * corpora, read within ever larger budgets. Below what it needs it is too large, and no more.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mp.h"
#include "common/text.h"
#include "common/tree.h"
#include "common/vcard.h"
#include "gateway/query.h"
#include "ipc/env.h"
#include "tests/rec_rig.h"

enum { ENOUGH = 4 << 20, STEP = 96, DOCUMENT_MAX = 16 * 1024 };

typedef int read_fn(struct str document, struct arena *a, struct err *e);

static int
read_cards(struct str document, struct arena *a, struct err *e)
{
	struct vcard_reader v;
	struct card c;
	int rc;

	vcard_open(&v, document);
	do
		rc = vcard_next(&v, &c, a, e);
	while (rc == 1);
	return rc;
}

/* As the fuzz targets have it: the first byte is the number of the resource. */
static const struct res *
resource(struct str *document)
{
	const struct res *r = document->n > 0 ? res_by_number((unsigned char)document->p[0]) : NULL;

	if (r == NULL || r->record == NULL)
		return NULL;
	*document = (struct str){document->p + 1, document->n - 1};
	return r;
}

static int
read_text(enum format fmt, struct str document, struct arena *a, struct err *e)
{
	const struct res *r = resource(&document);
	void *x;

	if (r == NULL || (r->formats & (unsigned)fmt) == 0)
		return 0;
	if ((x = arena_alloc(a, r->record->size)) == NULL)
		return err_set(e, ERR_TOO_LARGE, "no room for the record");
	return text_read(r, fmt, document, x, a, e);
}

static int
read_json(struct str document, struct arena *a, struct err *e)
{
	return read_text(FMT_JSON, document, a, e);
}

static int
read_xml(struct str document, struct arena *a, struct err *e)
{
	return read_text(FMT_XML, document, a, e);
}

static int
read_mp(struct str document, struct arena *a, struct err *e)
{
	const struct res *r = resource(&document);
	void *x;

	if (r == NULL)
		return 0;
	if ((x = arena_alloc(a, r->record->size)) == NULL)
		return err_set(e, ERR_TOO_LARGE, "no room for the record");
	return mp_decode(r->record, x, document, DECODE_ALL, a, e);
}

static const struct {
	const char *corpus;
	read_fn *read;
} readers[] = {{"vcard", read_cards}, {"json", read_json}, {"xml", read_xml}, {"mp", read_mp}};

/* Bytes and numbers as texts of JSON: what the corpora seldom have. */
static int
read_reply(struct str document, struct arena *a, struct err *e)
{
	struct reply r;

	return rig_decode(FMT_JSON, &rec_reply, &r, document, a, e);
}

static int
read_query(struct str document, struct arena *a, struct err *e)
{
	struct query_list l;

	return query_parse(document, &l, a, e);
}

static enum err_code
within(read_fn *read, struct str document, size_t cap)
{
	struct arena a;
	struct err e = {.code = ERR_OK};
	int rc;

	arena_init(&a, cap);
	rc = read(document, &a, &e);
	arena_free(&a);
	ck_assert_int_eq(rc != 0, e.code != ERR_OK);
	return e.code;
}

static void
in_every_budget(read_fn *read, struct str document, size_t step, const char *name)
{
	enum err_code want = within(read, document, ENOUGH), got;
	size_t cap = 0;

	for (; (got = within(read, document, cap)) != want; cap += step) {
		ck_assert_msg(got == ERR_TOO_LARGE, "%s in %zu bytes: error %d", name, cap, got);
		ck_assert_msg(cap < ENOUGH, "%s", name);
	}
}

static void
file_in_every_budget(read_fn *read, const char *path)
{
	static char bytes[DOCUMENT_MAX];
	FILE *f = fopen(path, "rb");
	struct str document = {bytes, 0};

	ck_assert_msg(f != NULL, "%s", path);
	document.n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	in_every_budget(read, document, STEP, path);
}

START_TEST(memory_runs_out)
{
	char path[512];
	struct dirent *d;
	DIR *dir;
	int files = 0;

	text_init();
	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", readers[_i].corpus);
	ck_assert_msg((dir = opendir(path)) != NULL, "%s", path);
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.') {
			snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s", readers[_i].corpus, d->d_name);
			file_in_every_budget(readers[_i].read, path);
			files++;
		}
	closedir(dir);
	ck_assert_int_gt(files, 5);
}
END_TEST

#define CARD(lines) "BEGIN:VCARD\nVERSION:3.0\n" lines "END:VCARD\n"

/* Each allocation of these is refused once. */
static const struct {
	read_fn *read;
	const char *text;
} small[] = {
    {read_cards, CARD("N:Fo\\,x;De\\,e\n")},
    {read_cards, CARD("N:F;D\nORG:Ab\\,c;De\\,f\n")},
    {read_cards, CARD("N:F;D\nTITLE:A\\,b\nUID:A\\;b\n")},
    {read_cards, CARD("N:F;D\nTEL:1\\,2\nEMAIL:a\\,b\nIMPP:xmpp:a%40b\n")},
    {read_cards, CARD("N:F;D\nADR:1\\,a;2\\,b;3\\,c;4\\,d;5\\,e;6\\,f;7\\,g\n")},
    {read_cards, CARD("N:F;D\nADR;TYPE=HOME:;;3\\,c;4\\,d;5\\,e;6\\,f;7\\,g\n")},
    {read_cards, CARD("N;ENCODING=QUOTED-PRINTABLE:F=C3=BC=0D=0Ax;D\n")},
    {read_cards, CARD("IMPP:xmpp:a%40b\n")},
    {read_cards, CARD("N:F;D\nNOTE;X=a^nb:c\n")},
    {read_cards, CARD("N:F;D\nAGENT:BEGIN:VCARD\\nN:A\\;B\\nTEL:7\\nEND:VCARD\n")},
    {read_reply, "{\"id\":1,\"code\":0,\"message\":1234567890123456789}"},
    {read_reply, "{\"id\":1,\"code\":0,\"message\":0.30000000000000004}"},
    {read_reply, "{\"id\":1,\"code\":0,\"path\":[1,2,3,4,5]}"},
    {read_reply, "{\"id\":1,\"code\":0,\"body\":\"00ff19af\"}"},
    {read_query, "start=1&filter=a%20b"},
};

START_TEST(each_allocation)
{
	text_init();
	ck_assert_int_eq(within(small[_i].read, str_c(small[_i].text), ENOUGH), ERR_OK);
	in_every_budget(small[_i].read, str_c(small[_i].text), 16, small[_i].text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("codec memory");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, memory_runs_out, 0, sizeof(readers) / sizeof(readers[0]));
	tcase_add_loop_test(t, each_allocation, 0, sizeof(small) / sizeof(small[0]));
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
