/* SPDX-License-Identifier: ISC */
/* Gives every macro of a .def table that a pass has not defined an empty meaning, before the
 * table is included. No include guard: each pass needs it. */
#ifndef ENUM
#define ENUM(e, ...)
#endif
#ifndef VAL
#define VAL(e, name, number, text)
#endif
#ifndef ENUM_END
#define ENUM_END(e)
#endif
#ifndef RECORD
#define RECORD(r, ...)
#endif
#ifndef RECORD_END
#define RECORD_END(r)
#endif
#ifndef BOOL
#define BOOL(r, tg, m, fl, ...)
#endif
#ifndef INT
#define INT(r, tg, m, fl, ...)
#endif
#ifndef STR
#define STR(r, tg, m, fl, ...)
#endif
#ifndef BIN
#define BIN(r, tg, m, fl, ...)
#endif
#ifndef ENU
#define ENU(r, tg, m, e, fl, ...)
#endif
#ifndef SUB
#define SUB(r, tg, m, s, fl, ...)
#endif
#ifndef LIST
#define LIST(r, tg, m, s, fl, ...)
#endif
#ifndef STRS
#define STRS(r, tg, m, fl, ...)
#endif
#ifndef INTS
#define INTS(r, tg, m, fl, ...)
#endif
#ifndef GONE
#define GONE(r, tg)
#endif
