/* SPDX-License-Identifier: ISC */
/* audit: who has changed what; audit verify: that the log says so truly. */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "common/audit_chain.h"
#include "common/mp.h"
#include "common/records.h"
#include "common/sink.h"
#include "ctl/ctl.h"
#include "ctl/term.h"

enum { ROW_ARENA = 65536, UNSEALED_S = 60, JSON_MAX = 65536 };

/* Called for each part of the log, in order: EXIT_OK to go on. */
typedef int part_fn(void *arg, const struct audit_part *p);

static int
each_part(struct ctl *c, part_fn *part, void *arg)
{
	struct ctl_request q = {0};
	struct ctl_reply r;
	char mark[8];
	int rc;

	if ((rc = ctl_connect(c)) != EXIT_OK)
		return rc;
	do {
		REC_SET(&q, ctl_request, command, ctl_command_AUDIT);
		if ((rc = ctl_call(c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
			return rc;
		if (r.code != ERR_OK)
			return ctl_refused(&r, NULL);
		rc = part(arg, &r.audit);
		if (!REC_HAS(&r, ctl_reply, after) || r.after.n != sizeof(mark))
			break;
		memcpy(mark, r.after.p, sizeof(mark));
		REC_SET(&q, ctl_request, after, ((struct str){mark, sizeof(mark)}));
	} while (rc == EXIT_OK);
	return rc;
}

/* --- the list -------------------------------------------------------------------- */

static void
add_word(struct ctl *c, bool has, struct str word, size_t width)
{
	term_cell(&c->out, has && word.n > 0 ? word : STR_LIT("-"), width);
	buf_addc(&c->out, ' ');
}

static void
add_row(struct ctl *c, const struct audit_row *row)
{
	char time[TERM_TIME];

	buf_printf(&c->out, "%8" PRId64 " %s ", row->id, term_time(row->time / 1000, time));
	add_word(c, REC_HAS(row, audit_row, by), row->by, 12);
	add_word(c, true, str_c(enum_text(&enum_audit_via, row->via)), 11);
	add_word(c, REC_HAS(row, audit_row, from), row->from, 15);
	add_word(c, true, row->action, 13);
	add_word(c, REC_HAS(row, audit_row, resource), row->resource, 28);
	add_word(c, REC_HAS(row, audit_row, subject), row->subject, 12);
	add_word(c, true, row->record, 0);
	if (REC_HAS(row, audit_row, item))
		buf_printf(&c->out, "#%" PRId64 " ", row->item);
	buf_printf(&c->out, "%s",
	    !REC_HAS(row, audit_row, before)      ? "made"
	        : !REC_HAS(row, audit_row, after) ? "removed"
	                                          : "changed");
	if (row->rows > 1)
		buf_printf(&c->out, " (%" PRId64 ")", row->rows);
	buf_addc(&c->out, '\n');
}

static void
add_json(struct ctl *c, const struct audit_row *row)
{
	struct buf line;
	struct sink s;

	buf_init(&line, JSON_MAX);
	json_sink_init(&s, &line);
	rec_encode(&rec_audit_row, row, &s, 0);
	term_text(&c->out, buf_str(&line));
	buf_addc(&c->out, '\n');
	buf_free(&line);
}

static bool
concerns(const struct ctl *c, const struct audit_row *row)
{
	return c->user == NULL || (REC_HAS(row, audit_row, by) && str_eqc(row->by, c->user)) ||
	    (REC_HAS(row, audit_row, subject) && str_eqc(row->subject, c->user));
}

static int
list_part(void *arg, const struct audit_part *p)
{
	struct ctl *c = arg;

	for (size_t i = 0; i < p->lines.n; i++) {
		struct audit_row row = {0};
		struct err e = {0};
		struct arena a;

		arena_init(&a, ROW_ARENA);
		if (mp_decode(&rec_audit_row, &row, p->lines.v[i].body, DECODE_ALL, &a, &e) != 0) {
			arena_free(&a);
			return ctl_fail(
			    EXIT_FAILED, "row %" PRId64 " cannot be read by this release", p->lines.v[i].id);
		}
		if (concerns(c, &row))
			(c->json ? add_json : add_row)(c, &row);
		arena_free(&a);
	}
	return EXIT_OK;
}

int
cmd_audit(struct ctl *c)
{
	return each_part(c, list_part, c);
}

/* --- the proof --------------------------------------------------------------------- */

struct proof {
	struct ctl *c;
	bool begun;
	unsigned char public_key[AUDIT_PUBLIC_KEY], hash[AUDIT_HASH];
	int64_t oldest, next, newest, seals, sealed;
	unsigned char before[AUDIT_HASH]; /* of the row before the oldest */
	int64_t begin_newest;             /* when the first part was read */
	/* What the newest row about removed ones says, of those that were there then. */
	int64_t swept;
	unsigned char swept_hash[AUDIT_HASH];
	int64_t unsealed_since; /* ms since 1970: the first row behind the last seal, 0 = none */
};

static int
broken(int64_t id, const char *what)
{
	return ctl_fail(EXIT_FAILED, "row %" PRId64 " of the audit log %s", id, what);
}

static int
begin(struct proof *p, const struct audit_part *part)
{
	static const unsigned char zeros[AUDIT_HASH];
	unsigned char wanted[AUDIT_PUBLIC_KEY];
	const char *key = p->c->arg_count > 0 ? p->c->args[0] : NULL;
	size_t n = 0;

	p->begun = true;
	memcpy(p->public_key, part->public_key.p, AUDIT_PUBLIC_KEY);
	memcpy(p->hash, part->before.p, AUDIT_HASH);
	memcpy(p->before, part->before.p, AUDIT_HASH);
	p->oldest = p->next = part->oldest;
	p->begin_newest = part->newest;
	if (key != NULL &&
	    (sodium_hex2bin(wanted, sizeof(wanted), key, strlen(key), NULL, &n, NULL) != 0 ||
	        n != sizeof(wanted)))
		return ctl_usage(
		    "not a public key of %d hexadecimal digits: %s", 2 * AUDIT_PUBLIC_KEY, key);
	if (key != NULL && memcmp(wanted, p->public_key, sizeof(wanted)) != 0)
		return ctl_fail(EXIT_FAILED, "the backend has another audit key");
	if (p->oldest == 1 && memcmp(p->hash, zeros, AUDIT_HASH) != 0)
		return broken(1, "is not the first one");
	return EXIT_OK;
}

/* Rows may be removed for their age while the parts are read: what began after that is proved by
 * the rows of that time. */
static void
note_sweep(struct proof *p, const struct audit_row *row)
{
	if (row->via != audit_via_SYSTEM || !str_eq(row->action, AUDIT_SWEEP) ||
	    !REC_HAS(row, audit_row, item) || row->before.n != AUDIT_HASH || row->id > p->begin_newest)
		return;
	p->swept = row->item;
	memcpy(p->swept_hash, row->before.p, AUDIT_HASH);
}

static int
prove_row(struct proof *p, const struct audit_line *line)
{
	struct audit_row row = {0};
	struct err e = {0};
	struct arena a;
	int rc = EXIT_OK;

	if (line->id != p->next)
		return broken(p->next, "is missing");
	audit_chain(p->hash, line->body);
	if (memcmp(p->hash, line->hash.p, AUDIT_HASH) != 0)
		return broken(line->id, "was changed, or one before it");
	arena_init(&a, ROW_ARENA);
	if (mp_decode(&rec_audit_row, &row, line->body, DECODE_ALL, &a, &e) != 0)
		rc = broken(line->id, "cannot be read by this release");
	else if (row.id != line->id)
		rc = broken(line->id, "has another row's number");
	else if (p->unsealed_since == 0)
		p->unsealed_since = row.time;
	if (rc == EXIT_OK)
		note_sweep(p, &row);
	arena_free(&a);
	p->next++;
	return rc;
}

static int
prove_seal(struct proof *p, const struct audit_seal_line *line)
{
	struct audit_seal seal = {.number = (uint64_t)line->id, .time = line->time};

	memcpy(seal.hash, line->hash.p, AUDIT_HASH);
	memcpy(seal.signature, line->signature.p, AUDIT_SIGNATURE);
	if (memcmp(seal.hash, p->hash, AUDIT_HASH) != 0 || !audit_seal_ok(&seal, p->public_key))
		return broken(line->id, "is not the one that was sealed");
	p->seals++;
	p->sealed = line->id;
	p->unsealed_since = 0;
	return EXIT_OK;
}

static int
prove_part(void *arg, const struct audit_part *part)
{
	struct proof *p = arg;
	int rc = p->begun ? EXIT_OK : begin(p, part);

	for (size_t i = 0; rc == EXIT_OK && i < part->lines.n; i++) {
		const struct audit_line *line = &part->lines.v[i];

		rc = prove_row(p, line);
		for (size_t k = 0; rc == EXIT_OK && k < part->seals.n; k++)
			if (part->seals.v[k].id == line->id)
				rc = prove_seal(p, &part->seals.v[k]);
	}
	/* There are seals over rows behind these in the last part alone, and none over rows to come. */
	for (size_t k = 0; rc == EXIT_OK && k < part->seals.n; k++)
		if (part->seals.v[k].id >= p->next)
			rc = broken(p->next, "is missing");
	p->newest = part->newest;
	return rc;
}

/* The log is there from its first row on, or from where its own rows say that it was shortened. */
static int
prove_begin(const struct proof *p)
{
	return p->oldest != p->swept + 1 || memcmp(p->before, p->swept_hash, AUDIT_HASH) != 0
	    ? broken(p->oldest, "is not the first one, nor were those before it removed for their age")
	    : EXIT_OK;
}

static void
report(struct proof *p)
{
	struct buf *out = &p->c->out;
	char key[2 * AUDIT_PUBLIC_KEY + 1], hash[2 * AUDIT_HASH + 1];

	sodium_bin2hex(key, sizeof(key), p->public_key, AUDIT_PUBLIC_KEY);
	sodium_bin2hex(hash, sizeof(hash), p->hash, AUDIT_HASH);
	buf_printf(out,
	    p->c->json ? "{\"oldest\":%" PRId64 ",\"newest\":%" PRId64 ",\"sealed\":%" PRId64
	                 ",\"seals\":%" PRId64 ",\"hash\":\"%s\",\"key\":\"%s\"}\n"
	               : "oldest row       %" PRId64 "\nnewest row       %" PRId64
	                 "\nsealed up to     %" PRId64 "\nseals            %" PRId64
	                 "\nhash             %s\naudit key        %s\n",
	    p->oldest, p->next - 1, p->sealed, p->seals, hash, key);
}

int
cmd_audit_verify(struct ctl *c)
{
	struct proof p = {.c = c};
	int rc;

	if (sodium_init() < 0)
		return ctl_fail(EXIT_FAILED, "libsodium cannot be initialised");
	if ((rc = each_part(c, prove_part, &p)) != EXIT_OK)
		return rc;
	if (p.next <= p.newest)
		return broken(p.next, "is missing");
	if ((rc = prove_begin(&p)) != EXIT_OK)
		return rc;
	/* The backend seals each second what there is. */
	if (p.unsealed_since != 0 && p.unsealed_since < ((int64_t)time(NULL) - UNSEALED_S) * 1000)
		return ctl_fail(EXIT_FAILED, "the rows behind %" PRId64 " are not sealed", p.sealed);
	report(&p);
	return EXIT_OK;
}
