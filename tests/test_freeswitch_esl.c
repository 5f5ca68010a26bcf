/* SPDX-License-Identifier: ISC */
/*
 * The framing of FreeSWITCH's Event Socket: recordings of a real one in pieces of any size and cut
 * anywhere, and streams that lie.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tree.h"
#include "feeds/freeswitch_esl.h"
#include "feeds/freeswitch_pairs.h"
#include "tests/freeswitch_rig.h"

struct seen {
	size_t n, events, replies, responses, bytes;
	uint64_t sum; /* of types, replies and bodies */
	char last_type[64], last_reply[256];
	size_t stop_after;
	bool midway; /* at the end */
};

static void
add(struct seen *s, struct str t)
{
	for (size_t i = 0; i < t.n; i++)
		s->sum = (s->sum ^ (unsigned char)t.p[i]) * 1099511628211u;
	s->sum = (s->sum ^ 0xff) * 1099511628211u;
	s->bytes += t.n;
}

static bool
on_message(void *arg, const struct esl_message *m)
{
	struct seen *s = arg;

	s->n++;
	s->events += str_starts(m->type, "text/event-");
	s->replies += str_eqc(m->type, "command/reply");
	s->responses += str_eqc(m->type, "api/response");
	add(s, m->type);
	add(s, m->reply);
	add(s, m->body);
	snprintf(s->last_type, sizeof(s->last_type), "%.*s", (int)m->type.n, m->type.p);
	snprintf(s->last_reply, sizeof(s->last_reply), "%.*s", (int)m->reply.n, m->reply.p);
	return s->n != s->stop_after;
}

static int
hear(struct seen *s, struct str stream, size_t piece, struct err *e)
{
	struct esl esl;
	int rc = 0;

	esl_init(&esl);
	while (stream.n > 0 && rc == 0) {
		size_t n = piece < stream.n ? piece : stream.n;
		/* Exactly as large as the piece: reading beyond it is an error of ASan. */
		char *copy = malloc(n);

		if (copy == NULL)
			abort();
		memcpy(copy, stream.p, n);
		rc = esl_take(&esl, (struct str){copy, n}, on_message, s, e);
		free(copy);
		stream = (struct str){stream.p + n, stream.n - n};
	}
	if (rc == 0)
		s->midway = esl_midway(&esl);
	esl_free(&esl);
	return rc;
}

/* Counted in the recordings by another program, a few lines of Python. */
static const struct {
	const char *file;
	size_t messages, events, replies, responses;
} recordings[] = {
    {"esl-plain.raw.gz", 257, 254, 2, 0},
    {"esl-json.raw.gz", 257, 254, 2, 0},
    {"esl-cmd.raw.gz", 99, 0, 18, 79},
    {"esl-late.raw.gz", 12, 8, 2, 1},
    {"esl-wrongpw.raw.gz", 3, 0, 1, 0},
    {"esl-talk-and-burst.raw.gz", 1339, 1336, 2, 0},
};
enum { RECORDINGS = sizeof(recordings) / sizeof(recordings[0]) };

START_TEST(a_recording_in_pieces_of_any_size)
{
	static const size_t sizes[] = {1, 7, 64, 999, 4096, 65536, 1 << 24};
	struct str stream = recorded(recordings[_i].file);
	struct err e = {0};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct seen s = {.n = 0};

		ck_assert_int_eq(hear(&s, stream, sizes[i], &e), 0);
		ck_assert_uint_eq(s.n, recordings[_i].messages);
		ck_assert_uint_eq(s.events, recordings[_i].events);
		ck_assert_uint_eq(s.replies, recordings[_i].replies);
		ck_assert_uint_eq(s.responses, recordings[_i].responses);
		ck_assert(i == 0 || s.sum == sum);
		ck_assert(!s.midway);
		sum = s.sum;
	}
}
END_TEST

/* A message is there with its last byte and not before: at every offset of the stream, as many as
 * end there. */
START_TEST(a_recording_cut_at_every_offset)
{
	struct str stream = recorded(recordings[_i].file);
	struct seen whole = {.n = 0};
	struct esl esl;
	struct err e = {0};
	size_t at = 0, ends = 0, expected = 0;

	esl_init(&esl);
	while (at < stream.n) {
		if (at == ends) {
			/* The next end, found another way. */
			const char *blank = memmem(stream.p + at, stream.n - at, "\n\n", 2);
			const char *field = memmem(stream.p + at, stream.n - at, "Content-Length: ", 16);

			if (blank == NULL)
				ck_abort_msg("no header block at %zu", at);
			ends = (size_t)(blank - stream.p) + 2;
			if (field != NULL && field < blank)
				ends += (size_t)atol(field + 16);
			expected++;
		}
		at++;
		/* Check notes each assertion in a file: not for each of millions. */
		if (esl_take(&esl, (struct str){stream.p + at - 1, 1}, on_message, &whole, &e) != 0 ||
		    whole.n != (at == ends ? expected : expected - 1) || esl_midway(&esl) != (at != ends))
			ck_abort_msg("cut at %zu: %zu messages, %s", at, whole.n, err_text(&e));
	}
	esl_free(&esl);
	ck_assert_uint_eq(whole.n, recordings[_i].messages);
}
END_TEST

