#!/bin/sh
# tests/stores/make.sh BUILD VERSION: stores as this release leaves them, one of each engine, with what
# tests/dumps/VERSION.jsonl holds. To be run at a release, and never again for it.
set -eu
build=$1
version=$2
for engine in bdb lmdb; do
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cat >"$dir/conf" <<-EOF
		[gateway]
		certificate = /dev/null
		key = /dev/null
		backend = ipc://$dir/gateway/b
		[backend]
		state = $dir/state
		listen = ipc://$dir/gateway/b
		control = ipc://$dir/control/c
		feed_listen = ipc://$dir/feeds/f
		auth_keys = $dir/auth/keys
		ballast_mb = 0
		engine = $engine
	EOF
	chmod 711 "$dir"
	"$build/tandem-backend" -c "$dir/conf" &
	pid=$!
	for _ in $(seq 100); do
		"$build/tandemctl" -c "$dir/conf" status >/dev/null 2>&1 && break
		sleep 0.1
	done
	"$build/tandemctl" -c "$dir/conf" load "tests/dumps/$version.jsonl"
	kill "$pid"
	wait "$pid"
	tar -C "$dir" --sparse --sort=name -czf "tests/stores/$version-$engine.tar.gz" state
	rm -rf "$dir"
done
