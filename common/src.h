/* SPDX-License-Identifier: ISC */
/*
 * Where records are read from. A source is a pull cursor over one value; the
 * one decoder below turns it into a struct. Sources: tree.h (JSON and XML, in
 * the gateway and tandemctl) and mp.h (msgpack, everywhere).
 */
#ifndef COMMON_SRC_H
#define COMMON_SRC_H

#include "common/rec.h"

enum tok { TOK_NULL, TOK_BOOL, TOK_INT, TOK_REAL, TOK_TEXT, TOK_BIN };

struct scalar {
	enum tok tok;
	bool b;
	int64_t i;
	double d;
	struct str s;
};

/* How lenient values are taken (docs/departures.md and the API reference say why):
 *   STRICT  exactly the type of the table (msgpack);
 *   BEAN    bare JSON: "15" and 20.7 are integers, "" and null mean absent for numbers and
 *           booleans, 0 and 1 are booleans, numbers are texts;
 *   TREE    JSON that mirrors XML, and XML: every scalar is a text first; null means absent; a
 *           single object stands for a list of one; only "true" is true. */
enum src_rules { RULES_STRICT, RULES_BEAN, RULES_TREE };

struct member {
	struct str name; /* by name (JSON, XML), or */
	uint32_t tag;    /* by number (msgpack) when name.p is NULL */
};

struct src;

struct src_ops {
	/* The current value is a scalar: consumed. -1 for anything else. */
	int (*scalar)(struct src *, struct scalar *ret, struct err *e);
	/* Enter a map or a list (`item`: XML name of its items). */
	int (*map)(struct src *, struct err *e);
	int (*list)(struct src *, const char *item, struct err *e);
	/* In a container: 1 = at the next member or item, 0 = it ended and was left. */
	int (*next)(struct src *, struct member *ret, struct err *e);
	/* Consume the current value whatever it is. */
	int (*skip)(struct src *, struct err *e);
	/* Whether the current value is null (not consumed). */
	bool (*is_null)(struct src *);
};

struct src {
	const struct src_ops *ops;
	enum src_rules rules;
	bool xml; /* names are XML names */
};

enum decode_mode {
	DECODE_CLIENT, /* read-only fields are skipped, whatever they hold */
	DECODE_ALL     /* stored records and messages between our processes */
};

/* Reads one record into the zeroed *obj; strings point into the source's memory or the arena.
 * Unknown members are ignored; one given twice is an error. Only types are checked here;
 * rec_validate() does the rest. 0, or -1 with *e and the field's path. */
int rec_decode(const struct rec *r, void *obj, struct src *s, enum decode_mode mode,
    struct arena *a, struct err *e);

/* The same, on top of what *obj holds already: a member met here replaces it. */
int rec_decode_over(const struct rec *r, void *obj, struct src *s, enum decode_mode mode,
    struct arena *a, struct err *e);

#endif
