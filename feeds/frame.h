/* SPDX-License-Identifier: ISC */
/* The parts of a feed that programs do not see. */
#ifndef FEEDS_FRAME_H
#define FEEDS_FRAME_H

#include "common/log.h"
#include "feeds/loop.h"
#include "feeds/spool.h"
#include "ipc/client.h"

enum { FEED_NEEDS = 8, FEED_ORDERS = 1000, FEED_ORDER_TEXT = 256 };

enum link_state {
	LINK_DOWN,  /* no connection */
	LINK_HELLO, /* hello is said, or will be */
	LINK_READY  /* welcome: messages may go */
};

/* A command and what became of it. */
struct order {
	int64_t id; /* 0 = free */
	bool done, ok;
	int code;
	char text[FEED_ORDER_TEXT];
};

struct murmurs;

struct feed {
	const struct feed_program *program;
	void *sw;
	const struct conf *conf;
	char source[64 * 4 + 1];
	char dir[CONF_TEXT_MAX]; /* of the spool */
	struct loop loop;
	struct spool *spool;
	bool muted; /* the spool was full: call records alone until the backend is there */

	struct ipc_client *client;
	enum link_state link;
	int64_t window, heard_ms, full_ms;
	bool refused;

	struct order orders[FEED_ORDERS];
	size_t next_order;
	struct murmurs *murmurs;

	const char *need[FEED_NEEDS];
	bool need_write[FEED_NEEDS];
	size_t needs;
};

/* link.c: the connection to the backend. */
int link_open(struct feed *f, struct err *e);
void link_close(struct feed *f);
/* Sends a record that is not numbered: false when there is no connection or it is full. */
bool link_send(struct feed *f, enum env_type type, const void *obj);
/* Sends what the spool has, as far as the window lets it. */
void link_push(struct feed *f);
/* Begins another epoch and greets with it. */
void link_renew(struct feed *f, const char *why);
/* Lets the program say a snapshot, soon. */
void link_want_snapshot(struct feed *f);

/* orders.c: commands. */
void orders_take(struct feed *f, struct str frame);

/* murmurs.c: volatile facts. */
int murmurs_new(struct feed *f, struct err *e);
void murmurs_free(struct feed *f);

#endif
