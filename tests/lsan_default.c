/* SPDX-License-Identifier: ISC */
/*
 * Linked into every program of a sanitizer build: what is known to be left at
 * the end. Compiled in, since a confined process cannot read a file any more,
 * nor look up symbols: a library's name has to do.
 */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return
	    /* Kore keeps pools, configuration and its route's expression for life. */
	    "leak:kore_pool\nleak:kore_malloc\nleak:kore_calloc\nleak:kore_strdup\nleak:kore_mem\n"
	    "leak:kore_seccomp_enable\nleak:re_compile_internal\nleak:re_node_set\nleak:regcomp\n"
	    /* Berkeley DB leaves a little for each page version that is cached at the close. */
	    "leak:libdb-5.3\nleak:__os_malloc\n";
}
