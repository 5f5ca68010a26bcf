/* SPDX-License-Identifier: ISC */
/*
 * Volatile facts: who talks, how loud. Each member's latest is sent at once, but not oftener than
 * four times a second; what comes between is replaced by what comes later. Nothing is kept while
 * the backend is away.
 */
#include <stdlib.h>
#include <string.h>

#include "feeds/frame.h"
#include "common/clock.h"

enum { MEMBERS = 4096, PAUSE_MS = 250, IDLE_MS = 1000 };

struct murmur {
	char *key; /* NULL = free */
	int64_t member, sent_ms, energy;
	bool talking, floor, waiting;
};

struct murmurs {
	struct murmur v[MEMBERS]; /* open addressing */
	size_t n;
	int64_t cleaned_ms;
	bool timer;
};

int
murmurs_new(struct feed *f, struct err *e)
{
	f->murmurs = calloc(1, sizeof(*f->murmurs));
	return f->murmurs != NULL ? 0 : err_set(e, ERR_INTERNAL, "no memory");
}

void
murmurs_free(struct feed *f)
{
	for (size_t i = 0; f->murmurs != NULL && i < MEMBERS; i++)
		free(f->murmurs->v[i].key);
	free(f->murmurs);
	f->murmurs = NULL;
}

static size_t
slot_of(const char *key, int64_t member)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)member;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32) % MEMBERS;
}

/* The member's, or a new one; NULL when all places are taken. */
static struct murmur *
murmur_of(struct murmurs *ms, const char *key, int64_t member)
{
	size_t at = slot_of(key, member);

	for (size_t i = 0; i < MEMBERS; i++, at = (at + 1) % MEMBERS) {
		struct murmur *m = &ms->v[at];

		if (m->key == NULL) {
			/* Never full, so that a search ends. */
			if (ms->n >= MEMBERS * 3 / 4 || (m->key = strdup(key)) == NULL)
				return NULL;
			ms->n++;
			m->member = member;
			return m;
		}
		if (m->member == member && strcmp(m->key, key) == 0)
			return m;
	}
	return NULL;
}

static void
send_one(struct feed *f, struct murmur *m, int64_t now)
{
	struct feed_volatile v = {0};

	REC_SET(&v, feed_volatile, key, str_c(m->key));
	REC_SET(&v, feed_volatile, member, m->member);
	REC_SET(&v, feed_volatile, talking, m->talking);
	REC_SET(&v, feed_volatile, floor, m->floor);
	REC_SET(&v, feed_volatile, energy, m->energy);
	m->sent_ms = now;
	m->waiting = false;
	link_send(f, ENV_FEED_VOLATILE, &v);
}

static void
forget_all(struct murmurs *ms)
{
	for (size_t i = 0; i < MEMBERS; i++)
		free(ms->v[i].key);
	memset(ms, 0, sizeof(*ms));
}

/* Leaves out who has said nothing lately; everybody, when there is no memory. */
static void
forget_idle(struct feed *f, int64_t now)
{
	struct murmurs *old = f->murmurs, *ms = calloc(1, sizeof(*ms));

	if (ms == NULL) {
		forget_all(old);
		return;
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		struct murmur *m = &old->v[i], *to;

		if (m->key == NULL || (!m->waiting && now - m->sent_ms > IDLE_MS) ||
		    (to = murmur_of(ms, m->key, m->member)) == NULL)
			continue;
		free(to->key);
		*to = *m;
		m->key = NULL;
	}
	ms->cleaned_ms = now;
	ms->timer = old->timer;
	forget_all(old);
	free(old);
	f->murmurs = ms;
}

static void on_due(void *arg);

static void
arm(struct feed *f)
{
	if (!f->murmurs->timer)
		f->murmurs->timer = feed_timer(f, PAUSE_MS / 5, on_due, f) == 0;
}

static void
on_due(void *arg)
{
	struct feed *f = arg;
	int64_t now = clock_ms();
	size_t waiting = 0;

	f->murmurs->timer = false;
	if (f->link != LINK_READY) {
		forget_all(f->murmurs);
		return;
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		struct murmur *m = &f->murmurs->v[i];

		if (m->key != NULL && m->waiting && now - m->sent_ms >= PAUSE_MS)
			send_one(f, m, now);
		waiting += m->key != NULL && m->waiting;
	}
	if (waiting > 0)
		arm(f);
	else
		forget_idle(f, now);
}

void
feed_volatile(
    struct feed *f, const char *key, int64_t member, bool talking, bool floor, int64_t energy)
{
	struct murmur *m;
	int64_t now = clock_ms();

	if (f->link != LINK_READY || key == NULL || strlen(key) > FEED_KEY_MAX ||
	    (m = murmur_of(f->murmurs, key, member)) == NULL)
		return;
	m->talking = talking;
	m->floor = floor;
	m->energy = energy < 0 ? 0 : energy > 100000 ? 100000 : energy;
	if (now - m->sent_ms >= PAUSE_MS)
		send_one(f, m, now);
	else
		m->waiting = true;
	if (f->murmurs->n > MEMBERS / 2 && now - f->murmurs->cleaned_ms > PAUSE_MS)
		forget_idle(f, now);
	arm(f);
}
