/* SPDX-License-Identifier: ISC */
/* What the threads of the backend share. Made by main.c before any thread exists. */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include <stdatomic.h>

#include "backend/auth.h"
#include "backend/digest.h"
#include "backend/feeds.h"
#include "backend/image.h"
#include "backend/rates.h"
#include "backend/job.h"
#include "backend/pool.h"
#include "backend/settings_now.h"
#include "backend/space.h"
#include "backend/tries.h"
#include "common/conf.h"

struct event_streams;
struct commands;
struct load;
struct routes;
struct sweep;
struct audit_sealer;

/* Counters of one resource, by its place in the table. */
struct res_count {
	_Atomic int64_t calls, errors, refused, microseconds, longest;
};

struct backend {
	const struct conf *conf;
	struct space *space;
	struct store *store;
	struct writer *writer;
	struct sweep *sweep;
	struct audit_sealer *sealer;
	struct pool *pool;
	struct feeds *feeds;
	struct commands *commands;
	struct routes *routes;
	struct moments *moments;
	struct event_streams *events;
	struct auth *auth;
	struct image *image;
	struct tries *tries;
	struct rates *rates;
	struct who_known known;
	struct str decoy_hash; /* compared when there is no such user */
	struct settings_now *settings;
	struct digest_keys digests;
	int64_t started_us;
	struct res_count *counts;
	_Atomic int64_t dropped, refused, logins, login_failures, gateways;
	struct load *load; /* rows of a load under way (control.c) */
	_Atomic int in_flight;
};

#endif
