/* SPDX-License-Identifier: ISC */
/*
 * What a request costs in the backend for something of another user's, and for
 * something that does not exist: whoever counts or times must not learn from it
 * which of both it was. To be run under callgrind, which writes a file for each
 * case; tests/bench/ids.sh compares them.
 *   bench_ids DIR
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <valgrind/callgrind.h>

#include "backend/job.h"
#include "backend/rooms.h"
#include "common/mp.h"
#include "common/sink.h"
#include "tests/path_rig.h"

enum { CALLER = 1, OTHER = 2, FIRST = 1001, ITEMS = 300, WARM_UP = 20, COUNT = 200 };

/* Every third number is the caller's, the next another user's, the next nobody's: they lie among
 * each other, so that the same pages of the store are searched for them. */
enum class { OWN, FOREIGN, UNKNOWN, CLASSES };

static const char *const class_names[CLASSES] = {"own", "foreign", "unknown"};

static const struct one_case {
	const char *name;
	enum res_id row;
	enum method m;
	const char *key; /* of the path; the number follows */
	enum err_code foreign, unknown;
	bool told; /* the reference's statuses tell them apart, and so may the cost */
} cases[] = {
    {"schedule-GET", RES_CALLFWDSCHED_ID, M_GET, "", ERR_FORBIDDEN, ERR_NOT_FOUND, .told = false},
    {"schedule-PUT", RES_CALLFWDSCHED_ID, M_PUT, "", ERR_FORBIDDEN, ERR_NOT_FOUND, .told = false},
    {"schedule-DELETE", RES_CALLFWDSCHED_ID, M_DELETE, "", ERR_FORBIDDEN, ERR_NOT_FOUND,
        .told = false},
    {"conference-GET", RES_CONFERENCE, M_GET, "room-", ERR_FORBIDDEN, ERR_NOT_FOUND, .told = true},
    {"conference-PUT", RES_CONFERENCE, M_PUT, "room-", ERR_FORBIDDEN, ERR_NOT_FOUND, .told = true},
    {"greeting-PUT", RES_ACTIVEGREETING, M_PUT, "user-", ERR_FORBIDDEN, ERR_FORBIDDEN,
        .told = false},
    {"entry-GET", RES_PHONEBOOK_ENTRY, M_GET, "", ERR_NOT_FOUND, ERR_NOT_FOUND, .told = false},
    {"entry-PUT", RES_PHONEBOOK_ENTRY, M_PUT, "", ERR_NOT_FOUND, ERR_NOT_FOUND, .told = false},
};

static enum class class_of(int number) { return (enum class)(number % CLASSES); }

static void
make_schedule(int id, struct schedule *s)
{
	static struct period p;
	static char name[32];

	snprintf(name, sizeof(name), "Shift %d", id);
	memset(s, 0, sizeof(*s));
	REC_SET(s, schedule, name, str_c(name));
	REC_SET(&p, period, scheduled_day, 0);
	REC_SET(&p.start, clock_time, hrs, 1);
	REC_SET(&p.start, clock_time, min, 0);
	REC_SET(&p.end, clock_time, hrs, 2);
	REC_SET(&p.end, clock_time, min, 0);
	p.has |= REC_BIT(period, start) | REC_BIT(period, end);
	s->periods.v = &p;
	s->periods.n = 1;
	s->has |= REC_BIT(schedule, periods);
}

static uint32_t
owner_of(int id)
{
	return class_of(id) == OWN ? CALLER : OTHER;
}

static int
put_schedule(struct model *m, void *arg)
{
	int id = *(int *)arg;
	struct schedule s;

	make_schedule(id, &s);
	return model_item_index(m, &rec_schedule, (uint64_t)id, owner_of(id)) != 0
	    ? -1
	    : model_put(m, &rec_schedule, owner_of(id), (uint64_t)id, &s);
}

static void
make_entry(int id, struct entry *e)
{
	static char number[16];

	snprintf(number, sizeof(number), "%d", id);
	memset(e, 0, sizeof(*e));
	REC_SET(e, entry, first_name, STR_LIT("Dee"));
	REC_SET(e, entry, last_name, STR_LIT("Fox"));
	REC_SET(e, entry, number, str_c(number));
}

static int
put_entry(struct model *m, void *arg)
{
	int id = *(int *)arg;
	struct entry e;

	make_entry(id, &e);
	return model_put(m, &rec_entry, owner_of(id), (uint64_t)id, &e);
}

