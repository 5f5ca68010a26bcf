/* SPDX-License-Identifier: ISC */
/* The auth child as the backend uses it: hashes, signatures, limits, its end. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/auth_child.h"
#include "common/audit_chain.h"
#include "common/sandbox.h"
#include "tests/auth_rig.h"
#include "tests/freeze.h"

static const struct str password = {"correct horse", 13};

static struct answer
hash_of(struct auth *a, struct str s)
{
	struct answer an = {0};

	ck_assert_int_eq(auth_hash(a, s, rig_done, &an), 0);
	rig_wait(a, &an, 1);
	return an;
}

static bool
verifies(struct auth *a, struct str s, struct str hash)
{
	struct answer an = {0};

	ck_assert_int_eq(auth_verify(a, s, hash, rig_done, &an), 0);
	rig_wait(a, &an, 1);
	ck_assert_uint_eq(an.n, 0);
	return an.ok;
}

START_TEST(hash_and_verify)
{
	struct auth *a = auth_rig_start(2);
	struct answer one = hash_of(a, password), two = hash_of(a, STR_LIT("other"));
	struct answer again = hash_of(a, password);
	struct str hash = {one.text, one.n};

	ck_assert(one.ok && two.ok && again.ok);
	ck_assert_msg(str_starts(hash,
	                  SANDBOX_SANITIZED ? "$argon2id$v=19$m=1024,t=2,p=1$"
	                                    : "$argon2id$v=19$m=19456,t=2,p=1$"),
	    "%s", one.text);
	ck_assert_uint_le(hash.n, AUTH_HASH_MAX);
	/* Salted: the same password does not give the same text. */
	ck_assert(!str_eq(hash, (struct str){again.text, again.n}));
	ck_assert(verifies(a, password, hash));
	ck_assert(verifies(a, password, (struct str){again.text, again.n}));
	ck_assert(!verifies(a, STR_LIT("correct horsf"), hash));
	ck_assert(!verifies(a, STR_LIT("correct hors"), hash));
	ck_assert(!verifies(a, STR_LIT(""), hash));
	ck_assert(!verifies(a, password, (struct str){two.text, two.n}));
	auth_stop(a);
}
END_TEST

static const char *const malformed[] = {
    "",
    "x",
    "$argon2id$",
    "$argon2id$v=19$m=19456,t=2,p=1$",
    "$argon2id$v=19$m=19456,t=2,p=1$$",
    /* asks for 4 TiB, for hours, for nothing */
    "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
    "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU",
    "$argon2id$v=19$m=19456,t=1000000,p=1$c29tZXNhbHRzb21lc2FsdA$"
    "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU",
    "$argon2id$v=19$m=,t=,p=$c29tZXNhbHRzb21lc2FsdA$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU",
    "$argon2id$v=19$m=19456,t=2,p=1$!!!!$????",
    "$2y$10$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
};

START_TEST(malformed_hash)
{
	struct auth *a = auth_rig_start(1);

	ck_assert(!verifies(a, password, str_c(malformed[_i])));
	auth_stop(a);
}
END_TEST

START_TEST(damaged_hash)
{
	struct auth *a = auth_rig_start(1);
	struct answer one = hash_of(a, password);

	ck_assert(!verifies(a, password, (struct str){one.text, one.n - 1}));
	/* A NUL inside must not end the comparison early. */
	one.text[one.n] = '\0';
	ck_assert(!verifies(a, password, (struct str){one.text, one.n + 1}));
	one.text[one.n - 3] = one.text[one.n - 3] == 'A' ? 'B' : 'A';
	ck_assert(!verifies(a, password, (struct str){one.text, one.n}));
	auth_stop(a);
}
END_TEST

