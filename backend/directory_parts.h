/* SPDX-License-Identifier: ISC */
/* What the files of the directory share (directory.h is for everybody else). */
#ifndef BACKEND_DIRECTORY_PARTS_H
#define BACKEND_DIRECTORY_PARTS_H

#include "backend/directory.h"
#include "backend/key.h"
#include "backend/ranked.h"

enum {
	/* In the keys of STORE_INDEX; a query that is longer is compared with the whole token. */
	TOKEN_MAX = 400,
	REF_BYTES = 9, /* kind, number */
	REFS_MAX = 4096 * REF_BYTES
};

/* What an item became: an order key, the text that filters look at (number, first name, last
 * name, e-mail address, folded, each with a NUL behind it), and the other fields, likewise. */
struct placed {
	struct str key, text, more;
};

int placed_make(
    struct arena *a, const struct directory_item *item, struct placed *ret, struct err *e);
/* "number_first_last" in the arena, {NULL, 0} when it ends. */
struct str placed_key(struct arena *a, struct str number, struct str first, struct str last);
/* 1, 0, -1. Memory from m->a. */
int placed_get(
    struct model *m, uint32_t book, enum directory_kind kind, uint64_t id, struct placed *ret);
int placed_put(
    struct model *m, uint32_t book, enum directory_kind kind, uint64_t id, const struct placed *p);
int placed_del(struct model *m, uint32_t book, enum directory_kind kind, uint64_t id);
/* What searches find it by, sorted, in the arena. */
int placed_tokens(struct arena *a, const struct placed *p, struct str_list *ret, struct err *e);

/* The row of a token, or with id 0 what all rows begin with whose token does. */
void token_key(struct key *k, const struct model *m, uint32_t book, struct str token,
    enum directory_kind kind, uint64_t id);
/* Reads the item back from such a row: false when the row is damaged. */
bool token_item(struct str key, enum directory_kind *kind, uint64_t *id);

/* An item of the list has refs, sorted, each of REF_BYTES; the last one is the winner. */
void ref_write(char *to, enum directory_kind kind, uint64_t id);
/* The winner of an item's refs. 0, or -1 when they are damaged. */
int ref_winner(struct str refs, struct directory_hit *ret, struct err *e);

/* The list of a book, opened: 0 or -1. */
int directory_list(struct model *m, uint32_t book, struct ranked *ret);

/* One book's part of a view. */
struct stream {
	struct ranked list;
	struct ranked_cursor c;
	uint32_t book;
	size_t place;              /* in the view; the higher one wins */
	struct ranked_item *items; /* of the leaf it stands in, without what is hidden */
	size_t n, at;
};

struct directory_view {
	struct model m;
	uint32_t *books;
	size_t n;
	bool hides;
	struct directory_hit hidden;
};

/* A view while it is read: the streams of the books that are not empty, merged. */
struct merge {
	struct model m; /* with the memory of this call */
	struct arena mem;
	struct stream *s;
	size_t n;
	struct stream **heap; /* those with rows left, the least key first */
	size_t heaped, taken;
	/* The hidden item: in which stream, its key, and what stands there without it. */
	struct stream *hider;
	struct str hidden_key;
	bool gone; /* nothing */
	struct ranked_item remains;
};

/* `want`: rows to be read about, UINT64_MAX for all. 0 or -1; merge_end() in either case. */
int merge_open(struct merge *g, struct directory_view *v, uint64_t want);
void merge_end(struct merge *g);

/* Puts one stream at a key (see ranked_seek_key()) or at a position that the hidden item does not
 * count for. 1, 0 = behind the end, -1. */
int stream_to_key(struct merge *g, struct stream *s, struct str key, bool behind);
int stream_to_rank(struct merge *g, struct stream *s, uint64_t rank);
/* The position, and whether the key itself is there, with a cursor of the list. 0 or -1. */
int stream_rank(struct merge *g, struct stream *s, struct ranked_cursor *c, struct str key,
    uint64_t *rank, bool *found);
/* The rows of a stream. */
uint64_t stream_count(const struct merge *g, const struct stream *s);

/* Begins with the streams as they stand, but for `without` (or NULL). */
void merge_start(struct merge *g, const struct stream *without);
/* The next rows, all from one stream, valid until the next call: 1, 0 = the end, -1. */
int merge_next(struct merge *g, struct stream **s, struct ranked_item **items, size_t *n);
/* Calls the row function: 0, 1 = it wants no more, -1. */
int merge_row(struct merge *g, const struct stream *s, const struct ranked_item *item,
    directory_row_fn *row, void *arg);

#endif
