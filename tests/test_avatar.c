/* SPDX-License-Identifier: ISC */
/* Pictures of users through real processes: what is stored, what goes with the user, and what
 * happens when the image process, or a gateway, is not what it should be. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/png.h"
#include "common/res.h"
#include "ipc/server.h"
#include "tests/freeze.h"
#include "tests/hostile.h"

#define FORM "multipart/form-data; boundary=xx"
#define FIELD "--xx\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"

static struct rig r;

static void
setup(void)
{
	r = (struct rig){.extra = NULL};
	rig_start_fixture(&r);
}

static void
teardown(void)
{
	rig_stop(&r);
}

static struct str
file(const char *name)
{
	static char bytes[65536];
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/conformance/files/%s", name);
	f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	return (struct str){bytes, n};
}

static int
upload(const char *user, const char *path, struct str picture)
{
	struct buf b;
	struct answer a;
	int status;

	buf_init(&b, 4 << 20);
	buf_adds(&b, FIELD);
	buf_addstr(&b, picture);
	buf_adds(&b, "\r\n--xx--\r\n");
	a = rig_ask(&r,
	    &(struct ask){.method = "POST",
	        .path = path,
	        .user = user,
	        .type = FORM,
	        .body = b.p,
	        .body_n = b.n});
	status = a.status;
	answer_free(&a);
	buf_free(&b);
	return status;
}

static bool
shows(const char *path, struct str picture)
{
	struct answer a = rig_ask(&r, &(struct ask){.path = path});
	bool same =
	    a.status == 200 && a.body_n == picture.n && memcmp(a.body, picture.p, picture.n) == 0;

	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(a.type, "image/png");
	ck_assert_ptr_null(check_picture((struct str){a.body, a.body_n}));
	answer_free(&a);
	return same;
}

static pid_t
image_process(void)
{
	pid_t all[8], found = 0;
	size_t n = children_of(r.backend, all, 8);

	for (size_t i = 0; i < n; i++) {
		char path[64], name[64] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)all[i]);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fscanf(f, "%63s", name) == 1 && strcmp(name, "tandem-image") == 0)
			found = all[i];
		fclose(f);
	}
	ck_assert_int_gt(found, 0);
	return found;
}

/* Whether a process has a library of that name in its memory. */
static bool
maps(pid_t pid, const char *library)
{
	char command[128];

	snprintf(command, sizeof(command), "grep -q '%s' /proc/%d/maps", library, (int)pid);
	return system(command) == 0;
}

START_TEST(only_the_image_process_has_the_decoders)
{
	pid_t image = image_process(), all[8];
	size_t n = children_of(r.backend, all, 8);

	if (geteuid() != 0) {
		printf("SKIP which process has the decoders: its memory is root's to look at\n");
		return;
	}
	ck_assert(maps(image, "libgd\\.") && maps(image, "libpng"));
	ck_assert(!maps(r.backend, "libgd\\.") && !maps(r.backend, "libpng"));
	for (size_t i = 0; i < n; i++)
		ck_assert(all[i] == image || !maps(all[i], "libgd\\."));
}
END_TEST

START_TEST(its_death_stops_uploads_alone)
{
	struct answer a;

	ck_assert_int_eq(upload("501:secret501", "/avatar/501", file("300x200.jpg")), 200);
	ck_assert_int_eq(kill(image_process(), SIGKILL), 0);
	/* The first may still be on its way to it. */
	ck_assert_int_eq(upload("501:secret501", "/avatar/501", file("300x200.jpg")), 503);
	ck_assert_int_eq(upload("501:secret501", "/avatar/501", file("300x200.jpg")), 503);
	ck_assert_int_eq(upload("501:secret501", "/avatar/502", file("300x200.jpg")), 403);
	ck_assert(!shows("/avatar/501", file("default.png")));
	a = rig_put(&r, "501:secret501", "/my/callfwd", "{\"expiration\":30}");
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	ck_assert_int_eq(waitpid(r.backend, NULL, WNOHANG), 0);
	/* A new start has a new one. */
	ck_assert_int_eq(rig_end(&r.backend), 0);
	rig_backend(&r);
	rig_await_ready(&r, 0);
	ck_assert_int_eq(upload("501:secret501", "/avatar/501", file("300x200.gif")), 200);
}
END_TEST

