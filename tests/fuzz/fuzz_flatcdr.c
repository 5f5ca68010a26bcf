/* SPDX-License-Identifier: ISC */
/* Lines of Kamailio's call records. */
#include <string.h>

#include "common/sink.h"
#include "feeds/kamailio_event.h"
#include "tests/fuzz/fuzz.h"

int
fuzz_flatcdr(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, line;
	struct cdr c;
	struct arena a;
	struct buf b;

	for (bool more = size > 0; more;) {
		struct err e = {.depth = 0};

		more = str_cut(rest, '\n', &line, &rest);
		arena_init(&a, 256 * 1024);
		if (kam_cdr_read(line, &a, &c, &e) == 0) {
			FUZZ_MUST(REC_HAS(&c, cdr, id) && c.id.n > 0 && str_is_utf8(c.id));
			/* A label may be too long for the table, but never what names the call. */
			if (rec_validate(&rec_cdr, &c, false, &e) == 0) {
				buf_init(&b, 65536);
				mp_encode(&rec_cdr, &c, &b, 0);
				FUZZ_MUST(!b.failed);
				buf_free(&b);
			}
		}
		arena_free(&a);
	}
	return 0;
}

FUZZ_TARGET(flatcdr)
