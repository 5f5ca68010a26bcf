/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_pairs.h"

#include <jansson.h>
#include <string.h>

#include "common/budget.h"

int
fs_pairs_add(struct fs_pairs *p, struct str name, struct str value, struct arena *a, struct err *e)
{
	if (p->n == p->size) {
		size_t size = p->size > 0 ? p->size * 2 : 128;
		struct fs_pair *v;

		if (size > FS_PAIRS_MAX)
			return err_set(e, ERR_TOO_LARGE, "an event has more than %d values", FS_PAIRS_MAX);
		if ((v = arena_array(a, size, sizeof(*v))) == NULL)
			return err_set(e, ERR_TOO_LARGE, NULL);
		if (p->n > 0)
			memcpy(v, p->v, p->n * sizeof(*v));
		p->v = v;
		p->size = size;
	}
	p->v[p->n++] = (struct fs_pair){name, value};
	return 0;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct str
fs_unescape(struct str s, struct arena *a)
{
	char *p;
	size_t n = 0;

	if (s.n == 0 || memchr(s.p, '%', s.n) == NULL)
		return s;
	if ((p = arena_alloc(a, s.n)) == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '%' && s.n - i > 2 ? digit(s.p[i + 1]) : -1;
		int low = high >= 0 ? digit(s.p[i + 2]) : -1;

		if (low >= 0) {
			p[n++] = (char)(high * 16 + low);
			i += 2;
		} else {
			p[n++] = s.p[i];
		}
	}
	return (struct str){p, n};
}

int
fs_pairs_plain(struct fs_pairs *ret, struct str text, struct arena *a, struct err *e)
{
	struct str line, name, value;
	int64_t inner;

	*ret = (struct fs_pairs){.body = {"", 0}};
	if ((text = arena_copy(a, text)).p == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	while (text.n > 0) {
		str_cut(text, '\n', &line, &text);
		if (line.n == 0)
			break;
		if (!str_cut(line, ':', &name, &value) || name.n == 0)
			return err_set(e, ERR_MALFORMED, "an event has a line that is no header");
		if (value.n > 0 && value.p[0] == ' ')
			value = (struct str){value.p + 1, value.n - 1};
		if ((value = fs_unescape(value, a)).p == NULL)
			return err_set(e, ERR_TOO_LARGE, NULL);
		if (fs_pairs_add(ret, name, value, a, e) != 0)
			return -1;
	}
	if (ret->n == 0)
		return err_set(e, ERR_MALFORMED, "an event is empty");
	/* The body is not encoded. Its length must not reach beyond the event's. */
	value = fs_get(ret, "Content-Length");
	if (value.n > 0) {
		if (!str_to_i64(value, &inner) || inner < 0 || (uint64_t)inner > text.n)
			return err_set(e, ERR_MALFORMED, "an event's body has not the length that it says");
		text.n = (size_t)inner;
	}
	ret->body = text;
	return 0;
}

struct reading {
	struct str text;
	struct fs_pairs *ret;
	struct arena *a;
	struct err *e;
	int rc;
};

/* A variable with several values is a list, and nothing that is of use here. */
static int
take_members(json_t *j, const struct reading *r)
{
	const char *key;
	json_t *v;

	json_object_foreach (j, key, v) {
		struct str name = arena_copy(r->a, str_c(key)), value;

		if (!json_is_string(v))
			continue;
		value = arena_copy(r->a, (struct str){json_string_value(v), json_string_length(v)});
		if (name.p == NULL || value.p == NULL)
			return err_set(r->e, ERR_TOO_LARGE, NULL);
		if (str_eqc(name, "_body"))
			r->ret->body = value;
		else if (fs_pairs_add(r->ret, name, value, r->a, r->e) != 0)
			return -1;
	}
	return r->ret->n > 0 ? 0 : err_set(r->e, ERR_MALFORMED, "an event is empty");
}

/* The switch writes the members of a conference's event that has no member of its own twice, so
 * they are no reason to refuse it, as they are in json_read(). */
static void
read_object(void *arg)
{
	struct reading *r = arg;
	json_error_t why;
	json_t *j = json_loadb(r->text.p, r->text.n, 0, &why);

	if (json_is_object(j))
		r->rc = take_members(j, r);
	else
		r->rc = err_set(r->e, ERR_MALFORMED, "an event is not a JSON object");
	json_decref(j);
}

int
fs_pairs_json(struct fs_pairs *ret, struct str text, struct arena *a, struct err *e)
{
	struct reading r = {text, ret, a, e, -1};

	*ret = (struct fs_pairs){.body = {"", 0}};
	if (budget_run(a, read_object, &r, NULL) != 0)
		return err_set(e, ERR_TOO_LARGE, NULL);
	return r.rc;
}

struct str
fs_get(const struct fs_pairs *p, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].name.n == n && memcmp(p->v[i].name.p, name, n) == 0)
			return p->v[i].value;
	return (struct str){"", 0};
}

int64_t
fs_get_number(const struct fs_pairs *p, const char *name)
{
	int64_t n;

	return str_to_i64(fs_get(p, name), &n) && n > 0 ? n : 0;
}

bool
fs_get_flag(const struct fs_pairs *p, const char *name)
{
	return str_eqc(fs_get(p, name), "true");
}
