/* SPDX-License-Identifier: ISC */

/*
 * A backend that knows nothing and does as it is told, for what no real one does to a gateway
 * (test_gateway_faults.c):
 *
 *   fake_backend ENDPOINT [major [certificate directory]]
 *
 * Query parameters of a request say what it is to be answered:
 *   code=N      error N of the error table, about the field rings[1].number
 *   retry=N     with N seconds of Retry-After
 *   silent      nothing at all
 *   garbage     a body that is no record
 *   twice       the same answer two times
 *   parts=N     a list in N parts, each on credit
 *   items=N     with N items in each part (default 1)
 *   failing     the last part is an error
 *   broken      the last part is no record
 *   stuck       the last part never comes
 * What it is asked goes to standard output, a line each; credits too.
 */

#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/records.h"
#include "common/res.h"
#include "common/sink.h"
#include "ipc/env.h"
#include "ipc/server.h"

struct job {
	bool used, failing, broken, stuck;
	int64_t id, parts, items, credit, sent;
	struct ipc_peer peer;
};

static struct job jobs[64];
static struct ipc_server *server;
static volatile sig_atomic_t stop;
static int major = ENV_MAJOR;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void
send_record(const struct ipc_peer *to, enum env_type type, const void *obj)
{
	struct buf b;

	buf_init(&b, IPC_MESSAGE_MAX);
	env_write(&b, type, obj);
	if (ipc_server_send(server, to, buf_str(&b)) != 0)
		printf("not sent\n");
	buf_free(&b);
}

static const struct query *
find(const struct request *r, const char *name)
{
	for (size_t i = 0; REC_HAS(r, request, query) && i < r->query.n; i++)
		if (str_eqc(r->query.v[i].name, name))
			return &r->query.v[i];
	return NULL;
}

static int64_t
number(const struct request *r, const char *name, int64_t other)
{
	const struct query *q = find(r, name);
	int64_t v;

	return q != NULL && str_to_i64(q->value, &v) ? v : other;
}

static void
put_schedule(struct buf *b, int64_t id)
{
	struct period p = {0};
	struct schedule s = {0};
	char name[32];

	snprintf(name, sizeof(name), "Schedule %" PRId64, id);
	REC_SET(&p, period, scheduled_day, -1);
	REC_SET(&p.start, clock_time, hrs, 9);
	REC_SET(&p.start, clock_time, min, 0);
	REC_SET(&p.end, clock_time, hrs, 18);
	REC_SET(&p.end, clock_time, min, 30);
	p.has |= REC_BIT(period, start) | REC_BIT(period, end);
	REC_SET(&s, schedule, schedule_id, id);
	REC_SET(&s, schedule, name, str_c(name));
	REC_SET(&s, schedule, periods, ((struct period_list){&p, 1}));
	mp_encode(&rec_schedule, &s, b, 0);
}

static void
put_forward(struct buf *b)
{
	struct plain_ring ring = {0};
	struct forward f = {0};

	REC_SET(&ring, plain_ring, expiration, 30);
	REC_SET(&ring, plain_ring, type, ring_type_NO_RESPONSE);
	REC_SET(&ring, plain_ring, enabled, true);
	REC_SET(&ring, plain_ring, number, STR_LIT("5550100"));
	REC_SET(&f, forward, rings, ((struct plain_ring_list){&ring, 1}));
	REC_SET(&f, forward, expiration, 20);
	REC_SET(&f, forward, with_voicemail, true);
	mp_encode(&rec_forward, &f, b, 0);
}

static void
put_body(const struct request *r, struct buf *b)
{
	struct session s = {0};
	struct callfwd c = {0};
	struct contact k = {0};

	switch ((enum res_id)r->res) {
	case RES_FORWARD:
		put_forward(b);
		break;
	case RES_CALLFWD:
		REC_SET(&c, callfwd, expiration, 20);
		REC_SET(&c, callfwd, rings, ((struct ring_list){NULL, 0}));
		mp_encode(&rec_callfwd, &c, b, 0);
		break;
	case RES_CALLFWDSCHED:
	case RES_CALLFWDSCHED_ID:
		put_schedule(b, 7);
		break;
	case RES_CONTACT_INFORMATION:
		REC_SET(&k, contact, first_name, STR_LIT("Ada <\"&>"));
		mp_encode(&rec_contact, &k, b, 0);
		break;
	case RES_SESSION:
		REC_SET(&s, session, token, STR_LIT("VE9LRU4"));
		REC_SET(&s, session, expires_in, 43200);
		REC_SET(&s, session, user_name, STR_LIT("1001"));
		mp_encode(&rec_session, &s, b, 0);
		break;
	default:
		break;
	}
}

static void
send_part(struct job *j)
{
	bool last = j->sent + 1 == j->parts;
	struct reply reply = {0};
	struct buf b;

	if (last && j->stuck)
		return;
	buf_init(&b, IPC_MESSAGE_MAX);
	for (int64_t i = 0; i < j->items; i++)
		put_schedule(&b, j->sent * j->items + i + 1);
	if (last && j->broken)
		buf_adds(&b, "\xc1");
	REC_SET(&reply, reply, id, j->id);
	REC_SET(&reply, reply, code, last && j->failing ? ERR_INTERNAL : ERR_OK);
	REC_SET(&reply, reply, body, buf_str(&b));
	if (!last)
		REC_SET(&reply, reply, more, true);
	send_record(&j->peer, ENV_REPLY, &reply);
	buf_free(&b);
	j->sent++;
	j->used = !last;
}

