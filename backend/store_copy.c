/* SPDX-License-Identifier: ISC */
#include "backend/store_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/store_disk.h"
#include "common/clock.h"

enum { PAGE = 4096 };

void
hold_init(struct store_hold *h)
{
	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
}

void
hold_destroy(struct store_hold *h)
{
	pthread_mutex_destroy(&h->lock);
}

static void
turn(struct store_hold *h)
{
	time_t now = clock_ms() / 1000, length = now - h->since;

	if (length < (time_t)h->seconds)
		return;
	h->span[1] = h->span[0];
	if (length >= 2 * (time_t)h->seconds)
		h->span[1].asked = false;
	h->span[0].asked = false;
	h->since = now;
}

void
hold_from(struct store_hold *h, const char *from, unsigned seconds)
{
	pthread_mutex_lock(&h->lock);
	h->seconds = seconds;
	turn(h);
	if (!h->span[0].asked || strcmp(from, h->span[0].from) < 0)
		snprintf(h->span[0].from, sizeof(h->span[0].from), "%s", from);
	h->span[0].asked = true;
	pthread_mutex_unlock(&h->lock);
}

bool
hold_allows(struct store_hold *h, const char *name)
{
	bool allowed = true;

	pthread_mutex_lock(&h->lock);
	turn(h);
	for (int i = 0; i < 2; i++)
		if (h->span[i].asked && strcmp(name, h->span[i].from) >= 0)
			allowed = false;
	pthread_mutex_unlock(&h->lock);
	return allowed;
}

static bool
is_number(const char *s, size_t digits, const char *end)
{
	return strlen(s) == digits + strlen(end) && strspn(s, "0123456789") == digits &&
	    strcmp(s + digits, end) == 0;
}

/* Names that the engine gives; nothing else in the directory is anybody's business. */
static bool
is_data(const char *name)
{
	return strcmp(name, "data.db") == 0 || strcmp(name, "index.db") == 0 ||
	    strcmp(name, "meta.db") == 0 ||
	    (strncmp(name, "part-", 5) == 0 && is_number(name + 5, 6, ".db"));
}

static bool
is_log(const char *name)
{
	return strncmp(name, "log.", 4) == 0 && is_number(name + 4, 10, "");
}

/* To be read from its beginning, whoever reads it beside us. */
static DIR *
open_dir(int home)
{
	int fd = openat(home, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

bool
copy_has_log(int home, const char *from)
{
	DIR *d = open_dir(home);
	const struct dirent *entry;
	bool found = false;

	while (d != NULL && !found && (entry = readdir(d)) != NULL)
		found = is_log(entry->d_name) && strcmp(entry->d_name, from) >= 0;
	if (d != NULL)
		closedir(d);
	return found;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct store_file *)a)->name, ((const struct store_file *)b)->name);
}

int
copy_list(
    int home, enum store_copy what, struct store_file *ret, size_t max, size_t *n, struct err *e)
{
	DIR *d = open_dir(home);
	const struct dirent *entry;

	*n = 0;
	if (d == NULL)
		return err_set(e, ERR_INTERNAL, "store: %s", strerror(errno));
	while (*n < max && (entry = readdir(d)) != NULL) {
		struct stat st;

		if (!(what == STORE_COPY_LOG ? is_log(entry->d_name) : is_data(entry->d_name)) ||
		    fstatat(home, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		memcpy(ret[*n].name, entry->d_name, strlen(entry->d_name) + 1);
		ret[(*n)++].size = (uint64_t)st.st_size;
	}
	closedir(d);
	qsort(ret, *n, sizeof(*ret), by_name);
	return 0;
}

int64_t
copy_read(int home, const char *name, uint64_t at, void *to, size_t n, struct err *e)
{
	ssize_t got;
	int fd;

	if ((!is_log(name) && !is_data(name)) || at % PAGE != 0 || at > INT64_MAX / 2 ||
	    n > STORE_READ_MAX)
		return err_set(e, ERR_INVALID, "no such part of a copy");
	fd = openat(home, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(
		    e, errno == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL, "%s: %s", name, strerror(errno));
	got = disk_pread_whole(fd, to, n, (off_t)at);
	if (got < 0)
		err_set(e, ERR_INTERNAL, "%s: %s", name, strerror(errno));
	close(fd);
	return got;
}
