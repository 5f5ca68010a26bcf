/* SPDX-License-Identifier: ISC */
/* Commands of the backend: each id is carried out once, and answered as often as it is asked. */
#include <stdio.h>
#include <string.h>

#include "feeds/frame.h"

enum { ARENA = 65536 };

static struct order *
order_of(struct feed *f, int64_t id)
{
	for (size_t i = 0; i < FEED_ORDERS; i++)
		if (f->orders[i].id == id)
			return &f->orders[i];
	return NULL;
}

static void
answer(struct feed *f, const struct order *o)
{
	struct feed_result r = {0};

	REC_SET(&r, feed_result, id, o->id);
	REC_SET(&r, feed_result, ok, o->ok);
	if (o->code != ERR_OK)
		REC_SET(&r, feed_result, code, o->code);
	if (o->text[0] != '\0')
		REC_SET(&r, feed_result, text, str_c(o->text));
	/* One that does not arrive is asked for again by its id. */
	link_send(f, ENV_FEED_RESULT, &r);
}

static bool
can(const struct feed_program *p, int64_t verb)
{
	for (size_t i = 0; i < p->verb_count; i++)
		if (p->verbs[i] == verb)
			return true;
	return false;
}

static void
carry_out(struct feed *f, const struct feed_command *c)
{
	const char *name = enum_text(rec_feed_command.f[feed_command_F_verb].en, c->verb);

	log_event(LOG_INFO_, "command", "%lld: %s", (long long)c->id, name != NULL ? name : "?");
	if (c->deadline <= 0) {
		feed_result(f, c->id, false, ERR_DEADLINE, NULL);
	} else if (c->verb == feed_verb_RESYNC) {
		feed_result(f, c->id, true, 0, NULL);
		link_want_snapshot(f);
	} else if (!can(f->program, c->verb)) {
		feed_result(f, c->id, false, ERR_NOT_IMPLEMENTED, "this switch cannot do that");
	} else {
		f->program->command(f->sw, c);
	}
}

void
orders_take(struct feed *f, struct str frame)
{
	struct feed_command c;
	struct order *o;
	struct err e = {0};
	struct arena a;

	arena_init(&a, ARENA);
	if (env_read(frame, ENV_FEED_COMMAND, &c, &a, &e) != 0) {
		log_event(LOG_WARN_, "command", "cannot be read: %s", err_text(&e));
	} else if ((o = order_of(f, c.id)) != NULL) {
		if (o->done)
			answer(f, o);
	} else {
		o = &f->orders[f->next_order++ % FEED_ORDERS];
		*o = (struct order){.id = c.id};
		carry_out(f, &c);
	}
	arena_free(&a);
}

/* As much of a text as has room, without half a character, or "" for what is no text. */
static void
take_text(char *to, size_t size, const char *text)
{
	struct str s = str_c(text);

	if (s.n >= size)
		for (s.n = size - 1; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80; s.n--)
			;
	if (!str_is_utf8(s))
		s.n = 0;
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

void
feed_result(struct feed *f, int64_t id, bool ok, int code, const char *text)
{
	struct order unknown = {.id = id}, *o = order_of(f, id);

	if (o == NULL)
		o = &unknown;
	if (o->done)
		return;
	o->done = true;
	o->ok = ok;
	o->code = code;
	take_text(o->text, sizeof(o->text), text);
	if (!ok)
		log_event(LOG_WARN_, "command", "%lld failed: %s", (long long)id,
		    text != NULL ? o->text : err_name((enum err_code)code));
	answer(f, o);
}
