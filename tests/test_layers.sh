#!/bin/sh
# SPDX-License-Identifier: ISC
# Who may include whom: common <- ipc <- gateway, backend, feeds, ctl, and nothing across. And who
# may use a library's headers: kore in gateway/ alone, ZeroMQ in ipc/ alone, Berkeley DB, LMDB, libgd,
# GLib and libmicrohttpd in one file each.
#
#   test_layers.sh [--self-test] [ROOT]
#
# --self-test shows, for each rule, that a file that breaks it is found.
set -u

self_test=no
[ "${1-}" = --self-test ] && self_test=yes && shift
root=${1:-$(dirname "$0")/..}

# Whether a file $1 (path from the root) may include $2 (as written between quotes or brackets).
allowed() {
	case $1:$2 in
	# Libraries.
	gateway/*:kore/* | tests/kore_*:kore/*) return 0 ;;
	*:kore/* | *:kore.h) return 1 ;;
	ipc/*:zmq.h | ipc/*:czmq.h | ipc/*:zmq_*.h | ipc/*:czmq_*.h) return 0 ;;
	# Tests of ipc/ look at its sockets from the other side.
	tests/test_ipc*:zmq.h | tests/test_ipc*:czmq.h) return 0 ;;
	*:zmq.h | *:czmq.h | *:zmq_*.h | *:czmq_*.h) return 1 ;;
	backend/image_decode.c:gd.h | tests/test_image.c:gd.h) return 0 ;;
	*:gd.h) return 1 ;;
	feeds/janus_events_http.c:microhttpd.h) return 0 ;;
	*:microhttpd.h) return 1 ;;
	backend/zone.c:glib.h) return 0 ;;
	*:glib.h) return 1 ;;
	# The benchmark of call records has a loop of its own beside the store's.
	backend/store_bdb.c:db.h | tests/bench_cdr.c:db.h) return 0 ;;
	*:db.h) return 1 ;;
	backend/store_lmdb.c:lmdb.h) return 0 ;;
	*:lmdb.h) return 1 ;;
	# Tests may look at everything; the rest of the tree never at them.
	tests/*) return 0 ;;
	*:tests/*) return 1 ;;
	# What is for developers is linked into tests alone.
	common/rec_dev.c:common/rec_dev.h) return 0 ;;
	*:common/rec_dev.h) return 1 ;;
	# The generator of documents knows the tables, and nobody knows it.
	docs/*:docs/*) return 0 ;;
	*:docs/*) return 1 ;;
	docs/*:ipc/*) return 1 ;;
	*:common/*) return 0 ;;
	common/*:ipc/*) return 1 ;;
	*:ipc/*) return 0 ;;
	gateway/*:gateway/* | backend/*:backend/* | feeds/*:feeds/* | ctl/*:ctl/*) return 0 ;;
	*:gateway/* | *:backend/* | *:feeds/* | *:ctl/*) return 1 ;;
	esac
	return 0
}

# Prints "file include" for every include in the tree; .def tables are included too.
includes() {
	find common ipc gateway backend feeds ctl docs tests -name '*.[ch]' -o -name '*.def' 2>/dev/null |
	    sort | xargs sed -n \
	    's/^[[:space:]]*#[[:space:]]*\(include\|define[[:space:]]*REC_FILE\)[[:space:]]*[<"]\([^>"]*\)[>"].*/\2/;T;F;p' |
	    paste -d ' ' - -
}

check() {
	(
		cd "$1" || exit 1
		includes >"$2" || exit 1
		count=0
		failed=0
		while read -r file header; do
			count=$((count + 1))
			# Paths start at the root, so that the layer stands in each include. (In tests/ a
			# neighbour's is seen as one.)
			if [ "${file%%/*}" != tests ] && [ ! -e "$header" ] &&
			    [ -e "$(dirname "$file")/$header" ]; then
				echo "FAILED $file includes \"$header\" without its folder"
				failed=$((failed + 1))
			elif ! allowed "$file" "$header"; then
				echo "FAILED $file may not include $header"
				failed=$((failed + 1))
			fi
		done <"$2"
		echo "layers: $count includes, $failed not allowed"
		[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
	)
}

list=$(mktemp) || exit 1
dir=
trap 'rm -rf "$list" ${dir:+"$dir"}' EXIT

# Each line: a file and an include that it may not have.
broken='common/a.c ipc/env.h
common/a.h backend/store.h
common/a.c zmq.h
ipc/a.c gateway/a.h
ipc/a.c backend/store.h
ipc/a.c kore/kore.h
ipc/a.c db.h
gateway/a.c backend/store.h
gateway/a.c ctl/a.h
gateway/a.c zmq.h
backend/a.c gateway/a.h
backend/a.c ctl/a.h
backend/a.c czmq.h
backend/a.c db.h
backend/store_bdb.c lmdb.h
ctl/a.c lmdb.h
backend/a.c kore/http.h
backend/image.c gd.h
feeds/janus_main.c microhttpd.h
backend/cdr.c glib.h
feeds/a.c backend/store.h
feeds/a.c zmq.h
ctl/a.c backend/store.h
ctl/a.c czmq.h
docs/a.c ipc/env.h
docs/a.c backend/hooks.h
docs/a.c gateway/req.h
gateway/a.c docs/gen.h
tests/a.c kore/kore.h
tests/a.c db.h
tests/a.c lmdb.h
tests/a.c czmq.h
backend/a.c common/rec_dev.h
common/a.c tests/rec_rig.h'

if [ $self_test = yes ]; then
	dir=$(mktemp -d) || exit 1
	mkdir "$dir/common" "$dir/ipc" "$dir/gateway" "$dir/backend" "$dir/feeds" "$dir/ctl" "$dir/docs" "$dir/tests"
	echo '#include <zmq.h>' >"$dir/ipc/good.c"
	echo '#include <kore/kore.h>' >"$dir/gateway/good.c"
	echo '#include <db.h>' >"$dir/backend/store_bdb.c"
	echo '#include <lmdb.h>' >"$dir/backend/store_lmdb.c"
	echo '#include "ipc/env.h"' >"$dir/feeds/good.c"
	check "$dir" "$list" || { echo "self-test: good files were refused"; exit 1; }
	echo "$broken" | while read -r file header; do
		printf '#  include "%s"\n' "$header" >"$dir/$file"
		check "$dir" "$list" >"$dir/out" && { echo "self-test: $file with $header"; exit 1; }
		grep -q "FAILED $file may not include $header" "$dir/out" ||
		    { echo "self-test: $file with $header was not named"; exit 1; }
		rm "$dir/$file"
	done || exit 1
	echo 'int x;' >"$dir/common/near.h"
	echo '#include "near.h"' >"$dir/common/a.c"
	check "$dir" "$list" >/dev/null && { echo "self-test: an include without folder"; exit 1; }
	echo "layers: self-test passed"
fi
check "$root" "$list"
