/* SPDX-License-Identifier: ISC */
/* The first byte says how large the pieces are in which an Event Socket's stream arrives; events
 * go where they go in the feed, and every fact must be a record. A reply is read as each list. */
#include "common/tree.h"
#include "feeds/freeswitch_esl.h"
#include "feeds/freeswitch_event.h"
#include "feeds/freeswitch_list.h"
#include "tests/fuzz/fuzz.h"

static void
on_fact(void *arg, const struct fs_fact *f)
{
	const struct rec *r = feed_body(f->kind);
	struct err e = {0};

	(void)arg;
	FUZZ_MUST((r != NULL) == (f->record != NULL));
	if (r != NULL)
		FUZZ_MUST(rec_validate(r, f->record, false, &e) == 0);
}

static void
on_moment(void *arg, const char *key, int64_t member, bool talking, bool floor, int64_t energy)
{
	(void)arg;
	(void)talking;
	(void)floor;
	FUZZ_MUST(key[0] != '\0' && member >= 0 && energy >= 0 && energy <= 100000);
}

static void
on_cdr(void *arg, const struct cdr *record)
{
	struct err e = {0};

	(void)arg;
	FUZZ_MUST(rec_validate(&rec_cdr, record, false, &e) == 0);
}

static void
on_ask(void *arg, const char *key)
{
	(void)arg;
	for (; *key != '\0'; key++)
		FUZZ_MUST(*key > ' ' && *key <= '~');
}

static bool
on_message(void *arg, const struct esl_message *m)
{
	struct fs_state *s = arg;
	struct fs_pairs p;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 1024 * 1024);
	if (str_eqc(m->type, "text/event-plain") && fs_pairs_plain(&p, m->body, &a, &e) == 0) {
		fs_event(s, &p, &a);
	} else if (str_eqc(m->type, "text/event-json") && fs_pairs_json(&p, m->body, &a, &e) == 0) {
		fs_event(s, &p, &a);
	} else if (str_eqc(m->type, "api/response")) {
		s->list++;
		fs_list_conferences(s, m->body, s->clock, 1700000000000, &e);
		err_clear(&e);
		fs_list_channels(s, m->body, true, on_ask, NULL, &e);
		fs_list_dump(s, "a", m->body, 1700000000000);
		fs_list_done(s, s->clock, 1700000000000);
	}
	arena_free(&a);
	return true;
}

int
fuzz_esl(const uint8_t *data, size_t size)
{
	static bool ready;
	struct fs_out out = {on_fact, on_moment, on_cdr, NULL};
	struct fs_state s;
	struct esl esl;
	struct err e = {0};
	struct str rest = {(const char *)data + 1, size - 1};
	size_t piece;

	if (size == 0)
		return 0;
	if (!ready)
		text_init();
	ready = true;
	piece = data[0] == 0 ? 4096 : data[0];
	fs_state_init(&s, data[0] & 1 ? "pbx.example.net" : "", &out);
	esl_init(&esl);
	while (rest.n > 0) {
		size_t n = piece < rest.n ? piece : rest.n;

		if (esl_take(&esl, (struct str){rest.p, n}, on_message, &s, &e) != 0)
			break;
		rest = (struct str){rest.p + n, rest.n - n};
	}
	fs_say_all(&s, 1);
	esl_free(&esl);
	fs_state_clear(&s);
	return 0;
}

FUZZ_TARGET(esl)
