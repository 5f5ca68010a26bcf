/* SPDX-License-Identifier: ISC */
/* Cases made from the tables: for every field of every record, and of every resource's record with
 * all that it contains, a good document is spoilt in one way at a time, and the field's row says
 * what must come of it: an error that names the field as the client spells it, a value that is
 * unchanged, absent or coerced, or nothing at all where the field is read-only. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/rec_dev.h"
#include "common/records.h"
#include "common/sink.h"
#include "common/text.h"
#include "tests/rec_rig.h"

enum way {
	ABSENT,
	EMPTY_NULL,
	WRONG_TYPE,
	MIN,
	MAX,
	BELOW_MIN,
	ABOVE_MAX,
	LONGEST,
	TOO_LONG,
	TOO_MANY,
	TOO_FEW,
	UNKNOWN_ENUM,
	TWICE,
	UNKNOWN_MEMBER,
	WAYS
};

static const char *const way_names[] = {"absent", "null", "wrong type", "min", "max", "min - 1",
    "max + 1", "longest", "longest + 1", "too many", "too few", "unknown enum", "twice",
    "unknown member"};

/* What should come of it. */
enum want {
	NOT_MADE,  /* the way does not exist for this field or format */
	UNCHANGED, /* read, and equal to the good document */
	MISSING,   /* read, and equal but for this field */
	OTHER,     /* read, with another value in this field alone */
	REFUSED,   /* ERR_INVALID, naming the field */
	CLOSED,    /* ERR_INVALID, naming the record in which the field stands */
	MALFORMED, /* ERR_MALFORMED, naming the field */
	UNREADABLE /* ERR_MALFORMED for the document */
};

struct place {
	const struct field *f;
	const struct rec *r; /* that f belongs to */
	struct place *outer; /* NULL = top */
	bool ignored;        /* this field or one around it is read-only */
	bool rule;           /* a rule across fields may look at it */
};

static struct arena a;
static size_t made;

/* The spelled path of a place: each list's first item is taken. */
static void
spell(const struct place *p, bool xml, struct buf *out)
{
	if (p->outer != NULL) {
		spell(p->outer, xml, out);
		if (p->outer->f->kind == K_LIST)
			buf_adds(out, "[0]");
		buf_addc(out, '.');
	}
	buf_adds(out, xml ? field_xml(p->f) : field_json(p->f));
}

/* The node, and the struct, of the record in which the place's field stands. */
static struct node *
around_node(const struct place *p, struct node *top, bool xml)
{
	struct node *n = top;

	if (p->outer == NULL)
		return n;
	n = around_node(p->outer, top, xml);
	n = node_get(n, str_c(xml ? field_xml(p->outer->f) : field_json(p->outer->f)));
	return p->outer->f->kind == K_LIST ? n->first : n;
}

static void *
around_obj(const struct place *p, void *top)
{
	void *obj;

	if (p->outer == NULL)
		return top;
	obj = around_obj(p->outer, top);
	return p->outer->f->kind == K_LIST ? rec_list(p->outer->f, obj).v : rec_at(p->outer->f, obj);
}

static void
take_out(struct node *parent, struct node *n)
{
	struct node **at = &parent->first;

	parent->last = NULL;
	while (*at != NULL) {
		if (*at == n)
			*at = n->next;
		else {
			parent->last = *at;
			at = &(*at)->next;
		}
	}
}

static struct node *
new_node(enum node_kind kind, const char *name)
{
	struct node *n = node_new(&a, kind, str_c(name));

	ck_assert_ptr_nonnull(n);
	n->text = (struct str){"", 0};
	return n;
}

static void
set_text(struct node *n, bool xml, struct str s)
{
	if (!xml)
		n->kind = NODE_TEXT;
	n->text = s;
	n->first = n->last = NULL;
}

static void
set_number(struct node *n, bool xml, int64_t v)
{
	if (xml) {
		set_text(n, true, arena_printf(&a, "%" PRId64, v));
	} else {
		n->kind = NODE_INT;
		n->i = v;
	}
}

static struct str
filled(size_t n)
{
	char *p = arena_alloc(&a, n + 1);

	ck_assert_ptr_nonnull(p);
	memset(p, 'a', n);
	return (struct str){p, n};
}

static bool
is_list(const struct field *f)
{
	return f->kind == K_LIST || f->kind == K_STRS || f->kind == K_INTS;
}

static size_t
longest(const struct field *f)
{
	return f->max != 0 ? (size_t)f->max : 255;
}

/* Gives a list n items, copies of its first. */
static void
set_items(struct node *list, size_t n, const char *item, bool xml)
{
	struct node *first = list->first;

	list->first = list->last = NULL;
	while (n-- > 0) {
		struct node *c = new_node(first->kind, xml ? item : "");
		struct node *keep;

		*c = *first;
		keep = c;
		keep->next = NULL;
		node_append(list, keep);
	}
}

/* What a bare or a tree's null, or nothing, means for the field. */
static enum want
when_absent(const struct place *p)
{
	return (p->f->flags & F_REQ) != 0 ? REFUSED : MISSING;
}

