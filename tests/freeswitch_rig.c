/* SPDX-License-Identifier: ISC */
#include "tests/freeswitch_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/tree.h"
#include "feeds/freeswitch_esl.h"

enum { FILES = 8, ROWS = 4096, LINE = 2048, EVENT_MEMORY = 1024 * 1024 };

struct str
recorded(const char *file)
{
	static struct {
		char name[64];
		struct str text;
	} known[FILES];
	char path[128];
	size_t i = 0, size = 8 << 20;
	char *p;
	gzFile f;
	int n;

	for (; i < FILES && known[i].name[0] != '\0'; i++)
		if (strcmp(known[i].name, file) == 0)
			return known[i].text;
	snprintf(path, sizeof(path), "tests/freeswitch/%s", file);
	f = gzopen(path, "rb");
	p = malloc(size);
	if (i == FILES || f == NULL || p == NULL)
		ck_abort_msg("cannot read %s", path);
	n = gzread(f, p, (unsigned)size);
	if (n <= 0 || (size_t)n >= size)
		ck_abort_msg("cannot read %s", path);
	gzclose(f);
	p = realloc(p, (size_t)n);
	snprintf(known[i].name, sizeof(known[i].name), "%s", file);
	return known[i].text = (struct str){p, (size_t)n};
}

static void
forget(struct listener *l, const char *prefix)
{
	size_t n = strlen(prefix), kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->row[i].p, prefix, n) == 0)
			free((char *)(uintptr_t)l->row[i].p);
		else
			l->row[kept++] = l->row[i];
	l->n = kept;
}

static void
put(struct listener *l, const char *prefix, const char *line)
{
	forget(l, prefix);
	if (l->n == ROWS)
		ck_abort_msg("too many rows");
	l->row[l->n++] = str_c(strdup(line));
}

/* Check notes each of its assertions in a file: not for each of many thousands. */
static void
must(bool fine, const struct err *e)
{
	if (!fine)
		ck_abort_msg("%s", err_text(e));
}

#define TEXT(s) (int)(s).n, (s).n > 0 ? (s).p : ""

static void
call_line(char *line, const char *key, const struct live_call *c)
{
	struct err e = {0};

	must(rec_validate(&rec_live_call, c, false, &e) == 0, &e);
	snprintf(line, LINE,
	    "call %s %.*s (%.*s) -> %.*s (%.*s) by %.*s %.*s %s started %lld answered %lld", key,
	    TEXT(c->caller), TEXT(c->caller_aor), TEXT(c->callee), TEXT(c->callee_aor),
	    TEXT(c->recipient), TEXT(REC_HAS(c, live_call, type) ? c->type : STR_LIT("-")),
	    enum_text(&enum_call_state, c->state), (long long)c->started,
	    REC_HAS(c, live_call, answered) ? (long long)c->answered : 0);
}

static void
conference_line(char *line, const char *key, const struct live_conference *c)
{
	struct err e = {0};

	must(rec_validate(&rec_live_conference, c, false, &e) == 0, &e);
	snprintf(line, LINE, "room %s %.*s%s%s started %lld", key, TEXT(c->room),
	    c->locked ? " locked" : "", c->recording ? " recording" : "",
	    REC_HAS(c, live_conference, started) ? (long long)c->started : 0);
}

static void
member_line(char *line, const char *key, const struct live_member *m)
{
	struct err e = {0};

	must(rec_validate(&rec_live_member, m, false, &e) == 0, &e);
	snprintf(line, LINE, "member %s %lld %.*s %.*s%s%s%s%s in %lld out %lld energy %lld", key,
	    (long long)m->id, TEXT(m->number), TEXT(m->name), m->muted ? " muted" : "",
	    m->deaf ? " deaf" : "", m->hold ? " hold" : "", m->moderator ? " moderator" : "",
	    (long long)m->volume_in, (long long)m->volume_out, (long long)m->energy);
}

