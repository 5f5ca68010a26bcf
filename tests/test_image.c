/* SPDX-License-Identifier: ISC */
/* The image process: what it makes of pictures, and that no picture does it or others harm. */
#include <check.h>
#include <gd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/image.h"
#include "backend/image_header.h"
#include "tests/freeze.h"
#include "tests/rig.h"

enum { RED = 0xff0000, GREEN = 0x00ff00, BLUE = 0x0000ff };

static struct image *image;

static void
setup(void)
{
	struct err e = {0};

	ck_assert_msg(image_start(&image, NULL, &e) == 0, "%s", err_text(&e));
}

static void
teardown(void)
{
	image_stop(image);
}

struct outcome {
	bool done;
	enum image_result result;
	unsigned char png[IMAGE_OUT_MAX];
	size_t n;
};

static void
take(void *arg, enum image_result result, struct str png)
{
	struct outcome *o = arg;

	ck_assert(!o->done);
	o->done = true;
	o->result = result;
	o->n = png.n;
	memcpy(o->png, png.p, png.n);
}

static void
wait_for(struct outcome *o)
{
	for (long long until = ms_now() + 20000; !o->done && ms_now() < until;) {
		struct pollfd p = {.fd = image_fd(image), .events = POLLIN};

		poll(&p, 1, 100);
		image_read(image);
	}
	ck_assert(o->done);
}

static enum image_result
scale(const void *p, size_t n, struct outcome *o)
{
	/* A machine that is busy with other tests may need several tries. */
	for (int i = 0; i < 10 && (i == 0 || o->result == IMAGE_NOT_NOW); i++) {
		*o = (struct outcome){.done = false};
		ck_assert_int_eq(image_scale(image, (struct str){p, n}, take, o), 0);
		wait_for(o);
	}
	ck_assert((o->n > 0) == (o->result == IMAGE_DONE));
	return o->result;
}

/* Red in the middle square, blue outside of it: none of the blue may be left. */
static gdImagePtr
target(int w, int h)
{
	int side = w < h ? w : h;
	gdImagePtr im = gdImageCreateTrueColor(w, h);

	gdImageFilledRectangle(im, 0, 0, w - 1, h - 1, BLUE);
	gdImageFilledRectangle(
	    im, (w - side) / 2, (h - side) / 2, (w + side) / 2 - 1, (h + side) / 2 - 1, RED);
	gdImageFilledRectangle(
	    im, w / 2 - side / 8, h / 2 - side / 8, w / 2 + side / 8 - 1, h / 2 + side / 8 - 1, GREEN);
	return im;
}

static void *
encode(gdImagePtr im, enum image_kind kind, int *n)
{
	void *p = NULL;

	if (kind == IMAGE_PNG)
		p = gdImagePngPtr(im, n);
	else if (kind == IMAGE_JPEG)
		p = gdImageJpegPtr(im, n, 95);
	else
		p = gdImageGifPtr(im, n);
	ck_assert_ptr_nonnull(p);
	return p;
}

static bool
near(int colour, int wanted)
{
	return abs(gdTrueColorGetRed(colour) - gdTrueColorGetRed(wanted)) < 12 &&
	    abs(gdTrueColorGetGreen(colour) - gdTrueColorGetGreen(wanted)) < 12 &&
	    abs(gdTrueColorGetBlue(colour) - gdTrueColorGetBlue(wanted)) < 12;
}

static void
is_target(struct outcome *o)
{
	gdImagePtr im = gdImageCreateFromPngPtr((int)o->n, o->png);

	ck_assert_ptr_nonnull(im);
	ck_assert_int_eq(gdImageSX(im), PICTURE_SIDE);
	ck_assert_int_eq(gdImageSY(im), PICTURE_SIDE);
	ck_assert(near(gdImageGetTrueColorPixel(im, 3, 3), RED));
	ck_assert(near(gdImageGetTrueColorPixel(im, 124, 124), RED));
	ck_assert(near(gdImageGetTrueColorPixel(im, 64, 64), GREEN));
	gdImageDestroy(im);
}

