/* SPDX-License-Identifier: ISC */
/* Kind and size of an encoded picture, read from its first bytes before anything is decoded. */
#ifndef BACKEND_IMAGE_HEADER_H
#define BACKEND_IMAGE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum image_kind { IMAGE_NONE, IMAGE_PNG, IMAGE_JPEG, IMAGE_GIF };

struct image_header {
	enum image_kind kind;
	uint32_t width, height; /* pixels, both > 0; of a GIF the larger of screen and first frame */
};

/* False when it is none of the kinds, its size is not there, or it has been cut off: of a JPEG the
 * end, of a GIF that of the first frame is looked for. */
bool image_header_read(const unsigned char *p, size_t n, struct image_header *ret);

#endif
