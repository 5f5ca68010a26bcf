#!/bin/bash
# SPDX-License-Identifier: ISC
# Runs the test programs of a build and prints each one's seconds and the sum.
#   run.sh check|check-ci|check-all BUILD
# check: everything that is quick. check-ci adds kills, other hosts and short fuzzing, and takes
# a skipped part for a failure; what is not quick runs there in the build with sanitizers, BUILD/san,
# all else in the release build. check-all: the long forms.
set -u
mode=$1 build=$2
export TANDEM_BUILD=$build
export KORE_CONSTANT=$build/tests/kore_constant
export TANDEM_BACKEND=$build/tandem-backend TANDEMCTL=$build/tandemctl
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
# Check gives a test 4 s where its case does not say more, which is little where the machine stands
# still for two of them.
export CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-60}
# A tcase with this tag waits for long.
[ "$mode" = check ] && export CK_EXCLUDE_TAGS=slow
# What is built here is none of the caller's jobs.
unset MAKEFLAGS MAKELEVEL MFLAGS
started=$SECONDS
counts=$(mktemp)
trap 'rm -f "$counts" "$counts.failed"' EXIT

# What leaves nothing behind in its process runs all its tests in one: a fork with sanitizers costs
# a tenth of a second. When that fails, a second run with forks says which and why.
together=" authorisation bad_documents bad_requests codec_edges codec_memory conf csv entry_card env
feed_spool fold freeswitch_command freeswitch_esl freeswitch_event gateway_units golden ipc_cert
janus janus_sync kamailio_routes loop matrix mp multipart preconditions rates rec rec_cases repeats res
str_arena text user_events vcard when "

# Not quick: together more than five minutes of two cores with sanitizers. What differs in the
# release build, as the sandbox and what is left in memory do, is not for this list.
longer=" audit audit_cut avatar backup backup_others bad_backend cdr commands conditions ctl directory dump events
feed feed_kamailio feed_link feed_orders follow freeswitch freeswitch_calls gateway_faults history image
import ipc live_rows phonebook phonebook_large quota_rest ranked routes store_format store_mark store_parts
store_pin store_snapshot stream undo "
# The longest of all begin, so that none of them is alone at the end.
first="ci_history ci_phonebook vectors security authorisation"

is_longer() {
	[[ $longer == *[[:space:]]"${1##*/test_}"[[:space:]]* ]]
}

# A long form has all the time it needs.
limit=900
[ "$mode" = check-all ] && limit=7200

run() {
	if [[ $1 == */test_* && $together == *[[:space:]]"${1##*/test_}"[[:space:]]* ]]; then
		CK_FORK=no timeout 300 "$@" && return 0
		timeout 900 "$@"
		return 1
	fi
	timeout $limit "$@"
}

# one NAME COMMAND...: a Check program's own counts, or one point for anything else.
one() {
	local name=$1 from=$SECONDS status line checks bad out
	shift
	out=$(mktemp)
	run "$@" >"$out" 2>&1
	status=$?
	line=$(grep -E '^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+' "$out" | tail -n 1)
	checks=1 bad=0
	if [ -n "$line" ]; then
		checks=$(sed -E 's/.*Checks: ([0-9]+),.*/\1/' <<<"$line")
		bad=$(sed -E 's/.*Failures: ([0-9]+), Errors: ([0-9]+).*/\1+\2/' <<<"$line")
		bad=$((bad))
	fi
	[ $status != 0 ] && [ "$bad" = 0 ] && bad=1
	if [ "$mode" != check ] && grep -q SKIP "$out"; then
		echo "skipped parts are failures here:" >>"$out"
		bad=$((bad + 1))
	fi
	echo $((checks > bad ? checks - bad : 0)) "$bad" >>"$counts"
	# In one piece, since two may end at once.
	echo "$(printf '%-44s %4d checks %3d s %s\n' "$name" "$checks" $((SECONDS - from)) \
		"$([ "$bad" = 0 ] && echo ok || echo "FAILED ($bad)")"
		grep SKIP "$out" | sed 's/^/    /' | head -n 5
		[ "$bad" = 0 ] || tail -n 60 "$out")"
	# Once more at the end, where it is looked for.
	[ "$bad" = 0 ] || { echo "--- $name" && tail -n 40 "$out"; } >>"$counts.failed"
	rm -f "$out"
}

# Beside one other: a program alone leaves one of two cores idle. No test shares a port or a folder
# with another, since two runs at once must not collide either.
pair() {
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
		wait -n
	done
	one "$@" &
}

programs() {
	for name in $first; do
		echo "$build/tests/test_$name"
	done
	for p in "$build"/tests/test_*; do
		[ -f "$p" ] && [ -x "$p" ] && [[ " $first " != *" ${p##*/test_} "* ]] && echo "$p"
	done
}

