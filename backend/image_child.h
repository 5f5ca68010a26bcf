/* SPDX-License-Identifier: ISC */
/*
 * The image process itself, and what it and the backend say to each other: one
 * message per request and reply on a SOCK_SEQPACKET pair. Pictures do not go
 * through it but lie in slots, memory that both share since the fork.
 */
#ifndef BACKEND_IMAGE_CHILD_H
#define BACKEND_IMAGE_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "backend/image.h"

/* Each a mapping of its own, so that the child for one picture can let go of the others. What
 * stands behind out_n is the word of a process that may have been taken over. */
struct image_slot {
	uint32_t out_n;
	unsigned char in[IMAGE_IN_MAX];
	unsigned char out[IMAGE_OUT_MAX];
};

struct image_request {
	uint32_t slot;
	uint32_t n; /* bytes of the upload */
};

/* The very first one tells how the start went: slot 0, IMAGE_DONE or an error's text. */
struct image_reply {
	uint32_t slot;
	uint32_t result; /* enum image_result */
	char text[ERR_TEXT_MAX];
};

/* The life of the process, right after fork(); `fd` is its end of the pair. */
_Noreturn void image_child_run(
    int fd, pid_t parent, struct image_slot *const slots[IMAGE_AT_ONCE], const char *user);

#endif