START_TEST(a_wrong_password)
{
	struct seen s = {.n = 0};
	struct err e = {0};

	ck_assert_int_eq(hear(&s, recorded("esl-wrongpw.raw.gz"), 1 << 16, &e), 0);
	ck_assert_str_eq(s.last_type, "text/disconnect-notice");
	ck_assert_str_eq(s.last_reply, "");
	s = (struct seen){.n = 0, .stop_after = 2};
	ck_assert_int_eq(hear(&s, recorded("esl-wrongpw.raw.gz"), 1 << 16, &e), 0);
	ck_assert_str_eq(s.last_reply, "-ERR invalid");
}
END_TEST

static const struct {
	const char *stream;
	size_t n;
	int messages; /* -1: refused */
	enum err_code code;
} streams[] = {
#define S(text, ...)                        \
	{                                       \
		text, sizeof(text) - 1, __VA_ARGS__ \
	}
    S("Content-Type: a\n\n", 1, ERR_OK),
    S("\n\n\nContent-Type: a\n\n\nContent-Type: b\n\n", 2, ERR_OK),
    S("content-type: a\ncontent-length:3\n\nxyzContent-Type: b\n\n", 2, ERR_OK),
    S("Content-Type: a\nContent-Length: 0\n\nContent-Type: b\n\n", 2, ERR_OK),
    S("Content-Type: a\nContent-Length: 5\n\nxyz", 0, ERR_OK), S("Content-Type: a\n", 0, ERR_OK),
    S("Content-Type: a\nX\n\n", -1, ERR_MALFORMED), S("X: y\n\n", -1, ERR_MALFORMED),
    S(": y\nContent-Type: a\n\n", -1, ERR_MALFORMED), S("Content-Type:\n\n", -1, ERR_MALFORMED),
    S("Content-Type: a\0b\n\n", -1, ERR_MALFORMED), S("\0\n\n", -1, ERR_MALFORMED),
    S("Content-Type: a\nContent-Length: -1\n\n", -1, ERR_MALFORMED),
    S("Content-Type: a\nContent-Length: -0\n\n", -1, ERR_MALFORMED),
    S("Content-Type: a\nContent-Length:\n\n", -1, ERR_MALFORMED),
    S("Content-Type: a\nContent-Length: 3x\n\nabc", -1, ERR_MALFORMED),
    S("Content-Type: a\nContent-Length: 0x3\n\nabc", -1, ERR_MALFORMED),
    S("Content-Type: a\nContent-Length: 99999999999999999999\n\n", -1, ERR_MALFORMED),
    S("Content-Type: a\nContent-Length: 16777217\n\n", -1, ERR_TOO_LARGE),
    S("Content-Type: a\nContent-Length: 3\nContent-Length: 3\n\nabc", -1, ERR_MALFORMED),
    S("Content-Type: a\nContent-Length: 3\nContent-Length: 4\n\nabc", -1, ERR_MALFORMED),
    S("Content-Type: a\r\n\r\n", 0, ERR_OK), /* no empty line */
#undef S
};

START_TEST(a_stream_that_lies)
{
	for (size_t piece = 1; piece < 64; piece += 3) {
		struct seen s = {.n = 0};
		struct err e = {0};
		int rc = hear(&s, (struct str){streams[_i].stream, streams[_i].n}, piece, &e);

		if (streams[_i].messages < 0) {
			ck_assert_int_eq(rc, -1);
			ck_assert_int_eq(e.code, streams[_i].code);
		} else {
			ck_assert_int_eq(rc, 0);
			ck_assert_uint_eq(s.n, (size_t)streams[_i].messages);
		}
	}
}
END_TEST

