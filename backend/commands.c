/* SPDX-License-Identifier: ISC */
#include "backend/commands.h"

#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "common/clock.h"
#include "common/log.h"

/* An answer has to reach the client before the gateway gives up. */
enum { ANSWER_US = 200 * 1000, WATCHES_MAX = 256, LINE_MAX_ = 1024 };

/* One command of a job. Its job is NULL when the place is free. */
struct pending {
	struct job *job;
	int64_t id;
	struct feed_command words; /* texts are the job's */
	const char *source;        /* the feeds' own text */
};

/* A conference that should change. */
struct watch {
	bool used;
	const char *source;
	char key[FEED_KEY_MAX + 1];
	size_t key_n;
	int64_t since_us; /* the command's, or 0 = the switch has not yet taken it */
	int64_t id;
};

struct commands {
	struct feeds *feeds;
	commands_done_fn *done;
	int64_t next_id;
	struct pending v[COMMANDS_MAX];
	size_t n; /* places in use or used before */
	struct watch w[WATCHES_MAX];
};

static void on_greeted(void *arg, const char *source, bool same_epoch);
static void on_stored(void *arg, const char *source, const struct feed_message *msg);
static void on_result(void *arg, const char *source, const struct feed_result *r);

struct commands *
commands_new(struct feeds *f, commands_done_fn *done)
{
	struct commands *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->feeds = f;
	c->done = done;
	/* Not used by a backend before this one, whose ids a feed may remember. */
	c->next_id = clock_wall_ms() << 20;
	feeds_watch(f,
	    &(struct feeds_watch){
	        .arg = c, .greeted = on_greeted, .stored = on_stored, .result = on_result});
	return c;
}

/* The last command of a job takes it along. */
static bool
is_last(const struct commands *c, const struct job *j)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].job == j)
			return false;
	return true;
}

void
commands_free(struct commands *c)
{
	if (c == NULL)
		return;
	feeds_watch(c->feeds, &(struct feeds_watch){.arg = NULL});
	for (size_t i = 0; i < c->n; i++) {
		struct job *j = c->v[i].job;

		c->v[i].job = NULL;
		if (j != NULL && is_last(c, j))
			job_free(j);
	}
	free(c);
}

static void
add_text(struct job *j, struct str text)
{
	struct str old = j->commanded.text;
	char *p;

	if (text.n == 0 || old.n + text.n + 2 > COMMAND_TEXT_MAX)
		return;
	if ((p = arena_alloc(&j->arena, old.n + text.n + 2)) == NULL)
		return;
	if (old.n > 0)
		memcpy(p, old.p, old.n);
	memcpy(p + old.n, text.p, text.n);
	j->commanded.text = (struct str){p, old.n + text.n};
	if (text.p[text.n - 1] != '\n')
		p[j->commanded.text.n++] = '\n';
}

/* The worst of a job's commands is what is told. */
static void
ended(struct commands *c, struct pending *p, enum command_end end, int64_t code, struct str text)
{
	struct job *j = p->job;

	p->job = NULL;
	if (end > j->commanded.end) {
		j->commanded.end = end;
		j->commanded.code = code;
	}
	add_text(j, text);
	if (is_last(c, j))
		c->done(j);
}

static int64_t
give_up_us(const struct job *j)
{
	return j->overdue_us - ANSWER_US;
}

static void
send_now(struct commands *c, struct pending *p)
{
	int64_t left = (give_up_us(p->job) - clock_us()) / 1000;

	REC_SET(&p->words, feed_command, deadline, left > 0 ? left : 0);
	if (left <= 0)
		ended(c, p, COMMAND_LATE, 0, (struct str){"", 0});
	else if (feeds_command(c->feeds, p->source, &p->words) != 0)
		ended(c, p, COMMAND_AWAY, 0, (struct str){"", 0});
}

static void
watch_begin(struct commands *c, const struct pending *p)
{
	struct watch *w = NULL;

	for (size_t i = 0; i < WATCHES_MAX && w == NULL; i++)
		if (!c->w[i].used)
			w = &c->w[i];
	/* The switch tells all the same; this is for when it does not. */
	if (w == NULL || !p->job->command.shows || !REC_HAS(&p->words, feed_command, key) ||
	    p->words.key.n > FEED_KEY_MAX)
		return;
	*w = (struct watch){.used = true, .source = p->source, .id = p->id};
	memcpy(w->key, p->words.key.p, p->words.key.n);
	w->key_n = p->words.key.n;
}

static struct pending *
place(struct commands *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].job == NULL)
			return &c->v[i];
	return c->n < COMMANDS_MAX ? &c->v[c->n++] : NULL;
}

static size_t
room_left(const struct commands *c)
{
	size_t used = 0;

	for (size_t i = 0; i < c->n; i++)
		used += c->v[i].job != NULL;
	return COMMANDS_MAX - used;
}

