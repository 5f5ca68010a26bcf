#!/bin/bash
# SPDX-License-Identifier: ISC
# Lists the vectors of the references that no test runs: there must be none.
set -u
cd "$(dirname "$0")/.." || exit 1
have=$(mktemp)
trap 'rm -f "$have"' EXIT
sed -n 's/^case \([^ ]*\).*/\1/p' tests/conformance/cases/*.case >"$have"
missing=0 count=0 live=0
while read -r id kind; do
	case $id in '#'* | '') continue ;; esac
	if [ "$kind" = live ]; then
		live=$((live + 1))
		continue
	fi
	count=$((count + 1))
	grep -qE "^$id(\$|[-a-z])" "$have" && continue
	grep -qE "/\\* .*\\b$id\\b" tests/*.c && continue
	echo "not run: $id"
	missing=$((missing + 1))
done <tests/conformance/vectors.txt
echo "test_vectors_run: $count vectors, $missing not run; $live of later releases"
[ "$count" -gt 200 ] && [ $missing = 0 ]
