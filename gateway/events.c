/* SPDX-License-Identifier: ISC */
#include "gateway/events.h"

#include <inttypes.h>

#include "common/mp.h"
#include "common/records.h"
#include "common/sink.h"

/* What a client waits before it connects anew, at first. */
#define RETRY_MS "2000"

/* JSON without an end of line: one line of data. */
static void
write_event(const struct event *ev, struct buf *out)
{
	struct sink s;

	buf_printf(out, "id: %" PRId64 "\n", ev->id);
	if (REC_HAS(ev, event, type)) {
		buf_printf(out, "event: %s\ndata: ", enum_text(&enum_event_type, ev->type));
		json_sink_init(&s, out);
		rec_encode(&rec_event, ev, &s, 0);
		buf_addc(out, '\n');
	}
	/* Without data a client takes the number alone. */
	buf_addc(out, '\n');
}

/* Numbers of events have no gaps; what comes first and what begins anew has any. */
static int
check_number(struct req *r, const struct event *ev, bool is_first, struct err *e)
{
	bool any = is_first || (REC_HAS(ev, event, type) && ev->type == event_type_RESET);

	if (!any && ev->id != r->event + 1)
		return err_set(e, ERR_INTERNAL, "an event is missing");
	r->event = ev->id;
	return 0;
}

int
events_write(struct req *r, struct str body, struct err *e)
{
	bool is_first = r->state == REQ_WAIT;
	struct mp_src src;

	if (is_first)
		buf_adds(&r->out, "retry: " RETRY_MS "\n");
	else if (body.n == 0)
		buf_adds(&r->out, ":\n\n");
	mp_src_init(&src, body);
	while (!mp_src_at_end(&src) && !r->out.failed) {
		struct event ev = {0};
		struct arena a;
		int rc;

		arena_init(&a, REQ_MEMORY_MAX);
		rc = rec_decode(&rec_event, &ev, &src.src, DECODE_ALL, &a, e);
		if (rc == 0)
			rc = rec_validate(&rec_event, &ev, false, e);
		if (rc == 0)
			rc = check_number(r, &ev, is_first, e);
		if (rc == 0)
			write_event(&ev, &r->out);
		arena_wipe(&a);
		if (rc != 0)
			return -1;
		is_first = false;
	}
	/* The first part has the number where it begins. */
	return is_first ? err_set(e, ERR_INTERNAL, "a stream of events without a beginning") : 0;
}