int
commands_start(struct commands *c, struct job *j)
{
	const struct command *cmd = &j->command;
	size_t n = cmd->members.n > 0 ? cmd->members.n : 1;
	struct pending *mine[COMMAND_MEMBERS_MAX];
	bool lacks;
	const char *source = feeds_find(c->feeds, cmd->source, (int)cmd->words.verb, &lacks);

	if (n > COMMAND_MEMBERS_MAX || n > room_left(c))
		return -1;
	j->was_commanded = true;
	j->commanded = (struct commanded){.text = {"", 0}};
	if (source == NULL) {
		j->commanded.end = lacks ? COMMAND_LACKS : COMMAND_AWAY;
		c->done(j);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct pending *p = mine[i] = place(c);

		*p = (struct pending){.job = j, .id = ++c->next_id, .words = cmd->words, .source = source};
		REC_SET(&p->words, feed_command, id, p->id);
		if (cmd->members.n > 0)
			REC_SET(&p->words, feed_command, member, cmd->members.v[i]);
		watch_begin(c, p);
	}
	/* The last one may end the job. */
	for (size_t i = 0; i < n; i++)
		send_now(c, mine[i]);
	return 0;
}

/* What a feed was told before the connection broke it may not have heard; its id says whether it
 * has. A feed in another life does not remember. */
static void
on_greeted(void *arg, const char *source, bool same_epoch)
{
	struct commands *c = arg;

	for (size_t i = 0; i < c->n; i++) {
		struct pending *p = &c->v[i];

		if (p->job == NULL || strcmp(p->source, source) != 0)
			continue;
		if (same_epoch)
			send_now(c, p);
		else
			ended(c, p, COMMAND_AWAY, 0, (struct str){"", 0});
	}
}

static void
on_stored(void *arg, const char *source, const struct feed_message *msg)
{
	struct commands *c = arg;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *w = &c->w[i];

		/* A list of everything has said how it is. */
		if (w->used && strcmp(w->source, source) == 0 &&
		    (msg->kind == feed_kind_SNAPSHOT_END ||
		        (REC_HAS(msg, feed_message, key) &&
		            str_eq(msg->key, (struct str){w->key, w->key_n}))))
			w->used = false;
	}
}

static void
watch_result(struct commands *c, int64_t id, bool ok)
{
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *w = &c->w[i];

		if (w->used && w->id == id) {
			w->used = ok;
			w->since_us = clock_us();
		}
	}
}

static void
on_result(void *arg, const char *source, const struct feed_result *r)
{
	struct commands *c = arg;

	for (size_t i = 0; i < c->n; i++) {
		struct pending *p = &c->v[i];

		/* Only the one that was asked can answer, and once. */
		if (p->job == NULL || p->id != r->id || strcmp(p->source, source) != 0)
			continue;
		watch_result(c, r->id, r->ok);
		ended(c, p, r->ok ? COMMAND_DONE : COMMAND_WRONG,
		    REC_HAS(r, feed_result, code) ? r->code : 0,
		    REC_HAS(r, feed_result, text) ? r->text : (struct str){"", 0});
		return;
	}
}

static int64_t
due_us(const struct watch *w)
{
	return w->used && w->since_us != 0 ? w->since_us + COMMAND_SHOWS_US : INT64_MAX;
}

int
commands_wait(const struct commands *c, int max)
{
	int64_t next = INT64_MAX, now = clock_us();

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].job != NULL && give_up_us(c->v[i].job) < next)
			next = give_up_us(c->v[i].job);
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (due_us(&c->w[i]) < next)
			next = due_us(&c->w[i]);
	if (next <= now)
		return 0;
	return (next - now) / 1000 + 1 < max ? (int)((next - now) / 1000) + 1 : max;
}

static void
ask_again(struct commands *c, struct watch *w)
{
	struct feed_command cmd = {0};

	w->used = false;
	REC_SET(&cmd, feed_command, id, ++c->next_id);
	REC_SET(&cmd, feed_command, deadline, 10000);
	REC_SET(&cmd, feed_command, verb, feed_verb_RESYNC);
	REC_SET(&cmd, feed_command, key, ((struct str){w->key, w->key_n}));
	log_event(LOG_INFO_, "command", "%s says nothing of what it was told: asked again", w->source);
	feeds_command(c->feeds, w->source, &cmd);
}

void
commands_expire(struct commands *c)
{
	int64_t now = clock_us();

	for (size_t i = 0; i < c->n; i++) {
		struct pending *p = &c->v[i];

		if (p->job != NULL && give_up_us(p->job) <= now) {
			/* It may have been carried out all the same. */
			watch_result(c, p->id, true);
			ended(c, p, COMMAND_LATE, 0, (struct str){"", 0});
		}
	}
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (due_us(&c->w[i]) <= now)
			ask_again(c, &c->w[i]);
}
