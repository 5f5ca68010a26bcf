/* SPDX-License-Identifier: ISC */
#include "ctl/link.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipc/server.h"

enum { ANSWER_ARENA = 16 * 1024 * 1024, QUEUE = 16, RECONNECT_MS = 50 };

/* The socket library tries again without a word; what the file system says is the likely reason. */
static int
no_answer(const char *endpoint, struct err *e)
{
	const char *path = strncmp(endpoint, "ipc://", 6) == 0 ? endpoint + 6 : NULL;

	if (path != NULL && access(path, W_OK) != 0)
		return err_set(
		    e, ERR_UNAVAILABLE, "the backend does not answer at %s: %s", endpoint, strerror(errno));
	return err_set(e, ERR_UNAVAILABLE, "the backend does not answer at %s", endpoint);
}

int
link_open(struct link *l, const char *endpoint, struct err *e)
{
	struct ipc_client_conf conf = {.endpoint = endpoint,
	    .queue = QUEUE,
	    .reconnect_ms = RECONNECT_MS,
	    .patient = strncmp(endpoint, "ipc://", 6) == 0};
	int64_t since = clock_ms();

	l->endpoint = endpoint;
	arena_init(&l->arena, ANSWER_ARENA);
	if (ipc_client_new(&l->client, &conf, e) != 0)
		return -1;
	for (;;) {
		enum ipc_event event;
		int64_t left;

		while ((event = ipc_client_event(l->client)) != IPC_NOTHING)
			if (event == IPC_UP)
				return 0;
		left = since + (ipc_client_met(l->client) ? LINK_BUSY_MS : LINK_CONNECT_MS) - clock_ms();
		if (left <= 0)
			return no_answer(endpoint, e);
		ipc_client_wait(l->client, (int)left);
	}
}

void
link_close(struct link *l)
{
	ipc_client_free(l->client);
	arena_wipe(&l->arena);
	l->client = NULL;
}

static int
send_command(struct link *l, const struct ctl_request *q, struct err *e)
{
	struct buf frame;
	int rc = 0;

	buf_init(&frame, IPC_MESSAGE_MAX);
	env_write(&frame, ENV_CTL_REQUEST, q);
	if (frame.failed)
		rc = err_set(e, ERR_TOO_LARGE, NULL);
	else if (ipc_client_send(l->client, buf_str(&frame), NULL) != 0)
		rc = err_set(e, ERR_UNAVAILABLE, "the connection to %s broke", l->endpoint);
	/* A password may be in it. */
	buf_wipe(&frame);
	return rc;
}

/* 1 = the answer, 0 = none yet, -1. */
static int
take_answer(struct link *l, int64_t id, struct ctl_reply *r, struct err *e)
{
	struct str frame;

	while (ipc_client_recv(l->client, &frame) == 1) {
		arena_wipe(&l->arena);
		if (env_type(frame) != ENV_CTL_REPLY ||
		    env_read(frame, ENV_CTL_REPLY, r, &l->arena, e) != 0) {
			err_clear(e);
			return err_set(e, ERR_UNAVAILABLE,
			    "the backend's answer cannot be read (is it of another release?)");
		}
		if (r->id == id)
			return 1;
	}
	return 0;
}

static int
await(struct link *l, int64_t id, struct ctl_reply *r, int timeout_ms, struct err *e)
{
	int64_t deadline = clock_ms() + timeout_ms, left;
	enum ipc_event event;
	int rc;

	for (;;) {
		/* The answer may have come before the connection went. */
		bool down = false;

		while ((event = ipc_client_event(l->client)) != IPC_NOTHING) {
			down = event == IPC_DOWN;
			l->breaks += down;
		}
		if ((rc = take_answer(l, id, r, e)) != 0)
			return rc == 1 ? 0 : -1;
		if (down)
			return err_set(e, ERR_UNAVAILABLE,
			    "the connection broke before the answer: "
			    "the command may have been carried out or not");
		if ((left = deadline - clock_ms()) <= 0)
			return err_set(e, ERR_UNAVAILABLE,
			    "no answer in %d s: the command may have been carried out or not",
			    timeout_ms / 1000);
		ipc_client_wait(l->client, (int)left);
	}
}

/* For the audit log; the socket's directory decides who may call, not this. */
static struct str
operator_name(void)
{
	static char name[65];
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = sudo == NULL ? getpwuid(getuid()) : NULL;

	if (sudo != NULL || pw != NULL)
		snprintf(name, sizeof(name), "%s", sudo != NULL ? sudo : pw->pw_name);
	else
		snprintf(name, sizeof(name), "uid %lu", (unsigned long)getuid());
	for (char *p = name; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return str_c(name);
}

int
link_call(struct link *l, struct ctl_request *q, struct ctl_reply *r, int timeout_ms, struct err *e)
{
	err_clear(e);
	REC_SET(q, ctl_request, id, ++l->last_id);
	REC_SET(q, ctl_request, operator_name, operator_name());
	/* The backend drops what its table forbids without a word. */
	if (rec_validate(&rec_ctl_request, q, false, e) != 0)
		return -1;
	if (send_command(l, q, e) != 0)
		return -1;
	return await(l, q->id, r, timeout_ms, e);
}
