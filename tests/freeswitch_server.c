/* SPDX-License-Identifier: ISC */
#include "tests/freeswitch_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "feeds/freeswitch_esl.h"
#include "feeds/freeswitch_pairs.h"
#include "tests/freeswitch_rig.h"
#include "tests/rig.h"

enum { MESSAGES = 2000, COMMANDS = 128, PEERS = 8, OUT = 32 << 20, TURN_MS = 2 };

/* What was recorded, cut up. */
static struct str events[MESSAGES], replies[COMMANDS], commands[COMMANDS];
static size_t event_n, reply_n, command_n;
static struct str greeting, accepted, refusal, subscribed;

struct peer {
	int fd; /* 0 = free */
	bool in, listens, half;
	int at; /* the next event */
	char line[65536];
	size_t n;
	char *out;
	size_t out_n, sent;
};

/* The bytes of one message, found as the feed does not find them. */
static struct str
message_at(struct str stream)
{
	const char *blank = memmem(stream.p, stream.n, "\n\n", 2);
	const char *field = memmem(stream.p, stream.n, "Content-Length: ", 16);
	size_t n;

	if (blank == NULL)
		ck_abort_msg("a recording is not whole");
	n = (size_t)(blank - stream.p) + 2;
	if (field != NULL && field < blank)
		n += (size_t)atol(field + 16);
	return (struct str){stream.p, n};
}

static size_t
cut(struct str stream, struct str *ret, size_t max)
{
	size_t n = 0;

	while (stream.n > 0 && n < max) {
		ret[n] = message_at(stream);
		stream = (struct str){stream.p + ret[n].n, stream.n - ret[n].n};
		n++;
	}
	return n;
}

static void
load(const char *file)
{
	static struct str all[MESSAGES];
	struct str text = recorded("commands.txt"), line;
	size_t n = cut(recorded(file), all, MESSAGES);

	greeting = all[0];
	accepted = all[1];
	subscribed = all[2];
	for (event_n = 0; event_n + 3 < n; event_n++)
		events[event_n] = all[event_n + 3];
	n = cut(recorded("esl-wrongpw.raw.gz"), all, MESSAGES);
	refusal = (struct str){all[1].p, all[1].n + all[2].n};
	n = cut(recorded("esl-cmd.raw.gz"), all, MESSAGES);
	for (reply_n = 0; reply_n + 2 < n; reply_n++)
		replies[reply_n] = all[reply_n + 2];
	for (command_n = 0; text.n > 0; command_n++) {
		str_cut(text, '\n', &line, &text);
		commands[command_n] = line;
	}
	if (command_n != 95 || reply_n < command_n)
		ck_abort_msg("%zu commands, %zu replies", command_n, reply_n);
}

static void
put(struct peer *p, const void *data, size_t n)
{
	if (p->out == NULL)
		p->out = malloc(OUT);
	if (p->out == NULL || p->out_n + n > OUT)
		_exit(1);
	memcpy(p->out + p->out_n, data, n);
	p->out_n += n;
}

static void
put_str(struct peer *p, struct str s)
{
	put(p, s.p, s.n);
}

static void
put_body(struct peer *p, struct str body)
{
	char head[96];

	put(p, head,
	    (size_t)snprintf(
	        head, sizeof(head), "Content-Type: api/response\nContent-Length: %zu\n\n", body.n));
	put_str(p, body);
}

/* What the switch would dump of a channel: what the last event of it has said, if that was not its
 * end. */
static void
put_dump(struct peer *p, struct str uuid, const struct server_control *c)
{
	char want[128], gone[160];
	struct str body = {"-ERR No such channel!\n", 22};

	snprintf(want, sizeof(want), "\nUnique-ID: %.*s\n", (int)uuid.n, uuid.p);
	snprintf(gone, sizeof(gone), "Event-Name: CHANNEL_HANGUP_COMPLETE\n");
	for (int i = atomic_load(&c->upto) - 1; i >= 0; i--) {
		struct str e = events[i], head = message_at(e);

		if (memmem(e.p, e.n, "\nEvent-Name: CUSTOM\n", 20) != NULL ||
		    memmem(e.p, e.n, want, strlen(want)) == NULL)
			continue;
		if (memmem(e.p, e.n, gone, strlen(gone)) == NULL) {
			const char *from = (const char *)memmem(head.p, head.n, "\n\n", 2) + 2;

			body = (struct str){from, (size_t)(head.p + head.n - from)};
		}
		break;
	}
	put_body(p, body);
}

