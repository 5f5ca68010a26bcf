/* SPDX-License-Identifier: ISC */
#include "tests/my_rig.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct rig my_rig;

void
my_setup(void)
{
	my_rig = (struct rig){.port = {0}};
	rig_start_fixture(&my_rig);
}

void
my_teardown(void)
{
	rig_stop(&my_rig);
}

void
my_send(const char *method, const char *user, const char *path, const char *json, int status)
{
	struct answer a = rig_ask(&my_rig,
	    &(struct ask){.method = method,
	        .path = path,
	        .user = user,
	        .type = json != NULL ? "application/json" : NULL,
	        .accept = "application/json",
	        .body = json});

	ck_assert_msg(a.status == status, "%s %s: %d %s", method, path, a.status, a.body);
	answer_free(&a);
}

const char *
my_get(const char *user, const char *path)
{
	static char text[65536];
	struct answer a = rig_get(&my_rig, user, path);

	ck_assert_msg(a.status == 200, "GET %s: %d %s", path, a.status, a.body);
	snprintf(text, sizeof(text), "%s", a.body);
	answer_free(&a);
	return text;
}

void
my_has(const char *user, const char *path, const char *part)
{
	const char *text = my_get(user, path);

	ck_assert_msg(strstr(text, part) != NULL, "no %s in %s: %s", part, path, text);
}

void
my_has_not(const char *user, const char *path, const char *part)
{
	const char *text = my_get(user, path);

	ck_assert_msg(strstr(text, part) == NULL, "%s in %s: %s", part, path, text);
}

long long
my_newest(const char *user, const char *topic, size_t *n)
{
	char path[64];
	json_t *doc, *list;
	long long id;

	snprintf(path, sizeof(path), "/my/history/%s", topic);
	doc = json_loads(my_get(user, path), 0, NULL);
	list = json_object_get(doc, "history");
	ck_assert(json_is_array(list));
	id = json_integer_value(json_object_get(json_array_get(list, 0), "id"));
	if (n != NULL)
		*n = json_array_size(list);
	json_decref(doc);
	return id;
}

void
my_undo(const char *user, const char *topic, long long id, int status)
{
	char path[96];

	snprintf(path, sizeof(path), "/my/history/%s/%lld", topic, id);
	my_send("PUT", user, path, "", status);
}

void
my_undo_newest(const char *user, const char *topic)
{
	long long id = my_newest(user, topic, NULL);

	ck_assert_int_gt(id, 0);
	my_undo(user, topic, id, 200);
}

long long
my_schedule(const char *user, const char *json, const char *name)
{
	json_t *list;
	long long id = 0;

	my_send("POST", user, "/my/callfwdsched", json, 200);
	list = json_loads(my_get(user, "/my/callfwdsched"), 0, NULL);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);

		if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
			id = json_integer_value(json_object_get(one, "scheduleId"));
	}
	json_decref(list);
	ck_assert_int_gt(id, 0);
	return id;
}
