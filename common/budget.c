/* SPDX-License-Identifier: ISC */
#include "common/budget.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The size stands before the block, so that a later free can give the charge back. */
enum { HEAD = 16 };

static _Thread_local struct arena *payer;
static _Thread_local bool refused;

void
budget_begin(struct arena *a)
{
	payer = a;
	refused = false;
}

bool
budget_end(void)
{
	payer = NULL;
	return refused;
}

void *
budget_malloc(size_t n)
{
	char *p = NULL;

	if (n <= SIZE_MAX / 2 && (payer == NULL || arena_charge(payer, n + HEAD) == 0)) {
		if ((p = malloc(n + HEAD)) == NULL && payer != NULL)
			arena_uncharge(payer, n + HEAD);
	}
	if (p == NULL) {
		refused = true;
		return NULL;
	}
	memcpy(p, &n, sizeof(n));
	return p + HEAD;
}

static size_t
size_of(const void *p)
{
	size_t n;

	memcpy(&n, (const char *)p - HEAD, sizeof(n));
	return n;
}

void
budget_free(void *p)
{
	if (p == NULL)
		return;
	if (payer != NULL)
		arena_uncharge(payer, size_of(p) + HEAD);
	free((char *)p - HEAD);
}

void *
budget_realloc(void *p, size_t n)
{
	void *q = budget_malloc(n);

	if (q != NULL && p != NULL) {
		memcpy(q, p, size_of(p) < n ? size_of(p) : n);
		budget_free(p);
	}
	return q;
}

char *
budget_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = budget_malloc(n);

	return p != NULL ? memcpy(p, s, n) : NULL;
}
