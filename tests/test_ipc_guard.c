/* SPDX-License-Identifier: ISC */
/* Who gets in: endpoints, socket files, users, keys. */
#include <check.h>
#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/ipc_fixture.h"

static struct fixture f;

static void
setup(void)
{
	fixture_setup(&f);
}

static void
teardown(void)
{
	fixture_teardown(&f);
}

static enum err_code
server_error(const struct ipc_server_conf *conf, struct err *e)
{
	struct ipc_server *s = NULL;

	*e = (struct err){0};
	ck_assert_int_eq(ipc_server_new(&s, conf, e), -1);
	ck_assert_ptr_null(s);
	return e->code;
}

START_TEST(endpoints)
{
	static const struct {
		const char *text;
		bool server, client;
	} table[] = {
	    {"", false, false},
	    {"inproc://x", false, false},
	    {"udp://127.0.0.1:1", false, false},
	    {"ipc://relative", false, false},
	    {"ipc://@abstract", false, false},
	    {"ipc://*", false, false},
	    {"tcp://127.0.0.1", false, false},
	    {"tcp://localhost:1", false, false},
	    {"tcp://*:1", false, false},
	    {"tcp://lo:1", false, false},
	    {"tcp://127.0.0.1:65536", false, false},
	    {"tcp://127.0.0.1:-1", false, false},
	    {"tcp://127.0.0.1:1x", false, false},
	    {"tcp://127.0.0.1:http", false, false},
	    {"tcp://127.0.0.1;127.0.0.1:1", false, false},
	    {"tcp://[127.0.0.1]:1", false, false},
	    {"tcp://::1:1", false, false},
	    {"tcp://127.0.0.1:*", true, false},
	    {"tcp://127.0.0.1:0", true, false},
	    {"tcp://[::1]:*", true, false},
	    {"tcp://127.0.0.1:9", false, true},
	};
	struct ipc_server_conf sconf = server_conf(&f, KIND_CURVE);
	struct ipc_client_conf cconf = client_conf(&f, NULL);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ipc_server *s = NULL;
		struct ipc_client *c = NULL;
		struct err e = {0};

		sconf.endpoint = cconf.endpoint = table[i].text;
		/* Port 9 is fine to connect to; to listen on it is not what is tried here. */
		if (!table[i].client)
			ck_assert_msg((ipc_server_new(&s, &sconf, &e) == 0) == table[i].server, "%s: %s",
			    table[i].text, err_text(&e));
		if (s != NULL) {
			ck_assert_ptr_null(strchr(ipc_server_endpoint(s), '*'));
			ck_assert_str_ne(ipc_server_endpoint(s), table[i].text);
		}
		ck_assert_msg((ipc_client_new(&c, &cconf, &e) == 0) == table[i].client, "%s: %s",
		    table[i].text, err_text(&e));
		ipc_server_free(s);
		ipc_client_free(c);
	}
}
END_TEST

START_TEST(path_too_long)
{
	char endpoint[256];
	struct ipc_server_conf sconf = server_conf(&f, KIND_IPC);
	struct ipc_client_conf cconf = client_conf(&f, endpoint);
	struct ipc_client *c = NULL;
	struct ipc_server *s;
	struct err e = {0};
	int n = snprintf(endpoint, sizeof(endpoint), "ipc://%s/", f.dir);

	sconf.endpoint = endpoint;
	memset(endpoint + n, 'x', sizeof(endpoint) - (size_t)n);
	endpoint[6 + IPC_PATH_MAX + 1] = '\0';
	ck_assert_int_eq(server_error(&sconf, &e), ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err_text(&e), "107"));
	ck_assert_ptr_nonnull(strstr(err_text(&e), f.dir));
	ck_assert_int_eq(ipc_client_new(&c, &cconf, &e), -1);
	ck_assert_int_eq(e.code, ERR_INVALID);
	endpoint[6 + IPC_PATH_MAX] = '\0';
	s = server_open(&sconf);
	c = client_open(&cconf);
	ck_assert_str_eq(ipc_server_endpoint(s), endpoint);
	ck_assert(await_event(c, s, IPC_UP, PATIENCE_MS));
	ck_assert(round_trip(c, s, STR_LIT("x"), PATIENCE_MS));
	ipc_client_free(c);
	ipc_server_free(s);
}
END_TEST

