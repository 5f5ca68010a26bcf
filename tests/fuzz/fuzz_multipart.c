/* SPDX-License-Identifier: ISC */
/* An upload: a line with the Content-Type, behind it the body. */
#include <string.h>

#include "gateway/multipart.h"
#include "tests/fuzz/fuzz.h"

int
fuzz_multipart(const uint8_t *data, size_t size)
{
	const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
	struct str type, body, file = {NULL, 0};
	struct err e = {.code = ERR_OK};

	if (line == NULL)
		return 0;
	type = (struct str){(const char *)data, (size_t)(line - data)};
	body = (struct str){(const char *)line + 1, size - type.n - 1};
	if (multipart_file(type, body, &file, &e) != 0)
		FUZZ_MUST(e.code == ERR_MALFORMED || e.code == ERR_EXPECTATION);
	else
		/* Inside of the document, and not at its edges: there are delimiters on both sides. */
		FUZZ_MUST(file.p > body.p + 4 && file.n < body.n &&
		    (size_t)(file.p - body.p) <= body.n - file.n - 4);
	return 0;
}

FUZZ_TARGET(multipart)
