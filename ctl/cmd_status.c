/* SPDX-License-Identifier: ISC */
/* status: the backend's counters. */
#include <inttypes.h>
#include <stdio.h>

#include "common/res.h"
#include "common/sink.h"
#include "ctl/ctl.h"
#include "ctl/term.h"

static void
add_text(struct ctl *c, const char *what, struct str value)
{
	buf_printf(&c->out, "%-16s ", what);
	term_text(&c->out, value);
	buf_addc(&c->out, '\n');
}

static void
add_uptime(struct ctl *c, int64_t seconds)
{
	buf_printf(&c->out, "%-16s ", "uptime");
	if (seconds >= 86400)
		buf_printf(&c->out, "%" PRId64 " d ", seconds / 86400);
	buf_printf(&c->out, "%02d:%02d:%02d\n", (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60),
	    (int)(seconds % 60));
}

static void
add_resource(struct ctl *c, const struct resource_status *r)
{
	const struct res *res = res_by_number(r->res);
	char number[32];
	double average = r->calls > 0 ? (double)r->microseconds / (double)r->calls / 1000 : 0;

	snprintf(number, sizeof(number), "#%" PRId64, r->res);
	buf_printf(&c->out, "%-28s %10" PRId64 " %10" PRId64 " %10" PRId64 " %10.3f %10.3f\n",
	    res != NULL ? res->path : number, r->calls, r->refused, r->errors, average,
	    (double)r->longest / 1000);
}

static void
print_table(struct ctl *c, const struct status *s)
{
	const struct {
		const char *what;
		int64_t value;
	} counters[] = {
	    {"users", s->users},
	    {"gateway workers", s->gateways},
	    {"logins", s->logins},
	    {"login failures", s->login_failures},
	    {"commits", s->commits},
	    {"writes", s->writes},
	    {"log flushes", s->flushes},
	    {"dropped", s->dropped},
	    {"call months", s->call_months},
	    {"call KiB", s->call_bytes >> 10},
	};

	add_text(c, "release", s->release);
	add_text(c, "tables", s->tables);
	add_text(c, "engine", s->engine);
	add_uptime(c, s->uptime);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		buf_printf(&c->out, "%-16s %" PRId64 "\n", counters[i].what, counters[i].value);
	buf_printf(&c->out, "\n%-28s %10s %10s %10s %10s %10s\n", "RESOURCE", "CALLS", "REFUSED",
	    "ERRORS", "AVERAGE ms", "LONGEST ms");
	for (size_t i = 0; i < s->resources.n; i++)
		add_resource(c, &s->resources.v[i]);
}

/* Resources are numbers between the programs; outside they have names. */
static void
write_json(const struct status *s, struct buf *out)
{
	struct status head = *s;
	struct sink sink;

	REC_UNSET(&head, status, resources);
	json_sink_init(&sink, out);
	sink.ops->map(&sink, 0);
	rec_encode_members(&rec_status, &head, &sink, 0);
	buf_adds(out, ",\"resources\":[");
	for (size_t i = 0; i < s->resources.n; i++) {
		const struct res *res = res_by_number(s->resources.v[i].res);
		struct sink item;

		if (i > 0)
			buf_addc(out, ',');
		json_sink_init(&item, out);
		item.ops->map(&item, 0);
		buf_adds(out, "\"id\":");
		json_text(out, str_c(res != NULL ? res->id : ""));
		buf_adds(out, ",\"path\":");
		json_text(out, str_c(res != NULL ? res->path : ""));
		/* The sink does not know of these two. */
		item.comma[0] = true;
		rec_encode_members(&rec_resource_status, &s->resources.v[i], &item, 0);
		item.ops->map_end(&item);
	}
	buf_addc(out, ']');
	sink.ops->map_end(&sink);
}

int
cmd_status(struct ctl *c)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	int rc;

	if ((rc = ctl_connect(c)) != EXIT_OK)
		return rc;
	REC_SET(&q, ctl_request, command, ctl_command_STATUS);
	if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	if (r.code != ERR_OK)
		return ctl_refused(&r, NULL);
	if (!REC_HAS(&r, ctl_reply, status))
		return ctl_fail(EXIT_FAILED, "the backend's answer has no status");
	if (c->json) {
		struct buf text;

		buf_init(&text, 1024 * 1024);
		write_json(&r.status, &text);
		term_text(&c->out, buf_str(&text));
		buf_addc(&c->out, '\n');
		buf_free(&text);
	} else {
		print_table(c, &r.status);
	}
	return EXIT_OK;
}
