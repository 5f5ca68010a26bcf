/* SPDX-License-Identifier: ISC */
/*
 * The backend's half of the image process: a process of its own that makes
 * avatars of what users upload. Decoders of pictures are large and have a long
 * history of holes, so no picture is parsed here: the image process forks a
 * child for each one, which has no files, no network, not even a descriptor,
 * and reads and writes nothing but one piece of shared memory.
 *
 * Everything here is for the loop thread; answers come by callback from
 * image_read(). The backend goes on when the image process has died: image_fd()
 * is -1 then, and image_scale() refuses.
 */
#ifndef BACKEND_IMAGE_H
#define BACKEND_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/png.h"
#include "common/str.h"

enum {
	IMAGE_IN_MAX = 1024 * 1024,  /* bytes of an upload */
	IMAGE_SIDE_MAX = 10000,      /* pixels of a side */
	IMAGE_PIXELS_MAX = 25000000, /* of an upload */
	IMAGE_OUT_MAX = PICTURE_MAX, /* bytes of an avatar */
	IMAGE_AT_ONCE = 2,           /* pictures being decoded */
	IMAGE_QUEUE_MAX = 16,        /* requests under way, those included */
	IMAGE_CPU_SECONDS = 3,       /* that decoding one may take */
	IMAGE_WALL_MS = 4000,        /* on a busy machine */
	IMAGE_MEMORY_MAX = 512 << 20 /* address space of a child; a decoded upload takes a fifth */
};

enum image_result {
	IMAGE_DONE,
	IMAGE_BAD,     /* no picture of a kind that is known, or its decoder failed, or died of it */
	IMAGE_TOO_BIG, /* too many pixels */
	IMAGE_NOT_NOW, /* the machine is too busy, or the image process has gone */
	IMAGE_RESULTS
};

struct image;

/* png: the avatar for IMAGE_DONE, else empty; valid during the call only. Its structure has been
 * checked (common/png.h). */
typedef void image_done_fn(void *arg, enum image_result result, struct str png);

/* Forks the process and waits until it is confined. As root it becomes `user` (NULL = no change).
 * To be called like auth_start(): before any thread exists. */
int image_start(struct image **ret, const char *user, struct err *e);
/* Ends the process and waits for it; pending callbacks are called with IMAGE_NOT_NOW. */
void image_stop(struct image *m);
pid_t image_pid(const struct image *m);

/* Has an upload decoded, scaled and cropped. 0, or -1 at once when the queue is full, the process
 * has gone, or the upload is too long (then the callback is not called). `upload` must outlive
 * the request. */
int image_scale(struct image *m, struct str upload, image_done_fn *done, void *arg);

/* To be polled for reading; -1 when the process has gone. */
int image_fd(const struct image *m);
/* Takes what has arrived and calls the callbacks. -1 once, when the process has gone or has sent
 * nonsense; it has been ended then. A callback may call image_scale(). */
int image_read(struct image *m);

#endif
