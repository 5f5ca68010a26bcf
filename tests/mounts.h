/* SPDX-License-Identifier: ISC */
#ifndef TESTS_MOUNTS_H
#define TESTS_MOUNTS_H

/* From now on what this process mounts is its own, and gone when it ends; for root. */
void mounts_of_my_own(void);

#endif
