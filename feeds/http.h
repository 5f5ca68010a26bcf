/* SPDX-License-Identifier: ISC */
/*
 * Requests to a switch's HTTP interface, by libcurl's multi interface in the feed's loop. Only
 * http:// and only numeric addresses, since resolving a name would block. One request at a time.
 */
#ifndef FEEDS_HTTP_H
#define FEEDS_HTTP_H

#include "feeds/feed.h"

struct http;

/* What became of a request: the status and the body, which may be changed and is valid during the
 * call; status 0 and why = it failed. Another request may be begun in it. */
typedef void http_done_fn(void *arg, int status, char *body, size_t n, const char *why);

/* `max` bytes of a body are taken. 0 or -1. */
int http_new(struct http **ret, struct feed *f, size_t max, struct err *e);
void http_free(struct http *h);
bool http_busy(const struct http *h);
/* Begins a request; `body` (NULL = a GET) is copied and is JSON. 0, -1 when one is under way. */
int http_ask(struct http *h, const char *url, const char *body, int64_t timeout_ms,
    http_done_fn *done, void *arg);

#endif
