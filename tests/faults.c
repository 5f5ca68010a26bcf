/* SPDX-License-Identifier: ISC */
#include "tests/faults.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* For one of many tries; for one that has to succeed. */
enum { TRY_MS = 2500, PATIENCE_MS = 15000 };

struct faults faults;
const char *const faults_engines[2] = {"bdb", "lmdb"};

static char files[2][96];

static struct meddle *
meddle_open(int i, const char *name)
{
	struct meddle *m;
	int fd;

	snprintf(files[i], sizeof(files[i]), "%s/meddle-%s", faults.rig.dir, name);
	fd = open(files[i], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(*m)), 0);
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(m, MAP_FAILED);
	close(fd);
	return m;
}

void
faults_begin(const char *engine, const char *extra)
{
	faults.rig = (struct rig){.engine = engine, .extra = extra};
	faults.slowest = 0;
	rig_make(&faults.rig);
	faults.backend = meddle_open(0, "backend");
	faults.gateway = meddle_open(1, "gateway");
	faults.rig.meddle_backend = files[0];
	faults.rig.meddle_gateway = files[1];
	rig_backend(&faults.rig);
	rig_load(
	    &faults.rig, "{\"type\":\"settings\",\"record\":{\"sipDomains\":[\"pbx.example.net\"]}}\n");
	histories_begin(&faults.rig);
	ck_assert_int_eq(
	    rig_ctl(&faults.rig, "secret99\n", NULL, 0, "user add 710 --password-stdin"), 0);
	rig_gateway(&faults.rig, 0);
	rig_await_ready(&faults.rig, 0);
}

void
faults_end(void)
{
	histories_end();
	munmap(faults.backend, sizeof(*faults.backend));
	munmap(faults.gateway, sizeof(*faults.gateway));
	rig_stop(&faults.rig);
}

static int
ask_within(int timeout_ms, const char *method, const char *path, const char *bearer,
    const char *body, char *ret, size_t n)
{
	struct answer a = rig_ask(&faults.rig,
	    &(struct ask){.method = method,
	        .path = path,
	        .user = bearer == NULL ? FAULTS_USER : NULL,
	        .bearer = bearer,
	        .accept = "application/json",
	        .type = body != NULL ? "application/json" : NULL,
	        .body = body,
	        .timeout_ms = timeout_ms,
	        .fresh = true});
	int status = a.status;

	if (ret != NULL)
		snprintf(ret, n, "%s", a.body);
	answer_free(&a);
	return status;
}

int
faults_ask(
    const char *method, const char *path, const char *bearer, const char *body, char *ret, size_t n)
{
	return ask_within(PATIENCE_MS, method, path, bearer, body, ret, n);
}

int
faults_try(const char *method, const char *body)
{
	return ask_within(TRY_MS, method, "/my/callfwd", NULL, body, NULL, 0);
}

void
faults_await(const char *after)
{
	static int number;
	long long from = ms_now(), took;
	int put = 0, get = 0;
	char json[64];

	snprintf(json, sizeof(json), "{\"rings\":[{\"number\":\"555%06d\"}]}", ++number);
	for (;;) {
		put = faults_try("PUT", json);
		get = faults_try("GET", NULL);
		took = ms_now() - from;
		if (put == 200 && get == 200)
			break;
		ck_assert_msg(took < FAULTS_BACK_MS, "%s: %d and %d after %lld ms", after, put, get, took);
		usleep(50000);
	}
	ck_assert_msg(took < FAULTS_BACK_MS, "%s: back after %lld ms", after, took);
	if (took > faults.slowest)
		faults.slowest = took;
}

void
faults_show(const char *what, const struct sums *s)
{
	printf("%s, %s: %ld writes, %ld entries, %ld reads, %ld without an answer, %ld refused; back "
	       "after %lld ms at most\n",
	    faults.rig.engine, what, s->writes, s->entries, s->reads, s->unsure, s->refused,
	    faults.slowest);
	fflush(stdout);
}

void
faults_restart(void)
{
	rig_kill(&faults.rig.backend);
	rig_backend(&faults.rig);
	rig_await_ready(&faults.rig, 0);
}
