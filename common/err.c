/* SPDX-License-Identifier: ISC */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"

static const struct {
	const char *name;
	int status;
	const char *text;
} codes[] = {
#define E(name, code, status, text) {code, status, text},
#include "common/err.def"
#undef E
};

static const struct {
	int status;
	const char *phrase;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {743, "Bad Credentials"},
    {744, "Service Error"},
    {745, "Transport Error"},
    {747, "Duplicate Entry"},
};

static enum err_code
known(enum err_code code)
{
	return (unsigned)code < ERR_COUNT ? code : ERR_INTERNAL;
}

/* A phrase may quote what a client sent, and goes into its answer: what was cut off in the middle
 * of a character is taken away whole. */
static void
end_at_character(char *text)
{
	size_t n = strlen(text), i = n;

	while (i > 0 && ((unsigned char)text[i - 1] & 0xc0) == 0x80)
		i--;
	if (i > 0 && !str_is_utf8((struct str){text + i - 1, n - i + 1}))
		text[i - 1] = '\0';
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	e->code = code;
	e->text[0] = '\0';
	if (fmt != NULL) {
		va_list ap;

		va_start(ap, fmt);
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
		end_at_character(e->text);
	}
	return -1;
}

void
err_clear(struct err *e)
{
	e->code = ERR_OK;
	e->text[0] = '\0';
	e->depth = 0;
}

void
err_push(struct err *e, int32_t step)
{
	if (e->depth < ERR_PATH_MAX)
		e->path[e->depth] = step;
	e->depth++;
}

void
err_pop(struct err *e)
{
	e->depth--;
}

const char *
err_name(enum err_code code)
{
	return codes[known(code)].name;
}

int
err_status(enum err_code code)
{
	return codes[known(code)].status;
}

bool
err_is_fault(enum err_code code)
{
	int status = err_status(code);

	return status >= 500 && status < 600;
}

const char *
err_text(const struct err *e)
{
	return e->text[0] != '\0' ? e->text : codes[known(e->code)].text;
}

const char *
http_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].phrase;
	return "Unknown";
}

enum err_code
err_of_status(int status)
{
	for (size_t i = 0; i < ERR_COUNT; i++)
		if (codes[i].status == status)
			return (enum err_code)i;
	return ERR_INTERNAL;
}
