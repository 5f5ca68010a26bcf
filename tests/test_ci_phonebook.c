/* SPDX-License-Identifier: ISC */
/* A private phonebook of 105,000 entries, as large as the largest that are known. */
#include "tests/book_large.h"

int
main(void)
{
	return book_large(105000, 300);
}
