#!/bin/bash
# SPDX-License-Identifier: ISC
# Branch coverage of the codecs, by their own unit tests and the fuzz corpora.
#   coverage.sh BUILD    a build folder of its own, made with gcc --coverage
# Fails when a branch is neither taken nor listed, with the proof that nothing can take it, in
# tests/coverage.exempt.
set -eu
build=$1
tests="test_entry_card test_codec_memory test_codec_edges test_text test_rec test_rec_cases test_mp test_golden test_vcard test_csv test_multipart"
codecs="common/json_read.c common/xml_read.c common/tree.c common/text.c common/text_list.c
	common/json_sink.c common/xml_sink.c common/mp_src.c common/mp_sink.c
	common/rec_decode.c common/rec_encode.c common/rec_check.c
	common/card.c common/entry_card.c common/csv.c common/csv_write.c
	common/vcard.c common/vcard_line.c common/vcard_pick.c common/vcard_value.c
	common/vcard_write.c gateway/query.c gateway/accept.c gateway/multipart.c"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Not optimised: each branch is one of the source, not one that the optimiser made or merged.
make -s BUILD="$build" DEBUG=1 CC="${CC:-gcc} --coverage" \
	$(for t in $tests test_gateway_units fuzz_replay; do echo "$build/tests/$t"; done)
find "$build" -name '*.gcda' -delete

# quiet COMMAND...: its output only when it fails.
quiet() {
	"$@" >"$log" 2>&1 || {
		cat "$log"
		exit 1
	}
}
export TANDEM_BUILD=$build
# In one process each: the counts of forked ones would be merged into the files for every case.
for t in $tests; do
	quiet env CK_FORK=no "$build/tests/$t"
done
# Has cases that end by a signal.
quiet "$build/tests/test_gateway_units"
for corpus in csv json mp multipart vcard xml; do
	quiet "$build/tests/fuzz_replay" "$corpus" "tests/fuzz/corpus/$corpus"
done
tests/coverage.py "$build" tests/coverage.exempt $codecs
