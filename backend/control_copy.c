/* SPDX-License-Identifier: ISC */
/*
 * A copy of the store for tandemctl backup: which files there are, and their bytes, piece by piece.
 * The operator's side decides how fast, and nothing is kept here between two pieces but the log, or
 * the snapshot of an engine that has none.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/control.h"
#include "backend/job.h"
#include "common/release.h"

/* So long it is kept for who asks for no more. */
enum { HOLD_S = 300, FILES_MAX = 4200 };

static bool
log_name(struct str s, char name[STORE_FILE_MAX + 1])
{
	if (s.n > STORE_FILE_MAX || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(name, s.p, s.n);
	name[s.n] = '\0';
	return true;
}

int
control_copy_list(struct job *j)
{
	struct copy_state *c = &j->ctl_reply->copy;
	enum store_copy what =
	    j->ctl.command == ctl_command_COPY_DATA ? STORE_COPY_DATA : STORE_COPY_LOG;
	struct store_file *files = arena_array(&j->scratch, FILES_MAX, sizeof(*files));
	char id[STORE_ID_MAX + 1], from[STORE_FILE_MAX + 1] = "";
	uint64_t commit;
	size_t n;

	if (REC_HAS(&j->ctl, ctl_request, name) && !log_name(j->ctl.name, from))
		return err_set(&j->err, ERR_INVALID, "no file of a log has that name");
	/* First, so that the files have it. */
	store_identity(j->be->store, id, &commit);
	if (files == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	if (store_copy_list(j->be->store, what, from, HOLD_S, files, FILES_MAX, &n, &j->err) != 0)
		return -1;
	REC_SET(c, copy_state, engine, str_c(j->be->conf->backend_engine));
	REC_SET(c, copy_state, store, arena_copy(&j->scratch, str_c(id)));
	REC_SET(c, copy_state, commit, (int64_t)commit);
	REC_SET(c, copy_state, time, (int64_t)time(NULL));
	REC_SET(c, copy_state, release, STR_LIT(TANDEM_RELEASE));
	if ((c->files.v = arena_array(&j->scratch, n + 1, sizeof(*c->files.v))) == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	for (c->files.n = 0; c->files.n < n; c->files.n++) {
		struct copied_file *f = &c->files.v[c->files.n];

		REC_SET(f, copied_file, name, str_c(files[c->files.n].name));
		REC_SET(f, copied_file, size, (int64_t)files[c->files.n].size);
	}
	c->has |= REC_BIT(copy_state, files);
	j->ctl_reply->has |= REC_BIT(ctl_reply, copy);
	return 0;
}

int
control_copy_read(struct job *j)
{
	char name[STORE_FILE_MAX + 1], *to = arena_alloc(&j->scratch, STORE_READ_MAX);
	int64_t n;

	if (!REC_HAS(&j->ctl, ctl_request, name) || !log_name(j->ctl.name, name))
		return err_set(&j->err, ERR_INVALID, "no such part of a copy");
	if (to == NULL)
		return err_set(&j->err, ERR_TOO_LARGE, NULL);
	n = store_copy_read(
	    j->be->store, name, (uint64_t)j->ctl.at, to, STORE_READ_MAX, HOLD_S, &j->err);
	if (n < 0)
		return -1;
	REC_SET(j->ctl_reply, ctl_reply, bytes, ((struct str){to, (size_t)n}));
	return 0;
}
