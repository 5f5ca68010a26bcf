/* SPDX-License-Identifier: ISC */
/*
 * Records described as data. A record is declared once, in a .def table (see
 * rec/all.def and docs/adding-a-resource.md); rec_decl.h makes its struct and
 * rec_impl.h its descriptor from the same lines, so that offset and type cannot
 * disagree. Handlers use the plain structs; the walkers below use descriptors.
 *
 * Presence: bit <record>_F_<field> of `has` says that a field is there. A field
 * whose bit is off has no meaning, whatever its member holds.
 */
#ifndef COMMON_REC_H
#define COMMON_REC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

enum kind {
	K_BOOL,
	K_INT,
	K_STR,  /* UTF-8 text without NUL */
	K_BIN,  /* bytes; as text hexadecimal digits */
	K_ENUM, /* int, with a table of texts */
	K_REC,  /* a record by value */
	K_LIST, /* a list of records */
	K_STRS, /* a list of texts */
	K_INTS  /* a list of integers */
};

/* What a field's absence means, and who may write it. */
enum {
	F_OPT = 0,          /* absent = no value */
	F_REQ = 1 << 0,     /* absent = an error */
	F_KEEP = 1 << 1,    /* absent = the stored value stays, also where updates replace */
	F_DFLT = 1 << 2,    /* absent = .dflt, .sdflt, an empty record or list */
	F_RDONLY = 1 << 3,  /* what a client sends is ignored; the stored value stays */
	F_DERIVED = 1 << 4, /* worked out for each answer, never stored; read-only too */
	F_SECRET = 1 << 5,  /* never in an answer, a log or a message to the gateway */
	F_NULL = 1 << 6     /* bare JSON: null is an empty list, and not its absence */
};

struct enum_val {
	int value;
	const char *text;
};

struct enum_table {
	const char *name;
	const struct enum_val *v;
	size_t n;
	const char *doc;
};

struct rec;

struct field {
	const char *name;      /* C name; its dashed or camel form outside is .wire */
	const char *wire;      /* name in JSON and XML; NULL = name */
	const char *json;      /* name in JSON where it differs */
	const char *xml;       /* name in XML where it differs */
	const char *alias;     /* further names understood on input, separated by '|' */
	const char *json_also; /* second name under which bare JSON shows the value as well */
	const char *item;      /* K_LIST, K_STRS, K_INTS: XML name of an item; NULL = the record's */
	const char *doc;
	uint16_t tag; /* number in msgpack, on the wire and on disk; never used again */
	uint16_t off;
	uint16_t kind;
	uint16_t flags;
	int64_t min, max;  /* K_INT: value; texts: characters (max 0 = 255); lists: items */
	int64_t dflt;      /* K_INT, K_ENUM, K_BOOL */
	const char *sdflt; /* K_STR; NULL = "" */
	const struct enum_table *en;
	const struct rec *sub;
	/* NULL = fine, else a phrase that says what is wrong with a text. */
	const char *(*check)(struct str);
};

struct rec {
	const char *name;
	const char *xml; /* element name of an item of this kind; NULL = name */
	const char *doc;
	uint16_t store;   /* kind in store keys; 0 = not stored */
	uint16_t version; /* of the stored form, 0 = 1 */
	bool transient;   /* neither dumped nor loaded */
	bool numbered;    /* an owner has several, each with a number of its own */
	bool closed;      /* a member of another name is an error */
	bool sparse;      /* absent members are left out where others are written as null */
	bool attributes;  /* XML: an empty element whose attributes are the fields, which are texts */
	const struct field *f;
	size_t nf;
	size_t size;
	/* Across fields: 0, or -1 with *e (path relative to the record). */
	int (*check)(const void *obj, struct err *e);
};

/* Typed access to the presence bits: REC_HAS(p, ring, number). */
#define REC_BIT(rec, field) ((uint64_t)1 << rec##_F_##field)
#define REC_HAS(p, rec, field) (((p)->has & REC_BIT(rec, field)) != 0)
#define REC_SET(p, rec, field, value) \
	((p)->field = (value), (void)((p)->has |= REC_BIT(rec, field)))
#define REC_UNSET(p, rec, field) ((void)((p)->has &= ~REC_BIT(rec, field)))

/* Untyped access for the walkers. */
void *rec_at(const struct field *f, const void *obj);
uint64_t rec_has(const void *obj);
void rec_set_has(void *obj, uint64_t has);
/* A list member of any type, as pointer and count. */
struct list {
	void *v;
	size_t n;
};
struct list rec_list(const struct field *f, const void *obj);
void rec_set_list(const struct field *f, void *obj, struct list l);
/* Bytes of one item of a list field. */
size_t rec_item_size(const struct field *f);

const struct field *rec_field_by_tag(const struct rec *r, uint32_t tag, size_t *index);
/* By JSON (xml = false) or XML name, aliases included. */
const struct field *rec_field_by_name(
    const struct rec *r, struct str name, bool xml, size_t *index);
const char *field_json(const struct field *f);
const char *field_xml(const struct field *f);
/* XML name of the items of a list field. */
const char *field_item(const struct field *f);
/* Whether a client's value for this field is ignored. */
bool field_read_only(const struct field *f);

/* Text of an enum's value, NULL for a number it does not have. */
const char *enum_text(const struct enum_table *t, int value);
bool enum_value(const struct enum_table *t, struct str text, int *ret);

/* Checks everything the table says: presence, ranges, lengths, texts, enums, record rules;
 * nested ones too. `update` = absent F_REQ fields at the top are no error (a partial update).
 * The path in *e is the field's. */
int rec_validate(const struct rec *r, const void *obj, bool update, struct err *e);

/* Gives every absent F_DFLT field its default, in nested records too. */
void rec_defaults(const struct rec *r, void *obj);

enum update { UPDATE_REPLACE, UPDATE_MERGE };
/* Applies a client's document to the stored record: read-only fields stay; absent fields stay
 * (UPDATE_MERGE, F_KEEP) or are cleared (UPDATE_REPLACE). Defaults are filled in. */
void rec_update(const struct rec *r, enum update how, void *stored, const void *input);

/* Read-only fields of *obj become those of *stored, whether there or not. */
void rec_keep_read_only(const struct rec *r, void *obj, const void *stored);

/* Fields that *to lacks, from *from; nested records are taken or left as a whole. */
void rec_fill(const struct rec *r, void *to, const void *from);
/* Unsets the fields of *obj that *other has with the same value. */
void rec_unset_equal(const struct rec *r, void *obj, const void *other);

/* Removes derived fields (before storing) or secret ones (before an answer). */
void rec_strip(const struct rec *r, void *obj, unsigned flags);

/* A copy whose texts, lists and nested records lie in the arena; `to` may be `from`. 0, or -1 when
 * memory ends, and then *to is empty. */
int rec_copy(const struct rec *r, void *to, const void *from, struct arena *a);

/* Equal in presence and value. */
bool rec_equal(const struct rec *r, const void *a, const void *b);

/* The path of an error as a client spells it: "rings[1].number". */
struct buf;
void rec_path(const struct rec *r, bool xml, const int32_t *path, size_t depth, struct buf *out);

#endif
