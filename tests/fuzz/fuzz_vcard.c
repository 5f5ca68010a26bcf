/* SPDX-License-Identifier: ISC */
/* A text of vCards. What is read must survive being written and read again. */
#include "common/vcard.h"
#include "common/vcard_write.h"
#include "tests/fuzz/fuzz.h"

/* The values that the export has. */
static bool
same(const struct card *x, const struct card *y)
{
	return str_eq(x->first_name, y->first_name) && str_eq(x->last_name, y->last_name) &&
	    str_eq(x->company_name, y->company_name) && str_eq(x->job_title, y->job_title) &&
	    str_eq(x->job_dept, y->job_dept) && str_eq(x->home.street, y->home.street) &&
	    str_eq(x->office.office_designation, y->office.office_designation);
}

static void
again(const struct card *x)
{
	struct vcard_reader v;
	struct arena a;
	struct buf out;
	struct card y;
	struct err e = {0};

	buf_init(&out, 16 << 20);
	arena_init(&a, 16 << 20);
	vcard_write(&out, x);
	/* Carriage returns and what a text with them becomes are not the writer's business. */
	if (!out.failed) {
		vcard_open(&v, buf_str(&out));
		FUZZ_MUST(vcard_next(&v, &y, &a, &e) == 1);
		FUZZ_MUST(x->first_name.n + x->last_name.n == 0 || same(x, &y));
		FUZZ_MUST(vcard_next(&v, &y, &a, &e) == 0);
	}
	buf_free(&out);
	arena_free(&a);
}

int
fuzz_vcard(const uint8_t *data, size_t size)
{
	struct vcard_reader v;
	struct arena a;
	struct card c;
	struct err e = {0};
	int rc;
	size_t left;

	vcard_open(&v, (struct str){(const char *)data, size});
	do {
		arena_init(&a, 256 * 1024);
		left = v.text.rest.n;
		rc = vcard_next(&v, &c, &a, &e);
		/* It always gets on. */
		FUZZ_MUST(rc == 0 || v.text.rest.n < left);
		if (rc < 0)
			FUZZ_MUST(e.code == ERR_MALFORMED || e.code == ERR_TOO_LARGE);
		for (size_t i = 0; rc == 1 && i < card_fields_count; i++)
			FUZZ_MUST(str_is_utf8(card_get(&c, &card_fields[i])));
		if (rc == 1)
			again(&c);
		arena_free(&a);
	} while (rc != 0);
	return 0;
}

FUZZ_TARGET(vcard)
