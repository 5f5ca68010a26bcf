#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What our vCard reader says, compared with python3-vobject over generated cards.

usage: vcard_oracle.py TEST_VCARD [CARDS [SEED]]

Cards in versions 3.0 and 4.0 with folding, escapes, groups and parameters are read by both; each
value that docs/vcard.md promises is derived from vobject's parts and compared. Then our export of
the same cards is read by vobject and compared again.
"""
import json
import logging
import random
import re
import subprocess
import sys
import tempfile

import vobject

PIECES = ["a", "Bo", " ", ",", ";", "\\", ":", "\"", "'", "\n", "=", "^", "%", "Mü", "漢", "😀",
          "x-y", "é" * 9, "long word " * 8]


def text(r, empty=True):
    n = r.randint(0 if empty else 1, 8)
    s = "".join(r.choice(PIECES) for _ in range(n)).strip()
    return s if s or empty else "x"


def escape(s):
    s = s.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return s.replace("\n", "\\n")


def fold(r, line):
    """Folds at random places, also within a character: readers unfold bytes."""
    raw, out = line.encode(), b""
    while len(raw) > 1 and r.random() < 0.6:
        n = r.randint(1, min(len(raw) - 1, 70))
        while raw[n] & 0xC0 == 0x80:
            n -= 1
        if n == 0:
            break
        out += raw[:n] + r.choice([b"\r\n ", b"\n\t", b"\n "])
        raw = raw[n:]
    return out + raw + r.choice([b"\r\n", b"\n"])


def case(r, s):
    return "".join(r.choice([c.upper(), c.lower()]) for c in s)


def params(r, types):
    out = []
    if types and r.random() < 0.3:
        out = [case(r, "type") + "=" + case(r, ",".join(types))]
    elif types and r.random() < 0.3:
        out = ["TYPE=" + ",".join('"%s"' % t for t in types)]
    else:
        out = ["TYPE=" + case(r, t) for t in types]
    if r.random() < 0.2:
        out.insert(r.randint(0, len(out)), r.choice(["X-A=b", 'X-A="b:c;d,e"', "LANGUAGE=de"]))
    return "".join(";" + p for p in out)


def group(r):
    return r.choice(["", "", "", "item%d." % r.randint(1, 9)])


def make_card(r):
    lines = ["BEGIN:VCARD", "VERSION:" + r.choice(["3.0", "3.0", "4.0"])]
    body = ["FN:" + escape(text(r, False))]
    if r.random() < 0.9:
        body.append("N:" + ";".join(escape(text(r)) for _ in range(r.choice([2, 5]))))
    if r.random() < 0.6:
        body.append("ORG:" + ";".join(escape(text(r)) for _ in range(r.randint(1, 3))))
    if r.random() < 0.6:
        body.append("TITLE:" + escape(text(r)))
    for _ in range(r.randint(0, 4)):
        kinds = r.choice([["WORK"], ["HOME"], ["CELL"], ["FAX"], ["HOME", "FAX"], [], ["VOICE"],
                          ["WORK", "PREF"], ["CELL", "VOICE"]])
        body.append("TEL%s:%d" % (params(r, kinds), r.randint(1, 10 ** 9)))
    for _ in range(r.randint(0, 3)):
        kinds = r.choice([["WORK"], ["HOME"], [], ["PREF"], ["INTERNET"]])
        body.append("EMAIL%s:u%d@ex.example" % (params(r, kinds), r.randint(1, 999)))
    for kind in r.sample(["HOME", "WORK"], r.randint(0, 2)):
        body.append("ADR%s:%s" % (params(r, [kind]),
                                  ";".join(escape(text(r)) for _ in range(7))))
    if r.random() < 0.3:
        body.append("NOTE:" + escape(text(r)))
    r.shuffle(body)
    lines += [group(r) + case(r, b.split(":")[0].split(";")[0]) + b[len(b.split(":")[0].split(";")[0]):]
              for b in body]
    lines.append("END:VCARD")
    return b"".join(fold(r, line) if line[:3] not in ("BEG", "END", "VER") else
                    line.encode() + b"\r\n" for line in lines)


def joined(v):
    """vobject splits at unescaped commas, of which the cards have none."""
    return (v if isinstance(v, str) else ",".join(v)).strip()


def types(line):
    return {t.upper() for v in line.params.get("TYPE", []) for t in v.split(",")}


def best(lines, wanted, empty=False):
    """The preferred one, then one for work, then the first. `empty`: also one without a value, if
    it is preferred."""
    lines = [x for x in lines if wanted(types(x)) and
             (x.value.strip() or (empty and "PREF" in types(x)))]
    lines = sorted(lines, key=lambda x: ("PREF" not in types(x), "WORK" not in types(x)))
    return lines[0] if lines else None


def value(line):
    return line.value.strip() if line is not None else ""


def expected(card):
    c, want = card.contents, {}
    name = c["n"][0].value if "n" in c else None
    want["last-name"] = joined(name.family) if name else ""
    want["first-name"] = joined(name.given) if name else ""
    if not want["last-name"] and not want["first-name"]:
        words = re.match(r"(.*?)([^ \n]*)$", c["fn"][0].value.strip(), re.DOTALL)
        want["last-name"], want["first-name"] = words[2], words[1].strip()
    org = c["org"][0].value if "org" in c else []
    want["companyName"] = org[0].strip() if org else ""
    want["jobDept"] = org[1].strip() if len(org) > 1 else ""
    want["jobTitle"] = value(c["title"][0]) if "title" in c else ""
    tels = c.get("tel", [])
    want["faxNumber"] = value(best(tels, lambda t: "FAX" in t))
    tels = [x for x in tels if "FAX" not in types(x)]
    want["cellPhoneNumber"] = value(best(tels, lambda t: "CELL" in t))
    want["homePhoneNumber"] = value(best(tels, lambda t: "HOME" in t and "CELL" not in t))
    want["number"] = value(best(tels, lambda t: not t & {"CELL", "HOME"}) or
                           best(tels, lambda t: True))
    mails = c.get("email", [])
    first = best(mails, lambda t: "HOME" not in t, True)
    other = best(mails, lambda t: "HOME" in t) or \
        best([m for m in mails if m is not first], lambda t: "HOME" not in t)
    want["emailAddress"], want["alternateEmailAddress"] = value(first), value(other)
    for kind, field in (("HOME", "homeAddress"), ("WORK", "officeAddress")):
        adr = [x.value for x in c.get("adr", []) if kind in types(x)]
        for ours, part in (("street", "street"), ("city", "city"), ("state", "region"),
                           ("zip", "code"), ("country", "country")):
            want[field + "." + ours] = joined(getattr(adr[0], part)) if adr else ""
        if kind == "WORK":
            want[field + ".officeDesignation"] = \
                (joined(adr[0].box) or joined(adr[0].extended)) if adr else ""
    return want


def run(program, mode, data):
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        return subprocess.run([program, mode, f.name], check=True, stdout=subprocess.PIPE).stdout


def compare(what, data, cards, got):
    bad = 0
    if len(cards) != len(got):
        print("%s: vobject reads %d cards, we read %d" % (what, len(cards), len(got)))
        return 1
    for source, card, ours in zip(data, cards, got):
        if ours is None:
            print("%s: refused:\n%s" % (what, source.decode()))
            bad += 1
            continue
        for field, want in expected(card).items():
            if ours[field] != want:
                print("%s: %s: vobject %r, we %r\n%s" % (what, field, want, ours[field],
                                                         source.decode()))
                bad += 1
    return bad


def main():
    logging.disable(logging.CRITICAL)
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 2426)
    data = [make_card(r) for _ in range(count)]
    stream = b"".join(data)
    got = [json.loads(x) for x in run(program, "--json", stream).split(b"\n") if x]
    cards = [vobject.readOne(x.decode()) for x in data]
    bad = compare("read", data, cards, got)
    # The other way round: what we write, vobject reads. Cards end with an empty line.
    export = run(program, "--write", stream).decode()
    data = [x + "\n" for x in export.split("\n\n")[:-1]]
    bad += compare("written", [x.encode() for x in data], [vobject.readOne(x) for x in data], got)
    print("vCard oracle: %d cards each way, %d differences" % (count, bad))
    return 1 if bad or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
