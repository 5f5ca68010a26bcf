/* SPDX-License-Identifier: ISC */
/*
 * Runs the cases of a file against any server: an address, a base path and the passwords of the
 * users that the cases name are all it is told. How the cases are written:
 * tests/conformance/README.md.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

struct vectors_value {
	const char *name, *value;
};

struct vectors_target {
	const char *origin;                    /* "https://host:port" */
	const char *base;                      /* "/sipxconfig/rest" */
	const struct vectors_value *passwords; /* by user name */
	size_t npasswords;
	const struct vectors_value *values; /* what cases write as ${name} */
	size_t nvalues;
	bool read_only; /* leave out cases that are no GET, HEAD or OPTIONS */
	bool legacy;    /* leave out cases where Tandem differs from the legacy server on purpose */
	/* Called for each case that fails. */
	void (*report)(void *arg, const char *file, const char *id, const char *problem);
	void *arg;
};

struct vectors_result {
	size_t cases, failed, departures; /* departures: cases marked `differs` */
	size_t left_out;
};

/* Reads "name value" lines into t->passwords, which live as long as the process: 0 or -1. */
int vectors_passwords(struct vectors_target *t, const char *file);

/* 0, or -1 when the file cannot be read as cases (reported as a case of its own). */
int vectors_run(const struct vectors_target *t, const char *file, struct vectors_result *ret);

#endif
