/* SPDX-License-Identifier: ISC */
/*
 * Call records: db_flatstore appends a line to the file of each process. The files are read on from
 * where the cursor says, which names each by its inode and a hash of its first line, since a file
 * that was rotated has another name and its inode comes again. What is behind the last end of a
 * line is not there yet. A record goes to the spool together with the cursor behind it.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feeds/kamailio.h"
#include "common/clock.h"

enum {
	FILES = 128,   /* the newest ones; a cursor must hold them */
	LOOK_MS = 200, /* also before the first look: a backend that is there is known by then */
	CHUNK = 256 * 1024,
	FIRST_LINE = 512, /* bytes of it that are hashed */
	LINES = 250,      /* in one turn of the loop */
	ARENA = 256 * 1024
};

#define TABLE "cdrs_"

struct tailed {
	uint64_t inode, hash;
	int64_t offset;
	int64_t mtime; /* when it was seen last */
	bool seen;     /* in this look at the directory */
	bool skipping; /* in a line that is too long */
};

struct kam_tail {
	struct feed *feed;
	char dir[CONF_TEXT_MAX];
	struct tailed v[FILES];
	size_t n;
	char *chunk;
	char cursor[FEED_CURSOR_MAX];
	size_t bad; /* lines since the last that was said in the log */
	int64_t bad_ms;
};

static void look(void *arg);

/* --- the cursor ------------------------------------------------------------------------------- */

/* "inode.hash:offset" in hexadecimal, separated by blanks. */
static void
read_cursor(struct kam_tail *t, const char *text)
{
	uint64_t inode, hash, offset;
	int used;

	while (t->n < FILES &&
	    sscanf(text, "%" SCNx64 ".%" SCNx64 ":%" SCNx64 "%n", &inode, &hash, &offset, &used) == 3) {
		t->v[t->n++] =
		    (struct tailed){.inode = inode, .hash = hash, .offset = (int64_t)(offset & INT64_MAX)};
		for (text += used; *text == ' '; text++)
			;
	}
}

static const char *
write_cursor(struct kam_tail *t)
{
	size_t at = 0;

	t->cursor[0] = '\0';
	for (size_t i = 0; i < t->n; i++) {
		int n =
		    snprintf(t->cursor + at, sizeof(t->cursor) - at, "%s%" PRIx64 ".%" PRIx64 ":%" PRIx64,
		        at > 0 ? " " : "", t->v[i].inode, t->v[i].hash, (uint64_t)t->v[i].offset);

		/* FILES is such that they fit: 16 digits, 16 and at most 13, and three signs. */
		if (n < 0 || (size_t)n >= sizeof(t->cursor) - at)
			break;
		at += (size_t)n;
	}
	return t->cursor;
}

/* --- lines -------------------------------------------------------------------------------------
 */

static void
bad_line(struct kam_tail *t, const char *why)
{
	int64_t now = clock_ms();

	t->bad++;
	if (t->bad_ms != 0 && now - t->bad_ms < 10000)
		return;
	log_event(LOG_WARN_, "call-record", "%zu lines cannot be read, the last one: %s", t->bad, why);
	t->bad = 0;
	t->bad_ms = now;
}

/* False: no room, the line comes again. */
static bool
take_line(struct kam_tail *t, struct tailed *f, struct str line)
{
	struct cdr record;
	struct arena a;
	struct err e = {0};
	bool taken = true;
	int64_t before = f->offset;

	arena_init(&a, ARENA);
	f->offset += (int64_t)line.n + 1;
	if (f->skipping) {
		f->skipping = false;
	} else if (kam_cdr_read(line, &a, &record, &e) != 0) {
		bad_line(t, err_text(&e));
	} else if (!feed_say_cdr(t->feed, &record, write_cursor(t))) {
		f->offset = before;
		taken = false;
	}
	arena_free(&a);
	return taken;
}

/* Reads on in a file: the number of lines, -1 when there is no room for the next one. */
static int
read_on(struct kam_tail *t, struct tailed *f, int fd, int most)
{
	int lines = 0;

	while (lines < most) {
		ssize_t n = pread(fd, t->chunk, CHUNK, f->offset);
		struct str rest = {t->chunk, n > 0 ? (size_t)n : 0}, line;
		bool any = false;

		while (lines < most && memchr(rest.p, '\n', rest.n) != NULL) {
			str_cut(rest, '\n', &line, &rest);
			if (!take_line(t, f, line))
				return -1;
			any = true;
			lines++;
		}
		if (any)
			continue;
		if (n < CHUNK)
			break;
		/* A line without an end: it is passed over up to where it ends, if ever. */
		if (!f->skipping)
			bad_line(t, "a line is too long");
		f->skipping = true;
		f->offset += n;
		lines++;
	}
	return lines;
}