if [ "$mode" = check-all ]; then
	for p in $(programs); do
		TANDEM_LONG=1 one "$(basename "$p") (long)" "$p"
	done
	TANDEM_LONG=1 TANDEM_ENGINE=lmdb one "test_ci_kills on lmdb (long)" "$build/tests/test_ci_kills"
	one "power cuts, 2000 transactions (long)" "$build/tests/powercut" -n 2000 -s "$RANDOM"
	one "disk faults, every call (long)" "$build/tests/iofault" -n 60
	one "power cuts on lmdb, 2000 transactions (long)" "$build/tests/powercut" -e lmdb -n 2000 -s "$RANDOM"
	one "disk faults on lmdb, every call (long)" "$build/tests/iofault" -e lmdb -n 60
	one "memory ends, every time (long)" "$build/tests/nomemory"
	one "memory ends on lmdb, every time (long)" "$build/tests/nomemory" -e lmdb
	one "memory ends in libraries too (long)" "$build/tests/nomemory" -a -k 3
	one "memory ends in libraries too, on lmdb (long)" "$build/tests/nomemory" -e lmdb -a -k 3
	for target in tests/fuzz/fuzz_*.c; do
		name=$(basename "$target" .c)
		pair "fuzz ${name#fuzz_}, 120 s" tests/fuzz/run.sh "${name#fuzz_}" 120
	done
	wait
else
	for p in $(programs); do
		case $(basename "$p") in
		test_ci_*) [ "$mode" = check ] && continue ;;
		esac
		if is_longer "$p"; then
			[ "$mode" = check ] && continue
			san=$build/san
			pair "$(basename "$p")" env TANDEM_BUILD="$san" TANDEM_BACKEND="$san/tandem-backend" \
				TANDEMCTL="$san/tandemctl" "$san/tests/$(basename "$p")"
			continue
		fi
		# Kore's workers end in a sandbox where a leak checker cannot work.
		case $(basename "$p") in
		test_kore) pair test_kore env ASAN_OPTIONS=detect_leaks=0 "$p" ;;
		*) pair "$(basename "$p")" "$p" ;;
		esac
	done
	[ "$mode" = check-ci ] && pair headers tests/test_headers.sh
	[ -f tests/test_layers.sh ] && pair layers tests/test_layers.sh
	pair vectors_run tests/test_vectors_run.sh
	pair users tests/test_users.sh
	[ -f tests/test_docs.sh ] && pair docs tests/test_docs.sh "$build"
	pair openapi tests/test_openapi.sh "$build"
	pair "vCard oracle" /usr/bin/python3 tests/vcard_oracle.py "$build/tests/test_vcard"
	for corpus in tests/fuzz/corpus/*; do
		[ -d "$corpus" ] && pair "corpus $(basename "$corpus")" \
			"$build/tests/fuzz_replay" "$(basename "$corpus")" "$corpus"
	done
	wait
fi
if [ "$mode" = check-ci ]; then
	one "codecs: branches taken" tests/coverage.sh "$build-cov"
	for engine in bdb lmdb; do
		one "store on $engine: kill -9, 20 times" "$build/tests/store_crash" $engine
	done
	# The product on the other engine.
	for name in ctl cdr; do
		pair "test_$name on lmdb" env TANDEM_ENGINE=lmdb "$build/tests/test_$name"
	done
	wait
	# The crash laboratory, see tests/fault/README.md.
	one "power cuts, 20 transactions" "$build/tests/powercut" -n 20
	one "power cuts on lmdb, 100 transactions" "$build/tests/powercut" -e lmdb -n 100
	for engine in bdb lmdb; do
		one "power cuts without a flush are seen, $engine" "$build/tests/powercut" -e $engine -n 4 -k 4 -b
	done
	one "disk faults, each fifth call" "$build/tests/iofault" -n 12 -k 5
	one "disk faults on lmdb, every call" "$build/tests/iofault" -e lmdb -n 12
	one "memory ends, each second time" "$build/tests/nomemory" -k 2
	one "memory ends on lmdb, every time" "$build/tests/nomemory" -e lmdb
	for target in tests/fuzz/fuzz_*.c; do
		name=$(basename "$target" .c)
		pair "fuzz ${name#fuzz_}, ${FUZZ_SECONDS:-20} s" tests/fuzz/run.sh "${name#fuzz_}" \
			"${FUZZ_SECONDS:-20}" "${FUZZ_SEED:-1}"
	done
	wait
	# Warnings are errors with the other compiler as well.
	one "build with clang" make -s -j2 CC=clang BUILD=build/clang WERROR=1 all
	one "openapi: lint" tests/ci_openapi.sh "$build"
	one install tests/ci_install.sh "$build"
	one "ids of others cost as unknown ones" tests/bench/ids.sh "$build"
	one "exercise: a resource without C" tests/ci_exercise.sh "$build"
fi
[ ! -e "$counts.failed" ] || cat "$counts.failed"
echo "$mode: $((SECONDS - started)) s"
awk '{p += $1; f += $2} END {print p " passed, " f " failed"; exit f > 0 || NR == 0}' "$counts"
