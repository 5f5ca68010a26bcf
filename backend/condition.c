/* SPDX-License-Identifier: ISC */
#include "backend/condition.h"

#include <string.h>

/* "*", or whole tags; the gateway has seen to it, which proves nothing here. */
static bool
well_formed(struct str tags)
{
	return str_eqc(tags, "*") || tags.n % DIGEST_ETAG == 0;
}

int
condition_asked(const struct request *q, struct err *e)
{
	bool match = REC_HAS(q, request, if_match), none = REC_HAS(q, request, if_none_match);

	if ((match && !well_formed(q->if_match)) || (none && !well_formed(q->if_none_match)))
		return err_set(e, ERR_BAD_REQUEST, NULL);
	return match || none;
}

void
condition_of_answer(
    const struct call *c, const struct digest_keys *k, bool parts, struct current *ret)
{
	ret->exists = true;
	ret->tagged = res_has_etag(c->res) && !parts;
	if (ret->tagged)
		digest_answer(k, c->res, buf_str(c->body), ret->tag);
}

int
condition_look(struct call *c, const struct digest_keys *k, struct current *ret)
{
	struct request asks = *c->req;
	struct mark mark = {0};
	struct call get = *c;

	*ret = (struct current){0};
	if ((c->res->methods & M_GET) == 0 || c->res->shape == SHAPE_PING)
		return 0;
	REC_SET(&asks, request, method, M_GET);
	REC_UNSET(&asks, request, body);
	get.req = &asks;
	get.mark = &mark;
	buf_reset(c->body);
	if (serve_read(&get) == 0) {
		condition_of_answer(&get, k, get.more, ret);
	} else if (err_status(c->m.e->code) >= 500) {
		return -1;
	} else {
		/* What is wrong with the path the write itself will say. */
		err_clear(c->m.e);
	}
	buf_reset(c->body);
	return 0;
}

static bool
matches(struct str tags, const struct current *now)
{
	if (!now->exists || str_eqc(tags, "*"))
		return now->exists;
	for (size_t i = 0; now->tagged && i + DIGEST_ETAG <= tags.n; i += DIGEST_ETAG)
		if (memcmp(tags.p + i, now->tag, DIGEST_ETAG) == 0)
			return true;
	return false;
}

int
condition_check(const struct request *q, bool reads, const struct current *now, struct err *e)
{
	if (REC_HAS(q, request, if_match) && !matches(q->if_match, now))
		return err_set(e, ERR_PRECONDITION, NULL);
	if (REC_HAS(q, request, if_none_match) && matches(q->if_none_match, now))
		return err_set(e, reads ? ERR_NOT_MODIFIED : ERR_PRECONDITION, NULL);
	return 0;
}