/* At the limits it works; beyond them a verify is wrong and the rest is refused. */
START_TEST(lengths)
{
	static char text[AUTH_PAYLOAD_MAX + 1];
	struct auth *a = auth_rig_start(1);
	struct answer an = {0}, longest, none;

	memset(text, 'x', sizeof(text));
	longest = hash_of(a, (struct str){text, AUTH_PASSWORD_MAX});
	none = hash_of(a, STR_LIT(""));
	ck_assert(
	    verifies(a, (struct str){text, AUTH_PASSWORD_MAX}, (struct str){longest.text, longest.n}));
	ck_assert(verifies(a, STR_LIT(""), (struct str){none.text, none.n}));
	ck_assert(!verifies(
	    a, (struct str){text, AUTH_PASSWORD_MAX + 1}, (struct str){longest.text, longest.n}));
	ck_assert(!verifies(a, password, (struct str){text, AUTH_HASH_MAX}));
	ck_assert(!verifies(a, password, (struct str){text, AUTH_HASH_MAX + 1}));
	ck_assert_int_eq(auth_hash(a, (struct str){text, AUTH_PASSWORD_MAX + 1}, rig_done, &an), -1);
	ck_assert_int_eq(auth_sign(a, (struct str){text, AUTH_PAYLOAD_MAX + 1}, rig_done, &an), -1);
	ck_assert_int_eq(an.calls, 0);
	auth_stop(a);
}
END_TEST

static struct answer
signature_of(struct auth *a, struct str payload)
{
	struct answer an = {0};

	ck_assert_int_eq(auth_sign(a, payload, rig_done, &an), 0);
	rig_wait(a, &an, 1);
	ck_assert(an.ok);
	ck_assert_uint_eq(an.n, AUTH_SIGNATURE_LEN);
	return an;
}

START_TEST(sign_and_check)
{
	static char longest[AUTH_PAYLOAD_MAX + 1];
	struct auth *a = auth_rig_start(1);
	struct str payload = STR_LIT("user=7;exp=9"), all = {longest, AUTH_PAYLOAD_MAX};
	struct answer an = signature_of(a, payload), big = signature_of(a, all);
	struct answer nil = signature_of(a, STR_LIT(""));
	unsigned char *sig = (unsigned char *)an.text, other[AUTH_PUBLIC_KEY_LEN];
	const unsigned char *pk = auth_public_key(a);

	ck_assert(auth_signature_ok(pk, payload, sig));
	ck_assert(auth_signature_ok(pk, all, (unsigned char *)big.text));
	ck_assert(auth_signature_ok(pk, STR_LIT(""), (unsigned char *)nil.text));
	ck_assert(!auth_signature_ok(pk, STR_LIT("user=8;exp=9"), sig));
	ck_assert(!auth_signature_ok(pk, STR_LIT("user=7;exp="), sig));
	ck_assert(!auth_signature_ok(pk, (struct str){longest, sizeof(longest)}, sig));
	for (size_t i = 0; i < AUTH_SIGNATURE_LEN; i++) {
		sig[i] ^= 1;
		ck_assert(!auth_signature_ok(pk, payload, sig));
		sig[i] ^= 1;
	}
	memcpy(other, pk, sizeof(other));
	other[0] ^= 1;
	ck_assert(!auth_signature_ok(other, payload, sig));
	auth_stop(a);
}
END_TEST

START_TEST(signature_of_another_key)
{
	struct auth *a = auth_rig_start(1), *b;
	struct answer an = signature_of(a, password);
	unsigned char old[AUTH_PUBLIC_KEY_LEN];

	memcpy(old, auth_public_key(a), sizeof(old));
	auth_stop(a);
	ck_assert_int_eq(unlink(rig_keys), 0);
	b = auth_rig_start(1);
	ck_assert(auth_signature_ok(old, password, (unsigned char *)an.text));
	ck_assert(!auth_signature_ok(auth_public_key(b), password, (unsigned char *)an.text));
	auth_stop(b);
}
END_TEST

