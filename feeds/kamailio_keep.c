/* SPDX-License-Identifier: ISC */
/*
 * The table's file: records one behind the other, each with its length in front (4 bytes,
 * big-endian). The first is a feed_routes with the position, whose part is the number of those that
 * follow and one; the others are users' routes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mp.h"
#include "common/sink.h"
#include "feeds/kamailio_table_parts.h"

enum { FILE_MAX = 512 << 20, ROOM = 65536 };

static void
frame_add(struct buf *out, const struct rec *r, const void *obj)
{
	struct buf b;
	unsigned char size[4];

	buf_init(&b, RECORD_MAX);
	mp_encode(r, obj, &b, 0);
	for (int i = 0; i < 4; i++)
		size[i] = (unsigned char)(b.n >> (8 * (3 - i)));
	buf_add(out, size, 4);
	buf_addstr(out, buf_str(&b));
	if (b.failed)
		out->failed = true;
	buf_free(&b);
}

static struct str
frame_next(struct str *rest)
{
	struct str frame = {NULL, 0};
	size_t n = 0;

	if (rest->n < 4)
		return frame;
	for (size_t i = 0; i < 4; i++)
		n = n << 8 | (unsigned char)rest->p[i];
	if (n > rest->n - 4)
		return frame;
	frame = (struct str){rest->p + 4, n};
	*rest = (struct str){rest->p + 4 + n, rest->n - 4 - n};
	return frame;
}

static bool
all_users(struct table *t, struct buf *out)
{
	struct some_users s = {.until = 0};

	if (!table_pick(t, &s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char size[4];

		for (int k = 0; k < 4; k++)
			size[k] = (unsigned char)(s.v[i]->record.n >> (8 * (3 - k)));
		buf_add(out, size, 4);
		buf_addstr(out, buf_str(&s.v[i]->record));
	}
	free(s.v);
	return !out->failed;
}

static int
write_file(const char *file, struct str bytes)
{
	char temporary[4096];
	size_t done = 0;
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.new", file);
	if ((fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		return -1;
	while (done < bytes.n) {
		ssize_t n = write(fd, bytes.p + done, bytes.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done < bytes.n || fdatasync(fd) != 0) {
		close(fd);
		return -1;
	}
	return close(fd) != 0 || rename(temporary, file) != 0 ? -1 : 0;
}

int
table_save(struct table *t, struct err *e)
{
	struct feed_routes head = {0};
	struct buf out;
	int rc = 0;

	/* A list that is half read is worth nothing. */
	if (t->file == NULL || !t->changed || t->listing || !t->position.has)
		return 0;
	REC_SET(&head, feed_routes, part, (int64_t)t->nusers + 1);
	REC_SET(&head, feed_routes, generation, t->position.generation);
	REC_SET(&head, feed_routes, version, t->position.version);
	buf_init(&out, FILE_MAX);
	frame_add(&out, &rec_feed_routes, &head);
	if (!all_users(t, &out) || write_file(t->file, buf_str(&out)) != 0)
		rc = err_set(e, ERR_INTERNAL, "%s cannot be written: %s", t->file, strerror(errno));
	else
		t->changed = false;
	buf_free(&out);
	return rc;
}

static bool
read_file(const char *file, struct buf *out)
{
	char part[65536];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return false;
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)n);
	close(fd);
	return n == 0 && !out->failed;
}

static bool
load_users(struct table *t, struct str rest, int64_t count, int64_t now)
{
	for (int64_t i = 0; i < count; i++) {
		struct str frame = frame_next(&rest);
		struct feed_route r;
		struct arena a;
		bool ok;

		arena_init(&a, RECORD_MEMORY);
		ok = frame.p != NULL && table_read_user(frame, &r, &a) && table_take_user(t, &r, now);
		arena_free(&a);
		if (!ok)
			return false;
	}
	return rest.n == 0;
}

int
table_load(struct table *t, int64_t now)
{
	struct feed_routes head;
	struct err e = {0};
	struct arena a;
	struct buf in;
	struct str rest, frame;
	int rc = 0;

	if (t->file == NULL)
		return 0;
	buf_init(&in, FILE_MAX);
	arena_init(&a, 65536);
	if (read_file(t->file, &in)) {
		rest = buf_str(&in);
		frame = frame_next(&rest);
		rc = frame.p != NULL &&
		    mp_decode(&rec_feed_routes, &head, frame, DECODE_ALL, &a, &e) == 0 &&
		    rec_validate(&rec_feed_routes, &head, false, &e) == 0 &&
		    load_users(t, rest, head.part - 1, now);
		if (rc == 1)
			t->position = (struct table_position){true, head.generation, head.version};
		else
			log_event(LOG_WARN_, "routes", "%s is damaged: everything is asked for anew", t->file);
	}
	arena_free(&a);
	buf_free(&in);
	return rc;
}
