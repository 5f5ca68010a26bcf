/* SPDX-License-Identifier: ISC */
/*
 * Which call records there are: those in the files of a Kamailio, and those that a user is shown,
 * by the ids that the API gives them.
 */
#ifndef TESTS_CALL_IDS_H
#define TESTS_CALL_IDS_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/rig.h"

enum { CALL_ID_MAX = 32 };

struct call_ids {
	char (*v)[CALL_ID_MAX];
	size_t n, room;
};

void call_ids_add(struct call_ids *ids, const char *id, size_t n);
void call_ids_free(struct call_ids *ids);

/* Adds an id for each line of the files in a directory; fails the test when a line is none of a
 * call record. What is behind the last end of a line is none yet. */
void call_ids_of_files(struct call_ids *ids, const char *dir);
/* Adds an id for each record on all pages from a path on. `format`: "application/json", "text/xml"
 * or "text/csv". */
void call_ids_of_pages(
    struct call_ids *ids, struct rig *r, const char *user, const char *format, const char *path);

/* Whether `have` is each of `want` once and nothing else; sorts both. If not, `why` says how many
 * are missing, doubled and of nobody, and names some of each. */
bool call_ids_equal(struct call_ids *want, struct call_ids *have, char *why, size_t size);

#endif
