#!/bin/bash
# SPDX-License-Identifier: ISC
# make run: a private directory with a certificate, keys and two demo users, both processes in
# the foreground, restarted when they are killed; Ctrl-C ends them.
#   run.sh BUILD PORT [RUNDIR]
# Without RUNDIR the directory is a temporary one and goes at the end; with it, it stays.
set -u
build=$1 port=$2 rundir=${3:-}
keep=1
if [ -z "$rundir" ]; then
	rundir=$(mktemp -d "${TMPDIR:-/tmp}/tandem.XXXXXX") || exit 1
	keep=0
fi
mkdir -p "$rundir" || exit 1
rundir=$(cd "$rundir" && pwd) || exit 1
root=0
[ "$(id -u)" = 0 ] && root=1

# Workers and backend run as other users then: they must be able to pass through.
if [ $root = 1 ]; then
	chmod 711 "$rundir"
	"$(dirname "$0")/users.sh" || exit 1
else
	chmod 700 "$rundir"
fi

conf=$rundir/tandem.conf
base=https://127.0.0.1:$port/sipxconfig/rest
backend= gateway= stopping=0

finish() {
	local status=$?
	stopping=1
	trap '' INT TERM
	[ -n "$gateway" ] && kill "$gateway" 2>/dev/null
	[ -n "$gateway" ] && wait "$gateway" 2>/dev/null
	[ -n "$backend" ] && kill "$backend" 2>/dev/null
	[ -n "$backend" ] && wait "$backend" 2>/dev/null
	[ $keep = 1 ] || rm -rf "$rundir"
	exit $status
}
trap finish EXIT
trap 'exit 0' INT TERM

die() {
	echo "tandem: $*" >&2
	exit 1
}

if [ ${#rundir} -gt 80 ]; then
	die "the path $rundir is too long: sockets in it would exceed 107 bytes. Try RUNDIR=/tmp/t"
fi
case $port in
'' | *[!0-9]*) die "PORT must be a number" ;;
esac
if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
	die "port $port is in use. Try PORT=9443"
fi

cat >"$conf" <<EOF
[gateway]
listen = 127.0.0.1
port = $port
certificate = $rundir/tls/server.crt
key = $rundir/tls/server.key
root = $rundir/gateway
backend = ipc://$rundir/gateway/backend.sock
log = ${LOG:-warn}
[backend]
state = $rundir/state
ballast_mb = 0
listen = ipc://$rundir/gateway/backend.sock
control = ipc://$rundir/control/control.sock
feed_listen = ipc://$rundir/feeds/feeds.sock
auth_keys = $rundir/auth/keys
log = ${LOG:-warn}
[feed]
backend = ipc://$rundir/feeds/feeds.sock
spool = $rundir/spool
EOF

if [ ! -e "$rundir/tls/server.crt" ]; then
	mkdir -p "$rundir/tls"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
		-keyout "$rundir/tls/server.key" -out "$rundir/tls/server.crt" 2>/dev/null ||
		die "the demo certificate cannot be made"
	chmod 600 "$rundir/tls/server.key"
	if [ $root = 1 ]; then
		chown tandem-keymgr "$rundir/tls/server.key"
		chmod 711 "$rundir/tls"
		chmod 644 "$rundir/tls/server.crt"
	fi
fi

start_backend() {
	"$build/tandem-backend" -c "$conf" &
	backend=$!
}
start_gateway() {
	"$build/tandem-gateway" -c "$conf" &
	gateway=$!
}
ctl() {
	"$build/tandemctl" -c "$conf" "$@"
}
# Waits up to 10 s for a command to succeed while the process lives.
await() {
	local pid=$1 i
	shift
	for ((i = 0; i < 100; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

start_backend
await "$backend" ctl status || die "the backend did not start"
# Once: what is tried out with them stays when it is run again on the same directory.
if [ ! -e "$rundir/demo-loaded" ]; then
	ctl load "$(dirname "$0")/demo.jsonl" >/dev/null || die "the demo data cannot be loaded"
	for user in 200 201; do
		echo password | ctl user password "$user" --password-stdin >/dev/null ||
			die "the demo user $user cannot be made"
	done
	: >"$rundir/demo-loaded"
fi
start_gateway
await "$gateway" curl -ksf "https://127.0.0.1:$port/readyz" || die "the gateway did not start"

cat <<EOF

Tandem is running, for demonstration only: users 200 and 201, both with the password
"password", reachable from this machine alone. Ctrl-C stops it.
  base URL  $base
  directory $rundir

Try it:
  curl -k https://201:password@127.0.0.1:$port/sipxconfig/rest/my/callfwd

EOF

# Whatever is killed comes back after a second, as under a service manager.
while [ $stopping = 0 ]; do
	wait -n "$backend" "$gateway" 2>/dev/null
	sleep 1
	kill -0 "$backend" 2>/dev/null || start_backend
	kill -0 "$gateway" 2>/dev/null || start_gateway
done
