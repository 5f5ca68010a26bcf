/* SPDX-License-Identifier: ISC */
/* tandem-feed-kamailio: calls in progress and call records of a Kamailio, click-to-call. */
#include <stdlib.h>

#include "common/tree.h"
#include "feeds/kamailio.h"
#include "feeds/kamailio_routes.h"

struct kamailio {
	struct kam_calls *calls;
	struct kam_tail *tail;
	struct kam_act *act;
	struct kam_routes *routes;
};

static void
close_switch(void *sw)
{
	struct kamailio *k = sw;

	kam_calls_free(k->calls);
	kam_tail_free(k->tail);
	kam_act_free(k->act);
	kam_routes_free(k->routes);
	free(k);
}

static int
open_switch(struct feed *f, const struct conf *conf, void **sw, struct err *e)
{
	struct kamailio *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	text_init();
	if (kam_calls_new(&k->calls, f, conf, e) != 0 || kam_tail_new(&k->tail, f, conf, e) != 0 ||
	    kam_act_new(&k->act, f, conf, e) != 0 || kam_routes_new(&k->routes, f, conf, e) != 0) {
		close_switch(k);
		return -1;
	}
	*sw = k;
	return 0;
}

static void
start_switch(void *sw)
{
	struct kamailio *k = sw;

	kam_calls_start(k->calls);
	kam_tail_start(k->tail);
	kam_routes_start(k->routes);
}

static void
resync(void *sw)
{
	kam_calls_resync(((struct kamailio *)sw)->calls);
}

static void
command(void *sw, const struct feed_command *c)
{
	kam_act_do(((struct kamailio *)sw)->act, c);
}

static bool
routes_have(void *sw, int64_t *generation, int64_t *version)
{
	return kam_routes_have(((struct kamailio *)sw)->routes, generation, version);
}

static bool
routes_take(void *sw, const struct feed_routes *part)
{
	return kam_routes_take(((struct kamailio *)sw)->routes, part);
}

int
main(int argc, char **argv)
{
	static const int64_t verbs[] = {feed_verb_ORIGINATE, feed_verb_RESYNC};
	static const struct feed_program program = {.name = "tandem-feed-kamailio",
	    .kind = feed_switch_KAMAILIO,
	    .verbs = verbs,
	    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
	    .routes = true,
	    .open = open_switch,
	    .start = start_switch,
	    .close = close_switch,
	    .resync = resync,
	    .command = command,
	    .routes_have = routes_have,
	    .routes_take = routes_take};

	return feed_main(&program, argc, argv);
}