/* The child rests, so that nothing is answered before the queue is full. */
START_TEST(full_queue)
{
	static char payload[AUTH_PAYLOAD_MAX];
	struct answer an[AUTH_QUEUE_MAX] = {0}, one_more = {0};
	struct str longest = {payload, sizeof(payload)};
	struct auth *a = auth_rig_start(2);

	freeze(auth_pid(a));
	for (int i = 0; i < AUTH_QUEUE_MAX; i++)
		ck_assert_int_eq(i % 8 == 0 ? auth_hash(a, password, rig_done, &an[i])
		                            : auth_sign(a, longest, rig_done, &an[i]),
		    0);
	ck_assert_int_eq(auth_sign(a, password, rig_done, &one_more), -1);
	ck_assert_int_eq(auth_hash(a, password, rig_done, &one_more), -1);
	ck_assert_int_eq(auth_verify(a, password, password, rig_done, &one_more), -1);
	ck_assert_int_eq(kill(auth_pid(a), SIGCONT), 0);
	rig_wait(a, an, AUTH_QUEUE_MAX);
	for (int i = 0; i < AUTH_QUEUE_MAX; i++)
		ck_assert(an[i].ok);
	ck_assert_int_eq(one_more.calls, 0);
	ck_assert_int_eq(auth_sign(a, password, rig_done, &one_more), 0);
	rig_wait(a, &one_more, 1);
	auth_stop(a);
}
END_TEST

/* Signatures do not wait behind hashes. The child rests until it has been asked for all of them, so
 * that none is made meanwhile. */
START_TEST(signature_overtakes)
{
	struct answer hashes[8] = {0}, sig = {0};
	struct auth *a = auth_rig_start(1);
	char hash[AUTH_HASH_MAX];
	int done = 0;

	rig_dear_hash(hash, 10);
	freeze(auth_pid(a));
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(auth_verify(a, password, str_c(hash), rig_done, &hashes[i]), 0);
	ck_assert_int_eq(auth_sign(a, password, rig_done, &sig), 0);
	ck_assert_int_eq(kill(auth_pid(a), SIGCONT), 0);
	rig_wait(a, &sig, 1);
	for (int i = 0; i < 8; i++)
		done += hashes[i].calls;
	ck_assert_int_lt(done, 4);
	rig_wait(a, hashes, 8);
	auth_stop(a);
}
END_TEST

static void
sign_again(void *arg, bool ok, struct str result)
{
	struct auth **a = arg;

	(void)ok;
	(void)result;
	/* Succeeds while the child lives, never afterwards. */
	if (auth_sign(*a, password, sign_again, arg) != 0)
		*a = NULL;
}

START_TEST(callback_asks_again)
{
	struct auth *a = auth_rig_start(1), *arg = a;
	struct pollfd p = {.fd = auth_fd(a), .events = POLLIN};

	ck_assert_int_eq(auth_sign(a, password, sign_again, &arg), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		ck_assert_int_eq(auth_read(a), 0);
		ck_assert_ptr_nonnull(arg);
	}
	auth_stop(a);
	ck_assert_ptr_null(arg);
}
END_TEST

static int
entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	ck_assert_ptr_nonnull(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int
tasks(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return entries(path);
}

static long
peak_kib(pid_t pid)
{
	char buf[4096];
	const char *at;

	rig_proc(pid, "status", buf, sizeof(buf));
	at = strstr(buf, "VmHWM:");
	ck_assert_ptr_nonnull(at);
	return strtol(at + 6, NULL, 10);
}

/* A hash takes 19 MiB while it is made: the peak tells how many were made at once. The
 * kernel's count lags by a few pages, hence the halves. */
START_TEST(threads_are_bounded)
{
	const unsigned threads = (unsigned)_i;
	const long each = 19 * 1024;
	struct auth *a = auth_rig_start(threads);
	long before = peak_kib(auth_pid(a)), peak;
	char hash[AUTH_HASH_MAX];
	struct answer an[8] = {0};

	rig_dear_hash(hash, 2);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(auth_verify(a, password, str_c(hash), rig_done, &an[i]), 0);
	while (an[7].calls == 0) {
		ck_assert_int_eq(tasks(auth_pid(a)), (int)threads + 1);
		ck_assert_int_eq(auth_read(a), 0);
	}
	rig_wait(a, an, 8);
	for (int i = 0; i < 8; i++)
		ck_assert(!an[i].ok);
	peak = peak_kib(auth_pid(a)) - before;
	ck_assert_int_gt(peak, each / 2);
	ck_assert_int_lt(peak, (long)threads * each + each / 2);
	auth_stop(a);
}
END_TEST

START_TEST(killed_child)
{
	struct answer an[6] = {0}, late = {0};
	struct auth *a = auth_rig_start(2);

	freeze(auth_pid(a));
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(i % 2 ? auth_sign(a, password, rig_done, &an[i])
		                       : auth_hash(a, password, rig_done, &an[i]),
		    0);
	ck_assert_int_eq(kill(auth_pid(a), SIGKILL), 0);
	rig_wait_end(a);
	ck_assert_int_eq(auth_read(a), -1);
	ck_assert_int_eq(auth_sign(a, password, rig_done, &late), -1);
	auth_stop(a);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(an[i].calls, 1);
		ck_assert(!an[i].ok);
	}
	ck_assert_int_eq(late.calls, 0);
}
END_TEST

