/* SPDX-License-Identifier: ISC */
/*
 * What a process did to the files of one directory, in order: written by recorder.c, which is
 * preloaded, and read by powercut.c. A record is a head and, for RECORD_NAME, RECORD_RENAME and
 * RECORD_WRITE, `len` bytes.
 */
#ifndef TESTS_FAULT_RECORD_H
#define TESTS_FAULT_RECORD_H

#include <stdint.h>

enum record_op {
	RECORD_NAME = 1, /* file `file` has this name from now on */
	RECORD_UNNAME,   /* and has it no more */
	RECORD_WRITE,    /* at `at` */
	RECORD_TRUNCATE, /* to `at` bytes */
	RECORD_SYNC,     /* what was written to `file` before is on the disk */
	RECORD_ACK       /* the process said that `at` is on the disk */
};

struct record {
	uint32_t op, file;
	uint64_t at, len;
};

/* Preloaded: notes RECORD_ACK. Without the recorder there is no such function. */
void recorder_ack(uint64_t n) __attribute__((weak));

#endif
