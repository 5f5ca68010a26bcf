#!/bin/bash
# SPDX-License-Identifier: ISC
# make bench-phonebook: 1,000 users with 100 private entries each and a shared book of 5,000. Import,
# search beside an authenticated GET in an open loop, pages, and memory, in one run.
#   phonebook.sh BUILD [SECONDS] [IMPORTED]
set -u
build=$1 seconds=${2:-5} imported=${3:-100000}
. tests/bench/server.sh
server_make
start_backend
await_backend

echo "loading 1,000 users, their 100,000 entries and a shared book of 5,000"
awk 'function entry(owner, k) {
		printf "{\"type\":\"entry\",%s,\"record\":{\"firstName\":\"%s%d\",\"lastName\":\"%s%d\",\"number\":\"%d\"}}\n",
			owner, F[k % 20], k % 997, L[k % 17], k % 4999, 100000 + k }
	BEGIN {
	n = split("Ada Bo Cy Dee Eli Fay Gil Hal Ivy Jon Kim Lee May Ned Oda Pam Quin Ray Sue Tom", F, " ")
	split("Fox Gray Hart Irwin Jay Kerr Lane Moss Nash Owen Park Quill Reed Shaw Tate Uhl Vane", L, " ")
	print "{\"type\":\"group\",\"record\":{\"name\":\"all\",\"weight\":1}}"
	for (u = 0; u < 1000; u++) printf "{\"type\":\"user\",\"record\":{\"userName\":\"%d\",\"firstName\":\"User\",\"lastName\":\"%d\",\"groups\":[\"all\"]}}\n", 4000 + u, u
	print "{\"type\":\"phonebook\",\"record\":{\"name\":\"Shared\",\"consumers\":[\"all\"]}}"
	for (k = 0; k < 5000; k++) entry("\"book\":\"Shared\"", k)
	for (u = 0; u < 1000; u++) for (k = 0; k < 100; k++) entry("\"user\":\"" (4000 + u) "\"", 5000 + u * 100 + k)
}' >"$dir/rows.jsonl"
from=$(date +%s%N)
ctl load "$dir/rows.jsonl" >"$dir/load.out" 2>&1 || { tail -n 3 "$dir/load.out"; exit 1; }
echo "  loaded in one transaction: $((($(date +%s%N) - from) / 1000000)) ms"
echo password | ctl user password 4000 --password-stdin >/dev/null || exit 1
start_gateway
session

# Queries of at most 25 hits: whole numbers, and a first and last name with their figures.
queries=()
for ((k = 0; k < 40; k++)); do
	queries+=("$base/my/search/phonebook?query=$((100000 + k * 123))")
	queries+=("$base/my/search/phonebook?query=Dee$(((k * 20 + 3) % 997))")
done
hits=$(curl -ks -H "Authorization: Bearer $token" -H 'Accept: application/json' "${queries[1]}" | grep -o '"number"' | wc -l)
echo "search: closed loop, then open loop at half of that, beside GET /my/callfwd at the same rate"
echo "  (one query: $hits hits)"
open() { "$build/tests/bench_open" "$@"; }
for round in 1 2 3; do
	read -r peak rest < <(open 0 "$seconds" 32 "$token" "${queries[@]}")
	half=$((peak / 2))
	read -r s_rps s50 s99 smax sfail sbytes < <(open $half "$seconds" 64 "$token" "${queries[@]}")
	read -r g_rps g50 g99 gmax gfail gbytes < <(open $half "$seconds" 64 "$token" "$base/my/callfwd")
	awk "BEGIN { printf \"  round $round: peak $peak/s; at $half/s search p50 $s50 p99 $s99 max $smax ms ($sfail failed), GET p50 $g50 p99 $g99 max $gmax ms ($gfail failed): p99 ratio %.2f\n\", $s99 / $g99 }"
done

pss() { awk '/^Pss:/ { s += $2 } END { printf "%d", s }' /proc/"$1"/smaps_rollup 2>/dev/null; }
tree_of() {
	local p
	echo "$1"
	for p in $(cat /proc/"$1"/task/*/children 2>/dev/null); do tree_of "$p"; done
}
sum_pss() { local s=0 p; for p in $(tree_of $gateway) $(tree_of $backend); do s=$((s + $(pss "$p"))); done; echo "$((s / 1024)) MiB"; }
echo "memory of all processes (PSS) at that size: $(sum_pss)"

echo "import of $imported contacts, each batch durable"
awk -v n="$imported" 'BEGIN { print "First Name,Last Name,Number"
	for (k = 0; k < n; k++) printf "First%d,Last%d,%d\n", k % 9973, (k * 7919) % 100003, 9000000 + k }' >"$dir/import.csv"
from=$(date +%s%N)
ctl import phonebook --user 4001 "$dir/import.csv" >"$dir/import.out" 2>&1 || { tail -n 3 "$dir/import.out"; exit 1; }
took=$((($(date +%s%N) - from) / 1000000))
echo "  $took ms, $((imported * 1000 / took)) per second"
echo password | ctl user password 4001 --password-stdin >/dev/null || exit 1
big=$(curl -ks -u 4001:password -X POST "$base/session" | sed 's/.*"token":"\([^"]*\)".*/\1/')
# Four times on one connection; the first has the handshakes in it and is not printed.
ask() {
	curl -ks -w '%{time_total} s, %{size_download} bytes, status %{http_code}\n' -H "Authorization: Bearer $1" \
		-H 'Accept: application/json' -o "$dir/out" "$2" -o "$dir/out" "$2" -o "$dir/out" "$2" -o "$dir/out" "$2" |
		sed 1d | paste -sd ';' | sed 's/;/; /g'
}
for q in 'start=0&end=100' "start=$((imported / 2))&end=$((imported / 2 + 100))" 'start=0&end=100&filter=last99' 'start=0&end=100&filter=nothing-is-so'; do
	echo "  page $q: $(ask "$big" "$base/my/pagedphonebook?$q")"
done
echo "  whole book: $(ask "$big" "$base/my/phonebook")"
echo "memory of all processes (PSS) afterwards: $(sum_pss)"
