/* SPDX-License-Identifier: ISC */
/* tandemctl as an operator uses it: the real program, a real backend. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/freeze.h"
#include "tests/rig.h"

enum { OUT = 65536 };

static struct rig rig;
static char out[OUT];

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.leaks = true;
	rig_make(&rig);
}

static void
setup_running(void)
{
	setup();
	rig_backend(&rig);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

#define ctl(input, ...) rig_ctl(&rig, input, out, sizeof(out), __VA_ARGS__)

static void
has(const char *what)
{
	ck_assert_msg(strstr(out, what) != NULL, "no \"%s\" in: %s", what, out);
}

static void
has_not(const char *what)
{
	ck_assert_msg(strstr(out, what) == NULL, "\"%s\" is in: %s", what, out);
}

static json_t *
parsed(void)
{
	json_error_t why;
	json_t *j = json_loads(out, 0, &why);

	ck_assert_msg(j != NULL, "%s: %s", why.text, out);
	return j;
}

START_TEST(users)
{
	json_t *j;

	ck_assert_int_eq(ctl("secret99\n", "user add 201 --first Ann --last Lee --password-stdin"), 0);
	ck_assert_str_eq(out, "");
	ck_assert_int_eq(ctl(NULL, "user add 202 --no-password"), 0);
	ck_assert_int_eq(ctl(NULL, "user add 201 --no-password"), 1);
	has("the name \"201\" is in use");
	ck_assert_int_eq(ctl(NULL, "user add 'a b' --no-password"), 1);
	has("userName: has a character");
	ck_assert_int_eq(ctl(NULL, "user disable 202"), 0);
	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	has("enabled   yes             0       1 Ann Lee\n");
	has("disabled  no");

	ck_assert_int_eq(ctl(NULL, "user enable 202"), 0);
	ck_assert_int_eq(ctl("another99\n", "user password 202 --password-stdin"), 0);
	ck_assert_int_eq(ctl(NULL, "user list --json"), 0);
	j = parsed();
	ck_assert_uint_eq(json_array_size(j), 2);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(j, 0), "firstName")), "Ann");
	ck_assert(json_is_true(json_object_get(json_array_get(j, 1), "enabled")));
	ck_assert(json_is_true(json_object_get(json_array_get(j, 1), "password")));
	ck_assert(json_is_integer(json_object_get(json_array_get(j, 1), "bytes")));
	json_decref(j);

	ck_assert_int_eq(ctl(NULL, "user remove 202"), 2);
	ck_assert_int_eq(ctl(NULL, "user remove 202 --yes"), 0);
	ck_assert_int_eq(ctl(NULL, "user enable 202"), 1);
	has("no such user: 202");
}
END_TEST

/* An alias is enough for what can be taken back, not for a removal. */
START_TEST(removal_by_an_alias)
{
	rig_load(&rig,
	    "{\"type\":\"user\",\"record\":{\"userName\":\"701\",\"aliases\":[\"702\"],\"imId\":\"ann."
	    "im\"}}\n");
	ck_assert_int_eq(ctl(NULL, "user remove 702 --yes"), 1);
	has("\"702\" is another name of the user \"701\"");
	ck_assert_int_eq(ctl(NULL, "user remove ann.im --yes"), 1);
	ck_assert_int_eq(ctl(NULL, "user disable 702"), 0);
	ck_assert_int_eq(ctl(NULL, "user enable ann.im"), 0);
	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	has("701 ");
	ck_assert_int_eq(ctl(NULL, "user remove 701 --yes"), 0);
	ck_assert_int_eq(ctl(NULL, "user remove 702 --yes"), 1);
	has("no such user");
}
END_TEST

