/* SPDX-License-Identifier: ISC */
#include "ipc/server.h"

#include <czmq.h>

#include "common/clock.h"
#include "ipc/accept.h"
#include "ipc/endpoint.h"
#include "ipc/socketfile.h"
#include "ipc/zap.h"
#include "ipc/zpl.h"

#define MONITOR_ADDRESS "inproc://monitor-%s"

enum {
	HEARTBEAT_MS = 1000,
	HEARTBEAT_TIMEOUT_MS = 3000,
	HANDSHAKE_MS = 5000 /* how long somebody may hold a connection without saying who it is */
};

struct ipc_server {
	zsock_t *sock;
	zsock_t *monitor;
	void *raw; /* the libzmq socket inside `sock` */
	struct zap_rule *rule;
	char endpoint[ENDPOINT_MAX];
	struct socketfile file; /* ipc */
	bool has_file;
	zmq_msg_t frame; /* what ipc_server_recv() has lent out */
	unsigned long dropped;
	unsigned long refused;
};

/* czmq would take SIGINT and SIGTERM for itself and complain on stdout. */
static void
tame_czmq(void)
{
	zsys_handler_set(NULL);
	zsys_init();
	zsys_set_logstream(stderr);
}

static int
set_rule(struct ipc_server *s, const struct ipc_server_conf *conf, bool ipc, struct err *e)
{
	const uid_t own[] = {geteuid(), 0};

	if (!ipc)
		return zap_allow_keys(&s->rule, conf->allow_dir, e);
	if (conf->uid_count > 0)
		return zap_allow_users(&s->rule, conf->uids, conf->uid_count, e);
	return zap_allow_users(&s->rule, own, 2, e);
}

static int
set_cert(struct ipc_server *s, const char *file, struct err *e)
{
	struct zpl_cert cert;

	if (zpl_load_own(&cert, file, e) != 0)
		return -1;
	zsock_set_curve_server(s->sock, 1);
	zsock_set_curve_publickey_bin(s->sock, cert.public_key);
	zsock_set_curve_secretkey_bin(s->sock, cert.secret_key);
	explicit_bzero(&cert, sizeof(cert));
	return 0;
}

static void
set_options(struct ipc_server *s, const struct ipc_server_conf *conf, bool ipv6)
{
	zsock_set_router_mandatory(s->sock, 1);
	zsock_set_maxmsgsize(s->sock, ENDPOINT_FRAME_MAX);
	zsock_set_rcvhwm(s->sock, conf->queue);
	zsock_set_sndhwm(s->sock, conf->queue);
	zsock_set_linger(s->sock, 0);
	/* Of a peer on this machine the kernel says when it has gone. And where a peer has gone and
	 * left more than the queue holds, the library's timer for heartbeats finds a connection that is
	 * over, and aborts the process (libzmq 4.3.4, "!_io_error"). */
	if (strncmp(conf->endpoint, "tcp:", 4) == 0) {
		zsock_set_heartbeat_ivl(s->sock, HEARTBEAT_MS);
		zsock_set_heartbeat_timeout(s->sock, HEARTBEAT_TIMEOUT_MS);
	}
	zsock_set_handshake_ivl(s->sock, HANDSHAKE_MS);
	zsock_set_ipv6(s->sock, ipv6);
	zsock_set_zap_domain(s->sock, zap_domain(s->rule));
	/* Without the handler nobody gets in, instead of everybody. */
	zsock_set_zap_enforce_domain(s->sock, 1);
}

/* Refusals are counted from libzmq's events: only they include peers without any key, and those for
 * whom there is no descriptor. */
