/* SPDX-License-Identifier: ISC */
/*
 * The directory in which mod_xml_cdr leaves call records, read in the order of the files' times.
 *
 * The cursor is the time of the file that was read last. Files of the last minutes before it are
 * looked at as well, since clocks are set and files with one time have no order: which of them were
 * read is remembered while the program runs, and after a start a few are read again, which the
 * backend notices by their ids. A file that is not whole yet is waited for.
 */
#ifndef FEEDS_FREESWITCH_CDRDIR_H
#define FEEDS_FREESWITCH_CDRDIR_H

#include <dirent.h>

#include "feeds/feed.h"

enum {
	FS_CDR_BATCH = 1024,      /* files that one look finds */
	FS_CDR_SEEN = 65536,      /* files that are remembered at least, and twice as many at most */
	FS_CDR_OVERLAP_S = 600,   /* how far before the cursor is looked */
	FS_CDR_START_S = 60,      /* the same at a start */
	FS_CDR_SETTLE_MS = 50,    /* a younger file may have a neighbour with the same time */
	FS_CDR_PARTIAL_MS = 10000 /* longest wait for the rest of a file */
};

struct fs_cdr_file {
	int64_t time; /* of its last change, ns since 1970 */
	char name[256];
};

/* Hashes of names and times. */
struct fs_cdr_set {
	uint64_t *v; /* 0 = free */
	size_t n;
	int64_t newest; /* time of a file in it */
};

struct fs_cdrs {
	struct feed *f;
	const char *path, *domain;
	int64_t cursor, start, floor; /* ns; nothing at or before the floor is looked at */
	struct fs_cdr_set seen, seen_before;
	DIR *dir;                /* a look is under way */
	int64_t from, upto;      /* it takes files between these times */
	int64_t changed, looked; /* the directory's time, and when, as of the last whole look */
	bool again;              /* something was left for the next look */
	struct fs_cdr_file *found;
	size_t n, next;
	int64_t read, malformed;
};

/* Begins to look into the directory, and goes on until fs_cdrs_close(). 0, or -1 with *e. */
int fs_cdrs_open(
    struct fs_cdrs *c, struct feed *f, const char *path, const char *domain, struct err *e);
void fs_cdrs_start(struct fs_cdrs *c);
void fs_cdrs_close(struct fs_cdrs *c);

#endif
