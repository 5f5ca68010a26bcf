/* SPDX-License-Identifier: ISC */
#include "ctl/progress.h"
#include "common/clock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 40, EVERY_MS = 100 };

static struct {
	const char *what;
	int64_t total, shown_ms;
	bool on;
} line;

void
progress_begin(const char *what, int64_t total)
{
	line.what = what;
	line.total = total;
	line.shown_ms = 0;
	line.on = isatty(STDERR_FILENO) == 1;
	progress_to(0);
}

void
progress_to(int64_t done)
{
	static const char bar[] = "########################################";
	double part = done < line.total ? (double)done / (double)line.total : 1;
	int64_t now = line.on ? clock_ms() : 0;

	if (!line.on || now - line.shown_ms < EVERY_MS)
		return;
	line.shown_ms = now;
	if (line.total > 0)
		fprintf(stderr, "\r%-9s [%-*.*s] %3d %%", line.what, WIDTH, (int)(part * WIDTH), bar,
		    (int)(part * 100));
	else
		fprintf(stderr, "\r%-9s %" PRId64, line.what, done);
}

void
progress_end(void)
{
	if (line.on)
		fprintf(stderr, "\r%*s\r", WIDTH + 20, "");
	line.on = false;
}
