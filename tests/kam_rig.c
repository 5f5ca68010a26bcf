/* SPDX-License-Identifier: ISC */
#include "tests/kam_rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, FIELD_MAX = 400 };

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Texts of arguments; as many as a command has. */
static char *
text(const char *fmt, ...)
{
	static char room[64][FIELD_MAX];
	static unsigned next;
	char *p = room[next++ % 64];
	va_list ap;

	va_start(ap, fmt);
	ck_assert_int_lt(vsnprintf(p, FIELD_MAX, fmt, ap), FIELD_MAX);
	va_end(ap);
	return p;
}

void
kam_rig_start(struct kam_rig *k)
{
	int pid = (int)getpid();
	char *dir;

	memset(k, 0, sizeof(*k));
	rig_start_fixture(&k->rig);
	/* By its number, so that no two runs share an address. */
	snprintf(k->proxy_ip, sizeof(k->proxy_ip), "127.%d.%d.1", 64 + pid / 250 % 128, 1 + pid % 250);
	snprintf(k->phone_ip, sizeof(k->phone_ip), "127.%d.%d.2", 64 + pid / 250 % 128, 1 + pid % 250);
	snprintf(
	    k->caller_ip, sizeof(k->caller_ip), "127.%d.%d.3", 64 + pid / 250 % 128, 1 + pid % 250);
	snprintf(k->feed_ip, sizeof(k->feed_ip), "127.%d.%d.9", 64 + pid / 250 % 128, 1 + pid % 250);
	k->ring_ms = 60000;
	k->sip_port = free_port();
	k->http_port = free_port();
	k->phone_port = free_port();
	k->push_port = k->feed_port = free_port();
	dir = text("%s/cdr", k->rig.dir);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(mkdir(text("%s/kam", k->rig.dir), 0700), 0);
}

static void
stop_group(struct child *c)
{
	pid_t pid = c->pid;

	child_end(c, SIGTERM, 5000);
	/* What its processes hold, others want. */
	for (int i = 0; pid > 0 && i < 200 && kill(-pid, SIGKILL) == 0; i++)
		pause_ms(10);
}

void
kam_proxy_end(struct kam_rig *k)
{
	stop_group(&k->proxy);
}

void
kam_rig_stop(struct kam_rig *k)
{
	stop_group(&k->phone);
	stop_group(&k->proxy);
	stop_group(&k->relay);
	child_end(&k->feed, SIGTERM, 10000);
	rig_stop(&k->rig);
}

static bool
answers(const struct kam_rig *k)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)k->http_port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	inet_pton(AF_INET, k->proxy_ip, &at.sin_addr);
	ok = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	return ok;
}

void
kam_proxy(struct kam_rig *k)
{
	long long until = ms_now() + PATIENCE_MS;
	char *log = text("%s/kamailio.log", k->rig.dir);
	char *argv[] = {"kamailio", "-f", "etc/kamailio/kamailio.cfg", "-DD", "-E", "-P",
	    text("%s/kam/pid", k->rig.dir), "-Y", text("%s/kam", k->rig.dir), "-m", "192", "-M", "16",
	    "-A", text("SIP_LISTEN=udp:%s:%d", k->proxy_ip, k->sip_port), "-A",
	    text("HTTP_LISTEN=tcp:%s:%d", k->proxy_ip, k->http_port), "-A",
	    text("SELF=\"sip:click@%s:%d\"", k->proxy_ip, k->sip_port), "-A",
	    text("TANDEM_PUSH=\"sip:%s:%d;transport=udp\"", k->feed_ip, k->push_port), "-A",
	    text("TANDEM_SELF=\"sip:%s:%d\"", k->proxy_ip, k->sip_port), "-A",
	    text("TANDEM_CDR_DIR=\"flatstore:%s/cdr\"", k->rig.dir), "-A",
	    k->registered ? "REGISTERED"
	                  : text("ALL_CALLS_TO=\"sip:%s:%d\"", k->phone_ip, k->phone_port),
	    "-A", text("RING_MS=%d", k->ring_ms), NULL};

	child_start(&k->proxy, log, argv);
	while (!answers(k)) {
		ck_assert_msg(ms_now() < until, "kamailio does not start, see %s", log);
		pause_ms(20);
	}
}

void
kam_feed(struct kam_rig *k)
{
	char *log = text("%s/log", k->rig.dir);
	char *argv[] = {(char *)(uintptr_t)child_program("tandem-feed-kamailio"), "-c", k->rig.conf,
	    "-o",
	    text("feed.backend=%s",
	        k->backend != NULL ? k->backend : text("ipc://%s/feeds/feeds.sock", k->rig.dir)),
	    "-o", text("feed.spool=%s/spool", k->rig.dir), "-o",
	    text("kamailio.url=http://%s:%d", k->proxy_ip, k->http_port), "-o",
	    text("kamailio.listen=%s", k->feed_ip), "-o", text("kamailio.port=%d", k->feed_port), "-o",
	    /* The relay is another process of this machine. */
	    text("kamailio.from=%s", k->relay.pid > 0 ? k->feed_ip : k->proxy_ip), "-o",
	    text("kamailio.cdr_dir=%s/cdr", k->rig.dir), "-o", "kamailio.domain=pbx.example.net", "-o",
	    text("kamailio.proxy=sip:click@%s:%d", k->proxy_ip, k->sip_port), NULL};

	child_start(&k->feed, log, argv);
}

