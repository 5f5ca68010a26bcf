/* SPDX-License-Identifier: ISC */
#include "feeds/janus_events_http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "feeds/janus_event.h"

/* Janus opens a connection for each POST and waits for the answer. Whoever else has a user on the
 * machine can hold connections open, and so hold events up; the regular check does not need them.
 */
enum { CONNECTIONS = 32, IDLE_S = 3, CONNECTION_MEMORY = 32768 };

struct janus_events {
	struct feed *feed;
	struct janus_events_conf conf;
	const struct janus_events_ops *ops;
	void *arg;
	struct MHD_Daemon *daemon;
	int fd;
};

/* A request under way. */
struct post {
	struct buf body;
	unsigned int refused; /* status; 0 = fine so far */
};

static void serve(void *arg);

static enum MHD_Result
answer(struct MHD_Connection *c, unsigned int status)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	if (status == MHD_HTTP_UNAUTHORIZED)
		rc = MHD_queue_basic_auth_fail_response(c, "tandem", r);
	else
		rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

/* Both are compared whole, in time that depends on lengths alone. */
static bool
is_janus(const struct janus_events *h, struct MHD_Connection *c)
{
	char *password = NULL, *user = MHD_basic_auth_get_username_password(c, &password);
	bool same = false;

	if (user != NULL && password != NULL) {
		bool secret = str_eq_secret(str_c(password), h->conf.password);

		same = str_eq_secret(str_c(user), h->conf.user) && secret;
	}
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	MHD_free(password);
	MHD_free(user);
	return same;
}

static struct post *
begin(struct janus_events *h, struct MHD_Connection *c, const char *method)
{
	struct post *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	buf_init(&p->body, JANUS_EVENTS_MAX);
	if (!is_janus(h, c))
		p->refused = MHD_HTTP_UNAUTHORIZED;
	else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		p->refused = MHD_HTTP_METHOD_NOT_ALLOWED;
	return p;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **ctx)
{
	struct janus_events *h = arg;
	struct post *p = *ctx;

	(void)url;
	(void)version;
	if (p == NULL) {
		*ctx = p = begin(h, c, method);
		return p != NULL ? MHD_YES : MHD_NO;
	}
	if (*size != 0) {
		if (p->refused == 0)
			buf_add(&p->body, data, *size);
		if (p->body.failed)
			p->refused = MHD_HTTP_CONTENT_TOO_LARGE;
		*size = 0;
		return MHD_YES;
	}
	if (p->refused == 0) {
		h->ops->body(h->arg, buf_str(&p->body));
		return answer(c, MHD_HTTP_OK);
	}
	h->ops->missing(h->arg,
	    p->refused == MHD_HTTP_UNAUTHORIZED            ? "a request without the right credentials"
	        : p->refused == MHD_HTTP_CONTENT_TOO_LARGE ? "a request that is too long"
	                                                   : "a request that is no POST");
	return answer(c, p->refused);
}

static void
done(void *arg, struct MHD_Connection *c, void **ctx, enum MHD_RequestTerminationCode how)
{
	struct post *p = *ctx;

	(void)arg;
	(void)c;
	(void)how;
	if (p == NULL)
		return;
	buf_free(&p->body);
	free(p);
	*ctx = NULL;
}

int
janus_events_open(struct janus_events **ret, struct feed *f, const struct janus_events_conf *conf,
    const struct janus_events_ops *ops, void *arg, struct err *e)
{
	struct janus_events *h = calloc(1, sizeof(*h));
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)conf->port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const union MHD_DaemonInfo *info;

	*ret = NULL;
	if (h == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	*h = (struct janus_events){.feed = f, .conf = *conf, .ops = ops, .arg = arg, .fd = -1};
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL, (uint16_t)conf->port, NULL, NULL, handle, h,
	    MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, done, h, MHD_OPTION_END);
	info = h->daemon != NULL ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (info == NULL) {
		janus_events_close(h);
		return err_set(e, ERR_UNAVAILABLE, "port %lld of 127.0.0.1 cannot be listened on",
		    (long long)conf->port);
	}
	h->fd = info->epoll_fd;
	*ret = h;
	return 0;
}

static unsigned int
connections(const struct janus_events *h)
{
	const union MHD_DaemonInfo *i =
	    MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return i != NULL ? i->num_connections : 0;
}

/* Runs the server; it says when it wants to run again by itself. A full one stops to listen, and
 * begins again only when it runs once more after somebody has gone, which it does not say. */
static void
serve(void *arg)
{
	struct janus_events *h = arg;
	MHD_UNSIGNED_LONG_LONG ms = 0;
	unsigned int before;

	do {
		before = connections(h);
		MHD_run(h->daemon);
	} while (connections(h) < before);
	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		feed_timer(h->feed, ms < 60000 ? (int64_t)ms : 60000, serve, h);
	else
		feed_timer(h->feed, -1, serve, h);
}

static void
ready(void *arg, short revents)
{
	(void)revents;
	serve(arg);
}

int
janus_events_start(struct janus_events *h)
{
	return feed_watch(h->feed, h->fd, POLLIN, ready, h);
}

void
janus_events_close(struct janus_events *h)
{
	if (h == NULL)
		return;
	if (h->fd >= 0)
		feed_unwatch(h->feed, h->fd);
	feed_timer(h->feed, -1, serve, h);
	if (h->daemon != NULL)
		MHD_stop_daemon(h->daemon);
	free(h);
}
