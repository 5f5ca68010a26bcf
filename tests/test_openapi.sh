#!/bin/bash
# SPDX-License-Identifier: ISC
# docs/openapi.json and docs/api.md are what the tables make of them now, and say what is true.
#   test_openapi.sh BUILD
set -u
build=${1:?usage: test_openapi.sh BUILD}
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
"$build/gen_api" "$dir" || exit 1
for f in openapi.json api.md; do
	if ! diff -u "docs/$f" "$dir/$f" >"$dir/diff"; then
		head -n 40 "$dir/diff"
		echo "test_openapi: docs/$f is not what the tables say: run make doc and commit it"
		bad=1
	fi
done
# The same bytes each time, or nobody could commit them.
mkdir "$dir/again" && "$build/gen_api" "$dir/again" || exit 1
cmp "$dir/openapi.json" "$dir/again/openapi.json" && cmp "$dir/api.md" "$dir/again/api.md" || bad=1
tests/openapi/check.py --self-test "$dir/openapi.json" || bad=1
[ $bad = 0 ] && echo "test_openapi: fine"
exit $bad
