/* SPDX-License-Identifier: ISC */
/* The same scenarios with a private phonebook of any size, which is read whole. */
#ifndef TESTS_BOOK_LARGE_H
#define TESTS_BOOK_LARGE_H

/* Runs them; what main() returns. */
int book_large(int entries, int timeout_s);

#endif
