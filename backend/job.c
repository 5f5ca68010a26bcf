/* SPDX-License-Identifier: ISC */
#include "backend/job.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/audit.h"
#include "backend/backend.h"
#include "backend/condition.h"
#include "backend/hooks.h"
#include "backend/quota.h"
#include "backend/repeat.h"
#include "backend/seal.h"
#include "backend/user_events.h"
#include "common/clock.h"

struct job *
job_new(struct backend *be)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->be = be;
	arena_init(&j->arena, JOB_ARENA_MAX);
	arena_init(&j->scratch, JOB_SCRATCH_MAX);
	buf_init(&j->body, ANSWER_MAX);
	buf_init(&j->proof_kept, ANSWER_MAX);
	be->in_flight++;
	return j;
}

void
job_free(struct job *j)
{
	j->be->in_flight--;
	arena_wipe(&j->arena);
	arena_wipe(&j->scratch);
	buf_wipe(&j->body);
	buf_wipe(&j->proof_kept);
	explicit_bzero(j, sizeof(*j));
	free(j);
}

/* Of the message only what the right is looked at by: a password is not kept, as the version of the
 * credentials stands for it. */
static void
keep_proof(struct job *j)
{
	bool cap = REC_HAS(&j->req, request, cap), key = REC_HAS(&j->req, request, private_key);
	struct str *proof = cap ? &j->req.cap : &j->req.private_key;
	struct request kept = {0};

	if (j->proof_kept.size > 0 || j->arena.head == NULL)
		return;
	if (cap || key)
		buf_addstr(&j->proof_kept, *proof);
	if (j->proof_kept.failed)
		return;
	*proof = buf_str(&j->proof_kept);
	REC_SET(&kept, request, id, j->req.id);
	REC_SET(&kept, request, res, j->req.res);
	REC_SET(&kept, request, method, j->req.method);
	if (cap)
		REC_SET(&kept, request, cap, *proof);
	else if (key)
		REC_SET(&kept, request, private_key, *proof);
	j->req = kept;
	arena_wipe(&j->arena);
}

void
job_rest(struct job *j)
{
	int64_t version = j->who.user.cred_version;

	keep_proof(j);
	arena_wipe(&j->scratch);
	buf_wipe(&j->body);
	/* Its texts were in the memory that has gone; the account is read again each time. */
	j->who.user = (struct user){0};
	REC_SET(&j->who.user, user, cred_version, version);
}

static struct model
model_of(struct job *j, struct store_txn *t)
{
	return (struct model){.t = t,
	    .a = &j->arena,
	    .e = &j->err,
	    .tenant = TENANT_DEFAULT,
	    .settings = j->be->settings};
}

static struct call
call_of(struct job *j, struct store_txn *t)
{
	struct model m = model_of(j, t);

	m.a = &j->scratch;
	return (struct call){
	    .m = m,
	    .res = j->res,
	    .req = &j->req,
	    .who = &j->who,
	    .now_ms = clock_wall_ms(),
	    .body = &j->body,
	    .mark = &j->mark,
	    .hash = j->new_hash,
	    .picture = j->picture,
	    .was_opened = j->was_opened,
	    .opened = j->opened,
	    .masked = j->masked,
	    .moments = j->be->moments,
	    .sign = &j->sign,
	    .commanded = j->was_commanded ? &j->commanded : NULL,
	};
}

/* A key reaches what /private/ mirrors, and changes nothing about how its user logs in. */
static bool
key_suffices(const struct job *j)
{
	return str_starts(str_c(j->res->path), "/my/") && !j->res->no_private;
}

/* What the row asks of the caller beyond being somebody. */
static int
authorized(struct job *j, struct model *m)
{
	int rc = 1;

	if (j->who.by_key && !key_suffices(j))
		return err_set(&j->err, ERR_FORBIDDEN, "not with a private key");
	if (j->res->access == ACCESS_ADMIN)
		rc = (j->who.scopes & SCOPE_ADMIN) != 0
		    ? model_permission(m, &j->who.user, permission_name_SUPERADMIN)
		    : 0;
	if (rc == 1 && j->res->permission != 0)
		rc = model_permission(m, &j->who.user, (enum permission_name)(j->res->permission - 1));
	if (rc < 0)
		return -1;
	return rc == 1 ? 0 : err_set(&j->err, ERR_FORBIDDEN, NULL);
}

