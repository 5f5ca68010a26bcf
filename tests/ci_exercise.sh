#!/bin/bash
# SPDX-License-Identifier: ISC
# The exercise of docs/adding-a-resource.md, done: its code is taken from that page, put into a
# copy of the tree with the golden folder of tests/exercise, built, tested, and served. One .def,
# one row, one golden folder, and no C.
#   ci_exercise.sh BUILD
set -eu
build=$(realpath "$1")
here=$PWD
dir=$(mktemp -d /tmp/tandem-exercise.XXXXXX)
runner=
finish() {
	[ -z "$runner" ] || { kill "$runner" 2>/dev/null && wait "$runner" 2>/dev/null; } || true
	rm -rf "$dir"
}
trap finish EXIT
mkdir "$dir/tree"
tar -C "$here" --exclude=./build --exclude=./.git -cf - . | tar -C "$dir/tree" -xf -
# What is built already is built again only where the tables are in it.
cp -a "$build" "$dir/tree/build"
touch "$dir/tree/build/.packages"
cd "$dir/tree"

# The page's first three blocks of C: the record, its line in all.def, the row.
block() {
	awk -v want="$1" '/^ *```c$/ { n++; inside = n == want; next } /^ *```$/ { inside = 0 } inside { sub(/^   /, ""); print }' \
		docs/adding-a-resource.md
}
block 1 >common/rec/widget.def
block 2 >>common/rec/all.def
block 3 >>common/res.def
cp -r tests/exercise/widget tests/golden/widget
grep -o '{"type":"widget".*' docs/adding-a-resource.md >>tests/authorisation.jsonl
before=$(find . -name '*.[ch]' -newer common/rec/widget.def -not -path './build*' | wc -l)
[ "$before" = 0 ] || { echo "the exercise changed C files"; exit 1; }

make -s -j2 all build/tests/test_golden build/tests/test_rec_cases \
	build/tests/test_authorisation 2>&1 | tail -n 20
GOLDEN=tests/golden build/tests/test_golden
build/tests/test_rec_cases
TANDEM_BUILD=build build/tests/test_authorisation

port=$((21000 + RANDOM % 9000))
packaging/run.sh build "$port" >"$dir/log" 2>&1 &
runner=$!
for ((i = 0; i < 150; i++)); do
	grep -q 'Tandem is running' "$dir/log" && break
	sleep 0.1
done
url=https://127.0.0.1:$port/sipxconfig/rest/my/widget
ask() { curl -ks -u 201:password "$@"; }
expect() {
	[ "$2" = "$3" ] || { echo "$1: got $2, expected $3"; tail -n 20 "$dir/log"; exit 1; }
}
expect fresh "$(ask "$url")" '<widget><label></label><sizeInMm>10</sizeInMm><colour>red</colour><tags/></widget>'
expect put "$(ask -X PUT -H 'Content-Type: application/json' -w '%{http_code}' \
	-d '{"widget":{"label":"left","sizeInMm":"20","colour":"blue"}}' "$url")" 200
expect xml "$(ask "$url")" '<widget><label>left</label><sizeInMm>20</sizeInMm><colour>blue</colour><tags/></widget>'
expect json "$(ask -H 'Accept: application/json' "$url")" \
	'{"widget":{"label":"left","sizeInMm":20,"colour":"blue","tags":[]}}'
expect bad "$(ask -X PUT -H 'Content-Type: application/json' -d '{"widget":{"sizeInMm":0}}' "$url")" \
	'{"error":"must be between 1 and 500","type":"invalid","field":"sizeInMm"}'
expect other "$(curl -ks -u 200:password "$url")" '<widget><label></label><sizeInMm>10</sizeInMm><colour>red</colour><tags/></widget>'
echo "a made-up resource was added without C, tested and served"
