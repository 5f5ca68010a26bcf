/* SPDX-License-Identifier: ISC */
#include "backend/moments.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 16, SETS = 2048, WAYS = 4 };

struct slot {
	unsigned char name[NAME];
	uint64_t turn; /* of the last change, 0 = empty */
	struct moment v;
};

struct moments {
	pthread_mutex_t lock;
	/* Without it a hostile switch could choose whom its members push out. */
	unsigned char secret[crypto_generichash_KEYBYTES];
	uint64_t turn;
	struct slot v[SETS][WAYS];
};

struct moments *
moments_new(void)
{
	struct moments *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	randombytes_buf(m->secret, sizeof(m->secret));
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void
moments_free(struct moments *m)
{
	if (m == NULL)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void
name_of(const struct moments *m, struct str source, struct str key, int64_t member,
    unsigned char ret[NAME])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, m->secret, sizeof(m->secret), NAME);
	crypto_generichash_update(&st, (const unsigned char *)&member, sizeof(member));
	crypto_generichash_update(&st, (const unsigned char *)source.p, source.n);
	crypto_generichash_update(&st, (const unsigned char *)"", 1);
	crypto_generichash_update(&st, (const unsigned char *)key.p, key.n);
	crypto_generichash_final(&st, ret, NAME);
}

static bool
is_of(const struct slot *e, const unsigned char name[NAME])
{
	return e->turn != 0 && memcmp(e->name, name, NAME) == 0;
}

/* The entry of that name, or else the one that is to make room. */
static struct slot *
slot_of(struct moments *m, const unsigned char name[NAME])
{
	struct slot *set = m->v[(name[0] << 8 | name[1]) % SETS], *oldest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (is_of(&set[i], name))
			return &set[i];
		if (set[i].turn < oldest->turn)
			oldest = &set[i];
	}
	return oldest;
}

void
moments_set(struct moments *m, const char *source, const struct feed_volatile *v)
{
	unsigned char name[NAME];
	struct slot *e;

	name_of(m, str_c(source), v->key, v->member, name);
	pthread_mutex_lock(&m->lock);
	e = slot_of(m, name);
	if (!is_of(e, name)) {
		memcpy(e->name, name, NAME);
		e->v = (struct moment){.talking = false};
	}
	e->turn = ++m->turn;
	if (REC_HAS(v, feed_volatile, talking))
		e->v.talking = v->talking;
	if (REC_HAS(v, feed_volatile, floor))
		e->v.floor = v->floor;
	pthread_mutex_unlock(&m->lock);
}

void
moments_get(
    struct moments *m, struct str source, struct str key, int64_t member, struct moment *ret)
{
	unsigned char name[NAME];
	const struct slot *e;

	name_of(m, source, key, member, name);
	pthread_mutex_lock(&m->lock);
	e = slot_of(m, name);
	*ret = is_of(e, name) ? e->v : (struct moment){.talking = false};
	pthread_mutex_unlock(&m->lock);
}

void
moments_clear(struct moments *m)
{
	pthread_mutex_lock(&m->lock);
	memset(m->v, 0, sizeof(m->v));
	pthread_mutex_unlock(&m->lock);
}
