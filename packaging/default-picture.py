#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Draws the picture of users who have none, as backend/avatar_default.c. Run by hand."""
import struct
import zlib

SIDE, FINE = 128, 4
BACK, FRONT = (0xD5, 0xDB, 0xE1), (0x8A, 0x97, 0xA5)


def inside(x, y):
    """A head, and shoulders that the lower edge cuts off."""
    return (x - 64) ** 2 + (y - 50) ** 2 < 23 ** 2 or ((x - 64) / 42) ** 2 + ((y - 128) / 46) ** 2 < 1


def pixel(x, y):
    n = sum(inside(x + (i + 0.5) / FINE, y + (k + 0.5) / FINE) for i in range(FINE) for k in range(FINE))
    part = n / FINE ** 2
    return bytes(round(b + (f - b) * part) for b, f in zip(BACK, FRONT)) + b"\xff"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


rows = [b"".join(pixel(x, y) for x in range(SIDE)) for y in range(SIDE)]
# Each row as its difference from the one above.
above, lines = bytes(SIDE * 4), b""
for row in rows:
    lines += b"\x02" + bytes((a - b) & 255 for a, b in zip(row, above))
    above = row
png = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)) +
       chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))
print("/* SPDX-License-Identifier: ISC */")
print("/* Drawn by packaging/default-picture.py. */")
print('#include "backend/avatar_default.h"\n')
print("/* clang-format off */")
print("static const unsigned char png[] = {")
for i in range(0, len(png), 16):
    print("\t" + " ".join("0x%02x," % b for b in png[i:i + 16]))
print("};\n/* clang-format on */\n")
print("struct str\navatar_default(void)\n{\n\treturn (struct str){(const char *)png, sizeof(png)};\n}")