START_TEST(bad_settings)
{
	struct ipc_server_conf good = server_conf(&f, KIND_CURVE);
	struct ipc_server_conf conf[6];
	struct ipc_client_conf cgood = client_conf(&f, "tcp://127.0.0.1:9");
	struct ipc_client_conf cconf[6];
	const uid_t many[64] = {0};

	for (size_t i = 0; i < 6; i++) {
		conf[i] = good;
		cconf[i] = cgood;
	}
	conf[0].cert_file = NULL;
	conf[1].allow_dir = NULL;
	conf[2].cert_file = "/nonexistent";
	conf[3].allow_dir = "/nonexistent";
	conf[4].queue = 0;
	conf[5].endpoint = f.endpoint[KIND_IPC];
	conf[5].uids = many;
	conf[5].uid_count = 64;
	cconf[0].cert_file = NULL;
	cconf[1].server_cert = NULL;
	cconf[2].cert_file = "/nonexistent";
	cconf[3].server_cert = "/nonexistent";
	cconf[4].queue = -1;
	cconf[5].reconnect_ms = 0;
	for (size_t i = 0; i < 6; i++) {
		struct ipc_client *c = NULL;
		struct err e = {0};

		ck_assert_int_ne(server_error(&conf[i], &e), ERR_OK);
		ck_assert_int_eq(ipc_client_new(&c, &cconf[i], &e), -1);
	}
}
END_TEST

START_TEST(port_in_use)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_CURVE);
	struct ipc_server *s = server_open(&conf);
	struct err e;

	conf.endpoint = ipc_server_endpoint(s);
	ck_assert_int_eq(server_error(&conf, &e), ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(err_text(&e), conf.endpoint));
	ipc_server_free(s);
}
END_TEST

/* The file is left by a process that was killed, and then held by one that lives. */
START_TEST(stale_and_live)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_IPC);
	struct child dead = ipc_child_start(&f, KIND_IPC, NULL);
	const char *path = f.endpoint[KIND_IPC] + strlen("ipc://");
	struct ipc_server *s;
	struct ipc_client_conf cconf = client_conf(&f, conf.endpoint);
	struct ipc_client *c;
	struct stat st;
	struct err e;

	ck_assert_int_eq(server_error(&conf, &e), ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(err_text(&e), path));
	ipc_child_end(&dead, SIGKILL);
	ck_assert_int_eq(stat(path, &st), 0);
	s = server_open(&conf);
	c = client_open(&cconf);
	ck_assert(await_event(c, s, IPC_UP, PATIENCE_MS));
	ck_assert_int_eq(server_error(&conf, &e), ERR_CONFLICT);
	ck_assert(round_trip(c, s, STR_LIT("undisturbed"), PATIENCE_MS));
	ipc_client_free(c);
	ipc_server_free(s);
	ck_assert_int_eq(stat(path, &st), -1);
	file_write(f.dir, "s", "a file of somebody");
	ck_assert_int_eq(server_error(&conf, &e), ERR_CONFLICT);
	ck_assert_int_eq(stat(path, &st), 0);
}
END_TEST

START_TEST(socket_mode)
{
	static const unsigned modes[] = {0600, 0660, 0666};
	struct ipc_server_conf conf = server_conf(&f, KIND_IPC);
	mode_t mask = umask(0);

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct ipc_server *s;
		struct stat st;

		conf.mode = modes[i];
		conf.group = geteuid() == 0 ? 65534 : getegid();
		s = server_open(&conf);
		ck_assert_int_eq(stat(f.endpoint[KIND_IPC] + 6, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, modes[i]);
		ck_assert_uint_eq(st.st_gid, conf.group);
		ck_assert_uint_eq(umask(0), 0);
		ipc_server_free(s);
	}
	umask(mask);
}
END_TEST

struct knocking {
	struct ipc_server *s;
	volatile bool stop;
};

static void *
echo_thread(void *arg)
{
	struct knocking *k = arg;

	while (!k->stop)
		echo_once(k->s, 20);
	return NULL;
}

static bool
knock(const struct ipc_server_conf *conf, uid_t uid)
{
	struct knocking k = {.s = server_open(conf)};
	unsigned long refused;
	pthread_t thread;
	bool answered;

	ck_assert_int_eq(pthread_create(&thread, NULL, echo_thread, &k), 0);
	answered = child_knock(uid, conf->endpoint, k.s);
	k.stop = true;
	pthread_join(thread, NULL);
	refused = ipc_server_refused(k.s);
	ipc_server_free(k.s);
	ck_assert_int_eq(answered, refused == 0);
	return answered;
}

