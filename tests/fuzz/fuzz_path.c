/* SPDX-License-Identifier: ISC */
/* A request's path. */
#include "common/res.h"
#include "tests/fuzz/fuzz.h"

int
fuzz_path(const uint8_t *data, size_t size)
{
	struct res_keys keys = {.v = {{NULL, 0}}};
	struct arena a;
	struct err e = {.code = ERR_OK};
	const struct res *r;

	arena_init(&a, 64 * 1024);
	r = res_match((struct str){(const char *)data, size}, &keys, &a, &e);
	if (r == NULL)
		FUZZ_MUST(e.code == ERR_NOT_FOUND || e.code == ERR_BAD_REQUEST || e.code == ERR_TOO_LARGE);
	else
		FUZZ_MUST(e.code == ERR_OK && keys.v[0].n <= RES_KEY_MAX && keys.v[1].n <= RES_KEY_MAX &&
		    str_is_utf8(keys.v[0]) && str_is_utf8(keys.v[1]));
	arena_free(&a);
	return 0;
}

FUZZ_TARGET(path)
