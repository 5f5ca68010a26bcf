/* SPDX-License-Identifier: ISC */
#include "backend/answer.h"

#include <string.h>

#include "backend/backend.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/sink.h"

static void
count(struct job *j, int64_t us)
{
	struct res_count *n = &j->be->counts[j->res - all_resources];
	int status = err_status(j->err.code);
	bool fault = err_is_fault(j->err.code);

	n->calls++;
	n->microseconds += us;
	if (us > n->longest)
		n->longest = us;
	if (fault)
		n->errors++;
	else if (status >= 400)
		n->refused++;
}

static void
write_log(struct job *j, int64_t us)
{
	struct log_line l;
	bool fault = err_is_fault(j->err.code);

	if (!log_wanted(fault ? LOG_WARN_ : LOG_INFO_))
		return;
	log_begin(&l, fault ? LOG_WARN_ : LOG_INFO_, "request");
	log_str(&l, "id", REC_HAS(&j->req, request, trace) ? j->req.trace : str_c("-"));
	log_str(&l, "resource", str_c(j->res != NULL ? j->res->id : "-"));
	log_str(&l, "method", str_c(res_method_name((enum method)j->req.method)));
	log_str(&l, "user", j->who.id != 0 ? j->who.user.user_name : str_c("-"));
	log_str(&l, "result", str_c(err_name(j->err.code)));
	if (fault)
		log_str(&l, "text", str_c(err_text(&j->err)));
	log_num(&l, "us", us);
	log_end(&l);
}

int
answer_send(struct job *j)
{
	int64_t path[ERR_PATH_MAX], us = clock_us() - j->arrived_us;
	struct reply r = {0};
	struct buf out;
	int rc = -1;

	REC_SET(&r, reply, id, j->req.id);
	REC_SET(&r, reply, code, j->err.code);
	if (j->err.code != ERR_OK) {
		if (j->err.text[0] != '\0')
			REC_SET(&r, reply, message, str_c(j->err.text));
		r.path = (struct int_list){path, 0};
		for (; r.path.n < j->err.depth && r.path.n < ERR_PATH_MAX; r.path.n++)
			path[r.path.n] = j->err.path[r.path.n];
		r.has |= REC_BIT(reply, path);
		if (j->retry_after > 0)
			REC_SET(&r, reply, retry_after, j->retry_after);
	} else {
		if (j->replayed)
			REC_SET(&r, reply, replayed, true);
		if (j->body.n > 0)
			REC_SET(&r, reply, body, buf_str(&j->body));
		if (j->more)
			REC_SET(&r, reply, more, true);
		if (j->current)
			REC_SET(&r, reply, current, true);
		if (j->location.n > 0)
			REC_SET(&r, reply, location, j->location);
	}
	if (j->tagged && (j->err.code == ERR_OK || j->err.code == ERR_NOT_MODIFIED))
		REC_SET(&r, reply, etag, ((struct str){(char *)j->tag, sizeof(j->tag)}));
	buf_init(&out, IPC_MESSAGE_MAX);
	env_write(&out, ENV_REPLY, &r);
	if (!out.failed)
		rc = ipc_server_send(j->via, &j->peer, buf_str(&out));
	buf_wipe(&out);
	if (!j->streaming) {
		if (j->res != NULL)
			count(j, us);
		write_log(j, us);
	}
	return rc;
}

int
answer_session(struct job *j, struct str signature)
{
	struct buf token, text;
	struct session s = {0};

	buf_init(&token, AUTH_PAYLOAD_MAX + AUTH_SIGNATURE_LEN);
	buf_init(&text, 2 * (AUTH_PAYLOAD_MAX + AUTH_SIGNATURE_LEN));
	cap_write(&j->sign, &token);
	buf_addstr(&token, signature);
	cap_text(buf_str(&token), &text);
	REC_SET(&s, session, token, buf_str(&text));
	REC_SET(&s, session, expires_in, (j->sign.expires - j->sign.issued) / 1000);
	REC_SET(&s, session, user_name, j->who.user.user_name);
	buf_reset(&j->body);
	mp_encode(&rec_session, &s, &j->body, 0);
	buf_wipe(&token);
	buf_wipe(&text);
	return j->body.failed || token.failed ? -1 : 0;
}