/* The file's mode lets everybody in: what refuses is the check of the peer's user. */
START_TEST(users)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_IPC);
	const uid_t list[] = {4321, 54321};

	conf.mode = 0666;
	ck_assert(knock(&conf, geteuid()));
	conf.uids = list;
	conf.uid_count = 2;
	ck_assert(!knock(&conf, geteuid()));
	if (geteuid() != 0) {
		fprintf(stderr, "SKIP users: other users need root\n");
		return;
	}
	ck_assert(knock(&conf, 4321));
	ck_assert(knock(&conf, 54321));
	/* 432 and 43210 begin and end alike. */
	ck_assert(!knock(&conf, 432));
	ck_assert(!knock(&conf, 43210));
	conf.uid_count = 0;
	ck_assert(!knock(&conf, 54321));
}
END_TEST

static bool
gets_in(const char *cert, const char *server_cert, struct ipc_server *s, int timeout_ms)
{
	struct ipc_client_conf conf = client_conf(&f, ipc_server_endpoint(s));
	struct ipc_client *c;
	bool in;

	conf.cert_file = cert;
	conf.server_cert = server_cert;
	c = client_open(&conf);
	in = await_event(c, s, IPC_UP, timeout_ms) && round_trip(c, s, STR_LIT("x"), PATIENCE_MS);
	ipc_client_free(c);
	return in;
}

START_TEST(keys)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_CURVE);
	struct ipc_server *s = server_open(&conf);
	char path[PATH_MAX];
	struct err e = {0};

	ck_assert(gets_in(f.client_cert, f.server_cert, s, PATIENCE_MS));
	ck_assert_uint_eq(ipc_server_refused(s), 0);
	/* Until it has been refused, which takes longer where other things are done. */
	for (int i = 0; i < 20 && ipc_server_refused(s) == 0; i++)
		ck_assert(!gets_in(f.other_cert, f.server_cert, s, 400));
	ck_assert_uint_ge(ipc_server_refused(s), 1);
	ck_assert(!gets_in(f.client_cert, f.other_cert, s, 400));
	/* Two files with the same key are no reason to die, nor is a file of a secret key. */
	allow(&f, f.client_cert, "again");
	allow(&f, f.other_cert, "other");
	file_write(f.allow, ".hidden", "junk");
	file_write(f.allow, "x_secret", "junk");
	ck_assert(!gets_in(f.other_cert, f.server_cert, s, 400));
	ck_assert_int_eq(ipc_server_reload(s, &e), 0);
	ck_assert(gets_in(f.other_cert, f.server_cert, s, PATIENCE_MS));
	snprintf(path, sizeof(path), "%s/other", f.allow);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ipc_server_reload(s, &e), 0);
	ck_assert(!gets_in(f.other_cert, f.server_cert, s, 400));
	ck_assert(gets_in(f.client_cert, f.server_cert, s, PATIENCE_MS));
	/* What cannot be read changes nothing, and is named. */
	file_write(f.allow, "junk", "junk");
	ck_assert_int_eq(ipc_server_reload(s, &e), -1);
	ck_assert_ptr_nonnull(strstr(err_text(&e), "junk"));
	ck_assert(gets_in(f.client_cert, f.server_cert, s, PATIENCE_MS));
	ipc_server_free(s);
	ck_assert_int_eq(server_error(&conf, &e), ERR_MALFORMED);
}
END_TEST

START_TEST(removed_while_connected)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_CURVE);
	struct ipc_server *s = server_open(&conf);
	struct ipc_client_conf cconf = client_conf(&f, ipc_server_endpoint(s));
	struct ipc_client *c = client_open(&cconf);
	struct err e = {0};
	char path[PATH_MAX];

	ck_assert(await_event(c, s, IPC_UP, PATIENCE_MS));
	snprintf(path, sizeof(path), "%s/client", f.allow);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ipc_server_reload(s, &e), 0);
	ck_assert(round_trip(c, s, STR_LIT("not cut"), PATIENCE_MS));
	ck_assert(!gets_in(f.client_cert, f.server_cert, s, 400));
	ipc_client_free(c);
	ipc_server_free(s);
}
END_TEST

/* libzmq itself never tries again after a refusal. */
START_TEST(refused_then_allowed)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_CURVE);
	struct ipc_server *s = server_open(&conf);
	struct ipc_client_conf cconf = client_conf(&f, ipc_server_endpoint(s));
	struct ipc_client *c;
	struct err e = {0};
	int64_t at;

	cconf.cert_file = f.other_cert;
	c = client_open(&cconf);
	at = clock_ms();
	do
		ck_assert(!await_event(c, s, IPC_UP, 500));
	while (ipc_server_refused(s) < 2 && clock_ms() - at < 15000);
	ck_assert_uint_ge(ipc_server_refused(s), 2);
	/* About once a second. */
	ck_assert_int_le((int64_t)ipc_server_refused(s), 2 + (clock_ms() - at) / 800);
	allow(&f, f.other_cert, "other");
	ck_assert_int_eq(ipc_server_reload(s, &e), 0);
	ck_assert(await_event(c, s, IPC_UP, PATIENCE_MS));
	ck_assert(round_trip(c, s, STR_LIT("x"), PATIENCE_MS));
	ipc_client_free(c);
	ipc_server_free(s);
}
END_TEST

