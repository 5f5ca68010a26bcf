/* SPDX-License-Identifier: ISC */
#include "feeds/http.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

enum { CONNECT_MS = 1000, SOCKETS = 8 };

/* libcurl has one for the connection, and may have another while it makes a new one. */
struct http_socket {
	struct http *http;
	int fd; /* -1 = free */
};

struct http {
	struct feed *feed;
	struct http_socket sockets[SOCKETS];
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	bool busy;
	http_done_fn *done;
	void *arg;
};

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http *h = arg;

	buf_add(&h->body, p, size * n);
	return h->body.failed ? 0 : size * n;
}

static void
finish(struct http *h, CURLcode rc)
{
	http_done_fn *done = h->done;
	long status = 0;

	curl_multi_remove_handle(h->multi, h->easy);
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	h->busy = false;
	if (rc == CURLE_OK)
		buf_addc(&h->body, '\0');
	if (rc == CURLE_OK && !h->body.failed) {
		/* It may be asked again meanwhile, into a buffer of its own. */
		struct buf body = h->body;

		buf_init(&h->body, body.cap);
		done(h->arg, (int)status, body.p, body.n - 1, NULL);
		buf_free(&body);
	} else {
		done(
		    h->arg, 0, NULL, 0, rc == CURLE_OK ? "the answer is too long" : curl_easy_strerror(rc));
	}
}

static void
look(struct http *h)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL)
		if (msg->msg == CURLMSG_DONE)
			finish(h, msg->data.result);
}

static void
on_ready(void *arg, short revents)
{
	struct http_socket *k = arg;
	struct http *h = k->http;
	int running, what = 0;

	what |= (revents & POLLIN) != 0 ? CURL_CSELECT_IN : 0;
	what |= (revents & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
	what |= (revents & (POLLERR | POLLHUP)) != 0 ? CURL_CSELECT_ERR : 0;
	curl_multi_socket_action(h->multi, k->fd, what, &running);
	look(h);
}

static void
on_timer(void *arg)
{
	struct http *h = arg;
	int running;

	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	look(h);
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	feed_timer(h->feed, ms, on_timer, h);
	return 0;
}

static struct http_socket *
socket_of(struct http *h, int fd)
{
	for (size_t i = 0; i < SOCKETS; i++)
		if (h->sockets[i].fd == fd)
			return &h->sockets[i];
	return NULL;
}

static int
set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *more)
{
	struct http *h = arg;
	struct http_socket *k = socket_of(h, fd);
	short events = 0;

	(void)easy, (void)more;
	if (what == CURL_POLL_REMOVE) {
		feed_unwatch(h->feed, fd);
		if (k != NULL)
			k->fd = -1;
		return 0;
	}
	if (k == NULL && (k = socket_of(h, -1)) == NULL)
		return -1;
	k->fd = fd;
	events |= what == CURL_POLL_IN || what == CURL_POLL_INOUT ? POLLIN : 0;
	events |= what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? POLLOUT : 0;
	return feed_watch(h->feed, fd, events, on_ready, k);
}

int
http_new(struct http **ret, struct feed *f, size_t max, struct err *e)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL || curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) {
		free(h);
		return err_set(e, ERR_INTERNAL, "libcurl cannot be initialised");
	}
	h->feed = f;
	for (size_t i = 0; i < SOCKETS; i++)
		h->sockets[i] = (struct http_socket){h, -1};
	h->multi = curl_multi_init();
	h->easy = curl_easy_init();
	h->headers = curl_slist_append(NULL, "Content-Type: application/json");
	/* Kamailio knows no "Expect: 100-continue". */
	h->headers = curl_slist_append(h->headers, "Expect:");
	buf_init(&h->body, max);
	if (h->multi == NULL || h->easy == NULL || h->headers == NULL) {
		http_free(h);
		return err_set(e, ERR_INTERNAL, "libcurl: no memory");
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	*ret = h;
	return 0;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	if (h->busy)
		curl_multi_remove_handle(h->multi, h->easy);
	feed_timer(h->feed, -1, on_timer, h);
	if (h->easy != NULL)
		curl_easy_cleanup(h->easy);
	if (h->multi != NULL)
		curl_multi_cleanup(h->multi);
	curl_slist_free_all(h->headers);
	buf_free(&h->body);
	free(h);
	curl_global_cleanup();
}

bool
http_busy(const struct http *h)
{
	return h->busy;
}

int
http_ask(struct http *h, const char *url, const char *body, int64_t timeout_ms, http_done_fn *done,
    void *arg)
{
	CURL *c = h->easy;

	if (h->busy)
		return -1;
	/* The connection stays with the multi handle. */
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	if (body != NULL) {
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, h->headers);
		curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, body);
	}
	buf_reset(&h->body);
	h->done = done;
	h->arg = arg;
	if (curl_multi_add_handle(h->multi, c) != CURLM_OK)
		return -1;
	h->busy = true;
	return 0;
}
