/* SPDX-License-Identifier: ISC */
/*
 * Compares documents by structure. JSON: order of members and layout are free. XML: the order of
 * elements counts, blanks around child elements do not, attributes are errors. In an expected
 * document the text "$positive" stands for any number above 0, "$text" for any text that is not
 * empty.
 */
#ifndef TESTS_COMPARE_H
#define TESTS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

/* `part`: what is expected may be a part of the document: objects and elements may have more
 * members. On a difference *why says where and what. */
bool compare_json(const char *expected, const char *actual, bool part, char *why, size_t len);
bool compare_xml(const char *expected, const char *actual, bool part, char *why, size_t len);

/* The value at "a.b[0].c" or "[name=Night].scheduleId" as text; false when there is none. */
bool json_find(const char *document, const char *path, char *ret, size_t len);

#endif