static int
start_monitor(struct ipc_server *s, struct err *e)
{
	const int events = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
	    ZMQ_EVENT_ACCEPT_FAILED;
	char address[sizeof(MONITOR_ADDRESS) + ZAP_DOMAIN_MAX];

	snprintf(address, sizeof(address), MONITOR_ADDRESS, zap_domain(s->rule));
	s->monitor = zsock_new(ZMQ_PAIR);
	if (s->monitor == NULL)
		return err_set(e, ERR_UNAVAILABLE, "%s: no socket", zmq_strerror(zmq_errno()));
	/* With a limit, the I/O thread would stop when nobody reads the events. */
	zsock_set_rcvhwm(s->monitor, 0);
	if (zmq_socket_monitor(s->raw, address, events) != 0 ||
	    zsock_connect(s->monitor, "%s", address) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: no monitor", zmq_strerror(zmq_errno()));
	/* A pipe between threads wakes a reader that has found it empty, not one that has
	 * never looked. */
	zsock_events(s->monitor);
	return 0;
}

static int
bind_endpoint(struct ipc_server *s, const struct endpoint *ep, const struct ipc_server_conf *conf,
    struct err *e)
{
	size_t n = sizeof(s->endpoint);
	mode_t mask = 0;
	int rc;

	if (ep->path != NULL) {
		if (socketfile_prepare(ep->path, e) != 0)
			return -1;
		/* Nobody else until the group is right: the mode only ever widens. */
		mask = umask(0177);
	}
	rc = zmq_bind(s->raw, ep->text);
	if (ep->path != NULL)
		umask(mask);
	if (rc != 0)
		return err_set(e, zmq_errno() == EADDRINUSE ? ERR_CONFLICT : ERR_UNAVAILABLE, "%s: %s",
		    zmq_strerror(zmq_errno()), ep->text);
	if (ep->path != NULL) {
		s->has_file = true;
		if (socketfile_open(&s->file, ep->path, conf->mode, conf->group, e) != 0)
			return -1;
	}
	if (zmq_getsockopt(s->raw, ZMQ_LAST_ENDPOINT, s->endpoint, &n) != 0)
		return err_set(e, ERR_INTERNAL, "%s: endpoint", zmq_strerror(zmq_errno()));
	return 0;
}

static int
start(struct ipc_server *s, const struct ipc_server_conf *conf, struct err *e)
{
	struct endpoint ep;

	if (endpoint_parse(&ep, conf->endpoint, true, e) != 0)
		return -1;
	if (conf->queue <= 0)
		return err_set(e, ERR_INVALID, "the queue needs a limit");
	if (ep.path == NULL && (conf->cert_file == NULL || conf->allow_dir == NULL))
		return err_set(e, ERR_INVALID,
		    "tcp needs a certificate and a directory of "
		    "allowed certificates: %s",
		    ep.text);
	tame_czmq();
	accept_prepare();
	if (set_rule(s, conf, ep.path != NULL, e) != 0)
		return -1;
	s->sock = zsock_new(ZMQ_ROUTER);
	if (s->sock == NULL)
		return err_set(e, ERR_UNAVAILABLE, "%s: no socket", zmq_strerror(zmq_errno()));
	s->raw = zsock_resolve(s->sock);
	set_options(s, conf, ep.ipv6);
	if (ep.path == NULL && set_cert(s, conf->cert_file, e) != 0)
		return -1;
	if (start_monitor(s, e) != 0)
		return -1;
	return bind_endpoint(s, &ep, conf, e);
}

int
ipc_server_new(struct ipc_server **ret, const struct ipc_server_conf *conf, struct err *e)
{
	struct ipc_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	zmq_msg_init(&s->frame);
	if (start(s, conf, e) != 0) {
		ipc_server_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void
ipc_server_free(struct ipc_server *s)
{
	if (s == NULL)
		return;
	if (s->monitor != NULL)
		zmq_socket_monitor(s->raw, NULL, 0);
	zsock_destroy(&s->monitor);
	zmq_msg_close(&s->frame);
	if (s->has_file)
		socketfile_remove(&s->file);
	zsock_destroy(&s->sock);
	if (s->rule != NULL)
		zap_free(s->rule);
	free(s);
}

const char *
ipc_server_endpoint(const struct ipc_server *s)
{
	return s->endpoint;
}

int
ipc_server_reload(struct ipc_server *s, struct err *e)
{
	return zap_reload(s->rule, e);
}

unsigned long
ipc_server_dropped(const struct ipc_server *s)
{
	return s->dropped;
}

unsigned long
ipc_server_refused(const struct ipc_server *s)
{
	return s->refused;
}

static void
drain_monitor(struct ipc_server *s)
{
	void *raw = zsock_resolve(s->monitor);
	char frame[ENDPOINT_MAX];

	/* Each event is two frames: the event itself and the address. */
	while (zmq_recv(raw, frame, sizeof(frame), ZMQ_DONTWAIT) >= 0) {
		s->refused++;
		zmq_recv(raw, frame, sizeof(frame), ZMQ_DONTWAIT);
	}
}

static int
look(struct ipc_server **servers, bool *ready, size_t n)
{
	int count = 0;

	for (size_t i = 0; i < n; i++) {
		ready[i] = (zsock_events(servers[i]->sock) & ZMQ_POLLIN) != 0;
		count += ready[i];
	}
	return count;
}

/* `all` holds the caller's descriptors, then two for each server. */
static int
wait_round(struct ipc_server **servers, bool *ready, size_t n, struct pollfd *all, size_t nfd,
    int timeout_ms)
{
	int count = look(servers, ready, n);
	int rc = poll(all, (nfds_t)(nfd + 2 * n), count > 0 ? 0 : timeout_ms);

	if (rc < 0)
		return count > 0 ? count : -1;
	for (size_t i = 0; i < nfd; i++)
		count += all[i].revents != 0;
	for (size_t i = 0; i < n; i++)
		if (all[nfd + 2 * i + 1].revents != 0)
			drain_monitor(servers[i]);
	return count;
}

int
ipc_wait(struct ipc_server **servers, bool *ready, size_t n, struct pollfd *fds, size_t nfd,
    int timeout_ms, struct err *e)
{
	int64_t deadline = clock_ms() + timeout_ms;
	struct pollfd all[IPC_WAIT_MAX] = {0};
	int left = timeout_ms;
	int count;

	if (n > IPC_WAIT_MAX / 2 || nfd > IPC_WAIT_MAX - 2 * n)
		return err_set(e, ERR_INTERNAL, "too many descriptors to wait for");
	for (size_t i = 0; i < nfd; i++)
		all[i] = (struct pollfd){.fd = fds[i].fd, .events = fds[i].events};
	for (size_t i = 0; i < n; i++) {
		all[nfd + 2 * i] = (struct pollfd){zsock_fd(servers[i]->sock), POLLIN, 0};
		all[nfd + 2 * i + 1] = (struct pollfd){zsock_fd(servers[i]->monitor), POLLIN, 0};
	}
	/* A server's descriptor also wakes for things that are no frame: then again. */
	do {
		count = wait_round(servers, ready, n, all, nfd, left);
		if (timeout_ms >= 0) {
			int64_t rest = deadline - clock_ms();

			left = rest > 0 ? (int)rest : 0;
		}
	} while (count == 0 && left != 0);
	if (count < 0 && errno != EINTR)
		return err_set(e, ERR_INTERNAL, "poll: %s", strerror(errno));
	for (size_t i = 0; i < nfd; i++)
		fds[i].revents = all[i].revents;
	return count < 0 ? 0 : count;
}

/* Takes the next part of a message that has begun to arrive, if there is one. */
static bool
next_part(zmq_msg_t *m, void *raw)
{
	if (!zmq_msg_more(m))
		return false;
	zmq_msg_close(m);
	zmq_msg_init(m);
	return zmq_msg_recv(m, raw, ZMQ_DONTWAIT) >= 0;
}

/* The routing id has been received into s->frame: what follows must be one payload. */
static bool
take_payload(struct ipc_server *s, struct ipc_peer *from)
{
	size_t n = zmq_msg_size(&s->frame);
	bool good = n <= IPC_PEER_MAX;

	if (good) {
		memcpy(from->id, zmq_msg_data(&s->frame), n);
		from->n = n;
	}
	good = next_part(&s->frame, s->raw) && good && !zmq_msg_more(&s->frame) &&
	    zmq_msg_size(&s->frame) > 0 && zmq_msg_size(&s->frame) <= IPC_MESSAGE_MAX;
	while (next_part(&s->frame, s->raw))
		;
	return good;
}

int
ipc_server_recv(struct ipc_server *s, struct ipc_peer *from, struct str *frame)
{
	for (;;) {
		zmq_msg_close(&s->frame);
		zmq_msg_init(&s->frame);
		if (zmq_msg_recv(&s->frame, s->raw, ZMQ_DONTWAIT) < 0) {
			if (zmq_errno() == EINTR)
				continue;
			return 0;
		}
		if (take_payload(s, from))
			break;
		s->dropped++;
	}
	*frame = (struct str){zmq_msg_data(&s->frame), zmq_msg_size(&s->frame)};
	return 1;
}

int
ipc_server_send(struct ipc_server *s, const struct ipc_peer *to, struct str frame)
{
	if (frame.n == 0 || frame.n > IPC_MESSAGE_MAX)
		return -1;
	if (zmq_send(s->raw, to->id, to->n, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
		return -1;
	/* After the id was taken only a broken socket can fail. */
	return zmq_send(s->raw, frame.p, frame.n, ZMQ_DONTWAIT) < 0 ? -1 : 0;
}
