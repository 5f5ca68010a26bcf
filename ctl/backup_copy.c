/* SPDX-License-Identifier: ISC */
#include "ctl/backup_copy.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/progress.h"

enum {
	PIECE = 262144,
	PAGE = 4096,
	REST_MAX_MS = 1000 /* even behind a piece that took very long */
};

static void
rest(struct copying *k)
{
	int64_t now = clock_ms(), ms = 0;

	if (k->rate > 0)
		ms = k->done * 1000 / k->rate - (now - k->since_ms);
	/* However fast the disk is, half of it is left to those who write. A piece may take less than
	 * the clock's millisecond. */
	if (k->rate == COPY_RATE_HALF)
		ms = now - k->rested_ms < REST_MAX_MS ? now - k->rested_ms + 1 : REST_MAX_MS;
	if (ms > 0)
		nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
	k->rested_ms = clock_ms();
}

int
copy_list(struct copying *k, int command, const char *from, struct ctl_reply *r)
{
	struct ctl_request q = {0};
	int rc;

	REC_SET(&q, ctl_request, command, command);
	if (from[0] != '\0')
		REC_SET(&q, ctl_request, name, str_c(from));
	if ((rc = ctl_call(k->c, &q, r, LINK_CALL_MS)) != EXIT_OK)
		return rc;
	if (r->code != ERR_OK)
		return ctl_refused(r, NULL);
	if (!REC_HAS(r, ctl_reply, copy) || !REC_HAS(&r->copy, copy_state, files))
		return ctl_fail(EXIT_FAILED, "the backend's answer has no files");
	for (size_t i = 0; i < r->copy.files.n; i++)
		if (!backup_name_ok(r->copy.files.v[i].name))
			return ctl_fail(EXIT_FAILED, "the backend's answer has a file with a bad name");
	return EXIT_OK;
}

/* Behind its end there is nothing: an engine that holds a snapshot for us lets it go then. */
static int
give_up(struct copying *k, const char *name)
{
	struct ctl_request q = {0};
	struct ctl_reply r;

	REC_SET(&q, ctl_request, command, ctl_command_COPY_READ);
	REC_SET(&q, ctl_request, name, str_c(name));
	REC_SET(&q, ctl_request, at, INT64_MAX / 4 / PAGE * PAGE);
	(void)ctl_call(k->c, &q, &r, LINK_CALL_MS);
	return backup_stop();
}

/* Of a piece that has come: 0, or -1 with errno. */
static int
put_piece(struct copying *k, int fd, struct str piece, struct page_sum *sum)
{
	if (piece.n > 0 && pwrite(fd, piece.p, piece.n, (off_t)sum->size) != (ssize_t)piece.n)
		return -1;
	page_sum_add(sum, piece.p, piece.n);
	progress_to(k->done += (int64_t)piece.n);
	return 0;
}

int
copy_bytes(struct copying *k, const char *name, int fd, int64_t end, struct page_sum *sum,
    enum copied *how)
{
	struct str piece;
	bool more;

	*how = COPIED;
	k->rested_ms = clock_ms();
	do {
		struct ctl_request q = {0};
		struct ctl_reply r;
		int rc;

		if (backup_stopped() && !k->follows)
			return give_up(k, name);
		REC_SET(&q, ctl_request, command, ctl_command_COPY_READ);
		REC_SET(&q, ctl_request, name, str_c(name));
		REC_SET(&q, ctl_request, at, page_sum_next(sum));
		if ((rc = ctl_call(k->c, &q, &r, LINK_CALL_MS)) != EXIT_OK)
			return rc;
		if (r.code == ERR_NOT_FOUND) {
			*how = COPY_GONE;
			return EXIT_OK;
		}
		if (r.code != ERR_OK)
			return ctl_refused(&r, NULL);
		piece = REC_HAS(&r, ctl_reply, bytes) ? r.bytes : (struct str){"", 0};
		more = piece.n == PIECE;
		if ((int64_t)piece.n > end - page_sum_next(sum))
			piece.n = (size_t)(end - page_sum_next(sum));
		if (!page_sum_goes_on(sum, piece.p, piece.n)) {
			*how = COPY_CHANGED;
			return EXIT_OK;
		}
		if (put_piece(k, fd, piece, sum) != 0)
			return ctl_fail(EXIT_FAILED, "%s/%s: %s", k->dir, name, strerror(errno));
		rest(k);
	} while (more && sum->size < end);
	return EXIT_OK;
}
