/* SPDX-License-Identifier: ISC */
#include "ipc/client.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "common/clock.h"
#include "ipc/endpoint.h"
#include "ipc/server.h"
#include "ipc/zpl.h"

#define MONITOR_ADDRESS "inproc://monitor"

enum {
	HEARTBEAT_MS = 1000,
	HEARTBEAT_TIMEOUT_MS = 3000,
	HANDSHAKE_MS = 3000,
	CONNECT_MS = 3000,
	RECONNECT_MIN_MS = 10,
	RECONNECT_MAX_MS = 100,
	/* More would be most of what a restart of the backend takes. */
	RECONNECT_CAP_MS = 250,
	ANEW_MS = 1000, /* how long libzmq may say nothing about trying again */
	EVENTS = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
	    ZMQ_EVENT_CONNECT_RETRIED
};

struct ipc_client {
	void *ctx;
	void *sock;
	void *monitor;
	int fd;
	int event_fd;
	char endpoint[ENDPOINT_MAX];
	bool met, up;
	int64_t lost; /* when the connection broke, 0 once libzmq has said that it tries again */
	zmq_msg_t frame;
};

static int
set_int(void *sock, int option, int value)
{
	return zmq_setsockopt(sock, option, &value, sizeof(value));
}

static int
get_int(void *sock, int option)
{
	int value = 0;
	size_t n = sizeof(value);

	return zmq_getsockopt(sock, option, &value, &n) == 0 ? value : -1;
}