static const struct {
	int w, h;
} sizes[] = {{300, 200}, {200, 300}, {128, 128}, {40, 64}, {1000, 33}, {8, 8}, {3000, 2000}};

START_TEST(pictures_are_scaled_and_cropped)
{
	static const enum image_kind kinds[] = {IMAGE_PNG, IMAGE_JPEG, IMAGE_GIF};
	gdImagePtr im = target(sizes[_i].w, sizes[_i].h);
	struct outcome o;

	for (size_t k = 0; k < 3; k++) {
		int n;
		void *p;

		/* JPEG smears colours over the few pixels that there are. */
		if (kinds[k] == IMAGE_JPEG && sizes[_i].w < 100)
			continue;
		p = encode(im, kinds[k], &n);
		ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_DONE);
		is_target(&o);
		gdFree(p);
	}
	gdImageDestroy(im);
}
END_TEST

START_TEST(transparency_is_kept)
{
	gdImagePtr im = gdImageCreateTrueColor(256, 256);
	struct outcome o;
	void *p;
	int n;

	gdImageAlphaBlending(im, 0);
	gdImageSaveAlpha(im, 1);
	gdImageFilledRectangle(im, 0, 0, 255, 255, gdTrueColorAlpha(10, 20, 30, gdAlphaTransparent));
	gdImageFilledRectangle(im, 0, 0, 127, 255, RED);
	p = gdImagePngPtr(im, &n);
	gdImageDestroy(im);
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_DONE);
	gdFree(p);
	im = gdImageCreateFromPngPtr((int)o.n, o.png);
	ck_assert_int_eq(gdTrueColorGetAlpha(gdImageGetTrueColorPixel(im, 10, 64)), gdAlphaOpaque);
	ck_assert_int_eq(
	    gdTrueColorGetAlpha(gdImageGetTrueColorPixel(im, 120, 64)), gdAlphaTransparent);
	gdImageDestroy(im);
}
END_TEST

/* What cannot be compressed is the longest answer that there is. */
START_TEST(noise_fits)
{
	gdImagePtr im = gdImageCreateTrueColor(128, 128);
	struct outcome o;
	void *p;
	int n;

	gdImageAlphaBlending(im, 0);
	gdImageSaveAlpha(im, 1);
	srandom(7);
	for (int y = 0; y < 128; y++)
		for (int x = 0; x < 128; x++)
			gdImageSetPixel(im, x, y, (int)(random() & 0x7fffffff));
	p = gdImagePngPtr(im, &n);
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_DONE);
	ck_assert_uint_gt(o.n, 60000);
	printf("an avatar of noise: %zu bytes of %d\n", o.n, IMAGE_OUT_MAX);
	gdFree(p);
	gdImageDestroy(im);
}
END_TEST

START_TEST(only_three_kinds_are_known)
{
	static const char *const others[] = {"", "hello", "BM\x46\0\0\0", "II*\0", "<svg/>", "GIF",
	    "GIF89a", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "RIFF\x24\0\0\0WEBPVP8 ", "%PDF-1.4",
	    "\xff\xd8\xff\xd9", "<html><script>alert(1)</script>"};
	gdImagePtr im = target(64, 64);
	struct outcome o;
	void *p;
	int n;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(scale(others[i], strlen(others[i]), &o) == IMAGE_BAD, "%s", others[i]);
	p = gdImageBmpPtr(im, &n, 1);
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_BAD);
	gdFree(p);
	p = gdImageWBMPPtr(im, &n, 0);
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_BAD);
	gdFree(p);
	gdImageDestroy(im);
}
END_TEST

