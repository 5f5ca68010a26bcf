/* SPDX-License-Identifier: ISC */
/* PINs, SIP passwords and private keys, for tandemctl. */
#include <string.h>

#include "backend/control.h"
#include "backend/key.h"
#include "backend/private_keys.h"
#include "backend/seal.h"
#include "common/clock.h"

enum { PIN_MIN = 4, KEYS_LISTED = 500 };

_Static_assert((int)PRIVATE_KEYS_MAX <= (int)KEYS_LISTED, "those of a user fit");

/* Tries of PINs are counted apart from those of passwords. */
#define PIN_ACCOUNT ((uint64_t)1 << 62)

static int
find(struct job *j, struct model *m, uint32_t *id, struct user *u)
{
	int rc = REC_HAS(&j->ctl, ctl_request, name) ? model_name(m, INDEX_LOGIN, j->ctl.name, id) : 0;

	if (rc == 1)
		rc = model_get(m, &rec_user, *id, 0, u);
	if (rc == 0)
		return err_set(
		    &j->err, ERR_NOT_FOUND, "no such user: %.*s", (int)j->ctl.name.n, j->ctl.name.p);
	rec_defaults(&rec_user, u);
	return rc < 0 ? -1 : 0;
}

int
control_check_secret(struct job *j)
{
	size_t n = 0;

	for (size_t i = 0; REC_HAS(&j->ctl, ctl_request, password) && i < j->ctl.password.n; i++)
		n += ((unsigned char)j->ctl.password.p[i] & 0xc0) != 0x80;
	if (j->ctl.command == ctl_command_USER_PIN && n < PIN_MIN)
		return err_set(
		    &j->err, ERR_INVALID, "Voicemail PIN must be at least %d characters long", PIN_MIN);
	if (j->ctl.command == ctl_command_USER_SIP_PASSWORD && n == 0)
		return err_set(&j->err, ERR_INVALID, "a password is needed");
	return 0;
}

static int
set_pin(struct job *j, struct model *m)
{
	struct voicemail_pin pin = {0};
	struct user u;
	uint32_t id;
	int rc;

	if (find(j, m, &id, &u) != 0)
		return -1;
	if (REC_HAS(&j->ctl, ctl_request, keep) && j->ctl.keep &&
	    (rc = model_get(m, &rec_voicemail_pin, id, 0, &pin)) != 0)
		return rc < 0 ? -1 : 0;
	REC_SET(&pin, voicemail_pin, hash, j->new_hash);
	REC_SET(&pin, voicemail_pin, force_pin_change, false);
	return model_put(m, &rec_voicemail_pin, id, 0, &pin);
}

