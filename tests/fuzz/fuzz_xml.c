/* SPDX-License-Identifier: ISC */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_text(FMT_XML, data, size);
	return 0;
}