static void
start_job(const struct ipc_peer *from, const struct request *r)
{
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		if (jobs[i].used)
			continue;
		jobs[i] = (struct job){.used = true,
		    .failing = find(r, "failing") != NULL,
		    .broken = find(r, "broken") != NULL,
		    .stuck = find(r, "stuck") != NULL,
		    .id = r->id,
		    .parts = number(r, "parts", 1),
		    .items = number(r, "items", 1),
		    .peer = *from};
		send_part(&jobs[i]);
		return;
	}
}

static void
take_request(const struct ipc_peer *from, const struct request *r)
{
	static const int64_t path[] = {1, -2, 4};
	int64_t code = number(r, "code", ERR_OK);
	struct reply reply = {0};
	struct buf b;

	printf("request res=%" PRId64 " method=%" PRId64 " key=%.*s user=%.*s cap=%zu body=%zu "
	       "deadline=%" PRId64 "\n",
	    r->res, r->method, (int)r->key.n, r->key.p, (int)r->cred.user.n, r->cred.user.p, r->cap.n,
	    r->body.n, r->deadline);
	if (find(r, "silent") != NULL)
		return;
	if (find(r, "parts") != NULL) {
		start_job(from, r);
		return;
	}
	buf_init(&b, IPC_MESSAGE_MAX);
	REC_SET(&reply, reply, id, r->id);
	REC_SET(&reply, reply, code, code);
	if (code != ERR_OK) {
		REC_SET(&reply, reply, message, STR_LIT("as told"));
		REC_SET(&reply, reply, path, ((struct int_list){(int64_t *)(uintptr_t)path, 3}));
	} else if (find(r, "garbage") != NULL) {
		buf_adds(&b, "\xdf\xff\xff\xff\xff garbage");
	} else if (r->method == M_GET || r->res == RES_SESSION) {
		put_body(r, &b);
	}
	if (b.n > 0)
		REC_SET(&reply, reply, body, buf_str(&b));
	if (find(r, "retry") != NULL)
		REC_SET(&reply, reply, retry_after, number(r, "retry", 0));
	send_record(from, ENV_REPLY, &reply);
	if (find(r, "twice") != NULL)
		send_record(from, ENV_REPLY, &reply);
	buf_free(&b);
}

static void
take_credit(const struct credit *c)
{
	printf("credit parts=%" PRId64 "\n", c->parts);
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		struct job *j = &jobs[i];

		if (!j->used || j->id != c->id)
			continue;
		if (c->parts == 0)
			j->used = false;
		for (int64_t k = 0; k < c->parts && j->used; k++)
			send_part(j);
		return;
	}
}

static void
take_frame(const struct ipc_peer *from, struct str frame)
{
	unsigned char tables[8];
	struct request r = {0};
	struct credit c = {0};
	struct arena a;
	struct hello h;
	struct err e;

	arena_init(&a, 8 * 1024 * 1024);
	err_clear(&e);
	switch (env_type(frame)) {
	case ENV_HELLO:
		env_hello(&h, tables, "fake");
		REC_SET(&h, hello, major, major);
		REC_SET(&h, hello, realm, STR_LIT("fake.example"));
		send_record(from, ENV_HELLO, &h);
		printf("hello\n");
		break;
	case ENV_REQUEST:
		if (env_read(frame, ENV_REQUEST, &r, &a, &e) == 0)
			take_request(from, &r);
		else
			printf("bad request: %s\n", err_text(&e));
		break;
	case ENV_CREDIT:
		if (env_read(frame, ENV_CREDIT, &c, &a, &e) == 0)
			take_credit(&c);
		break;
	default:
		printf("bad frame\n");
	}
	arena_wipe(&a);
}

int
main(int argc, char **argv)
{
	struct ipc_server_conf conf = {.mode = 0666, .group = (gid_t)-1, .queue = 4096};
	const struct passwd *gateway = getpwnam("tandem-gateway");
	const uid_t uids[] = {0, geteuid(), gateway != NULL ? gateway->pw_uid : geteuid()};
	struct sigaction sa = {.sa_handler = on_signal};
	struct ipc_peer from;
	struct str frame;
	struct err e;
	bool ready;

	if (argc < 2)
		return 2;
	if (argc > 2)
		major = atoi(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGTERM, &sa, NULL);
	conf.endpoint = argv[1];
	conf.uids = uids;
	conf.uid_count = 3;
	if (argc > 4) {
		conf.cert_file = argv[3];
		conf.allow_dir = argv[4];
	}
	err_clear(&e);
	if (ipc_server_new(&server, &conf, &e) != 0) {
		fprintf(stderr, "%s\n", err_text(&e));
		return 1;
	}
	while (!stop && ipc_wait(&server, &ready, 1, NULL, 0, 1000, &e) >= 0)
		while (ipc_server_recv(server, &from, &frame) == 1)
			take_frame(&from, frame);
	ipc_server_free(server);
	return 0;
}