/* Spoils the node; says what should come of it. */
static enum want
spoil(const struct place *p, enum way way, enum src_rules rules, bool xml, struct node *parent,
    struct node *n)
{
	const struct field *f = p->f;
	bool number = f->kind == K_INT, text = f->kind == K_STR;

	switch (way) {
	case ABSENT:
		take_out(parent, n);
		return when_absent(p);
	case EMPTY_NULL:
		if (xml)
			return NOT_MADE;
		n->kind = NODE_NULL;
		n->first = n->last = NULL;
		if (rules == RULES_BEAN && (f->flags & F_REQ) != 0 && (number || f->kind == K_BOOL))
			return number && (f->min > 0 || f->max < 0) ? REFUSED : OTHER;
		if (rules == RULES_BEAN && (f->flags & F_NULL) != 0)
			return OTHER;
		return when_absent(p);
	case WRONG_TYPE:
		if (f->kind == K_REC || is_list(f)) {
			set_text(n, xml, STR_LIT("x"));
		} else if (xml) {
			node_append(n, new_node(NODE_ELEMENT, "x"));
		} else {
			n->kind = NODE_MAP;
			n->first = n->last = NULL;
		}
		return REFUSED;
	case MIN:
	case MAX:
		if (!number)
			return NOT_MADE;
		set_number(n, xml, way == MIN ? f->min : f->max);
		return p->rule ? NOT_MADE : OTHER;
	case BELOW_MIN:
		if (!number || f->min == INT64_MIN)
			return NOT_MADE;
		set_number(n, xml, f->min - 1);
		return REFUSED;
	case ABOVE_MAX:
		if (!number)
			return NOT_MADE;
		if (f->max < INT64_MAX) {
			set_number(n, xml, f->max + 1);
			return REFUSED;
		}
		/* JSON's reader knows no such number; in a text it is one that is no integer of ours. */
		set_text(n, xml, STR_LIT("9223372036854775808"));
		return REFUSED;
	case LONGEST:
	case TOO_LONG:
		if (!text)
			return NOT_MADE;
		set_text(n, xml, filled(longest(f) + (way == TOO_LONG)));
		return way == TOO_LONG ? REFUSED : OTHER;
	case TOO_MANY:
		if (!is_list(f))
			return NOT_MADE;
		set_items(n, (size_t)f->max + 1, field_item(f), xml);
		return REFUSED;
	case TOO_FEW:
		if ((!is_list(f) && !text) || f->min < 1)
			return NOT_MADE;
		if (text)
			set_text(n, xml, filled((size_t)f->min - 1));
		else
			set_items(n, (size_t)f->min - 1, field_item(f), xml);
		return REFUSED;
	case UNKNOWN_ENUM:
		if (f->kind != K_ENUM)
			return NOT_MADE;
		set_text(n, xml, STR_LIT("No such value"));
		return REFUSED;
	case TWICE: {
		struct node *again = new_node(n->kind, "");

		*again = *n;
		again->next = NULL;
		node_append(parent, again);
		return xml ? MALFORMED : UNREADABLE;
	}
	default: {
		struct node *more = new_node(xml ? NODE_ELEMENT : NODE_LIST, "noSuchMember");

		node_append(more, new_node(xml ? NODE_ELEMENT : NODE_NULL, "x"));
		node_append(parent, more);
		return p->r->closed ? CLOSED : UNCHANGED;
	}
	}
}

static void
check_error(const struct res *res, const struct place *p, enum want want, bool xml,
    const struct err *e, const char *doc)
{
	struct buf got, named;

	ck_assert_msg(e->code == (want == REFUSED || want == CLOSED ? ERR_INVALID : ERR_MALFORMED),
	    "%s: %s", doc, err_text(e));
	buf_init(&got, 1000);
	buf_init(&named, 1000);
	rec_path(res->record, xml, e->path, e->depth, &got);
	if (want == CLOSED)
		p = p->outer;
	if (want != UNREADABLE && p != NULL)
		spell(p, xml, &named);
	ck_assert_msg(
	    str_eq(buf_str(&got), buf_str(&named)), "named \"%.*s\" for %s", (int)got.n, got.p, doc);
	buf_free(&got);
	buf_free(&named);
}

