/* SPDX-License-Identifier: ISC */
#include "backend/memo.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8 };

struct entry {
	struct memo_key key;
	int64_t until; /* 0 = free */
};

struct memo {
	pthread_mutex_t lock;
	unsigned char secret[crypto_generichash_KEYBYTES];
	size_t buckets;
	uint64_t time; /* how often it was cleared */
	struct entry e[];
};

struct memo *
memo_new(size_t entries)
{
	size_t buckets = entries / WAYS + 1;
	struct memo *m = calloc(1, sizeof(*m) + buckets * WAYS * sizeof(struct entry));

	if (m == NULL)
		return NULL;
	pthread_mutex_init(&m->lock, NULL);
	randombytes_buf(m->secret, sizeof(m->secret));
	m->buckets = buckets;
	return m;
}

void
memo_free(struct memo *m)
{
	if (m == NULL)
		return;
	pthread_mutex_destroy(&m->lock);
	sodium_memzero(m->secret, sizeof(m->secret));
	free(m);
}

struct memo_key
memo_hash(const struct memo *m, const struct str *parts, size_t n)
{
	crypto_generichash_state st;
	struct memo_key k;

	crypto_generichash_init(&st, m->secret, sizeof(m->secret), sizeof(k.bytes));
	for (size_t i = 0; i < n; i++) {
		uint64_t len = parts[i].n;

		crypto_generichash_update(&st, (const unsigned char *)&len, sizeof(len));
		crypto_generichash_update(&st, (const unsigned char *)parts[i].p, parts[i].n);
	}
	crypto_generichash_final(&st, k.bytes, sizeof(k.bytes));
	sodium_memzero(&st, sizeof(st));
	return k;
}

static struct entry *
bucket_of(struct memo *m, const struct memo_key *k)
{
	uint64_t h;

	memcpy(&h, k->bytes, sizeof(h));
	return &m->e[h % m->buckets * WAYS];
}

bool
memo_known(struct memo *m, const struct memo_key *k, int64_t now_ms, int64_t slide_ms)
{
	struct entry *b = bucket_of(m, k);
	bool known = false;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < WAYS && !known; i++) {
		known = b[i].until > now_ms && memcmp(&b[i].key, k, sizeof(*k)) == 0;
		if (known && slide_ms > 0)
			b[i].until = now_ms + slide_ms;
	}
	pthread_mutex_unlock(&m->lock);
	return known;
}

static void
add(struct memo *m, const struct memo_key *k, int64_t until_ms)
{
	struct entry *b = bucket_of(m, k), *at = b;

	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(&b[i].key, k, sizeof(*k)) == 0) {
			at = &b[i];
			break;
		}
		if (b[i].until < at->until)
			at = &b[i];
	}
	at->key = *k;
	at->until = until_ms;
}

void
memo_add(struct memo *m, const struct memo_key *k, int64_t until_ms)
{
	pthread_mutex_lock(&m->lock);
	add(m, k, until_ms);
	pthread_mutex_unlock(&m->lock);
}

uint64_t
memo_time(struct memo *m)
{
	uint64_t time;

	pthread_mutex_lock(&m->lock);
	time = m->time;
	pthread_mutex_unlock(&m->lock);
	return time;
}

void
memo_add_if(struct memo *m, const struct memo_key *k, int64_t until_ms, uint64_t time)
{
	pthread_mutex_lock(&m->lock);
	if (m->time == time)
		add(m, k, until_ms);
	pthread_mutex_unlock(&m->lock);
}

void
memo_clear(struct memo *m)
{
	pthread_mutex_lock(&m->lock);
	m->time++;
	memset(m->e, 0, m->buckets * WAYS * sizeof(struct entry));
	pthread_mutex_unlock(&m->lock);
}
