/* SPDX-License-Identifier: ISC */
/*
 * The generator of docs/openapi.json and docs/api.md: what its parts share. It
 * reads the tables of common/ and the golden documents, and nothing else, so
 * that the same tree always gives the same bytes.
 */
#ifndef DOCS_GEN_H
#define DOCS_GEN_H

#include <jansson.h>

#include "common/buf.h"
#include "common/res.h"

enum { GEN_TEXT_MAX = 16 * 1024 * 1024 };

/* --- helpers (gen_api.c): whatever fails ends the program with a message ------------------- */
void gen_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* json_object_set_new() that cannot fail; gen_text() is a JSON text of a format. */
void gen_set(json_t *object, const char *key, json_t *value);
void gen_append(json_t *array, json_t *value);
json_t *gen_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* {"$ref": "#/components/SECTION/NAME"} */
json_t *gen_ref(const char *section, const char *name);
/* "CALLFWDSCHED_ID" and "clock_time" as "CallfwdschedId" and "ClockTime". */
void gen_pascal(const char *name, char *ret, size_t size);

/* --- what a row answers (gen_status.c) ------------------------------------------------------ */
/* Methods in the order of documents; a row's own come first. */
extern const enum method gen_methods[];
extern const size_t gen_methods_count;
/* Whether the request must have a document, and whether a success has one. */
bool gen_reads(const struct res *r, enum method m);
bool gen_answers(const struct res *r, enum method m);
/* Whether the method may answer with this error; the file's head has the rules. */
bool gen_may_fail(const struct res *r, enum method m, enum err_code code);
/* Whether the answer has a validator that conditional requests can name. */
bool gen_has_etag(const struct res *r, enum method m);
bool gen_takes_if_match(const struct res *r, enum method m);
bool gen_takes_key(const struct res *r, enum method m);
/* Whether any error of that HTTP status is possible. */
bool gen_has_status(const struct res *r, enum method m, int status);
/* The next status of the error table above `after`, 0 at the end. */
int gen_next_status(int after);
/* "BadRequest" for 400; statuses without a standard phrase are "Status747". */
void gen_status_name(int status, char *ret, size_t size);

/* --- formats -------------------------------------------------------------------------------- */
/* Media types of a row's documents, the preferred one first. 0 = no further one. */
enum { GEN_MEDIA_MAX = 8 };
struct gen_media {
	const char *type;
	enum format format;
};
size_t gen_media(const struct res *r, bool input, struct gen_media ret[GEN_MEDIA_MAX]);

/* --- examples from tests/golden (gen_example.c) ---------------------------------------------- */
struct gen_example {
	char name[64];    /* of the file, without its ending */
	struct str text;  /* the document */
	struct err error; /* bad*: how it is refused */
	enum format input;
};
enum { GEN_EXAMPLES_MAX = 32 };
struct gen_examples {
	struct gen_example v[GEN_EXAMPLES_MAX];
	size_t n;
	struct arena arena;
};
/* Answers (get*) in one format. */
void gen_example_answers(const struct res *r, enum format fmt, struct gen_examples *ret);
/* Documents that are accepted (put*): only those that a client need not write better, which is
 * every one that comes out the same when it is read and written again. When there is none, the
 * first one is written anew, from the other format if need be. */
void gen_example_inputs(const struct res *r, enum format fmt, struct gen_examples *ret);
/* Documents that are refused with the status (bad*), each with its error. */
void gen_example_errors(const struct res *r, int status, struct gen_examples *ret);
void gen_examples_free(struct gen_examples *x);

/* --- documents ------------------------------------------------------------------------------- */
enum gen_use {
	GEN_ANSWER, /* as it is answered */
	GEN_INPUT,  /* as a client sends it */
	GEN_UPDATE  /* the same, where absent members stay as they are */
};
struct gen_form {
	bool xml;
	bool nulls; /* absent members are there, as null */
	enum gen_use use;
};
/* A reference to the component of a record in a form, which goes into `schemas`. */
json_t *gen_record(json_t *schemas, const struct rec *r, struct gen_form form);
/* The schema of one member, and whether documents of that use have it. */
json_t *gen_property(
    json_t *schemas, const struct rec *r, const struct field *f, struct gen_form form);
bool gen_shows(const struct field *f, enum gen_use use);
/* The schema of a row's whole document; records that it needs go into `schemas`. */
json_t *gen_document(
    json_t *schemas, const struct res *r, enum method m, enum format fmt, enum gen_use use);
enum gen_use gen_input_use(const struct res *r);

/* A parameter, and those in the row's path (gen_param.c). */
json_t *gen_parameter(const struct res_param *p, bool in_path);
json_t *gen_path_parameters(const struct res *r);
/* The operations of a row (gen_operation.c). */
json_t *gen_path_item(json_t *components, const struct res *r);
/* Responses for statuses of errors, and what they consist of. */
void gen_common(json_t *components);
json_t *gen_openapi(void);

/* A text between the bars of a table (a bar in it would end the cell). */
void gen_cell(struct buf *out, const char *s);
/* The table of a record's members, with its name unless it is `top`; and that of a record with
 * those of the records in it (gen_members.c). */
void gen_member_table(
    struct buf *out, const struct res *r, const struct rec *record, const struct rec *top);
void gen_members(struct buf *out, const struct res *r, const struct rec *top);
void gen_markdown(struct buf *out);

#endif
