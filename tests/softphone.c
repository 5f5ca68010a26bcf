/* SPDX-License-Identifier: ISC */
#include "tests/softphone.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/rig.h"

/* Nobody else is in the network, so that ports need not be looked for. */
enum { PATIENCE_MS = 15000, SIP_PORT = 5060, CONTROL_PORT = 4444, FIRST_HOST = 11 };

bool
softphone_network_possible(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void
softphone_network(int phones)
{
	char command[128];

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(system("ip link set lo up"), 0);
	for (int i = 0; i < phones; i++) {
		snprintf(command, sizeof(command), "ip addr add 10.91.0.%d/32 dev lo", FIRST_HOST + i);
		ck_assert_int_eq(system(command), 0);
	}
}

/* It takes commands and tells events over TCP. Its microphone is a tone without end, since with the
 * end of a file a call ends too; the tone has another rate than G.711, its one codec. */
static void
write_config(const struct softphone *p, const char *home)
{
	char path[256];
	FILE *f;

	ck_assert_int_eq(mkdir(home, 0700), 0);
	snprintf(path, sizeof(path), "%s/config", home);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	fprintf(f,
	    "module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule ausine.so\n"
	    "module_app menu.so\nmodule_app ctrl_tcp.so\n"
	    "net_interface %s\nsip_listen %s:%d\nctrl_tcp_listen %s:%d\n"
	    "audio_source ausine,440\nausrc_srate 48000\nausrc_channels 2\n"
	    "audio_player none,none\naudio_alert none,none\nringback_disabled yes\n"
	    "statmode_default off\n",
	    p->ip, p->ip, SIP_PORT, p->ip, CONTROL_PORT);
	ck_assert_int_eq(fclose(f), 0);
}

static void
connect_control(struct softphone *p)
{
	long long until = ms_now() + PATIENCE_MS;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(CONTROL_PORT)};

	inet_pton(AF_INET, p->ip, &at.sin_addr);
	for (;;) {
		p->control = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(p->control, (struct sockaddr *)&at, sizeof(at)) == 0)
			return;
		close(p->control);
		ck_assert_msg(ms_now() < until, "the telephone %s does not start", p->number);
		nanosleep(&(struct timespec){0, 20 * 1000000}, NULL);
	}
}

/* Takes in what comes within some milliseconds. */
static void
listen_for(struct softphone *p, long long ms)
{
	struct pollfd ready = {.fd = p->control, .events = POLLIN};
	ssize_t n;

	if (poll(&ready, 1, ms > 0 ? (int)ms : 0) <= 0)
		return;
	ck_assert_uint_lt(p->n, sizeof(p->heard) - 1);
	n = recv(p->control, p->heard + p->n, sizeof(p->heard) - 1 - p->n, 0);
	ck_assert_msg(n > 0, "the telephone %s has ended", p->number);
	p->n += (size_t)n;
	p->heard[p->n] = '\0';
}

/* Takes a message out, LENGTH:JSON, that has all of some words (NULL = none). Others stay, since
 * what belongs to a call is told in no certain order: the first sound may overtake the answer. */
static bool
take(struct softphone *p, const char *const words[2])
{
	char *at = p->heard, *json, *next;

	for (; (json = strchr(at, ':')) != NULL; at = next) {
		bool has = true;

		next = json + 1 + atoi(at) + 1;
		if (next > p->heard + p->n)
			return false;
		next[-1] = '\0';
		for (int i = 0; i < 2 && words[i] != NULL; i++)
			has = has && strstr(json, words[i]) != NULL;
		next[-1] = ',';
		if (has) {
			memmove(at, next, (size_t)(p->heard + p->n + 1 - next));
			p->n -= (size_t)(next - at);
			return true;
		}
	}
	return false;
}

static void
await(struct softphone *p, const char *const words[2])
{
	long long until = ms_now() + PATIENCE_MS;

	while (!take(p, words)) {
		ck_assert_msg(ms_now() < until, "%s: no %s %s, but %s", p->number, words[0],
		    words[1] != NULL ? words[1] : "", p->heard);
		listen_for(p, until - ms_now());
	}
}

void
softphone_await(struct softphone *p, const char *event)
{
	char type[64];

	snprintf(type, sizeof(type), "\"type\":\"%s\"", event);
	await(p, (const char *[2]){type, NULL});
}

void
softphone_await_with(struct softphone *p, const char *event, const char *number)
{
	char type[64], peer[64];

	snprintf(type, sizeof(type), "\"type\":\"%s\"", event);
	snprintf(peer, sizeof(peer), "\"peeruri\":\"sip:%s@", number);
	await(p, (const char *[2]){type, peer});
}

void
softphone_not(struct softphone *p, const char *event)
{
	char type[64];

	snprintf(type, sizeof(type), "\"type\":\"%s\"", event);
	listen_for(p, 0);
	ck_assert_msg(strstr(p->heard, type) == NULL, "%s: %s", p->number, p->heard);
}

void
softphone_do(struct softphone *p, const char *command, const char *argument)
{
	char json[256], message[300];
	int n;

	n = snprintf(json, sizeof(json), "{\"command\":\"%s\",\"params\":\"%s\"}", command,
	    argument != NULL ? argument : "");
	n = snprintf(message, sizeof(message), "%d:%s,", n, json);
	ck_assert_int_eq(send(p->control, message, (size_t)n, MSG_NOSIGNAL), n);
}

void
softphone_start(struct softphone *p, int address, const char *number, const char *domain,
    const char *proxy, const char *dir)
{
	char home[128], line[512];
	char *argv[] = {"/bin/sh", "-c", line, NULL};

	memset(p, 0, sizeof(*p));
	p->number = number;
	snprintf(p->ip, sizeof(p->ip), "10.91.0.%d", FIRST_HOST + address);
	snprintf(home, sizeof(home), "%s/phone-%s", dir, number);
	write_config(p, home);
	snprintf(line, sizeof(line), "exec baresip -f %s >>%s/log 2>&1", home, home);
	child_start(&p->program, "/dev/null", argv);
	connect_control(p);
	/* Not by its configuration: it could have registered before anybody hears of it. */
	snprintf(line, sizeof(line), "<sip:%s@%s>;regint=600;outbound=sip:%s", number, domain, proxy);
	softphone_do(p, "uanew", line);
	softphone_await(p, "REGISTER_OK");
}

void
softphone_stop(struct softphone *p)
{
	if (p->program.pid > 0)
		close(p->control);
	child_end(&p->program, SIGTERM, 5000);
}