/* Values that break a rule have the row's own status; broken documents have not. */
static void
own_status(struct job *j)
{
	if (j->err.code == ERR_INVALID && j->res->invalid != ERR_OK)
		j->err.code = j->res->invalid;
}

/* Parts of a list are paid for with the first one, a write that waited for its hash or its picture
 * before that. */
static bool
within_budget(struct job *j)
{
	if (j->streaming || j->who.id == 0 || j->new_hash.p != NULL || j->picture.p != NULL ||
	    j->proved || j->was_opened || j->was_commanded)
		return true;
	j->retry_after = rates_take(
	    j->be->rates, j->who.id, rates_class(j->res, (enum method)j->req.method), clock_us());
	if (j->retry_after > 0)
		err_set(&j->err, ERR_TOO_MANY, NULL);
	return j->retry_after == 0;
}

/* The conditions are about what was there before, but what the write itself would be refused for
 * goes first: a failed condition takes back what was done. */
static int
write_if(struct job *j, struct call *c)
{
	int asked = condition_asked(&j->req, c->m.e);
	struct current before;

	if (asked < 0 || (asked && condition_look(c, &j->be->digests, &before) != 0) ||
	    serve_write(c) != 0)
		return -1;
	return asked ? condition_check(&j->req, false, &before, c->m.e) : 0;
}

/* A repetition has its answer before any condition: the first time made the ETag another one. */
static int
write_once(struct job *j, struct call *c)
{
	bool named = REC_HAS(&j->req, request, idempotency_key) && j->who.id != 0;
	int rc = named ? repeat_find(c, &j->be->digests) : 0;

	j->replayed = rc == 1;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (write_if(j, c) != 0) {
		own_status(j);
		return -1;
	}
	return named ? repeat_keep(c, &j->be->digests) : 0;
}

/* What a gateway says about its client goes no further than it can be an address. */
static bool
is_address(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr("0123456789abcdefABCDEF.:", s.p[i]) == NULL || s.p[i] == '\0')
			return false;
	return s.n > 0;
}

static struct audit_row
changed_by(const struct job *j)
{
	struct audit_row by = {0};

	REC_SET(&by, audit_row, via,
	    j->who.by_key                        ? audit_via_PRIVATE_KEY
	        : REC_HAS(&j->req, request, cap) ? audit_via_TOKEN
	                                         : audit_via_PASSWORD);
	if (j->who.id != 0) {
		REC_SET(&by, audit_row, by, j->who.user.user_name);
		REC_SET(&by, audit_row, actor, j->who.id);
	}
	if (REC_HAS(&j->req, request, client) && is_address(j->req.client))
		REC_SET(&by, audit_row, from, j->req.client);
	REC_SET(&by, audit_row, action, str_c(res_method_name((enum method)j->req.method)));
	REC_SET(&by, audit_row, resource, str_c(j->res->path));
	return by;
}

static int
apply(struct writer_job *w, struct store_txn *t)
{
	struct job *j = (struct job *)(void *)w;
	struct model m = model_of(j, t);
	struct call c = call_of(j, t);
	struct audit_row by;
	struct audit audit;
	struct quota quota;

	if (clock_us() > j->overdue_us)
		return err_set(&j->err, ERR_DEADLINE, NULL);
	/* What the reader saw may have changed while the write waited. */
	if (who_again(&m, &j->who, &j->req, clock_wall_ms(), who_issued(&m, &j->req)) != 0 ||
	    authorized(j, &m) != 0)
		return -1;
	/* The password that was proved may have been changed by another request. */
	if (j->proved && j->who.user.cred_version != j->proved_version)
		return err_set(&j->err, ERR_FORBIDDEN, NULL);
	by = changed_by(j);
	audit_begin(&audit, &c.m, &j->be->digests, &by);
	audit.keeps = true;
	/* Deletions are what makes room. */
	if (!w->frees)
		quota_begin(&quota, &c.m, j->who.id, j->be->conf->backend_quota_entries,
		    j->be->conf->backend_quota_kb * 1024);
	if (write_once(j, &c) != 0 || quota_end(&c.m) != 0 || audit_end(&c.m) != 0)
		return -1;
	/* Streams of the session end with it. */
	if (hooks_of(j->res)->ends_sessions)
		user_event_touch(j->who.id);
	j->location = arena_copy(&j->arena, c.location);
	return j->location.p != NULL ? 0 : err_set(&j->err, ERR_TOO_LARGE, NULL);
}

