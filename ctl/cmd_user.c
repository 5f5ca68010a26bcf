/* SPDX-License-Identifier: ISC */
/* user …: accounts, one command of the backend each. */
#include <string.h>
#include <sys/resource.h>

#include "common/records.h"
#include "common/sink.h"
#include "ctl/ctl.h"
#include "ctl/term.h"

enum { PASSWORD_MIN = 8 };

static size_t
characters(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

void
ctl_no_core_file(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
}

int
ctl_secret(const struct ctl *c, const char *what, size_t min, struct password *p)
{
	struct err e = {0};
	struct str s;

	ctl_no_core_file();
	if ((c->password_stdin ? term_password_line(p, &e) : term_password(p, c->args[0], &e)) != 0)
		return ctl_fail(EXIT_FAILED, "%s", err_text(&e));
	s = (struct str){p->bytes, p->n};
	if (s.n == 0)
		return ctl_fail(EXIT_FAILED, "the %s is empty", what);
	if (!str_is_utf8(s))
		return ctl_fail(EXIT_FAILED, "the %s is not UTF-8 text", what);
	if (!c->allow_weak && characters(s) < min)
		return ctl_fail(EXIT_FAILED, "the %s has less than %zu characters%s", what, min,
		    min == PASSWORD_MIN ? " (--allow-weak takes it)" : "");
	return EXIT_OK;
}

int
ctl_change(struct ctl *c, struct ctl_request *q, int command)
{
	struct ctl_reply r;
	int rc = ctl_connect(c);

	if (rc != EXIT_OK)
		return rc;
	REC_SET(q, ctl_request, command, command);
	REC_SET(q, ctl_request, name, str_c(c->args[0]));
	if ((rc = ctl_call(c, q, &r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	return r.code != ERR_OK ? ctl_refused(&r, &rec_user) : EXIT_OK;
}

static int
change_with_password(struct ctl *c, struct ctl_request *q, int command)
{
	struct password p;
	int rc = ctl_secret(c, "password", PASSWORD_MIN, &p);

	if (rc == EXIT_OK) {
		REC_SET(q, ctl_request, password, ((struct str){p.bytes, p.n}));
		rc = ctl_change(c, q, command);
	}
	explicit_bzero(&p, sizeof(p));
	return rc;
}

int
cmd_user_add(struct ctl *c)
{
	struct ctl_request q = {0};

	if (c->password_stdin && c->no_password)
		return ctl_usage("--password-stdin and --no-password exclude each other");
	if (c->first != NULL)
		REC_SET(&q, ctl_request, first_name, str_c(c->first));
	if (c->last != NULL)
		REC_SET(&q, ctl_request, last_name, str_c(c->last));
	if (c->no_password)
		return ctl_change(c, &q, ctl_command_USER_ADD);
	return change_with_password(c, &q, ctl_command_USER_ADD);
}

int
cmd_user_password(struct ctl *c)
{
	return change_with_password(c, &(struct ctl_request){0}, ctl_command_USER_PASSWORD);
}

int
cmd_user_enable(struct ctl *c)
{
	return ctl_change(c, &(struct ctl_request){0}, ctl_command_USER_ENABLE);
}

int
cmd_user_disable(struct ctl *c)
{
	return ctl_change(c, &(struct ctl_request){0}, ctl_command_USER_DISABLE);
}

int
cmd_user_remove(struct ctl *c)
{
	if (!c->yes)
		return ctl_usage("this removes the user with everything that is theirs; say --yes");
	return ctl_change(c, &(struct ctl_request){0}, ctl_command_USER_REMOVE);
}

static void
add_line(struct ctl *c, const struct user_line *u, bool first)
{
	struct sink sink;

	if (c->json) {
		struct buf text;

		buf_init(&text, 65536);
		buf_adds(&c->out, first ? "\n" : ",\n");
		json_sink_init(&sink, &text);
		rec_encode(&rec_user_line, u, &sink, 0);
		term_text(&c->out, buf_str(&text));
		buf_free(&text);
		return;
	}
	term_cell(&c->out, u->user_name, 24);
	/* Rounded up: who has something has a KiB. */
	buf_printf(&c->out, " %-9s %-9s %7lld %7lld", u->enabled ? "enabled" : "disabled",
	    u->password ? "yes" : "no", (long long)u->entries, (long long)(u->bytes + 1023) / 1024);
	if (REC_HAS(u, user_line, first_name)) {
		buf_addc(&c->out, ' ');
		term_text(&c->out, u->first_name);
	}
	if (REC_HAS(u, user_line, last_name)) {
		buf_addc(&c->out, ' ');
		term_text(&c->out, u->last_name);
	}
	buf_addc(&c->out, '\n');
}

/* One part of the list; *mark is where the next begins, empty behind the last. */
static int
list_part(struct ctl *c, struct buf *mark, size_t *count)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int rc;

	REC_SET(&q, ctl_request, command, ctl_command_USER_LIST);
	if (mark->n > 0)
		REC_SET(&q, ctl_request, after, buf_str(mark));
	if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	if (r.code != ERR_OK)
		return ctl_refused(&r, NULL);
	for (size_t i = 0; REC_HAS(&r, ctl_reply, users) && i < r.users.n; i++)
		add_line(c, &r.users.v[i], (*count)++ == 0);
	buf_reset(mark);
	if (REC_HAS(&r, ctl_reply, after))
		buf_addstr(mark, r.after);
	return EXIT_OK;
}

int
cmd_user_list(struct ctl *c)
{
	struct buf mark;
	size_t count = 0;
	int rc = ctl_connect(c);

	if (rc != EXIT_OK)
		return rc;
	if (c->json)
		buf_addc(&c->out, '[');
	else
		buf_printf(&c->out, "%-24s %-9s %-9s %7s %7s %s\n", "USER", "STATE", "PASSWORD", "ENTRIES",
		    "KiB", "NAME");
	buf_init(&mark, 1024);
	do
		rc = list_part(c, &mark, &count);
	while (rc == EXIT_OK && mark.n > 0);
	buf_free(&mark);
	if (c->json)
		buf_adds(&c->out, count > 0 ? "\n]\n" : "]\n");
	return rc;
}
