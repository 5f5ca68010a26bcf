/* SPDX-License-Identifier: ISC */
#include "tests/audit_rig.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/key.h"

char audit_rig_out[AUDIT_RIG_OUT];

int
audit_rig_verify(struct rig *r)
{
	return rig_ctl(r, NULL, audit_rig_out, sizeof(audit_rig_out), "audit verify");
}

void
audit_rig_await_seal(struct rig *r)
{
	char *out = audit_rig_out;
	long long until = ms_now() + 15000;
	long long newest, sealed;

	do {
		nanosleep(&(struct timespec){0, 100 * 1000000}, NULL);
		ck_assert_msg(rig_ctl(r, NULL, out, AUDIT_RIG_OUT, "audit verify --json") == 0, "%s", out);
		ck_assert_int_eq(
		    sscanf(strstr(out, "\"newest\""), "\"newest\":%lld,\"sealed\":%lld", &newest, &sealed),
		    2);
		ck_assert_msg(ms_now() < until, "not sealed: %s", out);
	} while (sealed < newest);
}

size_t
audit_rig_count(struct rig *r, const char *part)
{
	size_t n = 0;

	ck_assert_int_eq(rig_ctl(r, NULL, audit_rig_out, AUDIT_RIG_OUT, "audit --json"), 0);
	for (char *line = audit_rig_out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		n += strstr(line, part) != NULL;
		*end = '\n';
	}
	return n;
}

void
audit_rig_key(struct key *k, uint64_t id)
{
	key_id(k, TENANT_DEFAULT, OWNER_SYSTEM, rec_audit_row.store, id);
}

void
audit_rig_change(struct model *m, int n, int64_t late)
{
	static const struct digest_keys keys;
	struct contact card = {0};
	struct audit_row by = {0};
	struct audit audit;

	REC_SET(&by, audit_row, via, audit_via_TANDEMCTL);
	REC_SET(&by, audit_row, action, STR_LIT("test"));
	REC_SET(&card, contact, first_name, arena_printf(m->a, "%d", n));
	audit_begin(&audit, m, &keys, &by);
	audit.by.time += late;
	ck_assert_int_eq(model_put(m, &rec_contact, AUDIT_RIG_USER, 0, &card), 0);
	ck_assert_int_eq(audit_end(m), 0);
	m->audit = NULL;
}

int
audit_rig_follow(void *chain, uint64_t id, struct str stored)
{
	struct audit_rig_chain *c = chain;

	audit_chain(c->hash, (struct str){stored.p + AUDIT_HASH, stored.n - AUDIT_HASH});
	ck_assert_int_eq(memcmp(c->hash, stored.p, AUDIT_HASH), 0);
	c->last = id;
	c->n++;
	return 0;
}
