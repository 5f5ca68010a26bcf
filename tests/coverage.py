#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The branches of the codecs that no test has taken.

usage: coverage.py BUILD EXEMPT FILE...

Reads what gcov says about each FILE (a C source, relative to the tree) as built in BUILD. Prints
one line a file and one for each branch that was not taken; those that EXEMPT lists are counted
apart. Fails when a branch is neither taken nor exempt, or an exemption is not needed (any more).

A line of EXEMPT: FILE | NUMBER of branches | text of the line, without blanks around it | proof.
A line's text and not its number, so that an exemption stays with what it speaks of.
"""
import collections
import json
import os
import subprocess
import sys


def branches(build, source):
    """[(line number, taken)] of every branch of the source."""
    unit = os.path.join(build, os.path.splitext(source)[0] + ".gcda")
    if not os.path.exists(unit):
        sys.exit(f"{unit} is missing: no test has run this file")
    out = subprocess.run(["gcov", "-b", "--json-format", "--stdout", unit],
                         stdout=subprocess.PIPE, check=True).stdout
    found = []
    for document in out.decode().splitlines():
        for file in json.loads(document)["files"]:
            if file["file"] != source:
                continue
            for line in file["lines"]:
                found += [(line["line_number"], b["count"] > 0)
                          for b in line["branches"] if not b["throw"]]
    return found


def exemptions(path):
    """{(file, text): number of branches}"""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if not line.strip() or line.startswith("#"):
                continue
            # What stands between has bars of its own.
            source, number, rest = (part.strip() for part in line.split(" | ", 2))
            text, proof = (part.strip() for part in rest.rsplit(" | ", 1))
            if not proof:
                sys.exit(f"{path}: no proof for: {text}")
            found[source, text] = int(number)
    return found


def main():
    build, exempt_path, sources = sys.argv[1], sys.argv[2], sys.argv[3:]
    exempt = exemptions(exempt_path)
    sums = collections.Counter()
    gaps = []
    for source in sources:
        with open(source, encoding="utf-8") as f:
            lines = f.read().split("\n")
        counts = collections.Counter()
        missed = collections.Counter()
        for number, taken in branches(build, source):
            counts["all"] += 1
            counts["taken"] += taken
            missed[number] += not taken
        used = collections.Counter()
        for number, n in sorted(missed.items()):
            text = lines[number - 1].strip()
            free = exempt.get((source, text), 0) - used[text]
            spared = min(n, max(free, 0))
            used[text] += spared
            counts["exempt"] += spared
            if n > spared:
                gaps.append(f"{source}:{number}: {n - spared} not taken: {text}")
        for (file, text), n in exempt.items():
            if file == source and used[text] != n:
                gaps.append(f"{source}: {n} exempt, {used[text]} not taken: {text}")
        left = counts["all"] - counts["taken"] - counts["exempt"]
        print(f"{source:28} {counts['all']:5} branches {counts['taken']:5} taken "
              f"{counts['exempt']:3} exempt {left:4} not taken")
        sums.update(counts)
    gaps += [f"{file}: is not looked at, but exempt: {text}"
             for file, text in exempt if file not in sources]
    left = sums["all"] - sums["taken"] - sums["exempt"]
    print(f"{'sum':28} {sums['all']:5} branches {sums['taken']:5} taken "
          f"{sums['exempt']:3} exempt {left:4} not taken")
    print("\n".join(gaps))
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
