/* SPDX-License-Identifier: ISC */

/*
 * The smallest server on libkore.a. The tests of the patch queue talk to it, and the benchmark
 * takes /constant as the ceiling of what Kore can do without a backend.
 *
 *   kore_constant PORT CERTIFICATE KEY WORKERS RUNDIR [setting=value ...]
 *
 * All paths are absolute. As root the workers are confined to RUNDIR and run as "nobody".
 */

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kore/kore.h>
#include <kore/hooks.h>
#include <kore/http.h>
#include <kore/seccomp.h>

#define CHUNK_CREDIT 65536u

/* Kore's main(), renamed when it became a library. */
int kore_main(int argc, char **argv);

/* Found by name, like the hooks. */
int page(struct http_request *req);

/* A request that sleeps or streams. The timer is gone once it has fired. */
struct job {
	struct kore_timer *timer;
	uint64_t done;
	uint64_t total;
	size_t size;
};

static const char constant[] =
    "{\"user\":\"1001\",\"name\":\"Constant Answer\",\"forward\":{\"always\":null,\"busy\":"
    "\"1002\",\"noanswer\":\"1003\"},\"dnd\":false,\"presence\":\"available\",\"pad\":"
    "\"xxxxxxxx\"}";
_Static_assert(sizeof(constant) - 1 == 150, "the benchmark counts on 150 bytes");

static int config_fd = -1;
static unsigned jobs_now;
static unsigned jobs_left;

static void
job_wake(void *arg, uint64_t now)
{
	struct http_request *req = arg;
	struct job *job = http_state_get(req);

	(void)now;
	job->timer = NULL;
	http_request_wakeup(req);
}

static void
job_sleep(struct http_request *req, struct job *job, uint64_t ms)
{
	job->timer = kore_timer_add(job_wake, ms, req, KORE_TIMER_ONESHOT);
	http_request_sleep(req);
}

/* Runs for each job, also when the client has left. */
static void
job_free(struct http_request *req)
{
	struct job *job = http_state_get(req);

	jobs_now--;
	if (req->owner == NULL)
		jobs_left++;
	if (job->timer != NULL)
		kore_timer_remove(job->timer);
}

static uint64_t
query_number(const struct http_request *req, const char *name, uint64_t other)
{
	const char *at;

	if (req->query_string == NULL || (at = strstr(req->query_string, name)) == NULL)
		return other;
	return strtoull(at + strlen(name), NULL, 10);
}

static struct job *
job_get(struct http_request *req)
{
	struct job *job;

	if (http_state_exists(req))
		return http_state_get(req);
	job = http_state_create(req, sizeof(*job), job_free);
	job->total = query_number(req, "n=", 10);
	job->size = (size_t)query_number(req, "size=", 100);
	if (job->size > CHUNK_CREDIT)
		job->size = CHUNK_CREDIT;
	jobs_now++;
	return job;
}

static int
page_sleep(struct http_request *req)
{
	int first = !http_state_exists(req);
	struct job *job = job_get(req);

	if (first) {
		job_sleep(req, job, job->total);
		return KORE_RESULT_RETRY;
	}
	http_response(req, 200, "slept", 5);
	return KORE_RESULT_OK;
}

/* As much as the client takes, the rest a little later. */
static int
page_chunked(struct http_request *req, int abort_midway)
{
	static char data[CHUNK_CREDIT];
	int first = !http_state_exists(req);
	struct job *job = job_get(req);

	if (first) {
		memset(data, 'c', sizeof(data));
		http_response_header(req, "content-type", "text/plain");
		if (!http_response_chunked_begin(req, 200))
			return KORE_RESULT_ERROR;
	}
	while (job->done < job->total && http_response_queued(req) < CHUNK_CREDIT) {
		if (abort_midway && job->done == job->total / 2) {
			http_response_abort(req);
			return KORE_RESULT_ERROR;
		}
		if (!http_response_chunk(req, data, job->size))
			return KORE_RESULT_ERROR;
		job->done++;
	}
	if (job->done < job->total) {
		job_sleep(req, job, 2);
		return KORE_RESULT_RETRY;
	}
	return http_response_chunked_end(req) ? KORE_RESULT_OK : KORE_RESULT_ERROR;
}

static void
json_text(struct kore_buf *buf, const char *name, const char *text)
{
	kore_buf_appendf(buf, "\"%s\":", name);
	if (text == NULL) {
		kore_buf_appendf(buf, "null,");
		return;
	}
	kore_buf_appendf(buf, "\"");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			kore_buf_appendf(buf, "\\u%04x", c);
		else
			kore_buf_appendf(buf, "%c", c);
	}
	kore_buf_appendf(buf, "\",");
}