static const struct {
	const char *input, *args;
	int status;
	const char *says;
} refused_passwords[] = {
    {"short12\n", "user add 7 --password-stdin", 1, "less than 8 characters"},
    {"\n", "user add 7 --password-stdin --allow-weak", 1, "empty"},
    {"", "user add 7 --password-stdin", 1, "empty"},
    {"\xff\xff\xff\xff\xff\xff\xff\xff\n", "user add 7 --password-stdin", 1, "UTF-8"},
    {"secret99\n", "user add 7", 1, "--password-stdin"},
    {"secret99\n", "user add 7 --password=secret99", 2, "doesn't allow an argument"},
    {"secret99\n", "user add 7 --password-stdin --no-password", 2, "exclude"},
    {"short12\n", "user add 7 --password-stdin --allow-weak", 0, ""},
};

START_TEST(passwords)
{
	for (size_t i = 0; i < sizeof(refused_passwords) / sizeof(refused_passwords[0]); i++) {
		ck_assert_int_eq(ctl(refused_passwords[i].input, "%s", refused_passwords[i].args),
		    refused_passwords[i].status);
		has(refused_passwords[i].says);
	}
}
END_TEST

/* tandemctl on a terminal of its own. */
struct on_terminal {
	int master, slave;
	pid_t pid;
	char shown[4096];
	size_t n;
};

