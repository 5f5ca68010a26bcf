/* SPDX-License-Identifier: ISC */
#include "ipc/env.h"

#include <string.h>

#include "common/mp.h"
#include "common/release.h"
#include "common/res.h"
#include "common/sink.h"
#include "ipc/feed.h"

#define REC_FILE "ipc/envelope.def"
#include "common/rec_impl.h"

static const struct rec *
record_of(enum env_type type)
{
	switch (type) {
	case ENV_HELLO:
		return &rec_hello;
	case ENV_REQUEST:
		return &rec_request;
	case ENV_REPLY:
		return &rec_reply;
	case ENV_CREDIT:
		return &rec_credit;
	case ENV_CTL_REQUEST:
		return &rec_ctl_request;
	case ENV_CTL_REPLY:
		return &rec_ctl_reply;
	case ENV_FEED_HELLO:
		return &rec_feed_hello;
	case ENV_FEED_WELCOME:
		return &rec_feed_welcome;
	case ENV_FEED_MESSAGE:
		return &rec_feed_message;
	case ENV_FEED_ACK:
		return &rec_feed_ack;
	case ENV_FEED_WANT:
		return &rec_feed_want;
	case ENV_FEED_VOLATILE:
		return &rec_feed_volatile;
	case ENV_FEED_COMMAND:
		return &rec_feed_command;
	case ENV_FEED_RESULT:
		return &rec_feed_result;
	case ENV_FEED_ROUTES:
		return &rec_feed_routes;
	case ENV_FEED_ROUTES_ACK:
		return &rec_feed_routes_ack;
	default:
		return NULL;
	}
}

void
env_write(struct buf *out, enum env_type type, const void *obj)
{
	const struct rec *r = record_of(type);

	buf_addc(out, (char)type);
	if (r != NULL)
		mp_encode(r, obj, out, ENCODE_SECRETS);
}

enum env_type
env_type(struct str frame)
{
	unsigned char c = frame.n > 0 ? (unsigned char)frame.p[0] : 0;

	/* Alone among the types it has no record. */
	return c == ENV_UNKNOWN || record_of((enum env_type)c) != NULL ? (enum env_type)c
	                                                               : (enum env_type)0;
}

int
env_read(struct str frame, enum env_type type, void *obj, struct arena *a, struct err *e)
{
	const struct rec *r = record_of(type);

	if (r == NULL || env_type(frame) != type)
		return err_set(e, ERR_MALFORMED, "not a message");
	frame = (struct str){frame.p + 1, frame.n - 1};
	if (mp_decode(r, obj, frame, DECODE_ALL, a, e) != 0)
		return -1;
	return rec_validate(r, obj, false, e);
}

static void
put_hash(unsigned char p[8])
{
	uint64_t v = res_table_hash();

	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (8 * (7 - i)));
}

void
env_hello(struct hello *h, unsigned char tables[8], const char *name)
{
	put_hash(tables);
	memset(h, 0, sizeof(*h));
	REC_SET(h, hello, protocol, STR_LIT("tandem"));
	REC_SET(h, hello, major, ENV_MAJOR);
	REC_SET(h, hello, minor, ENV_MINOR);
	REC_SET(h, hello, tables, ((struct str){(char *)tables, 8}));
	REC_SET(h, hello, name, str_c(name));
	REC_SET(h, hello, release, str_c(TANDEM_RELEASE));
}

int
env_hello_check(const struct hello *h, bool *same_tables, struct err *e)
{
	unsigned char mine[8];

	put_hash(mine);
	*same_tables = memcmp(h->tables.p, mine, 8) == 0;
	if (!str_eqc(h->protocol, "tandem"))
		return err_set(e, ERR_BAD_REQUEST, "not a tandem peer");
	if (h->major != ENV_MAJOR)
		return err_set(
		    e, ERR_BAD_REQUEST, "protocol version %lld, not %d", (long long)h->major, ENV_MAJOR);
	return 0;
}