/* Behind the picture may stand what it likes: the answer is made anew and has none of it. */
START_TEST(polyglots_lose_what_they_carry)
{
	static const char script[] = "<script>alert(document.cookie)</script>PK\x03\x04";
	gdImagePtr im = target(300, 200);
	struct outcome o;

	for (enum image_kind kind = IMAGE_PNG; kind <= IMAGE_GIF; kind++) {
		int n;
		char *p = encode(im, kind, &n), *q = malloc((size_t)n + sizeof(script));

		memcpy(q, p, (size_t)n);
		memcpy(q + n, script, sizeof(script));
		ck_assert_int_eq(scale(q, (size_t)n + sizeof(script), &o), IMAGE_DONE);
		is_target(&o);
		ck_assert_ptr_null(memmem(o.png, o.n, "script", 6));
		free(q);
		gdFree(p);
	}
	gdImageDestroy(im);
}
END_TEST

START_TEST(truncated_ones_are_refused)
{
	gdImagePtr im = target(300, 200);
	struct outcome o;

	for (enum image_kind kind = IMAGE_PNG; kind <= IMAGE_GIF; kind++) {
		int n;
		char *p = encode(im, kind, &n);

		for (int cut = 1; cut <= 16; cut++) {
			int left = n - n * cut / 17;

			ck_assert_msg(scale(p, (size_t)left, &o) == IMAGE_BAD, "kind %d, %d of %d bytes",
			    (int)kind, left, n);
		}
		gdFree(p);
	}
	gdImageDestroy(im);
}
END_TEST

/* Every chunk of a PNG has a checksum. */
START_TEST(wrong_checksums_are_refused)
{
	gdImagePtr im = target(300, 200);
	struct outcome o;
	int n;
	unsigned char *p = encode(im, IMAGE_PNG, &n);
	unsigned char *idat = memmem(p, (size_t)n, "IDAT", 4);

	p[29] ^= 1;
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_BAD);
	p[29] ^= 1;
	idat[20] ^= 1;
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_BAD);
	idat[20] ^= 1;
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_DONE);
	gdFree(p);
	gdImageDestroy(im);
}
END_TEST

static void
put_big(unsigned char *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

/* What a header announces is refused before anything is decoded. */
START_TEST(announced_sizes_are_limited)
{
	static const struct {
		uint32_t w, h;
		enum image_result result;
	} cases[] = {
	    {10001, 1, IMAGE_TOO_BIG},
	    {1, 10001, IMAGE_TOO_BIG},
	    {5001, 5000, IMAGE_TOO_BIG},
	    {65535, 65535, IMAGE_TOO_BIG},
	    {0x7fffffff, 0x7fffffff, IMAGE_TOO_BIG},
	    {0xffffffff, 0xffffffff, IMAGE_TOO_BIG},
	    {0x10000, 0x10000, IMAGE_TOO_BIG},
	    {0, 5, IMAGE_BAD},
	    {5, 0, IMAGE_BAD},
	    /* Within the limits, but the file does not have them. */
	    {5000, 5000, IMAGE_BAD},
	    {10000, 1, IMAGE_BAD},
	};
	gdImagePtr im = target(64, 64);
	struct outcome o;
	int n;
	unsigned char *p = encode(im, IMAGE_PNG, &n);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_big(p + 16, cases[i].w);
		put_big(p + 20, cases[i].h);
		ck_assert_msg(
		    scale(p, (size_t)n, &o) == cases[i].result, "%u x %u", cases[i].w, cases[i].h);
	}
	gdFree(p);
	p = encode(im, IMAGE_GIF, &n);
	memset(p + 6, 0xff, 4);
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_TOO_BIG);
	gdFree(p);
	p = encode(im, IMAGE_JPEG, &n);
	for (int i = 2; i < n - 9; i++) {
		if (p[i] == 0xff && p[i + 1] == 0xc0) {
			memset(p + i + 5, 0xff, 4);
			break;
		}
	}
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_TOO_BIG);
	gdFree(p);
	gdImageDestroy(im);
}
END_TEST

/* The largest picture that is let in, in a file of a few kilobytes. */
static void *
largest(int *n)
{
	gdImagePtr im = gdImageCreateTrueColor(5000, 5000);
	void *p;

	gdImageFilledRectangle(im, 0, 0, 4999, 4999, RED);
	p = gdImagePngPtrEx(im, n, 9);
	gdImageDestroy(im);
	return p;
}

