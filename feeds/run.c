/* SPDX-License-Identifier: ISC */
/* main() of every feed: reading it from top to bottom is reading who may do what, from when on. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/checks.h"
#include "common/dirs.h"
#include "common/notify.h"
#include "common/release.h"
#include "common/sandbox.h"
#include "feeds/frame.h"

enum { EXIT_CONFIG = 78, SETTINGS_MAX = 64 };

static void
usage(FILE *out, const char *name)
{
	fprintf(out,
	    "usage: %s [-c FILE] [-o SECTION.NAME=VALUE]... [--check]\n"
	    "\n"
	    "  -c, --config FILE   configuration (default /etc/tandem/tandem.conf)\n"
	    "  -o, --set SETTING   one setting, over the file's\n"
	    "      --check         check the configuration and exit\n"
	    "      --help, --version\n"
	    "\n"
	    "See %s(8) and tandem.conf(5).\n",
	    name, name);
}

_Noreturn static void
bad_config(const char *name, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", name, err_text(e));
	exit(EXIT_CONFIG);
}

static void
read_config(const char *name, const char *file, const char **settings, size_t n, struct conf *conf)
{
	struct err e = {0};

	conf_defaults(conf);
	if (conf_read(conf, file, &e) != 0)
		bad_config(name, &e);
	for (size_t i = 0; i < n; i++)
		if (conf_set(conf, str_c(settings[i]), &e) != 0)
			bad_config(name, &e);
}

/* Returns only when the program is to go on. */
static void
arguments(const char *name, int argc, char **argv, struct conf *conf)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	    {"set", required_argument, NULL, 'o'}, {"check", no_argument, NULL, 'k'},
	    {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {0}};
	const char *file = "/etc/tandem/tandem.conf", *settings[SETTINGS_MAX];
	size_t n = 0;
	bool check = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:o:", options, NULL)) != -1) {
		if (c == 'c') {
			file = optarg;
		} else if (c == 'o' && n < SETTINGS_MAX) {
			settings[n++] = optarg;
		} else if (c == 'k') {
			check = true;
		} else if (c == 'v') {
			printf("%s " TANDEM_RELEASE "\n", name);
			exit(0);
		} else {
			usage(c == 'h' ? stdout : stderr, name);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (optind < argc) {
		usage(stderr, name);
		exit(2);
	}
	read_config(name, file, settings, n, conf);
	if (check) {
		printf("%s: ok\n", file);
		exit(0);
	}
}

/* The source's name is the name of a directory as well. */
static int
take_source(struct feed *f, struct err *e)
{
	const char *name = f->conf->feed_source;

	if (name[0] == '\0')
		name = enum_text(rec_feed_hello.f[feed_hello_F_kind].en, (int)f->program->kind);
	if (name[0] == '.' || strlen(name) > 64 || check_source(str_c(name)) != NULL)
		return err_set(e, ERR_INVALID,
		    "feed.source must be up to 64 letters, digits, '.', '_' "
		    "and '-', without a dot in front");
	snprintf(f->source, sizeof(f->source), "%s", name);
	return 0;
}

const char *
feed_dir(const struct feed *f)
{
	return f->dir;
}

int
feed_needs(struct feed *f, const char *path, bool write)
{
	if (f->needs == FEED_NEEDS)
		return -1;
	f->need[f->needs] = path;
	f->need_write[f->needs++] = write;
	return 0;
}

/* Landlock keeps the process to its own directories whoever it runs as. */
static int
confine_paths(const struct feed *f, const char *spool, struct err *e)
{
	/* libzmq asks for a protocol's number and the processors, once each. */
	static const char *const libraries[] = {"/sys/devices/system/cpu", "/proc/self",
	    "/proc/sys/kernel/random", "/etc/nsswitch.conf", "/etc/protocols", "/etc/ld.so.cache",
	    "/etc/localtime", "/usr/lib", "/lib"};
	const char *rw[FEED_NEEDS + 3] = {spool}, *ro[FEED_NEEDS + 16] = {NULL};
	char socket_dir[CONF_TEXT_MAX], cert[CONF_TEXT_MAX], server[CONF_TEXT_MAX];
	size_t nrw = 1, nro = 0;

	if (strncmp(f->conf->feed_backend, "ipc://", 6) == 0 &&
	    dir_of(f->conf->feed_backend, socket_dir) && access(socket_dir, F_OK) == 0)
		rw[nrw++] = socket_dir;
	if (dir_of(f->conf->feed_curve_cert, cert))
		ro[nro++] = cert;
	if (dir_of(f->conf->feed_curve_server, server))
		ro[nro++] = server;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (access(libraries[i], F_OK) == 0)
			ro[nro++] = libraries[i];
	for (size_t i = 0; i < f->needs; i++) {
		if (f->need_write[i])
			rw[nrw++] = f->need[i];
		else
			ro[nro++] = f->need[i];
	}
	return sandbox_paths(rw, ro, true, e);
}

