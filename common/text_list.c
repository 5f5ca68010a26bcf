/* SPDX-License-Identifier: ISC */
/* Answers that are lists, piece by piece. */
#include "common/csv_record.h"
#include "common/csv_write.h"
#include "common/entry_card.h"
#include "common/sink.h"
#include "common/text.h"
#include "common/vcard_write.h"

/* The list behind the members of the head. */
static const struct field *
items_of(const struct res *r)
{
	return &r->head->f[r->head->nf - 1];
}

void
text_list_begin(const struct res *r, enum format fmt, bool empty, struct buf *out)
{
	if (fmt == FMT_XML) {
		if (r->declaration)
			buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
		buf_printf(out, "<%s", r->xml_root);
		if (r->xml_namespace != NULL)
			buf_printf(out, " xmlns=\"%s\"", r->xml_namespace);
		buf_adds(out, empty ? "/>" : ">");
	} else if (fmt == FMT_CSV && r->record != &rec_entry) {
		csv_record_head(r->record, out);
	} else if (fmt == FMT_CSV) {
		csv_write_head(out);
	}
	if (fmt == FMT_JSON)
		buf_printf(out, r->family == FAM_TREE ? "{\"%s\":[" : "[", r->json_root);
}

void
text_list_head(const struct res *r, enum format fmt, const void *head, bool empty, struct buf *out)
{
	struct sink s;

	if (fmt == FMT_XML) {
		xml_sink_init(&s, out, r->xml_root);
		buf_printf(out, "<%s>", r->xml_root);
		rec_encode_members(r->head, head, &s, 0);
		buf_printf(out, empty ? "<%s/>" : "<%s>", field_xml(items_of(r)));
		return;
	}
	buf_printf(out, "{\"%s\":{", r->json_root);
	json_sink_init(&s, out);
	s.depth = 1;
	rec_encode_members(r->head, head, &s, ENCODE_ALSO);
	buf_printf(out, "%s\"%s\":[", s.comma[0] ? "," : "", field_json(items_of(r)));
}

/* <phonebook name="…"/>: the legacy server's form of a list of names. */
static void
as_attributes(const struct rec *r, const void *obj, struct buf *out)
{
	uint64_t has = rec_has(obj);

	buf_printf(out, "<%s", r->xml != NULL ? r->xml : r->name);
	for (size_t i = 0; i < r->nf; i++) {
		if ((has >> i & 1) == 0)
			continue;
		buf_printf(out, " %s=\"", field_xml(&r->f[i]));
		xml_text(out, *(const struct str *)rec_at(&r->f[i], obj));
		buf_addc(out, '"');
	}
	buf_adds(out, "/>");
}

void
text_list_item(const struct res *r, enum format fmt, size_t count, const void *obj, struct buf *out)
{
	struct sink s;
	struct card card;

	if (fmt == FMT_CSV && r->record != &rec_entry) {
		csv_record_row(r->record, obj, out);
	} else if (fmt == FMT_CSV || fmt == FMT_VCARD) {
		entry_to_card(obj, &card);
		if (fmt == FMT_CSV)
			csv_write_card(out, &card);
		else
			vcard_write(out, &card);
	} else if (fmt == FMT_XML && r->record->attributes) {
		as_attributes(r->record, obj, out);
	} else if (fmt == FMT_XML) {
		xml_sink_init(&s, out, r->record->xml != NULL ? r->record->xml : r->record->name);
		rec_encode(r->record, obj, &s, 0);
	} else {
		if (count > 0)
			buf_addc(out, ',');
		json_sink_init(&s, out);
		rec_encode(r->record, obj, &s, r->family == FAM_TREE ? 0 : ENCODE_NULLS | ENCODE_ALSO);
	}
}

void
text_list_end(const struct res *r, enum format fmt, bool empty, struct buf *out)
{
	if (fmt == FMT_XML) {
		if (r->head != NULL && !empty)
			buf_printf(out, "</%s>", field_xml(items_of(r)));
		if (r->head != NULL || !empty)
			buf_printf(out, "</%s>", r->xml_root);
	} else if (fmt == FMT_JSON) {
		buf_adds(out, r->head != NULL ? "]}}" : r->family == FAM_TREE ? "]}" : "]");
	}
}
