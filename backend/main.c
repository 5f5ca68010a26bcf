/* SPDX-License-Identifier: ISC */
/*
 * tandem-backend: reading main() from top to bottom is reading who may do what,
 * and from when on.
 */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/audit_sealer.h"
#include "backend/control.h"
#include "backend/dirs.h"
#include "backend/event_streams.h"
#include "backend/loop.h"
#include "backend/moments.h"
#include "backend/routes.h"
#include "backend/store_format.h"
#include "backend/store_migrate.h"
#include "backend/sweep.h"
#include "backend/upkeep.h"
#include "common/clock.h"
#include "common/dirs.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/release.h"
#include "common/sandbox.h"

enum {
	BATCH_MAX = 256,
	MEMO_ENTRIES = 8192,
	EXIT_CONFIG = 78,
	SOCKET_QUEUE = 4096,
	DESCRIPTORS_WANTED = 16384
};

static const char usage[] =
    "usage: tandem-backend [-c FILE] [-o SECTION.NAME=VALUE]... [--check | --recover [--to "
    "SECONDS] | --migrate ENGINE:DIR]\n"
    "\n"
    "  -c, --config FILE   configuration (default /etc/tandem/tandem.conf)\n"
    "  -o, --set SETTING   one setting, over the file's\n"
    "      --check         check the configuration and exit\n"
    "      --recover       make a store of the files of a backup in backend.state, and exit\n"
    "      --to SECONDS    as it was then, in seconds since 1970\n"
    "      --migrate ENGINE:DIR  copy the store to a new one of that engine in DIR, and exit\n"
    "      --help, --version\n"
    "\n"
    "See tandem-backend(8) and tandem.conf(5).\n";

struct task {
	bool recover;  /* instead of serving */
	int64_t until; /* 0 = with all that is there */
	char *engine;  /* NULL = no migration */
	const char *dir;
};

static int64_t
seconds(const char *s)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0' || n <= 0 || n > INT32_MAX) {
		fprintf(stderr, "tandem-backend: --to needs a number of seconds since 1970\n");
		exit(2);
	}
	return n;
}

static void
set_target(struct task *task, char *arg)
{
	char *colon = strchr(arg, ':');

	if (colon == NULL || colon == arg || colon[1] == '\0') {
		fprintf(stderr, "tandem-backend: --migrate needs ENGINE:DIR\n");
		exit(2);
	}
	*colon = '\0';
	task->engine = arg;
	task->dir = colon + 1;
}

