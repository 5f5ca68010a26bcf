/* SPDX-License-Identifier: ISC */
#include "ipc/feed.h"

#include <string.h>

#include "common/checks.h"
#include "common/release.h"

#define REC_FILE "ipc/feed.def"
#include "common/rec_impl.h"

const struct rec *
feed_body(int64_t kind)
{
	switch (kind) {
	case feed_kind_CALL:
		return &rec_live_call;
	case feed_kind_CONFERENCE:
		return &rec_live_conference;
	case feed_kind_MEMBER:
		return &rec_live_member;
	case feed_kind_CDR:
		return &rec_cdr;
	default:
		return NULL;
	}
}

void
feed_hello_init(struct feed_hello *h, const char *source, const char *epoch, int kind)
{
	memset(h, 0, sizeof(*h));
	REC_SET(h, feed_hello, protocol, STR_LIT("tandem-feed"));
	REC_SET(h, feed_hello, major, FEED_MAJOR);
	REC_SET(h, feed_hello, minor, FEED_MINOR);
	REC_SET(h, feed_hello, source, str_c(source));
	REC_SET(h, feed_hello, epoch, str_c(epoch));
	REC_SET(h, feed_hello, kind, kind);
	REC_SET(h, feed_hello, release, str_c(TANDEM_RELEASE));
}

int
feed_hello_check(const struct feed_hello *h, struct err *e)
{
	if (!str_eqc(h->protocol, "tandem-feed"))
		return err_set(e, ERR_BAD_REQUEST, "not a feed");
	if (h->major != FEED_MAJOR)
		return err_set(
		    e, ERR_BAD_REQUEST, "protocol version %lld, not %d", (long long)h->major, FEED_MAJOR);
	return 0;
}
