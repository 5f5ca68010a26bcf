/* SPDX-License-Identifier: ISC */
#include "tests/fuzz/text_target.h"

int
fuzz_xml(const uint8_t *data, size_t size)
{
	fuzz_text(FMT_XML, data, size);
	return 0;
}

FUZZ_TARGET(xml)
