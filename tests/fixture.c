/* SPDX-License-Identifier: ISC */
/* The users and what else the cases in tests/conformance/cases speak of, from the files there. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/rig.h"

/* A hash is made with the auth child's pepper, so that no load file can bring its own. */
static void
set_password(struct rig *r, const char *name, const char *password)
{
	char out[512], line[128];

	snprintf(line, sizeof(line), "%s\n", password);
	ck_assert_msg(rig_ctl(r, line, out, sizeof(out),
	                  "user password %s --password-stdin --allow-weak", name) == 0,
	    "user password %s: %s", name, out);
}

static void
set_passwords(struct rig *r)
{
	FILE *f = fopen("tests/conformance/passwords", "r");
	char name[64], password[64];

	ck_assert_ptr_nonnull(f);
	while (fscanf(f, "%63s %63s", name, password) == 2)
		set_password(r, name, password);
	fclose(f);
}

static void
load_fixture(struct rig *r)
{
	char out[512];

	ck_assert_msg(rig_ctl(r, NULL, out, sizeof(out), "load tests/conformance/fixture.jsonl") == 0,
	    "the fixture: %s", out);
	set_passwords(r);
}

static void __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_msg(system(cmd) == 0, "failed: %s", cmd);
}

static unsigned long
add_file(unsigned long sum, const char *dir, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_msg(stat(path, &st) == 0, "%s is missing", path);
	sum = sum * 33 + (unsigned long)st.st_mtim.tv_sec;
	sum = sum * 33 + (unsigned long)st.st_mtim.tv_nsec;
	return sum * 33 + (unsigned long)st.st_size;
}

/* Names the build and the files that a loaded store comes from. */
static unsigned long
made_from(const char *build)
{
	unsigned long sum = add_file(add_file(5381, build, "tandem-backend"), build, "tandemctl");

	return add_file(
	    add_file(sum, "tests/conformance", "fixture.jsonl"), "tests/conformance", "passwords");
}

/* Loading takes seconds, most of it for password hashes: it is done once for a build and engine,
 * each test starts from a copy of the closed store and its keys. */
static void
make_store(const char *build, const char *store, const char *engine)
{
	struct rig r = {.engine = engine};
	char mine[600];

	rig_make(&r);
	rig_backend(&r);
	load_fixture(&r);
	ck_assert_int_eq(rig_end(&r.backend), 0);
	snprintf(mine, sizeof(mine), "%s.%d", store, (int)getpid());
	/* Those of earlier builds. What another program moves meanwhile find misses, and says so. */
	shell("find %s/tests -maxdepth 1 -name 'fixture-*' ! -name 'fixture-*-%lx*' -mmin +60 "
	      "-exec rm -rf {} + 2>/dev/null || true",
	    build, made_from(build));
	shell("mkdir %s && cp -a %s/state %s/auth %s", mine, r.dir, r.dir, mine);
	/* Another program may have been quicker; either's will do. */
	if (rename(mine, store) != 0)
		shell("rm -rf %s", mine);
	rig_stop(&r);
}

void
rig_start_fixture(struct rig *r)
{
	const char *dir = getenv("TANDEM_BUILD"), *build = dir != NULL ? dir : "build";
	char store[560];

	snprintf(
	    store, sizeof(store), "%s/tests/fixture-%.16s-%lx", build, rig_engine(r), made_from(build));
	if (access(store, F_OK) != 0)
		make_store(build, store, r->engine);
	rig_make(r);
	shell("cp -a --sparse=always %s/state %s/auth %s", store, store, r->dir);
	rig_backend(r);
	rig_gateway(r, 0);
	rig_await_ready(r, 0);
}
