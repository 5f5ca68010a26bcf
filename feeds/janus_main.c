/* SPDX-License-Identifier: ISC */
/* tandem-feed-janus: the parts put together. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "feeds/janus_codes.h"
#include "feeds/janus_events_http.h"
#include "feeds/janus_orders.h"

/* Refused events may be many; one check finds what they were about. */
enum { MISSING_MS = 1000 };

struct janus {
	struct feed *feed;
	struct janus_secrets secrets;
	struct janus_api *api;
	struct janus_events *events;
	struct janus_sync sync;
	struct janus_orders orders;
	struct janus_codes codes;
	int64_t check_ms;
	bool missing; /* events, since the last check */
	struct arena mem;
};

/* --- questions and answers ------------------------------------------------------------------- */

static void
rooms_answered(void *arg, const struct janus_answer *a)
{
	struct janus *j = arg;
	struct janus_room *v;
	struct err e = {.depth = 0};
	size_t n;

	arena_init(&j->mem, JANUS_ANSWER_MEM);
	if (a != NULL && a->code == 0 && janus_rooms_read(a->data, &j->mem, &v, &n, &e) == 0) {
		janus_sync_rooms(&j->sync, v, n);
		janus_codes_pump(&j->codes);
	} else {
		if (a != NULL)
			log_event(LOG_ERROR_, "janus-rooms", "%lld %.*s", (long long)a->code, (int)a->text.n,
			    a->text.p);
		janus_sync_failed(&j->sync, false);
	}
	arena_free(&j->mem);
}

static void
people_answered(void *arg, const struct janus_answer *a)
{
	struct janus *j = arg;
	struct janus_person *v;
	struct err e = {.depth = 0};
	size_t n;

	arena_init(&j->mem, JANUS_ANSWER_MEM);
	if (a != NULL && a->code == 0 && janus_people_read(a->data, &j->mem, &v, &n, &e) == 0)
		janus_sync_people(&j->sync, v, n);
	else
		janus_sync_failed(&j->sync, a != NULL && a->code == AUDIOBRIDGE_NO_ROOM);
	arena_free(&j->mem);
}

static bool
ask_rooms(void *arg)
{
	struct janus *j = arg;
	struct janus_body b = {.request = "list", .id = -1, .admin_key = j->secrets.admin_key};

	return janus_api_ask(j->api, &b, rooms_answered, j);
}

static bool
ask_people(void *arg, int64_t room)
{
	struct janus *j = arg;
	struct janus_body b = {.request = "listparticipants", .room = room, .id = -1};

	return janus_api_ask(j->api, &b, people_answered, j);
}

/* --- what the table's keeper wants ----------------------------------------------------------- */

static void
say(void *arg, enum feed_kind kind, const char *key, int64_t member, int64_t time_ms,
    const void *record)
{
	struct janus *j = arg;

	if (time_ms == 0)
		time_ms = clock_wall_ms();
	/* What is lost with a full spool is asked for again by the frame. */
	(void)feed_say(j->feed, kind, key, member, time_ms, NULL, record);
}

static void
talk(void *arg, const char *key, int64_t member, bool talking)
{
	struct janus *j = arg;

	feed_volatile(j->feed, key, member, talking, false, 0);
}

static void
pump(void *arg)
{
	struct janus *j = arg;

	janus_sync_pump(&j->sync);
}

static void
wake(void *arg, int64_t ms)
{
	struct janus *j = arg;

	feed_timer(j->feed, ms, pump, j);
}

static int64_t
now_ms(void *arg)
{
	(void)arg;
	return clock_ms();
}

static int64_t
wall_us(void *arg)
{
	(void)arg;
	return clock_wall_ms() * 1000;
}

static const struct janus_sync_ops sync_ops = {
    ask_rooms, ask_people, say, talk, wake, now_ms, wall_us};

/* --- connection and events ------------------------------------------------------------------- */

static void
up(void *arg)
{
	struct janus *j = arg;

	janus_codes_up(&j->codes);
	janus_sync_up(&j->sync);
}

static void
down(void *arg, bool dead)
{
	struct janus *j = arg;

	janus_sync_down(&j->sync, dead);
}

static const struct janus_api_ops api_ops = {up, down};

/* Events are not numbered, so nobody can see that some are missing: everything is asked for now and
 * then, and sooner when some have been refused. */
static void
check(void *arg)
{
	struct janus *j = arg;

	j->missing = false;
	janus_sync_check(&j->sync);
	feed_timer(j->feed, j->check_ms, check, j);
}

static void
missing(void *arg, const char *why)
{
	struct janus *j = arg;

	if (!j->missing) {
		log_event(LOG_WARN_, "janus-events", "refused: %s", why);
		feed_timer(j->feed, MISSING_MS, check, j);
	}
	j->missing = true;
}

