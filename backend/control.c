/* SPDX-License-Identifier: ISC */
#include "backend/control.h"

#include <string.h>

#include "backend/audit.h"
#include "common/clock.h"
#include "common/log.h"

enum { CONTROL_OVERDUE_US = 600 * 1000000 };

static void
write_log(struct job *j)
{
	struct log_line l;

	log_begin(&l, LOG_INFO_, "control");
	log_str(&l, "command", str_c(enum_text(&enum_ctl_command, j->ctl.command)));
	if (REC_HAS(&j->ctl, ctl_request, name))
		log_str(&l, "name", j->ctl.name);
	log_str(&l, "result", str_c(err_name(j->err.code)));
	log_num(&l, "us", clock_us() - j->arrived_us);
	log_end(&l);
}

static bool
is_import(const struct job *j)
{
	return j->ctl.command == ctl_command_IMPORT_ENTRIES ||
	    j->ctl.command == ctl_command_IMPORT_USER;
}

/* Whether what was done is not to be kept. */
static bool
is_dry(const struct job *j)
{
	return j->ctl.dry_run && (j->ctl.command == ctl_command_LOAD_COMMIT || is_import(j));
}

/* Part of something long, of which there would be a line for each. */
static bool
is_frequent(const struct job *j)
{
	return j->ctl.command == ctl_command_LOAD_ROWS || j->ctl.command == ctl_command_DUMP ||
	    j->ctl.command == ctl_command_COPY_READ || j->ctl.command == ctl_command_AUDIT ||
	    j->ctl.command == ctl_command_COPY_LOG || is_import(j);
}

void
control_send(struct job *j)
{
	int64_t path[ERR_PATH_MAX];
	struct ctl_reply none = {0}, *r = j->ctl_reply != NULL ? j->ctl_reply : &none;
	struct buf out;

	REC_SET(r, ctl_reply, id, j->ctl.id);
	REC_SET(r, ctl_reply, code, j->err.code);
	if (j->err.code != ERR_OK) {
		REC_SET(r, ctl_reply, message, str_c(err_text(&j->err)));
		r->path = (struct int_list){path, 0};
		for (; r->path.n < j->err.depth && r->path.n < ERR_PATH_MAX; r->path.n++)
			path[r->path.n] = j->err.path[r->path.n];
		r->has |= REC_BIT(ctl_reply, path);
	}
	buf_init(&out, IPC_MESSAGE_MAX);
	env_write(&out, ENV_CTL_REPLY, r);
	if (!out.failed)
		ipc_server_send(j->via, &j->peer, buf_str(&out));
	buf_wipe(&out);
	if (!is_frequent(j))
		write_log(j);
}

void
control_receive(
    struct backend *be, struct ipc_server *s, const struct ipc_peer *from, struct str frame)
{
	struct job *j = job_new(be);

	if (j == NULL)
		return;
	j->control = true;
	j->via = s;
	j->peer = *from;
	j->arrived_us = clock_us();
	j->overdue_us = j->arrived_us + CONTROL_OVERDUE_US;
	frame = arena_copy(&j->arena, frame);
	if (frame.p == NULL || env_read(frame, ENV_CTL_REQUEST, &j->ctl, &j->arena, &j->err) != 0) {
		be->dropped++;
		job_free(j);
		return;
	}
	j->ctl_reply = arena_alloc(&j->arena, sizeof(*j->ctl_reply));
	if (j->ctl_reply == NULL || pool_submit(be->pool, j) != 0) {
		err_set(&j->err, ERR_UNAVAILABLE, NULL);
		control_send(j);
		job_free(j);
	}
}

static struct model
model_of(struct job *j, struct store_txn *t)
{
	return (struct model){.t = t,
	    .a = &j->scratch,
	    .e = &j->err,
	    .tenant = TENANT_DEFAULT,
	    .settings = j->be->settings};
}

static bool
wants_hash(const struct job *j)
{
	return (j->ctl.command == ctl_command_USER_ADD || j->ctl.command == ctl_command_USER_PASSWORD ||
	           j->ctl.command == ctl_command_USER_PIN ||
	           (j->ctl.command == ctl_command_IMPORT_USER && !is_dry(j))) &&
	    REC_HAS(&j->ctl, ctl_request, password) && j->new_hash.p == NULL;
}

