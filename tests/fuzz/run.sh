#!/bin/bash
# SPDX-License-Identifier: ISC
# Fuzzes one target for some seconds: run.sh TARGET SECONDS. The corpus of the tree is read only.
set -eu
target=$1 seconds=$2
make -s "build/fuzz/fuzz_$target" CC=clang
found=build/fuzz/$target
mkdir -p "$found"
exec "build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
	-max_len=65536 -print_final_stats=1 -artifact_prefix="$found-" "$found" "tests/fuzz/corpus/$target"
