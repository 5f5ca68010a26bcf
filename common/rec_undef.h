/* SPDX-License-Identifier: ISC */
/* Ends a pass over a .def table. No include guard: each pass needs it. */
#undef ENUM
#undef VAL
#undef ENUM_END
#undef RECORD
#undef RECORD_END
#undef BOOL
#undef INT
#undef STR
#undef BIN
#undef ENU
#undef SUB
#undef LIST
#undef STRS
#undef INTS
#undef GONE