/* Returns only when the program is to go on. */
static void
arguments(int argc, char **argv, struct conf *conf, struct task *task)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	    {"set", required_argument, NULL, 'o'}, {"check", no_argument, NULL, 'k'},
	    {"recover", no_argument, NULL, 'r'}, {"to", required_argument, NULL, 't'},
	    {"migrate", required_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'}, {0}};
	const char *file = "/etc/tandem/tandem.conf", *settings[64];
	size_t n = 0;
	bool check = false;
	struct err e = {0};
	int c;

	while ((c = getopt_long(argc, argv, "c:o:", options, NULL)) != -1) {
		if (c == 'c') {
			file = optarg;
		} else if (c == 'o' && n < sizeof(settings) / sizeof(settings[0])) {
			settings[n++] = optarg;
		} else if (c == 'k') {
			check = true;
		} else if (c == 'r') {
			task->recover = true;
		} else if (c == 't') {
			task->until = seconds(optarg);
		} else if (c == 'm') {
			set_target(task, optarg);
		} else if (c == 'v') {
			puts("tandem-backend " TANDEM_RELEASE);
			exit(0);
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (optind < argc || (task->until > 0 && !task->recover) ||
	    (task->engine != NULL && task->recover)) {
		fputs(usage, stderr);
		exit(2);
	}
	conf_defaults(conf);
	if (conf_read(conf, file, &e) != 0) {
		fprintf(stderr, "tandem-backend: %s\n", err_text(&e));
		exit(EXIT_CONFIG);
	}
	for (size_t i = 0; i < n; i++) {
		if (conf_set(conf, str_c(settings[i]), &e) != 0) {
			fprintf(stderr, "tandem-backend: %s\n", err_text(&e));
			exit(EXIT_CONFIG);
		}
	}
	if (check) {
		printf("%s: ok\n", file);
		exit(0);
	}
}

static void
store_log(void *arg, const char *line)
{
	(void)arg;
	log_event(LOG_INFO_, "store", "%s", line);
}

/* Nothing may be answered from a damaged environment; the next start recovers it. */
static void
store_panic(void *arg, const char *why)
{
	(void)arg;
	log_event(LOG_ERROR_, "store-panic", "%s", why);
	_exit(70);
}

/* Without descriptors nobody new can connect, so a gateway must never be able to use them up: a
 * worker's own limit is far below the hard one of this process. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_fatal("getrlimit: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_fatal("setrlimit: %s", strerror(errno));
	if (limit.rlim_cur < DESCRIPTORS_WANTED)
		log_event(LOG_WARN_, "descriptors", "only %llu can be open at once; %d are advised",
		    (unsigned long long)limit.rlim_cur, DESCRIPTORS_WANTED);
}

/* Landlock keeps the process to its own directories whoever it runs as. */
static void
confine_paths(const struct conf *conf, struct err *e)
{
	/* libzmq asks for a protocol's number and the processors, once each. */
	static const char *const libraries[] = {"/sys/devices/system/cpu", "/proc/self",
	    "/etc/nsswitch.conf", "/etc/protocols", "/etc/ld.so.cache", "/etc/localtime",
	    "/usr/share/zoneinfo", "/usr/lib", "/lib"};
	char listen[CONF_TEXT_MAX], listen2[CONF_TEXT_MAX], control[CONF_TEXT_MAX], cert[CONF_TEXT_MAX],
	    feeds[CONF_TEXT_MAX];
	const char *rw[6] = {conf->backend_state};
	const char *ro[16] = {NULL};
	size_t nrw = 1, nro = 0;

	if (dir_of(conf->backend_listen, listen))
		rw[nrw++] = listen;
	if (dir_of(conf->backend_listen2, listen2))
		rw[nrw++] = listen2;
	if (dir_of(conf->backend_control, control))
		rw[nrw++] = control;
	if (dir_of(conf->backend_feed_listen, feeds))
		rw[nrw++] = feeds;
	if (conf->backend_feed_curve_allow[0] != '\0')
		ro[nro++] = conf->backend_feed_curve_allow;
	if (dir_of(conf->backend_curve_cert, cert))
		ro[nro++] = cert;
	if (conf->backend_curve_allow[0] != '\0')
		ro[nro++] = conf->backend_curve_allow;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (access(libraries[i], F_OK) == 0)
			ro[nro++] = libraries[i];
	if (sandbox_paths(rw, ro, true, e) != 0)
		log_fatal("%s", err_text(e));
}

struct wait_hash {
	struct str *to;
	bool done;
};

static void
got_hash(void *arg, bool ok, struct str result)
{
	struct wait_hash *w = arg;

	w->done = true;
	if (ok) {
		char *copy = malloc(result.n);

		if (copy != NULL) {
			memcpy(copy, result.p, result.n);
			*w->to = (struct str){copy, result.n};
		}
	}
}

/* What passwords of unknown users are compared with, so that they cost the same. It is made while
 * the store recovers. */
static void
begin_decoy(struct backend *be, struct wait_hash *w)
{
	char random[32];

	w->to = &be->decoy_hash;
	randombytes_buf(random, sizeof(random));
	if (auth_hash(be->auth, (struct str){random, sizeof(random)}, got_hash, w) != 0)
		log_fatal("the auth child takes no work");
}

static void
await_decoy(struct backend *be, const struct wait_hash *w)
{
	while (!w->done) {
		struct pollfd p = {.fd = auth_fd(be->auth), .events = POLLIN};

		if ((poll(&p, 1, 30000) <= 0 && errno != EINTR) || auth_read(be->auth) != 0)
			log_fatal("the auth child does not answer");
	}
	if (be->decoy_hash.n == 0)
		log_fatal("the auth child cannot hash passwords");
}

static struct store_conf
store_conf(const struct conf *conf)
{
	return (struct store_conf){
	    .engine = conf->backend_engine,
	    .dir = conf->backend_state,
	    .cache_bytes = (size_t)conf->backend_cache_mb * 1024 * 1024,
	    .reserve_bytes = (uint64_t)conf->backend_reserve_mb << 20,
	    .log = store_log,
	    .panic = store_panic,
	};
}

/* --recover: never returns. What it says on standard output is for tandemctl. */
static noreturn void
recover(const struct conf *conf, int64_t until)
{
	const char *rw[] = {conf->backend_state, NULL}, *ro[] = {"/proc/self", NULL};
	struct store_conf sc = store_conf(conf);
	struct err e = {0};
	uint64_t commit;

	if (sandbox_become(conf->backend_user, &e) != 0 || sandbox_basics(&e) != 0 ||
	    sandbox_paths(rw, ro, true, &e) != 0 || sandbox_syscalls(SANDBOX_BACKEND, false, &e) != 0 ||
	    store_recover(&sc, until, &commit, &e) != 0)
		log_fatal("%s", err_text(&e));
	printf("commit %llu\n", (unsigned long long)commit);
	exit(fflush(stdout) == 0 ? 0 : 1);
}

/* --migrate: likewise. */
static noreturn void
migrate(const struct conf *conf, const struct task *task)
{
	const char *rw[] = {conf->backend_state, task->dir, NULL}, *ro[] = {"/proc/self", NULL};
	struct store_conf from = store_conf(conf), to = from;
	struct err e = {0};
	uint64_t rows;

	to.engine = task->engine;
	to.dir = task->dir;
	if (sandbox_become(conf->backend_user, &e) != 0 || sandbox_basics(&e) != 0)
		log_fatal("%s", err_text(&e));
	if (mkdir(task->dir, 0700) != 0 && errno != EEXIST)
		log_fatal("%s: %s", task->dir, strerror(errno));
	if (sandbox_paths(rw, ro, true, &e) != 0 || sandbox_syscalls(SANDBOX_BACKEND, false, &e) != 0 ||
	    store_migrate(&from, &to, &rows, &e) != 0)
		log_fatal("%s", err_text(&e));
	printf("rows %llu\n", (unsigned long long)rows);
	exit(fflush(stdout) == 0 ? 0 : 1);
}

static void
open_store(struct backend *be, struct err *e)
{
	struct store_conf sc = store_conf(be->conf);

	if ((be->settings = settings_now_new()) == NULL)
		log_fatal("no memory");
	if (space_open(&be->space, be->conf->backend_state,
	        (uint64_t)be->conf->backend_reserve_mb << 20,
	        (uint64_t)be->conf->backend_ballast_mb << 20, e) != 0)
		log_fatal("%s", err_text(e));
	if (store_open(&be->store, &sc, e) != 0)
		log_fatal("%s", err_text(e));
	/* Nothing that starting again would mend. */
	if (store_format_check(be->store, TENANT_DEFAULT, e) != 0) {
		log_event(LOG_ERROR_, "fatal", "%s", err_text(e));
		exit(EXIT_CONFIG);
	}
	if (settings_now_read(be->settings, be->store, TENANT_DEFAULT, e) != 0 ||
	    digest_open(&be->digests, be->store, TENANT_DEFAULT, e) != 0)
		log_fatal("%s", err_text(e));
}

static uid_t
uid_of(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	return pw != NULL ? pw->pw_uid : (uid_t)-1;
}

/* `other` = who may connect beside root and this process's own user, (uid_t)-1 = nobody. */
static struct ipc_server *
serve_at(const struct conf *conf, const char *endpoint, uid_t other, struct err *e)
{
	bool control = endpoint == conf->backend_control;
	uid_t uids[3] = {geteuid(), 0, other};
	struct ipc_server_conf sc = {
	    .endpoint = endpoint,
	    /* Directory and peer credentials decide; the file's own mode need not. */
	    .mode = control ? 0600 : 0666,
	    .uids = uids,
	    .uid_count = other == (uid_t)-1 ? 2 : 3,
	    .group = (gid_t)-1,
	    .cert_file = conf->backend_curve_cert,
	    .allow_dir = endpoint == conf->backend_feed_listen ? conf->backend_feed_curve_allow
	                                                       : conf->backend_curve_allow,
	    .queue = SOCKET_QUEUE,
	};
	struct ipc_server *s;

	if (ipc_server_new(&s, &sc, e) != 0)
		log_fatal("%s", err_text(e));
	log_event(LOG_INFO_, "listening", "%s", ipc_server_endpoint(s));
	return s;
}

static void
serve(struct loop_conf *loop, const struct conf *conf, uid_t gateway, uid_t feed, struct err *e)
{
	loop->servers[loop->n++] = serve_at(conf, conf->backend_listen, gateway, e);
	if (conf->backend_listen2[0] != '\0')
		loop->servers[loop->n++] = serve_at(conf, conf->backend_listen2, gateway, e);
	if (conf->backend_feed_listen[0] != '\0')
		loop->servers[loop->n++] = loop->feeds = serve_at(conf, conf->backend_feed_listen, feed, e);
	loop->servers[loop->n++] = serve_at(conf, conf->backend_control, (uid_t)-1, e);
}

static bool
is_tcp(const char *endpoint)
{
	return strncmp(endpoint, "tcp:", 4) == 0;
}

static int
signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if ((fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
		log_fatal("signalfd: %s", strerror(errno));
	return fd;
}

static bool
is_short_of_room(void *arg)
{
	return space_is_low(arg);
}

static void
start_threads(struct backend *be, struct upkeep **upkeep, struct err *e)
{
	const struct conf *conf = be->conf;
	const struct upkeep_limits limits = {.cdr_months = conf->backend_cdr_months,
	    .cdr_bytes = conf->backend_cdr_quota_mb << 20,
	    .audit_days = conf->backend_audit_days};

	be->known.public_key = auth_public_key(be->auth);
	be->known.tokens = memo_new(MEMO_ENTRIES);
	be->known.passwords = memo_new(MEMO_ENTRIES);
	be->tries = tries_new((unsigned)conf->backend_login_tries);
	be->rates = rates_new((const int64_t[]){[RATE_READ] = conf->backend_read_rate,
	    [RATE_WRITE] = conf->backend_write_rate,
	    [RATE_LOGIN] = conf->backend_session_rate});
	be->moments = moments_new();
	be->counts = calloc(all_resources_count, sizeof(*be->counts));
	if (be->known.tokens == NULL || be->known.passwords == NULL || be->tries == NULL ||
	    be->rates == NULL || be->moments == NULL || be->counts == NULL)
		log_fatal("no memory");
	if (writer_start(&be->writer, be->store, (unsigned)conf->backend_queue, BATCH_MAX, e) != 0 ||
	    pool_start(&be->pool, (unsigned)conf->backend_readers, (unsigned)conf->backend_queue, e) !=
	        0 ||
	    sweep_start(&be->sweep, be->store, be->writer, e) != 0 ||
	    upkeep_start(upkeep, be->store, be->writer, be->space, &limits, e) != 0 ||
	    routes_start(&be->routes, be->store, e) != 0 ||
	    audit_sealer_new(&be->sealer, be->auth, be->store, be->writer, e) != 0 ||
	    feeds_new(&be->feeds, be->writer, be->settings, be->routes, be->moments, e) != 0 ||
	    event_streams_new(&be->events, be->pool, (size_t)conf->backend_event_streams, e) != 0)
		log_fatal("%s", err_text(e));
	writer_shut_when(be->writer, is_short_of_room, be->space);
	writer_on_commit(be->writer, routes_committed, be->routes);
	writer_on_commit(be->writer, event_streams_committed, be->events);
}

static void
stop_threads(struct backend *be, struct upkeep *upkeep)
{
	upkeep_stop(upkeep);
	sweep_stop(be->sweep);
	auth_stop(be->auth);
	image_stop(be->image);
	/* The writer hands its jobs back to the pool, which frees them. */
	writer_stop(be->writer);
	audit_sealer_free(be->sealer);
	feeds_free(be->feeds);
	routes_stop(be->routes);
	event_streams_free(be->events);
	pool_stop(be->pool);
	load_end(be);
	memo_free(be->known.tokens);
	memo_free(be->known.passwords);
	tries_free(be->tries);
	rates_free(be->rates);
	moments_free(be->moments);
	settings_now_free(be->settings);
	free(be->counts);
	free((char *)(uintptr_t)be->decoy_hash.p);
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	static struct backend be = {.conf = &conf};
	struct loop_conf loop = {.be = &be};
	struct upkeep *upkeep = NULL;
	struct wait_hash decoy = {0};
	struct task task = {0};
	enum log_level level = LOG_INFO_;
	struct err e = {0};
	bool tcp;
	uid_t gateway, feed;
	int rc;

	arguments(argc, argv, &conf, &task);
	log_init("tandem-backend", LOG_INFO_);
	if (!log_level_by_name(str_c(conf.backend_log), &level))
		log_fatal("backend.log must be debug, info, warn or error");
	log_init("tandem-backend", level);
	if (task.recover)
		recover(&conf, task.until);
	if (task.engine != NULL)
		migrate(&conf, &task);
	be.started_us = clock_us();
	loop.signal_fd = signals();
	raise_descriptors();
	if (sodium_init() < 0)
		log_fatal("libsodium cannot be initialised");

	/* As root: directories, and the auth child and the image process, which become their own users.
	 */
	if (dirs_make(&conf, &e) != 0)
		log_fatal("%s", err_text(&e));
	if (auth_start(&be.auth,
	        &(struct auth_conf){.key_file = conf.backend_auth_keys,
	            .user = conf.backend_auth_user,
	            .threads = (unsigned)conf.backend_auth_threads},
	        &e) != 0)
		log_fatal("%s", err_text(&e));
	if (image_start(&be.image, conf.backend_image_user, &e) != 0)
		log_fatal("%s", err_text(&e));
	gateway = uid_of(conf.backend_gateway_user);
	feed = uid_of(conf.backend_feed_user);

	/* From here on as the backend's user, in its own directories, without a way back. */
	if (sandbox_become(conf.backend_user, &e) != 0 || sandbox_basics(&e) != 0)
		log_fatal("%s", err_text(&e));
	confine_paths(&conf, &e);
	begin_decoy(&be, &decoy);
	open_store(&be, &e);
	await_decoy(&be, &decoy);
	serve(&loop, &conf, gateway, feed, &e);
	start_threads(&be, &upkeep, &e);
	tcp = is_tcp(conf.backend_listen) || is_tcp(conf.backend_listen2) ||
	    is_tcp(conf.backend_feed_listen);
	if (sandbox_syscalls(SANDBOX_BACKEND, tcp, &e) != 0)
		log_fatal("%s", err_text(&e));

	log_event(LOG_INFO_, "ready", "%lld ms after the start",
	    (long long)((clock_us() - be.started_us) / 1000));
	notify_send("READY=1");
	rc = loop_run(&loop, &e);
	if (rc != 0)
		log_event(LOG_ERROR_, "loop", "%s", err_text(&e));
	notify_send("STOPPING=1");
	stop_threads(&be, upkeep);
	for (size_t i = 0; i < loop.n; i++)
		ipc_server_free(loop.servers[i]);
	store_close(be.store);
	space_close(be.space);
	log_event(LOG_INFO_, "stopped", "%lld s of service",
	    (long long)((clock_us() - be.started_us) / 1000000));
	return rc == 0 ? 0 : 1;
}