static void
start_on_terminal(struct on_terminal *t, const char *command)
{
	char *program = getenv("TANDEMCTL"), path[512];
	const char *build = getenv("TANDEM_BUILD");

	snprintf(path, sizeof(path), "%s/tandemctl", build != NULL ? build : "build");
	memset(t, 0, sizeof(*t));
	ck_assert_int_eq(openpty(&t->master, &t->slave, NULL, NULL, NULL), 0);
	ck_assert_int_ge(t->pid = fork(), 0);
	if (t->pid > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	ioctl(t->slave, TIOCSCTTY, 0);
	for (int fd = 0; fd < 3; fd++)
		dup2(t->slave, fd);
	execl(program != NULL ? program : path, "tandemctl", "-c", rig.conf, "user", command, "201",
	    (char *)NULL);
	_exit(127);
}

static void
await_text(struct on_terminal *t, const char *what)
{
	for (long long until = ms_now() + 10000; strstr(t->shown, what) == NULL;) {
		struct pollfd p = {.fd = t->master, .events = POLLIN};
		ssize_t r;

		ck_assert_msg(poll(&p, 1, (int)(until - ms_now())) > 0, "no \"%s\": %s", what, t->shown);
		r = read(t->master, t->shown + t->n, sizeof(t->shown) - 1 - t->n);
		ck_assert_int_gt(r, 0);
		t->n += (size_t)r;
	}
}

static void
type_text(struct on_terminal *t, const char *text)
{
	ck_assert_int_eq(write(t->master, text, strlen(text)), (ssize_t)strlen(text));
}

static int
end_on_terminal(struct on_terminal *t)
{
	int status;

	ck_assert_int_eq(waitpid(t->pid, &status, 0), t->pid);
	return status;
}

static bool
echoes(const struct on_terminal *t)
{
	struct termios mode;

	ck_assert_int_eq(tcgetattr(t->slave, &mode), 0);
	return (mode.c_lflag & ECHO) != 0;
}

static void
close_terminal(struct on_terminal *t)
{
	close(t->master);
	close(t->slave);
}

static void
not_in_arguments(pid_t pid)
{
	char path[64], text[1024] = "";
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	ck_assert_ptr_nonnull(f = fopen(path, "r"));
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	ck_assert_ptr_nonnull(memmem(text, n, "201", 3));
	ck_assert_ptr_null(memmem(text, n, "secret99", 8));
}

START_TEST(prompt)
{
	struct on_terminal t;

	start_on_terminal(&t, "add");
	await_text(&t, "New password for 201: ");
	ck_assert(!echoes(&t));
	type_text(&t, "secret99\n");
	await_text(&t, "The same again for 201: ");
	not_in_arguments(t.pid);
	ck_assert(!echoes(&t));
	type_text(&t, "secret99\n");
	ck_assert_int_eq(end_on_terminal(&t), 0);
	ck_assert(echoes(&t));
	ck_assert_ptr_null(strstr(t.shown, "secret99"));
	close_terminal(&t);
	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	has("enabled   yes");
}
END_TEST

START_TEST(prompt_gives_up)
{
	struct on_terminal t;

	start_on_terminal(&t, "add");
	await_text(&t, "New password for 201: ");
	type_text(&t, "secret99\n");
	await_text(&t, "The same again for 201: ");
	type_text(&t, "secret98\n");
	await_text(&t, "differ");
	ck_assert_int_eq(WEXITSTATUS(end_on_terminal(&t)), 1);
	ck_assert(echoes(&t));
	close_terminal(&t);

	start_on_terminal(&t, "add");
	await_text(&t, "New password for 201: ");
	type_text(&t, "sec\003");
	ck_assert_int_eq(WTERMSIG(end_on_terminal(&t)), SIGINT);
	ck_assert(echoes(&t));
	close_terminal(&t);
	ck_assert_int_eq(ctl(NULL, "user list --json"), 0);
	ck_assert_str_eq(out, "[]\n");
}
END_TEST

#define DAY                                                             \
	"\"periods\":[{\"scheduledDay\":1,\"start\":{\"hrs\":9,\"min\":0}," \
	"\"end\":{\"hrs\":18,\"min\":0}}]"

static const char good[] =
    "# what an operator brings\n"
    "\n"
    "{\"type\":\"settings\",\"record\":{\"realm\":\"ex.example\"}}\n"
    "{\"type\":\"branch\",\"record\":{\"name\":\"Harbour\",\"address\":{\"city\":\"Galway\"}}}\n"
    "{\"type\":\"group\",\"record\":{\"name\":\"sales\",\"weight\":3}}\n"
    "{\"type\":\"user\",\"record\":{\"userName\":\"301\",\"firstName\":\"Zo\xc3\xab\","
    "\"groups\":[\"sales\"],\"aliases\":[\"zoe\",\"z\"],\"passwordHash\":\"$x\"}}\n"
    "{\"type\":\"schedule\",\"group\":\"sales\",\"item\":9,\"record\":{\"name\":\"G\"," DAY "}}\n"
    "{\"type\":\"schedule\",\"user\":\"301\",\"item\":7,\"record\":{\"name\":\"O\"," DAY "}}\n"
    "{\"type\":\"callfwd\",\"user\":\"301\",\"record\":{\"rings\":[{\"number\":\"123\","
    "\"enabled\":true,\"scheduleId\":7}],\"expiration\":20}}\n"
    "{\"type\":\"contact\",\"user\":\"301\",\"record\":{\"emailAddress\":\"z@ex.example\","
    "\"custom1\":\"a\\u001b[2J\\u009b\\\\\",\"timestamp\":1700000000000}}\n"
    "{\"type\":\"revoked\",\"user\":\"301\",\"item\":77,\"record\":{\"at\":1}}\n";

START_TEST(round_trip)
{
	char first[512], second[512], file[128];
	struct rig copy = {0};
	struct stat st;

	ck_assert_int_eq(ctl(good, "load - --dry-run"), 0);
	ck_assert_str_eq(out, "9 rows checked, nothing applied\n");
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	ck_assert_msg(strncmp(out, "# tandem-dump 1 ", 16) == 0, "%s", out);
	has("\n# end 0 rows ");
	has_not("{");
	ck_assert_int_eq(ctl(good, "load - --json"), 0);
	ck_assert_str_eq(out, "{\"rows\":9,\"applied\":true}\n");

	/* Into itself, where it changes nothing, and into an empty store. */
	snprintf(file, sizeof(file), "%s/dump", rig.dir);
	ck_assert_int_eq(ctl(NULL, "dump %s", file), 0);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777U, 0600);
	ck_assert_int_eq(ctl(NULL, "load %s", file), 0);
	ck_assert_int_eq(ctl(NULL, "dump %s.2", file), 0);
	rig_make(&copy);
	rig_backend(&copy);
	ck_assert_msg(rig_ctl(&copy, NULL, out, sizeof(out), "load %s", file) == 0, "%s", out);
	ck_assert_int_eq(rig_ctl(&copy, NULL, out, sizeof(out), "dump %s.3", file), 0);
	rig_stop(&copy);
	snprintf(first, sizeof(first), "cmp %s %s.2", file, file);
	snprintf(second, sizeof(second), "cmp %s %s.3", file, file);
	ck_assert_int_eq(system(first), 0);
	ck_assert_int_eq(system(second), 0);

	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	has("\"passwordHash\":\"$x\"");
	has("\"custom1\":\"a\\u001b[2J\\u009b\\\\\"");
	has("{\"type\":\"schedule\",\"user\":\"301\",\"item\":7,\"record\":{\"scheduleId\":7,");
	ck_assert_int_eq(ctl(NULL, "user remove 301 --yes"), 0);
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	has_not("\"301\"");
	has("\"group\":\"sales\"");
}
END_TEST

