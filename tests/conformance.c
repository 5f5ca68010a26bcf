/* SPDX-License-Identifier: ISC */
/*
 * The conformance kit's runner: cases of the user API against any server. What it needs to know
 * of the server stands in tests/conformance/README.md.
 */
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ask.h"
#include "tests/vectors.h"

enum { VALUES_MAX = 32, URL_SIZE = 1024 };

static const char usage[] =
    "usage: conformance --url URL [option]... [FILE.case]...\n"
    "\n"
    "  --url URL           base, for example https://pbx.example/sipxconfig/rest\n"
    "  --credentials FILE  lines \"NAME PASSWORD\" (default tests/conformance/passwords)\n"
    "  --cacert FILE       whose certificates are believed (default: the system's)\n"
    "  --insecure          any certificate is believed\n"
    "  --set NAME=VALUE    what cases write as ${NAME}: realm, fqdn\n"
    "  --read-only         leave out cases that write\n"
    "  --legacy            leave out cases where Tandem differs from the legacy server\n"
    "\n"
    "Without files: all of tests/conformance/cases. The exit status is 0 when every case passed,\n"
    "1 when one failed, 2 when the arguments are wrong.\n";

enum {
	OPT_URL = 256,
	OPT_CREDENTIALS,
	OPT_CACERT,
	OPT_INSECURE,
	OPT_SET,
	OPT_READ_ONLY,
	OPT_LEGACY,
	OPT_HELP
};

static const struct option options[] = {
    {"url", required_argument, NULL, OPT_URL},
    {"credentials", required_argument, NULL, OPT_CREDENTIALS},
    {"cacert", required_argument, NULL, OPT_CACERT},
    {"insecure", no_argument, NULL, OPT_INSECURE},
    {"set", required_argument, NULL, OPT_SET},
    {"read-only", no_argument, NULL, OPT_READ_ONLY},
    {"legacy", no_argument, NULL, OPT_LEGACY},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static struct vectors_target target;
static struct vectors_value values[VALUES_MAX];
static char origin[URL_SIZE];

static int
wrong(const char *what, const char *text)
{
	fprintf(stderr, "conformance: %s: %s\n", what, text);
	return 2;
}

static void
report(void *arg, const char *file, const char *id, const char *problem)
{
	(void)arg;
	printf("not ok %s: %s\n    %s\n", file, id, problem);
}

/* "https://host:port" and the path behind it. */
static int
set_url(const char *url)
{
	const char *host = strstr(url, "://"), *path = host != NULL ? strchr(host + 3, '/') : NULL;

	if (host == NULL || strlen(url) >= sizeof(origin))
		return wrong("not an address", url);
	snprintf(origin, sizeof(origin), "%.*s", path != NULL ? (int)(path - url) : URL_SIZE - 1, url);
	target.origin = origin;
	target.base = path != NULL ? path : "";
	return 0;
}

static int
set_value(char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL || target.nvalues == VALUES_MAX)
		return wrong("not NAME=VALUE", text);
	*equals = '\0';
	values[target.nvalues++] = (struct vectors_value){text, equals + 1};
	return 0;
}

static int
run_files(char **files, size_t n)
{
	struct vectors_result sum = {0}, one;
	int unreadable = 0;

	for (size_t i = 0; i < n; i++) {
		unreadable |= vectors_run(&target, files[i], &one) != 0;
		printf("%s %s: %zu cases, %zu failed, %zu left out\n", one.failed == 0 ? "ok" : "not ok",
		    files[i], one.cases, one.failed, one.left_out);
		sum.cases += one.cases;
		sum.failed += one.failed;
		sum.left_out += one.left_out;
	}
	printf("%zu cases passed, %zu failed, %zu left out\n", sum.cases - sum.failed, sum.failed,
	    sum.left_out);
	return sum.failed != 0 || unreadable || sum.cases == 0;
}

int
main(int argc, char **argv)
{
	const char *credentials = "tests/conformance/passwords", *trust = "";
	glob_t all;
	int option, rc = 0;

	target.values = values;
	target.report = report;
	while (rc == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPT_URL)
			rc = set_url(optarg);
		else if (option == OPT_SET)
			rc = set_value(optarg);
		else if (option == OPT_CREDENTIALS)
			credentials = optarg;
		else if (option == OPT_CACERT)
			trust = optarg;
		else if (option == OPT_INSECURE)
			trust = NULL;
		else if (option == OPT_READ_ONLY)
			target.read_only = true;
		else if (option == OPT_LEGACY)
			target.legacy = true;
		else
			return fputs(usage, option == OPT_HELP ? stdout : stderr), option == OPT_HELP ? 0 : 2;
	}
	if (rc != 0)
		return rc;
	if (target.origin == NULL)
		return wrong("an option is missing", "--url");
	if (vectors_passwords(&target, credentials) != 0)
		return wrong("cannot be read", credentials);
	ask_trust(trust);
	if (optind < argc)
		return run_files(argv + optind, (size_t)(argc - optind));
	if (glob("tests/conformance/cases/*.case", 0, NULL, &all) != 0)
		return wrong("no cases", "tests/conformance/cases");
	rc = run_files(all.gl_pathv, all.gl_pathc);
	globfree(&all);
	return rc;
}
