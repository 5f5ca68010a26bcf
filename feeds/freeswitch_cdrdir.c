/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_cdrdir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "feeds/freeswitch_xmlcdr.h"

enum {
	PAUSE_MS = 200,
	ENTRIES_AT_ONCE = 2000,
	FILES_AT_ONCE = 20,
	SET_SIZE = 2 * FS_CDR_SEEN,
	QUIET_MS = 2000 /* a directory that has changed since may change without showing it */
};

static const int64_t NS = 1000000000, NS_PER_MS = 1000000;

static void look(void *arg);

static uint64_t
hash_of(const struct fs_cdr_file *file)
{
	uint64_t h = 14695981039346656037u ^ (uint64_t)file->time;

	for (const char *p = file->name; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	return h != 0 ? h : 1;
}

static bool
has(const struct fs_cdr_set *s, uint64_t hash)
{
	for (size_t i = hash % SET_SIZE; s->v[i] != 0; i = (i + 1) % SET_SIZE)
		if (s->v[i] == hash)
			return true;
	return false;
}

static bool
is_seen(const struct fs_cdrs *c, const struct fs_cdr_file *file)
{
	uint64_t hash = hash_of(file);

	return has(&c->seen, hash) || has(&c->seen_before, hash);
}

static void
remember(struct fs_cdrs *c, const struct fs_cdr_file *file)
{
	struct fs_cdr_set full;
	size_t i;

	if (c->seen.n == FS_CDR_SEEN) {
		full = c->seen;
		c->seen = c->seen_before;
		c->seen_before = full;
		/* What is forgotten now must not come again. */
		if (c->seen.n > 0)
			c->floor = c->seen.newest;
		memset(c->seen.v, 0, SET_SIZE * sizeof(*c->seen.v));
		c->seen.n = 0;
		c->seen.newest = 0;
	}
	for (i = hash_of(file) % SET_SIZE; c->seen.v[i] != 0; i = (i + 1) % SET_SIZE)
		;
	c->seen.v[i] = hash_of(file);
	c->seen.n++;
	if (file->time > c->seen.newest)
		c->seen.newest = file->time;
	if (file->time > c->cursor)
		c->cursor = file->time;
}

int
fs_cdrs_open(struct fs_cdrs *c, struct feed *f, const char *path, const char *domain, struct err *e)
{
	struct stat st;

	*c = (struct fs_cdrs){.f = f, .path = path, .domain = domain};
	if (path[0] == '\0')
		return 0;
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "freeswitch.cdr_directory: %s is no directory", path);
	c->found = calloc(FS_CDR_BATCH, sizeof(*c->found));
	c->seen.v = calloc(SET_SIZE, sizeof(*c->seen.v));
	c->seen_before.v = calloc(SET_SIZE, sizeof(*c->seen_before.v));
	if (c->found == NULL || c->seen.v == NULL || c->seen_before.v == NULL ||
	    feed_needs(f, path, false) != 0)
		return err_set(e, ERR_INTERNAL, "no memory");
	return 0;
}

void
fs_cdrs_start(struct fs_cdrs *c)
{
	int64_t cursor;

	if (c->found == NULL)
		return;
	if (str_to_i64(str_c(feed_cursor(c->f)), &cursor) && cursor > 0) {
		c->cursor = cursor;
		c->start = cursor - FS_CDR_START_S * NS;
	}
	c->again = true;
	look(c);
}

void
fs_cdrs_close(struct fs_cdrs *c)
{
	if (c->found == NULL)
		return;
	feed_timer(c->f, -1, look, c);
	if (c->dir != NULL)
		closedir(c->dir);
	free(c->found);
	free(c->seen.v);
	free(c->seen_before.v);
	*c = (struct fs_cdrs){.f = c->f};
}

/* From where on files are taken: not only behind the cursor, since a clock that was set back gives
 * new files old times. */
static int64_t
from_time(const struct fs_cdrs *c, int64_t now)
{
	int64_t from = (c->cursor < now ? c->cursor : now) - FS_CDR_OVERLAP_S * NS;

	if (from < c->start && now >= c->start)
		from = c->start;
	return from > c->floor ? from : c->floor;
}