/* The channels that events have begun and not ended, in the form of the recorded list. */
static void
put_channels(struct peer *p, const struct server_control *c)
{
	static char rows[1 << 20];
	size_t n = 0;
	int count = 0;
	char list[64];

	for (int i = 0; i < atomic_load(&c->upto); i++) {
		struct fs_pairs v;
		struct arena a;
		struct err e = {0};
		struct str body = events[i], uuid, call;
		const char *from = (const char *)memmem(body.p, body.n, "\n\n", 2) + 2;
		bool ended = false;

		arena_init(&a, 1 << 20);
		body = (struct str){from, (size_t)(body.p + body.n - from)};
		if (fs_pairs_plain(&v, body, &a, &e) == 0 &&
		    str_eqc(fs_get(&v, "Event-Name"), "CHANNEL_CREATE")) {
			char end[200];

			uuid = fs_get(&v, "Unique-ID");
			call = fs_get(&v, "Channel-Call-UUID");
			snprintf(end, sizeof(end), "\nUnique-ID: %.*s\n", (int)uuid.n, uuid.p);
			for (int j = i; j < atomic_load(&c->upto) && !ended; j++)
				ended = memmem(events[j].p, events[j].n, "CHANNEL_HANGUP_COMPLETE", 23) != NULL &&
				    memmem(events[j].p, events[j].n, end, strlen(end)) != NULL;
			if (!ended)
				n += (size_t)snprintf(rows + n, sizeof(rows) - n,
				    "%s{\"uuid\":\"%.*s\",\"direction\":\"%.*s\",\"call_uuid\":\"%.*s\"}",
				    count++ > 0 ? "," : "", (int)uuid.n, uuid.p,
				    (int)fs_get(&v, "Call-Direction").n, fs_get(&v, "Call-Direction").p,
				    (int)call.n, call.p);
		}
		arena_free(&a);
	}
	snprintf(list, sizeof(list), "{\"row_count\":%d", count);
	if (count > 0) {
		memmove(rows + strlen(list) + 9, rows, n);
		memcpy(rows, list, strlen(list));
		memcpy(rows + strlen(list), ",\"rows\":[", 9);
		n += strlen(list) + 9;
		rows[n++] = ']';
	} else {
		memcpy(rows, list, n = strlen(list));
	}
	rows[n++] = '}';
	put_body(p, (struct str){rows, n});
}

static struct str
reply_to(struct str line)
{
	for (size_t i = 0; i < command_n; i++)
		if (str_eq(commands[i], line))
			return replies[i];
	return (struct str){NULL, 0};
}

/* A command with arguments of the feed's own: the reply to one of its kind. */
static struct str
reply_like(struct str line)
{
	static const char *const kinds[] = {
	    "bgapi originate", "api conference 3001 bgdial", "api conference 3001 record ", NULL};

	for (const char *const *k = kinds; *k != NULL; k++)
		for (size_t i = 0; str_starts(line, *k) && i < command_n; i++)
			if (str_starts(commands[i], *k))
				return replies[i];
	return (struct str){NULL, 0};
}

