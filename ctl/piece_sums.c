/* SPDX-License-Identifier: ISC */
#include "ctl/piece_sums.h"

#include <stdlib.h>
#include <string.h>

size_t
piece_add(struct piece_sums *p, struct str line)
{
	if (p->lines++ == 0)
		crypto_generichash_init(&p->state, NULL, 0, PIECE_SUM_BYTES);
	crypto_generichash_update(&p->state, (const unsigned char *)line.p, line.n);
	/* No line has one in it. */
	crypto_generichash_update(&p->state, (const unsigned char *)"\n", 1);
	return p->lines;
}

int
piece_keep(struct piece_sums *p)
{
	if (p->lines == 0)
		return 0;
	if (p->n == p->size) {
		size_t want = p->size == 0 ? 64 : p->size * 2;
		unsigned char(*v)[PIECE_SUM_BYTES] = realloc(p->v, want * sizeof(*v));

		if (v == NULL)
			return -1;
		p->v = v;
		p->size = want;
	}
	crypto_generichash_final(&p->state, p->v[p->n++], PIECE_SUM_BYTES);
	p->lines = 0;
	return 0;
}

bool
piece_matches(struct piece_sums *p)
{
	unsigned char sum[PIECE_SUM_BYTES];

	if (p->lines == 0 || p->matched == p->n)
		return p->lines == 0;
	crypto_generichash_final(&p->state, sum, sizeof(sum));
	p->lines = 0;
	return memcmp(sum, p->v[p->matched++], sizeof(sum)) == 0;
}

bool
piece_all_matched(const struct piece_sums *p)
{
	return p->matched == p->n;
}

void
piece_free(struct piece_sums *p)
{
	free(p->v);
}
