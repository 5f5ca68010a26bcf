/* SPDX-License-Identifier: ISC */
#include "common/res.h"

#include <string.h>

#include "common/buf.h"
#include "common/records.h"

/* clang-format off */
const struct res all_resources[] = {
#define R(num, name, tpl, meth, fam, ...) \
	{.number = RES_##name, .id = #name, .path = tpl, .methods = meth, .family = fam, __VA_ARGS__},
#include "common/res.def"
#undef R
};
/* clang-format on */

const size_t all_resources_count = sizeof(all_resources) / sizeof(all_resources[0]);

static const struct {
	enum method m;
	const char *name;
} methods[] = {
    {M_GET, "GET"},
    {M_PUT, "PUT"},
    {M_POST, "POST"},
    {M_DELETE, "DELETE"},
    {M_HEAD, "HEAD"},
    {M_OPTIONS, "OPTIONS"},
};

const struct rec *
res_input(const struct res *r)
{
	return r->input != NULL ? r->input : r->record;
}

bool
res_is_list(const struct res *r)
{
	return r->shape == SHAPE_COLLECTION || r->listed;
}

bool
res_is_endless(const struct res *r)
{
	return r->family == FAM_EVENTS;
}

const struct res *
res_by_number(int64_t number)
{
	for (size_t i = 0; i < all_resources_count; i++)
		if ((int64_t)all_resources[i].number == number)
			return &all_resources[i];
	return NULL;
}

enum method
res_method(struct str name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_eqc(name, methods[i].name))
			return methods[i].m;
	return M_OTHER;
}

const char *
res_method_name(enum method m)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].m == m)
			return methods[i].name;
	return "OTHER";
}

static unsigned
served(const struct res *r)
{
	unsigned m = r->methods | M_OPTIONS;

	return (m & M_GET) != 0 && !r->no_head ? m | M_HEAD : m;
}

bool
res_allows(const struct res *r, enum method m)
{
	return (served(r) & m) != 0;
}

bool
res_is_anonymous(const struct res *r, enum method m)
{
	return r->access == ACCESS_PUBLIC || (r->anonymous & (m == M_HEAD ? M_GET : m)) != 0;
}

bool
res_has_etag(const struct res *r)
{
	return (r->methods & M_GET) != 0 && r->shape != SHAPE_PING && !r->local && !r->secret &&
	    !r->no_etag;
}

void
res_allow_header(const struct res *r, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if ((served(r) & methods[i].m) != 0) {
			buf_printf(out, "%s%s", first ? "" : ", ", methods[i].name);
			first = false;
		}
	}
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Once, after splitting: an encoded slash could not be told from a real one later on. */
static int
decode_segment(struct str s, bool form, struct str *ret, struct arena *a, struct err *e)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (out == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int hi = s.n - i > 2 ? hex(s.p[i + 1]) : -1, lo = s.n - i > 2 ? hex(s.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return err_set(e, ERR_BAD_REQUEST, "the path has a broken percent-encoding");
			c = (char)(hi << 4 | lo);
			i += 2;
			if (c == '/' || c == '\0')
				return err_set(e, ERR_BAD_REQUEST, "the path has an encoded slash or NUL");
		}
		out[n++] = form && s.p[i] == '+' ? ' ' : c;
	}
	*ret = (struct str){out, n};
	if (!str_is_utf8(*ret))
		return err_set(e, ERR_BAD_REQUEST, "the path is not UTF-8");
	return 0;
}

enum { SEGMENTS_MAX = 16 };

static bool
is_parameter(struct str s)
{
	return s.n > 2 && s.p[0] == '{' && s.p[s.n - 1] == '}';
}

/* -1 = no match, else how many segments matched literally. */
static int
match_row(const struct res *r, const struct str *seg, size_t n, struct res_keys *keys)
{
	struct str rest = str_c(r->path + 1), part;
	size_t i = 0, nkeys = 0;
	int literal = 0;

	while (rest.n > 0) {
		str_cut(rest, '/', &part, &rest);
		if (i == n)
			return -1;
		if (is_parameter(part)) {
			if (seg[i].n == 0 || seg[i].n > RES_KEY_MAX)
				return -1;
			keys->v[nkeys++] = seg[i];
		} else if (str_eq(part, seg[i])) {
			literal++;
		} else {
			return -1;
		}
		i++;
	}
	return i == n ? literal : -1;
}

