#!/bin/bash
# SPDX-License-Identifier: ISC
# make soak: half of the peak for an hour, a mix of reads and writes, while the memory and the descriptors of
# all processes are looked at each 10 s. The memory is what is the processes' own (PSS without files): how many
# others share a library's pages is not ours to say. Fails when the memory of the last quarter differs by
# 1 % or more from that of the quarter before the middle, when descriptors grow, or when a request failed.
#   soak.sh BUILD [MINUTES] [PLOT.svg]
set -u
build=$1 minutes=${2:-60} plot=${3:-$1/soak.svg}
. tests/bench/server.sh
server_make
start_backend
await_backend
echo password | ctl user add 4000 --password-stdin --first A --last B || exit 1
awk 'BEGIN {print "First name,Last name,Number"; for (i = 0; i < 1000; i++) printf "F%d,L%d,%d\n", i % 97, i, 100000 + i}' |
	ctl import phonebook --user 4000 --map first-name="First name" --map last-name="Last name" --map number=Number - >/dev/null
start_gateway
session
# One write to five reads; each connection rests $1 ms between two requests, on average.
cat >"$dir/mix.lua" <<'EOF'
local put = '{"expiration":%d,"rings":[{"expiration":30,"type":"If no response","enabled":true,"number":"5551212"}]}'
local paths = {"/my/callfwd", "/my/pagedphonebook?start=0&end=20", "/my/search/phonebook?query=F1", "/my/speeddial", "/my/audit?limit=10"}
local n, rest, token = 0, 0, ""
function init(args)
	rest, token = tonumber(args[1]), args[2]
	math.randomseed(os.time())
end
function delay()
	return rest > 0 and math.random(0, 2 * rest) or 0
end
function request()
	local base = "/sipxconfig/rest"
	n = n + 1
	if n % 6 == 0 then
		return wrk.format("PUT", base .. "/my/callfwd", {["Content-Type"] = "application/json", Authorization = "Bearer " .. token}, put:format(10 + n % 80))
	end
	return wrk.format("GET", base .. paths[n % 6], {Accept = "application/json", Authorization = "Bearer " .. token})
end
EOF
connections=16
load() { # seconds, rest in ms
	wrk -t1 -c$connections -d"$1"s -s "$dir/mix.lua" "https://127.0.0.1:$port" -- "$2" "$token"
}
peak=$(load 10 0 | awk '/^Requests\/sec/ {print $2}')
# As many connections, each with a pause that makes it half.
rest=$(awk -v p="$peak" -v c=$connections 'BEGIN {printf "%.1f", c * 1000 / p}')
echo "peak $peak requests/s; a pause of $rest ms before each request"

processes() {
	local p
	for p in $backend $gateway; do echo "$p"; pgrep -P "$p"; done
}
sample() {
	local p pss=0 fds=0
	for p in $(processes); do
		pss=$((pss + $(awk '/^Pss_(Anon|Shmem):/ {n += $2} END {print n + 0}' "/proc/$p/smaps_rollup" 2>/dev/null || echo 0)))
		fds=$((fds + $(ls "/proc/$p/fd" 2>/dev/null | wc -l)))
	done
	echo "$(($(date +%s) - began)) $pss $fds"
}
began=$(date +%s)
# A token lasts less than an hour: a part, a session.
(while [ $(($(date +%s) - began)) -lt $((minutes * 60)) ]; do
	session
	left=$((minutes * 60 - ($(date +%s) - began)))
	load $((left < 600 ? left + 1 : 600)) "$rest"
done >"$dir/load.txt" 2>&1) &
loading=$!
while kill -0 $loading 2>/dev/null; do
	sample
	sleep 10
done >"$dir/samples.txt"
wait $loading
cp "$dir/samples.txt" "${plot%.svg}.txt"

# What was used, over the time: memory above, descriptors below.
awk -v minutes="$minutes" '
	{ t[NR] = $1; pss[NR] = $2; fd[NR] = $3; if ($2 > mp) mp = $2; if ($3 > mf) mf = $3 }
	function line(v, max, top, colour,   i) {
		printf "<polyline fill=\"none\" stroke=\"%s\" points=\"", colour
		for (i = 1; i <= NR; i++) printf "%.1f,%.1f ", 60 + 720 * t[i] / t[NR], top + 180 - 180 * v[i] / (max * 1.1)
		print "\"/>" }
	END {
		print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"440\" font-family=\"sans-serif\" font-size=\"12\">"
		printf "<text x=\"60\" y=\"14\">memory of all processes (PSS without files), most %d KiB</text>\n", mp; line(pss, mp, 20, "#05a")
		printf "<text x=\"60\" y=\"224\">descriptors, most %d</text>\n", mf; line(fd, mf, 230, "#a50")
		printf "<text x=\"60\" y=\"430\">%d minutes</text>\n</svg>\n", minutes }' "$dir/samples.txt" >"$plot"

requests=$(awk '/requests in/ {n += $1} END {print n + 0}' "$dir/load.txt")
# wrk waits two seconds for an answer.
awk '/Non-2xx/ {other += $NF} /Socket errors/ {gsub(",", ""); broken += $4 + $6 + $8; late += $10}
	END {printf "%d answers other than 2xx, %d connections broken, %d answers late\n", other, broken, late}' \
	"$dir/load.txt" >"$dir/failed.txt"
cat "$dir/failed.txt"
failed=$(awk '{print $1 + $6 + $9}' "$dir/failed.txt")
awk -v requests="$requests" -v failed="$failed" '
	{ pss[NR] = $2; fd[NR] = $3 }
	function mean(v, from, to,   i, s) { for (i = from; i <= to; i++) s += v[i]; return s / (to - from + 1) }
	END {
		q = int(NR / 4)
		if (q < 2) { print "too short to say anything"; exit 1 }
		a = mean(pss, q + 1, 2 * q); b = mean(pss, NR - q + 1, NR); drift = 100 * (b - a) / a
		f = mean(fd, q + 1, 2 * q); g = mean(fd, NR - q + 1, NR)
		printf "%d requests, %d failed; memory %.0f -> %.0f KiB (%+.2f %%), descriptors %.1f -> %.1f\n", requests, failed, a, b, drift, f, g
		exit drift >= 1 || g > f + 1 || failed > 0 || requests == 0 }' "$dir/samples.txt"
