/* SPDX-License-Identifier: ISC */
#include "ctl/progress.h"

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

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

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
	int64_t now = line.on ? now_ms() : 0;

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
