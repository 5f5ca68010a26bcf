/* SPDX-License-Identifier: ISC */
/* What the fuzz targets share. Each defines LLVMFuzzerTestOneInput(); `clang -fsanitize=fuzzer`
 * gives it an engine, replay.c the files of a corpus. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An oracle that disagrees is a crash, for any engine. */
#define FUZZ_MUST(x) \
	do { \
		if (!(x)) \
			__builtin_trap(); \
	} while (0)

#endif
