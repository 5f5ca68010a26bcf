/* SPDX-License-Identifier: ISC */
/*
 * A kam_rig with several telephones of SIPp, each on an address of its own and registered under its
 * number, that are called and remember when they rang.
 */
#ifndef TESTS_ROUTE_RIG_H
#define TESTS_ROUTE_RIG_H

#include "tests/kam_rig.h"

enum { PHONES = 4 };

/* A telephone, and what it has heard of the last call. */
struct phone {
	const char *number;
	char ip[20];
	struct child sipp;
	double rang, stopped; /* seconds since 1970; 0 = not */
	bool answered;
};

extern struct kam_rig kam;
extern struct phone phones[PHONES]; /* 201, 5551212, 5551213, 4420 */

/* Everything but the telephones runs, and the proxy has routes. */
void routes_start(void);
/* And the telephones are registered. */
void route_rig_start(void);
void route_rig_stop(void);

/* Which routes the proxy says that it has, "" = none. */
void routes_at(char ret[128]);
/* Waits until it says something else, for 10 s. */
void routes_await(const char *before);
/* Sets something by REST and waits until the proxy has it. */
void routes_set(const char *user, const char *method, const char *path, const char *json);

void phones_register(void);
/* Somebody calls a number and waits until all is over; one of the telephones answers (NULL = none),
 * the others ring. */
void phones_call(const char *number, const struct phone *answers);
/* Seconds from the beginning of that call; fails the test when it has not rung. */
double phone_rang_after(const struct phone *p);

#endif
