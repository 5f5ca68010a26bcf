/* SPDX-License-Identifier: ISC */
#include "gateway/openapi.h"

#include <inttypes.h>
#include <stdio.h>

/* The assembler reads the file from where make runs, the top of the tree. */
__asm__(".pushsection .rodata\n"
        ".globl openapi_begin, openapi_end\n"
        "openapi_begin:\n"
        ".incbin \"docs/openapi.json\"\n"
        "openapi_end:\n"
        ".popsection\n");
extern const char openapi_begin[], openapi_end[];

struct str
openapi_text(void)
{
	return (struct str){openapi_begin, (size_t)(openapi_end - openapi_begin)};
}

const char *
openapi_etag(void)
{
	static char tag[24];

	/* FNV-1a: nobody gains by a document with the same tag, it is the release's. */
	if (tag[0] == '\0') {
		uint64_t h = 0xcbf29ce484222325u;

		for (const char *c = openapi_begin; c < openapi_end; c++)
			h = (h ^ (unsigned char)*c) * 0x100000001b3u;
		snprintf(tag, sizeof(tag), "\"%016" PRIx64 "\"", h);
	}
	return tag;
}

bool
openapi_is_known(struct str if_none_match)
{
	struct str rest = if_none_match, one;

	while (rest.n > 0) {
		str_cut(rest, ',', &one, &rest);
		one = str_trim(one);
		if (str_starts(one, "W/"))
			one = (struct str){one.p + 2, one.n - 2};
		if (str_eqc(one, openapi_etag()) || str_eqc(one, "*"))
			return true;
	}
	return false;
}