static void
fault_at_login(struct peer *p, int fault)
{
	char piece[4096];

	memset(piece, 'x', sizeof(piece));
	switch (fault) {
	case FAULT_ENDLESS_LINE:
		for (int i = 0; i < 64; i++)
			put(p, piece, sizeof(piece));
		break;
	case FAULT_ENDLESS_HEAD:
		for (int i = 0; i < 20000; i++)
			put(p, "Some: header\n", 13);
		break;
	case FAULT_NEGATIVE:
		put_str(p, STR_LIT("Content-Type: text/event-plain\nContent-Length: -7\n\n"));
		break;
	case FAULT_HUGE:
		put_str(p, STR_LIT("Content-Type: text/event-plain\nContent-Length: 4294967296\n\n"));
		break;
	case FAULT_ZEROS:
		memset(piece, 0, sizeof(piece));
		put(p, piece, sizeof(piece));
		put_str(p, STR_LIT("\n\n"));
		break;
	default:
		break;
	}
}

static void
note(struct server_control *c, struct str line)
{
	size_t at = atomic_load(&c->noted);

	if (at + line.n + 2 > SERVER_NOTES)
		return;
	memcpy(c->notes + at, line.p, line.n);
	c->notes[at + line.n] = '\n';
	atomic_store(&c->noted, at + line.n + 1);
}

static void
on_line(struct peer *p, struct str line, struct server_control *c)
{
	struct str reply;

	if (!p->in) {
		if (str_eqc(line, "auth ClueCon")) {
			put_str(p, accepted);
			p->in = true;
			atomic_fetch_add(&c->logins, 1);
			fault_at_login(p, atomic_load(&c->fault));
		} else {
			put_str(p, refusal);
			atomic_fetch_add(&c->refused, 1);
		}
		return;
	}
	atomic_fetch_add(&c->commands, 1);
	note(c, line);
	if (atomic_load(&c->fault) == FAULT_NO_REPLY)
		return;
	if (str_starts(line, "event plain ")) {
		put_str(p, subscribed);
		p->listens = true;
		/* Nothing of before is told to somebody who comes late. */
		p->at = atomic_load(&c->upto);
		atomic_fetch_add(&c->listeners, 1);
	} else if (str_eqc(line, "api conference json_list") && atomic_load(&c->rooms) == 0) {
		put_body(p, STR_LIT("[]"));
	} else if (str_eqc(line, "api show channels as json")) {
		put_channels(p, c);
	} else if (str_starts(line, "api uuid_dump ")) {
		put_dump(p, (struct str){line.p + 14, line.n - 14}, c);
	} else if (str_eqc(line, "api global_getvar core_uuid") && atomic_load(&c->core) != 0) {
		char core[40];

		snprintf(core, sizeof(core), "core-%d", atomic_load(&c->core));
		put_body(p, str_c(core));
	} else if ((reply = reply_to(line)).p != NULL || (reply = reply_like(line)).p != NULL) {
		put_str(p, reply);
	} else {
		put_str(p, STR_LIT("Content-Type: command/reply\nReply-Text: -ERR command not found\n\n"));
	}
}

static void
drop(struct peer *p)
{
	close(p->fd);
	free(p->out);
	memset(p, 0, sizeof(*p));
}

static bool
hear(struct peer *p, struct server_control *c)
{
	ssize_t n = recv(p->fd, p->line + p->n, sizeof(p->line) - p->n, MSG_DONTWAIT);
	char *end;

	if (n == 0 || (n < 0 && errno != EAGAIN))
		return false;
	p->n += n > 0 ? (size_t)n : 0;
	while ((end = memmem(p->line, p->n, "\n\n", 2)) != NULL) {
		size_t used = (size_t)(end - p->line) + 2;

		on_line(p, (struct str){p->line, used - 2}, c);
		memmove(p->line, p->line + used, p->n - used);
		p->n -= used;
	}
	return p->n < sizeof(p->line);
}

