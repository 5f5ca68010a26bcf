/* SPDX-License-Identifier: ISC */
#include "common/sink.h"

void
rec_encode_value(const struct field *f, const void *obj, struct sink *s, unsigned flags)
{
	const void *at = rec_at(f, obj);
	struct list l;

	switch (f->kind) {
	case K_BOOL:
		s->ops->boolean(s, *(const bool *)at);
		return;
	case K_INT:
		s->ops->integer(s, *(const int64_t *)at);
		return;
	case K_ENUM: {
		const char *text = enum_text(f->en, *(const int *)at);

		s->ops->enumerated(s, *(const int *)at, text != NULL ? text : "");
		return;
	}
	case K_STR:
		s->ops->text(s, *(const struct str *)at);
		return;
	case K_BIN:
		s->ops->bytes(s, *(const struct str *)at);
		return;
	case K_REC:
		rec_encode(f->sub, at, s, flags);
		return;
	default:
		break;
	}
	l = rec_list(f, obj);
	s->ops->list(s, f, l.n);
	for (size_t i = 0; i < l.n; i++) {
		if (f->kind == K_LIST)
			rec_encode(f->sub, (const char *)l.v + i * f->sub->size, s, flags);
		else if (f->kind == K_STRS)
			s->ops->text(s, ((const struct str *)l.v)[i]);
		else
			s->ops->integer(s, ((const int64_t *)l.v)[i]);
	}
	s->ops->list_end(s);
}

enum shown { HIDDEN, SHOWN, AS_NULL };

static enum shown
how(const struct rec *r, size_t i, uint64_t has, const struct sink *s, unsigned flags)
{
	const struct field *f = &r->f[i];

	if ((f->flags & F_SECRET) != 0 && (flags & ENCODE_SECRETS) == 0)
		return HIDDEN;
	if ((has >> i & 1) != 0)
		return SHOWN;
	return (flags & ENCODE_NULLS) != 0 && s->ops->has_nulls && !r->sparse ? AS_NULL : HIDDEN;
}

void
rec_encode_members(const struct rec *r, const void *obj, struct sink *s, unsigned flags)
{
	uint64_t has = rec_has(obj);

	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];
		enum shown shown = how(r, i, has, s, flags);

		for (int also = 0; also < 2 && shown != HIDDEN; also++) {
			if (also == 1 && ((flags & ENCODE_ALSO) == 0 || f->json_also == NULL))
				break;
			s->ops->key(s, f, also == 1);
			if (shown == AS_NULL)
				s->ops->null(s);
			else
				/* A second name is for the document's own members alone. */
				rec_encode_value(f, obj, s, flags & ~(unsigned)ENCODE_ALSO);
		}
	}
}

void
rec_encode(const struct rec *r, const void *obj, struct sink *s, unsigned flags)
{
	uint64_t has = rec_has(obj);
	size_t n = 0;

	for (size_t i = 0; i < r->nf; i++)
		n += how(r, i, has, s, flags) != HIDDEN;
	s->ops->map(s, n);
	rec_encode_members(r, obj, s, flags);
	s->ops->map_end(s);
}