static int
set_options(struct ipc_client *c, const struct ipc_client_conf *conf, bool ipv6, struct err *e)
{
	const struct {
		int option, value;
	} ints[] = {
	    /* Nothing is queued for a connection that is not there. */
	    {ZMQ_IMMEDIATE, 1},
	    {ZMQ_LINGER, 0},
	    {ZMQ_SNDHWM, conf->queue},
	    {ZMQ_RCVHWM, conf->queue},
	    {ZMQ_RECONNECT_IVL, conf->reconnect_ms},
	    /* libzmq adds a random part of up to the first interval. */
	    {ZMQ_RECONNECT_IVL_MAX, RECONNECT_CAP_MS - conf->reconnect_ms},
	    {ZMQ_CONNECT_TIMEOUT, CONNECT_MS},
	    {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
	    {ZMQ_HEARTBEAT_IVL, conf->patient ? 0 : HEARTBEAT_MS},
	    {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS},
	    {ZMQ_HEARTBEAT_TTL, conf->patient ? 0 : HEARTBEAT_TIMEOUT_MS},
	    {ZMQ_IPV6, ipv6},
	};
	int64_t max = ENDPOINT_FRAME_MAX;

	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
		if (set_int(c->sock, ints[i].option, ints[i].value) != 0)
			return err_set(
			    e, ERR_INTERNAL, "%s: socket option %d", zmq_strerror(zmq_errno()), ints[i].option);
	if (zmq_setsockopt(c->sock, ZMQ_MAXMSGSIZE, &max, sizeof(max)) != 0)
		return err_set(e, ERR_INTERNAL, "%s: socket option", zmq_strerror(zmq_errno()));
	return 0;
}

static int
set_keys(struct ipc_client *c, const struct ipc_client_conf *conf, struct err *e)
{
	unsigned char server[ZPL_KEY_SIZE];
	struct zpl_cert own;
	int rc;

	if (zpl_load_public(server, conf->server_cert, e) != 0 ||
	    zpl_load_own(&own, conf->cert_file, e) != 0)
		return -1;
	rc = zmq_setsockopt(c->sock, ZMQ_CURVE_SERVERKEY, server, sizeof(server));
	if (rc == 0)
		rc = zmq_setsockopt(c->sock, ZMQ_CURVE_PUBLICKEY, own.public_key, ZPL_KEY_SIZE);
	if (rc == 0)
		rc = zmq_setsockopt(c->sock, ZMQ_CURVE_SECRETKEY, own.secret_key, ZPL_KEY_SIZE);
	explicit_bzero(&own, sizeof(own));
	if (rc != 0)
		return err_set(e, ERR_INTERNAL, "%s: keys", zmq_strerror(zmq_errno()));
	return 0;
}

static int
start_monitor(struct ipc_client *c, struct err *e)
{
	/* Without a limit on this end, or the I/O thread would stop when nobody reads. */
	if (set_int(c->monitor, ZMQ_RCVHWM, 0) != 0 || set_int(c->monitor, ZMQ_LINGER, 0) != 0 ||
	    zmq_socket_monitor(c->sock, MONITOR_ADDRESS, EVENTS) != 0 ||
	    zmq_connect(c->monitor, MONITOR_ADDRESS) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: no monitor", zmq_strerror(zmq_errno()));
	/* A pipe between threads wakes a reader that has found it empty, not one that has
	 * never looked. */
	get_int(c->monitor, ZMQ_EVENTS);
	return 0;
}

static int
make_sockets(struct ipc_client *c, struct err *e)
{
	c->ctx = zmq_ctx_new();
	if (c->ctx == NULL || zmq_ctx_set(c->ctx, ZMQ_IO_THREADS, 1) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: no context", zmq_strerror(zmq_errno()));
	c->sock = zmq_socket(c->ctx, ZMQ_DEALER);
	c->monitor = zmq_socket(c->ctx, ZMQ_PAIR);
	if (c->sock == NULL || c->monitor == NULL)
		return err_set(e, ERR_UNAVAILABLE, "%s: no socket", zmq_strerror(zmq_errno()));
	return 0;
}

static int
check(const struct ipc_client_conf *conf, bool tcp, struct err *e)
{
	if (conf->queue <= 0)
		return err_set(e, ERR_INVALID, "the queue needs a limit");
	if (conf->reconnect_ms < RECONNECT_MIN_MS || conf->reconnect_ms > RECONNECT_MAX_MS)
		return err_set(e, ERR_INVALID, "the reconnect interval must be %d..%d ms", RECONNECT_MIN_MS,
		    RECONNECT_MAX_MS);
	if (tcp && (conf->cert_file == NULL || conf->server_cert == NULL))
		return err_set(e, ERR_INVALID, "tcp needs two certificates, its own and the server's");
	return 0;
}

static int
start(struct ipc_client *c, const struct ipc_client_conf *conf, struct err *e)
{
	struct endpoint ep;
	bool tcp;

	if (endpoint_parse(&ep, conf->endpoint, false, e) != 0)
		return -1;
	tcp = ep.path == NULL;
	memcpy(c->endpoint, ep.text, sizeof(c->endpoint));
	if (check(conf, tcp, e) != 0 || make_sockets(c, e) != 0 ||
	    set_options(c, conf, ep.ipv6, e) != 0)
		return -1;
	if (tcp && set_keys(c, conf, e) != 0)
		return -1;
	if (start_monitor(c, e) != 0)
		return -1;
	c->fd = get_int(c->sock, ZMQ_FD);
	c->event_fd = get_int(c->monitor, ZMQ_FD);
	if (zmq_connect(c->sock, c->endpoint) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", zmq_strerror(zmq_errno()), c->endpoint);
	return 0;
}

int
ipc_client_new(struct ipc_client **ret, const struct ipc_client_conf *conf, struct err *e)
{
	struct ipc_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	zmq_msg_init(&c->frame);
	if (start(c, conf, e) != 0) {
		ipc_client_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void
ipc_client_free(struct ipc_client *c)
{
	if (c == NULL)
		return;
	zmq_msg_close(&c->frame);
	if (c->sock != NULL)
		zmq_socket_monitor(c->sock, NULL, 0);
	if (c->monitor != NULL)
		zmq_close(c->monitor);
	if (c->sock != NULL)
		zmq_close(c->sock);
	while (c->ctx != NULL && zmq_ctx_term(c->ctx) != 0 && zmq_errno() == EINTR)
		;
	free(c);
}

int
ipc_client_fd(const struct ipc_client *c)
{
	return c->fd;
}

int
ipc_client_event_fd(const struct ipc_client *c)
{
	return c->event_fd;
}

/* The next event of libzmq, 0 = none. Two frames: number and value, then the address. */
static int
next_event(struct ipc_client *c)
{
	char frame[ENDPOINT_MAX];
	uint16_t event;
	int n;

	do
		n = zmq_recv(c->monitor, frame, sizeof(frame), ZMQ_DONTWAIT);
	while (n < 0 && zmq_errno() == EINTR);
	if (n < (int)sizeof(event))
		return 0;
	memcpy(&event, frame, sizeof(event));
	zmq_recv(c->monitor, frame, sizeof(frame), ZMQ_DONTWAIT);
	return event;
}

/* After a refusal libzmq ends the session without trying again, and tells nobody so: the
 * only sign is that the announcement of a retry does not follow the disconnection. */
static void
connect_anew(struct ipc_client *c)
{
	if (c->lost == 0 || clock_ms() - c->lost < ANEW_MS)
		return;
	c->lost = 0;
	zmq_disconnect(c->sock, c->endpoint);
	if (zmq_connect(c->sock, c->endpoint) != 0)
		c->lost = clock_ms();
}

enum ipc_event
ipc_client_event(struct ipc_client *c)
{
	int event;

	while ((event = next_event(c)) != 0) {
		bool was_up = c->up;

		c->met = c->met || event == ZMQ_EVENT_CONNECTED;
		c->up = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
		c->lost = event == ZMQ_EVENT_DISCONNECTED ? clock_ms() : 0;
		if (c->up != was_up)
			return c->up ? IPC_UP : IPC_DOWN;
	}
	connect_anew(c);
	return IPC_NOTHING;
}

bool
ipc_client_met(const struct ipc_client *c)
{
	return c->met;
}

static bool
send_now(struct ipc_client *c, struct str frame)
{
	int rc;

	do
		rc = zmq_send(c->sock, frame.p, frame.n, ZMQ_DONTWAIT);
	while (rc < 0 && zmq_errno() == EINTR);
	return rc >= 0;
}

int
ipc_client_send(struct ipc_client *c, struct str frame, bool *pending)
{
	bool sent = false;

	if (!c->up)
		connect_anew(c);
	else if (frame.n > 0 && frame.n <= IPC_MESSAGE_MAX)
		sent = send_now(c, frame);
	/* Sending looks at libzmq's mailbox now and then, and takes the wake-up for messages that
	 * have arrived with it. */
	if (pending != NULL)
		*pending = (get_int(c->sock, ZMQ_EVENTS) & ZMQ_POLLIN) != 0;
	return sent ? 0 : -1;
}

/* True when the received message has a single part of a good size; else it is thrown away. */
static bool
whole(struct ipc_client *c)
{
	size_t n = zmq_msg_size(&c->frame);
	bool good = !zmq_msg_more(&c->frame) && n > 0 && n <= IPC_MESSAGE_MAX;

	while (zmq_msg_more(&c->frame)) {
		zmq_msg_close(&c->frame);
		zmq_msg_init(&c->frame);
		if (zmq_msg_recv(&c->frame, c->sock, ZMQ_DONTWAIT) < 0)
			break;
	}
	return good;
}

int
ipc_client_recv(struct ipc_client *c, struct str *frame)
{
	do {
		zmq_msg_close(&c->frame);
		zmq_msg_init(&c->frame);
		while (zmq_msg_recv(&c->frame, c->sock, ZMQ_DONTWAIT) < 0)
			if (zmq_errno() != EINTR)
				return 0;
	} while (!whole(c));
	*frame = (struct str){zmq_msg_data(&c->frame), zmq_msg_size(&c->frame)};
	return 1;
}

int
ipc_client_wait(struct ipc_client *c, int timeout_ms)
{
	zmq_pollitem_t items[] = {{c->sock, 0, ZMQ_POLLIN, 0}, {c->monitor, 0, ZMQ_POLLIN, 0}};
	int64_t deadline = clock_ms() + timeout_ms;
	int64_t left;

	do {
		int rc;

		left = timeout_ms < 0 ? ANEW_MS : deadline - clock_ms();
		left = left < 0 ? 0 : left;
		/* Awake once a second, because nobody else starts a refused connection anew. */
		rc = zmq_poll(items, 2, left < ANEW_MS ? (long)left : ANEW_MS);
		if (rc != 0)
			return rc > 0 ? 1 : -1;
		connect_anew(c);
	} while (timeout_ms < 0 || left > ANEW_MS);
	return 0;
}
