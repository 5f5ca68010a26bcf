#!/bin/bash
# SPDX-License-Identifier: ISC
# Instructions of the backend for a request that names something of another user's, and for one
# that names what nobody has. Fails when they differ by more than 1 %, except where the reference
# gives them different answers on purpose and the look-ups differ with them (conferences by name).
#   ids.sh BUILD
set -eu
build=$1
dir=$(mktemp -d /tmp/tandem-ids.XXXXXX)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/out"
mkdir -m 700 "$dir/state"
# One file for each case, which says whose things were asked for and what all requests cost.
valgrind --tool=callgrind --callgrind-out-file="$dir/out/cg" "$build/tests/bench_ids" "$dir/state" \
	>"$dir/log" 2>&1 || { tail -n 20 "$dir/log"; exit 1; }
for f in "$dir"/out/cg.*; do
	sed -n 's/^desc: Trigger: Client Request: //p; s/^summary: //p' "$f" | paste -s -d ' '
done | sort | awk '
	NF == 6 { n[$1] = $2; status[$1, $3] = $4; rule[$1] = $5; ir[$1, $3] = $6 / $2 }
	END {
		printf "%-20s %12s %12s %8s\n", "instructions", "foreign", "unknown", "ratio"
		for (c in n) {
			if (!((c, "foreign") in ir) || !((c, "unknown") in ir)) { print c ": not measured"; exit 1 }
			ratio = ir[c, "foreign"] / ir[c, "unknown"]
			bad = rule[c] == "same" && (ratio > 1.01 || ratio < 1 / 1.01)
			failed += bad
			printf "%-20s %7d  %d %7d  %d %8.4f%s\n", c, ir[c, "foreign"], status[c, "foreign"],
				ir[c, "unknown"], status[c, "unknown"], ratio, bad ? "  FAILED: more than 1 %" : ""
			cases++
		}
		if (cases == 0) print "nothing was measured"
		exit failed > 0 || cases == 0
	}'
