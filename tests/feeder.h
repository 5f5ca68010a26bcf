/* SPDX-License-Identifier: ISC */
/*
 * A feed made by a test: it says what it is told to say, right or wrong, to the socket of feeds of
 * a real backend, and hands out what comes back.
 */
#ifndef TESTS_FEEDER_H
#define TESTS_FEEDER_H

#include "ipc/client.h"
#include "ipc/feed.h"
#include "tests/rig.h"

struct feeder {
	struct ipc_client *client;
	char source[64], epoch[64];
	int64_t seq;           /* of the last message sent */
	int64_t acked;         /* the last number that the backend said is stored */
	struct int_list verbs; /* told in the hello; to be set after feeder_open() */
	struct arena mem;
};

/* Where feeds connect to the rig's backend. */
const char *feeder_endpoint(const struct rig *r);

/* Connects; fails the test when that takes 10 s. */
void feeder_open(struct feeder *f, const char *endpoint, const char *source, const char *epoch);
void feeder_close(struct feeder *f);
/* Says hello and returns the last number that is stored. */
int64_t feeder_hello(struct feeder *f);

/* Sends a frame as it is. */
void feeder_frame(struct feeder *f, enum env_type type, const void *obj);
/* Sends a message under a number; `record` may be NULL. */
void feeder_send_as(
    struct feeder *f, int64_t seq, enum feed_kind kind, const char *key, const void *record);
/* The same under the next number. */
void feeder_send(struct feeder *f, enum feed_kind kind, const char *key, const void *record);
/* The same about a member of a conference; `record` may be NULL. */
void feeder_member(
    struct feeder *f, enum feed_kind kind, const char *key, int64_t member, const void *record);
/* Waits for a frame of the type, other ones are passed over: fails the test after 10 s. */
void feeder_expect(struct feeder *f, enum env_type type, void *obj);
/* Waits until everything that was sent is acknowledged. */
void feeder_settle(struct feeder *f);
/* Waits for a command of that verb; its texts live as long as the feeder. */
struct feed_command feeder_command(struct feeder *f, enum feed_verb verb);
/* Says what became of a command; `text` may be NULL. */
void feeder_result(struct feeder *f, int64_t id, bool ok, const char *text);
/* Whether nothing comes within some milliseconds. */
bool feeder_silent(struct feeder *f, int ms);

/* A call between two addresses, answered at the time when it started. */
struct live_call feeder_call(const char *caller, const char *callee, int64_t started);
/* A conference in a room, and somebody in it who speaks and hears. */
struct live_conference feeder_conference(const char *room);
struct live_member feeder_participant(int64_t id, const char *number);

#endif
