/* SPDX-License-Identifier: ISC */
#include "backend/who.h"

#include <string.h>

#include "backend/auth.h"
#include "backend/private_keys.h"
#include "backend/revoked.h"

static enum who_answer
refused(struct model *m)
{
	err_set(m->e, ERR_UNAUTHORIZED, NULL);
	return WHO_REFUSED;
}

/* 1 = the account exists and may log in. */
static int
account(struct model *m, uint32_t id, struct user *u)
{
	int rc = model_get(m, &rec_user, id, 0, u);

	if (rc == 1)
		rec_defaults(&rec_user, u);
	return rc == 1 ? u->enabled : rc;
}

static enum who_answer
by_capability(struct model *m, const struct who_known *k, uint64_t tokens_time, struct str token,
    int64_t now_ms, struct who *who)
{
	struct memo_key key = memo_hash(k->tokens, &token, 1);
	const unsigned char *sig;
	struct str payload;
	struct cap c;

	if (cap_read(token, &c, &payload, &sig, m->a) != 0 || c.key != cap_key_id(k->public_key) ||
	    c.expires <= now_ms || c.tenant != m->tenant)
		return refused(m);
	who->tenant = (uint32_t)c.tenant;
	who->id = (uint32_t)c.user;
	who->scopes = c.scopes;
	who->token = c.token;
	if (memo_known(k->tokens, &key, now_ms, 0)) {
		/* Rightly signed and not revoked; the account is looked at each time. */
		int rc = account(m, who->id, &who->user);

		if (rc < 0)
			return WHO_REFUSED;
		return rc == 1 && c.issued >= who->user.not_before ? WHO_KNOWN : refused(m);
	}
	if (!auth_signature_ok(k->public_key, payload, sig))
		return refused(m);
	if (who_again(m, who, NULL, now_ms, c.issued) != 0)
		return WHO_REFUSED;
	/* Not when a session was ended since: that may not be in this transaction yet. */
	memo_add_if(k->tokens, &key, c.expires, tokens_time);
	return WHO_KNOWN;
}

/* A number for an account that does not exist, so that its tries are counted as well. */
static uint64_t
nobody(const struct who_known *k, struct str name)
{
	struct memo_key h = memo_hash(k->passwords, &name, 1);
	uint64_t v;

	memcpy(&v, h.bytes, sizeof(v));
	return v | (uint64_t)1 << 63;
}

/* A messaging id is a login name only while the messaging account is in use. */
static bool
by_idle_im(const struct user *u, struct str name)
{
	if (u->im_enabled || str_eq(name, u->user_name))
		return false;
	for (size_t i = 0; i < u->aliases.n; i++)
		if (str_eq(name, u->aliases.v[i]))
			return false;
	return true;
}

static enum who_answer
by_key(struct model *m, const struct request *req, int64_t now_ms, struct who *who)
{
	int rc = private_key_user(m, req->private_key, (enum method)req->method, now_ms, &who->id);

	if (rc == 1)
		rc = account(m, who->id, &who->user);
	if (rc != 1)
		return rc < 0 ? WHO_REFUSED : refused(m);
	who->scopes = SCOPE_SELF;
	who->by_key = true;
	return WHO_KNOWN;
}

static enum who_answer
by_password(struct model *m, const struct who_known *k, const struct credentials *cred,
    int64_t now_ms, struct who *who, struct who_verify *v)
{
	uint32_t id = 0;
	char numbers[64];
	struct str parts[3];
	int rc = model_name(m, INDEX_LOGIN, cred->user, &id);

	if (rc == 1)
		rc = account(m, id, &who->user);
	if (rc < 0)
		return WHO_REFUSED;
	if (rc == 0 || !REC_HAS(&who->user, user, password_hash) ||
	    by_idle_im(&who->user, cred->user)) {
		/* Takes as long as for a user that exists. */
		v->account = nobody(k, cred->user);
		v->hash = (struct str){"", 0};
		return v->done ? refused(m) : WHO_VERIFY;
	}
	memcpy(numbers, &m->tenant, 4);
	memcpy(numbers + 4, &id, 4);
	memcpy(numbers + 8, &who->user.cred_version, 8);
	parts[0] = (struct str){numbers, 16};
	parts[1] = cred->password;
	/* Whatever changes the hash makes the old password unknown at once. */
	parts[2] = who->user.password_hash;
	v->memo = memo_hash(k->passwords, parts, 3);
	v->account = id;
	v->hash = who->user.password_hash;
	if (!(v->done && v->user == id && v->version == who->user.cred_version) &&
	    !memo_known(k->passwords, &v->memo, now_ms, PASSWORD_MEMO_MS)) {
		v->user = id;
		v->version = who->user.cred_version;
		return WHO_VERIFY;
	}
	who->tenant = m->tenant;
	who->id = id;
	who->scopes = SCOPE_SELF | SCOPE_ADMIN;
	who->token = 0;
	return WHO_KNOWN;
}

enum who_answer
who_find(struct model *m, const struct who_known *k, uint64_t tokens_time, const struct res *res,
    const struct request *req, int64_t now_ms, struct who *who, struct who_verify *v)
{
	bool cap = REC_HAS(req, request, cap), cred = REC_HAS(req, request, cred);
	bool key = REC_HAS(req, request, private_key);

	memset(who, 0, sizeof(*who));
	who->tenant = m->tenant;
	if (cap + cred + key > 1) {
		err_set(m->e, ERR_BAD_REQUEST, NULL);
		return WHO_REFUSED;
	}
	if (key)
		return by_key(m, req, now_ms, who);
	if (cap)
		return by_capability(m, k, tokens_time, req->cap, now_ms, who);
	if (cred)
		return by_password(m, k, &req->cred, now_ms, who, v);
	return res_is_anonymous(res, (enum method)req->method) ? WHO_KNOWN : refused(m);
}

int
who_again(
    struct model *m, struct who *who, const struct request *req, int64_t now_ms, int64_t issued_ms)
{
	int64_t version = who->user.cred_version;
	bool first = who->user.has == 0;
	uint32_t id;
	int rc;

	/* Nobody has nothing to lose. */
	if (who->id == 0)
		return 0;
	rc = account(m, who->id, &who->user);

	if (rc == 1 && who->token != 0) {
		int gone = revoked_is(m, who->id, who->token);

		if (gone < 0)
			return -1;
		rc = gone == 0 && issued_ms >= who->user.not_before;
	} else if (rc == 1 && who->by_key) {
		rc = private_key_user(m, req->private_key, (enum method)req->method, now_ms, &id);
		rc = rc == 1 ? id == who->id : rc;
	} else if (rc == 1 && !first) {
		rc = who->user.cred_version == version;
	}
	if (rc < 0)
		return -1;
	return rc == 1 ? 0 : err_set(m->e, ERR_UNAUTHORIZED, NULL);
}

int64_t
who_issued(struct model *m, const struct request *req)
{
	const unsigned char *sig;
	struct str payload;
	struct cap c;

	if (!REC_HAS(req, request, cap) || cap_read(req->cap, &c, &payload, &sig, m->a) != 0)
		return 0;
	return c.issued;
}

bool
who_expired(struct model *m, const struct request *req, int64_t now_ms)
{
	const unsigned char *sig;
	struct str payload;
	struct cap c;

	if (!REC_HAS(req, request, cap))
		return false;
	if (cap_read(req->cap, &c, &payload, &sig, m->a) == 0 && c.expires > now_ms)
		return false;
	refused(m);
	return true;
}
