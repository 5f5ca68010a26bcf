/* SPDX-License-Identifier: ISC */
#include "tests/crowd.h"

#include <check.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { GIVE_UP_MS = 15000, SETTLE_MS = 30000, PAUSE_MS = 50 };

static size_t
swallow(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static struct curl_slist *
fields(const struct crowd *c, int i)
{
	char key[96];

	snprintf(key, sizeof(key), "Idempotency-Key: crowd-%s-%d", c->user, c->entry[i]);
	return curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), key);
}

static void
add(struct crowd *c, int i, const char *path)
{
	char url[256];

	curl_easy_reset(c->easy[i]);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d%s", c->rig->port[0], path);
	curl_easy_setopt(c->easy[i], CURLOPT_URL, url);
	curl_easy_setopt(c->easy[i], CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(c->easy[i], CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(c->easy[i], CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c->easy[i], CURLOPT_TIMEOUT_MS, (long)GIVE_UP_MS);
	curl_easy_setopt(c->easy[i], CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(c->easy[i], CURLOPT_USERPWD, c->user);
	ck_assert_int_eq(curl_multi_add_handle(c->multi, c->easy[i]), CURLM_OK);
}

/* What is not acknowledged, and `more`: a new entry for all the others. */
static void
send_all(struct crowd *c, bool more)
{
	char json[160];
	int running;

	c->full = 0;
	for (int i = 0; i < c->size; i++) {
		struct curl_slist *list;

		if (c->acked[i] && !more)
			continue;
		if (c->acked[i])
			c->entry[i] = c->entries++;
		c->acked[i] = false;
		snprintf(json, sizeof(json),
		    "{\"entry\":{\"first-name\":\"C%05dx\",\"last-name\":\"L\",\"number\":\"8%05d\"}}",
		    c->entry[i], c->entry[i]);
		add(c, i, "/sipxconfig/rest/my/phonebook/entry/0");
		curl_easy_setopt(c->easy[i], CURLOPT_COPYPOSTFIELDS, json);
		list = fields(c, i);
		curl_easy_setopt(c->easy[i], CURLOPT_HTTPHEADER, list);
		curl_easy_setopt(c->easy[i], CURLOPT_PRIVATE, list);
	}
	curl_multi_perform(c->multi, &running);
}

void
crowd_send(struct crowd *c)
{
	send_all(c, true);
}

static void
count(struct crowd *c, CURL *easy, CURLcode code, struct crowd_seen *seen)
{
	long status = 0;
	double took = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &took);
	if (code != CURLE_OK)
		status = 0;
	seen->ok += status == 200;
	seen->full += status == 503;
	c->full += status == 503;
	seen->late += status == 504;
	seen->silent += status == 0;
	seen->other += status != 200 && status != 503 && status != 504 && status != 0;
	if (status == 503 && took > seen->slowest_full)
		seen->slowest_full = took;
	if (took > seen->slowest)
		seen->slowest = took;
	for (int i = 0; i < c->size; i++)
		if (c->easy[i] == easy)
			c->acked[i] = status == 200;
}

struct crowd_seen
crowd_await(struct crowd *c, void (*look)(void))
{
	struct crowd_seen seen = {0};
	int running = 1, left;
	CURLMsg *m;

	while (running > 0) {
		curl_multi_perform(c->multi, &running);
		while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
			CURL *easy = m->easy_handle;
			struct curl_slist *list = NULL;

			if (m->msg != CURLMSG_DONE)
				continue;
			count(c, easy, m->data.result, &seen);
			curl_easy_getinfo(easy, CURLINFO_PRIVATE, &list);
			curl_multi_remove_handle(c->multi, easy);
			curl_slist_free_all(list);
		}
		if (look != NULL)
			look();
		if (running > 0)
			curl_multi_poll(c->multi, NULL, 0, PAUSE_MS, NULL);
	}
	return seen;
}

int
crowd_settle(struct crowd *c)
{
	int times = 0, missing = c->size;

	for (long long until = ms_now() + SETTLE_MS; missing > 0; times++) {
		struct crowd_seen seen;

		ck_assert_msg(ms_now() < until, "%d are not acknowledged", missing);
		send_all(c, false);
		seen = crowd_await(c, NULL);
		missing = seen.full + seen.late + seen.other + seen.silent;
		if (missing > 0)
			usleep(PAUSE_MS * 1000);
	}
	return times;
}

void
crowd_open(struct crowd *c, struct rig *r, const char *user, int size)
{
	struct crowd_seen seen;

	*c = (struct crowd){.rig = r, .user = user, .size = size};
	ck_assert_int_le(size, CROWD_MAX);
	ck_assert_ptr_nonnull(c->multi = curl_multi_init());
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)size);
	for (int i = 0; i < size; i++) {
		ck_assert_ptr_nonnull(c->easy[i] = curl_easy_init());
		add(c, i, "/livez");
	}
	seen = crowd_await(c, NULL);
	ck_assert_msg(seen.ok == size, "%d of %d could connect", seen.ok, size);
}

void
crowd_close(struct crowd *c)
{
	for (int i = 0; i < c->size; i++)
		curl_easy_cleanup(c->easy[i]);
	curl_multi_cleanup(c->multi);
}

void
crowd_check(const struct crowd *c)
{
	struct answer a = rig_ask(c->rig,
	    &(struct ask){.path = "/my/phonebook/entry",
	        .user = c->user,
	        .accept = "application/json",
	        .fresh = true});

	ck_assert_int_eq(a.status, 200);
	for (int i = 0; i < c->entries; i++) {
		char name[32];
		size_t n;

		snprintf(name, sizeof(name), "\"C%05dx\"", i);
		n = occurrences_of(name, a.body);
		ck_assert_msg(n == 1, "entry %d is there %zu times", i, n);
	}
	ck_assert_uint_eq(occurrences_of("x\"", a.body), (size_t)c->entries);
	answer_free(&a);
}
