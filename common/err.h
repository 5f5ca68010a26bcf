/* SPDX-License-Identifier: ISC */
/*
 * How functions report failure: `int f(…, struct err *e)`, 0 or -1, and
 * `return err_set(e, ERR_…, "…")` in one expression. An error carries a code
 * for machines, a phrase for people, and the path of the field it is about.
 * Whoever handles it logs it; nobody both logs and returns.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum err_code {
#define E(name, code, status, text) ERR_##name,
#include "common/err.def"
#undef E
	ERR_COUNT
};

enum { ERR_PATH_MAX = 16, ERR_TEXT_MAX = 160 };

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX]; /* "" = the code's own text */
	/* Where: tags of fields (> 0) and list positions (-1 - index), outermost first. */
	int32_t path[ERR_PATH_MAX];
	size_t depth;
};

/* Sets code and text (NULL = the code's own), keeps the path. Always returns -1. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void err_clear(struct err *e);

/* The path while walking a record: steps beyond ERR_PATH_MAX are counted, not kept. */
void err_push(struct err *e, int32_t step);
void err_pop(struct err *e);

/* The symbolic code ("not-found"), HTTP status, and default text of a code.
 * An unknown number is treated as ERR_INTERNAL. */
const char *err_name(enum err_code code);
int err_status(enum err_code code);
/* Whether it is the server that failed (500 to 599; 743 to 747 are answers to the client). */
bool err_is_fault(enum err_code code);
const char *err_text(const struct err *e);

/* The standard reason phrase of an HTTP status (RFC 9110), "Unknown" otherwise. */
const char *http_reason(int status);
/* The first code of the table with that HTTP status, ERR_INTERNAL if there is none. */
enum err_code err_of_status(int status);

#endif
