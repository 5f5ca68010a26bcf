#!/bin/bash
# SPDX-License-Identifier: ISC
# make bench-durable: 105,000 contacts and a million rows of call records. How much a backup slows down
# writers, in turns with and without one; how long one takes with its trial; and after kill -9 under
# writers, the time from the start of the backend to its first answer to a client whose gateway stayed.
#   durable.sh BUILD [ROUNDS] [RESTARTS]; TANDEM_ENGINE=lmdb for the other engine
set -u
build=$1 rounds=${2:-5} restarts=${3:-30}
. tests/bench/server.sh
export TANDEM_ENGINE=${TANDEM_ENGINE:-bdb}
server_make "cdr_months = 1200
engine = $TANDEM_ENGINE"
now_ms() { echo $(($(date +%s%N) / 1000000)); }

mkdir -m 700 "$dir/state"
"$build/tests/bench_cdr" fill 500000 "$dir/state" || exit 1
[ "$(id -u)" = 0 ] && chown -R tandem: "$dir/state"
start_backend
await_backend
echo password | ctl user add 4000 --password-stdin --first A --last B || exit 1
awk 'BEGIN {print "First name,Last name,Number"; for (i = 0; i < 105000; i++) printf "F%d,L%d,%d\n", i % 997, i, 100000 + i}' |
	ctl import phonebook --user 4000 --map first-name="First name" --map last-name="Last name" --map number=Number - | tail -n 1
start_gateway
session
cat >"$dir/put.lua" <<'EOF2'
wrk.method = "PUT"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"expiration":20,"rings":[{"expiration":30,"type":"If no response","enabled":true,"number":"5551212"}]}'
EOF2
writers() { # seconds: writes a second
	wrk -t1 -c8 -d"$1"s -H "Authorization: Bearer $token" -s "$dir/put.lua" "$base/my/callfwd" |
		awk '/^Requests\/sec/ {print $2}'
}

du -sh "$dir/state" | sed 's/\t.*/ of files/'
writers 2 >/dev/null
# Until the first backup of a round has begun.
await_copy() {
	local i
	for ((i = 0; i < 300; i++)); do
		compgen -G "$dir/copy/data*" >/dev/null && return
		sleep 0.1
	done
	cat "$dir/why" >&2
	exit 1
}
for ((r = 1; r <= rounds; r++)); do
	without=$(writers 5)
	rm -rf "$dir/copy"
	# A group of its own, so that the command ends with the loop: the backend makes one backup at a time.
	set -m
	(while rm -rf "$dir/copy"; ctl backup "$dir/copy" --without-keys --no-verify ${RATE:-} 2>"$dir/why"; do echo x; done >"$dir/copies") &
	copying=$!
	set +m
	await_copy
	with=$(writers 5)
	kill -0 $copying || { cat "$dir/why" >&2; exit 1; }
	kill -- -$copying; wait $copying 2>/dev/null
	# After so long LMDB takes a copy that nobody asks for to be over.
	sleep 11
	awk -v r=$r -v a="$without" -v b="$with" -v n="$(wc -l <"$dir/copies")" \
		'BEGIN {printf "round %d: %.0f writes/s, %.0f beside backups (%d ended): %.2f\n", r, a, b, n, b / a}'
done

# One whole one, with its trial.
rm -rf "$dir/copy"
from=$(now_ms)
ctl backup "$dir/copy" --without-keys >/dev/null || exit 1
echo "a backup and its trial: $((($(now_ms) - from) / 1000)) s"
rm -rf "$dir/copy"

for ((r = 0; r < restarts; r++)); do
	writers 3 >/dev/null &
	load=$!
	sleep 1.$((RANDOM % 9))
	kill -9 $backend; wait $backend 2>/dev/null
	from=$(now_ms)
	start_backend
	until curl -ksf -m 2 -o /dev/null -H "Authorization: Bearer $token" "$base/my/callfwd"; do sleep 0.01; done
	echo $(($(now_ms) - from))
	wait $load
done >"$dir/unsorted"
sort -n "$dir/unsorted" >"$dir/times"
awk '{t[NR] = $1} END {printf "%d restarts after kill -9: first answer p50 %d ms, p99 %d ms, longest %d ms\n", NR, t[int((NR + 1) / 2)], t[int(NR * 0.99 + 0.99)], t[NR]}' "$dir/times"
