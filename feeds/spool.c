/* SPDX-License-Identifier: ISC */
/*
 * The file: a head of a fixed size, then records one behind the other. Head and records carry a
 * hash. The head is never changed: a file with another one takes the place of the old by rename(2).
 */
#include "feeds/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/log.h"

enum { EPOCH_MAX = 64, BOOT_MAX = 40, FRAME_MAX = FEED_BODY_MAX + 16384, SHORTEN_AT = 1024 * 1024 };

#define MAGIC "tandem-spool-1\n"

struct head {
	char magic[16];
	uint64_t hash; /* of what follows */
	char epoch[EPOCH_MAX];
	char boot[BOOT_MAX]; /* the kernel's name of this run of the machine */
	int64_t before;      /* the number before the first record's */
	char cursor[FEED_CURSOR_MAX];
};

struct spooled {
	uint64_t hash; /* of the rest of this and of cursor and frame behind it */
	int64_t seq;
	uint32_t frame_n, cursor_n;
	uint32_t kind, unused;
};

/* A place in the file: the record with number seq + 1 begins at `at`. */
struct place {
	int64_t at, seq;
};

struct spool {
	int dir, fd, lock;
	char name[64 * 4 + 8], fresh_name[64 * 4 + 16], source[64 * 4 + 1];
	int64_t limit, cdr_bytes;
	struct head head;
	struct place acked, next, end;
	char cursor[FEED_CURSOR_MAX], cursor_acked[FEED_CURSOR_MAX];
	char *room; /* FEED_CURSOR_MAX + FRAME_MAX */
};

/* FNV-1a: it tells what was cut off or mixed up, nobody gains by a collision. */
static uint64_t
hash_more(uint64_t h, const void *p, size_t n)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t
hash_of(const void *p, size_t n)
{
	return hash_more(UINT64_C(0xcbf29ce484222325), p, n);
}

static uint64_t
head_hash(const struct head *h)
{
	return hash_of(h->epoch, sizeof(*h) - offsetof(struct head, epoch));
}

static uint64_t
entry_hash(const struct spooled *x, const char *cursor, const char *frame)
{
	uint64_t h = hash_of(&x->seq, sizeof(*x) - offsetof(struct spooled, seq));

	return hash_more(hash_more(h, cursor, x->cursor_n), frame, x->frame_n);
}

static int64_t
entry_size(const struct spooled *x)
{
	return (int64_t)sizeof(*x) + x->cursor_n + x->frame_n;
}

static void
boot_name(char ret[BOOT_MAX])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, BOOT_MAX - 1);

	memset(ret + (n < 0 ? 0 : n), 0, (size_t)(BOOT_MAX - (n < 0 ? 0 : n)));
	if (fd >= 0)
		close(fd);
}

static int
new_epoch(char ret[EPOCH_MAX], struct err *e)
{
	uint64_t r[2];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return err_set(e, ERR_INTERNAL, "spool: no random numbers: %s", strerror(errno));
	memset(ret, 0, EPOCH_MAX);
	snprintf(ret, EPOCH_MAX, "%016llx%016llx", (unsigned long long)r[0], (unsigned long long)r[1]);
	return 0;
}

/* --- reading ------------------------------------------------------------------------------- */

static bool
read_at(int fd, void *p, size_t n, int64_t at)
{
	for (size_t got = 0; got < n;) {
		ssize_t rc = pread(fd, (char *)p + got, n - got, at + (int64_t)got);

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return false;
		got += (size_t)rc;
	}
	return true;
}

/* The record at a place, with cursor and frame in s->room. False: there is none that is whole. */
static bool
read_entry(struct spool *s, const struct place *at, struct spooled *x, int64_t end)
{
	if (at->at + (int64_t)sizeof(*x) > end || !read_at(s->fd, x, sizeof(*x), at->at) ||
	    x->seq != at->seq + 1 || x->cursor_n >= FEED_CURSOR_MAX || x->frame_n == 0 ||
	    x->frame_n > FRAME_MAX || at->at + entry_size(x) > end)
		return false;
	return read_at(s->fd, s->room, x->cursor_n + x->frame_n, at->at + (int64_t)sizeof(*x)) &&
	    x->hash == entry_hash(x, s->room, s->room + x->cursor_n);
}

