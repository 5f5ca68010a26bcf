/* SPDX-License-Identifier: ISC */
/*
 * Users in phonebooks: everybody is in the directory of all users, and in each public book that
 * has one of the user's groups as a member. Told by model.c whenever an account or a contact card
 * is stored, and by book.c when the groups of a book change.
 */
#ifndef BACKEND_MEMBERS_H
#define BACKEND_MEMBERS_H

#include "backend/book.h"

/* An account was stored; `old` = what was stored before, NULL for a new one. */
int members_user(struct model *m, uint32_t id, const struct user *old, const struct user *u);
/* A contact card was stored. */
int members_contact(struct model *m, uint32_t id, const struct contact *card);
/* A user goes, with the private book. To be called before the rows are removed. */
int members_gone(struct model *m, uint32_t id, const struct user *u);
/* The member groups of a public book changed. */
int members_of_book(
    struct model *m, uint32_t book, const struct str_list *old, const struct str_list *now);
/* Puts every user where it belongs, for stores that were written without a directory. */
int members_all(struct model *m);

#endif