START_TEST(a_bomb_of_the_largest_size_is_survived)
{
	struct outcome o;
	int n;
	void *p = largest(&n);
	long long from = ms_now();

	ck_assert_int_le(n, IMAGE_IN_MAX);
	ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_DONE);
	printf("25 megapixels in %d bytes: %lld ms\n", n, ms_now() - from);
	gdFree(p);
}
END_TEST

START_TEST(frames_behind_the_first_are_not_looked_at)
{
	gdImagePtr im = gdImageCreate(64, 64);
	struct outcome o;
	int n = 0, m;
	char *p, *all;
	void *frame;

	gdImageColorAllocate(im, 255, 0, 0);
	gdImageColorAllocate(im, 0, 255, 0);
	gdImageFilledRectangle(im, 24, 24, 39, 39, 1);
	p = gdImageGifAnimBeginPtr(im, &n, 1, 0);
	all = malloc(IMAGE_IN_MAX);
	memcpy(all, p, (size_t)n);
	gdFree(p);
	for (int i = 0; i < 1000; i++) {
		frame = gdImageGifAnimAddPtr(im, &m, 0, 0, 0, 1, 1, NULL);
		ck_assert_int_lt(n + m, IMAGE_IN_MAX);
		memcpy(all + n, frame, (size_t)m);
		n += m;
		gdFree(frame);
	}
	/* Broken behind the first one, without an end. */
	memset(all + n - m, 0x2c, (size_t)m);
	ck_assert_int_eq(scale(all, (size_t)n, &o), IMAGE_DONE);
	is_target(&o);
	free(all);
	gdImageDestroy(im);
}
END_TEST

START_TEST(random_damage_is_survived)
{
	const char *loops = getenv("TANDEM_LONG");
	int rounds = loops != NULL ? 20000 : 100, good = 0;
	gdImagePtr im = target(60, 40);
	struct outcome o;

	srandom(20261123);
	for (int i = 0; i < rounds; i++) {
		enum image_kind kind = (enum image_kind)(IMAGE_PNG + i % 3);
		int n;
		unsigned char *p = encode(im, kind, &n);

		for (long k = random() % 8 + 1; k > 0; k--)
			p[random() % n] = (unsigned char)random();
		good += scale(p, (size_t)n, &o) == IMAGE_DONE;
		gdFree(p);
	}
	printf("%d of %d damaged pictures could be decoded\n", good, rounds);
	ck_assert_int_eq(waitpid(image_pid(image), NULL, WNOHANG), 0);
	{
		int n;
		void *p = encode(im, IMAGE_PNG, &n);

		ck_assert_int_eq(scale(p, (size_t)n, &o), IMAGE_DONE);
		is_target(&o);
		gdFree(p);
	}
	gdImageDestroy(im);
}
END_TEST

/* Gives a picture to a child and returns that; once more where it was ready before it was seen. */
static pid_t
child_at_work(const void *p, size_t n, struct outcome *o)
{
	pid_t child = 0;

	for (int i = 0; i < 10 && child == 0; i++) {
		*o = (struct outcome){.done = false};
		ck_assert_int_eq(image_scale(image, (struct str){p, n}, take, o), 0);
		for (long long until = ms_now() + 3000; child == 0 && ms_now() < until;)
			if (children_of(image_pid(image), &child, 1) == 0)
				usleep(200);
		if (child == 0)
			wait_for(o);
	}
	ck_assert_int_gt(child, 0);
	return child;
}

/* A line of a file in /proc, behind its name. */
static void
status_of(pid_t pid, const char *name, char *ret, size_t len)
{
	char path[64], line[256];
	FILE *f;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), ":\t%[^\n]", ret);
	fclose(f);
	(void)len;
}