void
listener_fact(struct listener *l, const struct fs_fact *f)
{
	char prefix[LINE], line[LINE] = "";

	l->facts[f->kind]++;
	switch (f->kind) {
	case feed_kind_CALL:
		snprintf(prefix, LINE, "call %s ", f->key);
		call_line(line, f->key, f->record);
		put(l, prefix, line);
		break;
	case feed_kind_CALL_END:
		snprintf(prefix, LINE, "call %s ", f->key);
		forget(l, prefix);
		break;
	case feed_kind_CONFERENCE:
		snprintf(prefix, LINE, "room %s ", f->key);
		conference_line(line, f->key, f->record);
		put(l, prefix, line);
		break;
	case feed_kind_CONFERENCE_END:
		snprintf(prefix, LINE, "room %s ", f->key);
		forget(l, prefix);
		snprintf(prefix, LINE, "member %s ", f->key);
		forget(l, prefix);
		break;
	case feed_kind_MEMBER:
		snprintf(prefix, LINE, "member %s %lld ", f->key, (long long)f->member);
		member_line(line, f->key, f->record);
		put(l, prefix, line);
		break;
	case feed_kind_MEMBER_END:
		snprintf(prefix, LINE, "member %s %lld ", f->key, (long long)f->member);
		forget(l, prefix);
		break;
	case feed_kind_SNAPSHOT_BEGIN:
		/* One that was cut off by a kill begins anew. */
		forget(l, "");
		l->open = true;
		break;
	case feed_kind_SNAPSHOT_END:
		if (!l->open)
			ck_abort_msg("no snapshot ends");
		l->open = false;
		break;
	default:
		ck_abort_msg("a fact of kind %d", (int)f->kind);
	}
	buf_printf(&l->said, "%d %s %lld %lld %s %s\n", (int)f->kind, f->key != NULL ? f->key : "",
	    (long long)f->member, (long long)f->time, f->id != NULL ? f->id : "", line);
}

static void
on_moment(void *arg, const char *key, int64_t member, bool talking, bool floor, int64_t energy)
{
	struct listener *l = arg;

	l->moments++;
	if (energy < 0 || energy > 100000)
		ck_abort_msg("energy %lld", (long long)energy);
	buf_printf(&l->said, "moment %s %lld%s%s %lld\n", key, (long long)member,
	    talking ? " talking" : "", floor ? " floor" : "", (long long)energy);
}

static void
on_fact(void *arg, const struct fs_fact *f)
{
	listener_fact(arg, f);
}

void
listener_cdr(struct listener *l, const struct cdr *r)
{
	struct err e = {0};

	must(rec_validate(&rec_cdr, r, false, &e) == 0, &e);
	l->cdrs++;
	buf_printf(&l->said,
	    "cdr %.*s %.*s (%.*s) -> %.*s (%.*s) by %.*s %.*s started %lld answered "
	    "%lld for %lld %s %lld\n",
	    TEXT(r->id), TEXT(r->caller), TEXT(r->caller_aor), TEXT(r->callee), TEXT(r->callee_aor),
	    TEXT(r->recipient), TEXT(REC_HAS(r, cdr, type) ? r->type : STR_LIT("-")), (long long)r->started,
	    REC_HAS(r, cdr, answered) ? (long long)r->answered : 0, (long long)r->duration,
	    enum_text(&enum_cdr_end, r->end), (long long)r->code);
}

static void
on_cdr(void *arg, const struct cdr *r)
{
	listener_cdr(arg, r);
}

void
listener_init(struct listener *l, const char *domain)
{
	struct fs_out out = {on_fact, on_moment, on_cdr, l};

	memset(l, 0, sizeof(*l));
	fs_state_init(&l->state, domain, &out);
	l->row = calloc(ROWS, sizeof(*l->row));
	if (l->row == NULL)
		ck_abort();
	buf_init(&l->said, 64 << 20);
}

void
listener_free(struct listener *l)
{
	forget(l, "");
	free(l->row);
	buf_free(&l->said);
	fs_state_clear(&l->state);
}

static void
take(struct listener *l, struct str text, bool json)
{
	struct fs_pairs p;
	struct arena a;
	struct err e = {0};

	arena_init(&a, EVENT_MEMORY);
	if ((json ? fs_pairs_json : fs_pairs_plain)(&p, text, &a, &e) == 0) {
		l->events++;
		fs_event(&l->state, &p, &a);
	} else {
		l->bad++;
	}
	arena_free(&a);
}

static bool
on_message(void *arg, const struct esl_message *m)
{
	if (str_eqc(m->type, "text/event-plain"))
		take(arg, m->body, false);
	else if (str_eqc(m->type, "text/event-json"))
		take(arg, m->body, true);
	return true;
}

void
listener_hear(struct listener *l, struct str stream, size_t piece)
{
	struct err e = {0};
	struct esl esl;

	esl_init(&esl);
	while (stream.n > 0) {
		size_t n = piece < stream.n ? piece : stream.n;

		if (esl_take(&esl, (struct str){stream.p, n}, on_message, l, &e) != 0)
			ck_abort_msg("%s", err_text(&e));
		stream = (struct str){stream.p + n, stream.n - n};
	}
	esl_free(&esl);
}

void
listener_event(struct listener *l, const char *text)
{
	take(l, str_c(text), false);
}

static int
by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

const char *
listener_shows(struct listener *l)
{
	static struct buf all;

	if (all.cap == 0)
		buf_init(&all, 8 << 20);
	buf_reset(&all);
	qsort(l->row, l->n, sizeof(*l->row), by_text);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(&all, "%s\n", l->row[i].p);
	buf_addc(&all, '\0');
	return all.p;
}
