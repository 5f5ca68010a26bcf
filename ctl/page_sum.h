/* SPDX-License-Identifier: ISC */
/*
 * The sum of a file that is copied in rounds, from the beginning of its last page each time: of
 * what is on that page the bytes are kept as well, since they come again.
 */
#ifndef CTL_PAGE_SUM_H
#define CTL_PAGE_SUM_H

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/backup.h"

enum { PAGE_SUM_PAGE = 4096 };

struct page_sum {
	crypto_generichash_state pages; /* of the whole ones */
	int64_t size;                   /* of everything that is in it */
	unsigned char tail[PAGE_SUM_PAGE];
	size_t tail_bytes;
};

void page_sum_begin(struct page_sum *s);
/* Where the next bytes have to begin. */
int64_t page_sum_next(const struct page_sum *s);
/* Takes back what was on the last page: whether the bytes that have come begin with that. */
bool page_sum_goes_on(struct page_sum *s, const void *p, size_t n);
/* Behind page_sum_goes_on(), or whole pages only. */
void page_sum_add(struct page_sum *s, const void *p, size_t n);
/* As in the MANIFEST. */
void page_sum_text(const struct page_sum *s, char text[BACKUP_SUM_TEXT + 1]);

#endif
