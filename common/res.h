/* SPDX-License-Identifier: ISC */
/*
 * The resource table: routing, formats, ownership, limits and behaviour of
 * every resource as one row of res.def. Both processes read the same rows.
 */
#ifndef COMMON_RES_H
#define COMMON_RES_H

#include "common/rec.h"

enum res_id {
#define R(number, id, ...) RES_##id = number,
#include "common/res.def"
#undef R
	RES_END_
};

enum method {
	M_GET = 1 << 0,
	M_PUT = 1 << 1,
	M_POST = 1 << 2,
	M_DELETE = 1 << 3,
	M_HEAD = 1 << 4,    /* wherever GET is */
	M_OPTIONS = 1 << 5, /* everywhere */
	M_OTHER = 1 << 6    /* any other token */
};

enum family {
	FAM_TREE,  /* XML and JSON that mirror each other, always under a root name */
	FAM_BEAN,  /* bare JSON with nulls written */
	FAM_TEXT,  /* plain text, Accept is ignored */
	FAM_NONE,  /* no body */
	FAM_BYTES, /* a file of the type .media, passed on as it is; Accept is ignored */
	FAM_EVENTS /* records as Server-Sent Events, without an end */
};

enum format {
	FMT_NONE = 0,
	FMT_XML = 1 << 0,
	FMT_JSON = 1 << 1,
	FMT_TEXT = 1 << 2,
	FMT_CSV = 1 << 3,   /* lists alone */
	FMT_VCARD = 1 << 4, /* lists of phonebook entries alone */
	FMT_EVENTS = 1 << 5 /* FAM_EVENTS alone */
};

enum root_style {
	ROOT_DEFAULT, /* by family: FAM_TREE wrapped, FAM_BEAN bare */
	ROOT_BOTH,    /* JSON with the members twice: below the root name, and bare; either is read */
	ROOT_ITEMS    /* JSON that is the record's first field alone, a list; for answers */
};

enum shape {
	SHAPE_SINGLE,     /* one record per owner */
	SHAPE_COLLECTION, /* numbered records of an owner: list, create */
	SHAPE_ITEM,       /* one of them, by {id} */
	SHAPE_CUSTOM,     /* code of its own (backend/hooks.c) */
	SHAPE_PING        /* answered as soon as the caller is known */
};

enum access {
	ACCESS_SELF,   /* the user of the credentials; all data are that user's */
	ACCESS_PUBLIC, /* no credentials needed */
	ACCESS_ADMIN   /* needs the superadmin permission */
};

enum body_rule {
	BODY_DEFAULT, /* PUT and POST need a document; others ignore what comes */
	BODY_IGNORED, /* whatever is sent is not looked at */
	BODY_FILE     /* multipart/form-data with one part, whose content is passed on as it is */
};

/* What a request counts as against its user's budget; RATE_READ means by its method. */
enum rate_class { RATE_READ, RATE_WRITE, RATE_LOGIN };

enum { RES_BODY_MAX = 1024 * 1024, RES_ITEMS_MAX = 10000, RES_KEY_MAX = 255, RES_KEYS_MAX = 2 };

/* A parameter of the query, or of the path (its name stands there in braces); for the documents
 * alone, nothing is checked by it. A list ends with the name NULL. */
struct res_param {
	const char *name;
	enum kind kind;   /* K_STR, K_INT; K_BOOL = a name without a value */
	unsigned methods; /* that look at it; 0 = all of the row's */
	int64_t min, max; /* K_INT: value; K_STR: characters; max 0 = not said */
	const char *doc;
};
#define PARAMS(...) ((const struct res_param[]){__VA_ARGS__, {.name = NULL}})
#define ERRORS(...) ((const enum err_code[]){__VA_ARGS__, ERR_OK})