static void
step(struct place *p, const struct spooled *x)
{
	p->at += entry_size(x);
	p->seq = x->seq;
}

static void
take_cursor(char to[FEED_CURSOR_MAX], const char *text, size_t n)
{
	memcpy(to, text, n);
	to[n] = '\0';
}

/* Finds the end, cutting off what is not whole, and the cursor. */
static int
scan(struct spool *s, struct err *e)
{
	struct stat st;
	struct spooled x;

	if (fstat(s->fd, &st) != 0)
		return err_set(e, ERR_INTERNAL, "spool: %s", strerror(errno));
	s->acked = s->end = (struct place){sizeof(s->head), s->head.before};
	s->cdr_bytes = 0;
	memcpy(s->cursor, s->head.cursor, sizeof(s->cursor));
	memcpy(s->cursor_acked, s->head.cursor, sizeof(s->cursor));
	while (read_entry(s, &s->end, &x, st.st_size)) {
		step(&s->end, &x);
		if (x.kind != feed_kind_CDR)
			continue;
		take_cursor(s->cursor, s->room, x.cursor_n);
		s->cdr_bytes += entry_size(&x);
	}
	s->next = s->acked;
	if (s->end.at == st.st_size)
		return 0;
	log_event(LOG_WARN_, "spool", "%lld bytes behind number %lld were not whole",
	    (long long)(st.st_size - s->end.at), (long long)s->end.seq);
	return ftruncate(s->fd, s->end.at) == 0
	    ? 0
	    : err_set(e, ERR_INTERNAL, "spool: cannot be cut off: %s", strerror(errno));
}

/* --- writing ------------------------------------------------------------------------------- */

static bool
write_at(int fd, const struct iovec *v, int n, int64_t at)
{
	size_t want = 0;
	ssize_t rc;

	for (int i = 0; i < n; i++)
		want += v[i].iov_len;
	do
		rc = pwritev(fd, v, n, at);
	while (rc < 0 && errno == EINTR);
	if (rc >= 0 && (size_t)rc != want)
		errno = ENOSPC;
	return rc >= 0 && (size_t)rc == want;
}

