/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "feeds/freeswitch_event.h"
#include "feeds/freeswitch_list.h"
#include "feeds/freeswitch_rooms.h"

enum {
	EVENT_MEMORY = 1024 * 1024,
	UNSURE_MS = 300, /* until lists are compared: neighbours of the event come first */
	AGAIN_MS = 3000, /* after a list that could not be read */
	LATE_MS = 200
};

static void begin_list(void *arg);

/* --- what the state says ------------------------------------------------------------------------
 */
static void
on_fact(void *arg, const struct fs_fact *f)
{
	struct fs_switch *s = arg;
	struct fs_conference *c;

	feed_say(s->f, f->kind, f->key, f->member, f->time > 0 ? f->time : clock_wall_ms(), f->id,
	    f->record);
	if (f->kind == feed_kind_CONFERENCE &&
	    (c = fs_find(&s->state.conferences, str_c(f->key), 0)) != NULL)
		fs_rooms_tell(s, c);
}

static void
on_moment(void *arg, const char *key, int64_t member, bool talking, bool floor, int64_t energy)
{
	struct fs_switch *s = arg;

	feed_volatile(s->f, key, member, talking, floor, energy);
}

static void
drop_late(struct fs_switch *s)
{
	struct fs_late_cdr *l = s->late;

	s->late = l->next;
	if (s->late == NULL)
		s->late_end = &s->late;
	s->late_n--;
	arena_free(&l->mem);
	free(l);
}

static void
say_late(void *arg)
{
	struct fs_switch *s = arg;

	while (s->late != NULL && feed_say_cdr(s->f, &s->late->record, ""))
		drop_late(s);
	if (s->late != NULL)
		feed_timer(s->f, LATE_MS, say_late, s);
}

static void
on_cdr(void *arg, const struct cdr *record)
{
	struct fs_switch *s = arg;
	struct fs_late_cdr *l;

	if (s->late == NULL && feed_say_cdr(s->f, record, ""))
		return;
	l = s->late_n < FS_CDRS_WAITING ? calloc(1, sizeof(*l)) : NULL;
	if (l != NULL)
		arena_init(&l->mem, 65536);
	if (l == NULL || rec_copy(&rec_cdr, &l->record, record, &l->mem) != 0) {
		free(l);
		if (s->late_lost++ == 0)
			log_event(LOG_ERROR_, "cdr",
			    "call records are lost: the backend is away and the spool is full; records in "
			    "files "
			    "(freeswitch.cdr_directory) would wait");
		return;
	}
	*s->late_end = l;
	s->late_end = &l->next;
	s->late_n++;
	feed_timer(s->f, LATE_MS, say_late, s);
}

/* --- lists -------------------------------------------------------------------------------------
 */
static void
list_ended(struct fs_switch *s)
{
	bool all = s->listing_all, failed = s->list_failed;

	if (!failed)
		fs_list_done(&s->state, s->mark, clock_wall_ms());
	s->listing = s->listing_all = s->list_failed = s->state.silent = false;
	if (failed) {
		/* What was said since the list began is not known: all of it, or nothing has to be. */
		s->want_all = s->want_all || all;
		s->want_compare = true;
		feed_timer(s->f, AGAIN_MS, begin_list, s);
		return;
	}
	if (all) {
		fs_say_all(&s->state, clock_wall_ms());
		log_event(LOG_INFO_, "snapshot", "%zu channels, %zu conferences, %zu members",
		    s->state.legs.n, s->state.conferences.n, s->state.members.n);
	}
	feed_timer(s->f, s->want_all ? 0 : s->want_compare ? UNSURE_MS : s->compare_ms, begin_list, s);
}

static void
one_reply(struct fs_switch *s)
{
	if (--s->list_waiting == 0)
		list_ended(s);
}

static void
on_dump(void *arg, int64_t tag, const char *name, struct str text, bool lost)
{
	struct fs_switch *s = arg;

	(void)tag;
	if (lost || name == NULL)
		s->list_failed = true;
	else
		fs_list_dump(&s->state, name, text, clock_wall_ms());
	one_reply(s);
}

static void
on_ask(void *arg, const char *key)
{
	struct fs_switch *s = arg;
	char line[64 + FS_KEY_MAX];

	snprintf(line, sizeof(line), "api uuid_dump %s", key);
	if (fs_link_send(&s->commands, line, on_dump, s, 0, key))
		s->list_waiting++;
	else
		s->list_failed = true;
}

static void
on_channels(void *arg, int64_t tag, const char *name, struct str text, bool lost)
{
	struct fs_switch *s = arg;
	struct err e = {0};

	(void)tag;
	(void)name;
	if (lost) {
		s->list_failed = true;
	} else if (fs_list_channels(&s->state, text, s->listing_all, on_ask, s, &e) != 0) {
		log_event(LOG_WARN_, "list", "channels: %s", err_text(&e));
		s->list_failed = true;
	}
	one_reply(s);
}

static void
on_conferences(void *arg, int64_t tag, const char *name, struct str text, bool lost)
{
	struct fs_switch *s = arg;
	struct err e = {0};

	(void)tag;
	(void)name;
	/* A switch without mod_conference has none. */
	if (str_starts(text, "-ERR conference Command not found"))
		text = STR_LIT("[]");
	if (lost) {
		s->list_failed = true;
	} else if (fs_list_conferences(&s->state, text, s->mark, clock_wall_ms(), &e) != 0) {
		log_event(LOG_WARN_, "list", "conferences: %s", err_text(&e));
		s->list_failed = true;
	}
	one_reply(s);
}

