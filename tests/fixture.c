/* SPDX-License-Identifier: ISC */
/* The users, groups and schedules that the cases in tests/conformance/cases speak of. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig.h"

enum { TEXT_MAX = 16384 };

/* What a user's line says behind the name. */
static const struct {
	const char *name, *password, *members;
} users[] = {
    {"4410", "secret99", "\"firstName\":\"Ana\",\"lastName\":\"Pop\",\"aliases\":[\"ana.pop\"]"},
    {"4420", "secret20",
        "\"firstName\":\"Bob\",\"branch\":\"Harbour\","
        "\"permissions\":[{\"name\":\"voicemail\",\"enabled\":false}]"},
    {"501", "secret501",
        "\"firstName\":\"Ada\",\"lastName\":\"Quill\",\"groups\":[\"sales\"],"
        "\"imId\":\"ada\",\"imEnabled\":true"},
    {"502", "secret502",
        "\"firstName\":\"Bo\",\"lastName\":\"Tern\",\"groups\":[\"staff\"],"
        "\"imId\":\"bo\""},
    {"503", "secret503",
        "\"firstName\":\"Cy\",\"lastName\":\"O'Neil & Sons\","
        "\"groups\":[\"staff\"]"},
    {"201", "password", "\"firstName\":\"Two\""}, /* whom the design document asks as */
    {"admin", "secretadmin", "\"permissions\":[{\"name\":\"superadmin\",\"enabled\":true}]"},
    {"4499", "secret4499", "\"firstName\":\"Gone\",\"enabled\":false"},
};

static const char before_users[] =
    "{\"type\":\"settings\",\"record\":{\"realm\":\"ex.example\",\"fqdn\":\"pbx.ex.example\"}}\n"
    "{\"type\":\"group\",\"record\":{\"name\":\"sales\",\"weight\":1}}\n"
    "{\"type\":\"group\",\"record\":{\"name\":\"staff\",\"weight\":2}}\n"
    "{\"type\":\"branch\",\"record\":{\"name\":\"Harbour\","
    "\"address\":{\"street\":\"2 Quay\",\"city\":\"Galway\",\"country\":\"IE\"}}}\n";

#define NINE_TO(end) \
	"[{\"scheduledDay\":-1,\"start\":{\"hrs\":9,\"min\":0},\"end\":{\"hrs\":18,\"min\":" end "}}]"

static const char behind_users[] =
    "{\"type\":\"schedule\",\"user\":\"4410\",\"item\":7,\"record\":{\"name\":\"Office\","
    "\"description\":\"weekdays\",\"periods\":" NINE_TO(
        "30") "}}\n"
              "{\"type\":\"schedule\",\"user\":\"4420\",\"item\":8,\"record\":{\"name\":\"Mine\","
              "\"periods\":" NINE_TO(
                  "0") "}}\n"
                       "{\"type\":\"schedule\",\"group\":\"sales\",\"item\":9,\"record\":{\"name\":"
                       "\"Alpha\","
                       "\"periods\":" NINE_TO(
                           "0") "}}\n"
                                "{\"type\":\"callfwd\",\"user\":\"4420\",\"record\":{\"rings\":[{"
                                "\"expiration\":30,"
                                "\"type\":\"If no "
                                "response\",\"enabled\":true,\"number\":\"5550100\"}],"
                                "\"expiration\":25}}\n"
                                "{\"type\":\"contact\",\"user\":\"501\",\"record\":{"
                                "\"emailAddress\":\"ada@ex.example\"}}\n"
                                "{\"type\":\"contact\",\"user\":\"502\",\"record\":{\"jobTitle\":"
                                "\"Buyer\","
                                "\"timestamp\":1700000000000}}\n"
                                "{\"type\":\"contact\",\"user\":\"503\",\"record\":{"
                                "\"officeAddress\":{\"zip\":\"01234\"},"
                                "\"timestamp\":1700000000000}}\n";

static void __attribute__((format(printf, 2, 3))) add(char *text, const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	ck_assert_int_lt(vsnprintf(text + n, TEXT_MAX - n, fmt, ap), (int)(TEXT_MAX - n));
	va_end(ap);
}

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

void
rig_load_fixture(struct rig *r)
{
	char *text = calloc(1, TEXT_MAX);

	ck_assert_ptr_nonnull(text);
	add(text, "%s", before_users);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		add(text, "{\"type\":\"user\",\"record\":{\"userName\":\"%s\",%s}}\n", users[i].name,
		    users[i].members);
	add(text, "%s", behind_users);
	rig_load(r, text);
	free(text);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		set_password(r, users[i].name, users[i].password);
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