#define CALLFWD "{\"type\":\"callfwd\",\"user\":\"301\","
static const struct {
	const char *row, *says;
} bad_rows[] = {
    /* found here */
    {"{\"type\":\"user\",", ":3: not valid JSON"},
    {"[]", ":3: a row must be an object"},
    {"{\"type\":\"nothing\",\"record\":{}}", ":3: type: there is no such kind"},
    {"{\"type\":\"ring\",\"record\":{}}", ":3: type: there is no such kind"},
    {"{\"record\":{}}", ":3: type: is required"},
    {"{\"type\":\"group\"}", ":3: record: is required"},
    {"{\"type\":\"group\",\"record\":null}", ":3: record: must be an object"},
    {"{\"type\":\"group\",\"record\":{},\"colour\":1}", ":3: a row has no member \"colour\""},
    {"{\"type\":\"group\",\"record\":{}}", ":3: name: is required"},
    {"{\"type\":\"group\",\"user\":\"301\",\"record\":{}}", ":3: user: this kind of row"},
    {"{\"type\":\"callfwd\",\"record\":{}}", ":3: user: is required"},
    {"{\"type\":\"callfwd\",\"user\":\"a\",\"group\":\"b\",\"record\":{}}", ":3: group: a row has"},
    {CALLFWD "\"item\":1,\"record\":{}}", ":3: item: this kind of row has no number"},
    {"{\"type\":\"revoked\",\"user\":\"301\",\"record\":{\"at\":1}}", ":3: item: is required"},
    {"{\"type\":\"schedule\",\"user\":\"301\",\"item\":0,\"record\":{}}", ":3: item: must be"},
    {CALLFWD "\"record\":{\"rings\":[{},{\"number\":\"a b\"}]}}", ":3: rings[1].number: has"},
    {CALLFWD "\"record\":{\"rings\":[{\"nummer\":\"1\"}]}}", ":3: rings[0]: a ring has no member"},
    {CALLFWD "\"record\":{\"expiration\":\"x\"}}", ":3: expiration: must be an integer"},
    {"{\"type\":\"user\",\"record\":{\"userName\":\"\\u001b[2J\"}}", ":3: userName: has a char"},
    /* found by the backend */
    {"{\"type\":\"callfwd\",\"user\":\"999\",\"record\":{}}", ":3: there is no user 999"},
    {"{\"type\":\"contact\",\"group\":\"\\u001b[2J\",\"record\":{}}",
        ":3: there is no group \\u001b[2J"},
    {"{\"type\":\"user\",\"record\":{\"userName\":\"8\",\"aliases\":[\"301\"]}}",
        ":3: the name \"301\" is in use"},
    {"{\"type\":\"schedule\",\"group\":\"sales\",\"item\":7,\"record\":{\"name\":\"x\"," DAY "}}",
        ":3: the number is in use by another owner"},
};

