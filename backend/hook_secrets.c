/* SPDX-License-Identifier: ISC */
/*
 * The voicemail PIN and the portal password: each with its new value in the
 * path, as the legacy server has it, and in a document. Both are stored as
 * hashes alone.
 */
#include <string.h>

#include "backend/auth.h"
#include "backend/hooks.h"

enum { PIN_MIN = 4, PASSWORD_MIN = 8 };

static size_t
characters(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* What nobody could ever send again is no secret to log in with. */
static bool
can_be_sent(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n <= AUTH_PASSWORD_MAX;
}

static int
good_pin(struct call *c, struct str pin)
{
	return characters(pin) >= PIN_MIN
	    ? 0
	    : err_set(
	          c->m.e, ERR_INVALID, "Voicemail PIN must be at least %d characters long", PIN_MIN);
}

static int
good_password(struct call *c, struct str password)
{
	if (characters(password) < PASSWORD_MIN)
		return err_set(
		    c->m.e, ERR_INVALID, "Password must be at least %d characters long", PASSWORD_MIN);
	return can_be_sent(password)
	    ? 0
	    : err_set(c->m.e, ERR_INVALID, "Password is too long or has control characters");
}

static int
store_pin(struct call *c)
{
	struct voicemail_pin pin = {0};

	REC_SET(&pin, voicemail_pin, hash, c->hash);
	REC_SET(&pin, voicemail_pin, force_pin_change, false);
	return model_put(&c->m, &rec_voicemail_pin, c->who->id, 0, &pin);
}

/* Sessions stay; what was known of the old password does not, since the version goes up. */
static int
store_password(struct call *c)
{
	struct user u = c->who->user;

	REC_SET(&u, user, password_hash, c->hash);
	REC_SET(&u, user, cred_version, u.cred_version + 1);
	return model_put(&c->m, &rec_user, c->who->id, 0, &u);
}

static int
pin_of_path(struct call *c, struct str *ret)
{
	*ret = c->req->key;
	return good_pin(c, *ret);
}

/* A token alone must not be enough to take an account over; the password of the request is. */
static int
password_of_path(struct call *c, struct str *ret)
{
	*ret = c->req->key;
	if (!REC_HAS(c->req, request, cred))
		return err_set(c->m.e, ERR_FORBIDDEN,
		    "with a token, the current password is needed: PUT a document to "
		    "/my/portal/password");
	return good_password(c, *ret);
}

static int
pin_of_document(struct call *c, struct str *ret)
{
	struct pin_change in = {0};

	if (call_document(c, c->res->record, false, &in) != 0)
		return -1;
	*ret = in.pin;
	err_push(c->m.e, 1);
	if (good_pin(c, *ret) != 0)
		return -1;
	err_pop(c->m.e);
	return 0;
}

static int
read_change(struct call *c, struct password_change *in)
{
	if (call_document(c, c->res->record, false, in) != 0)
		return -1;
	err_push(c->m.e, 1);
	if (good_password(c, in->password) != 0)
		return -1;
	err_pop(c->m.e);
	return 0;
}

static int
password_of_document(struct call *c, struct str *ret)
{
	struct password_change in = {0};

	if (read_change(c, &in) != 0)
		return -1;
	*ret = in.password;
	return 0;
}

static int
current_of_document(struct call *c, struct str *ret)
{
	struct password_change in = {0};

	if (read_change(c, &in) != 0)
		return -1;
	*ret = in.current;
	return 0;
}

/* There is nothing stored that a document could be added to. */
static int
load_nothing(struct call *c, void *obj)
{
	memset(obj, 0, c->res->record->size);
	return 0;
}

static int
save_pin(struct call *c, const void *obj)
{
	(void)obj;
	return store_pin(c);
}

static int
save_password(struct call *c, const void *obj)
{
	(void)obj;
	return store_password(c);
}

const struct hooks hooks_pin_path = {.secret = pin_of_path, .custom = store_pin};
const struct hooks hooks_pin = {.secret = pin_of_document, .load = load_nothing, .save = save_pin};
const struct hooks hooks_password_path = {.secret = password_of_path, .custom = store_password};
const struct hooks hooks_password = {.proof = current_of_document,
    .secret = password_of_document,
    .load = load_nothing,
    .save = save_password};
