/* SPDX-License-Identifier: ISC */
/*
 * One line per event on stderr, as key=value pairs (logfmt): time, level,
 * program, event, then what belongs to it. Values are quoted and escaped, so
 * that no input can forge a line. Safe in threads: a line is one write().
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/err.h"
#include "common/str.h"

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

/* `program` stands in every line; lines below `least` are left out. */
void log_init(const char *program, enum log_level least);
bool log_level_by_name(struct str name, enum log_level *ret);

/* Whether lines of that level are written at all: what they cost need not be spent otherwise. */
bool log_wanted(enum log_level level);

/* Collects one line. */
struct log_line {
	char text[2048];
	size_t n;
	enum log_level level;
};

void log_begin(struct log_line *l, enum log_level level, const char *event);
void log_str(struct log_line *l, const char *key, struct str value);
void log_num(struct log_line *l, const char *key, int64_t value);
void log_end(struct log_line *l);

/* A whole line with a text. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* As log_event() at the highest level, then exit(1). For start-up and corruption only. */
_Noreturn void log_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
