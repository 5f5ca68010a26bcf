# SPDX-License-Identifier: ISC
# To be sourced by benchmarks, with $build set: a backend and a gateway of their own in $dir, which is
# removed at the end, on a port of their own.
#   server_make [BACKEND'S SETTINGS]   the directory, a certificate, the configuration
#   start_backend, start_gateway       $backend, $gateway
#   session                            $token of user 4000, whose password is "password"
# and ctl, $base (of the API) and $dir.
backend= gateway=
server_finish() {
	local p
	for p in $backend $gateway; do kill "$p" 2>/dev/null && wait "$p" 2>/dev/null; done
	rm -rf "$dir"
}

server_make() {
	dir=$(mktemp -d /var/tmp/tandem-bench.XXXXXX) || exit 1
	chmod 711 "$dir"
	trap server_finish EXIT
	trap 'exit 1' INT TERM
	port=$((20000 + RANDOM % 10000))
	base=https://127.0.0.1:$port/sipxconfig/rest
	[ "$(id -u)" = 0 ] && packaging/users.sh
	mkdir -p "$dir/tls"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=localhost -keyout "$dir/tls/server.key" -out "$dir/tls/server.crt" 2>/dev/null || exit 1
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
${1:-}
EOF
}

ctl() { "$build/tandemctl" -c "$dir/tandem.conf" "$@"; }

start_backend() {
	"$build/tandem-backend" -c "$dir/tandem.conf" >>"$dir/backend.log" 2>&1 &
	backend=$!
}

await_backend() {
	local i
	for ((i = 0; i < 300; i++)); do ctl status >/dev/null 2>&1 && return; sleep 0.1; done
	tail "$dir"/*.log >&2
	exit 1
}

start_gateway() {
	local i
	"$build/tandem-gateway" -c "$dir/tandem.conf" >"$dir/gateway.log" 2>&1 &
	gateway=$!
	for ((i = 0; i < 100; i++)); do
		curl -ksf -o /dev/null "https://127.0.0.1:$port/readyz" && return
		sleep 0.1
	done
	tail "$dir"/*.log >&2
	exit 1
}

session() {
	token=$(curl -ks -u 4000:password -X POST "$base/session" | sed 's/.*"token":"\([^"]*\)".*/\1/')
	[ ${#token} -gt 50 ] || { echo "no session" >&2; tail -n 5 "$dir"/*.log >&2; exit 1; }
}
