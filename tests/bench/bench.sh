#!/bin/bash
# SPDX-License-Identifier: ISC
# make bench: everything in one run on one machine, in interleaved rounds, with one certificate.
# Compare ratios within a run; absolute figures mean little on a shared machine.
#   bench.sh BUILD [ROUNDS] [SECONDS]
set -u
build=$1 rounds=${2:-3} seconds=${3:-3}
dir=$(mktemp -d /tmp/tandem-bench.XXXXXX) || exit 1
chmod 711 "$dir"
pids=()
finish() {
	for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
	for p in "${pids[@]}"; do wait "$p" 2>/dev/null; done
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

port=$((20000 + RANDOM % 20000))
kore_port=$((port + 1)) nginx_port=$((port + 2))
[ "$(id -u)" = 0 ] && packaging/users.sh

mkdir -p "$dir/tls" "$dir/kore" "$dir/nginx"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
	-keyout "$dir/tls/server.key" -out "$dir/tls/server.crt" 2>/dev/null || exit 1
cp "$dir/tls/server.key" "$dir/tls/kore.key"
if [ "$(id -u)" = 0 ]; then
	chmod 711 "$dir/tls"
	chmod 644 "$dir/tls/server.crt"
	chown tandem-keymgr "$dir/tls/server.key"
fi
cat >"$dir/tandem.conf" <<EOF
[gateway]
listen = 127.0.0.1
port = $port
certificate = $dir/tls/server.crt
key = $dir/tls/server.key
root = $dir/gateway
backend = ipc://$dir/gateway/backend.sock
workers = 1
log = warn
[backend]
state = $dir/state
listen = ipc://$dir/gateway/backend.sock
control = ipc://$dir/control/control.sock
auth_keys = $dir/auth/keys
log = warn
EOF
cat >"$dir/nginx.conf" <<EOF
worker_processes 1;
daemon off;
pid $dir/nginx/pid;
error_log $dir/nginx/error.log;
events { worker_connections 1024; }
http {
	access_log off;
	keepalive_requests 100000000;
	client_body_temp_path $dir/nginx/b; proxy_temp_path $dir/nginx/p;
	fastcgi_temp_path $dir/nginx/f; uwsgi_temp_path $dir/nginx/u; scgi_temp_path $dir/nginx/s;
	server {
		listen 127.0.0.1:$nginx_port ssl;
		ssl_certificate $dir/tls/server.crt;
		ssl_certificate_key $dir/tls/kore.key;
		location / { default_type application/json; return 200 '$(head -c 150 /dev/zero | tr '\0' x)'; }
	}
}
EOF

"$build/tandem-backend" -c "$dir/tandem.conf" >"$dir/backend.log" 2>&1 &
backend=$!
pids+=($backend)
for ((i = 0; i < 100; i++)); do "$build/tandemctl" -c "$dir/tandem.conf" status >/dev/null 2>&1 && break; sleep 0.1; done
for ((u = 0; u < 64; u++)); do
	echo "{\"type\":\"user\",\"record\":{\"userName\":\"$((4000 + u))\"}}"
done | "$build/tandemctl" -c "$dir/tandem.conf" load - >/dev/null || exit 1
echo password | "$build/tandemctl" -c "$dir/tandem.conf" user password 4000 --password-stdin >/dev/null || exit 1
"$build/tandem-gateway" -c "$dir/tandem.conf" >"$dir/gateway.log" 2>&1 &
gateway=$!
pids+=($gateway)
"$build/tests/kore_constant" "$kore_port" "$dir/tls/server.crt" "$dir/tls/kore.key" 1 "$dir/kore" >"$dir/kore.log" 2>&1 &
kore=$!
pids+=($kore)
nginx -c "$dir/nginx.conf" -p "$dir/nginx" 2>"$dir/nginx.log" &
nginx=$!
pids+=($nginx)
await() {
	for ((i = 0; i < 100; i++)); do curl -ksf -o /dev/null "$1" && return; sleep 0.1; done
	echo "bench: nothing answers at $1" >&2
	tail -n 20 "$dir"/*.log >&2
	exit 1
}
await "https://127.0.0.1:$port/readyz"
await "https://127.0.0.1:$kore_port/constant"
await "https://127.0.0.1:$nginx_port/"

base=https://127.0.0.1:$port/sipxconfig/rest
token=$(curl -ks -u 4000:password -X POST "$base/session" | sed 's/.*"token":"\([^"]*\)".*/\1/')
[ ${#token} -gt 50 ] || { echo "bench: no session" >&2; exit 1; }
curl -ksf -H "Authorization: Bearer $token" -X PUT -H 'Content-Type: application/json' \
	-d '{"expiration":20,"rings":[{"expiration":30,"type":"If no response","enabled":true,"number":"5551212"}]}' \
	"$base/my/callfwd" || exit 1
cat >"$dir/put.lua" <<'EOF'
wrk.method = "PUT"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"expiration":20,"rings":[{"expiration":30,"type":"If no response","enabled":true,"number":"5551212"}]}'
EOF

tree_of() { # a process and all below it
	local p
	echo "$1"
	for p in $(cat /proc/"$1"/task/*/children 2>/dev/null); do tree_of "$p"; done
}
ticks() { # CPU ticks of a process tree
	local p sum=0 f
	for p in $(tree_of "$1"); do
		f=$(sed 's/.*) //' /proc/"$p"/stat 2>/dev/null | awk '{print $12 + $13}')
		sum=$((sum + ${f:-0}))
	done
	echo $sum
}
flushes() { "$build/tandemctl" -c "$dir/tandem.conf" status --json | tr ',{' '\n\n' | awk -F: -v k="\"$1\"" '$1==k {print $2+0; exit}'; }

declare -A what url opts
order=()
case_() { order+=("$1"); url[$1]=$2; opts[$1]=$3; }
auth="-H 'Authorization: Bearer $token'"
case_ nginx-constant "https://127.0.0.1:$nginx_port/" "-c 32"
case_ kore-constant "https://127.0.0.1:$kore_port/constant" "-c 32"
case_ echo "https://127.0.0.1:$port/readyz" "-c 32"
case_ get-json "$base/my/callfwd" "-c 32 $auth -H 'Accept: application/json'"
case_ get-xml "$base/my/callfwd" "-c 32 $auth -H 'Accept: text/xml'"
case_ put-1 "$base/my/callfwd" "-c 1 $auth -s $dir/put.lua"
case_ put-8 "$base/my/callfwd" "-c 8 $auth -s $dir/put.lua"
case_ put-64 "$base/my/callfwd" "-c 64 $auth -s $dir/put.lua"

printf '%-16s %5s %9s %8s %8s %7s %7s %7s %7s\n' case round rps p50-ms p99-ms gw-cpu be-cpu err w/flush
for ((r = 1; r <= rounds; r++)); do
	for c in "${order[@]}"; do
		gw=$gateway
		[ $c = kore-constant ] && gw=$kore
		[ $c = nginx-constant ] && gw=$nginx
		g0=$(ticks $gw) b0=$(ticks $backend) f0=$(flushes flushes) w0=$(flushes writes)
		eval "wrk -t1 -d${seconds}s --latency --timeout 10s ${opts[$c]} '${url[$c]}'" >"$dir/wrk.out" 2>&1
		g1=$(ticks $gw) b1=$(ticks $backend) f1=$(flushes flushes) w1=$(flushes writes)
		awk -v c=$c -v r=$r -v g=$((g1 - g0)) -v b=$((b1 - b0)) -v f=$((f1 - f0)) -v w=$((w1 - w0)) -v hz="$(getconf CLK_TCK)" '
			function ms(s) { return s ~ /us$/ ? s / 1000 : s ~ /ms$/ ? s + 0 : s * 1000 }
			/requests in/ { n = $1 }
			/Requests\/sec/ { rps = $2 }
			$1 == "50%" { p50 = ms($2) }
			$1 == "99%" { p99 = ms($2) }
			/Non-2xx/ { err += $NF }
			/Socket errors/ { err += $4 + $6 + $8 + $10 }
			END { printf "%-16s %5d %9.0f %8.2f %8.2f %7.3f %7.3f %7d %7.1f\n", c, r, rps, p50, p99,
				n ? g / hz * 1000 / n : 0, n ? b / hz * 1000 / n : 0, err, (c ~ /^put/ && f) ? w / f : 0 }' "$dir/wrk.out" |
			tee -a "$dir/results"
	done
	"$build/tests/bench_fdatasync" "$dir" "$seconds" | tee -a "$dir/results"
done

echo
echo "medians (cpu = CPU-seconds per 1,000 requests; gw = all processes in front of the backend):"
awk '{ if (!($1 in n)) order[++k] = $1; n[$1]++; rps[$1, n[$1]] = $3 + 0; p50[$1, n[$1]] = $4; p99[$1, n[$1]] = $5; wf[$1, n[$1]] = $9 }
	function med(a, c,   i, j, t, v, m) { m = n[c]; for (i = 1; i <= m; i++) v[i] = a[c, i] + 0
		for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
		lo = v[1]; hi = v[m]; return v[int((m + 1) / 2)] }
	END { for (i = 1; i <= k; i++) { c = order[i]; M[c] = med(rps, c); printf "  %-16s %9.0f rps (%.0f-%.0f)", c, M[c], lo, hi
			if (c ~ /^put/) printf "  %.1f writes per flush", med(wf, c); printf "\n" }
		printf "ratios: get-json/echo %.2f  get-json/kore-constant %.2f  get-xml/get-json %.2f  echo/kore-constant %.2f  put-64/fdatasync %.1f\n",
			M["get-json"] / M["echo"], M["get-json"] / M["kore-constant"], M["get-xml"] / M["get-json"], M["echo"] / M["kore-constant"],
			M["fdatasync"] ? M["put-64"] / M["fdatasync"] : 0 }' "$dir/results"

pss() { awk '/^Pss:/ { s += $2 } END { printf "%.1f MiB", s / 1024 }' /proc/"$1"/smaps_rollup 2>/dev/null; }
echo "memory after the run (PSS):"
for p in $(tree_of $gateway); do echo "  gateway $(tr '\0' ' ' <"/proc/$p/cmdline" | cut -c1-40): $(pss "$p")"; done
for p in $(tree_of $backend); do echo "  backend $(tr '\0' ' ' <"/proc/$p/cmdline" | cut -c1-40): $(pss "$p")"; done

if command -v valgrind >/dev/null; then
	echo "instructions per request in our own code, gateway and backend (callgrind, difference of two counts):"
	for c in get-json get-xml put-json put-xml; do
		for n in 100 1100; do
			rm -rf "$dir/cg"; mkdir -m 700 "$dir/cg"
			valgrind --tool=callgrind --callgrind-out-file=/dev/null "$build/tests/bench_path" $c $n "$dir/cg" 2>"$dir/cg.$n" || { tail -n 5 "$dir/cg.$n"; break; }
		done
		a=$(sed -n 's/.*Collected : //p' "$dir/cg.100") b=$(sed -n 's/.*Collected : //p' "$dir/cg.1100")
		[ -n "$a" ] && [ -n "$b" ] && echo "  $c $(((b - a) / 1000))"
	done
fi
