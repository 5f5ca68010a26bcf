/* SPDX-License-Identifier: ISC */
#include "backend/tries.h"

#include <stdlib.h>

enum { SLOTS = 4096, PROBES = 8 };

struct slot {
	uint64_t who; /* 0 = free */
	int64_t since;
	unsigned failures;
};

struct tries {
	unsigned limit;
	struct slot s[SLOTS];
};

struct tries *
tries_new(unsigned limit)
{
	struct tries *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->limit = limit;
	return t;
}

void
tries_free(struct tries *t)
{
	free(t);
}

/* The account's slot, or the one to be given up for it. */
static struct slot *
find(struct tries *t, uint64_t who)
{
	struct slot *oldest = NULL;

	for (uint64_t i = 0; i < PROBES; i++) {
		struct slot *s = &t->s[(who * 0x9e3779b97f4a7c15u + i) % SLOTS];

		if (s->who == who)
			return s;
		if (oldest == NULL || s->who == 0 || (oldest->who != 0 && s->since < oldest->since))
			oldest = s;
	}
	return oldest;
}

int64_t
tries_wait(struct tries *t, uint64_t who, int64_t now_ms)
{
	struct slot *s = find(t, who);

	if (s->who != who || s->failures < t->limit || now_ms - s->since >= TRIES_WINDOW_MS)
		return 0;
	return (s->since + TRIES_WINDOW_MS - now_ms) / 1000 + 1;
}

void
tries_failed(struct tries *t, uint64_t who, int64_t now_ms)
{
	struct slot *s = find(t, who);

	if (s->who != who || now_ms - s->since >= TRIES_WINDOW_MS)
		*s = (struct slot){.who = who, .since = now_ms};
	s->failures++;
}

void
tries_succeeded(struct tries *t, uint64_t who)
{
	struct slot *s = find(t, who);

	if (s->who == who)
		*s = (struct slot){0};
}
