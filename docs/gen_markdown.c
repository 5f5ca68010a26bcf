/* SPDX-License-Identifier: ISC */
/* docs/api.md: the same tables for people. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/records.h"
#include "docs/gen.h"

static const char head[] =
    "# Resources\n"
    "\n"
    "Made by `make doc` from `common/res.def`, `common/rec/*.def` and the documents of\n"
    "`tests/golden/`: change those, not this page. The same for programs: `docs/openapi.json`, "
    "which\n"
    "the server answers at `/openapi.json`.\n"
    "\n"
    "Paths are below `/sipxconfig/rest` and at the root alike; one slash at the end makes no\n"
    "difference. HEAD goes wherever GET goes, OPTIONS needs no credentials, any other method "
    "answers\n"
    "405. Rows below `/my` are below `/private/KEY` as well, for the user with that private key, "
    "but\n"
    "for those that change how a user logs in. Credentials are Basic, or Bearer with the token of "
    "`POST /session`. The format named "
    "first\n"
    "is the answer's when the client has no preference.\n"
    "\n"
    "**Documents.** Members that a client must send are marked *required*; *read-only* ones may "
    "be\n"
    "sent and are ignored, as unknown ones are; *write-only* ones are never answered. A member "
    "given\n"
    "twice is an error. In bare JSON `\"15\"` and `20.7` are understood as integers, numbers as "
    "texts,\n"
    "`0` and `1` as booleans, and absent members are answered as `null`. Where XML and JSON "
    "mirror\n"
    "each other, absent members are left out, a list of one may be given as the item itself, and "
    "only\n"
    "`true` is true.\n"
    "\n"
    "**Errors** are JSON, or XML where `Accept` prefers it:\n"
    "\n"
    "    {\"error\":\"must be between 1 and 999\",\"type\":\"invalid\",\"field\":\"expiration\"}\n"
    "    <error><message>must be between 1 and 999</message><type>invalid</type>"
    "<field>expiration</field></error>\n"
    "\n";

static void
write_errors(struct buf *out)
{
	buf_adds(out, "| Status | Type | Meaning |\n|---|---|---|\n");
	for (int status = gen_next_status(399); status != 0; status = gen_next_status(status)) {
		for (int c = ERR_OK + 1; c < ERR_COUNT; c++) {
			struct err e = {.code = (enum err_code)c};

			if (err_status(e.code) == status)
				buf_printf(out, "| %d | `%s` | %s |\n", status, err_name(e.code), err_text(&e));
		}
	}
}

static void
write_media(struct buf *out, const struct res *r, bool input)
{
	struct gen_media types[GEN_MEDIA_MAX];
	size_t n = gen_media(r, input, types);

	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", types[i].type);
}

static void
write_method(struct buf *out, const struct res *r, enum method m)
{
	buf_printf(out, "| %s | ", res_method_name(m));
	if (gen_reads(r, m))
		write_media(out, r, true);
	buf_adds(out, " | ");
	if (gen_answers(r, m))
		write_media(out, r, false);
	buf_adds(out, " | 200");
	if (gen_has_etag(r, m))
		buf_adds(out, ", 304");
	for (int status = gen_next_status(399); status != 0; status = gen_next_status(status))
		if (gen_has_status(r, m, status))
			buf_printf(out, ", %d", status);
	buf_adds(out, " |\n");
}

static void
write_params(struct buf *out, const struct res *r)
{
	const struct res_param *p = r->params;

	if (p == NULL)
		return;
	buf_adds(out, "\n| Parameter | Type | Methods | Meaning |\n|---|---|---|---|\n");
	for (; p->name != NULL; p++) {
		buf_printf(out, "| `%s` | %s | ", p->name,
		    p->kind == K_INT        ? "integer"
		        : p->kind == K_BOOL ? "present or not"
		                            : "text");
		for (size_t i = 0, n = 0; i < gen_methods_count; i++)
			if (p->methods != 0 && (p->methods & gen_methods[i]) != 0)
				buf_printf(out, "%s%s", n++ > 0 ? ", " : "", res_method_name(gen_methods[i]));
		buf_adds(out, p->methods == 0 ? "all | " : " | ");
		gen_cell(out, p->doc);
		buf_adds(out, " |\n");
	}
}

/* Documents of several lines keep their lines. */
static void
write_block(struct buf *out, struct str text)
{
	struct str rest = str_trim(text), line;

	buf_addc(out, '\n');
	while (rest.n > 0) {
		str_cut(rest, '\n', &line, &rest);
		buf_adds(out, "    ");
		buf_addstr(out, line);
		buf_addc(out, '\n');
	}
}

