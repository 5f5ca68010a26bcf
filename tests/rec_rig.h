/* SPDX-License-Identifier: ISC */
/* What the tests of records share: documents as trees that can be changed, written and compared. */
#ifndef TESTS_REC_RIG_H
#define TESTS_REC_RIG_H

#include "common/buf.h"
#include "common/res.h"
#include "common/tree.h"

/* Writes a tree as a document of the format it was read from; nothing is checked. */
void rig_write(const struct node *n, struct buf *out);
/* Equal in structure: members of JSON objects in any order, blanks around XML children ignored. */
bool rig_equal(const struct node *a, const struct node *b);

/* Reads JSON or XML; aborts the test when it is not well-formed. */
struct node *rig_read(enum format fmt, struct str text, struct arena *a);

/* What a file holds, in the arena; {NULL, 0} when it is not there. */
struct str rig_file(const char *path, struct arena *a);

/* Writes one record (with secrets, without nulls) as the element or object that stands alone. */
void rig_record(enum format fmt, const struct rec *r, const void *obj, struct buf *out);
/* Reads such a document back; every field counts. */
int rig_decode(enum format fmt, const struct rec *r, void *obj, struct str text, struct arena *a,
    struct err *e);

#endif
