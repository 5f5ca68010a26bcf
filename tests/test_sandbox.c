/* SPDX-License-Identifier: ISC */
/* What a confined process can still do and what ends it, each in a process of its own. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/sandbox.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static char dir[64];

static void
setup(void)
{
	char path[96];

	snprintf(dir, sizeof(dir), "/tmp/tandem-sandbox-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	/* Some of the children are somebody else. */
	ck_assert_int_eq(chmod(dir, 0777), 0);
	snprintf(path, sizeof(path), "%s/outside", dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

/* The wait status of a child that runs `f`: what f returns is its exit code. */
static int
in_child(int (*f)(const void *), const void *arg)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		alarm(10);
		_exit(f(arg));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static bool
killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static bool
survived(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* System calls. Each `act` returns 0 when what it tried has worked. */

static int
act_nothing(void)
{
	return 0;
}

static int
act_open(void)
{
	return open("/", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno;
}

static int
act_exec(void)
{
	char name[] = "true";
	char *const argv[] = {name, NULL}, *const envp[] = {NULL};

	execve("/bin/true", argv, envp);
	return errno;
}

static int
act_socket(int family, int type)
{
	return socket(family, type | SOCK_CLOEXEC, 0) >= 0 ? 0 : errno;
}

static int
act_unix(void)
{
	return act_socket(AF_UNIX, SOCK_STREAM);
}

static int
act_datagram(void)
{
	return act_socket(AF_UNIX, SOCK_DGRAM);
}

static int
act_inet(void)
{
	return act_socket(AF_INET, SOCK_STREAM);
}

static int
act_inet6(void)
{
	/* A machine may be without; the filter is what is asked. */
	int rc = act_socket(AF_INET6, SOCK_STREAM);

	return rc == EAFNOSUPPORT ? 0 : rc;
}

static int
act_netlink_refused(void)
{
	return act_socket(AF_NETLINK, SOCK_RAW) == EOPNOTSUPP ? 0 : 1;
}

static int
act_packet(void)
{
	return act_socket(AF_PACKET, SOCK_RAW);
}

static int
act_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0 ? 0 : errno;
}

static void *
thread(void *arg)
{
	void *p = malloc(1 << 20);
	struct timespec t = {.tv_nsec = 1000};

	nanosleep(&t, NULL);
	if (p != NULL)
		memset(p, 1, 1 << 20);
	free(p);
	return p != NULL ? arg : NULL;
}

static int
act_thread(void)
{
	pthread_t t;
	void *ret = NULL;

	if (pthread_create(&t, NULL, thread, dir) != 0 || pthread_join(t, &ret) != 0)
		return 1;
	return ret == dir ? 0 : 2;
}

static int
act_abort(void)
{
	abort();
}

static int
act_stdio(void)
{
	char path[96];
	FILE *f;
	int rc;

	snprintf(path, sizeof(path), "%s/stdio", dir);
	f = fopen(path, "we");
	rc = f != NULL && fprintf(f, "x\n") == 2 && fflush(f) == 0 && fsync(fileno(f)) == 0;
	return rc && fclose(f) == 0 && unlink(path) == 0 ? 0 : 1;
}

static int
act_wait(void)
{
	uint64_t v = 1;
	int fd = eventfd(0, EFD_CLOEXEC);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return write(fd, &v, 8) == 8 && poll(&p, 1, 100) == 1 && read(fd, &v, 8) == 8 ? 0 : 1;
}

static int
act_write_execute(void)
{
	void *p =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED ? 0 : errno;
}

static int
act_make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

static int
act_raise_limit(void)
{
	const struct rlimit r = {0, 0};

	return setrlimit(RLIMIT_NOFILE, &r) == 0 ? 0 : errno;
}

static int
act_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1) == 0 ? 0 : errno;
}

static int
act_setuid(void)
{
	return setuid(65534) == 0 ? 0 : errno;
}

#define ACT_CALL(name, nr)                                     \
	static int act_##name(void)                                \
	{                                                          \
		return syscall(nr, 0, 0, 0, 0, 0, 0) >= 0 ? 0 : errno; \
	}