/* A new file with a head, under the name that waits to be renamed. */
static int
begin_file(struct spool *s, struct head *h, struct err *e)
{
	int fd = openat(s->dir, s->fresh_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	memcpy(h->magic, MAGIC, sizeof(h->magic));
	boot_name(h->boot);
	h->hash = head_hash(h);
	if (fd >= 0 && write_at(fd, &(struct iovec){h, sizeof(*h)}, 1, 0))
		return fd;
	err_set(e, ERR_NO_SPACE, "spool: %s: %s", s->fresh_name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Puts a complete file in the place of the old one. */
static int
take_over(struct spool *s, int fd, const struct head *h, struct err *e)
{
	if (fdatasync(fd) != 0 || renameat(s->dir, s->fresh_name, s->dir, s->name) != 0) {
		err_set(e, ERR_INTERNAL, "spool: %s: %s", s->name, strerror(errno));
		close(fd);
		return -1;
	}
	if (s->fd >= 0)
		close(s->fd);
	s->fd = fd;
	s->head = *h;
	return 0;
}

/* Copies what is not acknowledged, byte for byte, behind another head. */
static int
shorten(struct spool *s, struct err *e)
{
	struct head h = s->head;
	int64_t at = s->acked.at, cut = s->acked.at - (int64_t)sizeof(h);
	int fd;

	h.before = s->acked.seq;
	memcpy(h.cursor, s->cursor_acked, sizeof(h.cursor));
	if ((fd = begin_file(s, &h, e)) < 0)
		return -1;
	while (at < s->end.at) {
		size_t n = s->end.at - at < FRAME_MAX ? (size_t)(s->end.at - at) : (size_t)FRAME_MAX;

		if (!read_at(s->fd, s->room, n, at) ||
		    !write_at(fd, &(struct iovec){s->room, n}, 1, at - cut)) {
			close(fd);
			return err_set(e, ERR_INTERNAL, "spool: cannot be shortened: %s", strerror(errno));
		}
		at += (int64_t)n;
	}
	if (take_over(s, fd, &h, e) != 0)
		return -1;
	s->acked.at -= cut;
	s->end.at -= cut;
	s->next.at = s->next.at < s->acked.at + cut ? s->acked.at : s->next.at - cut;
	s->next.seq = s->next.seq < s->acked.seq ? s->acked.seq : s->next.seq;
	return 0;
}

static enum spool_result
append(struct spool *s, struct spooled *x, const char *cursor, struct str frame, struct err *e)
{
	struct iovec v[] = {{x, sizeof(*x)}, {(void *)(uintptr_t)cursor, x->cursor_n},
	    {(void *)(uintptr_t)frame.p, frame.n}};

	x->seq = s->end.seq + 1;
	x->frame_n = (uint32_t)frame.n;
	x->hash = entry_hash(x, cursor, frame.p);
	if (s->end.at + entry_size(x) > s->limit)
		return SPOOL_FULL;
	if (!write_at(s->fd, v, 3, s->end.at)) {
		err_set(e, ERR_NO_SPACE, "spool: %s", strerror(errno));
		/* Whatever got there is overwritten by the next one, or cut off at the next start. */
		return SPOOL_FAILED;
	}
	step(&s->end, x);
	if (x->kind == feed_kind_CDR) {
		take_cursor(s->cursor, cursor, x->cursor_n);
		s->cdr_bytes += entry_size(x);
	}
	return SPOOL_OK;
}

static enum spool_result
add(struct spool *s, struct feed_message *m, struct str cursor, struct err *e)
{
	struct spooled x = {.kind = (uint32_t)m->kind, .cursor_n = (uint32_t)cursor.n};
	enum spool_result rc = SPOOL_FAILED;
	struct buf b;

	REC_SET(m, feed_message, version, FEED_VERSION);
	REC_SET(m, feed_message, source, str_c(s->source));
	REC_SET(m, feed_message, epoch, str_c(s->head.epoch));
	REC_SET(m, feed_message, seq, s->end.seq + 1);
	/* The backend would not even read it, and ask for its number for ever. */
	if (rec_validate(&rec_feed_message, m, false, e) != 0)
		return SPOOL_FAILED;
	buf_init(&b, FRAME_MAX);
	env_write(&b, ENV_FEED_MESSAGE, m);
	if (b.failed)
		err_set(e, ERR_TOO_LARGE, "spool: a message does not fit");
	else
		rc = append(s, &x, cursor.p, buf_str(&b), e);
	buf_free(&b);
	return rc;
}

enum spool_result
spool_add(struct spool *s, struct feed_message *m, const char *cursor, struct err *e)
{
	struct str c = str_c(cursor);
	bool cdr = m->kind == feed_kind_CDR;
	enum spool_result rc;

	if (c.n >= FEED_CURSOR_MAX) {
		err_set(e, ERR_TOO_LARGE, "spool: a cursor is too long");
		return SPOOL_FAILED;
	}
	if (cdr && s->cdr_bytes > s->limit / 2)
		return SPOOL_FULL;
	rc = add(s, m, c, e);
	if (rc == SPOOL_FULL && s->acked.at > s->limit / 4)
		rc = shorten(s, e) != 0 ? SPOOL_FAILED : add(s, m, c, e);
	return rc;
}

/* --- numbers -------------------------------------------------------------------------------- */

/* Walks on to a number. False: the file is damaged. */
static bool
walk(struct spool *s, struct place *p, int64_t seq, bool acked)
{
	struct spooled x;

	while (p->seq < seq) {
		if (!read_entry(s, p, &x, s->end.at))
			return false;
		if (acked && x.kind == feed_kind_CDR) {
			take_cursor(s->cursor_acked, s->room, x.cursor_n);
			s->cdr_bytes -= entry_size(&x);
		}
		step(p, &x);
	}
	return true;
}

bool
spool_seek(struct spool *s, int64_t seq)
{
	struct place p = {sizeof(s->head), s->head.before};

	if (seq <= p.seq || seq > s->end.seq + 1)
		return false;
	if (seq > s->acked.seq)
		p = s->acked;
	if (!walk(s, &p, seq - 1, false))
		return false;
	s->next = p;
	return true;
}

int
spool_next(struct spool *s, struct str *frame, int64_t *seq, struct err *e)
{
	struct spooled x;

	if (s->next.seq == s->end.seq)
		return 0;
	if (!read_entry(s, &s->next, &x, s->end.at))
		return err_set(
		    e, ERR_INTERNAL, "spool: number %lld cannot be read", (long long)s->next.seq + 1);
	step(&s->next, &x);
	*frame = (struct str){s->room + x.cursor_n, x.frame_n};
	*seq = x.seq;
	return 1;
}

int64_t
spool_position(const struct spool *s)
{
	return s->next.seq + 1;
}

int
spool_ack(struct spool *s, int64_t seq, struct err *e)
{
	if (!walk(s, &s->acked, seq, true))
		return err_set(e, ERR_INTERNAL, "spool: cannot be read up to %lld", (long long)seq);
	if (s->next.seq < s->acked.seq)
		s->next = s->acked;
	/* Where little is left to be copied. Without success the file only stays long. */
	if (s->acked.at > SHORTEN_AT && s->end.at - s->acked.at < s->acked.at / 8 &&
	    shorten(s, e) != 0) {
		log_event(LOG_WARN_, "spool", "%s", err_text(e));
		err_clear(e);
	}
	return 0;
}

bool
spool_reset(struct spool *s, int64_t applied, struct err *e)
{
	if (applied < s->head.before || applied > s->end.seq)
		return false;
	if (applied < s->acked.seq && scan(s, e) != 0)
		return false;
	if (spool_ack(s, applied, e) != 0)
		return false;
	s->next = s->acked;
	return true;
}

/* --- epochs --------------------------------------------------------------------------------- */

/* One record of the old file under a new number, when it is one that stays. */
static int
carry(struct spool *to, const struct spooled *x, const char *room, struct arena *a, struct err *e)
{
	struct str cursor = {room, x->cursor_n}, frame = {room + x->cursor_n, x->frame_n};
	struct feed_message m;
	struct err bad = {0};

	if (x->kind != feed_kind_CDR)
		return 0;
	if (env_read(frame, ENV_FEED_MESSAGE, &m, a, &bad) != 0) {
		log_event(LOG_ERROR_, "spool", "a call record cannot be read: %s", err_text(&bad));
		return 0;
	}
	switch (add(to, &m, cursor, e)) {
	case SPOOL_OK:
		return 0;
	case SPOOL_FULL:
		return err_set(e, ERR_NO_SPACE, "spool: the call records have no room");
	default:
		return -1;
	}
}

static int
carry_all(struct spool *s, struct spool *to, struct err *e)
{
	struct place p = s->acked;
	struct spooled x;
	struct arena a;
	int rc = 0;

	while (rc == 0 && p.seq < s->end.seq) {
		if (!read_entry(s, &p, &x, s->end.at)) {
			log_event(LOG_ERROR_, "spool", "number %lld and what follows cannot be read",
			    (long long)p.seq + 1);
			break;
		}
		step(&p, &x);
		arena_init(&a, 4 * FRAME_MAX);
		rc = carry(to, &x, s->room, &a, e);
		arena_free(&a);
	}
	return rc;
}

int
spool_renew(struct spool *s, struct err *e)
{
	struct spool to = *s;
	int rc;

	memset(&to.head, 0, sizeof(to.head));
	if (new_epoch(to.head.epoch, e) != 0)
		return -1;
	memcpy(to.head.cursor, s->cursor_acked, sizeof(to.head.cursor));
	memcpy(to.cursor, s->cursor_acked, sizeof(to.cursor));
	to.cdr_bytes = 0;
	to.acked = to.end = (struct place){sizeof(to.head), 0};
	if ((to.fd = begin_file(s, &to.head, e)) < 0)
		return -1;
	/* to.room is s->room: append() reads from it, and uses it for nothing else. */
	rc = carry_all(s, &to, e);
	if (rc != 0) {
		close(to.fd);
		return -1;
	}
	rc = to.fd;
	to.fd = s->fd;
	if (take_over(&to, rc, &to.head, e) != 0)
		return -1;
	to.next = to.acked;
	*s = to;
	return 0;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool
read_head(struct spool *s, struct err *e)
{
	struct head *h = &s->head;

	s->fd = openat(s->dir, s->name, O_RDWR | O_CLOEXEC);
	if (s->fd < 0)
		return errno == ENOENT ? false
		                       : (err_set(e, ERR_INTERNAL, "spool: %s", strerror(errno)), false);
	if (read_at(s->fd, h, sizeof(*h), 0) && memcmp(h->magic, MAGIC, sizeof(h->magic)) == 0 &&
	    h->hash == head_hash(h) && h->epoch[EPOCH_MAX - 1] == '\0' &&
	    h->cursor[FEED_CURSOR_MAX - 1] == '\0' && h->before >= 0)
		return true;
	log_event(LOG_ERROR_, "spool", "%s is not a spool any more and is begun anew", s->name);
	memset(h, 0, sizeof(*h));
	close(s->fd);
	s->fd = -1;
	return false;
}

static int
open_file(struct spool *s, bool *fresh, struct err *e)
{
	char boot[BOOT_MAX];

	*fresh = !read_head(s, e);
	if (e->code != ERR_OK)
		return -1;
	if (*fresh) {
		s->acked = s->end = s->next = (struct place){sizeof(s->head), 0};
		return spool_renew(s, e);
	}
	if (scan(s, e) != 0)
		return -1;
	boot_name(boot);
	if (strcmp(boot, s->head.boot) == 0)
		return 0;
	/* After a crash of the machine the last numbers may be missing here that the backend has. */
	*fresh = true;
	return spool_renew(s, e);
}

int
spool_open(struct spool **ret, const char *dir, const char *source, int64_t limit, bool *fresh,
    struct err *e)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_INTERNAL, "spool: no memory");
	s->fd = s->lock = -1;
	s->limit = limit;
	snprintf(s->source, sizeof(s->source), "%s", source);
	snprintf(s->name, sizeof(s->name), "%s.spool", source);
	snprintf(s->fresh_name, sizeof(s->fresh_name), "%s.spool.new", source);
	s->room = malloc(FEED_CURSOR_MAX + FRAME_MAX);
	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->room == NULL || s->dir < 0) {
		err_set(e, ERR_INVALID, "spool: %s: %s", dir, strerror(errno));
	} else {
		char lock[64 * 4 + 16];

		snprintf(lock, sizeof(lock), "%s.lock", source);
		s->lock = openat(s->dir, lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) != 0)
			err_set(e, ERR_INVALID, "spool: %s/%s: %s", dir, lock,
			    errno == EWOULDBLOCK ? "another feed has it" : strerror(errno));
		else if (open_file(s, fresh, e) == 0) {
			*ret = s;
			return 0;
		}
	}
	spool_close(s);
	return -1;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->lock >= 0)
		close(s->lock);
	if (s->dir >= 0)
		close(s->dir);
	free(s->room);
	free(s);
}

const char *
spool_epoch(const struct spool *s)
{
	return s->head.epoch;
}

int64_t
spool_last(const struct spool *s)
{
	return s->end.seq;
}

int64_t
spool_acked(const struct spool *s)
{
	return s->acked.seq;
}

int64_t
spool_bytes(const struct spool *s)
{
	return s->end.at - s->acked.at;
}

const char *
spool_cursor(const struct spool *s)
{
	return s->cursor;
}

const char *
spool_cursor_acked(const struct spool *s)
{
	return s->cursor_acked;
}