/* --- files ---------------------------------------------------------------------------------------
 */

/* Of the first line, 0 when it is not whole yet. */
static uint64_t
first_line(int fd)
{
	char text[FIRST_LINE];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	ssize_t i;

	for (i = 0; i < n && text[i] != '\n'; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return i == n && n < FIRST_LINE ? 0 : h | 1;
}

/* cdrs_4.log, and under what names rotation puts it; nothing that is packed. */
static bool
is_ours(const char *name)
{
	size_t n = strlen(name);
	const char *log = strstr(name, ".log");

	return strncmp(name, TABLE, sizeof(TABLE) - 1) == 0 && log != NULL &&
	    (log[4] == '\0' || isdigit((unsigned char)name[n - 1]));
}

/* Room for another file: the one that was changed longest ago goes. NULL: all are newer. */
static struct tailed *
new_file(struct kam_tail *t, int64_t mtime)
{
	struct tailed *oldest = NULL;

	if (t->n < FILES)
		return &t->v[t->n++];
	for (size_t i = 0; i < t->n; i++)
		if (oldest == NULL || t->v[i].mtime < oldest->mtime)
			oldest = &t->v[i];
	return oldest->mtime < mtime ? oldest : NULL;
}

static struct tailed *
file_of(struct kam_tail *t, int fd, const struct stat *st)
{
	uint64_t hash = first_line(fd);
	struct tailed *f;

	if (hash == 0)
		return NULL;
	for (size_t i = 0; i < t->n; i++) {
		f = &t->v[i];
		if (f->inode == st->st_ino && f->hash == hash && f->offset <= st->st_size)
			return f;
	}
	if ((f = new_file(t, st->st_mtime)) != NULL)
		*f = (struct tailed){.inode = st->st_ino, .hash = hash};
	return f;
}

static int
look_at(struct kam_tail *t, int dir, const char *name, int most)
{
	struct tailed *f;
	struct stat st;
	int lines = 0, fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (f = file_of(t, fd, &st)) != NULL) {
		f->seen = true;
		f->mtime = st.st_mtime;
		if (f->offset < st.st_size)
			lines = read_on(t, f, fd, most);
	}
	close(fd);
	return lines;
}

/* Files that are gone need no place in the cursor. */
static void
forget_gone(struct kam_tail *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].seen)
			t->v[n++] = t->v[i];
	t->n = n;
}

static void
look(void *arg)
{
	struct kam_tail *t = arg;
	int64_t pause = feed_cdr_pause(t->feed);
	struct dirent *entry;
	int lines = 0, rc = 0;
	DIR *d;

	if (pause > 0) {
		feed_timer(t->feed, pause, look, t);
		return;
	}
	d = opendir(t->dir);
	for (size_t i = 0; i < t->n; i++)
		t->v[i].seen = false;
	while (d != NULL && rc >= 0 && lines < LINES && (entry = readdir(d)) != NULL) {
		if (!is_ours(entry->d_name))
			continue;
		rc = look_at(t, dirfd(d), entry->d_name, LINES - lines);
		lines += rc > 0 ? rc : 0;
	}
	if (d != NULL && rc >= 0 && lines < LINES)
		forget_gone(t);
	if (d != NULL)
		closedir(d);
	feed_timer(t->feed, lines >= LINES ? 0 : LOOK_MS, look, t);
}

int
kam_tail_new(struct kam_tail **ret, struct feed *f, const struct conf *c, struct err *e)
{
	struct kam_tail *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->chunk = malloc(CHUNK)) == NULL) {
		free(t);
		return err_set(e, ERR_INTERNAL, "no memory");
	}
	*ret = t;
	t->feed = f;
	memcpy(t->dir, c->kamailio_cdr_dir, sizeof(t->dir));
	if (t->dir[0] == '\0')
		return 0;
	if (access(t->dir, F_OK) != 0)
		return err_set(e, ERR_INVALID, "kamailio.cdr_dir: %s: %s", t->dir, strerror(errno));
	return feed_needs(f, t->dir, false);
}

void
kam_tail_start(struct kam_tail *t)
{
	if (t->dir[0] == '\0')
		return;
	read_cursor(t, feed_cursor(t->feed));
	feed_timer(t->feed, LOOK_MS, look, t);
}

void
kam_tail_free(struct kam_tail *t)
{
	if (t == NULL)
		return;
	free(t->chunk);
	free(t);
}
