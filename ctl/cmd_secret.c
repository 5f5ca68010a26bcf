/* SPDX-License-Identifier: ISC */
/* user pin, user sip-password, key …: what else users log in with. */
#include <string.h>

#include "common/clock.h"
#include "common/records.h"
#include "common/sink.h"
#include "ctl/ctl.h"

enum { PIN_MIN = 4, DAYS_MAX = 36500 };

#define DAY_MS INT64_C(86400000)

static int
with_secret(struct ctl *c, const char *what, size_t min, int command)
{
	struct ctl_request q = {0};
	struct password p;
	int rc = ctl_secret(c, what, min, &p);

	if (rc == EXIT_OK) {
		REC_SET(&q, ctl_request, password, ((struct str){p.bytes, p.n}));
		rc = ctl_change(c, &q, command);
	}
	explicit_bzero(&p, sizeof(p));
	return rc;
}

int
cmd_user_pin(struct ctl *c)
{
	return with_secret(c, "PIN", PIN_MIN, ctl_command_USER_PIN);
}

int
cmd_user_pin_verify(struct ctl *c)
{
	return with_secret(c, "PIN", 1, ctl_command_USER_PIN_VERIFY);
}

int
cmd_user_sip_password(struct ctl *c)
{
	return with_secret(c, "password", 1, ctl_command_USER_SIP_PASSWORD);
}

static void
add_json(struct buf *out, const struct key_line *k)
{
	struct sink sink;

	json_sink_init(&sink, out);
	rec_encode(&rec_key_line, k, &sink, 0);
}

static void
add_line(struct buf *out, const struct key_line *k)
{
	char time[TERM_TIME];

	buf_printf(out, "%-6lld ", (long long)k->id);
	term_cell(out, k->user_name, 24);
	buf_adds(out, k->read_only ? " read  " : " write ");
	buf_adds(out, term_time(k->created / 1000, time));
	if (REC_HAS(k, key_line, expires))
		buf_printf(out, " %s", term_time(k->expires / 1000, time));
	buf_addc(out, '\n');
}

int
cmd_key_make(struct ctl *c)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int64_t days;
	int rc;

	if (c->days != NULL) {
		if (!str_to_i64(str_c(c->days), &days) || days < 1 || days > DAYS_MAX)
			return ctl_usage("--days must be a number from 1 to %d", DAYS_MAX);
		REC_SET(&q, ctl_request, expires, clock_wall_ms() + days * DAY_MS);
	}
	ctl_no_core_file();
	if ((rc = ctl_connect(c)) != EXIT_OK)
		return rc;
	REC_SET(&q, ctl_request, command, ctl_command_KEY_MAKE);
	REC_SET(&q, ctl_request, name, str_c(c->args[0]));
	REC_SET(&q, ctl_request, read_only, c->read_only);
	if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	if (r.code != ERR_OK)
		return ctl_refused(&r, NULL);
	if (r.keys.n != 1)
		return ctl_fail(EXIT_FAILED, "the backend's answer has no key");
	if (c->json) {
		buf_printf(&c->out, "{\"id\":%lld,\"key\":", (long long)r.keys.v[0].id);
		json_text(&c->out, r.secret);
		buf_adds(&c->out, "}\n");
	} else {
		buf_printf(&c->out, "%lld ", (long long)r.keys.v[0].id);
		term_text(&c->out, r.secret);
		buf_addc(&c->out, '\n');
	}
	return EXIT_OK;
}

/* One part of the list; *mark is where the next begins, empty behind the last. */
static int
list_part(struct ctl *c, struct buf *mark, size_t *count)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int rc;

	REC_SET(&q, ctl_request, command, ctl_command_KEY_LIST);
	if (c->arg_count > 0)
		REC_SET(&q, ctl_request, name, str_c(c->args[0]));
	if (mark->n > 0)
		REC_SET(&q, ctl_request, after, buf_str(mark));
	if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	if (r.code != ERR_OK)
		return ctl_refused(&r, NULL);
	for (size_t i = 0; i < r.keys.n; i++) {
		if (c->json)
			buf_adds(&c->out, (*count)++ == 0 ? "\n" : ",\n");
		(c->json ? add_json : add_line)(&c->out, &r.keys.v[i]);
	}
	buf_reset(mark);
	if (REC_HAS(&r, ctl_reply, after))
		buf_addstr(mark, r.after);
	return EXIT_OK;
}

int
cmd_key_list(struct ctl *c)
{
	struct buf mark;
	size_t count = 0;
	int rc = ctl_connect(c);

	if (rc != EXIT_OK)
		return rc;
	if (c->json)
		buf_addc(&c->out, '[');
	else
		buf_printf(&c->out, "%-6s %-24s %-5s %-20s %s\n", "KEY", "USER", "FOR", "MADE", "ENDS");
	buf_init(&mark, 1024);
	do
		rc = list_part(c, &mark, &count);
	while (rc == EXIT_OK && mark.n > 0);
	buf_free(&mark);
	if (c->json)
		buf_adds(&c->out, count > 0 ? "\n]\n" : "]\n");
	return rc;
}

int
cmd_key_revoke(struct ctl *c)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int64_t id;
	int rc;

	if (!str_to_i64(str_c(c->args[0]), &id) || id < 1)
		return ctl_usage("a key is named by its number in key list");
	if ((rc = ctl_connect(c)) != EXIT_OK)
		return rc;
	REC_SET(&q, ctl_request, command, ctl_command_KEY_REVOKE);
	REC_SET(&q, ctl_request, key, id);
	if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	return r.code != ERR_OK ? ctl_refused(&r, NULL) : EXIT_OK;
}
