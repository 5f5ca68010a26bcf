/* SPDX-License-Identifier: ISC */
/*
 * From an upload to an avatar: by libgd, which is loaded into the image process
 * alone, so that neither it nor the fifty libraries that come with it are ever
 * in the process that has the store, or in the one that has the keys.
 */
#ifndef BACKEND_IMAGE_DECODE_H
#define BACKEND_IMAGE_DECODE_H

#include "backend/image.h"

/* Loads the library; before files are out of reach. */
int image_decode_load(struct err *e);

/* Decodes `n` bytes of PNG, JPEG or GIF (the first frame), told by their signature, takes the
 * largest square from the middle and writes it as a PNG of PICTURE_SIDE pixels with alpha. To be
 * called where it does no harm when it crashes, loops or eats memory. IMAGE_DONE with *out_n,
 * IMAGE_BAD or IMAGE_TOO_BIG. */
enum image_result image_decode(
    const unsigned char *in, size_t n, unsigned char out[IMAGE_OUT_MAX], size_t *out_n);

#endif