static int
put_room(struct model *m, void *arg)
{
	int id = *(int *)arg;
	struct room room = {0};
	char name[32];

	snprintf(name, sizeof(name), "room-%d", id);
	REC_SET(&room, room, name, str_c(name));
	rec_defaults(&rec_room, &room);
	return room_put(m, owner_of(id), (uint64_t)id, NULL, &room);
}

static void
fill(struct backend *be)
{
	char name[32];

	path_add_user(be, CALLER, "4410");
	path_add_user(be, OTHER, "4420");
	for (int id = FIRST; id < FIRST + ITEMS; id++) {
		if (class_of(id) == UNKNOWN)
			continue;
		path_write(be, put_schedule, &id);
		path_write(be, put_room, &id);
		path_write(be, put_entry, &id);
		snprintf(name, sizeof(name), "user-%d", id);
		path_add_user(be, (uint32_t)id, name);
	}
}

/* The document of a PUT, as the gateway sends it. */
static void
add_document(const struct one_case *c, struct request *q, struct buf *body)
{
	struct schedule s;
	struct room room = {0};
	struct entry e;

	if (c->m != M_PUT || c->row == RES_ACTIVEGREETING)
		return;
	buf_reset(body);
	make_schedule(FIRST, &s);
	make_entry(FIRST, &e);
	REC_SET(&room, room, max_members, 12);
	if (c->row == RES_CONFERENCE)
		mp_encode(&rec_room, &room, body, ENCODE_SECRETS);
	else if (c->row == RES_PHONEBOOK_ENTRY)
		mp_encode(&rec_entry, &e, body, ENCODE_SECRETS);
	else
		mp_encode(&rec_schedule, &s, body, ENCODE_SECRETS);
	REC_SET(q, request, body, buf_str(body));
}

static void
one(struct backend *be, const struct one_case *c, int id, struct str token)
{
	enum err_code want = class_of(id) == FOREIGN ? c->foreign : c->unknown;
	struct request q = {0};
	struct buf frame, body;
	struct job *j;
	char key[32];

	snprintf(key, sizeof(key), "%s%d", c->key, id);
	buf_init(&frame, IPC_MESSAGE_MAX);
	buf_init(&body, 1 << 16);
	add_document(c, &q, &body);
	REC_SET(&q, request, id, 1);
	REC_SET(&q, request, deadline, 5000);
	REC_SET(&q, request, res, c->row);
	REC_SET(&q, request, method, c->m);
	REC_SET(&q, request, key, str_c(key));
	if (c->row == RES_ACTIVEGREETING)
		REC_SET(&q, request, key2, STR_LIT("none"));
	REC_SET(&q, request, cap, token);
	env_write(&frame, ENV_REQUEST, &q);
	j = path_run(be, res_by_number(c->row), buf_str(&frame));
	if (j->err.code != want) {
		fprintf(stderr, "bench_ids: %s of %s: %s\n", c->name, key, err_text(&j->err));
		exit(1);
	}
	job_free(j);
	buf_free(&body);
	buf_free(&frame);
}

/* So many requests for things of the class, all of them equally often. */
static void
several(struct backend *be, const struct one_case *c, enum class class, int count, struct str token)
{
	int id = FIRST;

	while (count > 0) {
		id = id + 1 < FIRST + ITEMS ? id + 1 : FIRST;
		if (class_of(id) == class) {
			one(be, c, id, token);
			count--;
		}
	}
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	static struct backend be = {.conf = &conf};
	struct buf token;
	char label[64];

	if (argc != 2) {
		fprintf(stderr, "usage: bench_ids DIR\n");
		return 2;
	}
	path_start(&be, argv[1]);
	fill(&be);
	/* The mark of what was filled in is written later, by a thread whose instructions count as
	 * well. */
	sleep(1);
	path_token(CALLER, &token);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (enum class class = FOREIGN; class <= UNKNOWN; class ++) {
			several(&be, &cases[i], class, WARM_UP, buf_str(&token));
			/* Zeroing would leave what other threads have cost since the start. */
			CALLGRIND_DUMP_STATS_AT("before");
			several(&be, &cases[i], class, COUNT, buf_str(&token));
			snprintf(label, sizeof(label), "%s %d %s %d %s", cases[i].name, COUNT,
			    class_names[class],
			    err_status(class == FOREIGN ? cases[i].foreign : cases[i].unknown),
			    cases[i].told ? "told" : "same");
			CALLGRIND_DUMP_STATS_AT(label);
		}
	path_stop(&be);
	buf_free(&token);
	return 0;
}
