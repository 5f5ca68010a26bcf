/* SPDX-License-Identifier: ISC */
#include "ctl/dump_sum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/release.h"

#define FIRST "# tandem-dump "
#define LAST "# end "

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
	buf_printf(line, LAST "%lld rows %s\n", (long long)rows, text);
}

static int
check_end(struct dump_sum *d, struct str line, struct err *e)
{
	char text[SUM_TEXT + 1];
	size_t at = line.n;

	sum_text(d, text);
	d->ended = true;
	while (at > 0 && (line.p[at - 1] == '\n' || line.p[at - 1] == '\r'))
		at--;
	if (at >= SUM_TEXT && memcmp(line.p + at - SUM_TEXT, text, SUM_TEXT) == 0)
		return 0;
	return err_set(e, ERR_INVALID,
	    "this is not what was dumped, as its sum says; without its first line it is loaded as it "
	    "is");
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
	} else if (!d->begun || d->ended) {
		return 0;
	} else if (str_starts(line, LAST)) {
		return check_end(d, line, e);
	}
	dump_sum_add(d, line);
	return 0;
}

int
dump_sum_done(const struct dump_sum *d, struct err *e)
{
	return d->begun && !d->ended
	    ? err_set(e, ERR_INVALID, "its last line is missing: the dump is not complete")
	    : 0;
}
