/* SPDX-License-Identifier: ISC */
/* Cases of a file as structs. */
#ifndef TESTS_VECTORS_READ_H
#define TESTS_VECTORS_READ_H

#include <stdbool.h>
#include <stddef.h>

enum { VCHECKS_MAX = 12, VSENDS_MAX = 8, VPARTS_MAX = 4 };

enum vcheck_kind {
	VCHECK_HEADER,
	VCHECK_NO_HEADER,
	VCHECK_JSON,
	VCHECK_JSON_PART,
	VCHECK_XML,
	VCHECK_XML_PART,
	VCHECK_TEXT,
	VCHECK_ERROR,
	VCHECK_CONTAINS,
	VCHECK_ABSENT,
	VCHECK_EMPTY,
	VCHECK_CAPTURE,
	VCHECK_PNG,
	VCHECK_BYTES,
	VCHECK_OTHER_BYTES,
	VCHECK_CAPTURE_HEADER
};

struct vcheck {
	enum vcheck_kind kind;
	const char *value;
};

struct vcase {
	const char *id; /* with its title */
	const char *method, *path;
	const char *as, *bearer, *accept, *type, *body;
	const char *send[VSENDS_MAX];
	size_t nsend;
	const char *part[VPARTS_MAX]; /* files of a multipart document */
	size_t nparts;
	int status;
	struct vcheck check[VCHECKS_MAX];
	size_t nchecks;
	bool changes;
	const char *differs;
};

struct vfile {
	char *text; /* all strings point into it */
	const char *user, *watch;
	struct vcase *v;
	size_t n;
};

/* 0, or -1 with a phrase in why. */
int vfile_read(const char *path, struct vfile *f, char *why, size_t len);
void vfile_free(struct vfile *f);

#endif