static bool
tell(struct peer *p, struct server_control *c)
{
	while (p->listens && !p->half && p->at < atomic_load(&c->upto)) {
		struct str e = events[p->at];

		if (atomic_load(&c->fault) == FAULT_HALF_EVENT) {
			p->half = true;
			e.n /= 2;
		}
		put_str(p, e);
		p->at++;
		atomic_store(&c->sent, p->at);
	}
	while (p->sent < p->out_n) {
		size_t chunk = (size_t)atomic_load(&c->chunk), n = p->out_n - p->sent;
		ssize_t rc =
		    send(p->fd, p->out + p->sent, n < chunk ? n : chunk, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (rc < 0)
			return errno == EAGAIN;
		p->sent += (size_t)rc;
	}
	p->sent = p->out_n = 0;
	return true;
}

static void
take_peer(int listening, struct peer *peers, struct server_control *c)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < PEERS && atomic_load(&c->fault) != FAULT_CLOSE; i++) {
		if (peers[i].fd != 0)
			continue;
		peers[i].fd = fd;
		if (atomic_load(&c->fault) != FAULT_SILENT)
			put_str(&peers[i], greeting);
		return;
	}
	close(fd);
	if (atomic_load(&c->fault) == FAULT_CLOSE)
		atomic_fetch_add(&c->closed, 1);
}

static int
count(const struct peer *peers)
{
	int n = 0;

	for (int i = 0; i < PEERS; i++)
		n += peers[i].fd != 0;
	return n;
}

_Noreturn static void
serve(int listening, struct server_control *c)
{
	static struct peer peers[PEERS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct pollfd fds[PEERS + 1] = {{listening, POLLIN, 0}};

		for (int i = 0; i < PEERS; i++)
			fds[i + 1] = (struct pollfd){peers[i].fd != 0 ? peers[i].fd : -1, POLLIN, 0};
		poll(fds, PEERS + 1, TURN_MS);
		if (fds[0].revents != 0)
			take_peer(listening, peers, c);
		for (int i = 0; i < PEERS; i++)
			if (peers[i].fd != 0 &&
			    (atomic_load(&c->fault) == FAULT_CLOSE || !hear(&peers[i], c) ||
			        !tell(&peers[i], c)))
				drop(&peers[i]);
		atomic_store(&c->peers, count(peers));
	}
}

void
server_start(struct server *s, const char *file)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	load(file);
	s->events = event_n;
	s->control =
	    mmap(NULL, sizeof(*s->control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(s->control != MAP_FAILED);
	atomic_store(&s->control->chunk, 65536);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	s->port = ntohs(at.sin_port);
	s->pid = fork();
	ck_assert_int_ge(s->pid, 0);
	if (s->pid == 0)
		serve(fd, s->control);
	close(fd);
}

void
server_stop(struct server *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	if (s->control != NULL)
		munmap(s->control, sizeof(*s->control));
	*s = (struct server){.pid = 0};
}

int
server_event(const struct server *s, const char *text)
{
	for (size_t i = 0; i < s->events; i++)
		if (memmem(events[i].p, events[i].n, text, strlen(text)) != NULL)
			return (int)i;
	ck_abort_msg("no event has %s", text);
}

void
server_close(struct server *s)
{
	long long until = ms_now() + 15000;
	int before = -1;

	atomic_store(&s->control->fault, FAULT_CLOSE);
	/* Two connections, and each of them may be tried again before the other is. */
	while (before < 0 || atomic_load(&s->control->closed) < before + 4) {
		if (before < 0 && atomic_load(&s->control->peers) == 0)
			before = atomic_load(&s->control->closed);
		if (ms_now() > until)
			ck_abort_msg("nobody has noticed that the switch is away");
		nanosleep(&(struct timespec){0, 5 * 1000000}, NULL);
	}
}

static int
noted(const struct server *s, const char *command)
{
	struct str notes = {s->control->notes, atomic_load(&s->control->noted)}, line;
	int n = 0;

	while (notes.n > 0) {
		str_cut(notes, '\n', &line, &notes);
		n += str_starts(line, command);
	}
	return n;
}

void
server_await_command(struct server *s, const char *command, int times)
{
	long long until = ms_now() + 15000;

	while (noted(s, command) < times) {
		if (ms_now() > until)
			ck_abort_msg("the command has not come: %s; but:\n%s", command, s->control->notes);
		nanosleep(&(struct timespec){0, 5 * 1000000}, NULL);
	}
}
