/* SPDX-License-Identifier: ISC */
/*
 * What has changed about how calls are routed, for feeds that pass it on to switches. Each user and
 * each conference room has one row with a version; a change gives it the next one, in the same
 * transaction. So whoever has everything up to a version finds the rest behind it, each subject
 * once. What changes many users at once raises the generation instead: versions of another
 * generation are worth nothing, and everything is said again.
 *
 * model.c tells this file of every record that is stored or removed; nobody else has to.
 */
#ifndef BACKEND_ROUTE_LOG_H
#define BACKEND_ROUTE_LOG_H

#include "backend/model.h"
#include "ipc/feed.h"

struct route_position {
	uint64_t generation; /* 0 = nothing was ever marked */
	uint64_t version;
};

/* One of those that feeds are told about. */
struct route_subject {
	enum feed_subject kind;
	uint64_t id;
};

/* A record is about to be stored (`obj`) or removed (NULL); what is there now still is. */
int route_log_record(
    struct model *m, const struct rec *r, uint32_t owner, uint64_t id, const void *obj);
/* Whether anything was marked since the last call; in the writer's thread, which alone marks. */
bool route_log_marked(void);

/* How far the log is. */
int route_log_now(struct model *m, struct route_position *ret);
/* Subjects that have changed behind a version, oldest change first, with the version of each; at
 * most `max`, *n of them. */
int route_log_since(struct model *m, uint64_t version, struct route_subject *subjects,
    uint64_t *versions, size_t max, size_t *n);

#endif
