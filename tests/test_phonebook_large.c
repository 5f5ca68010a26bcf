/* SPDX-License-Identifier: ISC */
/* A private phonebook of 8,000 entries; test_ci_phonebook has more. */
#include "tests/book_large.h"

int
main(void)
{
	return book_large(8000, 120);
}
