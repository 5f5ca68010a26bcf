/* SPDX-License-Identifier: ISC */
#include "feeds/janus_codes.h"

#include <inttypes.h>
#include <string.h>

#include "common/log.h"

void
janus_codes_up(struct janus_codes *c)
{
	for (size_t i = 0; i < c->sync->table.n; i++)
		c->sync->table.v[i]->code_stamp = 0;
}

static void
answered(void *arg, const struct janus_answer *a)
{
	struct janus_codes *c = arg;
	struct janus_known *r = janus_table_find(&c->sync->table, c->room);

	c->asking = false;
	explicit_bzero(c->code, sizeof(c->code));
	/* Lost with the connection: it is told again when there is another one. */
	if (a == NULL)
		return;
	if (a->code != 0)
		log_event(LOG_WARN_, "room-code", "room %" PRId64 " keeps its code: %.*s", c->room,
		    (int)a->text.n, a->text.p);
	else
		log_event(LOG_DEBUG_, "room-code", "room %" PRId64 " has the code of Tandem", c->room);
	/* One that was refused would be refused again. */
	if (r != NULL)
		r->code_stamp = c->stamp;
	janus_codes_pump(c);
}

static bool
tell(struct janus_codes *c, struct janus_known *r, const struct room_kept *kept)
{
	struct janus_body b = {.request = "edit",
	    .room = r->id,
	    .id = -1,
	    .secret = janus_secret_of(c->secrets, r->id),
	    .word = "new_pin"};

	memcpy(c->code, kept->code, sizeof(c->code));
	b.text = str_c(c->code);
	c->room = r->id;
	c->stamp = kept->stamp;
	c->asking = true;
	if (!janus_api_ask(c->api, &b, answered, c))
		c->asking = false;
	return c->asking;
}

void
janus_codes_pump(struct janus_codes *c)
{
	const struct janus_table *t = &c->sync->table;

	for (size_t i = 0; i < t->n && !c->asking && c->sync->up; i++) {
		struct janus_known *r = t->v[i];
		const struct room_kept *kept = r->name[0] != '\0' ? rooms_find(&c->rooms, r->name) : NULL;

		if (kept == NULL || kept->stamp == r->code_stamp)
			continue;
		/* Nothing is asked for and nothing is to be asked for. */
		if (r->code_stamp == 0 && !r->has_code && kept->code[0] == '\0')
			r->code_stamp = kept->stamp;
		else if (!tell(c, r, kept))
			return;
	}
}

void
janus_codes_free(struct janus_codes *c)
{
	rooms_free(&c->rooms);
	explicit_bzero(c->code, sizeof(c->code));
}
