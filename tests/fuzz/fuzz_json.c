/* SPDX-License-Identifier: ISC */
#include "tests/fuzz/text_target.h"

int
fuzz_json(const uint8_t *data, size_t size)
{
	fuzz_text(FMT_JSON, data, size);
	return 0;
}

FUZZ_TARGET(json)
