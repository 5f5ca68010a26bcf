/* SPDX-License-Identifier: ISC */
/* The first look at an upload, and the last one at what is stored. */
#include "backend/image_header.h"
#include "common/png.h"
#include "tests/fuzz/fuzz.h"

int
fuzz_picture(const uint8_t *data, size_t size)
{
	struct image_header h;
	const char *wrong = check_picture((struct str){(const char *)data, size});

	if (image_header_read(data, size, &h))
		FUZZ_MUST(h.kind != IMAGE_NONE && h.width > 0 && h.height > 0);
	/* Whatever may be stored is a picture of that size to the other one too. */
	if (wrong == NULL)
		FUZZ_MUST(h.kind == IMAGE_PNG && h.width == PICTURE_SIDE && h.height == PICTURE_SIDE);
	return 0;
}

FUZZ_TARGET(picture)
