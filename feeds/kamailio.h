/* SPDX-License-Identifier: ISC */
/* The parts of tandem-feed-kamailio. */
#ifndef FEEDS_KAMAILIO_H
#define FEEDS_KAMAILIO_H

#include "common/log.h"
#include "feeds/http.h"
#include "feeds/kamailio_event.h"

enum { KAM_URL_MAX = CONF_TEXT_MAX + 64 };

struct kam_calls;
struct kam_tail;
struct kam_act;

/* kamailio_calls.c: events pushed and pulled, and the list of all calls. */
int kam_calls_new(struct kam_calls **ret, struct feed *f, const struct conf *c, struct err *e);
void kam_calls_start(struct kam_calls *k);
void kam_calls_resync(struct kam_calls *k);
void kam_calls_free(struct kam_calls *k);

/* kamailio_tail.c: the files of call records. */
int kam_tail_new(struct kam_tail **ret, struct feed *f, const struct conf *c, struct err *e);
void kam_tail_start(struct kam_tail *t);
void kam_tail_free(struct kam_tail *t);

/* kamailio_act.c: commands. */
int kam_act_new(struct kam_act **ret, struct feed *f, const struct conf *c, struct err *e);
void kam_act_do(struct kam_act *k, const struct feed_command *c);
void kam_act_free(struct kam_act *k);

#endif
