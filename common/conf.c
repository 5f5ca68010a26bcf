/* SPDX-License-Identifier: ISC */
#include "common/conf.h"

#include <ini.h>
#include <stddef.h>
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
	struct err *e;
	bool seen[ITEMS];
};

/* libinih calls it per line; 0 makes ini_parse() report that line. */
static int
on_line(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	const struct conf_item *it = find(section, name);

	if (it == NULL) {
		err_set(r->e, ERR_INVALID, "unknown setting \"%s\" in [%s]", name, section);
		return 0;
	}
	if (r->seen[it - conf_items]) {
		err_set(r->e, ERR_INVALID, "%s.%s is given twice", section, name);
		return 0;
	}
	r->seen[it - conf_items] = true;
	return set_item(r->c, it, str_c(value), r->e) == 0;
}

int
conf_read(struct conf *c, const char *file, struct err *e)
{
	struct reading r = {.c = c, .e = e};
	char why[ERR_TEXT_MAX];
	int line;

	err_clear(e);
	line = ini_parse(file, on_line, &r);
	if (line == 0)
		return 0;
	if (line < 0)
		return err_set(e, ERR_INVALID, "%s: cannot be read", file);
	memcpy(why, e->text, sizeof(why));
	return err_set(e, ERR_INVALID, "%s:%d: %s", file, line,
	    why[0] != '\0' ? why : "not a section, setting or comment");
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
