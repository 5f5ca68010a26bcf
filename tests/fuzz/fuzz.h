/* SPDX-License-Identifier: ISC */
/* What the fuzz targets share. Each is LLVMFuzzerTestOneInput() for `clang -fsanitize=fuzzer`, and
 * a function of its own name for replay.c, which runs all of them without an engine. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int fuzz_csv(const uint8_t *data, size_t size);
int fuzz_env(const uint8_t *data, size_t size);
int fuzz_esl(const uint8_t *data, size_t size);
int fuzz_janus(const uint8_t *data, size_t size);
int fuzz_flatcdr(const uint8_t *data, size_t size);
int fuzz_json(const uint8_t *data, size_t size);
int fuzz_kamailio(const uint8_t *data, size_t size);
int fuzz_mp(const uint8_t *data, size_t size);
int fuzz_multipart(const uint8_t *data, size_t size);
int fuzz_path(const uint8_t *data, size_t size);
int fuzz_picture(const uint8_t *data, size_t size);
int fuzz_vcard(const uint8_t *data, size_t size);
int fuzz_xml(const uint8_t *data, size_t size);
int fuzz_xmlcdr(const uint8_t *data, size_t size);

/* The name that an engine calls. Weak, since replay.c links all targets. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ_TARGET(name)                                                              \
	__attribute__((weak)) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
	{                                                                                  \
		return fuzz_##name(data, size);                                                \
	}

/* An oracle that disagrees is a crash, for any engine. */
#define FUZZ_MUST(x)          \
	do {                      \
		if (!(x))             \
			__builtin_trap(); \
	} while (0)

#endif