START_TEST(stop_with_pending)
{
	struct answer an[4] = {0};
	struct auth *a = auth_rig_start(1);
	pid_t pid = auth_pid(a);

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(auth_hash(a, password, rig_done, &an[i]), 0);
	/* Even a child that does not run is ended. */
	if (_i == 1)
		freeze(pid);
	auth_stop(a);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(an[i].calls, 1);
		ck_assert(!an[i].ok);
	}
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

/* What can be seen of the confinement from outside. */
START_TEST(confined)
{
	const char *const wanted[] = {
	    "\nSeccomp:\t2\n", "\nNoNewPrivs:\t1\n", "\nCapEff:\t0000000000000000\n"};
	char status[4096], path[64];
	int extra = open(rig_dir, O_RDONLY);
	struct auth *a = auth_rig_start(1);

	/* Even a descriptor that would survive exec stays behind. */
	ck_assert_int_ge(extra, 0);
	ck_assert_uint_gt(rig_proc(auth_pid(a), "status", status, sizeof(status)), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		ck_assert_msg(strstr(status, wanted[i]) != NULL, "not there: %s", wanted[i]);
	if (geteuid() == 0) {
		snprintf(path, sizeof(path), "/proc/%d/fd", (int)auth_pid(a));
		ck_assert_int_eq(entries(path), 4);
		ck_assert_ptr_null(strstr(status, "\nUid:\t0"));
	}
	close(extra);
	auth_stop(a);
}
END_TEST

START_TEST(signals_do_not_end_it)
{
	const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	struct auth *a = auth_rig_start(1);

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		ck_assert_int_eq(kill(auth_pid(a), signals[i]), 0);
	signature_of(a, password);
	auth_stop(a);
}
END_TEST

/* The two keys and the two domains are apart: neither signature is taken for the other. */
START_TEST(seals_are_no_capabilities)
{
	struct audit_seal seal = {.number = 7, .time = 1700000000000, .hash = {1, 2, 3}};
	struct auth *a = auth_rig_start(1);
	unsigned char text[AUDIT_SEAL_TEXT];
	struct answer an = {0};

	audit_seal_text(&seal, text);
	ck_assert_int_eq(
	    auth_seal_audit(a, (struct str){(char *)text, sizeof(text)}, rig_done, &an), 0);
	rig_wait(a, &an, 1);
	ck_assert_uint_eq(an.n, AUDIT_SIGNATURE);
	memcpy(seal.signature, an.text, AUDIT_SIGNATURE);
	ck_assert(audit_seal_ok(&seal, auth_audit_key(a)));
	ck_assert(!audit_seal_ok(&seal, auth_public_key(a)));
	ck_assert(!auth_signature_ok(
	    auth_public_key(a), (struct str){(char *)text, sizeof(text)}, seal.signature));
	ck_assert(!auth_signature_ok(
	    auth_audit_key(a), (struct str){(char *)text, sizeof(text)}, seal.signature));
	seal.number++;
	ck_assert(!audit_seal_ok(&seal, auth_audit_key(a)));
	auth_stop(a);
}
END_TEST

static const struct {
	uint32_t head[4]; /* op, id, lengths */
	size_t n;         /* bytes sent */
} bad_requests[] = {
    {{0, 1, 0, 0}, 1}, {{0, 1, 0, 0}, 15},
    {{AUTH_OP_SEAL + 1, 1, 0, 0}, 16},                           /* no such operation */
    {{0, 1, 5, 0}, 20},                                          /* one byte short */
    {{0, 1, 5, 0}, 22},                                          /* one byte long */
    {{0, 1, 1025, 0}, 16 + 1025},                                /* password too long */
    {{1, 1, 4, 129}, 16 + 133},                                  /* hash too long */
    {{2, 1, 4, 4}, 24},                                          /* signing takes one string */
    {{AUTH_OP_SEAL, 1, 4, 4}, 24}, {{2, 1, 2049, 0}, 16 + 2049}, /* more than the buffer */
    {{1, 1, 0xffffffff, 1}, 16},                                 /* lengths whose sum wraps */
    {{3, 1, 209, 0}, 16 + 209},                                  /* box too long */
    {{3, 1, 208, 1025}, 16 + 1233},                              /* user's name too long */
    {{3, 1, 0, 0xffffffff}, 16},                                 /* a length that wraps */
};

/* Leaves the child to be waited for by auth_stop(). */
static void
expect_exit(pid_t pid, int code)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(info.si_code, CLD_EXITED);
	ck_assert_int_eq(info.si_status, code);
}

