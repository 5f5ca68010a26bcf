/* SPDX-License-Identifier: ISC */
#include "backend/store_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/store_disk.h"

enum {
	ID_BYTES = 16,
	ROW_BYTES = ID_BYTES + 8,
	SUM_BYTES = 16,
	SLOT_BYTES = 8 + ROW_BYTES + SUM_BYTES,
	/* Behind it the number of the log's newest file, with a sum over both. */
	WHOLE_BYTES = SLOT_BYTES + 8 + SUM_BYTES,
	SLOTS = 2,
	SLOT_STEP = 4096, /* a torn write does not reach the other one */
	IDLE_MS = 50,
	AGAIN_MS = 1000
};

#define FILE_NEW "mark.new"

static const char magic[8] = "TNDMARK1";
/* Of no tenant. */
static const struct str row_key = {"\0\0\0\0\0\0\0\0mark", 12};

struct store_mark {
	struct store *store;
	int fd;
	unsigned char id[ID_BYTES];
	uint64_t seq;  /* of the last commit; the writer's */
	unsigned slot; /* the next one to be written; the thread's */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	uint64_t noted, synced;
	bool hurry, stop;
};

static void
put_number(unsigned char *to, uint64_t n)
{
	for (int i = 8; i-- > 0; n >>= 8)
		to[i] = (unsigned char)n;
}

static uint64_t
get_number(const unsigned char *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

static void
put_sum(unsigned char *whole, size_t n)
{
	crypto_generichash(whole + n - SUM_BYTES, SUM_BYTES, whole, n - SUM_BYTES, NULL, 0);
}

static bool
sum_is_right(const unsigned char *whole, size_t n)
{
	unsigned char sum[SUM_BYTES];

	crypto_generichash(sum, SUM_BYTES, whole, n - SUM_BYTES, NULL, 0);
	return memcmp(sum, whole + n - SUM_BYTES, SUM_BYTES) == 0;
}

static void
make_slot(
    unsigned char slot[WHOLE_BYTES], const unsigned char id[ID_BYTES], uint64_t seq, uint64_t log)
{
	memcpy(slot, magic, sizeof(magic));
	memcpy(slot + sizeof(magic), id, ID_BYTES);
	put_number(slot + sizeof(magic) + ID_BYTES, seq);
	put_sum(slot, SLOT_BYTES);
	put_number(slot + SLOT_BYTES, log);
	put_sum(slot, WHOLE_BYTES);
}

struct said {
	unsigned char id[ID_BYTES];
	uint64_t seq, log; /* log 0 = it does not say */
	unsigned slot;
};

/* How many slots can be read, with what the newest says. */
static int
read_slots(int fd, struct said *ret)
{
	unsigned char slot[WHOLE_BYTES];
	int good = 0;

	*ret = (struct said){.seq = 0};
	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t n;

		if (pread(fd, slot, WHOLE_BYTES, (off_t)i * SLOT_STEP) != WHOLE_BYTES ||
		    memcmp(slot, magic, sizeof(magic)) != 0 || !sum_is_right(slot, SLOT_BYTES))
			continue;
		n = get_number(slot + sizeof(magic) + ID_BYTES);
		if (good++ > 0 && n <= ret->seq)
			continue;
		ret->seq = n;
		ret->slot = i;
		ret->log = sum_is_right(slot, WHOLE_BYTES) ? get_number(slot + SLOT_BYTES) : 0;
		memcpy(ret->id, slot + sizeof(magic), ID_BYTES);
	}
	return good;
}