/* The relay's process: datagrams from one port to another, each n-th dropped. */
static _Noreturn void
relay(const struct kam_rig *k, int fd, int drop_each)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)k->feed_port)};
	static char datagram[65536];
	long long n = 0;

	inet_pton(AF_INET, k->feed_ip, &to.sin_addr);
	for (;;) {
		ssize_t len = recv(fd, datagram, sizeof(datagram), 0);

		if (len > 0 && (drop_each == 0 || ++n % drop_each != 0))
			sendto(fd, datagram, (size_t)len, 0, (struct sockaddr *)&to, sizeof(to));
	}
}

void
kam_relay(struct kam_rig *k, int drop_each)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;

	k->feed_port = free_port();
	at.sin_port = htons((uint16_t)k->push_port);
	inet_pton(AF_INET, k->feed_ip, &at.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	child_fork(&k->relay);
	if (k->relay.pid == 0)
		relay(k, fd, drop_each);
	close(fd);
}

/* SIPp draws on its standard output without end. */
static void
sipp(const struct kam_rig *k, struct child *c, const char *args)
{
	char *argv[] = {
	    "/bin/sh", "-c", text("exec sipp %s -nostdin >>%s/sipp.log 2>&1", args, k->rig.dir), NULL};

	child_start(c, "/dev/null", argv);
}

void
kam_phone(struct kam_rig *k, const char *scenario, int ms)
{
	int name = (int)strcspn(scenario, " ");

	stop_group(&k->phone);
	sipp(k, &k->phone,
	    text("-buff_size 2000000 -sf tests/sipp/%.*s.xml %s -i %s -p %d -d %d %s:%d", name,
	        scenario, scenario + name, k->phone_ip, k->phone_port, ms, k->proxy_ip, k->sip_port));
}

static void
call(struct kam_rig *k, struct child *c, const char *scenario, const char *from, const char *to,
    int calls, int rate, int ms)
{
	char *users = text("%s/users-%s-%d.csv", k->rig.dir, from, ms);
	FILE *f = fopen(users, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "SEQUENTIAL\n%s;%s;\"Ana Pop\";\n", from, to);
	fclose(f);
	sipp(k, c,
	    text("-buff_size 2000000 -sf tests/sipp/%s.xml -inf %s -i %s -p %d -m %d -r %d -d %d -l "
	         "20000 "
	         "-recv_timeout 30000 %s:%d",
	        scenario, users, k->caller_ip, free_port(), calls, rate, ms, k->proxy_ip, k->sip_port));
}

void
kam_call(struct kam_rig *k, struct child *c, const char *scenario, int calls, int rate, int ms)
{
	call(k, c, scenario, "4410", "4420", calls, rate, ms);
}

void
kam_call_between(struct kam_rig *k, struct child *c, const char *from, const char *to, int calls,
    int rate, int ms)
{
	call(k, c, "caller", from, to, calls, rate, ms);
}

long long
kam_events(const struct kam_rig *k)
{
	char answer[512] = "";
	const char *at;
	FILE *p =
	    popen(text("curl -s http://%s:%d/tandem/ev/2147480000", k->proxy_ip, k->http_port), "r");

	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_nonnull(fgets(answer, sizeof(answer), p));
	pclose(p);
	ck_assert_ptr_nonnull(at = strstr(answer, "\"head\":"));
	return atoll(at + 7);
}

int
kam_live(const struct kam_rig *k)
{
	/* 3 and 4: answered. */
	char line[64] = "";
	FILE *p = popen(text("curl -s -d '{\"jsonrpc\":\"2.0\",\"method\":\"dlg.list\",\"id\":1}' "
	                     "http://%s:%d/tandem/rpc | grep -o '\"state\":[34],' | wc -l",
	                    k->proxy_ip, k->http_port),
	    "r");

	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), p));
	pclose(p);
	return atoi(line);
}

void
kam_await_log(const struct kam_rig *k, const char *what)
{
	long long until = ms_now() + PATIENCE_MS;
	char *command = text("grep -aqF '%s' %s/log", what, k->rig.dir);

	while (system(command) != 0) {
		ck_assert_msg(ms_now() < until, "the log does not say %s", what);
		pause_ms(20);
	}
}

int
kam_records(const struct kam_rig *k)
{
	char line[64];
	FILE *p = popen(text("cat %s/cdr/* 2>/dev/null | wc -l", k->rig.dir), "r");

	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), p));
	pclose(p);
	return atoi(line);
}

void
kam_await_quiet(const struct kam_rig *k)
{
	long long last = -1, now;
	int records = -1;

	while ((now = kam_events(k)) != last || kam_records(k) != records) {
		last = now;
		records = kam_records(k);
		pause_ms(1000);
	}
}

long long
kam_end_feed(struct kam_rig *k)
{
	char line[1024];
	long long numbers = -1, stored = -2;
	FILE *f;

	ck_assert_int_eq(child_end(&k->feed, SIGTERM, 10000), 0);
	f = fopen(k->rig.log, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *at = strstr(line, "event=stopped text=\"source kamailio, ");

		if (at != NULL)
			sscanf(
			    at, "event=stopped text=\"source kamailio, %lld numbers, %lld", &numbers, &stored);
	}
	fclose(f);
	ck_assert_int_eq(numbers, stored);
	return numbers;
}
