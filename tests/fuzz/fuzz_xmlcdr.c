/* SPDX-License-Identifier: ISC */
/* A file as mod_xml_cdr leaves them: what is read from it must be a record. */
#include "common/tree.h"
#include "feeds/freeswitch_xmlcdr.h"
#include "tests/fuzz/fuzz.h"

int
fuzz_xmlcdr(const uint8_t *data, size_t size)
{
	static bool ready;
	struct arena a;
	struct err e = {0};
	struct cdr record;

	if (!ready)
		text_init();
	ready = true;
	arena_init(&a, 4 * 1024 * 1024);
	if (fs_xmlcdr_read(
	        &record, (struct str){(const char *)data, size}, "pbx.example.net", &a, &e) == 1)
		FUZZ_MUST(rec_validate(&rec_cdr, &record, false, &e) == 0);
	arena_free(&a);
	return 0;
}

FUZZ_TARGET(xmlcdr)