/* Copies of one document are read each time: decoding must not depend on what was before. */
static void
try_one(
    const struct res *res, enum format fmt, const struct place *p, struct str good, enum way way)
{
	bool xml = fmt == FMT_XML;
	enum src_rules rules = xml || res->family == FAM_TREE ? RULES_TREE : RULES_BEAN;
	struct node *doc = rig_read(fmt, good, &a), *top, *parent, *n;
	void *obj = arena_alloc(&a, res->record->size), *base = arena_alloc(&a, res->record->size);
	struct err e = {.depth = 0};
	struct buf b;
	enum want want;
	const char *text;
	int rc;

	ck_assert(text_read(res, fmt, good, base, &a, &e) == 0);
	top = !xml && res->family == FAM_TREE ? doc->first : doc;
	parent = around_node(p, top, xml);
	n = node_get(parent, str_c(xml ? field_xml(p->f) : field_json(p->f)));
	ck_assert_msg(n != NULL, "%s is not in the document", p->f->name);
	want = spoil(p, way, rules, xml, parent, n);
	if (want == NOT_MADE)
		return;
	if (p->ignored && want != UNREADABLE)
		want = UNCHANGED;
	made++;
	buf_init(&b, 16 << 20);
	rig_write(doc, &b);
	text = arena_printf(&a, "%s.%s %s %s: %.*s", res->record->name, p->f->name, way_names[way],
	    xml                       ? "XML"
	        : rules == RULES_TREE ? "JSON (tree)"
	                              : "JSON (bean)",
	    b.n < 900 ? (int)b.n : 900, b.p)
	           .p;
	rc = text_read(res, fmt, buf_str(&b), obj, &a, &e);
	if (rc == 0)
		rc = rec_validate(res->record, obj, false, &e);
	buf_free(&b);
	if (want >= REFUSED) {
		ck_assert_msg(rc == -1, "accepted: %s", text);
		check_error(res, p, want, xml, &e, text);
		return;
	}
	/* Another value may break a check of the row, or a rule of a record around it. */
	if ((want == OTHER && (p->f->check != NULL || p->rule) && rc != 0) ||
	    (want == MISSING && p->rule && rc != 0))
		return;
	ck_assert_msg(rc == 0, "%s: %s", err_text(&e), text);
	if (want == UNCHANGED) {
		ck_assert_msg(rec_equal(res->record, base, obj), "changed: %s", text);
		return;
	}
	ck_assert_msg(
	    (rec_has(around_obj(p, obj)) >> (p->f - p->r->f) & 1) == (want == OTHER), "%s", text);
	/* But for this field nothing may differ. */
	rec_set_has(
	    around_obj(p, base), rec_has(around_obj(p, base)) & ~((uint64_t)1 << (p->f - p->r->f)));
	rec_set_has(
	    around_obj(p, obj), rec_has(around_obj(p, obj)) & ~((uint64_t)1 << (p->f - p->r->f)));
	ck_assert_msg(rec_equal(res->record, base, obj), "more than the field changed: %s", text);
}

static void
try_fields(const struct res *res, enum format fmt, const struct rec *r, struct place *outer,
    struct str good, bool deep)
{
	for (size_t i = 0; i < r->nf; i++) {
		struct place p = {&r->f[i], r, outer, field_read_only(&r->f[i]), r->check != NULL};

		if (outer != NULL) {
			p.ignored = p.ignored || outer->ignored;
			p.rule = p.rule || outer->rule;
		}
		for (int way = 0; way < WAYS; way++)
			try_one(res, fmt, &p, good, (enum way)way);
		if (deep && (p.f->kind == K_LIST || p.f->kind == K_REC))
			try_fields(res, fmt, p.f->sub, &p, good, true);
	}
}

/* A document in which every field is present. */
static struct str
good_document(const struct res *res, enum format fmt)
{
	void *obj = arena_alloc(&a, res->record->size);
	struct buf b;
	struct sink s;
	struct str doc;

	ck_assert_int_eq(rec_random(res->record, obj, 11, RANDOM_FULL | RANDOM_XML, &a), 0);
	buf_init(&b, 1 << 20);
	if (fmt == FMT_XML)
		xml_sink_init(&s, &b, res->xml_root);
	else
		json_sink_init(&s, &b);
	if (fmt == FMT_JSON && res->family == FAM_TREE)
		buf_printf(&b, "{\"%s\":", res->json_root);
	rec_encode(res->record, obj, &s, ENCODE_SECRETS);
	if (fmt == FMT_JSON && res->family == FAM_TREE)
		buf_addc(&b, '}');
	ck_assert(!b.failed);
	doc = arena_copy(&a, buf_str(&b));
	buf_free(&b);
	return doc;
}

static void
try_resource(const struct res *res, enum format fmt, bool deep)
{
	arena_init(&a, (size_t)1 << 30);
	try_fields(res, fmt, res->record, NULL, good_document(res, fmt), deep);
	arena_free(&a);
}

START_TEST(records)
{
	const struct rec *r = all_records[_i];
	struct res tree = {.family = FAM_TREE, .record = r, .json_root = "root", .xml_root = "root"};
	struct res bean = {.family = FAM_BEAN, .record = r};

	made = 0;
	try_resource(&tree, FMT_JSON, false);
	try_resource(&tree, FMT_XML, false);
	try_resource(&bean, FMT_JSON, false);
	ck_assert_uint_ge(made, r->nf * 9);
}
END_TEST

START_TEST(resources)
{
	struct res r = all_resources[_i];

	/* A list without a document around it is for test_golden: its record has been tried alone. */
	if (res_input(&r) == NULL || r.root_is_list)
		return;
	r.record = res_input(&r);
	if ((r.formats & FMT_JSON) != 0)
		try_resource(&r, FMT_JSON, true);
	if ((r.formats & FMT_XML) != 0)
		try_resource(&r, FMT_XML, true);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rec_cases");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	text_init();
	suite_add_tcase(s, t);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, records, 0, (int)all_records_count);
	tcase_add_loop_test(t, resources, 0, (int)all_resources_count);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
