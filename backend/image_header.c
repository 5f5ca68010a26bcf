/* SPDX-License-Identifier: ISC */
#include "backend/image_header.h"

#include <string.h>

static const char png_signature[] = "\x89PNG\r\n\x1a\n";

static uint32_t
big(const unsigned char *p, size_t bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

static uint32_t
little16(const unsigned char *p)
{
	return (uint32_t)p[1] << 8 | p[0];
}

/* IHDR must come first (ISO 15948, 5.6). */
static bool
read_png(const unsigned char *p, size_t n, struct image_header *ret)
{
	if (n < 24 || big(p + 8, 4) != 13 || memcmp(p + 12, "IHDR", 4) != 0)
		return false;
	ret->kind = IMAGE_PNG;
	ret->width = big(p + 16, 4);
	ret->height = big(p + 20, 4);
	return true;
}

/* SOF0 to SOF15 are frame headers, but for three markers among them (ITU T.81, table B.1). */
static bool
is_frame(unsigned marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool
read_jpeg(const unsigned char *p, size_t n, struct image_header *ret)
{
	size_t at = 2;

	while (n - at >= 4) {
		unsigned marker = p[at + 1];
		size_t length;

		if (p[at] != 0xff)
			return false;
		if (marker == 0xff) {
			at++;
			continue;
		}
		/* Scans and the end come behind the frame header; restarts only inside scans. */
		if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda))
			return false;
		length = big(p + at + 2, 2);
		if (length < 2 || length > n - at - 2)
			return false;
		if (is_frame(marker)) {
			/* libjpeg fills with grey what has been cut off. In the data of a scan 0xff is always
			 * followed by 0, so this is the end (or that of a later picture). */
			if (length < 8 || memmem(p + at, n - at, "\xff\xd9", 2) == NULL)
				return false;
			ret->kind = IMAGE_JPEG;
			ret->height = big(p + at + 5, 2);
			ret->width = big(p + at + 7, 2);
			return true;
		}
		at += 2 + length;
	}
	return false;
}

/* Bytes of a colour table, given the flags that announce it. */
static size_t
colours(unsigned flags)
{
	return (flags & 0x80) != 0 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

/* The place behind the sub-blocks at `at`, 0 when they do not end. */
static size_t
skip_blocks(const unsigned char *p, size_t n, size_t at)
{
	while (at < n && p[at] != 0)
		at += 1 + (size_t)p[at];
	return at < n ? at + 1 : 0;
}

static bool
read_gif(const unsigned char *p, size_t n, struct image_header *ret)
{
	size_t at;

	if (n < 13)
		return false;
	ret->width = little16(p + 6);
	ret->height = little16(p + 8);
	at = 13 + colours(p[10]);
	while (at < n && p[at] == 0x21 && n - at > 2)
		if ((at = skip_blocks(p, n, at + 2)) == 0)
			return false;
	if (at >= n || n - at < 10 || p[at] != 0x2c)
		return false;
	/* libgd makes something up for what has been cut off of the frame. */
	if (skip_blocks(p, n, at + 11 + colours(p[at + 9])) == 0)
		return false;
	ret->kind = IMAGE_GIF;
	if (little16(p + at + 5) > ret->width)
		ret->width = little16(p + at + 5);
	if (little16(p + at + 7) > ret->height)
		ret->height = little16(p + at + 7);
	return true;
}

bool
image_header_read(const unsigned char *p, size_t n, struct image_header *ret)
{
	bool read = false;

	*ret = (struct image_header){.kind = IMAGE_NONE};
	if (n >= 8 && memcmp(p, png_signature, 8) == 0)
		read = read_png(p, n, ret);
	else if (n >= 6 && (memcmp(p, "GIF87a", 6) == 0 || memcmp(p, "GIF89a", 6) == 0))
		read = read_gif(p, n, ret);
	else if (n >= 4 && p[0] == 0xff && p[1] == 0xd8 && p[2] == 0xff)
		read = read_jpeg(p, n, ret);
	return read && ret->width > 0 && ret->height > 0;
}