int
mark_log(const char *dir, uint64_t *ret)
{
	int home = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = home < 0 ? -1 : openat(home, STORE_MARK_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct said said = {.log = 0};

	if (fd >= 0 && sodium_init() >= 0)
		(void)read_slots(fd, &said);
	/* Where nothing has been acknowledged, nothing is missing. */
	*ret = said.seq > 0 ? said.log : 0;
	if (fd >= 0)
		close(fd);
	if (home >= 0)
		close(home);
	return *ret > 0;
}

/* 0, or an errno. */
static int
write_slot(int fd, const unsigned char *slot, off_t at)
{
	for (size_t done = 0; done < WHOLE_BYTES;) {
		ssize_t n = pwrite(fd, slot + done, WHOLE_BYTES - done, at + (off_t)done);

		if (n < 0 && errno != EINTR)
			return errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* False when there is no room, where files are not overwritten in place. Whatever else goes wrong
 * is a disk that keeps nothing. */
static bool
write_mark(struct store_mark *m, uint64_t seq)
{
	uint64_t (*log)(struct store *) = m->store->ops->newest_log;
	unsigned char slot[WHOLE_BYTES];
	int ret;

	make_slot(slot, m->id, seq, log != NULL ? log(m->store) : 0);
	ret = write_slot(m->fd, slot, (off_t)m->slot * SLOT_STEP);
	if (ret == ENOSPC || ret == EDQUOT)
		return false;
	if (ret == 0)
		ret = disk_flush(m->fd);
	if (ret != 0)
		store_panic(m->store, "store: the mark cannot be written");
	m->slot = (m->slot + 1) % SLOTS;
	return true;
}

/* Until the next commit is flushed, or for so long. Called with the lock. */
static void
linger(struct store_mark *m, long ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms % 1000 * 1000000L;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (!m->hurry && !m->stop && pthread_cond_timedwait(&m->wake, &m->lock, &until) != ETIMEDOUT)
		;
	m->hurry = false;
}

static void *
run(void *arg)
{
	struct store_mark *m = arg;
	bool written = true;

	pthread_mutex_lock(&m->lock);
	for (;;) {
		uint64_t seq;

		while (m->noted == m->synced && !m->stop)
			pthread_cond_wait(&m->wake, &m->lock);
		/* One that cannot be written now is behind, which does no harm. */
		if (m->noted == m->synced || (m->stop && !written))
			break;
		linger(m, written ? IDLE_MS : AGAIN_MS);
		seq = m->noted;
		pthread_mutex_unlock(&m->lock);
		written = write_mark(m, seq);
		pthread_mutex_lock(&m->lock);
		if (written)
			m->synced = seq;
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

/* 1 = there is a row, 0 = the store is new, -1. */
static int
read_row(struct store_mark *m, struct err *e)
{
	struct store_txn *t;
	struct arena a;
	struct str val;
	int rc;

	if (store_begin(m->store, STORE_READ, &t, e) != 0)
		return -1;
	arena_init(&a, 4096);
	rc = store_get(t, STORE_META, row_key, &a, &val, e);
	store_abort(t);
	if (rc == 1 && val.n != ROW_BYTES)
		rc = err_set(e, ERR_INTERNAL, "store: the row of the mark is damaged");
	if (rc == 1) {
		memcpy(m->id, val.p, ID_BYTES);
		m->seq = get_number((const unsigned char *)val.p + ID_BYTES);
	}
	arena_free(&a);
	return rc;
}

static int
put_row(struct store_mark *m, struct store_txn *t, uint64_t seq, struct err *e)
{
	unsigned char row[ROW_BYTES];

	memcpy(row, m->id, ID_BYTES);
	put_number(row + ID_BYTES, seq);
	return store_put(t, STORE_META, row_key, (struct str){(const char *)row, ROW_BYTES}, e);
}

/* Another store from now on, with as many commits: without a mark this one is not counted. */
static int
change_id(struct store_mark *m, struct err *e)
{
	struct store_txn *t;

	randombytes_buf(m->id, ID_BYTES);
	if (store_begin(m->store, STORE_WRITE, &t, e) != 0)
		return -1;
	if (put_row(m, t, m->seq, e) == 0)
		return store_commit(t, e);
	store_abort(t);
	return -1;
}

static int
compare(struct store_mark *m, const char *dir, bool fresh, bool copied, struct err *e)
{
	static const char advice[] =
	    "Restore a backup, or remove that file to go on with what there is";
	struct said said;
	int row = read_row(m, e);

	if (row < 0)
		return -1;
	if (row == 0)
		randombytes_buf(m->id, ID_BYTES);
	if (fresh) {
		if (row == 1 && copied)
			return change_id(m, e);
		if (row == 1)
			store_log(m->store, "store: without a mark; one is made at commit %llu",
			    (unsigned long long)m->seq);
		return 0;
	}
	if (read_slots(m->fd, &said) == 0)
		return err_set(
		    e, ERR_INTERNAL, "%.80s/" STORE_MARK_FILE " cannot be read. %s", dir, advice);
	m->slot = (said.slot + 1) % SLOTS;
	/* It has never held anything, and still does not. */
	if (row == 0 && said.seq == 0) {
		memcpy(m->id, said.id, ID_BYTES);
		return 0;
	}
	if (row == 0 || memcmp(said.id, m->id, ID_BYTES) != 0)
		return err_set(e, ERR_INTERNAL,
		    "the store is not the one that %.80s/" STORE_MARK_FILE " belongs to. %s", dir, advice);
	if (m->seq < said.seq)
		return err_set(e, ERR_INTERNAL,
		    "the store has lost commits %llu to %llu, as %.80s/" STORE_MARK_FILE " says. %s",
		    (unsigned long long)m->seq + 1, (unsigned long long)said.seq, dir, advice);
	return 0;
}

/* In its full size, so that marks need no room later, and with a mark at once. */
static int
make_file(struct store_mark *m, const char *dir, int home, struct err *e)
{
	static const unsigned char zeros[SLOTS * SLOT_STEP];

	m->fd = openat(home, FILE_NEW, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (m->fd >= 0 && pwrite(m->fd, zeros, sizeof(zeros), 0) == (ssize_t)sizeof(zeros) &&
	    write_mark(m, m->seq) && fsync(m->fd) == 0 &&
	    renameat(home, FILE_NEW, home, STORE_MARK_FILE) == 0 && fsync(home) == 0)
		return 0;
	return err_set(e, ERR_INTERNAL, "%.80s/" STORE_MARK_FILE ": %s", dir, strerror(errno));
}

static int
start(struct store_mark *m, struct err *e)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int rc;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&m->thread, NULL, run, m);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		pthread_cond_destroy(&m->wake);
		pthread_mutex_destroy(&m->lock);
		return err_set(e, ERR_INTERNAL, "store: %s", strerror(rc));
	}
	pthread_setname_np(m->thread, "mark");
	return 0;
}

static int
open_in(struct store_mark *m, const char *dir, int home, bool copied, struct err *e)
{
	bool fresh;

	m->fd = openat(home, STORE_MARK_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	fresh = m->fd < 0 && errno == ENOENT;
	if (m->fd < 0 && !fresh)
		return err_set(e, ERR_INTERNAL, "%.80s/" STORE_MARK_FILE ": %s", dir, strerror(errno));
	if (compare(m, dir, fresh, copied, e) != 0 || (fresh && make_file(m, dir, home, e) != 0))
		return -1;
	m->noted = m->synced = m->seq;
	return start(m, e);
}

int
mark_open(struct store_mark **ret, struct store *s, const char *dir, bool copied, struct err *e)
{
	struct store_mark *m = calloc(1, sizeof(*m));
	int home = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;

	if (m == NULL || home < 0 || sodium_init() < 0) {
		err_set(e, ERR_INTERNAL, "%.80s: %s", dir, strerror(errno));
	} else {
		m->store = s;
		m->fd = -1;
		rc = open_in(m, dir, home, copied, e);
	}
	if (home >= 0)
		close(home);
	if (rc != 0 && m != NULL && m->fd >= 0)
		close(m->fd);
	if (rc != 0)
		free(m);
	else
		*ret = m;
	return rc;
}

int
mark_remove(const char *dir, struct err *e)
{
	int home = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (home < 0 || (unlinkat(home, STORE_MARK_FILE, 0) != 0 && errno != ENOENT))
		rc = err_set(e, ERR_INTERNAL, "%.80s/" STORE_MARK_FILE ": %s", dir, strerror(errno));
	if (home >= 0)
		close(home);
	return rc;
}

void
mark_close(struct store_mark *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	close(m->fd);
	free(m);
}

void
mark_identity(struct store_mark *m, char id[MARK_ID_TEXT + 1], uint64_t *commit)
{
	sodium_bin2hex(id, MARK_ID_TEXT + 1, m->id, ID_BYTES);
	pthread_mutex_lock(&m->lock);
	*commit = m->noted;
	pthread_mutex_unlock(&m->lock);
}

bool
mark_is_row(enum store_table table, struct str key)
{
	return table == STORE_META && str_eq(key, row_key);
}

int
mark_count(struct store_mark *m, struct store_txn *t, struct err *e)
{
	return m == NULL ? 0 : put_row(m, t, m->seq + 1, e);
}

void
mark_flushing(struct store_mark *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->hurry = m->noted != m->synced;
	if (m->hurry)
		pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void
mark_flushed(struct store_mark *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->noted = ++m->seq;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}
