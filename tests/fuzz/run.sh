#!/bin/bash
# SPDX-License-Identifier: ISC
# Fuzzes one target for some seconds: run.sh TARGET SECONDS [SEED]. The corpus of the tree is read
# only. Without a seed each run goes another way and keeps what it finds; with one it starts from
# the corpus alone and goes the same way each time, so that a change is judged by what it does and
# not by the luck of the run. The limit of one input goes by the wall clock, also while the machine
# stands still.
set -eu
target=$1 seconds=$2 seed=${3:-}
make -s "build/fuzz/fuzz_$target" CC=clang
found=build/fuzz/$target
set -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1
if [ -n "$seed" ]; then
	found=$(mktemp -d)
	trap 'rm -rf "$found"' EXIT
	set -- "$@" -seed="$seed" -runs=200000
fi
mkdir -p "$found"
"build/fuzz/fuzz_$target" "$@" -artifact_prefix="build/fuzz/$target-" "$found" "tests/fuzz/corpus/$target"
