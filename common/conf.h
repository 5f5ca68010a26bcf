/* SPDX-License-Identifier: ISC */
/*
 * The configuration file of all programs: `[section]`, `name = value` lines,
 * lines that begin with ';' or '#' are comments, so is what follows a blank
 * and ';' behind a value (libinih). What may stand there is a table; an
 * unknown name, a name given twice and a bad value are errors with file and
 * line. See tandem.conf(5).
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/str.h"

enum { CONF_TEXT_MAX = 256 };

enum conf_kind { CONF_TEXT, CONF_INT, CONF_BOOL };

/* What belongs to which program: one file may serve several, each takes its sections. */
struct conf {
#define TEXT(section, name, dflt, doc) char section##_##name[CONF_TEXT_MAX];
#define NUMBER(section, name, dflt, min, max, doc) int64_t section##_##name;
#define FLAG(section, name, dflt, doc) bool section##_##name;
#include "common/conf.def"
#undef TEXT
#undef NUMBER
#undef FLAG
};

/* Sets every default. */
void conf_defaults(struct conf *c);
/* Reads a file over what is set: 0, or -1 with "FILE:LINE: what is wrong". */
int conf_read(struct conf *c, const char *file, struct err *e);
/* One setting by "section.name" (command lines: -o backend.port=1): 0 or -1. */
int conf_set(struct conf *c, struct str setting, struct err *e);

/* For documents and --help: every setting in the table's order, NULL behind the last. */
struct conf_item {
	const char *section, *name, *dflt, *doc;
	enum conf_kind kind;
	int64_t min, max;
	size_t off;
};
extern const struct conf_item conf_items[];

#endif