START_TEST(pictures_go_with_their_user)
{
	ck_assert_int_eq(upload("501:secret501", "/avatar/501", file("300x200.jpg")), 200);
	ck_assert(!shows("/avatar/501", file("default.png")));
	ck_assert(!shows("/avatar/ada", file("default.png")));
	ck_assert_int_eq(rig_ctl(&r, NULL, NULL, 0, "user remove 501 --yes"), 0);
	ck_assert(shows("/avatar/501", file("default.png")));
	ck_assert_int_eq(rig_ctl(&r, "secret501\n", NULL, 0, "user add 501 --password-stdin"), 0);
	ck_assert(shows("/avatar/501", file("default.png")));
}
END_TEST

START_TEST(a_dump_has_them)
{
	static char out[1 << 20], line[1 << 18];
	struct answer before;
	const char *at, *end;

	ck_assert_int_eq(upload("501:secret501", "/avatar/501", file("300x200.jpg")), 200);
	before = rig_ask(&r, &(struct ask){.path = "/avatar/501"});
	ck_assert_int_eq(rig_ctl(&r, NULL, out, sizeof(out), "dump"), 0);
	at = strstr(out, "{\"type\":\"avatar\"");
	ck_assert_ptr_nonnull(at);
	end = strchr(at, '\n');
	ck_assert_ptr_nonnull(end);
	snprintf(line, sizeof(line), "%.*s\n", (int)(end - at), at);
	ck_assert_msg(strstr(line, "\"user\":\"501\"") != NULL, "%.100s", line);
	ck_assert_int_eq(rig_ctl(&r, NULL, NULL, 0, "user remove 501 --yes"), 0);
	ck_assert_int_eq(rig_ctl(&r, "secret501\n", NULL, 0, "user add 501 --password-stdin"), 0);
	ck_assert(shows("/avatar/501", file("default.png")));
	rig_load(&r, line);
	ck_assert(shows("/avatar/501", (struct str){before.body, before.body_n}));
	answer_free(&before);
}
END_TEST

/* What an operator loads is shown to everybody: it must be what it says. */
START_TEST(only_pictures_are_loaded)
{
	static const char *const rows[] = {
	    "{\"type\":\"avatar\",\"user\":\"501\",\"record\":{\"png\":\"3c7363726970743e\"}}",
	    "{\"type\":\"avatar\",\"user\":\"501\",\"record\":{\"png\":\"\"}}",
	    "{\"type\":\"avatar\",\"user\":\"501\",\"record\":{\"png\":\"zz\"}}",
	    "{\"type\":\"avatar\",\"user\":\"501\",\"record\":{\"png\":\"8\"}}",
	    "{\"type\":\"avatar\",\"user\":\"501\",\"record\":{\"png\":77}}",
	    "{\"type\":\"avatar\",\"user\":\"501\",\"record\":{}}",
	};
	char out[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_ne(rig_ctl(&r, rows[i], out, sizeof(out), "load -"), 0);
		ck_assert_msg(strstr(out, "png") != NULL, "row %zu: %s", i, out);
	}
	ck_assert(shows("/avatar/501", file("default.png")));
}
END_TEST

START_TEST(uploads_are_limited)
{
	enum { MIB = 1024 * 1024, AROUND = sizeof(FIELD) - 1 + 10 };
	char *big = calloc(1, MIB + 1);

	ck_assert_int_eq(upload("501:secret501", "/avatar/501", (struct str){big, MIB - AROUND}), 400);
	ck_assert_int_eq(
	    upload("501:secret501", "/avatar/501", (struct str){big, MIB - AROUND + 1}), 413);
	ck_assert_int_eq(upload("501:secret501", "/avatar/501", (struct str){big, MIB + 1}), 413);
	free(big);
}
END_TEST

