/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_H
#define GATEWAY_HTTP_H

#include <stddef.h>

struct http_request;

/* In the worker, before the first request. */
void http_start(void);

/* Kore's handler of every path; found by name. */
int gateway_page(struct http_request *h);

/* Writes the body of an answer that Kore gives on its own; its length, 0 for none. */
int gateway_error_body(int status, char *text, size_t size, const char **type);

#endif
