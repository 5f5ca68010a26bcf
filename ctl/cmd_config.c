/* SPDX-License-Identifier: ISC */
/* check-config and cert: what an operator does before anything runs. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/sink.h"
#include "ctl/ctl.h"
#include "ctl/term.h"
#include "ipc/cert.h"
#include "ipc/endpoint.h"

struct check {
	struct ctl *c;
	const char *file;
	struct buf found; /* for --json: the complaints as texts of a list */
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void
complain(struct check *k, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (k->count++ > 0)
		buf_addc(&k->found, ',');
	json_text(&k->found, str_c(text));
	if (!k->c->json)
		ctl_fail(EXIT_CONFIG, "%s", text);
}

static void
check_endpoint(struct check *k, const char *name, const char *value, bool listening, bool ipc_only)
{
	struct endpoint ep;
	struct err e = {0};

	if (endpoint_parse(&ep, value, listening, &e) != 0)
		complain(k, "%s: %s: %s", k->file, name, err_text(&e));
	else if (ipc_only && ep.path == NULL)
		complain(k, "%s: %s: must be an ipc:///path", k->file, name);
}

/* `forbidden`: bits of the mode that must be off. */
static void
check_file(struct check *k, const char *name, const char *path, mode_t forbidden, bool required)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (required || errno != ENOENT)
			complain(k, "%s: %s: %s: %s", k->file, name, path, strerror(errno));
		return;
	}
	if (!S_ISREG(st.st_mode))
		complain(k, "%s: %s: %s is not a file", k->file, name, path);
	else if ((st.st_mode & forbidden) != 0)
		complain(k, "%s: %s: %s has mode %04o: it must not be open to others", k->file, name, path,
		    (unsigned)(st.st_mode & 07777));
}

static void
check_dir(struct check *k, const char *name, const char *path, bool private, bool required)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (required || errno != ENOENT)
			complain(k, "%s: %s: %s: %s", k->file, name, path, strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode))
		complain(k, "%s: %s: %s is not a directory", k->file, name, path);
	else if (private && (st.st_mode & 07777) != 0700)
		complain(k, "%s: %s: %s has mode %04o, not 0700", k->file, name, path,
		    (unsigned)(st.st_mode & 07777));
}

static bool
is_tcp(const char *endpoint)
{
	return strncmp(endpoint, "tcp:", 4) == 0;
}

/* The part that is never sent stands in a file of its own beside the certificate. */
static void
check_curve_cert(struct check *k, const char *name, const char *path)
{
	char secret[CONF_TEXT_MAX + 16];

	if (path[0] == '\0') {
		complain(k, "%s: %s: tcp needs it", k->file, name);
		return;
	}
	snprintf(secret, sizeof(secret), "%s_secret", path);
	check_file(k, name, secret, 077, true);
}

static void
check_gateway(struct check *k, const struct conf *conf)
{
	unsigned char address[sizeof(struct in6_addr)];
	enum log_level level;

	if (inet_pton(AF_INET, conf->gateway_listen, address) != 1 &&
	    inet_pton(AF_INET6, conf->gateway_listen, address) != 1)
		complain(k, "%s: gateway.listen: not a numeric address: %s", k->file, conf->gateway_listen);
	check_file(k, "gateway.certificate", conf->gateway_certificate, 0, true);
	check_file(k, "gateway.key", conf->gateway_key, 007, true);
	check_endpoint(k, "gateway.backend", conf->gateway_backend, false, false);
	if (is_tcp(conf->gateway_backend)) {
		check_curve_cert(k, "gateway.curve_cert", conf->gateway_curve_cert);
		check_file(k, "gateway.curve_server", conf->gateway_curve_server, 0, true);
	}
	if (!log_level_by_name(str_c(conf->gateway_log), &level))
		complain(k, "%s: gateway.log: not a level: %s", k->file, conf->gateway_log);
}

static bool
is_engine(const char *name)
{
	return strcmp(name, "bdb") == 0 || strcmp(name, "lmdb") == 0 || strcmp(name, "mem") == 0;
}

