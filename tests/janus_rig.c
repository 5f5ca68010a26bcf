/* SPDX-License-Identifier: ISC */
#include "tests/janus_rig.h"

#include <check.h>
#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/rig.h"

enum { PATIENCE_MS = 15000 };

static void
write_file(const struct janus_rig *r, const char *name, mode_t mode, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

void
janus_rig_make(struct janus_rig *r, const char *dir)
{
	char text[4096], lib[128];
	const char *password = r->event_password != NULL ? r->event_password : "event \\\\ password";
	glob_t g;

	/* Below the directory of the machine's architecture. */
	ck_assert_msg(glob("/usr/lib/*/janus", 0, NULL, &g) == 0, "Janus is not installed");
	snprintf(lib, sizeof(lib), "%s", g.gl_pathv[0]);
	globfree(&g);
	snprintf(r->dir, sizeof(r->dir), "%s", dir);
	snprintf(r->log, sizeof(r->log), "%s/log", dir);
	snprintf(r->socket, sizeof(r->socket), "%s/api.sock", dir);
	r->event_port = free_port();
	snprintf(text, sizeof(text),
	    "general: { configs_folder = \"%s\"\n plugins_folder = \"%s/plugins\"\n"
	    " transports_folder = \"%s/transports\"\n events_folder = \"%s/events\"\n"
	    " loggers_folder = \"%s/loggers\"\n debug_level = 3\n debug_colors = false\n"
	    " api_secret = \"api-secret\"\n session_timeout = 600 }\n"
	    "media: { ipv6 = false }\n"
	    "plugins: { disable = \"libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,"
	    "libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,"
	    "libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so\" "
	    "}\n"
	    "transports: { disable = \"libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,"
	    "libjanus_rabbitmq.so,libjanus_websockets.so\" }\n"
	    "loggers: { disable = \"libjanus_jsonlog.so\" }\n"
	    "events: { broadcast = true\n disable = \"libjanus_gelfevh.so,libjanus_mqttevh.so,"
	    "libjanus_nanomsgevh.so,libjanus_rabbitmqevh.so,libjanus_wsevh.so\" }\n",
	    dir, lib, lib, lib, lib);
	write_file(r, "janus.jcfg", 0600, text);
	snprintf(text, sizeof(text),
	    "general: { enabled = true\n events = false\n json = \"compact\"\n path = \"%s\"\n"
	    " type = \"SOCK_SEQPACKET\" }\nadmin: { admin_enabled = false }\n",
	    r->socket);
	write_file(r, "janus.transport.pfunix.jcfg", 0600, text);
	snprintf(text, sizeof(text),
	    "general: { enabled = true\n events = \"plugins\"\n grouping = true\n json = \"compact\"\n"
	    " backend = \"http://127.0.0.1:%d/\"\n backend_user = \"tandem\"\n backend_pwd = \"%s\"\n"
	    " max_retransmissions = 3\n retransmissions_backoff = 50 }\n",
	    r->event_port, password);
	write_file(r, "janus.eventhandler.sampleevh.jcfg", 0600, text);
	snprintf(text, sizeof(text),
	    "general: { admin_key = \"admin-key\"\n local_ip = \"127.0.0.1\"\n events = true }\n"
	    "room-7001: { description = \"sales-room\"\n secret = \"first\"\n sampling_rate = 8000\n"
	    " allow_rtp_participants = true\n record_dir = \"%s/recordings\" }\n"
	    "room-7002: { description = \"weekly\"\n secret = \"others\"\n sampling_rate = 8000\n"
	    " allow_rtp_participants = true }\n"
	    "room-7003: { description = \"board\"\n secret = \"not-known\"\n is_private = true\n"
	    " sampling_rate = 8000\n allow_rtp_participants = true }\n",
	    dir);
	write_file(r, "janus.plugin.audiobridge.jcfg", 0600, text);
	write_file(r, "secrets", 0600,
	    "# of the Janus beside it\napi_secret = api-secret\nadmin_key = admin-key\n"
	    "event_password = event \\ password\nroom_secret = others\nroom_secret 7001 = first\n");
}

static int
connect_to(const struct janus_rig *r)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", r->socket);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Whether Janus answers at its socket. */
static bool
answers(const struct janus_rig *r)
{
	static const char ping[] = "{\"janus\":\"ping\",\"transaction\":\"p\"}";
	struct timeval patience = {1, 0};
	char text[512];
	int fd = connect_to(r);
	bool ok;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ok = send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL) > 0 && recv(fd, text, sizeof(text), 0) > 0;
	close(fd);
	return ok;
}

static bool
has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* Janus 1.1.2 sometimes closes its socket when it has just opened it: the thread that serves it
 * ends at once when it runs before the one that has started it says that all is ready. */
