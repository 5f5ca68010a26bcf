/* SPDX-License-Identifier: ISC */
/*
 * Open-loop load: requests leave at their appointed times whether or not earlier ones have been
 * answered, and the time of each counts from its appointment, so that a stall is seen in full.
 *   bench_open RATE SECONDS CONNECTIONS TOKEN URL…
 * RATE requests a second in turn over the URLs; RATE 0 = as many as CONNECTIONS can (closed loop).
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONNECTIONS_MAX = 512 };

struct slot {
	CURL *c;
	double due; /* appointment of the request under way, seconds */
	bool busy;
};

static struct slot slots[CONNECTIONS_MAX];
static double *times;
static size_t ntimes, size_times, failed, bytes;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t
swallow(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	bytes += size * n;
	return size * n;
}

static void
keep(double seconds)
{
	if (ntimes == size_times) {
		size_times = size_times == 0 ? 65536 : size_times * 2;
		times = realloc(times, size_times * sizeof(*times));
		if (times == NULL)
			exit(1);
	}
	times[ntimes++] = seconds;
}

static void
begin(CURLM *m, struct slot *s, const char *url, double due)
{
	curl_easy_setopt(s->c, CURLOPT_URL, url);
	s->due = due;
	s->busy = true;
	curl_multi_add_handle(m, s->c);
}

/* How many were answered. */
static size_t
collect(CURLM *m)
{
	CURLMsg *msg;
	size_t n = 0;
	int left;

	while ((msg = curl_multi_info_read(m, &left)) != NULL) {
		struct slot *s;
		long status = 0;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&s);
		curl_easy_getinfo(msg->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		failed += msg->data.result != CURLE_OK || status != 200;
		keep(now() - s->due);
		curl_multi_remove_handle(m, s->c);
		s->busy = false;
		n++;
	}
	return n;
}

static struct slot *
free_slot(int n)
{
	for (int i = 0; i < n; i++)
		if (!slots[i].busy)
			return &slots[i];
	return NULL;
}

static void
run(CURLM *m, double rate, double seconds, int connections, char **urls, int nurls)
{
	double start = now(), end = start + seconds;
	size_t sent = 0, answered = 0;
	struct slot *s;
	int running;

	while (now() < end || answered < sent) {
		double t = now(), due = rate > 0 ? start + (double)sent / rate : t;

		while (t < end && due <= t && (s = free_slot(connections)) != NULL) {
			begin(m, s, urls[sent % (size_t)nurls], due);
			sent++;
			due = rate > 0 ? start + (double)sent / rate : t;
		}
		curl_multi_perform(m, &running);
		answered += collect(m);
		if (now() > end + 10)
			break;
		/* Spinning would take the servers' processor; a millisecond late is seen by all alike. */
		curl_multi_poll(m, NULL, 0, 1, NULL);
	}
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	double rate = argc > 5 ? atof(argv[1]) : 0, seconds = argc > 5 ? atof(argv[2]) : 0;
	int connections = argc > 5 ? atoi(argv[3]) : 0;
	struct curl_slist *fields;
	char header[8192];
	CURLM *m;

	if (connections < 1 || connections > CONNECTIONS_MAX || seconds <= 0) {
		fprintf(stderr, "usage: bench_open RATE SECONDS CONNECTIONS TOKEN URL...\n");
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	m = curl_multi_init();
	curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)connections);
	snprintf(header, sizeof(header), "Authorization: Bearer %s", argv[4]);
	fields = curl_slist_append(NULL, header);
	fields = curl_slist_append(fields, "Accept: application/json");
	for (int i = 0; i < connections; i++) {
		slots[i].c = curl_easy_init();
		curl_easy_setopt(slots[i].c, CURLOPT_PRIVATE, (char *)&slots[i]);
		curl_easy_setopt(slots[i].c, CURLOPT_HTTPHEADER, fields);
		curl_easy_setopt(slots[i].c, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(slots[i].c, CURLOPT_SSL_VERIFYHOST, 0L);
		curl_easy_setopt(slots[i].c, CURLOPT_WRITEFUNCTION, swallow);
		curl_easy_setopt(slots[i].c, CURLOPT_NOSIGNAL, 1L);
	}
	run(m, rate, seconds, connections, argv + 5, argc - 5);
	if (ntimes == 0)
		return 1;
	qsort(times, ntimes, sizeof(*times), by_value);
	printf("%.0f %.3f %.3f %.3f %zu %zu\n", (double)ntimes / seconds, times[ntimes / 2] * 1e3,
	    times[(size_t)((double)ntimes * 0.99)] * 1e3, times[ntimes - 1] * 1e3, failed,
	    bytes / ntimes);
	curl_slist_free_all(fields);
	return 0;
}