ACT_CALL(ptrace, SYS_ptrace)
ACT_CALL(mount, SYS_mount)
ACT_CALL(open_by_handle, SYS_open_by_handle_at)
ACT_CALL(kexec, SYS_kexec_load)
ACT_CALL(bpf, SYS_bpf)
ACT_CALL(userfaultfd, SYS_userfaultfd)
ACT_CALL(perf, SYS_perf_event_open)
ACT_CALL(keyctl, SYS_keyctl)
ACT_CALL(io_uring, SYS_io_uring_setup)
ACT_CALL(unshare, SYS_unshare)
ACT_CALL(readv_of_another, SYS_process_vm_readv)
ACT_CALL(pidfd_getfd, SYS_pidfd_getfd)

static int
act_memory(void)
{
	char *p = malloc(8 << 20), *q = p != NULL ? realloc(p, 16 << 20) : NULL;

	if (q == NULL)
		return 1;
	memset(q, 1, 16 << 20);
	free(q);
	return 0;
}

static int
act_send(void)
{
	return send(1, "x", 1, MSG_NOSIGNAL) == 1 || errno == ENOTSOCK ? 0 : errno;
}

static int
act_read(void)
{
	char c;

	return read(0, &c, 1) >= 0 ? 0 : errno;
}

static int
act_kill(void)
{
	return kill(getpid(), 0) == 0 ? 0 : errno;
}

static int
act_limit_time(void)
{
	const struct rlimit r = {100, 100};

	return setrlimit(RLIMIT_CPU, &r) == 0 ? 0 : errno;
}

static int
act_filter_more(void)
{
	struct err e = {0};

	return sandbox_syscalls(SANDBOX_DECODER, false, &e);
}

static int
act_namespace(void)
{
	return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) >= 0 ? 0 : errno;
}

enum outcome { WORKS, KILLS, ABORTS };

/* Under AddressSanitizer the backend keeps what the leak check at exit needs. */
#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECK WORKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAK_CHECK WORKS
#endif
#endif

static const struct {
	int (*act)(void);
	enum outcome auth, backend, backend_tcp;
	bool leak_check; /* allowed to the backend under AddressSanitizer */
} acts[] = {
    {act_nothing, WORKS, WORKS, WORKS, false},
    {act_thread, WORKS, WORKS, WORKS, false},
    {act_abort, ABORTS, ABORTS, ABORTS, false},
    {act_open, KILLS, WORKS, WORKS, false},
    {act_stdio, KILLS, WORKS, WORKS, false},
    {act_wait, KILLS, WORKS, WORKS, false},
    {act_unix, KILLS, WORKS, WORKS, false},
    {act_datagram, KILLS, WORKS, WORKS, false},
    {act_inet, KILLS, KILLS, WORKS, false},
    {act_inet6, KILLS, KILLS, WORKS, false},
    {act_netlink_refused, KILLS, KILLS, WORKS, false},
    {act_packet, KILLS, KILLS, KILLS, false},
    {act_exec, KILLS, KILLS, KILLS, false},
    {act_fork, KILLS, KILLS, KILLS, true},
    {act_write_execute, KILLS, KILLS, KILLS, false},
    {act_make_executable, KILLS, KILLS, KILLS, false},
    {act_raise_limit, KILLS, KILLS, KILLS, false},
    {act_dumpable, KILLS, KILLS, KILLS, true},
    {act_setuid, KILLS, KILLS, KILLS, false},
    {act_ptrace, KILLS, KILLS, KILLS, true},
    {act_mount, KILLS, KILLS, KILLS, false},
    {act_open_by_handle, KILLS, KILLS, KILLS, false},
    {act_kexec, KILLS, KILLS, KILLS, false},
    {act_bpf, KILLS, KILLS, KILLS, false},
    {act_userfaultfd, KILLS, KILLS, KILLS, false},
    {act_perf, KILLS, KILLS, KILLS, false},
    {act_keyctl, KILLS, KILLS, KILLS, false},
    {act_io_uring, KILLS, KILLS, KILLS, false},
    {act_unshare, KILLS, KILLS, KILLS, false},
    {act_readv_of_another, KILLS, KILLS, KILLS, true},
    {act_pidfd_getfd, KILLS, KILLS, KILLS, false},
};