void
janus_rig_start(struct janus_rig *r)
{
	char config[96], log[96];
	char *argv[] = {"janus", "-N", "-L", log, "-F", r->dir, "-C", config, NULL};
	long long until;

	snprintf(config, sizeof(config), "%s/janus.jcfg", r->dir);
	snprintf(log, sizeof(log), "%s/janus.log", r->dir);
	for (int i = 0; i < 20; i++) {
		unlink(r->socket);
		child_start(&r->janus, r->log, argv);
		until = ms_now() + PATIENCE_MS;
		while (!has_ended(r->janus.pid) && ms_now() < until) {
			if (answers(r)) {
				/* The feed is another user where the test is root. */
				ck_assert_int_eq(chmod(r->socket, 0777), 0);
				return;
			}
			nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
		}
		child_kill(&r->janus);
	}
	ck_abort_msg("Janus does not start");
}

void
janus_rig_feed(struct janus_rig *r, const char *endpoint)
{
	char set[7][256];
	char *argv[] = {(char *)(uintptr_t)child_program("tandem-feed-janus"), "-c", "etc/tandem.conf",
	    "-o", set[0], "-o", set[1], "-o", set[2], "-o", set[3], "-o", set[4], "-o", set[5], "-o",
	    set[6], "-o", "feed.log=debug", "-o", "janus.answer_ms=1000", NULL};

	snprintf(set[0], sizeof(set[0]), "feed.backend=%s", endpoint);
	snprintf(set[1], sizeof(set[1]), "feed.spool=%s/spool", r->dir);
	snprintf(set[2], sizeof(set[2]), "janus.socket=%s", r->socket);
	snprintf(set[3], sizeof(set[3]), "janus.secrets=%s/secrets", r->dir);
	snprintf(set[4], sizeof(set[4]), "janus.event_port=%d", r->event_port);
	snprintf(set[5], sizeof(set[5]), "janus.check_s=%d", r->event_password != NULL ? 1 : 600);
	snprintf(set[6], sizeof(set[6]), "janus.rooms=%s", r->rooms != NULL ? r->rooms : "description");
	child_start(&r->feed, r->log, argv);
}

void
janus_rig_stop(struct janus_rig *r)
{
	if (r->feed.pid > 0)
		child_kill(&r->feed);
	if (r->janus.pid > 0)
		child_kill(&r->janus);
}

/* --- participants ---------------------------------------------------------------------------- */

/* Sends a request and returns the answer that carries its transaction. */
static const char *
request(struct janus_guest *g, const char *word, const char *more)
{
	static char answer[65536];
	char text[2048], mark[32];
	struct timeval patience = {PATIENCE_MS / 1000, 0};
	int n = snprintf(text, sizeof(text),
	    "{\"janus\":\"%s\",\"apisecret\":\"api-secret\",\"transaction\":\"g%d\"", word,
	    ++g->transactions);
	ssize_t got;

	if (g->session != 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",\"session_id\":%" PRId64, g->session);
	if (g->handle != 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ",\"handle_id\":%" PRId64, g->handle);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "%s}", more);
	snprintf(mark, sizeof(mark), "\"transaction\":\"g%d\"", g->transactions);
	setsockopt(g->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ck_assert_int_eq(send(g->fd, text, (size_t)n, MSG_NOSIGNAL), n);
	do {
		got = recv(g->fd, answer, sizeof(answer) - 1, 0);
		ck_assert_msg(got > 0, "no answer to %s", text);
		answer[got] = '\0';
	} while (strstr(answer, mark) == NULL || strstr(answer, "\"janus\":\"ack\"") != NULL);
	return answer;
}

static int64_t
number_behind(const char *answer, const char *name)
{
	const char *p = strstr(answer, name);
	long long v = 0;

	ck_assert_msg(p != NULL && sscanf(p + strlen(name), "%lld", &v) == 1, "%s", answer);
	return v;
}

const char *
janus_guest_ask(struct janus_guest *g, const char *body)
{
	char more[1024];

	snprintf(more, sizeof(more), ",\"body\":%s", body);
	return request(g, "message", more);
}

void
janus_guest_open(struct janus_rig *r, struct janus_guest *g)
{
	*g = (struct janus_guest){.fd = connect_to(r)};
	ck_assert_int_ge(g->fd, 0);
	g->session = number_behind(request(g, "create", ""), "\"data\":{\"id\":");
	g->handle = number_behind(
	    request(g, "attach", ",\"plugin\":\"janus.plugin.audiobridge\""), "\"data\":{\"id\":");
}

void
janus_guest_join(
    struct janus_rig *r, struct janus_guest *g, int room, const char *display, bool muted)
{
	char body[512];
	const char *answer;

	janus_guest_open(r, g);
	/* Where it would send sound: nobody listens. */
	snprintf(body, sizeof(body),
	    "{\"request\":\"join\",\"room\":%d,\"display\":\"%s\",\"muted\":%s,\"codec\":\"pcmu\","
	    "\"rtp\":{\"ip\":\"127.0.0.1\",\"port\":9,\"payload_type\":0}}",
	    room, display, muted ? "true" : "false");
	answer = janus_guest_ask(g, body);
	ck_assert_msg(strstr(answer, "\"joined\"") != NULL, "%s", answer);
	g->id = number_behind(answer, "\"id\":");
}

void
janus_guest_leave(struct janus_guest *g)
{
	close(g->fd);
	g->fd = -1;
}
