/* SPDX-License-Identifier: ISC */
#include "common/png.h"

#include <stdbool.h>
#include <string.h>

enum { CHUNK_HEAD = 8, CHUNK_CRC = 4 };

static const char signature[] = "\x89PNG\r\n\x1a\n";
/* Width, height, depth 8, RGBA, deflate, adaptive filters, not interlaced. */
static const char header[] = {
    0, 0, 0, (char)PICTURE_SIDE, 0, 0, 0, (char)PICTURE_SIDE, 8, 6, 0, 0, 0};

/* Takes a chunk off the front. */
static bool
take_chunk(struct str *s, char type[4], struct str *data)
{
	const unsigned char *p = (const unsigned char *)s->p;
	size_t n;

	if (s->n < CHUNK_HEAD + CHUNK_CRC)
		return false;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n > s->n - CHUNK_HEAD - CHUNK_CRC)
		return false;
	memcpy(type, p + 4, 4);
	*data = (struct str){s->p + CHUNK_HEAD, n};
	s->p += CHUNK_HEAD + n + CHUNK_CRC;
	s->n -= CHUNK_HEAD + n + CHUNK_CRC;
	return true;
}

const char *
check_picture(struct str png)
{
	static const char *const wrong = "must be a PNG of 128 x 128 pixels in RGBA";
	struct str data;
	char type[4];
	size_t images = 0;

	if (png.n < PICTURE_MIN || memcmp(png.p, signature, sizeof(signature) - 1) != 0)
		return wrong;
	png.p += sizeof(signature) - 1;
	png.n -= sizeof(signature) - 1;
	if (!take_chunk(&png, type, &data) || memcmp(type, "IHDR", 4) != 0 ||
	    data.n != sizeof(header) || memcmp(data.p, header, sizeof(header)) != 0)
		return wrong;
	while (take_chunk(&png, type, &data)) {
		if (memcmp(type, "IEND", 4) == 0)
			return images > 0 && data.n == 0 && png.n == 0 ? NULL : wrong;
		if (memcmp(type, "IDAT", 4) == 0)
			images++;
		/* Some encoders say how large a pixel is. */
		else if (memcmp(type, "pHYs", 4) != 0 || data.n != 9 || images > 0)
			return wrong;
	}
	return wrong;
}
