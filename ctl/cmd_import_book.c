/* SPDX-License-Identifier: ISC */
/* import phonebook, import vcard: entries of a file into a private or a public phonebook. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/entry_card.h"
#include "common/vcard.h"
#include "ctl/import.h"
#include "ctl/progress.h"

enum { FILE_MAX = 256 * 1024 * 1024, CARD_ARENA = 16 * 1024 * 1024 };

static int
check_target(const struct ctl *c)
{
	if ((c->user == NULL) == (c->book == NULL))
		return ctl_usage("say either --user NAME or --book NAME");
	return EXIT_OK;
}

static int
part(struct str s)
{
	return s.n < 60 ? (int)s.n : 60;
}

static int
add_card(struct import *im, const struct card *card, size_t line)
{
	struct entry e;
	char what[200];

	entry_of_card(card, &e);
	snprintf(what, sizeof(what), "%.*s %.*s %.*s", part(card->first_name), card->first_name.p,
	    part(card->last_name), card->last_name.p, part(card->number), card->number.p);
	return import_add(im, rec_entry.store, &e, (struct import_row){line, str_trim(str_c(what))});
}

static int
csv_row(struct import *im, const struct import_map *map, const struct str_list *values, size_t line)
{
	struct card card = {.has_contact = true};

	for (size_t i = 0; i < card_fields_count; i++)
		*card_at(&card, &card_fields[i]) = import_map_value(map, i, values);
	return add_card(im, &card, line);
}

int
cmd_import_phonebook(struct ctl *c)
{
	static struct import im;
	struct import_field fields[64] = {{0}};
	struct import_map map;
	int rc = check_target(c);

	for (size_t i = 0; i < card_fields_count; i++)
		fields[i] = (struct import_field){.name = card_fields[i].name,
		    .columns = card_fields[i].column != NULL ? card_fields[i].column : ""};
	import_map_init(&map, fields, card_fields_count);
	if (rc != EXIT_OK || (rc = import_open(&im, c)) != EXIT_OK)
		return rc;
	return import_close(&im, import_csv(&im, &map, "first-name|last-name|number", csv_row));
}

static int
read_whole(struct import *im, struct buf *text)
{
	static char chunk[64 * 1024];
	long n;

	while ((n = import_read(im, chunk, sizeof(chunk))) > 0)
		buf_add(text, chunk, (size_t)n);
	if (n < 0)
		return ctl_fail(EXIT_FAILED, "%s: cannot be read", im->file);
	return text->failed ? ctl_fail(EXIT_FAILED, "%s: is too large", im->file) : EXIT_OK;
}

/* "line 7: why" without the line, which stands before it already, when it is the same. */
static const char *
reason(const struct err *e, size_t line)
{
	char head[32];
	size_t n = (size_t)snprintf(head, sizeof(head), "line %zu: ", line);

	return strncmp(err_text(e), head, n) == 0 ? err_text(e) + n : err_text(e);
}

static int
read_cards(struct import *im, struct str text)
{
	struct vcard_reader v;
	struct arena a;
	struct card card;
	struct err e;
	int rc = EXIT_OK, got = 1;

	vcard_open(&v, text);
	progress_begin("importing", (int64_t)text.n);
	while (rc == EXIT_OK && got != 0) {
		arena_init(&a, CARD_ARENA);
		err_clear(&e);
		if ((got = vcard_next(&v, &card, &a, &e)) == 1) {
			rc = add_card(im, &card, v.line);
		} else if (got < 0) {
			rc = import_flush(im);
			import_say(im, &(struct import_row){.line = v.line}, import_outcome_REFUSED, NULL,
			    reason(&e, v.line));
		}
		arena_free(&a);
		progress_to((int64_t)(text.n - v.text.rest.n));
	}
	return rc == EXIT_OK ? import_flush(im) : rc;
}

int
cmd_import_vcard(struct ctl *c)
{
	static struct import im;
	struct buf text;
	int rc = check_target(c);

	if (rc != EXIT_OK || (rc = import_open(&im, c)) != EXIT_OK)
		return rc;
	buf_init(&text, FILE_MAX);
	if ((rc = read_whole(&im, &text)) == EXIT_OK)
		rc = read_cards(&im, buf_str(&text));
	buf_free(&text);
	return import_close(&im, rc);
}