static void
begin_list(void *arg)
{
	struct fs_switch *s = arg;

	if (s->listing || !s->subscribed || !s->known)
		return;
	s->listing = true;
	s->listing_all = s->want_all;
	s->want_all = s->want_compare = s->state.unsure = false;
	s->list_failed = false;
	s->state.list++;
	/* Nothing is said one by one that will be said as a whole. */
	s->state.silent = s->listing_all;
	s->mark = s->state.clock;
	s->list_waiting = 1;
	if (fs_link_send(&s->commands, "api conference json_list", on_conferences, s, 0, NULL))
		s->list_waiting++;
	else
		s->list_failed = true;
	if (fs_link_send(&s->commands, "api show channels as json", on_channels, s, 0, NULL))
		s->list_waiting++;
	else
		s->list_failed = true;
	one_reply(s);
}

void
fs_switch_resync(struct fs_switch *s)
{
	s->want_all = true;
	feed_timer(s->f, 0, begin_list, s);
}

/* --- connections --------------------------------------------------------------------------------
 */
/* Another life of the switch: nothing of before is there any more. */
static void
begin_anew(struct fs_switch *s)
{
	log_event(LOG_WARN_, "switch", "another core: it was started anew");
	fs_state_clear(&s->state);
	s->state.restarted = false;
	s->list_failed = s->listing;
}

static void
on_event(void *arg, const struct esl_message *m)
{
	struct fs_switch *s = arg;
	struct fs_pairs p;
	struct arena a;
	struct err e = {0};

	if (!str_eqc(m->type, "text/event-plain"))
		return;
	arena_init(&a, EVENT_MEMORY);
	if (fs_pairs_plain(&p, m->body, &a, &e) == 0)
		fs_event(&s->state, &p, &a);
	else if (s->state.malformed++ == 0)
		log_event(LOG_WARN_, "event", "%s", err_text(&e));
	arena_free(&a);
	if (s->state.restarted) {
		/* The commands' connection has not noticed yet; both begin anew. */
		s->state.restarted = false;
		fs_link_lose(&s->events, "events of another core");
		fs_link_lose(&s->commands, "events of another core");
	} else if (s->state.unsure && !s->want_compare) {
		s->want_compare = true;
		if (!s->listing)
			feed_timer(s->f, UNSURE_MS, begin_list, s);
	}
}

static void
on_subscribed(void *arg, int64_t tag, const char *name, struct str text, bool lost)
{
	struct fs_switch *s = arg;

	(void)tag;
	(void)name;
	if (lost)
		return;
	if (!str_starts(text, "+OK")) {
		fs_link_lose(&s->events, "the switch refuses to tell events");
		return;
	}
	s->subscribed = true;
	fs_switch_resync(s);
}

static void
events_up(void *arg)
{
	struct fs_switch *s = arg;

	fs_link_send(&s->events, "event plain " FS_EVENTS, on_subscribed, s, 0, NULL);
}

static void
events_lost(void *arg)
{
	struct fs_switch *s = arg;

	s->subscribed = false;
}

static void
on_core(void *arg, int64_t tag, const char *name, struct str text, bool lost)
{
	struct fs_switch *s = arg;

	(void)tag;
	(void)name;
	if (lost)
		return;
	text = str_trim(text);
	if (text.n == 0 || text.n > FS_KEY_MAX || str_starts(text, "-ERR") || !str_is_utf8(text)) {
		fs_link_lose(&s->commands, "the switch does not say which core it is");
		return;
	}
	if (!str_eqc(text, s->state.core)) {
		if (s->state.core[0] != '\0')
			begin_anew(s);
		memcpy(s->state.core, text.p, text.n);
		s->state.core[text.n] = '\0';
	}
	s->known = true;
	fs_switch_resync(s);
}

static void
commands_up(void *arg)
{
	struct fs_switch *s = arg;

	fs_link_send(&s->commands, "api global_getvar core_uuid", on_core, s, 0, NULL);
}

static void
commands_lost(void *arg)
{
	struct fs_switch *s = arg;

	s->known = false;
}

int
fs_switch_init(struct fs_switch *s, struct feed *f, const char *host, int64_t port,
    const char *domain, bool cdrs_by_events, struct err *e)
{
	struct fs_out out = {on_fact, on_moment, cdrs_by_events ? on_cdr : NULL, s};

	s->f = f;
	s->late_end = &s->late;
	fs_state_init(&s->state, domain, &out);
	s->events = (struct fs_link){.f = f,
	    .label = "events",
	    .password = s->password,
	    .up = events_up,
	    .lost = events_lost,
	    .event = on_event,
	    .arg = s,
	    .fd = -1};
	s->commands = s->events;
	s->commands.label = "commands";
	s->commands.up = commands_up;
	s->commands.lost = commands_lost;
	return fs_link_address(&s->events, host, port, e) != 0 ||
	        fs_link_address(&s->commands, host, port, e) != 0
	    ? -1
	    : 0;
}

void
fs_switch_start(struct fs_switch *s)
{
	fs_link_start(&s->events);
	fs_link_start(&s->commands);
	fs_cdrs_start(&s->cdrs);
}

void
fs_switch_close(struct fs_switch *s)
{
	feed_timer(s->f, -1, begin_list, s);
	feed_timer(s->f, -1, say_late, s);
	fs_link_close(&s->events);
	fs_link_close(&s->commands);
	fs_cdrs_close(&s->cdrs);
	while (s->late != NULL)
		drop_late(s);
	fs_state_clear(&s->state);
}
