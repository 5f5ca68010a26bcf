/* SPDX-License-Identifier: ISC */
/*
 * The picture of a user. Anybody may see it, and who has none looks like who
 * does not exist; the user and administrators may change it.
 */
#include "backend/hooks.h"

#include "backend/avatar_default.h"
#include "backend/image.h"

static int
show(struct call *c)
{
	struct str name = c->req->key, png = avatar_default();
	struct avatar a;
	uint32_t owner;
	int rc = name.n > 0 ? model_name(&c->m, INDEX_LOGIN, name, &owner) : 0;

	if (rc == 1)
		rc = model_get(&c->m, &rec_avatar, owner, 0, &a);
	if (rc < 0)
		return -1;
	if (rc == 1 && REC_HAS(&a, avatar, png))
		png = a.png;
	buf_addstr(c->body, png);
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

static int
picture(struct call *c, struct str *upload)
{
	uint32_t owner;

	if (call_subject(c, c->req->key, &owner) != 0)
		return -1;
	if (!REC_HAS(c->req, request, body))
		return err_set(c->m.e, ERR_NO_ENTITY, NULL);
	if (c->req->body.n > IMAGE_IN_MAX)
		return err_set(c->m.e, ERR_TOO_LARGE, NULL);
	*upload = c->req->body;
	return 0;
}

static int
store(struct call *c)
{
	struct avatar a = {0};
	uint32_t owner;

	/* Again, in this transaction: the user may have gone while the picture was made. */
	if (call_subject(c, c->req->key, &owner) != 0)
		return -1;
	REC_SET(&a, avatar, png, c->picture);
	if (rec_validate(&rec_avatar, &a, false, c->m.e) != 0)
		return -1;
	return model_put(&c->m, &rec_avatar, owner, 0, &a);
}

static int
custom(struct call *c)
{
	return c->req->method == M_GET ? show(c) : store(c);
}

const struct hooks hooks_avatar = {.custom = custom, .picture = picture};
