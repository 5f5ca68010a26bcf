/* SPDX-License-Identifier: ISC */
/*
 * Directories: the entries of phonebooks and the users beside them, in the order that
 * clients see, counted, filtered and searched without reading the records.
 *
 * A book is a number of the owner space: a user's own number is the private book, a public
 * book has a number of its own, OWNER_SYSTEM is the directory of all users ("everyone").
 * What is placed in a book is an item: an entry or a user, known by its kind and number.
 * The records themselves are the caller's; items only say where they stand and how they are
 * found, and everything here can be made again from the records.
 *
 * Order is that of the bytes of "number_first_last", the order key. Items of a view with the
 * same number, first and last name are one row: the later book of the view wins, within a book
 * a user wins over an entry, and then the higher number. When the winner is taken away, the
 * other one shows again.
 *
 * Everything works in the caller's transaction. Memory for the work is taken and given back
 * within each call, at most DIRECTORY_SCRATCH bytes; a view lives in the caller's arena.
 * Functions return 0, or -1 with *m->e, unless they say otherwise. What the store holds is
 * checked when it is read: damage is ERR_INTERNAL.
 */
#ifndef BACKEND_DIRECTORY_H
#define BACKEND_DIRECTORY_H

#include "backend/model.h"

enum {
	DIRECTORY_SCRATCH = 8 << 20,
	DIRECTORY_HITS_MAX = 20000, /* of one search, as in the legacy server */
	DIRECTORY_FIELDS_MAX = 80,  /* texts of one item that can be searched */
	DIRECTORY_BOOKS_MAX = 1024  /* of one view */
};

enum directory_kind { DIRECTORY_ENTRY = 1, DIRECTORY_USER = 2 };

struct directory_item {
	enum directory_kind kind;
	uint64_t id;
	/* These make the order key and, with the e-mail address, what a filter looks at. Each may be
	 * empty. For a user the number is the user name. */
	struct str number, first, last, email;
	/* Everything else that a search finds the item by (aliases, company, telephone numbers, …);
	 * number, names, "first last" and email need not be repeated. Empty texts are passed over. */
	const struct str *fields;
	size_t nfields; /* <= DIRECTORY_FIELDS_MAX, more are ERR_INVALID */
};

/* Places the item in the book, instead of what stood there under the same kind and number. */
int directory_put(struct model *m, uint32_t book, const struct directory_item *item);
/* Takes an item away: 1 = removed, 0 = it was not there, -1. */
int directory_del(struct model *m, uint32_t book, enum directory_kind kind, uint64_t id);
/* Takes everything of a book away. To be called before the owner's rows are removed, since the
 * rows in STORE_INDEX are found by the book alone. */
int directory_clear(struct model *m, uint32_t book);
/* The rows of one book (distinct order keys). */
int directory_count(struct model *m, uint32_t book, uint64_t *ret);

/* Where a row's record is. */
struct directory_hit {
	uint32_t book;
	enum directory_kind kind;
	uint64_t id;
};

struct directory_view;

/* A view over several books, later ones win; a book named twice counts at its last place, one
 * without items is empty. The view lives as long as the transaction and the arena of *m; each call
 * sees the books as they are then. More than DIRECTORY_BOOKS_MAX is ERR_TOO_LARGE. */
int directory_view_open(
    struct model *m, const uint32_t *books, size_t n, struct directory_view **ret);
/* Leaves one item of one book out of the view ("everyone" is all users but the caller). At most
 * one item per view, to be called before anything is asked; one that is not there is ignored. */
int directory_view_hide(
    struct directory_view *v, uint32_t book, enum directory_kind kind, uint64_t id);

/* Gets the rows in directory order; returns 0 to go on, 1 to stop. *hit and `key`, the order key,
 * are valid during the call only. It must not call the store. */
typedef int directory_row_fn(void *arg, const struct directory_hit *hit, struct str key);

/* The rows of the view. */
int directory_size(struct directory_view *v, uint64_t *ret);
/* Rows start … end-1, counted from 0; what lies behind the last one is left out. */
int directory_page(
    struct directory_view *v, uint64_t start, uint64_t end, directory_row_fn *row, void *arg);
/* Both in one go, which costs half as much when the books of the view fall together. */
int directory_sized_page(struct directory_view *v, uint64_t start, uint64_t end, uint64_t *size,
    directory_row_fn *row, void *arg);
/* The rows whose order key is greater than `after`, all of them with an empty one. For answers in
 * parts: stop when a part is full and go on later, even in another transaction, behind the last
 * key. */
int directory_from(struct directory_view *v, struct str after, directory_row_fn *row, void *arg);
/* Rows start … end-1 of those whose number, first or last name or e-mail address contains the
 * text; `folded` is fold_text() of what was asked for (fold.h); empty = every row.
 * *filtered is the number of all such rows. */
int directory_filter(struct directory_view *v, struct str folded, uint64_t start, uint64_t end,
    uint64_t *filtered, directory_row_fn *row, void *arg);
/* The rows that have a field, or a word of one, that begins with the query. The query comes as
 * the client sent it: it is folded and trimmed here; nothing is found when that leaves nothing.
 * At most max_hits (and DIRECTORY_HITS_MAX) items are collected from the index; of more, those
 * that come first in the order of the words. The rows are given in directory order. */
int directory_search(
    struct directory_view *v, struct str query, size_t max_hits, directory_row_fn *row, void *arg);
/* The row with exactly these three (case counts): 1 with *ret, 0 = none, -1. */
int directory_find(struct directory_view *v, struct str number, struct str first, struct str last,
    struct directory_hit *ret);

#endif