/* Until the child stands, which it does not when it has ended before. */
static bool
stops(pid_t child)
{
	char state[256];

	if (kill(child, SIGSTOP) != 0)
		return false;
	for (long long until = ms_now() + 10000; ms_now() < until; usleep(1000)) {
		status_of(child, "State", state, sizeof(state));
		if (strchr("TZX", state[0]) != NULL)
			return state[0] == 'T';
	}
	ck_abort_msg("process %d does not stop: %s", (int)child, state);
}

/* Likewise, and the child stands still in the middle of its work, with so many filters of system
 * calls at the least: however long this process is held up, it is not ready meanwhile. */
static pid_t
child_stopped_at_work(const void *p, size_t n, struct outcome *o, int filters)
{
	for (int i = 0; i < 10; i++) {
		pid_t child = child_at_work(p, n, o);

		while (stops(child)) {
			char text[256];

			status_of(child, "Seccomp_filters", text, sizeof(text));
			if (atoi(text) >= filters)
				return child;
			kill(child, SIGCONT);
			usleep(2000);
		}
		wait_for(o);
	}
	ck_abort_msg("no child is seen at its work");
}

START_TEST(a_child_that_is_killed_is_a_bad_picture)
{
	struct outcome o = {.done = false}, other;
	int n;
	void *p = largest(&n);
	pid_t child;

	child = child_stopped_at_work(p, (size_t)n, &o, 0);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	wait_for(&o);
	ck_assert_int_eq(o.result, IMAGE_BAD);
	ck_assert_int_eq(scale(p, (size_t)n, &other), IMAGE_DONE);
	gdFree(p);
}
END_TEST

/* A child that does not get on, on a machine that is too busy, is given up after a while. */
START_TEST(a_child_that_is_stopped_is_given_up)
{
	struct outcome o = {.done = false}, other;
	int n;
	void *p = largest(&n);
	long long from = ms_now();
	pid_t child;

	child = child_stopped_at_work(p, (size_t)n, &o, 0);
	/* Others are served meanwhile. */
	ck_assert_int_eq(scale("GIF", 3, &other), IMAGE_BAD);
	ck_assert(!o.done);
	wait_for(&o);
	ck_assert_int_eq(o.result, IMAGE_NOT_NOW);
	ck_assert_int_ge(ms_now() - from, IMAGE_WALL_MS);
	ck_assert_int_ne(kill(child, 0), 0);
	gdFree(p);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
	static struct outcome o[IMAGE_QUEUE_MAX + 1];
	gdImagePtr im = target(300, 200);
	int n;
	void *p = encode(im, IMAGE_PNG, &n);
	static char long_one[IMAGE_IN_MAX + 1];

	for (int i = 0; i < IMAGE_QUEUE_MAX; i++)
		ck_assert_int_eq(image_scale(image, (struct str){p, (size_t)n}, take, &o[i]), 0);
	ck_assert_int_eq(image_scale(image, (struct str){p, (size_t)n}, take, &o[IMAGE_QUEUE_MAX]), -1);
	for (int i = 0; i < IMAGE_QUEUE_MAX; i++) {
		wait_for(&o[i]);
		ck_assert_int_eq(o[i].result, IMAGE_DONE);
		is_target(&o[i]);
	}
	ck_assert(!o[IMAGE_QUEUE_MAX].done);
	ck_assert_int_eq(image_scale(image, (struct str){long_one, sizeof(long_one)}, take, &o[0]), -1);
	gdFree(p);
	gdImageDestroy(im);
}
END_TEST

START_TEST(its_end_is_noticed_and_told)
{
	static struct outcome o[IMAGE_QUEUE_MAX];
	int n;
	void *p = largest(&n);
	int told = 0;
	pid_t child;

	/* None is ready before the end. */
	child = child_stopped_at_work(p, (size_t)n, &o[0], 0);
	freeze(image_pid(image));
	for (int i = 1; i < 5; i++)
		ck_assert_int_eq(image_scale(image, (struct str){p, (size_t)n}, take, &o[i]), 0);
	ck_assert_int_eq(kill(image_pid(image), SIGKILL), 0);
	kill(child, SIGKILL);
	for (int i = 0; i < 5; i++) {
		for (long long until = ms_now() + 5000; !o[i].done && ms_now() < until;) {
			struct pollfd q = {.fd = image_fd(image), .events = POLLIN};

			poll(&q, 1, 100);
			told += image_read(image) != 0;
		}
		ck_assert(o[i].done);
		ck_assert_int_eq(o[i].result, IMAGE_NOT_NOW);
	}
	ck_assert_int_eq(told, 1);
	ck_assert_int_eq(image_fd(image), -1);
	ck_assert_int_eq(image_read(image), 0);
	ck_assert_int_eq(image_scale(image, (struct str){p, (size_t)n}, take, &o[0]), -1);
	gdFree(p);
}
END_TEST

