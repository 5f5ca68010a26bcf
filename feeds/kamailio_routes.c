/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "feeds/kamailio_push.h"
#include "feeds/kamailio_table.h"

enum { SAVE_MS = 2000, TICK_MS = 10000 };

struct kam_routes {
	struct feed *feed;
	struct table *table;
	struct push *push;
	char file[CONF_TEXT_MAX + 16];
	bool saving; /* soon */
};

static void
save(void *arg)
{
	struct kam_routes *k = arg;
	struct err e = {0};

	k->saving = false;
	if (table_save(k->table, &e) != 0)
		log_event(LOG_WARN_, "routes", "%s", err_text(&e));
}

/* Clocks are changed at full minutes and the proxy knows of the next change, so it can wait. */
static void
tick(void *arg)
{
	struct kam_routes *k = arg;

	table_tick(k->table, clock_wall_ms() / 1000);
	push_changed(k->push);
	feed_timer(k->feed, TICK_MS, tick, k);
}

int
kam_routes_new(struct kam_routes **ret, struct feed *f, const struct conf *conf, struct err *e)
{
	struct kam_routes *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	k->feed = f;
	snprintf(k->file, sizeof(k->file), "%s/routes", feed_dir(f));
	if (feed_needs(f, "/usr/share/zoneinfo", false) != 0 || table_new(&k->table, k->file, e) != 0 ||
	    push_new(&k->push, f, conf->kamailio_url, k->table, e) != 0) {
		kam_routes_free(k);
		return e->code != ERR_OK ? -1 : err_set(e, ERR_INTERNAL, "too many directories");
	}
	*ret = k;
	return 0;
}

void
kam_routes_free(struct kam_routes *k)
{
	if (k == NULL)
		return;
	if (k->table != NULL)
		save(k);
	push_free(k->push);
	table_free(k->table);
	free(k);
}

void
kam_routes_start(struct kam_routes *k)
{
	if (table_load(k->table, clock_wall_ms() / 1000) == 1)
		log_event(LOG_INFO_, "routes", "those of %zu users are known", table_users(k->table));
	push_start(k->push);
	feed_timer(k->feed, TICK_MS, tick, k);
}

bool
kam_routes_have(const struct kam_routes *k, int64_t *generation, int64_t *version)
{
	struct table_position at = table_position(k->table);

	*generation = at.generation;
	*version = at.version;
	return at.has;
}

bool
kam_routes_take(struct kam_routes *k, const struct feed_routes *part)
{
	bool ok = table_take(k->table, part, clock_wall_ms() / 1000);

	if (!ok)
		log_event(LOG_WARN_, "routes", "a part could not be taken in");
	push_changed(k->push);
	if (!k->saving)
		k->saving = feed_timer(k->feed, SAVE_MS, save, k) == 0;
	return ok;
}
