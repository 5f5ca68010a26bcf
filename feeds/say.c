/* SPDX-License-Identifier: ISC */
/* What programs say: checked against its table, packed, spooled, sent. */
#include <string.h>

#include "common/clock.h"
#include "common/sink.h"
#include "feeds/frame.h"

/* Some hundred records, which are stored in a tenth of a second. */
enum { BEHIND_BYTES = 128 * 1024, BEHIND_PAUSE_MS = 10 };

static void
spool_is_full(struct feed *f)
{
	f->muted = true;
	f->full_ms = clock_ms();
	link_renew(f, "the spool was full and has been dropped, but for call records");
}

/* Packs a record; false when it breaks its table. */
static bool
pack(const struct rec *r, const void *record, struct buf *b)
{
	struct err e = {0};

	if (rec_validate(r, record, false, &e) != 0) {
		struct buf path;

		buf_init(&path, 1024);
		rec_path(r, false, e.path, e.depth, &path);
		log_event(LOG_WARN_, "message", "%s: %.*s: %s", r->name, (int)path.n,
		    path.p != NULL ? path.p : "", err_text(&e));
		buf_free(&path);
		return false;
	}
	mp_encode(r, record, b, 0);
	return !b->failed;
}

int
feed_say(struct feed *f, enum feed_kind kind, const char *key, int64_t member, int64_t time_ms,
    const char *id, const void *record)
{
	struct feed_message m = {0};
	enum spool_result rc = SPOOL_FAILED;
	struct err e = {0};
	struct buf b;

	if (f->muted)
		return -1;
	buf_init(&b, FEED_BODY_MAX);
	REC_SET(&m, feed_message, kind, kind);
	if (key != NULL)
		REC_SET(&m, feed_message, key, str_c(key));
	if (kind == feed_kind_MEMBER || kind == feed_kind_MEMBER_END)
		REC_SET(&m, feed_message, member, member);
	if (time_ms > 0)
		REC_SET(&m, feed_message, time, time_ms);
	if (id != NULL)
		REC_SET(&m, feed_message, id, str_c(id));
	if (record == NULL || feed_body(kind) == NULL || pack(feed_body(kind), record, &b)) {
		if (record != NULL)
			REC_SET(&m, feed_message, body, buf_str(&b));
		rc = spool_add(f->spool, &m, NULL, &e);
		if (rc == SPOOL_FAILED)
			log_event(LOG_ERROR_, "spool", "%s", err_text(&e));
	}
	buf_free(&b);
	/* What the disk did not take is lost like what had no room. */
	if (rc == SPOOL_FULL || (rc == SPOOL_FAILED && err_is_fault(e.code)))
		spool_is_full(f);
	if (rc == SPOOL_OK)
		link_push(f);
	return rc == SPOOL_OK ? 0 : -1;
}

bool
feed_say_cdr(struct feed *f, const struct cdr *record, const char *cursor)
{
	struct feed_message m = {0};
	enum spool_result rc = SPOOL_OK;
	struct err e = {0};
	struct buf b;

	buf_init(&b, FEED_BODY_MAX);
	REC_SET(&m, feed_message, kind, feed_kind_CDR);
	if (pack(&rec_cdr, record, &b)) {
		REC_SET(&m, feed_message, body, buf_str(&b));
		rc = spool_add(f->spool, &m, cursor, &e);
		if (rc == SPOOL_FAILED)
			log_event(LOG_ERROR_, "spool", "%s", err_text(&e));
		if (rc == SPOOL_OK)
			link_push(f);
	}
	buf_free(&b);
	return rc == SPOOL_OK || (rc == SPOOL_FAILED && !err_is_fault(e.code));
}

/* Without a backend the spool is a better place than a directory that somebody clears up. */
int64_t
feed_cdr_pause(const struct feed *f)
{
	return f->link == LINK_READY && spool_bytes(f->spool) > BEHIND_BYTES ? BEHIND_PAUSE_MS : 0;
}

const char *
feed_cursor(const struct feed *f)
{
	return spool_cursor(f->spool);
}

const char *
feed_cursor_stored(const struct feed *f)
{
	return spool_cursor_acked(f->spool);
}