struct res {
	enum res_id number;
	const char *id;
	const char *path; /* '/'-separated; {name} is one segment */
	unsigned methods;
	enum family family;
	unsigned formats; /* offered; FAM_TREE prefers XML on a tie, FAM_BEAN JSON */
	const struct rec *record;
	const struct rec *input; /* of clients' documents, where it is another than the answers' */
	const struct rec *head;  /* before the items of a listed answer; its last field is the list */
	const char *json_root, *xml_root, *root_alias;
	enum root_style json_style;
	bool root_is_list;    /* the root stands for the only field of the input's record, a list */
	bool listed;          /* GET answers records of that kind in parts, as SHAPE_COLLECTION does */
	enum format first;    /* what wins a tie; FMT_NONE = by family */
	const char *csv_type; /* subtype of text/ for FMT_CSV; NULL = plain */
	const char *xml_namespace; /* of the root in lists; NULL = none */
	bool declaration; /* XML begins with its declaration, as a service behind the legacy server
	                   * had it */
	bool paged;       /* the location of an answer is where its next page is (Link) */
	enum shape shape;
	enum update update;
	enum access access;
	enum body_rule body;
	enum rate_class rate;
	unsigned forbidden;    /* methods that answer 403 where no numeric {id} is given */
	enum err_code invalid; /* for values that break a rule; ERR_OK = ERR_INVALID */
	enum err_code foreign; /* for items of other owners; ERR_OK = ERR_NOT_FOUND */
	size_t max_body;       /* 0 = RES_BODY_MAX */
	size_t max_items;      /* collections: per owner; 0 = RES_ITEMS_MAX */
	/* For the documents alone: parameters, and errors that nothing else in the row tells of. */
	const struct res_param *params;
	const enum err_code *errors;
	int permission;     /* 1 + enum permission_name that the caller needs, 0 = none */
	bool layered;       /* absent fields come from the user's groups by weight, then the default;
	                     * what equals those is not stored */
	bool path_value;    /* the path's parameter is the value to be stored, and names nothing */
	unsigned anonymous; /* methods that need no credentials; wrong ones are refused all the same */
	const char *media;  /* FAM_BYTES: Content-Type of answers */
	bool local;         /* answered by the gateway alone */
	bool secret;        /* path, document or answer carry secrets: in no cache, no ETag, never kept,
	                     * and logs show no such path */
	bool no_etag;       /* answers are new each time: no ETag, in no cache */
	bool no_head;       /* HEAD is refused: GET does something */
	bool no_event;      /* writes change nothing that other clients of the user would show */
	bool form;          /* '+' in a parameter of the path is a blank, as in a form */
	bool no_private;    /* not by a private key: the row changes how its user logs in */
	int compat;         /* 1 + enum compat_resource whose policy counts, 0 = none */
	const char *doc;
};

extern const struct res all_resources[];
extern const size_t all_resources_count;

const struct res *res_by_number(int64_t number);
/* The record of clients' documents, NULL = there are none. */
const struct rec *res_input(const struct res *r);
/* Whether GET answers a list. */
bool res_is_list(const struct res *r);
/* Whether that answer has no end. */
bool res_is_endless(const struct res *r);

/* Values of the parameters of a path, decoded, in the order of the path; empty = none. */
struct res_keys {
	struct str v[RES_KEYS_MAX];
	/* Of a path /private/KEY/…, which stands for /my/…; empty = none. It need not be a key. */
	struct str private_key;
};

enum { PRIVATE_KEY_LEN = 32 };
/* Whether a text has the form of a private key: 32 letters and digits. */
bool res_is_private_key(struct str s);

/* Finds the row for a path as it came (percent-encoded, without the query); *keys in the arena.
 * NULL with *e: ERR_NOT_FOUND, or ERR_BAD_REQUEST for a path that cannot be decoded (bad escapes,
 * NUL, an encoded slash, no UTF-8). */
const struct res *res_match(struct str path, struct res_keys *keys, struct arena *a, struct err *e);

/* Whether some row serves records of this kind as items that have a number of their own. */
bool record_is_numbered(const struct rec *r);
/* Whether absent fields of stored records of this kind stand for what groups and defaults say. */
bool record_is_layered(const struct rec *r);
/* A path as it came, for logs: without private keys, and without what stands behind the words that
 * a secret follows in some row, however they are spelled. In a path that has not `matched` a row
 * whatever looks like a private key is left out too. */
void res_log_path(struct str path, bool matched, struct buf *out);

enum method res_method(struct str name);
const char *res_method_name(enum method m);
/* Whether the row serves the method (HEAD with GET, OPTIONS always). */
bool res_allows(const struct res *r, enum method m);
/* Whether the row lets a request through that has no credentials at all; HEAD is as GET. */
bool res_is_anonymous(const struct res *r, enum method m);
/* Whether answers to GET have an ETag, and may be kept by the client's cache to be asked about. */
bool res_has_etag(const struct res *r);
/* "GET, PUT, HEAD, OPTIONS". */
void res_allow_header(const struct res *r, struct buf *out);

/* A number that changes with any row or field that matters between processes. */
uint64_t res_table_hash(void);

#endif