static void
applied(struct writer_job *w, bool committed)
{
	struct job *j = (struct job *)(void *)w;

	/* Before the answer: an ended session is remembered as a good one by nobody after it. */
	if (committed && hooks_of(j->res)->ends_sessions)
		memo_clear(j->be->known.tokens);
	if (committed)
		err_clear(&j->err);
	else if (j->err.code == ERR_OK)
		j->err = w->err.code != ERR_OK ? w->err : (struct err){.code = ERR_INTERNAL};
	j->then = NEXT_REPLY;
	pool_return(j->be->pool, j);
}

static bool
is_read(const struct job *j)
{
	if (j->req.method == M_GET)
		return !hooks_of(j->res)->get_writes;
	return (hooks_of(j->res)->reads & (unsigned)j->req.method) != 0;
}

static bool
to_writer(struct job *j)
{
	j->write.apply = apply;
	j->write.done = applied;
	j->write.frees = j->req.method == M_DELETE;
	if (writer_submit(j->be->writer, &j->write) == 0)
		return false;
	j->retry_after = 1;
	err_set(&j->err, ERR_UNAVAILABLE, NULL);
	return true;
}

/* Whether the caller has to prove something before the write can run. */
static bool
wants_proof(struct job *j, struct store_txn *t)
{
	const struct hooks *h = hooks_of(j->res);
	struct call c = call_of(j, t);
	struct str proof = {"", 0};

	if (h->proof == NULL || j->proved)
		return false;
	if (h->proof(&c, &proof) != 0) {
		own_status(j);
		return true;
	}
	j->proof = arena_copy(&j->arena, proof);
	j->verify.hash = arena_copy(&j->arena, j->who.user.password_hash);
	j->verify.account = j->who.id;
	j->proved_version = j->who.user.cred_version;
	if (j->proof.p == NULL || j->verify.hash.p == NULL)
		err_set(&j->err, ERR_TOO_LARGE, NULL);
	else
		j->then = NEXT_PROVE;
	return true;
}

/* Whether something has to be hashed before the write can run. */
static bool
wants_hash(struct job *j, struct store_txn *t)
{
	const struct hooks *h = hooks_of(j->res);
	struct call c = call_of(j, t);
	struct str secret = {"", 0};

	if (h->secret == NULL || j->new_hash.p != NULL)
		return false;
	if (h->secret(&c, &secret) != 0) {
		own_status(j);
		return true;
	}
	if (secret.n == 0)
		return false;
	/* Hashing takes until the scratch arena is used again. */
	j->secret = arena_copy(&j->arena, secret);
	if (j->secret.p == NULL)
		err_set(&j->err, ERR_TOO_LARGE, NULL);
	else
		j->then = NEXT_HASH;
	return true;
}

/* Whether a picture has to be made before the write can run. */
static bool
wants_picture(struct job *j, struct store_txn *t)
{
	const struct hooks *h = hooks_of(j->res);
	struct call c = call_of(j, t);

	if (h->picture == NULL || j->picture.p != NULL)
		return false;
	if (h->picture(&c, &j->upload) != 0)
		own_status(j);
	else
		j->then = NEXT_IMAGE;
	return true;
}

/* The answer's ETag, and whether the client wants the answer at all. */
static int
check_conditions(struct job *j, struct call *c)
{
	struct current now = {0};
	int asked = condition_asked(&j->req, c->m.e);

	if (asked < 0)
		return -1;
	if (j->req.method == M_GET && j->res->shape != SHAPE_PING)
		condition_of_answer(c, &j->be->digests, c->more, &now);
	j->tagged = now.tagged;
	memcpy(j->tag, now.tag, sizeof(j->tag));
	return asked ? condition_check(&j->req, j->req.method == M_GET, &now, c->m.e) : 0;
}

static void
want_open(struct job *j, struct str sealed)
{
	if (seal_bytes(sealed, &j->box, &j->arena)) {
		j->then = NEXT_OPEN;
		return;
	}
	/* The store's own checks keep such a text out. */
	err_set(&j->err, ERR_INTERNAL, "a sealed text is damaged");
}

