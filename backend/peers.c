/* SPDX-License-Identifier: ISC */
#include "backend/peers.h"

#include <stdlib.h>
#include <string.h>

struct peer {
	const struct ipc_server *via;
	struct ipc_peer id;
	int64_t seen; /* 0 = free */
};

struct peers {
	struct peer v[PEERS_MAX];
	struct peer *last; /* found most recently: requests come in runs */
};

struct peers *
peers_new(void)
{
	return calloc(1, sizeof(struct peers));
}

void
peers_free(struct peers *p)
{
	free(p);
}

static bool
same(const struct peer *e, const struct ipc_server *via, const struct ipc_peer *peer)
{
	return e->seen != 0 && e->via == via && e->id.n == peer->n &&
	    memcmp(e->id.id, peer->id, peer->n) == 0;
}

static struct peer *
find(struct peers *p, const struct ipc_server *via, const struct ipc_peer *peer)
{
	if (p->last != NULL && same(p->last, via, peer))
		return p->last;
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (same(&p->v[i], via, peer))
			return p->last = &p->v[i];
	return NULL;
}

void
peers_hello(
    struct peers *p, const struct ipc_server *via, const struct ipc_peer *peer, int64_t now_us)
{
	struct peer *e = find(p, via, peer);

	if (e == NULL) {
		e = &p->v[0];
		for (size_t i = 1; i < PEERS_MAX; i++)
			if (p->v[i].seen < e->seen)
				e = &p->v[i];
	}
	e->via = via;
	e->id = *peer;
	e->seen = now_us;
}

bool
peers_known(
    struct peers *p, const struct ipc_server *via, const struct ipc_peer *peer, int64_t now_us)
{
	struct peer *e = find(p, via, peer);

	if (e != NULL)
		e->seen = now_us;
	return e != NULL;
}

int64_t
peers_fresh(const struct peers *p, int64_t now_us)
{
	int64_t n = 0;

	for (size_t i = 0; i < PEERS_MAX; i++)
		n += p->v[i].seen != 0 && now_us - p->v[i].seen < PEER_FRESH_US;
	return n;
}
