#!/bin/bash
# SPDX-License-Identifier: ISC
# docs/openapi.json by a linter, of the version that tests/openapi/package-lock.json pins; it is
# fetched into BUILD/openapi. Without a network this fails.
#   ci_openapi.sh BUILD
set -eu
build=$1
dir=$build/openapi
mkdir -p "$dir"
cp tests/openapi/package.json tests/openapi/package-lock.json tests/openapi/spectral.mjs "$dir"
if ! cmp -s "$dir/package-lock.json" "$dir/installed"; then
	# No script of any package is run; the lock file has the hash of each.
	npm --prefix "$dir" ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cp "$dir/package-lock.json" "$dir/installed"
fi
lint() {
	node "$dir/node_modules/@stoplight/spectral-cli/dist/index.js" lint --ruleset "$dir/spectral.mjs" \
		--fail-severity hint "$@"
}
lint docs/openapi.json
# It can say no: an example that its schema refuses, and a path parameter without declaration.
sed 's/"expiration": 25,/"expiration": 25000,/' docs/openapi.json >"$dir/bad.json"
! lint "$dir/bad.json" >"$dir/bad.log" || { echo "a wrong example was not found"; exit 1; }
grep -q oas3-valid-media-example "$dir/bad.log"
sed 's|"/my/callfwdsched/{id}": {|"/my/callfwdsched/{other}": {|' docs/openapi.json >"$dir/bad.json"
! lint "$dir/bad.json" >"$dir/bad.log" || { echo "a wrong path was not found"; exit 1; }
grep -q path-params "$dir/bad.log"
