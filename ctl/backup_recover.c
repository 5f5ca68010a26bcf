/* SPDX-License-Identifier: ISC */
/* From the files of a backup to a store: tandem-backend does it, since it alone knows how. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/backup.h"
#include "ctl/progress.h"

enum { PIECE = 256 * 1024, ARGS_MAX = 256, SAID_MAX = 256 };

/* Whose the store has to be, for fchown(); nothing to change when not root. */
static void
owner(const struct ctl *c, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam(c->conf.backend_user) : NULL;

	*uid = pw != NULL ? pw->pw_uid : (uid_t)-1;
	*gid = pw != NULL ? pw->pw_gid : (gid_t)-1;
}

static int
put_file(const struct ctl *c, const char *name, int from_dir, int to_dir, int64_t *done)
{
	int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = from < 0 || to < 0 ? -1 : 1;
	uid_t uid;
	gid_t gid;
	int why;

	while (n > 0 && (n = copy_file_range(from, NULL, to, NULL, PIECE, 0)) > 0)
		progress_to(*done += n);
	owner(c, &uid, &gid);
	if (n == 0 && (fchown(to, uid, gid) != 0 || fsync(to) != 0))
		n = -1;
	why = errno;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return n == 0 ? EXIT_OK : ctl_fail(EXIT_FAILED, "%s: %s", name, strerror(why));
}

static bool
in_manifest(const struct backup *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->files[i].name, name) == 0)
			return true;
	return false;
}

/* Files of the log that --follow brought are not in the manifest. */
static int
put_all(const struct ctl *c, const struct backup *b, int from, int to)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = EXIT_OK;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int64_t total = 0, done = 0;

	if (d == NULL)
		return ctl_fail(EXIT_FAILED, "the backup cannot be read: %s", strerror(errno));
	for (size_t i = 0; i < b->n; i++)
		total += b->files[i].size;
	progress_begin("copied", total);
	while (rc == EXIT_OK && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, BACKUP_KEYS) != 0 &&
		    (strncmp(entry->d_name, "log.", 4) == 0 || in_manifest(b, entry->d_name)))
			rc = put_file(c, entry->d_name, from, to, &done);
	progress_end();
	closedir(d);
	return rc;
}

int
backup_put(const struct ctl *c, const struct backup *b, int dirfd, const char *to)
{
	uid_t uid;
	gid_t gid;
	int fd, rc;

	if (mkdir(to, 0700) != 0 && errno != EEXIST)
		return ctl_fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
	owner(c, &uid, &gid);
	fd = open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0700) != 0 || fchown(fd, uid, gid) != 0) {
		rc = ctl_fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
	} else {
		rc = put_all(c, b, dirfd, fd);
		if (rc == EXIT_OK && fsync(fd) != 0)
			rc = ctl_fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return rc;
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
wait_for(pid_t pid, int out, int64_t *commit)
{
	char said[SAID_MAX + 1];
	size_t n = 0;
	ssize_t got;
	long long number;
	int status;

	while (n < SAID_MAX && ((got = read(out, said + n, SAID_MAX - n)) > 0 || errno == EINTR))
		n += got > 0 ? (size_t)got : 0;
	said[n] = '\0';
	close(out);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || sscanf(said, "commit %lld", &number) != 1)
		return false;
	*commit = number;
	return true;
}

#define ARG(text) ((char *)(uintptr_t)(text))

int
backup_recover(
    struct ctl *c, const struct backup *b, const char *state, int64_t until, int64_t *commit)
{
	char program[PATH_MAX], dir[PATH_MAX + 16], engine[64], to[32];
	char *argv[ARGS_MAX];
	int n = 0, out;
	pid_t pid;

	find_backend(program);
	snprintf(dir, sizeof(dir), "backend.state=%s", state);
	snprintf(engine, sizeof(engine), "backend.engine=%s", b->engine);
	snprintf(to, sizeof(to), "%lld", (long long)until);
	argv[n++] = program;
	argv[n++] = ARG("-c");
	argv[n++] = ARG(c->config);
	for (size_t i = 0; i < c->setting_count; i++) {
		argv[n++] = ARG("-o");
		argv[n++] = ARG(c->settings[i]);
	}
	/* Of its messages only those that something is wrong. */
	for (size_t i = 0; i < 3; i++) {
		argv[n++] = ARG("-o");
		argv[n++] = i == 0 ? dir : i == 1 ? engine : ARG("backend.log=warn");
	}
	argv[n++] = ARG("--recover");
	if (until > 0) {
		argv[n++] = ARG("--to");
		argv[n++] = to;
	}
	argv[n] = NULL;
	if ((pid = start(argv, &out)) < 0)
		return ctl_fail(EXIT_FAILED, "%s: %s", program, strerror(errno));
	if (!wait_for(pid, out, commit))
		return ctl_fail(EXIT_FAILED, "no store can be made of the backup");
	if (until == 0 && *commit < b->commit)
		return ctl_fail(EXIT_FAILED, "the backup has lost commits %lld to %lld",
		    (long long)*commit + 1, (long long)b->commit);
	return EXIT_OK;
}

void
backup_discard(const char *dir)
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

int
backup_try(struct ctl *c, const struct backup *b, int dirfd)
{
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX];
	int64_t commit;
	int rc;

	if ((size_t)snprintf(dir, sizeof(dir), "%s/tandem-verify-XXXXXX",
	        tmp != NULL && tmp[0] == '/' ? tmp : "/var/tmp") >= sizeof(dir) ||
	    mkdtemp(dir) == NULL)
		return ctl_fail(EXIT_FAILED, "%s: %s", dir, strerror(errno));
	rc = backup_put(c, b, dirfd, dir);
	if (rc == EXIT_OK)
		rc = backup_recover(c, b, dir, 0, &commit);
	backup_discard(dir);
	return rc;
}
