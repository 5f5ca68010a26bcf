/* SPDX-License-Identifier: ISC */
/*
 * Phonebooks: who sees which, and the entries in them. Every change of an entry or a book is
 * told to the directory (directory.h) in the same transaction. A book is a number of the owner
 * space: a user's own for the private book, its own for a public one.
 */
#ifndef BACKEND_BOOK_H
#define BACKEND_BOOK_H

#include "backend/directory.h"

enum {
	BOOK_ENTRIES_MAX = 120000, /* of one book */
	BOOK_GROUP_NAME_MAX = 400, /* bytes; longer ones do not fit into a key */
	BOOKS_OF_GROUP_MAX = 512,
	BOOK_SWEEP_MAX = 500 /* entries that one change removes */
};

/* What a group is to a book. */
enum book_role { BOOK_MEMBERS = 'm', BOOK_CONSUMERS = 'c' };

/* Numbers of books, in ascending order. */
struct book_list {
	uint32_t v[DIRECTORY_BOOKS_MAX];
	size_t n;
};

/* The public books in which one of the user's groups has that role. -1 with ERR_TOO_LARGE for more
 * than fit. */
int book_of_groups(
    struct model *m, enum book_role role, const struct str_list *groups, struct book_list *ret);

/* What a user sees: public books, then the private one, then everybody when the setting says so,
 * but not the user. */
int book_view(struct model *m, uint32_t user, const struct user *u, struct directory_view **ret);

/* Stores a public book under its name; users of its member groups come and go. */
int book_put(struct model *m, const struct phonebook *b);

/* The private book of a user: 1, 0 = there is none, -1. */
int book_private(struct model *m, uint32_t user, struct private_book *ret);
/* Makes it when there is none; ERR_UNAVAILABLE while the last one is being swept. */
int book_private_make(struct model *m, uint32_t user);
/* Removes it with all its entries. Many of them would keep the writer busy for a minute: they are
 * hidden at once, since nothing of a private phonebook is shown that has no record, and swept by
 * and by (sweep.h). */
int book_private_remove(struct model *m, uint32_t user);
/* Removes at most so many of the entries that are to be swept: 1 = that was the last, 0, -1. */
int book_sweep(struct model *m, uint32_t book, size_t max);
/* Whether the book's entries are being swept: 1, 0, -1. */
int book_is_swept(struct model *m, uint32_t book);
/* One of the books that are to be swept: 1, 0 = there is none, -1. */
int book_to_sweep(struct model *m, uint32_t *book);

/* What is wrong with an entry of a client, in the legacy server's words; NULL = nothing. */
const char *entry_refused(const struct entry *e);
/* Adds an entry to a book, which must not be full; `number` 0 = the next free one. *id (may be
 * NULL) is its number. Nothing is checked but the number of entries. */
int entry_add(struct model *m, uint32_t book, uint64_t number, const struct entry *e, uint64_t *id);
/* Stores a number's entry anew: 1 = done, 0 = there is none, -1. */
int entry_replace(struct model *m, uint32_t book, uint64_t id, const struct entry *e);
/* 1 = removed, 0 = there was none, -1. */
int entry_remove(struct model *m, uint32_t book, uint64_t id);
/* At most so many entries of the book; its users stay. How many there were in *ret. */
int entries_remove(struct model *m, uint32_t book, size_t max, size_t *ret);
/* The number of the entry that another system calls so: 1, 0 = none, -1. */
int entry_by_internal(struct model *m, uint32_t book, struct str internal_id, uint64_t *id);
/* How many entries a book has. */
int entries_count(struct model *m, uint32_t book, uint64_t *ret);

/* For importers: checks as for a client (ERR_INVALID), refuses what the book has already
 * (ERR_DUPLICATE), adds; `is_private` = the book of a user, made when there is none. */
int entry_import(struct model *m, uint32_t book, bool is_private, const struct entry *e);

/* What a client sees at a place of the directory: 1, 0 = the record is gone, -1. `caller` may
 * change what is in the private book of that number. */
int book_show(struct model *m, const struct directory_hit *hit, uint32_t caller, struct entry *ret);

#endif