START_TEST(bad_row)
{
	static char before[OUT], text[4096];

	ck_assert_int_eq(ctl(good, "load -"), 0);
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	memcpy(before, out, sizeof(before));
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		snprintf(text, sizeof(text),
		    "{\"type\":\"group\",\"record\":{\"name\":\"new\"}}\n\n%s\n"
		    "{\"type\":\"group\",\"record\":{\"name\":\"newer\"}}\n",
		    bad_rows[i].row);
		ck_assert_msg(ctl(text, "load -") == 1, "%s: %s", bad_rows[i].row, out);
		has(bad_rows[i].says);
		has("tandemctl: standard input:3: ");
		has_not("\033");
	}
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	ck_assert_str_eq(out, before);
	ck_assert_int_eq(ctl(NULL, "load %s/none", rig.dir), 1);
	has("none: No such file");
}
END_TEST

/* More rows than a message takes, and rows of a size that fills parts before their number does. */
START_TEST(many_rows)
{
	enum { USERS = 700, RINGS = 256 };
	char file[128], command[512];
	int lines = 0;
	FILE *f;

	snprintf(file, sizeof(file), "%s/many", rig.dir);
	ck_assert_ptr_nonnull(f = fopen(file, "w"));
	for (int i = 0; i < USERS; i++)
		fprintf(f, "{\"type\":\"user\",\"record\":{\"userName\":\"%d\",\"aliases\":[\"a%d\"]}}\n",
		    1000 + i, i);
	for (int i = 0; i < 20; i++) {
		fprintf(f, "{\"type\":\"callfwd\",\"user\":\"%d\",\"record\":{\"rings\":[", 1000 + i);
		for (int k = 0; k < RINGS; k++)
			fprintf(f, "%s{\"number\":\"%0254d\"}", k > 0 ? "," : "", k);
		fprintf(f, "]}}\n");
	}
	fclose(f);
	ck_assert_int_eq(ctl(NULL, "load %s", file), 0);
	ck_assert_str_eq(out, "720 rows applied\n");
	ck_assert_int_eq(ctl(NULL, "dump %s.1", file), 0);
	ck_assert_int_eq(ctl(NULL, "load %s.1", file), 0);
	ck_assert_int_eq(ctl(NULL, "dump %s.2", file), 0);
	snprintf(
	    command, sizeof(command), "cmp %s.1 %s.2 && [ $(wc -l <%s.1) = 722 ]", file, file, file);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	for (const char *at = out; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	ck_assert_int_eq(lines, USERS + 1);
	ck_assert_int_eq(ctl(NULL, "status"), 0);
	has("users            700\n");
}
END_TEST

START_TEST(status)
{
	json_t *j, *list, *first;
	char engine[64];

	ck_assert_int_eq(ctl(NULL, "status"), 0);
	has("release          ");
	snprintf(engine, sizeof(engine), "engine           %s\n", rig_engine(&rig));
	has(engine);
	has("call months      0\n");
	has("RESOURCE ");
	has("/my/callfwdsched/{id} ");
	ck_assert_int_eq(ctl(NULL, "status --json"), 0);
	j = parsed();
	list = json_object_get(j, "resources");
	first = json_array_get(list, 0);
	ck_assert_uint_gt(json_array_size(list), 5);
	ck_assert_str_eq(json_string_value(json_object_get(first, "path")), "/readyz");
	ck_assert(json_is_integer(json_object_get(first, "longest")));
	ck_assert(json_is_integer(json_object_get(j, "uptime")));
	ck_assert(json_is_integer(json_object_get(j, "callBytes")));
	json_decref(j);
}
END_TEST

START_TEST(names_on_the_terminal)
{
	ck_assert_int_eq(ctl(NULL,
	                     "user add 201 --no-password --first \"$(printf '\\033[2J')\" "
	                     "--last \"$(printf '\\302\\2332J\\342\\200\\256')\""),
	    0);
	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	has("\\u001b[2J \\u009b2J\\u202e\n");
	ck_assert_int_eq(ctl(NULL, "user list --json"), 0);
	has("\"firstName\":\"\\u001b[2J\",\"lastName\":\"\\u009b2J\\u202e\"");
	has_not("\033");
	has_not("\302\233");
}
END_TEST

enum { STANDS_S = 5 };

/* The backend stands still and goes on a while later: the process that sees to it. */
static pid_t
let_it_stand(void)
{
	pid_t pid;

	freeze(rig.backend);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		sleep(STANDS_S);
		kill(rig.backend, SIGCONT);
		_exit(0);
	}
	return pid;
}

