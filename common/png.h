/* SPDX-License-Identifier: ISC */
/* The form of a stored picture: a PNG (ISO 15948) of one size and colour type. */
#ifndef COMMON_PNG_H
#define COMMON_PNG_H

#include "common/str.h"

enum {
	PICTURE_SIDE = 128, /* pixels */
	/* 128 rows of RGBA that cannot be compressed come to 65,920 bytes, with room to spare. */
	PICTURE_MAX = 68 * 1024,
	PICTURE_MIN = 57 /* signature, IHDR, an empty IDAT, IEND */
};

/* NULL for a PNG of 128 x 128 pixels, 8 bits, RGBA, not interlaced, with the chunks IHDR, IDAT,
 * IEND and perhaps pHYs, and nothing around them; else a phrase that says what is wrong. The
 * compressed data are not looked into. */
const char *check_picture(struct str png);

#endif
