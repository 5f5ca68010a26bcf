/* SPDX-License-Identifier: ISC */
/*
 * A row: version, level, number of members, then their lengths (and for children the number of
 * the node and what it counts), then all keys, all refs, all texts.
 */
#include "backend/ranked_node.h"

#include <string.h>

enum { VERSION = 1, HEAD = 4, ITEM_HEAD = 6, KID_HEAD = 10 };

static unsigned
get16(const char *p)
{
	return (unsigned)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

static uint32_t
get32(const char *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static char *
put16(char *p, size_t v)
{
	p[0] = (char)(v >> 8 & 0xff);
	p[1] = (char)(v & 0xff);
	return p + 2;
}

static char *
put32(char *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

static char *
put_str(char *p, struct str s)
{
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

static void *
broken(struct err *e)
{
	err_set(e, ERR_INTERNAL, "a directory in the store is damaged");
	return NULL;
}

static void *
no_room(struct err *e)
{
	err_set(e, ERR_TOO_LARGE, NULL);
	return NULL;
}

/* Room for `size` members; those that are there are kept. */
static int
reserve(struct arena *a, struct ranked_node *n, size_t size, struct err *e)
{
	void *v = arena_array(a, size, n->level == 0 ? sizeof(*n->items) : sizeof(*n->kids));

	if (v == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	if (n->level == 0) {
		if (n->n > 0)
			memcpy(v, n->items, n->n * sizeof(*n->items));
		n->items = v;
	} else {
		if (n->n > 0)
			memcpy(v, n->kids, n->n * sizeof(*n->kids));
		n->kids = v;
	}
	n->size = size;
	return 0;
}

struct ranked_node *
ranked_node_new(struct arena *a, unsigned level, size_t size, struct err *e)
{
	struct ranked_node *n = arena_alloc(a, sizeof(*n));

	if (n == NULL)
		return no_room(e);
	n->level = level;
	return reserve(a, n, size, e) == 0 ? n : NULL;
}

static bool
decode_items(struct ranked_node *n, struct str raw)
{
	const char *head = raw.p + HEAD, *keys = head + n->n * ITEM_HEAD, *refs, *texts;
	size_t size[3] = {0};

	for (size_t i = 0; i < n->n; i++)
		for (size_t k = 0; k < 3; k++)
			size[k] += get16(head + i * ITEM_HEAD + 2 * k);
	if (size[0] + size[1] + size[2] != raw.n - HEAD - n->n * ITEM_HEAD)
		return false;
	refs = keys + size[0];
	texts = refs + size[1];
	for (size_t i = 0; i < n->n; i++, head += ITEM_HEAD) {
		struct ranked_item *item = &n->items[i];

		item->key = (struct str){keys, get16(head)};
		item->refs = (struct str){refs, get16(head + 2)};
		item->text = (struct str){texts, get16(head + 4)};
		keys += item->key.n;
		refs += item->refs.n;
		texts += item->text.n;
	}
	return true;
}

static bool
decode_kids(struct ranked_node *n, struct str raw)
{
	const char *head = raw.p + HEAD, *seps = head + n->n * KID_HEAD;
	size_t left = raw.n - HEAD - n->n * KID_HEAD;

	for (size_t i = 0; i < n->n; i++, head += KID_HEAD) {
		struct ranked_kid *kid = &n->kids[i];

		kid->id = get32(head);
		kid->count = get32(head + 4);
		kid->sep = (struct str){seps, get16(head + 8)};
		if (kid->sep.n > left || kid->count == 0 || kid->id == 0)
			return false;
		left -= kid->sep.n;
		seps += kid->sep.n;
	}
	return left == 0;
}

struct ranked_node *
ranked_node_decode(struct arena *a, struct str raw, struct err *e)
{
	struct ranked_node *n;
	unsigned level;
	size_t count;

	if (raw.n < HEAD || raw.p[0] != VERSION)
		return broken(e);
	level = (unsigned char)raw.p[1];
	count = get16(raw.p + 2);
	if (level >= RANKED_LEVELS || count == 0 ||
	    raw.n - HEAD < count * (level == 0 ? ITEM_HEAD : KID_HEAD))
		return broken(e);
	if ((n = ranked_node_new(a, level, count + 1, e)) == NULL)
		return NULL;
	n->n = count;
	if (!(level == 0 ? decode_items(n, raw) : decode_kids(n, raw)))
		return broken(e);
	return ranked_node_count(n) <= RANKED_ITEMS_MAX ? n : broken(e);
}

bool
ranked_node_texts(struct str raw, size_t *count, struct str *texts)
{
	const char *head = raw.p + HEAD, *end;
	size_t size = 0, n = 0;

	if (raw.n < HEAD || raw.p[0] != VERSION || raw.p[1] != 0)
		return false;
	*count = get16(raw.p + 2);
	if (*count == 0 || raw.n - HEAD < *count * ITEM_HEAD)
		return false;
	for (end = head + *count * ITEM_HEAD; head < end; head += ITEM_HEAD) {
		size += get16(head) + get16(head + 2);
		n += get16(head + 4);
	}
	if (size + n != raw.n - HEAD - *count * ITEM_HEAD)
		return false;
	*texts = (struct str){raw.p + raw.n - n, n};
	return true;
}

static size_t
item_size(const struct ranked_item *i)
{
	return ITEM_HEAD + i->key.n + i->refs.n + i->text.n;
}

static size_t
member_size(const struct ranked_node *n, size_t i)
{
	return n->level == 0 ? item_size(&n->items[i]) : KID_HEAD + n->kids[i].sep.n;
}

size_t
ranked_node_size(const struct ranked_node *n)
{
	size_t size = HEAD;

	for (size_t i = 0; i < n->n; i++)
		size += member_size(n, i);
	return size;
}

bool
ranked_node_is_large(const struct ranked_node *n)
{
	return n->n >= (n->level == 0 ? 2 : NODE_KIDS) && ranked_node_size(n) > NODE_BYTES;
}

uint64_t
ranked_node_count(const struct ranked_node *n)
{
	uint64_t count = 0;

	if (n->level == 0)
		return n->n;
	for (size_t i = 0; i < n->n; i++)
		count += n->kids[i].count;
	return count;
}

static char *
encode_items(char *p, const struct ranked_node *n)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct ranked_item *item = &n->items[i];

		p = put16(put16(put16(p, item->key.n), item->refs.n), item->text.n);
	}
	for (size_t i = 0; i < n->n; i++)
		p = put_str(p, n->items[i].key);
	for (size_t i = 0; i < n->n; i++)
		p = put_str(p, n->items[i].refs);
	for (size_t i = 0; i < n->n; i++)
		p = put_str(p, n->items[i].text);
	return p;
}

static char *
encode_kids(char *p, const struct ranked_node *n)
{
	for (size_t i = 0; i < n->n; i++)
		p = put16(put32(put32(p, n->kids[i].id), n->kids[i].count), n->kids[i].sep.n);
	for (size_t i = 0; i < n->n; i++)
		p = put_str(p, n->kids[i].sep);
	return p;
}

struct str
ranked_node_encode(struct arena *a, const struct ranked_node *n, size_t head, struct err *e)
{
	size_t size = head + ranked_node_size(n);
	char *p = arena_alloc(a, size);

	if (p == NULL || n->n > UINT16_MAX) {
		no_room(e);
		return (struct str){NULL, 0};
	}
	p[head] = VERSION;
	p[head + 1] = (char)n->level;
	put16(p + head + 2, n->n);
	if (n->level == 0)
		encode_items(p + head + HEAD, n);
	else
		encode_kids(p + head + HEAD, n);
	return (struct str){p, size};
}

size_t
ranked_node_item(const struct ranked_node *n, struct str key, bool *found)
{
	size_t lo = 0, hi = n->n;

	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(n->items[mid].key, key);

		if (c < 0) {
			lo = mid + 1;
		} else {
			*found = *found || c == 0;
			hi = mid;
		}
	}
	return lo;
}

size_t
ranked_node_kid(const struct ranked_node *n, struct str key)
{
	size_t lo = 1, hi = n->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(n->kids[mid].sep, key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

int
ranked_node_insert_item(struct arena *a, struct ranked_node *n, size_t at,
    const struct ranked_item *item, struct err *e)
{
	if (n->n == n->size && reserve(a, n, n->n + n->n / 2 + 2, e) != 0)
		return -1;
	memmove(n->items + at + 1, n->items + at, (n->n - at) * sizeof(*item));
	n->items[at] = *item;
	n->n++;
	return 0;
}

int
ranked_node_insert_kid(
    struct arena *a, struct ranked_node *n, size_t at, const struct ranked_kid *kid, struct err *e)
{
	if (n->n == n->size && reserve(a, n, n->n + n->n / 2 + 2, e) != 0)
		return -1;
	memmove(n->kids + at + 1, n->kids + at, (n->n - at) * sizeof(*kid));
	n->kids[at] = *kid;
	n->n++;
	return 0;
}

void
ranked_node_remove(struct ranked_node *n, size_t at)
{
	n->n--;
	if (n->level == 0)
		memmove(n->items + at, n->items + at + 1, (n->n - at) * sizeof(*n->items));
	else
		memmove(n->kids + at, n->kids + at + 1, (n->n - at) * sizeof(*n->kids));
}

static void
copy_members(struct ranked_node *to, const struct ranked_node *from, size_t first, size_t n)
{
	if (to->level == 0)
		memcpy(to->items + to->n, from->items + first, n * sizeof(*to->items));
	else
		memcpy(to->kids + to->n, from->kids + first, n * sizeof(*to->kids));
	to->n += n;
}

/* Where the bytes in front of the cut become half of all; children by their number. */
static size_t
middle(const struct ranked_node *n)
{
	size_t half = ranked_node_size(n) / 2, size = 0, i = 0;

	if (n->level > 0)
		return n->n / 2;
	while (i < n->n - 1 && (size += member_size(n, i)) < half)
		i++;
	return i > 0 ? i : 1;
}

/* The shortest text that is greater than the one and not greater than the other. */
static struct str
separator(struct str left, struct str right)
{
	size_t same = 0;

	while (same < left.n && same < right.n && left.p[same] == right.p[same])
		same++;
	return (struct str){right.p, same < right.n ? same + 1 : right.n};
}

struct ranked_node *
ranked_node_split(
    struct arena *a, struct ranked_node *n, bool append, struct str *sep, struct err *e)
{
	size_t at = append ? n->n - 1 : middle(n);
	struct ranked_node *right = ranked_node_new(a, n->level, n->n - at, e);

	if (right == NULL)
		return NULL;
	copy_members(right, n, at, n->n - at);
	n->n = at;
	*sep = n->level > 0 ? right->kids[0].sep : separator(n->items[at - 1].key, right->items[0].key);
	return right;
}

struct ranked_node *
ranked_node_join(
    struct arena *a, const struct ranked_node *l, const struct ranked_node *r, struct err *e)
{
	struct ranked_node *n = ranked_node_new(a, l->level, l->n + r->n, e);

	if (n == NULL)
		return NULL;
	copy_members(n, l, 0, l->n);
	copy_members(n, r, 0, r->n);
	return n;
}

void
ranked_node_key(struct key *k, const struct ranked *r, unsigned level, const struct ranked_kid *kid)
{
	size_t n = kid->sep.n < NODE_HINT ? kid->sep.n : NODE_HINT;

	key_kind(k, r->tenant, r->owner, r->kind);
	k->bytes[k->n++] = (char)level;
	if (n > 0)
		memcpy(k->bytes + k->n, kid->sep.p, n);
	k->n += n;
	put32(k->bytes + k->n, kid->id);
	k->n += 4;
}

struct ranked_node *
ranked_node_child(
    struct arena *a, struct str raw, unsigned level, const struct ranked_kid *kid, struct err *e)
{
	struct ranked_node *n = ranked_node_decode(a, raw, e);

	if (n == NULL)
		return NULL;
	n->id = kid->id;
	return n->level == level && ranked_node_count(n) == kid->count ? n : broken(e);
}