/* The parameters once more, with the rule of forms. */
static int
form_keys(const struct res *r, const struct str *raw, struct res_keys *keys, struct arena *a,
    struct err *e)
{
	struct str rest = str_c(r->path + 1), part;
	size_t nkeys = 0;

	for (; rest.n > 0; raw++) {
		str_cut(rest, '/', &part, &rest);
		if (is_parameter(part) && decode_segment(*raw, true, &keys->v[nkeys++], a, e) != 0)
			return -1;
	}
	return 0;
}

static const struct res_keys no_keys = {{{"", 0}, {"", 0}}, {"", 0}};

bool
res_is_private_key(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
		        (s.p[i] >= 'A' && s.p[i] <= 'Z')))
			return false;
	return s.n == PRIVATE_KEY_LEN;
}

const struct res *
res_match(struct str path, struct res_keys *keys, struct arena *a, struct err *e)
{
	static const char base[] = "/sipxconfig/rest";
	const struct res *best = NULL;
	struct str raw[SEGMENTS_MAX], segs[SEGMENTS_MAX], *seg = segs, rest, key = {"", 0};
	int best_score = -1;
	size_t n = 0;

	*keys = no_keys;
	if (str_starts(path, base) && (path.n == sizeof(base) - 1 || path.p[sizeof(base) - 1] == '/')) {
		path.p += sizeof(base) - 1;
		path.n -= sizeof(base) - 1;
	}
	if (path.n > 0 && path.p[0] == '/')
		path = (struct str){path.p + 1, path.n - 1};
	for (rest = path; rest.n > 0;) {
		struct str part;
		bool more = str_cut(rest, '/', &part, &rest);

		if (n == SEGMENTS_MAX) {
			err_set(e, ERR_NOT_FOUND, NULL);
			return NULL;
		}
		raw[n] = part;
		if (decode_segment(part, false, &seg[n++], a, e) != 0)
			return NULL;
		/* One trailing slash is as good as none; a second one is an empty segment. */
		if (more && rest.n == 0)
			break;
	}
	/* The key stands for its user: what follows is /my/ of that one. */
	if (n > 2 && str_eqc(seg[0], "private") && seg[1].n > 0) {
		key = seg[1];
		seg++;
		n--;
		seg[0] = STR_LIT("my");
	}
	for (size_t i = 0; i < all_resources_count; i++) {
		struct res_keys k = no_keys;
		int score = match_row(&all_resources[i], seg, n, &k);

		if (score > best_score) {
			best = &all_resources[i];
			best_score = score;
			*keys = k;
		}
	}
	if (best == NULL) {
		err_set(e, ERR_NOT_FOUND, NULL);
		return NULL;
	}
	keys->private_key = key;
	return best->form && form_keys(best, raw + (seg - segs), keys, a, e) != 0 ? NULL : best;
}

bool
record_is_numbered(const struct rec *r)
{
	for (size_t i = 0; i < all_resources_count; i++)
		if (all_resources[i].shape == SHAPE_ITEM && all_resources[i].record == r)
			return true;
	return r->numbered;
}

bool
record_is_layered(const struct rec *r)
{
	for (size_t i = 0; i < all_resources_count; i++)
		if (all_resources[i].layered && all_resources[i].record == r)
			return true;
	return false;
}

/* FNV-1a: only equality matters, and nobody gains by a collision. */
static uint64_t
mix(uint64_t h, const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;
}

static uint64_t
mix_num(uint64_t h, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		h = (h ^ (v >> (8 * i) & 0xff)) * 0x100000001b3u;
	return h;
}

uint64_t
res_table_hash(void)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < all_resources_count; i++) {
		const struct res *r = &all_resources[i];

		h = mix(mix_num(mix_num(h, r->number), r->methods), r->path);
		h = mix(h, r->record != NULL ? r->record->name : "");
	}
	for (size_t i = 0; i < all_records_count; i++) {
		const struct rec *r = all_records[i];

		h = mix(h, r->name);
		for (size_t k = 0; k < r->nf; k++)
			h = mix_num(mix_num(mix(h, r->f[k].name), r->f[k].tag), r->f[k].kind);
	}
	return h;
}
