/* SPDX-License-Identifier: ISC */
/* One line on stderr that says how far a long command has come; nothing when it is no terminal. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdint.h>

/* `total` 0 = not known. */
void progress_begin(const char *what, int64_t total);
void progress_to(int64_t done);
/* Takes the line away, if there is one. */
void progress_end(void);

#endif