/* The image process and a child that decodes. */
static const struct {
	int (*act)(void);
	enum outcome image, decoder;
} image_acts[] = {
    {act_nothing, WORKS, WORKS},
    {act_memory, WORKS, WORKS},
    {act_kill, WORKS, KILLS},
    {act_fork, WORKS, KILLS},
    {act_limit_time, WORKS, KILLS},
    {act_filter_more, WORKS, KILLS},
    {act_send, WORKS, KILLS},
    {act_read, WORKS, KILLS},
    {act_thread, KILLS, KILLS},
    {act_namespace, KILLS, KILLS},
    {act_open, KILLS, KILLS},
    {act_stdio, KILLS, KILLS},
    {act_wait, KILLS, KILLS},
    {act_unix, KILLS, KILLS},
    {act_inet, KILLS, KILLS},
    {act_exec, KILLS, KILLS},
    {act_write_execute, KILLS, KILLS},
    {act_make_executable, KILLS, KILLS},
    {act_raise_limit, KILLS, KILLS},
    {act_dumpable, KILLS, KILLS},
    {act_setuid, KILLS, KILLS},
    {act_ptrace, KILLS, KILLS},
    {act_mount, KILLS, KILLS},
    {act_bpf, KILLS, KILLS},
    {act_userfaultfd, KILLS, KILLS},
    {act_keyctl, KILLS, KILLS},
    {act_io_uring, KILLS, KILLS},
    {act_unshare, KILLS, KILLS},
    {act_readv_of_another, KILLS, KILLS},
    {act_pidfd_getfd, KILLS, KILLS},
};

struct trial {
	int (*act)(void);
	enum sandbox_profile profile;
	bool tcp;
};

static int
try_act(const void *arg)
{
	const struct trial *t = arg;
	struct err e = {0};

	if (sandbox_basics(&e) != 0 || sandbox_syscalls(t->profile, t->tcp, &e) != 0) {
		fprintf(stderr, "%s\n", err_text(&e));
		return 100;
	}
	return t->act();
}

static void
expect(int i, enum sandbox_profile profile, bool tcp, enum outcome outcome)
{
	const struct trial t = {acts[i].act, profile, tcp};
	int status = in_child(try_act, &t);

#ifdef LEAK_CHECK
	if (profile == SANDBOX_BACKEND && acts[i].leak_check)
		return;
#endif
	switch (outcome) {
	case WORKS:
		ck_assert_msg(survived(status), "row %d: status %#x", i, (unsigned)status);
		break;
	case KILLS:
		ck_assert_msg(killed(status), "row %d: status %#x", i, (unsigned)status);
		break;
	case ABORTS:
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		break;
	}
}

static void
expect_image(int i, enum sandbox_profile profile, enum outcome outcome)
{
	const struct trial t = {image_acts[i].act, profile, false};
	int status = in_child(try_act, &t);

#ifdef LEAK_CHECK
	/* A sanitizer's own calls are let through to where reports come from. */
	if (profile == SANDBOX_DECODER && outcome == KILLS && survived(status))
		return;
#endif
	ck_assert_msg(outcome == WORKS ? survived(status) : killed(status), "row %d: status %#x", i,
	    (unsigned)status);
}

START_TEST(calls_of_the_image_process)
{
	expect_image(_i, SANDBOX_IMAGE, image_acts[_i].image);
	expect_image(_i, SANDBOX_DECODER, image_acts[_i].decoder);
}
END_TEST

START_TEST(calls)
{
	expect(_i, SANDBOX_AUTH, false, acts[_i].auth);
	expect(_i, SANDBOX_AUTH, true, acts[_i].auth);
	expect(_i, SANDBOX_BACKEND, false, acts[_i].backend);
	expect(_i, SANDBOX_BACKEND, true, acts[_i].backend_tcp);
}
END_TEST

static void *
waits_then_opens(void *arg)
{
	const int *fd = arg;
	char c;

	if (read(fd[0], &c, 1) == 1)
		act_open();
	return NULL;
}

static int
try_old_thread(const void *arg)
{
	struct err e = {0};
	pthread_t t;
	int fd[2];

	(void)arg;
	if (pipe(fd) != 0 || pthread_create(&t, NULL, waits_then_opens, fd) != 0 ||
	    sandbox_syscalls(SANDBOX_AUTH, false, &e) != 0 || write(fd[1], "x", 1) != 1)
		return 100;
	pthread_join(t, NULL);
	return 0;
}

/* The filter holds for a thread that was there before it, and kills all of the process. */
START_TEST(threads_already_running)
{
	ck_assert(killed(in_child(try_old_thread, NULL)));
}
END_TEST

/* Basics and users */

