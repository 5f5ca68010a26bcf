/* SPDX-License-Identifier: ISC */
#include "ctl/dump_sum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/release.h"

#define FIRST "# tandem-dump "
#define LAST "# end "
#define SIGNED "# signed ed25519 "

enum { SUM = 32, SUM_TEXT = 2 * SUM };

static void
sum_text(struct dump_sum *d, char text[SUM_TEXT + 1])
{
	unsigned char sum[SUM];

	crypto_generichash_final(&d->state, sum, sizeof(sum));
	sodium_bin2hex(text, SUM_TEXT + 1, sum, sizeof(sum));
}

void
dump_sum_begin(struct dump_sum *d, struct buf *line)
{
	*d = (struct dump_sum){.begun = true};
	crypto_generichash_init(&d->state, NULL, 0, SUM);
	if (line == NULL)
		return;
	buf_printf(line, FIRST "%d " TANDEM_RELEASE "\n", DUMP_VERSION);
	dump_sum_add(d, buf_str(line));
}

void
dump_sum_add(struct dump_sum *d, struct str text)
{
	crypto_generichash_update(&d->state, (const unsigned char *)text.p, text.n);
}

void
dump_sum_end(struct dump_sum *d, int64_t rows, struct buf *line)
{
	char text[SUM_TEXT + 1];

	sum_text(d, text);
	snprintf(d->last, sizeof(d->last), LAST "%lld rows %s\n", (long long)rows, text);
	buf_adds(line, d->last);
}

int
dump_sum_sign(const struct dump_sum *d, const struct dump_key *k, struct buf *line, struct err *e)
{
	buf_adds(line, SIGNED);
	if (dump_sign(k, str_c(d->last), line, e) != 0)
		return -1;
	buf_addc(line, '\n');
	return 0;
}

static int
check_end(struct dump_sum *d, struct str line, struct err *e)
{
	char text[SUM_TEXT + 1];

	sum_text(d, text);
	d->ended = true;
	line = str_trim(line);
	snprintf(d->last, sizeof(d->last), "%.*s\n", (int)line.n, line.p);
	if (line.n >= SUM_TEXT && memcmp(line.p + line.n - SUM_TEXT, text, SUM_TEXT) == 0)
		return 0;
	return err_set(e, ERR_INVALID,
	    "this is not what was dumped, as its sum says; without its first line it is loaded as it "
	    "is");
}

/* Remarks may follow, no rows: nothing would vouch for them. */
static int
behind_end(struct dump_sum *d, struct str line, struct err *e)
{
	line = str_trim(line);
	if (str_starts(line, SIGNED))
		snprintf(d->signature, sizeof(d->signature), "%.*s", (int)(line.n - strlen(SIGNED)),
		    line.p + strlen(SIGNED));
	else if (line.n > 0 && line.p[0] != '#')
		return err_set(e, ERR_INVALID, "there are rows behind the last line of the dump");
	return 0;
}

int
dump_sum_line(struct dump_sum *d, struct str line, bool first, struct err *e)
{
	if (first) {
		*d = (struct dump_sum){.begun = false};
		if (!str_starts(line, FIRST))
			return 0;
		/* Digits end at the blank or the newline that every line has. */
		if (strtol(line.p + strlen(FIRST), NULL, 10) != DUMP_VERSION)
			return err_set(e, ERR_INVALID, "the dump was made by a later release");
		dump_sum_begin(d, NULL);
	} else if (!d->begun) {
		return 0;
	} else if (d->ended) {
		return behind_end(d, line, e);
	} else if (str_starts(line, LAST)) {
		return check_end(d, line, e);
	}
	dump_sum_add(d, line);
	return 0;
}

int
dump_sum_done(const struct dump_sum *d, const struct dump_key *k, struct err *e)
{
	if (d->begun && !d->ended)
		return err_set(e, ERR_INVALID, "its last line is missing: the dump is not complete");
	if (k == NULL)
		return 0;
	if (d->signature[0] == '\0')
		return err_set(e, ERR_INVALID, "it is not signed");
	return dump_signed(k, str_c(d->last), str_c(d->signature))
	    ? 0
	    : err_set(e, ERR_INVALID, "its signature is not of this key");
}