static void
on_signal(void *arg, short revents)
{
	struct feed *f = arg;

	(void)revents;
	f->loop.stop = true;
}

/* SIGTERM and SIGINT end it; a hang-up has no meaning, the configuration is read once. */
static int
take_signals(struct feed *f, struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if ((fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
		return err_set(e, ERR_INTERNAL, "signalfd: %s", strerror(errno));
	return feed_watch(f, fd, POLLIN, on_signal, f);
}

static int
start(struct feed *f, bool *fresh, struct err *e)
{
	const struct conf *c = f->conf;
	char spool[2 * CONF_TEXT_MAX + 8];

	if (take_source(f, e) != 0 || take_signals(f, e) != 0 || murmurs_new(f, e) != 0)
		return -1;
	/* As root: the directory, and what the program opens. */
	snprintf(spool, sizeof(spool), "%s/%s", c->feed_spool, f->source);
	if (strlen(spool) >= CONF_TEXT_MAX)
		return err_set(e, ERR_INVALID, "feed.spool is too long");
	memcpy(f->dir, spool, strlen(spool) + 1);
	if (dir_make(c->feed_spool, 0755, NULL, NULL, e) != 0 ||
	    dir_make(spool, 0700, c->feed_user, NULL, e) != 0)
		return -1;
	if (f->program->open(f, c, &f->sw, e) != 0)
		return -1;
	/* From here on as the feeds' user, in its own directories, without a way back. */
	if (sandbox_become(c->feed_user, e) != 0 || sandbox_basics(e) != 0 ||
	    confine_paths(f, spool, e) != 0)
		return -1;
	if (spool_open(&f->spool, spool, f->source, c->feed_spool_mb * 1024 * 1024, fresh, e) != 0 ||
	    link_open(f, e) != 0)
		return -1;
	return sandbox_syscalls(SANDBOX_FEED, true, e);
}

int
feed_main(const struct feed_program *p, int argc, char **argv)
{
	static struct conf conf;
	static struct feed f;
	enum log_level level = LOG_INFO_;
	struct err e = {0};
	bool fresh = false;
	int rc;

	arguments(p->name, argc, argv, &conf);
	log_init(p->name, LOG_INFO_);
	if (!log_level_by_name(str_c(conf.feed_log), &level))
		log_fatal("feed.log must be debug, info, warn or error");
	log_init(p->name, level);
	f.program = p;
	f.conf = &conf;
	loop_init(&f.loop);
	if (start(&f, &fresh, &e) != 0)
		log_fatal("%s", err_text(&e));
	log_event(LOG_INFO_, "ready", "source %s, %lld numbers, %lld bytes in the spool", f.source,
	    (long long)spool_last(f.spool), (long long)spool_bytes(f.spool));
	notify_send("READY=1");
	p->start(f.sw);
	if (fresh)
		link_want_snapshot(&f);
	rc = loop_until_stopped(&f.loop);
	if (rc != 0)
		log_event(LOG_ERROR_, "loop", "poll: %s", strerror(errno));
	notify_send("STOPPING=1");
	p->close(f.sw);
	link_close(&f);
	murmurs_free(&f);
	log_event(LOG_INFO_, "stopped", "source %s, %lld numbers, %lld of them stored", f.source,
	    (long long)spool_last(f.spool), (long long)spool_acked(f.spool));
	spool_close(f.spool);
	return rc == 0 ? 0 : 1;
}

int
feed_watch(struct feed *f, int fd, short events, feed_ready_fn *fn, void *arg)
{
	return loop_watch(&f->loop, fd, events, fn, arg);
}

void
feed_unwatch(struct feed *f, int fd)
{
	loop_unwatch(&f->loop, fd);
}

int
feed_timer(struct feed *f, int64_t ms, feed_timer_fn *fn, void *arg)
{
	return loop_timer(&f->loop, ms, fn, arg);
}
