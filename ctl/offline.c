/* SPDX-License-Identifier: ISC */
#include "ctl/offline.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* As the backend has it: see STORE_UNFINISHED in backend/store.h. */
#define CLAIM "unfinished"

enum { ARGS_MAX = 256, SAID_MAX = 256 };

void
offline_owner(const struct ctl *c, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam(c->conf.backend_user) : NULL;

	*uid = pw != NULL ? pw->pw_uid : (uid_t)-1;
	*gid = pw != NULL ? pw->pw_gid : (gid_t)-1;
}

int
offline_empty(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	bool empty = true;

	if (d == NULL)
		return errno == ENOENT ? EXIT_OK : ctl_fail(EXIT_FAILED, "%s: %s", dir, strerror(errno));
	while ((entry = readdir(d)) != NULL)
		empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
	closedir(d);
	return empty ? EXIT_OK
	             : ctl_fail(EXIT_FAILED,
	                   "%s is not empty: stop the backend and move its files away first", dir);
}

int
offline_home(const struct ctl *c, const char *dir)
{
	uid_t uid;
	gid_t gid;
	int fd = -1;

	offline_owner(c, &uid, &gid);
	if ((mkdir(dir, 0700) == 0 || errno == EEXIST) &&
	    (fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) >= 0 &&
	    fchmod(fd, 0700) == 0 && fchown(fd, uid, gid) == 0)
		return fd;
	ctl_fail(EXIT_FAILED, "%s: %s", dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int
offline_claim(int fd, const char *dir)
{
	int mark = openat(fd, CLAIM, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	DIR *d = mark >= 0 ? opendir(dir) : NULL;
	const struct dirent *entry;
	bool alone = d != NULL;

	while (d != NULL && (entry = readdir(d)) != NULL)
		alone = alone &&
		    (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		        strcmp(entry->d_name, CLAIM) == 0);
	if (d != NULL)
		closedir(d);
	if (mark >= 0)
		close(mark);
	if (alone && fsync(fd) == 0)
		return EXIT_OK;
	if (mark >= 0)
		(void)unlinkat(fd, CLAIM, 0);
	return ctl_fail(EXIT_FAILED, "%s is not empty any more", dir);
}

void
offline_discard(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	(void)rmdir(dir);
}

/* Beside tandemctl, or where packages put it, or anywhere in $PATH. */
static void
find_backend(char path[PATH_MAX])
{
	static const char *const places[] = {"", "../sbin/"};
	char self[PATH_MAX - 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *dir = n > 0 ? (self[n] = '\0', dirname(self)) : NULL;

	for (size_t i = 0; dir != NULL && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, PATH_MAX, "%s/%standem-backend", dir, places[i]);
		if (access(path, X_OK) == 0)
			return;
	}
	snprintf(path, PATH_MAX, "tandem-backend");
}

static pid_t
start(char *const argv[], int *out)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execvp(argv[0], argv);
		fprintf(stderr, "tandemctl: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(ends[1]);
	if (pid > 0)
		*out = ends[0];
	else
		close(ends[0]);
	return pid;
}

static bool
wait_for(pid_t pid, int out, const char *pattern, long long *number)
{
	char said[SAID_MAX + 1];
	size_t n = 0;
	ssize_t got;
	int status;

	/* At the end errno is of some other call. */
	while (n < SAID_MAX &&
	    ((got = read(out, said + n, SAID_MAX - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	said[n] = '\0';
	close(out);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    strncmp(said, pattern, strlen(pattern)) == 0 &&
	    sscanf(said + strlen(pattern), " %lld", number) == 1;
}

#define ARG(text) ((char *)(uintptr_t)(text))

static int
add_settings(char **argv, int n, const char *const *settings, size_t count)
{
	for (size_t i = 0; i < count && settings[i] != NULL; i++) {
		argv[n++] = ARG("-o");
		argv[n++] = ARG(settings[i]);
	}
	return n;
}

int
offline_run(struct ctl *c, const char *const *settings, const char *const *args, const char *what,
    long long *number)
{
	/* Of its messages only those that something is wrong. */
	static const char *const quiet[] = {"backend.log=warn"};
	char program[PATH_MAX], *argv[ARGS_MAX];
	int n = 0, out;
	pid_t pid;

	find_backend(program);
	argv[n++] = program;
	argv[n++] = ARG("-c");
	argv[n++] = ARG(c->config);
	n = add_settings(argv, n, c->settings, c->setting_count);
	n = add_settings(argv, n, settings, OFFLINE_MOST);
	n = add_settings(argv, n, quiet, 1);
	for (size_t i = 0; i < OFFLINE_MOST && args[i] != NULL; i++)
		argv[n++] = ARG(args[i]);
	argv[n] = NULL;
	if ((pid = start(argv, &out)) < 0)
		return ctl_fail(EXIT_FAILED, "%s: %s", program, strerror(errno));
	return wait_for(pid, out, what, number) ? EXIT_OK : EXIT_FAILED;
}
