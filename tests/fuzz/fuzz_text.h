/* SPDX-License-Identifier: ISC */
/* The one body of fuzz_json and fuzz_xml: the first byte is the number of the resource, the rest is a
 * client's document. What is accepted must survive being written and read again. */
#ifndef TESTS_FUZZ_TEXT_H
#define TESTS_FUZZ_TEXT_H

#include "common/res.h"

void fuzz_text(enum format fmt, const uint8_t *data, size_t size);

#endif
