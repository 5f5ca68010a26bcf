/* SPDX-License-Identifier: ISC */
/* How many 512-byte appends the disk can make durable one after the other: the limit of a server
 * that flushes once per write. Prints one row of the benchmark. bench_fdatasync DIR SECONDS */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	char path[512], block[512];
	double from, end;
	long n = 0;
	int fd;

	if (argc != 3)
		return 2;
	snprintf(path, sizeof(path), "%s/fdatasync", argv[1]);
	memset(block, 'x', sizeof(block));
	if ((fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600)) < 0)
		return 1;
	from = now();
	for (end = from + strtod(argv[2], NULL); now() < end; n++)
		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block) || fdatasync(fd) != 0)
			return 1;
	printf("%-16s %5d %9.0f\n", "fdatasync", 0, (double)n / (now() - from));
	unlink(path);
	return 0;
}
