/* SPDX-License-Identifier: ISC */
#include "tests/book_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

void
book_load(struct rig *r, const char *user, int first, int last)
{
	char path[128], out[1024];
	int n = last - first + 1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/book.jsonl", r->dir);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	for (int i = 0; i < n; i++) {
		/* 7919 is prime to every n that is used: each number comes once. */
		int k = first + (int)((long long)i * 7919 % n);

		fprintf(f,
		    "{\"type\":\"entry\",\"user\":\"%s\",\"item\":%d,\"record\":{\"first-name\":\"First%"
		    "d\","
		    "\"last-name\":\"Last%06d\",\"number\":\"%07d\",\"contact-information\":{\"jobTitle\":"
		    "\"Title %d\",\"companyName\":\"Company %d\",\"emailAddress\":\"u%d@ex.org\"}}}\n",
		    user, k, k % 977, k, k, k % 31, k % 101, k);
	}
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_msg(rig_ctl(r, NULL, out, sizeof(out), "load %s", path) == 0, "%s", out);
	remove(path);
}

long
book_own_pss(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pss: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

long
book_pss(pid_t pid)
{
	pid_t below[16];
	size_t n = children_of(pid, below, 16);
	long kib = book_own_pss(pid);

	for (size_t i = 0; i < n; i++)
		kib += book_own_pss(below[i]);
	return kib;
}
