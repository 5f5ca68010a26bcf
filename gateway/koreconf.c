/* SPDX-License-Identifier: ISC */
#include "gateway/koreconf.h"

#include "common/res.h"

enum {
	KEEPALIVE_SECONDS = 60, /* of a connection without a request */
	HEADER_SECONDS = 10,
	BODY_SECONDS = 20,
	HEADER_BYTES = 16384,
	BACKLOG = 1024,
	OTHER_FILES = 64 /* descriptors of a worker that are no connections */
};

static void
users(const struct settings *s, struct buf *out)
{
	if (!s->root) {
		/* Kore changes to its root all the same. */
		buf_adds(out, "root /\nkeymgr_root /\n");
		return;
	}
	buf_printf(out, "root %s\nrunas %s\n", s->conf.gateway_root, s->conf.gateway_user);
	/* Its user reads the key, so the key manager stays outside of the workers' directory. */
	buf_printf(out, "keymgr_root /\nkeymgr_runas %s\n", s->conf.gateway_key_user);
}

static void
limits(const struct conf *c, struct buf *out)
{
	long long connections = c->gateway_connections;

	buf_printf(out, "workers %lld\nworker_set_affinity 0\n", (long long)c->gateway_workers);
	buf_printf(out, "worker_max_connections %lld\n", connections);
	buf_printf(out, "worker_rlimit_nofiles %lld\n", connections + OTHER_FILES);
	/* A connection has one request at a time; some may be on their way out. */
	buf_printf(out, "http_request_limit %lld\n", connections + OTHER_FILES);
	buf_printf(out, "socket_backlog %d\n", BACKLOG);
	buf_printf(out, "http_header_max %d\nhttp_body_max %d\n", HEADER_BYTES, RES_BODY_MAX);
	buf_printf(out, "http_header_timeout %d\nhttp_body_timeout %d\nhttp_keepalive_time %d\n",
	    HEADER_SECONDS, BODY_SECONDS, KEEPALIVE_SECONDS);
}

void
koreconf_render(const struct settings *s, const char *pidfile, struct buf *out)
{
	const struct conf *c = &s->conf;

	users(s, out);
	limits(c, out);
	/* Kore's own header would say includeSubDomains; ours is in http.c. */
	buf_adds(out, "http_hsts_enable 0\nhttp_server_version tandem\n");
	buf_printf(out, "pidfile %s\n", pidfile);
	buf_printf(
	    out, "server tls {\n\tbind %s %lld\n}\n", c->gateway_listen, (long long)c->gateway_port);
	buf_printf(out, "domain * {\n\tattach tls\n\tcertfile %s\n\tcertkey %s\n",
	    c->gateway_certificate, c->gateway_key);
	/* Our own table routes, so that every answer is ours. */
	buf_adds(out, "\troute ^.*$ gateway_page\n}\n");
}
