/* SPDX-License-Identifier: ISC */
#include "tests/shell.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int
sh_status(const char *fmt, va_list ap)
{
	char command[2048];
	int n = vsnprintf(command, sizeof(command), fmt, ap);

	ck_assert_msg(n > 0 && n < (int)sizeof(command), "too long: %s", command);
	return system(command);
}

void
sh(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ck_assert_msg(sh_status(fmt, ap) == 0, "%s", fmt);
	va_end(ap);
}

void
next_second(char text[32])
{
	time_t from = time(NULL);
	struct tm tm;

	while (time(NULL) == from)
		usleep(20000);
	from = time(NULL);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&from, &tm));
	while (time(NULL) == from)
		usleep(20000);
}