START_TEST(malformed_request)
{
	char frame[4096] = {0};
	struct auth *a = auth_rig_start(1);

	memcpy(frame, bad_requests[_i].head, sizeof(bad_requests[_i].head));
	ck_assert_int_eq(send(auth_fd(a), frame, bad_requests[_i].n, 0), (ssize_t)bad_requests[_i].n);
	rig_wait_end(a);
	expect_exit(auth_pid(a), EXIT_FAILURE);
	auth_stop(a);
}
END_TEST

START_TEST(end_of_file)
{
	struct auth *a = auth_rig_start(1);

	ck_assert_int_eq(shutdown(auth_fd(a), SHUT_WR), 0);
	rig_wait_end(a);
	expect_exit(auth_pid(a), EXIT_SUCCESS);
	auth_stop(a);
}
END_TEST

static const struct {
	uint32_t head[3]; /* id, ok, length; the one signature pending has id 0 */
	size_t n;
	bool fine;
} replies[] = {
    {{0, 1, 64}, 12 + 64, true},           /* the control: it can be taken for the child's */
    {{0, 1, 0}, 1, false},                 /* shorter than its head */
    {{0, 1, 64}, 12 + 63, false},          /* one byte short */
    {{0, 1, 64}, 12 + 65, false},          /* one byte long */
    {{0, 1, 63}, 12 + 63, false},          /* not the length of a signature */
    {{0, 0, 64}, 12 + 64, false},          /* a result without success */
    {{0, 2, 64}, 12 + 64, false},          /* neither yes nor no */
    {{1, 1, 64}, 12 + 64, false},          /* never asked */
    {{64, 1, 64}, 12 + 64, false},         /* same place, other request */
    {{0, 1, 0xffffffff}, 12 + 128, false}, /* announces more than there is */
    {{0, 1, 2000}, 12 + 2000, false},      /* longer than any reply */
};

