/* SPDX-License-Identifier: ISC */
/*
 * Disk faults on order. A program linked with this has its own fdatasync(),
 * write(), writev() and pwrite(), which the library is bound to before libc's.
 */
#ifndef TESTS_STORE_FAULTS_H
#define TESTS_STORE_FAULTS_H

#include <stdatomic.h>

extern atomic_uint fault_flush_ms;   /* every flush takes this long */
extern atomic_int fault_flush_errno; /* the next flush fails with this, once */
/* The next pwrite() through a descriptor that flushes by itself fails with this, once. */
extern atomic_int fault_sync_write_errno;
extern atomic_uint fault_log_flushes; /* flushes of log files, and of LMDB's only one */
/* Where to count files whose pages the kernel is asked to forget; NULL = nowhere. */
extern atomic_uint *_Atomic fault_forgotten;
/* No room in files whose path contains this; NULL = room everywhere. */
extern const char *_Atomic fault_full;

/* What the calling thread is about to commit (0 = nothing), and what has reached the disk. */
extern _Thread_local unsigned fault_committing;
extern atomic_uint fault_on_disk, fault_flushes_begun, fault_flushes_ended;

#endif
