/* SPDX-License-Identifier: ISC */
/* docs/openapi.json of this release, in the program itself: a worker has no files. */
#ifndef GATEWAY_OPENAPI_H
#define GATEWAY_OPENAPI_H

#include "common/str.h"

/* The document, for as long as the program runs. */
struct str openapi_text(void);
/* Its ETag, with the quotes (RFC 9110 8.8.3): the same for the same document. */
const char *openapi_etag(void);
/* Whether a field If-None-Match names it (RFC 9110 13.1.2: weak comparison, "*" too). */
bool openapi_is_known(struct str if_none_match);

#endif