/* Carrying it out takes until the scratch arena is used again. */
static void
want_command(struct job *j, const struct command *c)
{
	if (command_copy(&j->command, c, &j->arena) == 0)
		j->then = NEXT_COMMAND;
	else
		err_set(&j->err, ERR_TOO_LARGE, NULL);
}

static void
read_answer(struct job *j, struct store_txn *t)
{
	struct call c = call_of(j, t);

	buf_reset(&j->body);
	if (!j->streaming || !res_is_endless(j->res))
		arena_wipe(&j->scratch);
	j->more = false;
	if (serve_read(&c) != 0) {
		own_status(j);
		return;
	}
	/* Of a list in parts only the first one is asked about. */
	if (!j->streaming && check_conditions(j, &c) != 0)
		return;
	j->more = c.more;
	j->current = c.current;
	if (c.wants_signature)
		j->then = NEXT_SIGN;
	else if (c.wants_command)
		want_command(j, &c.command);
	else if (c.open.n > 0)
		want_open(j, c.open);
	else if (c.location.n > 0)
		j->location = arena_copy(&j->arena, c.location);
}

/* What the settings say about resources with secrets; before anybody is asked who it is, so that
 * what is off looks the same for everybody. */
static bool
by_policy(struct job *j)
{
	enum compat_policy row = compat_policy_FULL, key = compat_policy_FULL;

	if (j->res->compat != 0)
		row = settings_now_compat(j->be->settings, (enum compat_resource)(j->res->compat - 1));
	if (REC_HAS(&j->req, request, private_key))
		key = settings_now_compat(j->be->settings, compat_resource_PRIVATE);
	j->masked = row == compat_policy_MASKED;
	if (row == compat_policy_OFF || key == compat_policy_OFF)
		err_set(&j->err, ERR_NOT_FOUND, NULL);
	else if (key == compat_policy_MASKED)
		err_set(&j->err, ERR_FORBIDDEN, "no keys in paths here: log in, or take a token");
	else if (j->masked && j->res->methods == M_PUT)
		err_set(&j->err, ERR_FORBIDDEN, "no secrets in paths here: send it in a document");
	return j->err.code == ERR_OK;
}

void
snapshot_end(struct snapshot *s)
{
	if (s->t != NULL)
		store_abort(s->t);
	s->t = NULL;
}

/* Whoever has a stream that does not end is looked at before each part. */
static enum who_answer
who_still(struct job *j, struct model *m)
{
	buf_reset(&j->body);
	arena_wipe(&j->scratch);
	m->a = &j->scratch;
	return who_expired(m, &j->req, clock_wall_ms()) ||
	        who_again(m, &j->who, &j->req, clock_wall_ms(), who_issued(m, &j->req)) != 0
	    ? WHO_REFUSED
	    : WHO_KNOWN;
}

static enum who_answer
who_asks(struct job *j, struct model *m, const struct snapshot *s)
{
	if (!j->streaming)
		return who_find(m, &j->be->known, s->tokens_time, j->res, &j->req, clock_wall_ms(), &j->who,
		    &j->verify);
	return res_is_endless(j->res) ? who_still(j, m) : WHO_KNOWN;
}

bool
job_run(struct job *j, struct snapshot *s)
{
	struct model m;
	enum who_answer who;
	bool write = false;

	err_clear(&j->err);
	j->then = NEXT_REPLY;
	/* The gateway has answered for itself by now; parts of a list have credit instead. */
	if (!j->streaming && clock_us() > j->overdue_us) {
		err_set(&j->err, ERR_DEADLINE, NULL);
		return true;
	}
	if (!by_policy(j))
		return true;
	if (s->t == NULL)
		s->tokens_time = memo_time(j->be->known.tokens);
	if (s->t == NULL && store_begin(j->be->store, STORE_READ, &s->t, &j->err) != 0)
		return true;
	m = model_of(j, s->t);
	who = who_asks(j, &m, s);
	if (who == WHO_VERIFY) {
		j->then = NEXT_VERIFY;
	} else if (who == WHO_KNOWN && authorized(j, &m) == 0 && within_budget(j)) {
		if (j->streaming && res_is_endless(j->res) && !j->may_send)
			return true;
		if (is_read(j))
			read_answer(j, s->t);
		else
			write = !wants_proof(j, s->t) && !wants_hash(j, s->t) && !wants_picture(j, s->t);
	}
	return !write || to_writer(j);
}