static void
one_event(void *arg, const struct janus_event *ev)
{
	struct janus *j = arg;

	janus_sync_event(&j->sync, ev);
}

static void
events(void *arg, struct str body)
{
	struct janus *j = arg;
	struct err e = {.depth = 0};
	struct arena a;
	size_t odd = 0;

	arena_init(&a, JANUS_EVENTS_MEM);
	if (janus_events_read(body, &a, one_event, j, &odd, &e) < 0)
		missing(j, err_text(&e));
	else if (odd != 0)
		missing(j, "an event that is not of the right form");
	arena_free(&a);
}

static const struct janus_events_ops events_ops = {events, missing};

/* --- the frame ------------------------------------------------------------------------------- */

static int
make(struct janus *j, const struct conf *conf, struct err *e)
{
	struct janus_api_conf api = {.path = conf->janus_socket,
	    .keepalive_ms = conf->janus_keepalive_s * 1000,
	    .answer_ms = conf->janus_answer_ms};
	struct janus_events_conf http = {
	    .port = conf->janus_event_port, .user = str_c(conf->janus_event_user)};
	enum janus_rule rule = JANUS_BY_DESCRIPTION;

	if (strcmp(conf->janus_rooms, "number") == 0)
		rule = JANUS_BY_NUMBER;
	else if (strcmp(conf->janus_rooms, "description") != 0)
		return err_set(e, ERR_INVALID, "janus.rooms must be description or number");
	if (conf->janus_socket[0] != '/' || strlen(conf->janus_socket) > 107)
		return err_set(
		    e, ERR_INVALID, "janus.socket must be an absolute path of at most 107 bytes");
	if (janus_secrets_read(&j->secrets, conf->janus_secrets, e) != 0)
		return -1;
	if (j->secrets.event_password.n == 0)
		return err_set(e, ERR_INVALID, "%s has no event_password", conf->janus_secrets);
	api.api_secret = j->secrets.api_secret;
	http.password = j->secrets.event_password;
	j->check_ms = conf->janus_check_s * 1000;
	janus_sync_init(&j->sync, &sync_ops, j, rule);
	if (janus_events_open(&j->events, j->feed, &http, &events_ops, j, e) != 0)
		return -1;
	j->api = janus_api_new(j->feed, &api, &api_ops, j);
	if (j->api == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	j->orders = (struct janus_orders){
	    .feed = j->feed, .api = j->api, .secrets = &j->secrets, .sync = &j->sync};
	j->codes = (struct janus_codes){.api = j->api, .secrets = &j->secrets, .sync = &j->sync};
	return 0;
}

static void
close_(void *sw)
{
	struct janus *j = sw;

	/* Nobody is to be told any more. */
	j->sync.up = false;
	janus_events_close(j->events);
	janus_api_free(j->api);
	feed_timer(j->feed, -1, pump, j);
	feed_timer(j->feed, -1, check, j);
	janus_sync_free(&j->sync);
	janus_codes_free(&j->codes);
	for (size_t i = 0; i < JANUS_ORDERS_MAX; i++)
		free(j->orders.v[i].who);
	explicit_bzero(&j->secrets, sizeof(j->secrets));
	free(j);
}

static int
open_(struct feed *f, const struct conf *conf, void **sw, struct err *e)
{
	struct janus *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	text_init();
	j->feed = f;
	if (make(j, conf, e) != 0) {
		close_(j);
		return -1;
	}
	*sw = j;
	return 0;
}

static void
start(void *sw)
{
	struct janus *j = sw;

	if (janus_events_start(j->events) != 0)
		log_fatal("the port of events cannot be watched");
	janus_api_start(j->api);
	feed_timer(j->feed, j->check_ms, check, j);
}

static void
resync(void *sw)
{
	struct janus *j = sw;

	janus_sync_snapshot(&j->sync);
}

static void
command(void *sw, const struct feed_command *c)
{
	struct janus *j = sw;

	janus_orders_take(&j->orders, c);
}

static bool
routes_have(void *sw, int64_t *generation, int64_t *version)
{
	const struct janus *j = sw;

	return rooms_have(&j->codes.rooms, generation, version);
}

static bool
routes_take(void *sw, const struct feed_routes *part)
{
	struct janus *j = sw;
	bool ok = rooms_take(&j->codes.rooms, part);

	janus_codes_pump(&j->codes);
	return ok;
}

int
main(int argc, char **argv)
{
	struct feed_program p = {.name = "tandem-feed-janus",
	    .kind = feed_switch_JANUS,
	    .verbs = janus_verbs,
	    .verb_count = janus_verb_count,
	    .open = open_,
	    .start = start,
	    .close = close_,
	    .resync = resync,
	    .command = command,
	    .routes = true,
	    .routes_have = routes_have,
	    .routes_take = routes_take};

	return feed_main(&p, argc, argv);
}
