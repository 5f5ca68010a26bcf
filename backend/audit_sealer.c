/* SPDX-License-Identifier: ISC */
#include "backend/audit_sealer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/audit.h"
#include "backend/job.h"
#include "common/clock.h"
#include "common/log.h"

enum { SCRATCH = 65536 };

struct audit_sealer {
	struct writer_job job; /* first: the writer knows the sealer by it */
	struct auth *auth;
	struct store *store;
	struct writer *writer;
	struct audit_seal seal;  /* the loop's, or the writer's while under_way */
	_Atomic uint64_t sealed; /* number of the last row that a stored seal is over */
	_Atomic bool under_way;
};

static struct model
model_of(struct store_txn *t, struct arena *a, struct err *e)
{
	return (struct model){.t = t, .a = a, .e = e, .tenant = TENANT_DEFAULT};
}

static int
last_seal(void *arg, const struct audit_seal *seal)
{
	uint64_t *number = arg;

	if (seal->number > *number)
		*number = seal->number;
	return 0;
}

/* What a read transaction says: the head, or which row the seals reach. */
static int
look(struct audit_sealer *s, struct audit_head *head, uint64_t *sealed, struct err *e)
{
	struct store_txn *t;
	struct arena a;
	struct model m;
	int rc;

	if (store_begin(s->store, STORE_READ, &t, e) != 0)
		return -1;
	arena_init(&a, SCRATCH);
	m = model_of(t, &a, e);
	rc = head != NULL ? audit_head_get(&m, head) : audit_seals(&m, last_seal, sealed);
	arena_free(&a);
	store_abort(t);
	return rc;
}

int
audit_sealer_new(struct audit_sealer **ret, struct auth *auth, struct store *store,
    struct writer *w, struct err *e)
{
	struct audit_sealer *s = calloc(1, sizeof(*s));
	uint64_t sealed = 0;

	if (s == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	s->auth = auth;
	s->store = store;
	s->writer = w;
	if (look(s, NULL, &sealed, e) != 0) {
		free(s);
		return -1;
	}
	s->sealed = sealed;
	*ret = s;
	return 0;
}

void
audit_sealer_free(struct audit_sealer *s)
{
	free(s);
}

static int
apply(struct writer_job *job, struct store_txn *t)
{
	struct audit_sealer *s = (struct audit_sealer *)(void *)job;
	struct arena a;
	struct model m;
	int rc;

	arena_init(&a, SCRATCH);
	m = model_of(t, &a, &job->err);
	rc = audit_seal_put(&m, &s->seal);
	arena_free(&a);
	return rc;
}

static void
done(struct writer_job *job, bool committed)
{
	struct audit_sealer *s = (struct audit_sealer *)(void *)job;

	if (committed)
		s->sealed = s->seal.number;
	else
		log_event(LOG_WARN_, "audit-seal", "%s", err_text(&job->err));
	s->under_way = false;
}

static void
signed_(void *arg, bool ok, struct str signature)
{
	struct audit_sealer *s = arg;

	if (ok && signature.n == AUDIT_SIGNATURE) {
		memcpy(s->seal.signature, signature.p, AUDIT_SIGNATURE);
		s->job = (struct writer_job){.apply = apply, .done = done, .frees = true};
		if (writer_submit(s->writer, &s->job) == 0)
			return;
	}
	/* Tried again with the next second. */
	s->under_way = false;
}

void
audit_sealer_tick(struct audit_sealer *s)
{
	unsigned char text[AUDIT_SEAL_TEXT];
	struct audit_head head;
	struct err e = {0};

	if (s->under_way)
		return;
	if (look(s, &head, NULL, &e) != 0) {
		log_event(LOG_WARN_, "audit-seal", "%s", err_text(&e));
		return;
	}
	if (head.newest == s->sealed)
		return;
	s->seal = (struct audit_seal){.number = head.newest, .time = clock_wall_ms()};
	memcpy(s->seal.hash, head.hash, AUDIT_HASH);
	audit_seal_text(&s->seal, text);
	s->under_way = true;
	if (auth_seal_audit(s->auth, (struct str){(char *)text, sizeof(text)}, signed_, s) != 0)
		s->under_way = false;
}
