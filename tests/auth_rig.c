/* SPDX-License-Identifier: ISC */
#include "common/clock.h"
#include "tests/auth_rig.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

char rig_dir[64], rig_keys[96];

void
rig_setup(void)
{
	snprintf(rig_dir, sizeof(rig_dir), "/tmp/tandem-auth-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig_dir));
	snprintf(rig_keys, sizeof(rig_keys), "%s/keys", rig_dir);
}

void
rig_teardown(void)
{
	unlink(rig_keys);
	/* Fails, and so shows, when anything else was left there. */
	ck_assert_int_eq(rmdir(rig_dir), 0);
}

struct auth *
auth_rig_start(unsigned threads)
{
	struct auth_conf conf = {.key_file = rig_keys, .user = "nobody", .threads = threads};
	struct auth *a = NULL;
	struct err e = {0};

	ck_assert_msg(auth_start(&a, &conf, &e) == 0, "%s", err_text(&e));
	return a;
}

void
rig_done(void *arg, bool ok, struct str result)
{
	struct answer *an = arg;

	an->calls++;
	an->ok = ok;
	ck_assert_uint_lt(result.n, sizeof(an->text));
	memcpy(an->text, result.p, result.n);
	an->n = result.n;
}

static bool
all_there(const struct answer *answers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (answers[i].calls == 0)
			return false;
	return true;
}

static int
read_once(struct auth *a, int64_t deadline)
{
	struct pollfd p = {.fd = auth_fd(a), .events = POLLIN};
	int64_t left = deadline - clock_ms();

	ck_assert_msg(left > 0 && poll(&p, 1, (int)left) > 0, "no answer in time");
	return auth_read(a);
}

void
rig_wait(struct auth *a, const struct answer *answers, size_t n)
{
	int64_t deadline = clock_ms() + 10000;

	while (!all_there(answers, n))
		ck_assert_int_eq(read_once(a, deadline), 0);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(answers[i].calls, 1);
}

void
rig_wait_end(struct auth *a)
{
	int64_t deadline = clock_ms() + 10000;

	while (read_once(a, deadline) == 0)
		;
}

void
rig_dear_hash(char hash[AUTH_HASH_MAX], unsigned passes)
{
	ck_assert_int_ge(sodium_init(), 0);
	ck_assert_int_eq(crypto_pwhash_str_alg(hash, "x", 1, passes, (size_t)19 * 1024 * 1024,
	                     crypto_pwhash_ALG_ARGON2ID13),
	    0);
}

static int
search_range(int mem, uint64_t from, uint64_t to, const void *what, size_t n)
{
	static char block[1 << 16];
	size_t kept = 0;

	for (uint64_t at = from; at < to; at += sizeof(block) / 2) {
		ssize_t r = pread(mem, block + kept, sizeof(block) / 2, (off_t)at);

		if (r <= 0)
			return 0;
		if (memmem(block, kept + (size_t)r, what, n) != NULL)
			return 1;
		/* What is looked for may lie across two blocks. */
		memmove(block, block + kept + (size_t)r - (n - 1), n - 1);
		kept = n - 1;
	}
	return 0;
}

int
rig_search(pid_t pid, const void *what, size_t n)
{
	char path[64], line[512];
	uint64_t from, to;
	int mem, found = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (mem < 0 || maps == NULL)
		return -1;
	while (found == 0 && fgets(line, sizeof(line), maps) != NULL)
		/* The sanitizers' terabytes of shadow hold flags about memory, not memory. */
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) == 2 && to - from < (uint64_t)1 << 30)
			found = search_range(mem, from, to, what, n);
	fclose(maps);
	close(mem);
	return found;
}

size_t
rig_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t r;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? 0 : read(fd, buf, size - 1);
	if (fd >= 0)
		close(fd);
	buf[r > 0 ? r : 0] = '\0';
	return r > 0 ? (size_t)r : 0;
}