static int
try_basics(const void *arg)
{
	struct rlimit r;
	struct err e = {0};

	(void)arg;
	umask(0);
	prctl(PR_SET_DUMPABLE, 1);
	if (sandbox_basics(&e) != 0)
		return 1;
	if (getrlimit(RLIMIT_CORE, &r) != 0 || r.rlim_cur != 0 || r.rlim_max != 0)
		return 2;
	if (umask(0) != 077 || prctl(PR_GET_DUMPABLE) != 0)
		return 3;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

START_TEST(basics)
{
	ck_assert_int_eq(in_child(try_basics, NULL), 0);
}
END_TEST

static bool
has_capabilities(void)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");
	bool any = false;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "CapPrm:", 7) == 0 || strncmp(line, "CapEff:", 7) == 0)
			any = any || strtoull(line + 7, NULL, 16) != 0;
	return f == NULL || fclose(f) != 0 || any;
}

static int
try_become(const void *arg)
{
	const bool *basics_first = arg;
	const gid_t extra[] = {1, 2, 3};
	struct err e = {0};
	uid_t r, ef, s;

	if (setgroups(3, extra) != 0 || (*basics_first && sandbox_basics(&e) != 0) ||
	    sandbox_become("nobody", &e) != 0 || (!*basics_first && sandbox_basics(&e) != 0))
		return 1;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setgroups(3, extra) == 0 ||
	    setresuid(0, 0, 0) == 0)
		return 2;
	if (getresuid(&r, &ef, &s) != 0 || r == 0 || r != ef || r != s)
		return 3;
	if (getresgid(&r, &ef, &s) != 0 || r == 0 || r != ef || r != s)
		return 4;
	if (getgroups(0, NULL) != 0)
		return 5;
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 6;
	return has_capabilities() ? 7 : 0;
}

START_TEST(become_is_for_good)
{
	const bool basics_first = _i == 0;

	if (geteuid() != 0) {
		printf("SKIP become_is_for_good: needs root\n");
		return;
	}
	ck_assert_int_eq(in_child(try_become, &basics_first), 0);
}
END_TEST

static int
try_become_odd(const void *arg)
{
	struct err e = {0};
	uid_t before = geteuid();

	(void)arg;
	if (sandbox_become(NULL, &e) != 0 || geteuid() != before)
		return 1;
	if (before != 0)
		return sandbox_become("nobody", &e) == 0 && geteuid() == before ? 0 : 2;
	if (sandbox_become("no-such-user-here", &e) == 0 || sandbox_become("root", &e) == 0)
		return 3;
	return geteuid() == 0 ? 0 : 4;
}

START_TEST(become_nobody_known)
{
	ck_assert_int_eq(in_child(try_become_odd, NULL), 0);
}
END_TEST

