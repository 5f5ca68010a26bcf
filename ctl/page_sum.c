/* SPDX-License-Identifier: ISC */
#include "ctl/page_sum.h"

#include <string.h>

void
page_sum_begin(struct page_sum *s)
{
	s->size = 0;
	s->tail_bytes = 0;
	crypto_generichash_init(&s->pages, NULL, 0, BACKUP_SUM_BYTES);
}

int64_t
page_sum_next(const struct page_sum *s)
{
	return s->size - (int64_t)s->tail_bytes;
}

bool
page_sum_goes_on(struct page_sum *s, const void *p, size_t n)
{
	bool same =
	    s->tail_bytes == 0 || (n >= s->tail_bytes && memcmp(p, s->tail, s->tail_bytes) == 0);

	s->size = page_sum_next(s);
	s->tail_bytes = 0;
	return same;
}

void
page_sum_add(struct page_sum *s, const void *p, size_t n)
{
	size_t whole = n / PAGE_SUM_PAGE * PAGE_SUM_PAGE;

	if (n == 0)
		return;
	crypto_generichash_update(&s->pages, p, whole);
	s->tail_bytes = n - whole;
	memcpy(s->tail, (const unsigned char *)p + whole, s->tail_bytes);
	s->size += (int64_t)n;
}

void
page_sum_text(const struct page_sum *s, char text[BACKUP_SUM_TEXT + 1])
{
	crypto_generichash_state state = s->pages;
	unsigned char sum[BACKUP_SUM_BYTES];

	crypto_generichash_update(&state, s->tail, s->tail_bytes);
	crypto_generichash_final(&state, sum, sizeof(sum));
	sodium_bin2hex(text, BACKUP_SUM_TEXT + 1, sum, sizeof(sum));
}
