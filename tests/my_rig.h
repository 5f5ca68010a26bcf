/* SPDX-License-Identifier: ISC */
/* What a user writes and undoes by REST, at one rig with the fixture's users. What is not as asked
 * for fails the test. */
#ifndef TESTS_MY_RIG_H
#define TESTS_MY_RIG_H

#include "tests/rig.h"

#define ANA "4410:secret99"
#define BEN "4420:secret20"
#define SHIFT(name)                                                                 \
	"{\"name\":\"" name                                                             \
	"\",\"periods\":[{\"scheduledDay\":1,\"start\":{\"hrs\":9,\"min\":0},\"end\":{" \
	"\"hrs\":10,\"min\":0}}]}"
#define ENTRY(last) \
	"{\"entry\":{\"first-name\":\"Ida\",\"last-name\":\"" last "\",\"number\":\"77" last "\"}}"

extern struct rig my_rig;

/* Before and behind each test. */
void my_setup(void);
void my_teardown(void);

/* A request that must have that status; `json` NULL = without a document. */
void my_send(const char *method, const char *user, const char *path, const char *json, int status);
/* The document at a path; it lasts until the next call. */
const char *my_get(const char *user, const char *path);
void my_has(const char *user, const char *path, const char *part);
void my_has_not(const char *user, const char *path, const char *part);

/* The number of the newest write of a topic, 0 = there is none; and how many there are. */
long long my_newest(const char *user, const char *topic, size_t *n);
void my_undo(const char *user, const char *topic, long long write, int status);
void my_undo_newest(const char *user, const char *topic);
/* Makes the schedule SHIFT(name): its number. */
long long my_schedule(const char *user, const char *json, const char *name);

#endif
