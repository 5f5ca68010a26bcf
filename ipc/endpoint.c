/* SPDX-License-Identifier: ISC */
#include "ipc/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"

static int
parse_ipc(struct endpoint *ret, const char *path, struct err *e)
{
	size_t n = strlen(path);

	/* '@' would name an abstract socket, '*' a temporary file: no directory guards those. */
	if (path[0] != '/')
		return err_set(e, ERR_INVALID, "an ipc endpoint needs an absolute path: %s", path);
	if (n > IPC_PATH_MAX)
		return err_set(
		    e, ERR_INVALID, "socket path of %zu bytes, the limit is %d: %s", n, IPC_PATH_MAX, path);
	ret->path = path;
	return 0;
}

static bool
port_ok(struct str port, bool listening)
{
	int64_t n;

	if (listening && str_eqc(port, "*"))
		return true;
	return port.n <= 5 && str_to_i64(port, &n) && n >= (listening ? 0 : 1) && n <= 65535;
}

/* Cuts "1.2.3.4:5" or "[::1]:5"; false when it is neither. */
static bool
split(const char *s, struct str *host, struct str *port, bool *ipv6)
{
	const char *end = strrchr(s, ':');

	if (end == NULL)
		return false;
	*host = (struct str){s, (size_t)(end - s)};
	*port = str_c(end + 1);
	*ipv6 = host->n > 2 && s[0] == '[' && end[-1] == ']';
	if (*ipv6)
		*host = (struct str){s + 1, host->n - 2};
	return true;
}

static int
parse_tcp(struct endpoint *ret, const char *s, bool listening, struct err *e)
{
	unsigned char address[sizeof(struct in6_addr)];
	char host[INET6_ADDRSTRLEN];
	struct str h;
	struct str p;

	if (!split(s, &h, &p, &ret->ipv6) || h.n >= sizeof(host))
		return err_set(e, ERR_INVALID, "not numeric-address:port: %s", s);
	if (!port_ok(p, listening))
		return err_set(e, ERR_INVALID, "not a port: %s", s);
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	if (inet_pton(ret->ipv6 ? AF_INET6 : AF_INET, host, address) != 1)
		return err_set(e, ERR_INVALID, "not a numeric address: %s", s);
	return 0;
}

int
endpoint_parse(struct endpoint *ret, const char *text, bool listening, struct err *e)
{
	struct str s = str_c(text);
	int rc;

	*ret = (struct endpoint){0};
	if (str_starts(s, "ipc://"))
		rc = parse_ipc(ret, s.p + 6, e);
	else if (str_starts(s, "tcp://"))
		rc = parse_tcp(ret, s.p + 6, listening, e);
	else
		rc = err_set(e, ERR_INVALID, "neither ipc:///path nor tcp://address:port: %s", s.p);
	if (rc == 0)
		snprintf(ret->text, sizeof(ret->text), "%s", s.p);
	return rc;
}
