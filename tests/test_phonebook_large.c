/* SPDX-License-Identifier: ISC */
/* A private phonebook of 20,000 entries; test_ci_phonebook has more. */
#include "tests/book_large.h"

int
main(void)
{
	return book_large(20000, 120);
}