static _Noreturn void
be_looked_at(bool confined, int ready)
{
	struct err e = {0};

	alarm(10);
	/* Becoming another user has switched it off for the control as well. */
	prctl(PR_SET_DUMPABLE, 1);
	if ((confined && sandbox_basics(&e) != 0) || write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* An ordinary user's process, and another one of the same user that wants its memory. It is
 * the parent of the first, since some systems let only parents look at all. */
static int
try_memory(const void *arg)
{
	const bool *confined = arg;
	int ready[2], rc;
	struct err e = {0};
	char path[64], c;
	pid_t pid;

	if (sandbox_become("nobody", &e) != 0 || pipe(ready) != 0)
		return 100;
	pid = fork();
	if (pid == 0)
		be_looked_at(*confined, ready[1]);
	if (read(ready[0], &c, 1) != 1)
		return 101;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	rc = open(path, O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno;
	if ((ptrace(PTRACE_ATTACH, pid, 0, 0) == 0) == *confined)
		rc = 102;
	kill(pid, SIGKILL);
	return rc;
}

START_TEST(memory_of_the_same_user)
{
	const bool confined = _i == 1;
	int status = in_child(try_memory, &confined);

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), confined ? EACCES : 0);
}
END_TEST

/* Paths */

static const char *
at(const char *name)
{
	static char paths[8][128];
	static unsigned turn;
	char *p = paths[turn++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static int
try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
refused(int rc)
{
	return rc != 0 ? errno : 0;
}

static int
try_bind(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	rc = refused(bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
	close(fd);
	return rc;
}

static long
landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static void
make_tree(void)
{
	const char *dirs[] = {"rw", "rw/a", "rw/b", "ro"};
	const char *files[] = {"rw/old", "rw/a/move", "ro/file", "single", "single-ro"};

	for (int i = 0; i < COUNT(dirs); i++)
		ck_assert_int_eq(mkdir(at(dirs[i]), 0777), 0);
	for (int i = 0; i < COUNT(files); i++)
		ck_assert_int_eq(try_open(at(files[i]), O_CREAT | O_WRONLY), 0);
}

/* What is refused, by the number of the line; 0 = everything as it should be. */
#define MUST(rc, wanted)                                               \
	do {                                                               \
		if ((rc) != (wanted)) {                                        \
			fprintf(stderr, "line %d is not " #wanted "\n", __LINE__); \
			return 1;                                                  \
		}                                                              \
	} while (0)

static int
confine(bool optional)
{
	const char *const rw[] = {at("rw"), at("single"), "/dev/null", NULL};
	const char *const ro[] = {at("ro"), at("single-ro"), NULL};
	struct err e = {0};

	if (sandbox_basics(&e) == 0 && sandbox_paths(rw, ro, optional, &e) == 0)
		return 0;
	fprintf(stderr, "%s\n", err_text(&e));
	return -1;
}

static int
try_paths(const void *arg)
{
	const int *keep = arg;
	char c;

	MUST(confine(false), 0);
	MUST(try_open(at("rw/new"), O_CREAT | O_EXCL | O_RDWR), 0);
	MUST(try_open(at("rw/old"), O_RDONLY), 0);
	MUST(try_open(at("rw"), O_RDONLY | O_DIRECTORY), 0);
	MUST(refused(truncate(at("rw/old"), 100)), 0);
	MUST(refused(mkdir(at("rw/c"), 0700)), 0);
	MUST(refused(rename(at("rw/a/move"), at("rw/b/move"))), 0);
	MUST(refused(link(at("rw/old"), at("rw/link"))), 0);
	MUST(refused(unlink(at("rw/new"))), 0);
	MUST(refused(rmdir(at("rw/c"))), 0);
	MUST(try_bind(at("rw/socket")), 0);
	MUST(refused(symlink("/etc/passwd", at("rw/symlink"))), EACCES);
	MUST(refused(mkfifo(at("rw/fifo"), 0600)), EACCES);
	MUST(try_open(at("ro/file"), O_RDONLY), 0);
	MUST(try_open(at("ro"), O_RDONLY | O_DIRECTORY), 0);
	MUST(try_open(at("ro/file"), O_WRONLY), EACCES);
	MUST(try_open(at("ro/new"), O_CREAT | O_WRONLY), EACCES);
	MUST(refused(unlink(at("ro/file"))), EACCES);
	MUST(try_bind(at("ro/socket")), EACCES);
	MUST(try_open(at("single"), O_RDWR), 0);
	MUST(try_open(at("single-ro"), O_RDONLY), 0);
	MUST(try_open(at("single-ro"), O_RDWR), EACCES);
	MUST(try_open(at("outside"), O_RDONLY), EACCES);
	MUST(try_open(at("rw/../outside"), O_RDONLY), EACCES);
	MUST(refused(truncate(at("outside"), 0)), EACCES);
	MUST(try_open("/etc/passwd", O_RDONLY), EACCES);
	MUST(try_open("/", O_RDONLY | O_DIRECTORY), EACCES);
	MUST(act_exec(), EACCES);
	/* What was open stays so. */
	MUST(read(*keep, &c, 1), 0);
	return 0;
}

static bool
without_landlock(const char *test)
{
	if (landlock_abi() >= 3)
		return false;
	printf("SKIP %s: this kernel has no landlock of version 3\n", test);
	return true;
}

START_TEST(paths)
{
	int keep = open(at("outside"), O_RDONLY | O_CLOEXEC);

	if (without_landlock("paths"))
		return;
	make_tree();
	ck_assert_int_eq(in_child(try_paths, &keep), 0);
	close(keep);
}
END_TEST

static int
try_no_paths(const void *arg)
{
	const char *const empty[] = {NULL}, *const missing[] = {at("missing"), NULL};
	struct err e = {0};

	MUST(sandbox_basics(&e), 0);
	MUST(sandbox_paths(missing, NULL, true, &e), -1);
	MUST(strstr(err_text(&e), "missing") != NULL, true);
	MUST(try_open(at("outside"), O_RDONLY), 0);
	if (arg != NULL)
		MUST(sandbox_paths(empty, empty, false, &e), 0);
	else
		MUST(sandbox_paths(NULL, NULL, false, &e), 0);
	MUST(try_open(at("outside"), O_RDONLY), EACCES);
	MUST(try_open("/dev/null", O_RDONLY), EACCES);
	return 0;
}

START_TEST(no_paths)
{
	if (without_landlock("no_paths"))
		return;
	ck_assert_int_eq(in_child(try_no_paths, _i == 0 ? NULL : dir), 0);
}
END_TEST

/* Kernels that are not here are played by a filter that answers for this one. */

static int
try_without(const void *arg)
{
	const uint32_t *error = arg;
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	struct err e = {0};

	MUST(seccomp_rule_add(f, SCMP_ACT_ERRNO(*error), SCMP_SYS(landlock_create_ruleset), 0), 0);
	MUST(seccomp_load(f), 0);
	MUST(sandbox_paths(NULL, NULL, false, &e), -1);
	MUST(sandbox_paths(NULL, NULL, true, &e), *error == EPERM ? -1 : 0);
	MUST(try_open(at("outside"), O_RDONLY), 0);
	return 0;
}

START_TEST(kernel_without_landlock)
{
	const uint32_t errors[] = {ENOSYS, EOPNOTSUPP, EPERM};

	ck_assert_int_eq(in_child(try_without, &errors[_i]), 0);
}
END_TEST

static int
try_device(void)
{
	struct termios t;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int rc = refused(tcgetattr(fd, &t));

	close(fd);
	return rc;
}

struct older {
	int notify;
	int64_t abi;
};

/* Answers the question for the version; what it lets pass must then fit that version. */
static void *
answer_version(void *arg)
{
	const struct older *o = arg;
	struct seccomp_notif *req;
	struct seccomp_notif_resp *resp;

	if (seccomp_notify_alloc(&req, &resp) != 0)
		return NULL;
	if (seccomp_notify_receive(o->notify, req) == 0) {
		resp->id = req->id;
		resp->val = o->abi;
		seccomp_notify_respond(o->notify, resp);
	}
	seccomp_notify_free(req, resp);
	return NULL;
}

static int
try_older(const void *arg)
{
	struct older o = {-1, *(const long *)arg};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	pthread_t t;

	MUST(seccomp_rule_add(f, SCMP_ACT_NOTIFY, SCMP_SYS(landlock_create_ruleset), 1,
	         SCMP_CMP64(2, SCMP_CMP_EQ, LANDLOCK_CREATE_RULESET_VERSION, 0)),
	    0);
	MUST(seccomp_load(f), 0);
	o.notify = seccomp_notify_fd(f);
	MUST(pthread_create(&t, NULL, answer_version, &o), 0);
	MUST(confine(false), 0);
	MUST(pthread_join(t, NULL), 0);
	MUST(try_open(at("outside"), O_RDONLY), EACCES);
	MUST(try_open(at("rw/new"), O_CREAT | O_EXCL | O_RDWR), 0);
	MUST(refused(rename(at("rw/a/move"), at("rw/b/move"))), o.abi < 2 ? EXDEV : 0);
	MUST(refused(truncate(at("outside"), 0)), o.abi < 3 ? 0 : EACCES);
	MUST(try_device(), o.abi < 5 ? ENOTTY : EACCES);
	return 0;
}

START_TEST(older_landlock)
{
	long abi = _i;

	if (landlock_abi() < abi) {
		printf("SKIP older_landlock %ld: this kernel is older still\n", abi);
		return;
	}
	make_tree();
	ck_assert_int_eq(in_child(try_older, &abi), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, calls_of_the_image_process, 0, COUNT(image_acts));
	tcase_add_loop_test(t, calls, 0, COUNT(acts));
	tcase_add_test(t, threads_already_running);
	tcase_add_test(t, basics);
	tcase_add_loop_test(t, become_is_for_good, 0, 2);
	tcase_add_test(t, become_nobody_known);
	tcase_add_loop_test(t, memory_of_the_same_user, 0, 2);
	tcase_add_test(t, paths);
	tcase_add_loop_test(t, no_paths, 0, 2);
	tcase_add_loop_test(t, kernel_without_landlock, 0, 3);
	tcase_add_loop_test(t, older_landlock, 1, 8);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
