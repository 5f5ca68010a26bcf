/* SPDX-License-Identifier: ISC */
/*
 * The backend's end of a feed's socket in a test's hands: takes in what a feed says about
 * conferences, acknowledges it, and gives commands. What a real backend makes of it is tested
 * elsewhere; here is seen what was said, and when.
 */
#ifndef TESTS_LISTENER_H
#define TESTS_LISTENER_H

#include "ipc/feed.h"
#include "ipc/server.h"

enum { LISTENER_ROOMS = 64, LISTENER_MEMBERS = 64 };

struct heard_member {
	bool there, seen, muted;
	int64_t id, joined;
	char number[64], name[256];
};

struct heard_room {
	bool there, seen, recording;
	char key[64], name[256];
	int64_t started;
	struct heard_member v[LISTENER_MEMBERS];
};

struct listener {
	char endpoint[160];
	struct ipc_server *server;
	struct ipc_peer feed;
	bool known; /* the feed has said hello */
	char epoch[65 * 4];
	int64_t applied;
	int64_t verbs[64];
	size_t verb_count;
	struct heard_room v[LISTENER_ROOMS];
	bool in_snapshot;
	int snapshots, messages;
	int64_t commands;
	/* Of the last command. */
	bool has_result, ok;
	int64_t code;
	char text[1024];
	struct arena mem;
};

/* Listens at a socket in `dir`. */
void listener_open(struct listener *l, const char *dir);
/* Stops, as a backend that is killed; what it has stored stays. listener_resume() goes on. */
void listener_stop(struct listener *l);
void listener_resume(struct listener *l);
void listener_close(struct listener *l);

/* Takes in what comes within some milliseconds, at least one round. */
void listener_turn(struct listener *l, int ms);
/* A conference by the name of its room, NULL = it does not run. */
struct heard_room *listener_room(struct listener *l, const char *name);
/* A participant by name, NULL = is not there. */
struct heard_member *listener_member(struct listener *l, const char *room, const char *name);
int listener_count(struct listener *l, const char *room);

/* Gives a command about a room that runs (member < 0 = all) and waits for its result; fails the
 * test when none comes in 10 s. */
bool listener_command(
    struct listener *l, enum feed_verb verb, const char *room, int64_t member, int64_t value);

/* Waits until something holds; fails the test after some milliseconds. */
#define LISTENER_AWAIT(l, ms, condition)                                                \
	do {                                                                                \
		long long until_ = ms_now() + (ms);                                             \
		while (!(condition)) {                                                          \
			ck_assert_msg(ms_now() < until_, "not within %d ms: %s", (ms), #condition); \
			listener_turn((l), 20);                                                     \
		}                                                                               \
	} while (0)

#endif
