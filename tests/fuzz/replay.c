/* SPDX-License-Identifier: ISC */
/* The fuzz targets without an engine: replay TARGET FILE|DIRECTORY... runs each file, and each file
 * of each directory. Fails when there is none, since then nothing was tested. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static const struct {
	const char *name;
	int (*run)(const uint8_t *, size_t);
} targets[] = {
    {"csv", fuzz_csv},
    {"env", fuzz_env},
    {"esl", fuzz_esl},
    {"janus", fuzz_janus},
    {"flatcdr", fuzz_flatcdr},
    {"json", fuzz_json},
    {"kamailio", fuzz_kamailio},
    {"mp", fuzz_mp},
    {"multipart", fuzz_multipart},
    {"path", fuzz_path},
    {"picture", fuzz_picture},
    {"vcard", fuzz_vcard},
    {"xml", fuzz_xml},
    {"xmlcdr", fuzz_xmlcdr},
};

static int (*target)(const uint8_t *, size_t);
static size_t runs;

static void
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (f == NULL || fstat(fileno(f), &st) != 0 ||
	    (data = malloc((size_t)st.st_size + 1)) == NULL) {
		perror(path);
		exit(1);
	}
	n = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	/* Exactly as long as the file: a byte read behind it is an error of ASan. */
	data = realloc(data, n > 0 ? n : 1);
	if (data == NULL)
		exit(1);
	target(data, n);
	free(data);
	runs++;
}

static void
run(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	if (dir == NULL) {
		run_file(path);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		char file[1024];

		if (d->d_name[0] == '.')
			continue;
		if (snprintf(file, sizeof(file), "%s/%s", path, d->d_name) >= (int)sizeof(file))
			exit(1);
		run(file);
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(targets) / sizeof(targets[0]); i++)
		if (strcmp(targets[i].name, argv[1]) == 0)
			target = targets[i].run;
	if (target == NULL) {
		fprintf(stderr, "usage: %s csv|env|esl|json|mp|path|vcard|xml|xmlcdr FILE|DIRECTORY...\n",
		    argv[0]);
		fprintf(stderr, "usage: %s TARGET FILE|DIRECTORY...\n", argv[0]);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		run(argv[i]);
	printf("%s: %zu inputs\n", argv[1], runs);
	return runs > 0 ? 0 : 1;
}
