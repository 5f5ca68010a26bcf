/* SPDX-License-Identifier: ISC */
/* The users and what else the cases in tests/conformance/cases speak of, from the files there. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void
rig_load_fixture(struct rig *r)
{
	char out[512];

	ck_assert_msg(rig_ctl(r, NULL, out, sizeof(out), "load tests/conformance/fixture.jsonl") == 0,
	    "the fixture: %s", out);
	set_passwords(r);
}

/* The backend reads the realm when it starts. */
void
rig_start_fixture(struct rig *r)
{
	rig_make(r);
	rig_backend(r);
	rig_load_fixture(r);
	ck_assert_int_eq(rig_end(&r->backend), 0);
	rig_backend(r);
	rig_gateway(r, 0);
	rig_await_ready(r, 0);
}
