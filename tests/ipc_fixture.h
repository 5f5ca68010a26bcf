/* SPDX-License-Identifier: ISC */
/*
 * What the tests of ipc/ share: a directory with certificates, servers in this
 * process or in another one, and waiting with a deadline.
 */
#ifndef TESTS_IPC_FIXTURE_H
#define TESTS_IPC_FIXTURE_H

#include <stdint.h>
#include <sys/types.h>

#include "ipc/client.h"
#include "ipc/server.h"

/* PATIENCE_MS: for what has to come, and whose time is not what is tested. */
enum { FIXTURE_PATH = 128, PATIENCE_MS = 10000 };

enum kind { KIND_IPC, KIND_CURVE, KIND_COUNT };

struct fixture {
	char dir[64];
	char endpoint[KIND_COUNT][IPC_PATH_MAX + 16]; /* to listen on */
	char server_cert[FIXTURE_PATH];
	char client_cert[FIXTURE_PATH]; /* allowed */
	char other_cert[FIXTURE_PATH];  /* not allowed */
	char allow[FIXTURE_PATH];
};

struct child {
	pid_t pid;
	char endpoint[IPC_PATH_MAX + 16];
};

/* Runs the part of a child process when the arguments ask for it, and does not return then. */
void fixture_child(int argc, char **argv);

void fixture_setup(struct fixture *f);
void fixture_teardown(struct fixture *f);

struct ipc_server_conf server_conf(const struct fixture *f, enum kind kind);
struct ipc_client_conf client_conf(const struct fixture *f, const char *endpoint);
struct ipc_server *server_open(const struct ipc_server_conf *conf);
struct ipc_client *client_open(const struct ipc_client_conf *conf);

/* An echo server as a process of its own, on `endpoint` or, when NULL, on that of the kind. */
struct child ipc_child_start(const struct fixture *f, enum kind kind, const char *endpoint);
void ipc_child_end(struct child *c, int sig);
/* Runs a client as another user until it is answered, true, or the server has refused it. */
bool child_knock(uid_t uid, const char *endpoint, struct ipc_server *s);

/* Copies `from` into the allow-list as `name`. */
void allow(const struct fixture *f, const char *from, const char *name);
void file_write(const char *dir, const char *name, const char *text);

/* Answers what has come in, for at most that long; s may be NULL. */
void echo_once(struct ipc_server *s, int timeout_ms);
/* Waits for an event while s (or NULL) echoes. */
bool await_event(struct ipc_client *c, struct ipc_server *s, enum ipc_event want, int timeout_ms);
/* Sends and compares what comes back. */
bool round_trip(struct ipc_client *c, struct ipc_server *s, struct str frame, int timeout_ms);

#endif
