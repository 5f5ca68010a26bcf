/* SPDX-License-Identifier: ISC */
/*
 * The files of a directory as a disk may hold them: for each what is on it for certain, and the
 * changes that have not been flushed. A file's name holds as soon as it is given.
 */
#ifndef TESTS_FAULT_IMAGE_H
#define TESTS_FAULT_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fault/record.h"

/* What of the changes has reached the disk. */
enum image_class {
	IMAGE_NONE,
	IMAGE_ALL,
	IMAGE_SOME,       /* each or not */
	IMAGE_LATE,       /* of each file the later ones without the earlier ones */
	IMAGE_TORN_4096,  /* of each its blocks of 4 KiB, each or not */
	IMAGE_TORN_LOG,   /* likewise 512 bytes of the log and the mark, 4 KiB of the rest */
	IMAGE_TORN_PAGES, /* 512 bytes of everything */
	CLASSES
};
extern const char *const image_classes[CLASSES];

struct image *image_new(void);
void image_free(struct image *im);
/* `data` lasts as long as the image. */
void image_apply(struct image *im, const struct record *r, const char *data);
/* Makes a directory with the files. False when that would be the same as IMAGE_NONE, for every
 * other class: then nothing is made. */
bool image_make(struct image *im, enum image_class class, uint64_t seed, const char *dir);
void image_remove(const char *dir);

#endif
