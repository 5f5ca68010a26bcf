/* SPDX-License-Identifier: ISC */
#include "backend/store_format.h"

#include <stdio.h>
#include <string.h>

#include "backend/key.h"
#include "backend/model.h"
#include "common/release.h"

enum { NAME_MAX_BYTES = 32, FORMAT_BYTES = 4, ROOM = 4096 };

struct format {
	unsigned number; /* 0 = there is no row */
	char release[NAME_MAX_BYTES + 1];
};

static int
parse(struct str row, struct format *f, struct err *e)
{
	const unsigned char *p = (const unsigned char *)row.p;

	if (row.n < FORMAT_BYTES || row.n > FORMAT_BYTES + NAME_MAX_BYTES)
		return err_set(e, ERR_INTERNAL, "the row of the store's form cannot be read");
	f->number = (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3];
	snprintf(
	    f->release, sizeof(f->release), "%.*s", (int)(row.n - FORMAT_BYTES), row.p + FORMAT_BYTES);
	return 0;
}

static int
read_row(struct store *s, const struct key *k, struct format *f, struct err *e)
{
	struct store_txn *t;
	struct arena a;
	struct str row;
	int rc;

	*f = (struct format){.number = 0};
	if (store_begin(s, STORE_READ, &t, e) != 0)
		return -1;
	arena_init(&a, ROOM);
	rc = store_get(t, STORE_META, key_str(k), &a, &row, e);
	if (rc == 1)
		rc = parse(row, f, e);
	store_abort(t);
	arena_wipe(&a);
	return rc;
}

static int
write_row(struct store *s, const struct key *k, struct err *e)
{
	char bytes[FORMAT_BYTES + sizeof(TANDEM_RELEASE)];
	struct store_txn *t;

	_Static_assert(sizeof(TANDEM_RELEASE) <= NAME_MAX_BYTES, "fits the row");
	key_number(bytes, STORE_FORMAT, FORMAT_BYTES);
	memcpy(bytes + FORMAT_BYTES, TANDEM_RELEASE, sizeof(TANDEM_RELEASE));
	if (store_begin(s, STORE_WRITE, &t, e) != 0)
		return -1;
	if (store_put(t, STORE_META, key_str(k), (struct str){bytes, sizeof(bytes) - 1}, e) == 0)
		return store_commit(t, e);
	store_abort(t);
	return -1;
}

int
store_format_check(struct store *s, uint32_t tenant, struct err *e)
{
	struct key k;
	struct format f;

	key_kind(&k, tenant, OWNER_SYSTEM, META_FORMAT);
	if (read_row(s, &k, &f, e) != 0)
		return -1;
	if (f.number > STORE_FORMAT)
		return err_set(e, ERR_INTERNAL,
		    "the store has form %u, of release %s; this is " TANDEM_RELEASE
		    " with form %d: start that one, or restore a backup or load a dump from before it",
		    f.number, f.release, STORE_FORMAT);
	/* Not at each start: it would wait for the disk. */
	return f.number == STORE_FORMAT && strcmp(f.release, TANDEM_RELEASE) == 0 ? 0
	                                                                          : write_row(s, &k, e);
}
