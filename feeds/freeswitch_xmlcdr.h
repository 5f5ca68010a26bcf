/* SPDX-License-Identifier: ISC */
/*
 * Call records that FreeSWITCH's mod_xml_cdr leaves in a directory, one file a channel. Files of
 * b-legs are passed over: what they say is in the a-leg's.
 */
#ifndef FEEDS_FREESWITCH_XMLCDR_H
#define FEEDS_FREESWITCH_XMLCDR_H

#include "common/records.h"
#include "feeds/freeswitch_pairs.h"

enum {
	FS_XMLCDR_MAX = 1024 * 1024,        /* bytes of a file */
	FS_XMLCDR_MEMORY = 16 * 1024 * 1024 /* while one is read */
};

/* Reads a document into the form of an event. 0, or -1 with *e. */
int fs_xmlcdr_pairs(struct fs_pairs *ret, struct str text, struct arena *a, struct err *e);
/* Its record: 1, 0 for a b-leg, -1 with *e. */
int fs_xmlcdr_read(
    struct cdr *ret, struct str text, const char *domain, struct arena *a, struct err *e);

#endif
