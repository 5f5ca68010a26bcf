/* SPDX-License-Identifier: ISC */
#include "gateway/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"

/*
 * The kernel's interface up to ABI 7, spelled out here because the headers of
 * a build machine are often older than the kernel that runs the program.
 */
enum {
	LL_RIGHTS_ABI1 = (1 << 13) - 1, /* execute … make_sym */
	LL_READ_FILE = 1 << 2,
	LL_REFER = 1 << 13,     /* ABI 2 */
	LL_TRUNCATE = 1 << 14,  /* ABI 3 */
	LL_IOCTL_DEV = 1 << 15, /* ABI 5 */
	LL_BIND_TCP = 1 << 0,   /* ABI 4 */
	LL_CONNECT_TCP = 1 << 1,
	LL_SCOPE_ALL = 3, /* ABI 6: abstract sockets, signals */
	LL_RULE_PATH = 1,
	LL_RULE_PORT = 2,
	LL_QUERY_VERSION = 1
};

struct ll_ruleset {
	uint64_t fs, net, scoped;
};

struct ll_path {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

struct ll_port {
	uint64_t allowed, port;
};

void
confine_memory(void)
{
	struct rlimit none = {0, 0};

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		log_fatal("core dumps cannot be turned off: %s", strerror(errno));
}

static struct ll_ruleset
handled_by(long abi, size_t *size)
{
	struct ll_ruleset r = {LL_RIGHTS_ABI1, 0, 0};

	*size = sizeof(r.fs);
	if (abi >= 2)
		r.fs |= LL_REFER;
	if (abi >= 3)
		r.fs |= LL_TRUNCATE;
	if (abi >= 4) {
		r.net = LL_BIND_TCP | LL_CONNECT_TCP;
		*size = offsetof(struct ll_ruleset, scoped);
	}
	if (abi >= 5)
		r.fs |= LL_IOCTL_DEV;
	if (abi >= 6) {
		r.scoped = LL_SCOPE_ALL;
		*size = sizeof(r);
	}
	return r;
}

/* The directory and not the file, which is replaced when a certificate is renewed. */
static void
allow_directory(int ruleset, const char *file)
{
	struct ll_path rule = {LL_READ_FILE, -1};
	const char *end = strrchr(file, '/');
	char dir[4096];

	snprintf(dir, sizeof(dir), "%.*s", end > file ? (int)(end - file) : 1, file);
	rule.fd = open(dir, O_PATH | O_CLOEXEC);
	if (rule.fd == -1)
		return;
	if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH, &rule, 0) != 0)
		log_fatal("landlock: %s: %s", dir, strerror(errno));
	close(rule.fd);
}

void
confine_files(const char *const *files, size_t n, uint16_t port)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_QUERY_VERSION);
	struct ll_port rule = {LL_CONNECT_TCP, port};
	struct ll_ruleset r;
	size_t size;
	int fd;

	if (abi < 1)
		return;
	r = handled_by(abi, &size);
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd == -1)
		log_fatal("landlock: %s", strerror(errno));
	for (size_t i = 0; i < n; i++)
		allow_directory(fd, files[i]);
	if (port != 0 && r.net != 0 && syscall(SYS_landlock_add_rule, fd, LL_RULE_PORT, &rule, 0) != 0)
		log_fatal("landlock: port: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		log_fatal("landlock: %s", strerror(errno));
	close(fd);
}