static void
check_backend(struct check *k, const struct conf *conf)
{
	enum log_level level;

	check_dir(k, "backend.state", conf->backend_state, true, false);
	if (!is_engine(conf->backend_engine))
		complain(k, "%s: backend.engine: not an engine: %s", k->file, conf->backend_engine);
	check_endpoint(k, "backend.listen", conf->backend_listen, true, false);
	if (conf->backend_listen2[0] != '\0')
		check_endpoint(k, "backend.listen2", conf->backend_listen2, true, false);
	check_endpoint(k, "backend.control", conf->backend_control, true, true);
	if (is_tcp(conf->backend_listen) || is_tcp(conf->backend_listen2)) {
		check_curve_cert(k, "backend.curve_cert", conf->backend_curve_cert);
		check_dir(k, "backend.curve_allow", conf->backend_curve_allow, false, true);
	}
	check_file(k, "backend.auth_keys", conf->backend_auth_keys, 077, false);
	if (!log_level_by_name(str_c(conf->backend_log), &level))
		complain(k, "%s: backend.log: not a level: %s", k->file, conf->backend_log);
}

static void
value_of(const struct conf *conf, const struct conf_item *it, struct buf *out, bool json)
{
	const char *at = (const char *)conf + it->off;
	int64_t v;

	if (it->kind == CONF_INT) {
		memcpy(&v, at, sizeof(v));
		buf_printf(out, "%" PRId64, v);
	} else if (it->kind == CONF_BOOL && json) {
		buf_adds(out, *(const bool *)(const void *)at ? "true" : "false");
	} else if (it->kind == CONF_BOOL) {
		buf_adds(out, *(const bool *)(const void *)at ? "yes" : "no");
	} else if (json) {
		json_text(out, str_c(at));
	} else {
		buf_adds(out, at);
	}
}

/* Text that could be the file. */
static void
print_file(const struct conf *conf, struct buf *out)
{
	const char *section = "";

	for (const struct conf_item *it = conf_items; it->name != NULL; it++) {
		struct buf value;

		if (strcmp(it->section, section) != 0)
			buf_printf(out, "%s[%s]\n", section[0] != '\0' ? "\n" : "", it->section);
		section = it->section;
		buf_init(&value, CONF_TEXT_MAX * 2);
		value_of(conf, it, &value, false);
		buf_printf(out, "%s = ", it->name);
		term_text(out, buf_str(&value));
		buf_addc(out, '\n');
		buf_free(&value);
	}
}

/* {"section":{"name":value}} */
static void
print_members(const struct conf *conf, struct buf *out)
{
	const char *section = "";

	buf_addc(out, '{');
	for (const struct conf_item *it = conf_items; it->name != NULL; it++) {
		if (strcmp(it->section, section) != 0)
			buf_printf(out, "%s\"%s\":{", section[0] != '\0' ? "}," : "", it->section);
		else
			buf_addc(out, ',');
		section = it->section;
		buf_printf(out, "\"%s\":", it->name);
		value_of(conf, it, out, true);
	}
	buf_adds(out, "}}");
}

static void
print_json(const struct check *k, bool readable, struct buf *out)
{
	struct buf text;

	buf_init(&text, 1024 * 1024);
	buf_adds(&text, "{\"file\":");
	json_text(&text, str_c(k->file));
	buf_printf(&text, ",\"ok\":%s,\"complaints\":[", k->count == 0 ? "true" : "false");
	buf_addstr(&text, buf_str(&k->found));
	buf_addc(&text, ']');
	if (k->c->print && readable) {
		buf_adds(&text, ",\"settings\":");
		print_members(&k->c->conf, &text);
	}
	buf_addc(&text, '}');
	term_text(out, buf_str(&text));
	buf_addc(out, '\n');
	buf_free(&text);
}

int
cmd_check_config(struct ctl *c)
{
	struct check k = {.c = c, .file = c->arg_count > 0 ? c->args[0] : c->config};
	struct err e = {0};
	bool readable;

	buf_init(&k.found, 256 * 1024);
	readable = ctl_read_conf(c, k.file, &e) == 0;
	if (readable) {
		check_gateway(&k, &c->conf);
		check_backend(&k, &c->conf);
	} else {
		complain(&k, "%s", err_text(&e));
	}
	if (c->json)
		print_json(&k, readable, &c->out);
	else if (c->print && readable)
		print_file(&c->conf, &c->out);
	else if (k.count == 0)
		buf_printf(&c->out, "%s: ok\n", k.file);
	buf_free(&k.found);
	return k.count == 0 ? EXIT_OK : EXIT_CONFIG;
}

int
cmd_cert_make(struct ctl *c)
{
	struct err e = {0};

	ctl_no_core_file();
	if (ipc_cert_make(c->args[0], c->args[1], &e) != 0)
		return ctl_fail(EXIT_FAILED, "%s", err_text(&e));
	return EXIT_OK;
}
