/* SPDX-License-Identifier: ISC */
/* What Kamailio says in JSON: an event, and a list of dialogs. What is made of it must be a record
 * that the backend can read, or one that its table refuses. */
#include <stdlib.h>
#include <string.h>

#include "common/sink.h"
#include "common/tree.h"
#include "feeds/kamailio_event.h"
#include "tests/fuzz/fuzz.h"

static void
must_be_a_call(const struct kam_event *ev)
{
	struct err e = {.depth = 0};
	struct buf b;

	FUZZ_MUST(memchr(ev->key, '\0', sizeof(ev->key)) != NULL && str_is_utf8(str_c(ev->key)));
	if (ev->over || rec_validate(&rec_live_call, &ev->call, false, &e) != 0)
		return;
	buf_init(&b, 65536);
	mp_encode(&rec_live_call, &ev->call, &b, 0);
	FUZZ_MUST(!b.failed);
	buf_free(&b);
}

int
fuzz_kamailio(const uint8_t *data, size_t size)
{
	static bool ready;
	char *text = malloc(size + 1);
	struct kam_event ev;
	struct node *root;
	struct arena a;
	struct err e = {.depth = 0};

	if (!ready)
		text_init();
	ready = true;
	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	arena_init(&a, 1 << 20);
	if (kam_event_read(text, size, &a, &ev, &e) == 0) {
		FUZZ_MUST(ev.seq >= 1);
		must_be_a_call(&ev);
	}
	FUZZ_MUST(str_is_utf8((struct str){text, size}));
	err_clear(&e);
	if (json_read((struct str){text, size}, &a, &root, &e) == 0 && root->kind == NODE_LIST)
		for (const struct node *n = root->first; n != NULL; n = n->next)
			if (kam_listed(n, "boot", &a, &ev, &e) == 1)
				must_be_a_call(&ev);
	arena_free(&a);
	free(text);
	return 0;
}

FUZZ_TARGET(kamailio)
