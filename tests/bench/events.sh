#!/bin/bash
# SPDX-License-Identifier: ISC
# 1,000 idle streams of events: what they add to the memory of all processes (fails above 60 MiB PSS),
# processor time, and another user's reads beside them, also while 2,000 events a second are told to
# them.
#   events.sh BUILD [STREAMS] [EVENTS A SECOND] [SECONDS]
set -eu
build=$1
shift
TANDEM_BUILD=$build "$build/tests/bench_events" "$@"