static int
descriptors_of(pid_t pid)
{
	char command[96];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof(command), "ls /proc/%d/fd | wc -l", (int)pid);
	f = popen(command, "r");
	if (f == NULL || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f != NULL)
		pclose(f);
	return n;
}

/* Whether the limit of that name is that number. */
static bool
limited(pid_t pid, const char *name, unsigned long long to)
{
	char path[64], line[256];
	unsigned long long soft = 0, hard = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), " %llu %llu", &soft, &hard);
	fclose(f);
	return soft == to && hard == to;
}

START_TEST(both_are_confined)
{
	struct outcome o = {.done = false};
	char text[256];
	int n, filters;
	void *p = largest(&n);
	pid_t child;

	status_of(image_pid(image), "Seccomp", text, sizeof(text));
	ck_assert_str_eq(text, "2");
	status_of(image_pid(image), "NoNewPrivs", text, sizeof(text));
	ck_assert_str_eq(text, "1");
	/* Root's to look at. */
	if (geteuid() == 0)
		ck_assert_int_eq(descriptors_of(image_pid(image)), 4);
	status_of(image_pid(image), "Seccomp_filters", text, sizeof(text));
	filters = atoi(text);
	/* Confined it is before it looks at the picture. */
	child = child_stopped_at_work(p, (size_t)n, &o, filters + 1);
	status_of(child, "Seccomp_filters", text, sizeof(text));
	ck_assert_int_eq(atoi(text), filters + 1);
#if !defined(__SANITIZE_ADDRESS__)
	ck_assert_int_eq(descriptors_of(child), 0);
	ck_assert(limited(child, "Max address space", IMAGE_MEMORY_MAX));
#endif
	ck_assert(limited(child, "Max cpu time", IMAGE_CPU_SECONDS));
	kill(child, SIGCONT);
	wait_for(&o);
	gdFree(p);
}
END_TEST

START_TEST(an_unknown_user_is_told)
{
	struct image *none;
	struct err e = {0};

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(image_start(&none, "no-such-user", &e), -1);
	ck_assert_ptr_nonnull(strstr(err_text(&e), "no-such-user"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("image");
	TCase *t = tcase_create("process");
	SRunner *r;
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(
	    t, pictures_are_scaled_and_cropped, 0, (int)(sizeof(sizes) / sizeof(sizes[0])));
	tcase_add_test(t, transparency_is_kept);
	tcase_add_test(t, noise_fits);
	tcase_add_test(t, only_three_kinds_are_known);
	tcase_add_test(t, polyglots_lose_what_they_carry);
	tcase_add_test(t, truncated_ones_are_refused);
	tcase_add_test(t, wrong_checksums_are_refused);
	tcase_add_test(t, announced_sizes_are_limited);
	tcase_add_test(t, a_bomb_of_the_largest_size_is_survived);
	tcase_add_test(t, frames_behind_the_first_are_not_looked_at);
	tcase_add_test(t, random_damage_is_survived);
	tcase_add_test(t, a_child_that_is_killed_is_a_bad_picture);
	tcase_add_test(t, a_child_that_is_stopped_is_given_up);
	tcase_add_test(t, the_queue_is_bounded);
	tcase_add_test(t, its_end_is_noticed_and_told);
	tcase_add_test(t, both_are_confined);
	tcase_add_test(t, an_unknown_user_is_told);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