/* As on a machine that is too busy, or whose disk is. */
START_TEST(one_that_stands_still_is_waited_for)
{
	pid_t pid = let_it_stand();

	ck_assert_msg(ctl(NULL, "status") == 0, "%s", out);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

static bool
somebody_is_connected(void)
{
	char line[512], path[160];
	FILE *f = fopen("/proc/net/unix", "r");
	bool found = false;

	snprintf(path, sizeof(path), "%s/control/control.sock\n", rig.dir);
	ck_assert_ptr_nonnull(f);
	/* Of the listening socket the state, the sixth word, is 01; of an accepted one 03. */
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned state = 0;

		sscanf(line, "%*s %*s %*s %*s %*s %x", &state);
		found = found || (state == 3 && strstr(line, path) != NULL);
	}
	fclose(f);
	return found;
}

/* Nor does a command end that is under way. */
START_TEST(nor_does_a_command_end)
{
	enum { USERS = 20000 };
	char *rows = malloc(USERS * 64);
	size_t n = 0;
	int how;
	pid_t pid, loader;

	for (int i = 0; i < USERS; i++)
		n +=
		    (size_t)sprintf(rows + n, "{\"type\":\"user\",\"record\":{\"userName\":\"u%d\"}}\n", i);
	ck_assert_int_ge(loader = fork(), 0);
	if (loader == 0) {
		int rc = rig_ctl(&rig, rows, out, sizeof(out), "load -");

		fprintf(stderr, "%s", out);
		_exit(rc);
	}
	free(rows);
	for (int tries = 0; !somebody_is_connected(); tries++, usleep(10000))
		ck_assert_int_lt(tries, 2000);
	/* Much of it is still to come. */
	usleep(200000);
	pid = let_it_stand();
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(waitpid(loader, &how, 0), loader);
	ck_assert_msg(WIFEXITED(how) && WEXITSTATUS(how) == 0, "%d", how);
}
END_TEST

START_TEST(unreachable)
{
	ck_assert_int_eq(ctl(NULL, "status"), 3);
	has("the backend does not answer at ipc://");
	has("No such file or directory");
	/* Nothing is sent of a file that is wrong, so nobody is needed to say so. */
	ck_assert_int_eq(ctl("[]\n", "load -"), 1);
}
END_TEST

static const struct {
	const char *args;
	int status;
	const char *says;
} usages[] = {
    {"", 2, "usage: "},
    {"--help", 0, "check-config"},
    {"help user", 0, "user password NAME"},
    {"help nothing", 2, "there is no command"},
    {"user add --help", 0, "--no-password"},
    {"--version", 0, "tandemctl 0"},
    {"nothing", 2, "there is no command"},
    {"user", 2, "user list"},
    {"user enable", 2, "user enable NAME"},
    {"user list 1", 2, "user list"},
    {"user list --yes", 2, "--yes does not go with user list"},
    {"status --nothing", 2, "unrecognized option"},
    {"status --socket tcp://127.0.0.1:1", 2, "must be an ipc:///path"},
    {"status --socket ipc://relative", 2, "absolute"},
    {"status -o backend.port=1", 78, "unknown setting"},
    {"status -o backend.control=tcp://127.0.0.1:1", 78, "must be an ipc:///path"},
    {"status -c /nonexistent", 78, "/nonexistent"},
};

