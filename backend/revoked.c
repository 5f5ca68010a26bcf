/* SPDX-License-Identifier: ISC */
#include "backend/revoked.h"

#include "backend/believed.h"

int
revoked_is(struct model *m, uint32_t user, int64_t token)
{
	struct revoked r;

	return model_get(m, &rec_revoked, user, (uint64_t)token, &r);
}

enum { SWEEP_MAX = 64 };

struct sweep {
	struct model *m;
	int64_t before;
	uint64_t token[SWEEP_MAX];
	size_t n;
};

static int
collect_old(void *arg, uint64_t id, struct str stored)
{
	struct sweep *s = arg;
	struct revoked r;

	if (model_decode(s->m, &rec_revoked, stored, &r) == 0 && r.at < s->before)
		s->token[s->n++] = id;
	return s->n == SWEEP_MAX;
}

int
revoked_add(struct model *m, uint32_t user, int64_t token, int64_t now_ms)
{
	struct sweep s = {.m = m};
	struct revoked r = {0};
	int64_t latest;

	/* A clock that has jumped ahead makes no token good again. */
	if (believed_latest(m, &latest) != 0)
		return -1;
	s.before = (now_ms < latest ? now_ms : latest) - (int64_t)SESSION_SECONDS_MAX * 1000;
	if (model_each(m, &rec_revoked, user, collect_old, &s) != 0)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		if (model_del(m, &rec_revoked, user, s.token[i]) < 0)
			return -1;
	REC_SET(&r, revoked, at, now_ms);
	return model_put(m, &rec_revoked, user, (uint64_t)token, &r);
}