static void
post(struct request *q, const char *user, const char *key, struct str body)
{
	memset(q, 0, sizeof(*q));
	REC_SET(q, request, res, RES_AVATAR);
	REC_SET(q, request, method, M_POST);
	if (key != NULL)
		REC_SET(q, request, key, str_c(key));
	if (body.p != NULL)
		REC_SET(q, request, body, body);
	if (user == NULL)
		return;
	q->has |= REC_BIT(request, cred);
	REC_SET(&q->cred, credentials, user, str_c(user));
	REC_SET(&q->cred, credentials, password, STR_LIT("secret501"));
}

/* Whatever a gateway says of it, a picture is made by the image process or not at all. */
START_TEST(a_hostile_gateway_changes_nothing)
{
	static char big[IPC_MESSAGE_MAX];
	const struct str none = {NULL, 0}, text = STR_LIT("<script>");
	struct hostile h;
	struct request q;
	struct reply reply;

	hostile_open(&h, &r, false);
	post(&q, NULL, "501", file("300x200.jpg"));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	post(&q, "501", "502", file("300x200.jpg"));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_FORBIDDEN);
	post(&q, "501", NULL, file("300x200.jpg"));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_FORBIDDEN);
	post(&q, "501", "501", none);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_NO_ENTITY);
	post(&q, "501", "501", (struct str){"", 0});
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_MALFORMED);
	post(&q, "501", "501", text);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_MALFORMED);
	/* A picture as it would be stored is decoded as any other. */
	post(&q, "501", "501", file("10001-wide.png"));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_MALFORMED);
	post(&q, "501", "501", (struct str){big, 1024 * 1024 + 1});
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_TOO_LARGE);
	ck_assert(shows("/avatar/501", file("default.png")));
	/* To look at, no name is a wrong one, and nobody needs one of his own. */
	post(&q, NULL, NULL, none);
	REC_SET(&q, request, method, M_GET);
	ck_assert_int_eq(hostile_ask(&h, &q, &reply), ERR_OK);
	ck_assert(str_eq(reply.body, file("default.png")));
	post(&q, "501", "501", none);
	REC_SET(&q.cred, credentials, password, STR_LIT("wrong"));
	REC_SET(&q, request, method, M_GET);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_UNAUTHORIZED);
	hostile_close(&h);
}
END_TEST

/* Decoding is at work while the other thing is answered. */
START_TEST(others_are_not_kept_waiting)
{
	pid_t image = image_process();
	struct hostile h;
	struct request q;
	struct buf out;
	long long from;

	hostile_open(&h, &r, false);
	/* So that its password is known to the backend. */
	post(&q, "501", "501", file("text.txt"));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_MALFORMED);
	freeze(image);
	buf_init(&out, IPC_MESSAGE_MAX);
	for (int i = 0; i < 30; i++) {
		post(&q, "501", "501", file("300x200.gif"));
		REC_SET(&q, request, id, 1000 + i);
		REC_SET(&q, request, deadline, 5000);
		buf_reset(&out);
		env_write(&out, ENV_REQUEST, &q);
		hostile_send(&h, buf_str(&out));
	}
	buf_free(&out);
	from = ms_now();
	for (int i = 0; i < 20; i++) {
		struct answer a = rig_get(&r, "501:secret501", "/my/callfwd");

		ck_assert_int_eq(a.status, 200);
		answer_free(&a);
	}
	/* Each would wait for the deadline of those before it. */
	ck_assert_int_lt(ms_now() - from, 4500);
	ck_assert_int_eq(kill(image, SIGCONT), 0);
	hostile_close(&h);
	for (long long until = ms_now() + 10000;
	     upload("501:secret501", "/avatar/501", file("300x200.jpg")) != 200;)
		ck_assert_int_lt(ms_now(), until);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("avatar");
	TCase *t = tcase_create("processes");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, only_the_image_process_has_the_decoders);
	tcase_add_test(t, its_death_stops_uploads_alone);
	tcase_add_test(t, pictures_go_with_their_user);
	tcase_add_test(t, a_dump_has_them);
	tcase_add_test(t, only_pictures_are_loaded);
	tcase_add_test(t, uploads_are_limited);
	tcase_add_test(t, a_hostile_gateway_changes_nothing);
	tcase_add_test(t, others_are_not_kept_waiting);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
