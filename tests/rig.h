/* SPDX-License-Identifier: ISC */
/*
 * Real processes for scenarios: a backend and gateways in a temporary
 * directory on free ports, users from JSON lines, requests by libcurl. Programs
 * are found in $TANDEM_BUILD (default "build"). What a rig starts it stops, by pid. The store has
 * the engine $TANDEM_ENGINE, or the default one.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/ask.h"

enum { RIG_GATEWAYS = 3 };

struct rig {
	char dir[64];
	char conf[96];
	char log[96]; /* stderr of all processes */
	int port[RIG_GATEWAYS], held[RIG_GATEWAYS];
	pid_t backend, gateway[RIG_GATEWAYS];
	bool rsa;           /* RSA-2048 certificate instead of P-256; set before rig_start() */
	bool leaks;         /* gateways and tandemctl look for leaks as well, which takes them long */
	const char *engine; /* of its store; NULL = that of the environment */
	const char *meddle_backend, *meddle_gateway; /* files of tests/fault/meddle.h, or NULL */
	const char *extra; /* further lines of the configuration, section headers included; or NULL */
};

/* Makes the directory, certificate and configuration; starts backend and one gateway, and
 * waits until /readyz says 200. Fails the test with the log's end when that takes 15 s. */
void rig_start(struct rig *r);
/* Stops and removes everything; safe twice. Fails the test when a sanitizer or an assertion has
 * spoken in the log. Shows the log's end then, or when $TANDEM_SHOW_LOG is set. */
void rig_stop(struct rig *r);

/* The engine of its store. */
const char *rig_engine(const struct rig *r);

void rig_make(struct rig *r); /* directory and configuration only */
void rig_backend(struct rig *r);
/* Starts one that has to end by itself within 15 s; its exit status, -1 = by a signal. */
int rig_backend_refuses(struct rig *r);
void rig_gateway(struct rig *r, int i);
void rig_await_ready(struct rig *r, int i);
/* Kills with SIGKILL and waits for it. *pid becomes 0. */
void rig_kill(pid_t *pid);
/* Waits for one that ends by itself: its exit status, -1 = by a signal. Fails the test when it
 * takes longer. *pid becomes 0. */
int rig_await_end(pid_t *pid, int timeout_ms);
/* Ends with SIGTERM, waits up to 10 s; the exit status (-1: had to be killed). */
int rig_end(pid_t *pid);

/* Runs tandemctl with the rig's configuration and `input` on stdin (NULL = none). Output (both
 * streams) is put into out (may be NULL). Returns its exit status. */
int rig_ctl(struct rig *r, const char *input, char *out, size_t outlen, const char *args, ...)
    __attribute__((format(printf, 5, 6)));
/* Loads JSON lines; fails the test when that fails. */
void rig_load(struct rig *r, const char *lines);
/* As rig_start(), on a store with the users and groups of the API reference's vectors (4410, 4420,
 * 501, 502, 503, admin) and their realm in force. */
void rig_start_fixture(struct rig *r);

/* One request to a gateway of the rig. The answer belongs to the caller until answer_free(). */
struct answer rig_ask(struct rig *r, const struct ask *q);

/* GET, PUT … as user "4410:secret99" with JSON; shorthands for scenarios. */
struct answer rig_get(struct rig *r, const char *user, const char *path);
struct answer rig_put(struct rig *r, const char *user, const char *path, const char *json);

/* For TCP and UDP alike, on every address; another one each time. */
int free_port(void);
/* Milliseconds on the monotonic clock. */
long long ms_now(void);
/* pids of a process's children, at most max; the number found. */
size_t children_of(pid_t pid, pid_t *ret, size_t max);
/* Name in the process table ("kore [wrk 0]"…), for telling a gateway's processes apart. */
bool process_title(pid_t pid, char *ret, size_t len);
/* pids of gateway 0's processes with that word in their title ("[wrk"); the number found. */
size_t rig_processes(const struct rig *r, const char *title, pid_t *ret, size_t max);
/* Waits until gateway 0 has so many workers that have given up what they do not need, which one may
 * take longer for than another that answers already. */
void rig_await_workers(const struct rig *r, pid_t *ret, size_t n);
/* The one child of a process that has this name, such as tandem-auth. Its number may well be above
 * or below those of the others: they begin anew at some point. */
pid_t child_named(pid_t pid, const char *name);
/* How often a text has another one in it. */
size_t occurrences_of(const char *what, const char *text);

#endif