START_TEST(usage)
{
	for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
		ck_assert_msg(
		    ctl(NULL, "%s", usages[i].args) == usages[i].status, "%s: %s", usages[i].args, out);
		has(usages[i].says);
	}
}
END_TEST

START_TEST(check_config)
{
	char command[512], line[256];
	json_t *j;

	ck_assert_int_eq(ctl(NULL, "check-config %s", rig.conf), 0);
	snprintf(line, sizeof(line), "%s: ok\n", rig.conf);
	ck_assert_str_eq(out, line);
	/* What it prints is a configuration. */
	ck_assert_int_eq(ctl(NULL, "check-config --print >%s/copy", rig.dir), 0);
	ck_assert_int_eq(ctl(NULL, "check-config %s/copy", rig.dir), 0);
	snprintf(command, sizeof(command), "mkdir -m 755 %s/state && chmod 644 %s/tls/server.key",
	    rig.dir, rig.dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(
	    ctl(NULL,
	        "check-config -o gateway.certificate=/nonexistent"
	        " -o backend.listen=tcp://localhost:1 -o backend.control=ipc:///tmp/%0110d",
	        0),
	    78);
	has("gateway.certificate: /nonexistent: No such file");
	has("server.key has mode 0644");
	has("state has mode 0755, not 0700");
	has("backend.listen: not a numeric address");
	has("backend.control: socket path of 115 bytes, the limit is 107");
	has("backend.curve_cert: tcp needs it");
	ck_assert_int_eq(ctl(NULL, "check-config --json --print"), 78);
	j = parsed();
	ck_assert(json_is_false(json_object_get(j, "ok")));
	ck_assert_uint_eq(json_array_size(json_object_get(j, "complaints")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(
	                     json_object_get(json_object_get(j, "settings"), "gateway"), "hsts")),
	    0);
	json_decref(j);
	snprintf(command, sizeof(command), "printf '[backend]\\nport = 1\\n' >%s/bad", rig.dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(ctl(NULL, "check-config %s/bad", rig.dir), 78);
	has("/bad:2: unknown setting \"port\"");
}
END_TEST

START_TEST(cert)
{
	struct stat st;
	char file[128];

	ck_assert_int_eq(ctl(NULL, "cert make %s/curve gate", rig.dir), 0);
	snprintf(file, sizeof(file), "%s/curve_secret", rig.dir);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777U, 0600);
	ck_assert_int_eq(ctl(NULL, "cert make %s/curve gate", rig.dir), 1);
	has("File exists");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ctl");
	TCase *running = tcase_create("with a backend"), *alone = tcase_create("alone");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(running, setup_running, teardown);
	tcase_set_timeout(running, 60);
	tcase_add_test(running, users);
	tcase_add_test(running, removal_by_an_alias);
	tcase_add_test(running, passwords);
	tcase_add_test(running, prompt);
	tcase_add_test(running, prompt_gives_up);
	tcase_add_test(running, round_trip);
	tcase_add_test(running, bad_row);
	tcase_add_test(running, many_rows);
	tcase_add_test(running, status);
	tcase_add_test(running, names_on_the_terminal);
	tcase_add_test(running, one_that_stands_still_is_waited_for);
	tcase_add_test(running, nor_does_a_command_end);
	suite_add_tcase(suite, running);
	tcase_add_checked_fixture(alone, setup, teardown);
	tcase_set_timeout(alone, 60);
	tcase_add_test(alone, unreachable);
	tcase_add_test(alone, usage);
	tcase_add_test(alone, check_config);
	tcase_add_test(alone, cert);
	suite_add_tcase(suite, alone);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