/* Peers that speak no CURVE at all, or not even ZeroMQ. */
START_TEST(no_key)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_CURVE);
	struct ipc_server *s = server_open(&conf);
	zsock_t *plain = zsock_new(ZMQ_DEALER);
	zsock_t *login = zsock_new(ZMQ_DEALER);
	zsock_t *stream = zsock_new(ZMQ_STREAM);

	zsock_set_plain_username(login, "root");
	zsock_set_plain_password(login, "root");
	ck_assert_int_eq(zsock_connect(plain, "%s", ipc_server_endpoint(s)), 0);
	ck_assert_int_eq(zsock_connect(login, "%s", ipc_server_endpoint(s)), 0);
	ck_assert_int_eq(zsock_connect(stream, "%s", ipc_server_endpoint(s)), 0);
	zsock_set_sndtimeo(plain, 100);
	zsock_set_sndtimeo(login, 100);
	zstr_send(plain, "x");
	zstr_send(login, "x");
	for (int64_t end = clock_ms() + 8000; ipc_server_refused(s) < 2 && clock_ms() < end;)
		echo_once(s, 10);
	ck_assert_uint_ge(ipc_server_refused(s), 2);
	ck_assert_uint_eq(zsock_events(plain) & ZMQ_POLLIN, 0);
	ck_assert_uint_eq(zsock_events(login) & ZMQ_POLLIN, 0);
	ck_assert(gets_in(f.client_cert, f.server_cert, s, PATIENCE_MS));
	zsock_destroy(&plain);
	zsock_destroy(&login);
	zsock_destroy(&stream);
	ipc_server_free(s);
}
END_TEST

/* Each has a list of its own, and one ends while the other goes on. */
START_TEST(two_servers)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_CURVE);
	struct ipc_server_conf control = server_conf(&f, KIND_IPC);
	struct ipc_server *a = server_open(&conf);
	struct ipc_server *ctl = server_open(&control);
	struct ipc_server *b;
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/allow2", f.dir);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	conf.allow_dir = dir;
	b = server_open(&conf);
	ck_assert(gets_in(f.client_cert, f.server_cert, a, PATIENCE_MS));
	ck_assert(!gets_in(f.client_cert, f.server_cert, b, 400));
	ck_assert(gets_in(NULL, NULL, ctl, PATIENCE_MS));
	ipc_server_free(a);
	ck_assert(gets_in(NULL, NULL, ctl, PATIENCE_MS));
	ipc_server_free(b);
	ipc_server_free(ctl);
	ctl = server_open(&control);
	ck_assert(gets_in(NULL, NULL, ctl, PATIENCE_MS));
	ipc_server_free(ctl);
}
END_TEST

/* Runs without a home directory, and says nothing on stdout. */
START_TEST(quiet)
{
	struct ipc_server_conf conf = server_conf(&f, KIND_CURVE);
	int saved = dup(STDOUT_FILENO);
	char path[PATH_MAX];
	struct ipc_server *s;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/stdout", f.dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	unsetenv("HOME");
	s = server_open(&conf);
	ck_assert(gets_in(f.client_cert, f.server_cert, s, PATIENCE_MS));
	ck_assert(!gets_in(f.other_cert, f.server_cert, s, 300));
	ipc_server_free(s);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	close(fd);
	close(saved);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("ipc_guard");
	TCase *tc = tcase_create("guard");
	SRunner *runner;
	int failed;

	fixture_child(argc, argv);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 40);
	tcase_add_test(tc, endpoints);
	tcase_add_test(tc, path_too_long);
	tcase_add_test(tc, bad_settings);
	tcase_add_test(tc, port_in_use);
	tcase_add_test(tc, stale_and_live);
	tcase_add_test(tc, socket_mode);
	tcase_add_test(tc, users);
	tcase_add_test(tc, keys);
	tcase_add_test(tc, removed_while_connected);
	tcase_add_test(tc, refused_then_allowed);
	tcase_add_test(tc, no_key);
	tcase_add_test(tc, two_servers);
	tcase_add_test(tc, quiet);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