/* Speaks to the backend through the child's own end of the socket. */
START_TEST(replies_are_checked)
{
	struct answer an = {0};
	char frame[4096] = {0};
	struct auth *a = auth_rig_start(1);
	int pidfd = (int)syscall(SYS_pidfd_open, auth_pid(a), 0);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, 3, 0);

	if (fd < 0) {
		printf("SKIP replies_are_checked: needs the rights of root\n");
		auth_stop(a);
		return;
	}
	freeze(auth_pid(a));
	ck_assert_int_eq(auth_sign(a, password, rig_done, &an), 0);
	memcpy(frame, replies[_i].head, sizeof(replies[_i].head));
	ck_assert_int_eq(send(fd, frame, replies[_i].n, 0), (ssize_t)replies[_i].n);
	ck_assert_int_eq(auth_read(a), replies[_i].fine ? 0 : -1);
	ck_assert_int_eq(an.calls, 1);
	ck_assert_int_eq(an.ok, replies[_i].fine);
	kill(auth_pid(a), SIGKILL);
	close(fd);
	close(pidfd);
	auth_stop(a);
}
END_TEST

static void
wait_exit(pid_t pid, int ms)
{
	const struct timespec step = {.tv_nsec = 5000000};

	for (; ms > 0 && waitpid(pid, NULL, WNOHANG) != pid; ms -= 5)
		nanosleep(&step, NULL);
	ck_assert_msg(ms > 0, "the child outlives its parent");
}

/* Starts an auth child and ends, having told who it was; with `keep` a second process that
 * holds the socket open stays behind. */
static _Noreturn void
short_life(int out, bool keep)
{
	struct auth *a = auth_rig_start(1);
	pid_t pids[2] = {auth_pid(a), 0};

	if (keep && (pids[1] = fork()) == 0) {
		alarm(20);
		for (;;)
			pause();
	}
	_exit(write(out, pids, sizeof(pids)) == (ssize_t)sizeof(pids) ? 0 : 1);
}

/* 0: the child sees the end of its socket; 1: it does not, but the kernel tells it. */
START_TEST(parent_gone)
{
	pid_t parent, pids[2];
	int out[2];

	/* Orphans come here, where their end can be seen. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe(out), 0);
	parent = fork();
	ck_assert_int_ge(parent, 0);
	if (parent == 0)
		short_life(out[1], _i == 1);
	ck_assert_int_eq(read(out[0], pids, sizeof(pids)), (ssize_t)sizeof(pids));
	ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
	wait_exit(pids[0], 5000);
	if (pids[1] > 0) {
		kill(pids[1], SIGKILL);
		waitpid(pids[1], NULL, 0);
	}
}
END_TEST

START_TEST(refused_starts)
{
	const struct auth_conf confs[] = {
	    {rig_keys, NULL, 0},
	    {rig_keys, NULL, 9},
	    {"/nonexistent/keys", NULL, 1},
	    {rig_keys, "no-such-user-here", 1},
	    {rig_keys, "root", 1},
	};
	struct auth *a = NULL;
	struct err e = {0};

	if (_i >= 3 && geteuid() != 0) {
		printf("SKIP refused_starts %d: needs root\n", _i);
		return;
	}
	ck_assert_int_eq(auth_start(&a, &confs[_i], &e), -1);
	ck_assert_ptr_null(a);
	ck_assert_str_ne(e.text, "");
	/* No child is left behind. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("auth");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, hash_and_verify);
	tcase_add_loop_test(t, malformed_hash, 0, COUNT(malformed));
	tcase_add_test(t, damaged_hash);
	tcase_add_test(t, lengths);
	tcase_add_test(t, sign_and_check);
	tcase_add_test(t, signature_of_another_key);
	tcase_add_test(t, seals_are_no_capabilities);
	tcase_add_test(t, full_queue);
	tcase_add_test(t, signature_overtakes);
	tcase_add_test(t, callback_asks_again);
	tcase_add_loop_test(t, threads_are_bounded, 1, 4);
	tcase_add_test(t, killed_child);
	tcase_add_loop_test(t, stop_with_pending, 0, 2);
	tcase_add_test(t, confined);
	tcase_add_test(t, signals_do_not_end_it);
	tcase_add_loop_test(t, malformed_request, 0, COUNT(bad_requests));
	tcase_add_test(t, end_of_file);
	tcase_add_loop_test(t, replies_are_checked, 0, COUNT(replies));
	tcase_add_loop_test(t, parent_gone, 0, 2);
	tcase_add_loop_test(t, refused_starts, 0, 5);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