static int
write_command(struct job *j, struct model *m)
{
	int rc;

	if (j->ctl.command == ctl_command_USER_PIN || j->ctl.command == ctl_command_USER_SIP_PASSWORD ||
	    j->ctl.command == ctl_command_KEY_MAKE || j->ctl.command == ctl_command_KEY_REVOKE)
		return control_secret_write(j, m);
	if (is_import(j))
		return control_import(j, m);
	if (j->ctl.command == ctl_command_LOAD_COMMIT) {
		rc = load_apply(j, m);
		load_end(j->be);
		return rc;
	}
	return control_user_write(j, m);
}

static int
apply(struct writer_job *w, struct store_txn *t)
{
	struct job *j = (struct job *)(void *)w;
	struct model m = model_of(j, t);
	struct audit_row by = {0};
	struct audit audit;
	int rc;

	REC_SET(&by, audit_row, via, audit_via_TANDEMCTL);
	if (REC_HAS(&j->ctl, ctl_request, operator_name))
		REC_SET(&by, audit_row, by, j->ctl.operator_name);
	REC_SET(&by, audit_row, action, str_c(enum_text(&enum_ctl_command, j->ctl.command)));
	audit_begin(&audit, &m, &j->be->digests, &by);
	if ((rc = write_command(j, &m)) == 0)
		rc = audit_end(&m);
	/* A dry run has done everything but is not kept. */
	return rc == 0 && is_dry(j) ? 1 : rc;
}

static void
applied(struct writer_job *w, bool committed)
{
	struct job *j = (struct job *)(void *)w;

	/* What is kept in memory may have been in the load. */
	if (committed && j->ctl.command == ctl_command_LOAD_COMMIT) {
		struct err e = {0};

		memo_clear(j->be->known.tokens);
		if (settings_now_read(j->be->settings, j->be->store, TENANT_DEFAULT, &e) != 0)
			log_event(LOG_WARN_, "settings", "%s", err_text(&e));
	}
	if (!committed && j->err.code == ERR_OK && !is_dry(j))
		j->err = w->err.code != ERR_OK ? w->err : (struct err){.code = ERR_INTERNAL};
	j->then = NEXT_REPLY;
	pool_return(j->be->pool, j);
}

static void
run_read(struct job *j)
{
	struct store_txn *t;
	struct model m;

	if (store_begin(j->be->store, STORE_READ, &t, &j->err) != 0)
		return;
	m = model_of(j, t);
	if (j->ctl.command == ctl_command_STATUS)
		control_status(j, &m);
	else if (j->ctl.command == ctl_command_USER_LIST)
		control_user_list(j, &m);
	else if (j->ctl.command == ctl_command_EVENTS)
		control_events(j, &m);
	else if (j->ctl.command == ctl_command_AUDIT)
		control_audit(j, &m);
	else if (j->ctl.command == ctl_command_KEY_LIST)
		control_key_list(j, &m);
	else if (j->ctl.command == ctl_command_USER_PIN_VERIFY)
		control_pin_verify(j, &m);
	else
		control_dump(j, &m);
	store_abort(t);
}

bool
control_run(struct job *j)
{
	err_clear(&j->err);
	j->then = NEXT_REPLY;
	switch ((enum ctl_command)j->ctl.command) {
	case ctl_command_STATUS:
	case ctl_command_USER_LIST:
	case ctl_command_DUMP:
	case ctl_command_EVENTS:
	case ctl_command_AUDIT:
	case ctl_command_KEY_LIST:
		run_read(j);
		return true;
	case ctl_command_USER_PIN_VERIFY:
		/* The second time it has been compared. */
		if (!j->proved)
			run_read(j);
		return true;
	case ctl_command_LOAD_ROWS:
		load_keep(j);
		return true;
	case ctl_command_COPY_DATA:
	case ctl_command_COPY_LOG:
		control_copy_list(j);
		return true;
	case ctl_command_COPY_READ:
		control_copy_read(j);
		return true;
	default:
		break;
	}
	if (control_check_secret(j) != 0)
		return true;
	if (wants_hash(j)) {
		j->secret = j->ctl.password;
		j->then = NEXT_HASH;
		return true;
	}
	j->write.apply = apply;
	j->write.done = applied;
	/* An operator must be able to mend things in any case. */
	j->write.frees = !is_import(j) && j->ctl.command != ctl_command_LOAD_COMMIT;
	if (writer_submit(j->be->writer, &j->write) == 0)
		return false;
	err_set(&j->err, ERR_UNAVAILABLE, NULL);
	return true;
}
