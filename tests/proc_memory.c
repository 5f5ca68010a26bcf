/* SPDX-License-Identifier: ISC */
#include "tests/proc_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
memory_has(pid_t pid, const unsigned char *secret, size_t len)
{
	static unsigned char buf[1 << 20];
	char path[64], line[512], flags[8];
	unsigned long from, to;
	int found = -1, fd;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (fd != -1 && maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		/* The shadow memory of a sanitizer is larger than any disk. */
		if (sscanf(line, "%lx-%lx %7s", &from, &to, flags) != 3 || flags[0] != 'r' ||
		    to - from > 1ul << 30)
			continue;
		for (unsigned long at = from; at < to; at += sizeof(buf) - len) {
			ssize_t n = pread(fd, buf, to - at < sizeof(buf) ? to - at : sizeof(buf), (off_t)at);

			if (n <= 0)
				break;
			if (found == -1)
				found = 0;
			if (memmem(buf, (size_t)n, secret, len) != NULL)
				found = 1;
		}
	}
	if (maps != NULL)
		fclose(maps);
	if (fd != -1)
		close(fd);
	return found;
}

int
memory_has_number(pid_t pid, const BIGNUM *n)
{
	unsigned char big[512], little[512];
	int len = BN_num_bytes(n), a, b;

	if (len > (int)sizeof(big) || BN_bn2bin(n, big) != len || BN_bn2lebinpad(n, little, len) != len)
		return -1;
	a = memory_has(pid, big, (size_t)len);
	b = memory_has(pid, little, (size_t)len);
	return a == -1 || b == -1 ? -1 : a | b;
}