/* What stands behind "data:". */
static void
write_data(struct buf *out, const struct res *r)
{
	struct gen_examples x;

	buf_adds(out, "\nData of events:\n");
	gen_example_answers(r, FMT_JSON, &x);
	for (size_t i = 0; i < x.n; i++)
		write_block(out, x.v[i].text);
	gen_examples_free(&x);
}

static void
write_answers(struct buf *out, const struct res *r)
{
	if (res_is_endless(r))
		write_data(out, r);
	for (unsigned fmt = FMT_XML; fmt <= FMT_JSON; fmt++) {
		struct gen_examples x;

		if ((r->formats & fmt) == 0)
			continue;
		gen_example_answers(r, (enum format)fmt, &x);
		if (x.n > 0) {
			buf_printf(out, "\nAn answer in %s:\n", fmt == FMT_XML ? "XML" : "JSON");
			write_block(out, x.v[0].text);
		}
		gen_examples_free(&x);
	}
}

/* The path with something in place of its parameter, since curl takes braces for its own. */
static void
write_path(struct buf *out, const struct res *r)
{
	for (const char *c = r->path; *c != '\0'; c++) {
		if (*c != '{') {
			buf_addc(out, *c);
			continue;
		}
		if (r->shape == SHAPE_ITEM)
			buf_addc(out, '7');
		for (c++; *c != '}'; c++)
			if (r->shape != SHAPE_ITEM)
				buf_addc(out, (char)toupper((unsigned char)*c));
	}
}

/* Between single quotes of a shell. */
static void
write_quoted(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, s.p[i] == '\n' ? ' ' : s.p[i]);
}

/* A command that can be copied; the host is that of `make run`. */
static void
write_curl(struct buf *out, const struct res *r, enum method m)
{
	struct gen_examples x = {.n = 0};

	buf_adds(out, res_is_endless(r) ? "    curl -k -N" : "    curl -k");
	if (r->access != ACCESS_PUBLIC)
		buf_adds(out, " -u 201:password");
	if (m != M_GET)
		buf_printf(out, " -X %s", res_method_name(m));
	if (gen_reads(r, m) && r->body == BODY_FILE) {
		buf_adds(out, " -F file=@picture.png");
	} else if (gen_reads(r, m)) {
		gen_example_inputs(r, FMT_JSON, &x);
		if (x.n > 0) {
			buf_adds(out, " -H 'Content-Type: application/json' -d '");
			write_quoted(out, str_trim(x.v[0].text));
			buf_addc(out, '\'');
		}
		gen_examples_free(&x);
	}
	buf_printf(
	    out, " 'https://127.0.0.1:8443%s", r->access == ACCESS_PUBLIC ? "" : "/sipxconfig/rest");
	write_path(out, r);
	buf_adds(out, "'\n");
}

static void
write_members(struct buf *out, const struct res *r)
{
	if (r->head != NULL)
		gen_member_table(out, r, r->head, NULL);
	if (r->record != NULL) {
		gen_members(out, r, r->record);
		write_answers(out, r);
	}
	if (res_input(r) != r->record) {
		buf_adds(out, "\nIn requests:\n");
		gen_members(out, r, res_input(r));
	}
}

static void
write_row(struct buf *out, const struct res *r)
{
	buf_printf(out, "\n## %s\n\n%s", r->path, r->doc);
	if (r->access == ACCESS_PUBLIC)
		buf_adds(out, " Needs no credentials.");
	else if (r->access == ACCESS_ADMIN)
		buf_adds(out, " For administrators (permission `superadmin`).");
	if (r->permission != 0)
		buf_printf(out, " Needs the permission `%s`.",
		    enum_text(&enum_permission_name, r->permission - 1));
	if (r->root_alias != NULL)
		buf_printf(out, " The root may be called `%s` in requests.", r->root_alias);
	if (r->json_style == ROOT_BOTH)
		buf_printf(out,
		    " JSON answers have the members below `%s` and bare; requests may have "
		    "either, the bare ones win.",
		    r->json_root);
	buf_adds(out, "\n\n| Method | Request | Answer | Statuses |\n|---|---|---|---|\n");
	for (size_t i = 0; i < gen_methods_count; i++)
		if ((r->methods & gen_methods[i]) != 0)
			write_method(out, r, gen_methods[i]);
	write_params(out, r);
	write_members(out, r);
	buf_addc(out, '\n');
	for (size_t i = 0; i < gen_methods_count; i++)
		if ((r->methods & gen_methods[i]) != 0)
			write_curl(out, r, gen_methods[i]);
}

void
gen_markdown(struct buf *out)
{
	buf_adds(out, head);
	write_errors(out);
	for (size_t i = 0; i < all_resources_count; i++)
		write_row(out, &all_resources[i]);
}