int
control_pin_verify(struct job *j, struct model *m)
{
	struct voicemail_pin pin;
	struct user u;
	uint32_t id;
	int rc;

	if (find(j, m, &id, &u) != 0)
		return -1;
	rc = model_get(m, &rec_voicemail_pin, id, 0, &pin);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(&j->err, ERR_NOT_FOUND, "the user has no PIN");
	j->proof = j->ctl.password;
	j->verify.account = id | PIN_ACCOUNT;
	j->verify.hash = arena_copy(&j->arena, pin.hash);
	if (j->verify.hash.p == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	j->then = NEXT_PROVE;
	return 0;
}

int
control_seal(struct backend *be, struct model *m, struct user *u)
{
	struct str box;
	struct buf text;
	int rc = -1;

	if (!REC_HAS(u, user, sip_password))
		return 0;
	if (seal_is(u->sip_password)) {
		/* Whether it opens only the auth child knows; that of another key is left out of answers.
		 */
		if (seal_bytes(u->sip_password, &box, m->a))
			return 0;
		err_push(m->e, 15);
		return err_set(m->e, ERR_INVALID, "begins with \"" SEAL_PREFIX "\" but is not sealed");
	}
	buf_init(&text, 1024);
	if (seal_text(auth_sealing_key(be->auth), u->user_name, u->sip_password, &text) == 0) {
		REC_SET(u, user, sip_password, arena_copy(m->a, buf_str(&text)));
		rc = u->sip_password.p != NULL ? 0 : err_set(m->e, ERR_TOO_LARGE, NULL);
	} else {
		err_push(m->e, 15);
		err_set(m->e, ERR_INVALID, "must not be longer than %d bytes", AUTH_SIP_PASSWORD_MAX);
	}
	buf_free(&text);
	return rc;
}

static int
set_sip_password(struct job *j, struct model *m)
{
	struct user u;
	uint32_t id;

	if (find(j, m, &id, &u) != 0)
		return -1;
	REC_SET(&u, user, sip_password, j->ctl.password);
	return control_seal(j->be, m, &u) != 0 ? -1 : model_put(m, &rec_user, id, 0, &u);
}

static void
fill_line(struct key_line *line, uint64_t id, struct str user, const struct private_key *k)
{
	REC_SET(line, key_line, id, (int64_t)id);
	REC_SET(line, key_line, user_name, user);
	REC_SET(line, key_line, created, k->created);
	if (REC_HAS(k, private_key, expires))
		REC_SET(line, key_line, expires, k->expires);
	REC_SET(line, key_line, read_only, k->read_only);
}

static int
make_key(struct job *j, struct model *m)
{
	struct ctl_reply *r = j->ctl_reply;
	struct private_key made = {0};
	char key[PRIVATE_KEY_LEN + 1];
	struct user u;
	uint32_t user;
	uint64_t id;

	if (find(j, m, &user, &u) != 0)
		return -1;
	REC_SET(&made, private_key, created, clock_wall_ms());
	if (REC_HAS(&j->ctl, ctl_request, expires))
		REC_SET(&made, private_key, expires, j->ctl.expires);
	REC_SET(&made, private_key, read_only,
	    REC_HAS(&j->ctl, ctl_request, read_only) && j->ctl.read_only);
	if (private_key_make(m, user, &made, &id, key) != 0)
		return -1;
	/* The answer is sent after the scratch arena has gone. */
	REC_SET(r, ctl_reply, secret, arena_copy(&j->arena, str_c(key)));
	explicit_bzero(key, sizeof(key));
	r->keys.v = arena_array(&j->arena, 1, sizeof(*r->keys.v));
	if (r->keys.v == NULL || r->secret.p == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	fill_line(&r->keys.v[0], id, j->ctl.name, &made);
	r->keys.n = 1;
	r->has |= REC_BIT(ctl_reply, keys);
	return 0;
}

static int
revoke_key(struct job *j, struct model *m)
{
	int rc = REC_HAS(&j->ctl, ctl_request, key) ? private_key_revoke(m, (uint64_t)j->ctl.key) : 0;

	if (rc == 0)
		return err_set(&j->err, ERR_NOT_FOUND, "there is no such key");
	return rc < 0 ? -1 : 0;
}

int
control_secret_write(struct job *j, struct model *m)
{
	switch ((enum ctl_command)j->ctl.command) {
	case ctl_command_USER_PIN:
		return set_pin(j, m);
	case ctl_command_USER_SIP_PASSWORD:
		return set_sip_password(j, m);
	case ctl_command_KEY_MAKE:
		return make_key(j, m);
	case ctl_command_KEY_REVOKE:
		return revoke_key(j, m);
	default:
		return err_set(&j->err, ERR_BAD_REQUEST, NULL);
	}
}

static int
keys_of_user(struct job *j, struct model *m)
{
	struct ctl_reply *r = j->ctl_reply;
	struct private_keys *list = arena_alloc(m->a, sizeof(*list));
	struct user u;
	uint32_t id;

	if (find(j, m, &id, &u) != 0)
		return -1;
	if (list == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	if (private_keys_of(m, id, list) != 0)
		return -1;
	for (; r->keys.n < list->n; r->keys.n++)
		fill_line(&r->keys.v[r->keys.n], list->id[r->keys.n], u.user_name, &list->key[r->keys.n]);
	return 0;
}

struct listing {
	struct model *m;
	struct str last;
	uint64_t ids[KEYS_LISTED];
	size_t n;
	bool failed, full;
};

static int
list_key(void *arg, struct str key, struct str val)
{
	struct listing *l = arg;
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	(void)val;
	if (l->n == KEYS_LISTED) {
		l->full = true;
		return 1;
	}
	l->last = arena_copy(l->m->a, key);
	if (key_split(key, &tenant, &owner, &kind, &rest))
		l->ids[l->n++] = key_rest_id(rest);
	l->failed = l->last.p == NULL;
	return l->failed;
}

static int
list_line(struct model *m, uint64_t id, struct ctl_reply *r)
{
	struct private_key k;
	struct user u;
	uint32_t owner;
	int rc = model_item_owner(m, &rec_private_key, id, &owner);

	if (rc == 1)
		rc = model_get(m, &rec_private_key, owner, id, &k);
	if (rc == 1)
		rc = model_get(m, &rec_user, owner, 0, &u);
	if (rc != 1)
		return rc;
	rec_defaults(&rec_private_key, &k);
	fill_line(&r->keys.v[r->keys.n++], id, u.user_name, &k);
	return 0;
}

static int
all_keys(struct job *j, struct model *m)
{
	struct listing *l = arena_alloc(m->a, sizeof(*l));
	struct key prefix;

	if (l == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	l->m = m;
	key_kind(&prefix, m->tenant, OWNER_SYSTEM, rec_private_key.store);
	if (store_scan(m->t, STORE_INDEX, key_str(&prefix), j->ctl.after, list_key, l, m->e) != 0)
		return -1;
	if (l->failed)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < l->n; i++)
		if (list_line(m, l->ids[i], j->ctl_reply) != 0)
			return -1;
	if (l->full)
		REC_SET(j->ctl_reply, ctl_reply, after, l->last);
	return 0;
}

int
control_key_list(struct job *j, struct model *m)
{
	struct ctl_reply *r = j->ctl_reply;

	r->keys.v = arena_array(m->a, KEYS_LISTED, sizeof(*r->keys.v));
	if (r->keys.v == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	r->has |= REC_BIT(ctl_reply, keys);
	return REC_HAS(&j->ctl, ctl_request, name) ? keys_of_user(j, m) : all_keys(j, m);
}
