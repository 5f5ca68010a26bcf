/* SPDX-License-Identifier: ISC */
/*
 * msgpack (the specification of 2013, with bin). Reading is our own bounded
 * cursor, straight into typed records: nothing is allocated by an announced
 * count, the depth is limited, extension types and trailing bytes are errors.
 * Writing is msgpack-c's packer (see sink.h).
 */
#ifndef COMMON_MP_H
#define COMMON_MP_H

#include "common/src.h"

enum { MP_DEPTH_MAX = 16 };

struct mp_frame {
	uint64_t left; /* members or items still to come */
	bool map;
};

struct mp_src {
	struct src src;
	const unsigned char *p, *end;
	struct mp_frame frames[MP_DEPTH_MAX];
	size_t depth;
};

/* Texts and bytes of what is decoded point into `bytes`. */
void mp_src_init(struct mp_src *m, struct str bytes);
/* Whether everything has been read. */
bool mp_src_at_end(const struct mp_src *m);
/* The bytes not read yet. */
struct str mp_src_rest(const struct mp_src *m);

/* One whole record and nothing behind it. */
int mp_decode(const struct rec *r, void *obj, struct str bytes, enum decode_mode mode,
    struct arena *a, struct err *e);

#endif