static int
by_time(const void *x, const void *y)
{
	const struct fs_cdr_file *a = x, *b = y;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* The earliest are kept when there are too many; the next look finds the others. */
static void
make_room(struct fs_cdrs *c)
{
	qsort(c->found, c->n, sizeof(*c->found), by_time);
	c->n /= 2;
	c->upto = c->found[c->n].time;
	while (c->n > 0 && c->found[c->n - 1].time == c->upto)
		c->n--;
	/* More files of one time than there is room for: these then, and the others after them. */
	if (c->n == 0)
		c->n = FS_CDR_BATCH / 2;
	c->again = true;
}

static void
consider(struct fs_cdrs *c, const char *name)
{
	struct fs_cdr_file *file;
	size_t n = strlen(name);
	struct stat st;

	if (name[0] == '.' || n < 5 || n >= sizeof(file->name) || strcmp(name + n - 4, ".xml") != 0 ||
	    fstatat(dirfd(c->dir), name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return;
	if (c->n == FS_CDR_BATCH)
		make_room(c);
	file = &c->found[c->n];
	file->time = st.st_mtim.tv_sec * NS + st.st_mtim.tv_nsec;
	memcpy(file->name, name, n + 1);
	if (file->time >= c->upto)
		c->again = true;
	else if (file->time > c->from && !is_seen(c, file))
		c->n++;
}

/* The text of a file; NULL when it has gone or is too large. */
static char *
read_file(const struct fs_cdrs *c, const char *name, size_t *n)
{
	char path[4096], *p = NULL;
	struct stat st;
	ssize_t got = -1;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", c->path, name) >= (int)sizeof(path))
		return NULL;
	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FS_XMLCDR_MAX &&
	    (p = malloc((size_t)st.st_size + 1)) != NULL)
		got = read(fd, p, (size_t)st.st_size);
	close(fd);
	if (got < 0) {
		free(p);
		return NULL;
	}
	*n = (size_t)got;
	/* Names that phones send may be in any encoding. */
	if (!str_is_utf8((struct str){p, *n}))
		for (size_t i = 0; i < *n; i++)
			if ((unsigned char)p[i] >= 0x80)
				p[i] = '?';
	return p;
}

/* Takes one file. False: it has to be tried again later, and those behind it wait. */
static bool
take(struct fs_cdrs *c, const struct fs_cdr_file *file)
{
	char cursor[32];
	struct arena a;
	struct err e = {0};
	struct cdr record;
	bool taken = true;
	size_t n = 0;
	char *text = read_file(c, file->name, &n);
	int rc;

	arena_init(&a, FS_XMLCDR_MEMORY);
	rc = text == NULL ? err_set(&e, ERR_INVALID, "it cannot be read or is too large")
	                  : fs_xmlcdr_read(&record, (struct str){text, n}, c->domain, &a, &e);
	if (rc == 1) {
		snprintf(cursor, sizeof(cursor), "%" PRId64, file->time);
		taken = feed_say_cdr(c->f, &record, cursor);
		c->read += taken;
	} else if (rc < 0 && clock_wall_ms() - file->time / NS_PER_MS < FS_CDR_PARTIAL_MS &&
	    clock_wall_ms() >= file->time / NS_PER_MS) {
		taken = false;
	} else if (rc < 0) {
		c->malformed++;
		log_event(LOG_WARN_, "cdr-file", "%s: %s", file->name, err_text(&e));
	}
	free(text);
	arena_free(&a);
	return taken;
}

/* False when something has to be waited for. */
static bool
take_found(struct fs_cdrs *c)
{
	for (int i = 0; i < FILES_AT_ONCE && c->next < c->n; i++) {
		if (!take(c, &c->found[c->next])) {
			c->again = true;
			c->n = c->next;
			return false;
		}
		remember(c, &c->found[c->next++]);
	}
	return true;
}

static bool
begin(struct fs_cdrs *c)
{
	int64_t now = clock_wall_ms() * NS_PER_MS, changed;
	struct stat st;

	if (stat(c->path, &st) != 0)
		return false;
	changed = st.st_mtim.tv_sec * NS + st.st_mtim.tv_nsec;
	if (!c->again && changed == c->changed && c->looked - changed > QUIET_MS * NS_PER_MS)
		return false;
	if ((c->dir = opendir(c->path)) == NULL)
		return false;
	c->again = false;
	c->changed = changed;
	c->looked = now;
	c->from = from_time(c, now);
	c->upto = INT64_MAX;
	c->n = c->next = 0;
	return true;
}

static void
look(void *arg)
{
	struct fs_cdrs *c = arg;
	struct dirent *d = NULL;

	if (c->dir == NULL && c->next < c->n) {
		int64_t pause = feed_cdr_pause(c->f);

		if (pause == 0 && (!take_found(c) || c->next == c->n))
			pause = PAUSE_MS;
		feed_timer(c->f, pause, look, c);
		return;
	}
	if (c->dir == NULL && !begin(c)) {
		feed_timer(c->f, PAUSE_MS, look, c);
		return;
	}
	for (int i = 0; i < ENTRIES_AT_ONCE && (d = readdir(c->dir)) != NULL; i++)
		consider(c, d->d_name);
	if (d == NULL) {
		closedir(c->dir);
		c->dir = NULL;
		qsort(c->found, c->n, sizeof(*c->found), by_time);
	}
	feed_timer(c->f, d != NULL || c->n > 0 ? 0 : PAUSE_MS, look, c);
}
