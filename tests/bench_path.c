/* SPDX-License-Identifier: ISC */
/*
 * Everything that one request costs in our own code, without sockets: the
 * gateway's reading and writing of documents and messages, the backend's
 * proof of who asks, and the handler on a real store. For counting
 * instructions: run it under callgrind with two counts and take the difference.
 *   bench_path get-json|get-xml|put-json|put-xml COUNT DIR
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/job.h"
#include "common/mp.h"
#include "common/sink.h"
#include "common/text.h"
#include "common/tree.h"
#include "tests/path_rig.h"

static const char put_json[] = "{\"expiration\":20,\"rings\":[{\"expiration\":30,\"type\":\"If no "
                               "response\",\"enabled\":true,\"number\":\"5551212\"}]}";
static const char put_xml[] =
    "<callsequence><rings><ring><expiration>30</expiration><type>If no response</type>"
    "<enabled>true</enabled><number>5551212</number></ring></rings><expiration>20</expiration>"
    "</callsequence>";

/* What the gateway does before it sends. */
static void
make_request(const struct res *res, enum format fmt, bool put, struct str token, struct buf *frame)
{
	struct arena a;
	struct err e = {0};
	struct request q = {0};
	struct callfwd doc;
	struct buf body;
	struct res_keys keys;
	struct str text = fmt == FMT_JSON ? str_c(put_json) : str_c(put_xml);

	arena_init(&a, 8 << 20);
	buf_init(&body, 1 << 20);
	if (res_match(STR_LIT("/sipxconfig/rest/my/callfwd"), &keys, &a, &e) != res)
		path_must(-1, "match", &e);
	if (put) {
		path_must(text_read(res, fmt, text, &doc, &a, &e), "read", &e);
		path_must(rec_validate(res->record, &doc, true, &e), "validate", &e);
		mp_encode(res->record, &doc, &body, ENCODE_SECRETS);
		REC_SET(&q, request, body, buf_str(&body));
	}
	REC_SET(&q, request, id, 1);
	REC_SET(&q, request, deadline, 5000);
	REC_SET(&q, request, res, res->number);
	REC_SET(&q, request, method, put ? M_PUT : M_GET);
	REC_SET(&q, request, cap, token);
	REC_SET(&q, request, trace, STR_LIT("0123456789abcdef"));
	env_write(frame, ENV_REQUEST, &q);
	buf_free(&body);
	arena_wipe(&a);
}

/* What the gateway does with the answer. */
static void
write_answer(const struct res *res, enum format fmt, struct str frame)
{
	struct arena a;
	struct err e = {0};
	struct reply r;
	struct callfwd doc;
	struct buf out;

	arena_init(&a, 8 << 20);
	buf_init(&out, 1 << 20);
	path_must(env_read(frame, ENV_REPLY, &r, &a, &e), "reply", &e);
	path_must(mp_decode(res->record, &doc, r.body, DECODE_ALL, &a, &e), "document", &e);
	text_write(res, fmt, &doc, &out);
	buf_free(&out);
	arena_wipe(&a);
}

static void
one(struct backend *be, const struct res *res, enum format fmt, bool put, struct str token)
{
	struct buf frame, answer;
	struct job *j;
	struct reply r = {0};

	buf_init(&frame, IPC_MESSAGE_MAX);
	buf_init(&answer, IPC_MESSAGE_MAX);
	make_request(res, fmt, put, token, &frame);
	j = path_run(be, res, buf_str(&frame));
	path_must(j->err.code == ERR_OK ? 0 : -1, "job", &j->err);
	REC_SET(&r, reply, id, 1);
	REC_SET(&r, reply, code, 0);
	if (j->body.n > 0)
		REC_SET(&r, reply, body, buf_str(&j->body));
	if (j->tagged)
		REC_SET(&r, reply, etag, ((struct str){(char *)j->tag, sizeof(j->tag)}));
	env_write(&answer, ENV_REPLY, &r);
	if (!put)
		write_answer(res, fmt, buf_str(&answer));
	job_free(j);
	buf_free(&frame);
	buf_free(&answer);
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	static struct backend be = {.conf = &conf};
	const struct res *res = res_by_number(RES_CALLFWD);
	struct buf token;
	bool put;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_path get-json|get-xml|put-json|put-xml COUNT DIR\n");
		return 2;
	}
	put = strncmp(argv[1], "put", 3) == 0;
	text_init();
	path_start(&be, argv[3]);
	path_add_user(&be, 1, "4410");
	path_token(1, &token);
	for (long i = strtol(argv[2], NULL, 10); i > 0; i--)
		one(&be, res, strstr(argv[1], "json") != NULL ? FMT_JSON : FMT_XML, put, buf_str(&token));
	path_stop(&be);
	buf_free(&token);
	return 0;
}