static int
page_echo(struct http_request *req)
{
	struct http_header *header;
	struct kore_buf buf;
	const char *xa = NULL;
	unsigned headers = 0;

	TAILQ_FOREACH (header, &req->req_headers, list)
		headers++;
	(void)http_request_header(req, "x-a", &xa);
	kore_buf_init(&buf, 512);
	kore_buf_appendf(&buf, "{");
	json_text(&buf, "method", req->method_text);
	json_text(&buf, "path", req->path);
	json_text(&buf, "query", req->query_string);
	json_text(&buf, "host", req->host);
	json_text(&buf, "x-a", xa);
	kore_buf_appendf(&buf, "\"headers\":%u,\"body\":%zu,\"pid\":%d,\"jobs\":%u,\"left\":%u}",
	    headers, req->http_body_length, (int)getpid(), jobs_now, jobs_left);
	http_response_header(req, "content-type", "application/json");
	http_response(req, 200, buf.data, buf.offset);
	kore_buf_cleanup(&buf);
	return KORE_RESULT_OK;
}

/* What a worker needs to start a thread. The more general rules of Kore come after these. */
static struct sock_filter threads[] = {
    KORE_SYSCALL_DENY(clone3, ENOSYS),
    KORE_SYSCALL_ALLOW(clone),
    KORE_SYSCALL_ALLOW(rseq),
    KORE_SYSCALL_ALLOW(set_robust_list),
};

void
kore_seccomp_hook(void)
{
	(void)kore_seccomp_filter("threads", threads, KORE_FILTER_LEN(threads));
}

static void *
forbidden(void *arg)
{
	(void)syscall(SYS_ptrace, 0L, 0L, 0L, 0L);
	return arg;
}

/* The thread must not be the only one to die of it. */
static int
page_forbidden(struct http_request *req)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, forbidden, NULL) == 0)
		(void)pthread_join(thread, NULL);
	http_response(req, 200, "alive", 5);
	return KORE_RESULT_OK;
}

int
page(struct http_request *req)
{
	if (strcmp(req->path, "/constant") == 0) {
		http_response_header(req, "content-type", "application/json");
		http_response(req, 200, constant, sizeof(constant) - 1);
		return KORE_RESULT_OK;
	}
	if (strcmp(req->path, "/sleep") == 0)
		return page_sleep(req);
	if (strcmp(req->path, "/chunked") == 0)
		return page_chunked(req, 0);
	if (strcmp(req->path, "/abort") == 0)
		return page_chunked(req, 1);
	if (strcmp(req->path, "/forbidden") == 0)
		return page_forbidden(req);
	return page_echo(req);
}

static int
error_body(int status, char *buf, size_t len, const char **ctype)
{
	*ctype = "application/json";
	return snprintf(
	    buf, len, "{\"error\":\"%s\",\"type\":\"http_%d\"}", http_status_text(status), status);
}

/* Runs in the parent, after the configuration has been read and before it forks. */
void
kore_parent_configure(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)close(config_fd);
	http_error_body_set(error_body);
}

static void
config_write(FILE *out, char **argv)
{
	char **arg;
	char *eq;

	fprintf(out, "root %s\nrunas nobody\nkeymgr_root /\nkeymgr_runas root\n", argv[5]);
	fprintf(out, "pidfile %s/kore.pid\nworkers %s\nworker_set_affinity 0\n", argv[5], argv[4]);
	fputs("worker_max_connections 1024\nworker_rlimit_nofiles 2048\nhttp_request_limit 2048\n"
	      "worker_accept_threshold 1\nhttp_hsts_enable 0\nhttp_server_version constant\n"
	      "http_header_max 16384\nhttp_body_max 1048576\n",
	    out);
	for (arg = argv + 6; *arg != NULL; arg++) {
		eq = strchr(*arg, '=');
		if (eq != NULL)
			fprintf(out, "%.*s %s\n", (int)(eq - *arg), *arg, eq + 1);
	}
	fprintf(out, "server tls {\n\tbind 127.0.0.1 %s\n}\n", argv[1]);
	fprintf(out, "domain * {\n\tattach tls\n\tcertfile %s\n\tcertkey %s\n\troute .* page\n}\n",
	    argv[2], argv[3]);
}

int
main(int argc, char **argv)
{
	char path[64];
	FILE *out;

	if (argc < 6) {
		fprintf(
		    stderr, "usage: %s PORT CERTIFICATE KEY WORKERS RUNDIR [setting=value ...]\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	config_fd = memfd_create("kore.conf", MFD_CLOEXEC);
	out = config_fd == -1 ? NULL : fdopen(dup(config_fd), "w");
	if (out == NULL) {
		perror("memfd_create");
		return 1;
	}
	config_write(out, argv);
	if (fclose(out) != 0) {
		perror("configuration");
		return 1;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", config_fd);
	config_file = strdup(path);
	kore_foreground = 1;
	if (getuid() != 0)
		skip_chroot = skip_runas = 1;
	/*
	 * Kore overwrites its arguments with the process title, so it must get ours, but shall
	 * not read them: a count of one leaves it without options.
	 */
	return kore_main(1, argv);
}
