/* SPDX-License-Identifier: ISC */
/*
 * Uploads: the one file of a multipart/form-data document (RFC 7578), found
 * strictly, in one pass and without memory of its own. Nothing of Kore.
 */
#ifndef GATEWAY_MULTIPART_H
#define GATEWAY_MULTIPART_H

#include <stdbool.h>

#include "common/err.h"
#include "common/str.h"

enum {
	MULTIPART_BOUNDARY_MAX = 70,  /* characters, RFC 2046 */
	MULTIPART_HEAD_MAX = 8 * 1024 /* bytes of a part's header fields */
};

/* The content of the only part, which points into `body`. -1 with ERR_MALFORMED when type or body
 * is not of that form, ERR_EXPECTATION when it has no part or several. */
int multipart_file(struct str content_type, struct str body, struct str *file, struct err *e);

#endif
