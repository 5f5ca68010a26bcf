/* SPDX-License-Identifier: ISC */
#include "common/conf.h"

#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"

/* clang-format off */
const struct conf_item conf_items[] = {
#define TEXT(s, nm, df, d) {#s, #nm, df, d, CONF_TEXT, 0, 0, offsetof(struct conf, s##_##nm)},
#define NUMBER(s, nm, df, lo, hi, d) {#s, #nm, df, d, CONF_INT, lo, hi, offsetof(struct conf, s##_##nm)},
#define FLAG(s, nm, df, d) {#s, #nm, df, d, CONF_BOOL, 0, 0, offsetof(struct conf, s##_##nm)},
#include "common/conf.def"
#undef TEXT
#undef NUMBER
#undef FLAG
	{NULL, NULL, NULL, NULL, CONF_TEXT, 0, 0, 0},
};
/* clang-format on */

enum { ITEMS = sizeof(conf_items) / sizeof(conf_items[0]) };

static int
set_item(struct conf *c, const struct conf_item *it, struct str value, struct err *e)
{
	char *at = (char *)c + it->off;

	switch (it->kind) {
	case CONF_TEXT:
		if (value.n >= CONF_TEXT_MAX)
			return err_set(e, ERR_INVALID, "%s.%s is longer than %d bytes", it->section, it->name,
			    CONF_TEXT_MAX - 1);
		if (value.n > 0)
			memcpy(at, value.p, value.n);
		at[value.n] = '\0';
		return 0;
	case CONF_INT: {
		int64_t v;

		if (!str_to_i64(value, &v) || v < it->min || v > it->max)
			return err_set(e, ERR_INVALID, "%s.%s must be a number from %lld to %lld", it->section,
			    it->name, (long long)it->min, (long long)it->max);
		memcpy(at, &v, sizeof(v));
		return 0;
	}
	default:
		if (!str_eqc(value, "yes") && !str_eqc(value, "no"))
			return err_set(e, ERR_INVALID, "%s.%s must be yes or no", it->section, it->name);
		*(bool *)(void *)at = str_eqc(value, "yes");
		return 0;
	}
}

static const struct conf_item *
find(const char *section, const char *name)
{
	for (const struct conf_item *it = conf_items; it->name != NULL; it++)
		if (strcmp(it->section, section) == 0 && strcmp(it->name, name) == 0)
			return it;
	return NULL;
}

void
conf_defaults(struct conf *c)
{
	struct err ignored;

	memset(c, 0, sizeof(*c));
	for (const struct conf_item *it = conf_items; it->name != NULL; it++)
		set_item(c, it, str_c(it->dflt), &ignored);
}

struct reading {
	struct conf *c;
	struct err *e; /* of the first bad line, */
	int bad;       /* which is this one; 0 = none so far */
	bool seen[ITEMS];
	FILE *f;
	char *text;
	size_t size;
	int line;
};

/* libinih cuts a line that is too long for it, and reads the rest as a line of its own. */
static char *
next_line(char *line, int room, void *arg)
{
	struct reading *r = arg;
	ssize_t n = getline(&r->text, &r->size, r->f);
	struct str s = str_trim((struct str){r->text, n > 0 ? (size_t)n : 0});

	if (n < 0)
		return NULL;
	r->line++;
	if (s.n > 0 && (s.p[0] == ';' || s.p[0] == '#')) {
		s.n = 0;
	} else if (n >= room || memchr(r->text, '\0', (size_t)n) != NULL) {
		if (r->bad == 0) {
			err_set(r->e, ERR_INVALID, "longer than %d bytes, or not text", room - 1);
			r->bad = r->line;
		}
		s.n = 0;
	}
	if (s.n == 0)
		n = 0;
	memcpy(line, r->text, (size_t)n);
	line[n] = '\0';
	return line;
}

/* libinih calls it per setting; 0 makes it report that line. It goes on after an error. */
static int
on_setting(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	const struct conf_item *it = find(section, name);
	struct err e;
	int rc = 0;

	if (it == NULL)
		rc = err_set(&e, ERR_INVALID, "unknown setting \"%s\" in [%s]", name, section);
	else if (r->seen[it - conf_items])
		rc = err_set(&e, ERR_INVALID, "%s.%s is given twice", section, name);
	else
		rc = set_item(r->c, it, str_c(value), &e);
	if (it != NULL)
		r->seen[it - conf_items] = true;
	if (rc != 0 && r->bad == 0) {
		err_set(r->e, e.code, "%s", e.text);
		r->bad = r->line;
	}
	return rc == 0;
}

int
conf_read(struct conf *c, const char *file, struct err *e)
{
	struct reading r = {.c = c, .e = e, .f = fopen(file, "re")};
	char why[ERR_TEXT_MAX];
	bool unreadable;
	int line;

	err_clear(e);
	if (r.f == NULL)
		return err_set(e, ERR_INVALID, "%s: cannot be read", file);
	line = ini_parse_stream(next_line, &r, on_setting, &r);
	unreadable = ferror(r.f) != 0 || line < 0;
	fclose(r.f);
	free(r.text);
	if (unreadable)
		return err_set(e, ERR_INVALID, "%s: cannot be read", file);
	if (line == 0 && r.bad == 0)
		return 0;
	if (r.bad == 0 || (line != 0 && line < r.bad))
		return err_set(e, ERR_INVALID, "%s:%d: not a section, setting or comment", file, line);
	memcpy(why, e->text, sizeof(why));
	return err_set(e, ERR_INVALID, "%s:%d: %s", file, r.bad, why);
}

int
conf_set(struct conf *c, struct str setting, struct err *e)
{
	struct str name, value, section, rest;
	char s[64], n[64];
	const struct conf_item *it;

	if (!str_cut(setting, '=', &name, &value) || !str_cut(name, '.', &section, &rest) ||
	    section.n >= sizeof(s) || rest.n >= sizeof(n))
		return err_set(e, ERR_INVALID, "a setting is given as section.name=value");
	memcpy(s, section.p, section.n);
	s[section.n] = '\0';
	memcpy(n, rest.p, rest.n);
	n[rest.n] = '\0';
	if ((it = find(s, n)) == NULL)
		return err_set(e, ERR_INVALID, "unknown setting \"%s.%s\"", s, n);
	return set_item(c, it, value, e);
}
