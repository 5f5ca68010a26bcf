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
	/* The loop's, or the writer's while under_way. */
	struct audit_seal seal;
	struct audit_seal sealed; /* the one that reaches furthest, of those stored */
	_Atomic bool under_way;
	bool refused; /* said in the log */
};

static struct model
model_of(struct store_txn *t, struct arena *a, struct err *e)
{
	return (struct model){.t = t, .a = a, .e = e, .tenant = TENANT_DEFAULT};
}

static int
last_seal(void *arg, const struct audit_seal *seal)
{
	struct audit_seal *last = arg;

	if (seal->number > last->number)
		*last = *seal;
	return 0;
}

enum look { FAULT = -1, NOTHING_NEW, NEW_ROWS, ANOTHER_LOG };

/* Whether there is something to seal behind what is sealed. */
static enum look
look_at(struct audit_sealer *s, struct model *m, struct audit_head *head)
{
	int rc;

	if (audit_head_get(m, head) != 0)
		return FAULT;
	if (head->newest == s->sealed.number &&
	    (head->newest == 0 || memcmp(head->hash, s->sealed.hash, AUDIT_HASH) == 0))
		return NOTHING_NEW;
	rc = audit_goes_on(m, head, &s->sealed);
	return rc < 0 ? FAULT : rc == 1 ? NEW_ROWS : ANOTHER_LOG;
}

/* What a read transaction says: what is new, with the head, or by NULL which seal is the last. */
static enum look
look(struct audit_sealer *s, struct audit_head *head, struct err *e)
{
	struct store_txn *t;
	enum look ret;
	struct arena a;
	struct model m;

	if (store_begin(s->store, STORE_READ, &t, e) != 0)
		return FAULT;
	arena_init(&a, SCRATCH);
	m = model_of(t, &a, e);
	ret = head != NULL                                ? look_at(s, &m, head)
	    : audit_seals(&m, last_seal, &s->sealed) != 0 ? FAULT
	                                                  : NOTHING_NEW;
	arena_free(&a);
	store_abort(t);
	return ret;
}

int
audit_sealer_new(struct audit_sealer **ret, struct auth *auth, struct store *store,
    struct writer *w, struct err *e)
{
	struct audit_sealer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	s->auth = auth;
	s->store = store;
	s->writer = w;
	if (look(s, NULL, e) == FAULT) {
		free(s);
		return -1;
	}
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
		s->sealed = s->seal;
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
	switch (look(s, &head, &e)) {
	case FAULT:
		log_event(LOG_WARN_, "audit-seal", "%s", err_text(&e));
		return;
	case NOTHING_NEW:
		return;
	case ANOTHER_LOG:
		/* A seal over it would take the place of this hour's, which shows what was there. */
		if (!s->refused)
			log_event(LOG_WARN_, "audit-seal",
			    "rows that were sealed, up to %llu, have gone from the audit log or are others: it "
			    "is no longer sealed",
			    (unsigned long long)s->sealed.number);
		s->refused = true;
		return;
	case NEW_ROWS:
		break;
	}
	s->seal = (struct audit_seal){.number = head.newest, .time = clock_wall_ms()};
	memcpy(s->seal.hash, head.hash, AUDIT_HASH);
	audit_seal_text(&s->seal, text);
	s->under_way = true;
	if (auth_seal_audit(s->auth, (struct str){(char *)text, sizeof(text)}, signed_, s) != 0)
		s->under_way = false;
}