/* An endless line, endless lines, and a length that is announced and never comes. */
START_TEST(memory_is_bounded)
{
	char piece[4096];
	struct seen s = {.n = 0};
	struct err e = {0};
	struct esl esl;
	size_t taken = 0;

	memset(piece, 'x', sizeof(piece));
	if (_i == 1)
		memcpy(piece + sizeof(piece) - 6, "\nA: b\n", 6), piece[0] = 'N', piece[1] = ':';
	esl_init(&esl);
	while (esl_take(&esl, (struct str){piece, sizeof(piece)}, on_message, &s, &e) == 0) {
		taken += sizeof(piece);
		ck_assert_uint_le(taken, ESL_HEAD_MAX);
		ck_assert_uint_le(esl.size, 2 * ESL_HEAD_MAX);
	}
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
	esl_free(&esl);
	err_clear(&e);
	ck_assert_int_eq(esl_take(&esl, STR_LIT("Content-Type: a\nContent-Length: 16000000\n\nx"),
	                     on_message, &s, &e),
	    0);
	ck_assert_uint_le(esl.size, 8192);
	esl_free(&esl);
	/* What a large message took is given back. */
	ck_assert_int_eq(
	    esl_take(&esl, STR_LIT("Content-Type: a\nContent-Length: 1048576\n\n"), on_message, &s, &e),
	    0);
	for (int i = 0; i < 256; i++)
		ck_assert_int_eq(esl_take(&esl, (struct str){piece, sizeof(piece)}, on_message, &s, &e), 0);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_uint_eq(esl.size, 0);
	esl_free(&esl);
}
END_TEST

START_TEST(an_event_in_plain_text)
{
	struct fs_pairs p;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 65536);
	ck_assert_int_eq(fs_pairs_plain(&p,
	                     STR_LIT("Event-Name: BACKGROUND_JOB\nX: a%20b%3A%zz%4\nEmpty: \n"
	                             "Content-Length: 5\n\n+OK %"),
	                     &a, &e),
	    0);
	ck_assert(str_eqc(fs_get(&p, "X"), "a b:%zz%4"));
	ck_assert(str_eqc(fs_get(&p, "Empty"), ""));
	ck_assert(str_eqc(p.body, "+OK %"));
	ck_assert_int_eq(fs_pairs_plain(&p, STR_LIT("A: b\nContent-Length: 6\n\n+OK %"), &a, &e), -1);
	ck_assert_int_eq(fs_pairs_plain(&p, STR_LIT("A: b\nContent-Length: -1\n\n"), &a, &e), -1);
	ck_assert_int_eq(fs_pairs_plain(&p, STR_LIT("A: b\nno header\n\n"), &a, &e), -1);
	ck_assert_int_eq(fs_pairs_plain(&p, STR_LIT("\n"), &a, &e), -1);
	ck_assert_int_eq(fs_pairs_plain(&p, STR_LIT(""), &a, &e), -1);
	arena_free(&a);
}
END_TEST

/* The same session was recorded in both forms: value for value the same. */
static struct fs_pairs *all[2];
static struct arena memory;
static size_t count[2];

static bool
keep(void *arg, const struct esl_message *m)
{
	int form = *(int *)arg;
	struct err e = {0};
	struct str body = arena_copy(&memory, m->body);

	if (!str_starts(m->type, "text/event-"))
		return true;
	if (count[form] == 1000)
		ck_abort_msg("too many");
	if ((form == 0 ? fs_pairs_plain : fs_pairs_json)(
	        &all[form][count[form]++], body, &memory, &e) != 0)
		ck_abort_msg("event %zu: %s", count[form], err_text(&e));
	return true;
}

START_TEST(plain_and_json_say_the_same)
{
	static const char *const files[] = {"esl-plain.raw.gz", "esl-json.raw.gz"};
	size_t values = 0;

	arena_init(&memory, 256 << 20);
	for (int form = 0; form < 2; form++) {
		struct esl esl;
		struct err e = {0};

		all[form] = calloc(1000, sizeof(*all[form]));
		esl_init(&esl);
		ck_assert_int_eq(esl_take(&esl, recorded(files[form]), keep, &form, &e), 0);
		esl_free(&esl);
		ck_assert_uint_eq(count[form], 254);
	}
	for (size_t i = 0; i < count[0]; i++) {
		ck_assert(str_eq(all[0][i].body, all[1][i].body));
		for (size_t j = 0; j < all[0][i].n; j++) {
			char name[256];
			struct str json;

			snprintf(name, sizeof(name), "%.*s", (int)all[0][i].v[j].name.n, all[0][i].v[j].name.p);
			json = fs_get(&all[1][i], name);
			if (!str_eq(fs_get(&all[0][i], name), json) && json.n > 0)
				ck_abort_msg("%s in event %zu", name, i);
			values += json.n > 0;
		}
	}
	ck_assert_uint_gt(values, 20000);
	free(all[0]);
	free(all[1]);
	arena_free(&memory);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("freeswitch_esl");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	text_init();
	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_recording_in_pieces_of_any_size, 0, RECORDINGS);
	tcase_add_loop_test(t, a_recording_cut_at_every_offset, 0, RECORDINGS);
	tcase_add_test(t, a_wrong_password);
	tcase_add_loop_test(t, a_stream_that_lies, 0, sizeof(streams) / sizeof(streams[0]));
	tcase_add_loop_test(t, memory_is_bounded, 0, 2);
	tcase_add_test(t, an_event_in_plain_text);
	tcase_add_test(t, plain_and_json_say_the_same);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
