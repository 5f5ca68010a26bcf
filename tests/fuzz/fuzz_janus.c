/* SPDX-License-Identifier: ISC */
/* What Janus says: each line is an answer or a body of events, in any order. Whatever it says, the
 * facts that come of it are such as the backend takes, and what is kept is bounded. */
#include "feeds/janus_sync.h"

#include "tests/fuzz/fuzz.h"

enum { LINES = 64 };

struct fuzz {
	struct janus_sync sync;
	bool people; /* the open question's kind */
	int asked;
	int64_t now;
};

static bool
ask_rooms(void *arg)
{
	struct fuzz *f = arg;

	f->people = false;
	return f->asked++ % 16 != 15;
}

static bool
ask_people(void *arg, int64_t room)
{
	struct fuzz *f = arg;

	FUZZ_MUST(room > 0);
	f->people = true;
	return f->asked++ % 16 != 15;
}

static void
say(void *arg, enum feed_kind kind, const char *key, int64_t member, int64_t time_ms,
    const void *record)
{
	const struct rec *r = feed_body(kind);
	struct err e = {.depth = 0};

	(void)arg;
	FUZZ_MUST(time_ms >= 0 && member >= 0);
	if (key != NULL)
		FUZZ_MUST(janus_key_room(str_c(key)) > 0);
	if (record != NULL)
		FUZZ_MUST(r != NULL && rec_validate(r, record, false, &e) == 0);
}

static void
talk(void *arg, const char *key, int64_t member, bool talking)
{
	(void)arg;
	(void)talking;
	FUZZ_MUST(janus_key_room(str_c(key)) > 0 && member >= 0);
}

static void
wake(void *arg, int64_t ms)
{
	(void)arg;
	FUZZ_MUST(ms >= 0);
}

static int64_t
now_ms(void *arg)
{
	struct fuzz *f = arg;

	return f->now += 10;
}

static int64_t
wall_us(void *arg)
{
	struct fuzz *f = arg;

	return 1795857000000000 + f->now * 1000;
}

static const struct janus_sync_ops ops = {ask_rooms, ask_people, say, talk, wake, now_ms, wall_us};

static void
one_event(void *arg, const struct janus_event *ev)
{
	struct fuzz *f = arg;

	janus_sync_event(&f->sync, ev);
}

static void
answer(struct fuzz *f, const struct janus_answer *a, struct arena *mem)
{
	struct janus_room *rooms;
	struct janus_person *people;
	struct err e = {.depth = 0};
	size_t n;

	(void)janus_error(a->code);
	if (f->people && janus_people_read(a->data, mem, &people, &n, &e) == 0)
		janus_sync_people(&f->sync, people, n);
	else if (!f->people && janus_rooms_read(a->data, mem, &rooms, &n, &e) == 0)
		janus_sync_rooms(&f->sync, rooms, n);
	else
		janus_sync_failed(&f->sync, a->code == AUDIOBRIDGE_NO_ROOM);
}

int
fuzz_janus(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, line;
	struct fuzz f = {.now = 1000};
	enum janus_rule rule = size % 2 == 0 ? JANUS_BY_DESCRIPTION : JANUS_BY_NUMBER;

	text_init();
	janus_sync_init(&f.sync, &ops, &f, rule);
	janus_sync_up(&f.sync);
	for (int i = 0; i < LINES && rest.n != 0; i++) {
		struct janus_answer a;
		struct arena mem;
		struct err e = {.depth = 0};
		size_t odd;

		str_cut(rest, '\n', &line, &rest);
		arena_init(&mem, JANUS_EVENTS_MEM);
		if (janus_read(line, &mem, &a, &e) == 0)
			answer(&f, &a, &mem);
		else
			(void)janus_events_read(line, &mem, one_event, &f, &odd, &e);
		arena_free(&mem);
		if (line.n == 0)
			janus_sync_down(&f.sync, i % 2 == 0);
		if (i % 8 == 7)
			janus_sync_up(&f.sync);
		FUZZ_MUST(f.sync.table.n <= JANUS_ROOMS_MAX);
		FUZZ_MUST(f.sync.table.members <= JANUS_MEMBERS_MAX);
	}
	janus_sync_free(&f.sync);
	return 0;
}

FUZZ_TARGET(janus)
