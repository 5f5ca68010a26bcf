#!/bin/sh
# SPDX-License-Identifier: ISC
# Every header compiles alone, with every compiler: it includes what its declarations need.
#
#   test_headers.sh [--self-test] [ROOT]
#
# Environment:
#   CC_LIST        compilers (default "gcc clang")
#   CPPFLAGS       more flags, for example include paths of libraries
#   KORE_CPPFLAGS  where kore/kore.h is found. Unset: headers that include it are skipped, and said
#                  to be; set (it may be empty): they are compiled like any other.
# --self-test shows that a header that does not compile alone is found.
set -u

flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wformat=2 -Wimplicit-fallthrough -fno-common -Werror -fsyntax-only"
compilers=${CC_LIST:-gcc clang}
self_test=no
[ "${1-}" = --self-test ] && self_test=yes && shift
root=${1:-$(dirname "$0")/..}

# Passes over a table and their end: each needs REC_FILE from its includer, and none has a guard.
exempt() {
	case $1 in
	common/rec_decl.h | common/rec_impl.h | common/rec_rest.h | common/rec_undef.h) return 0 ;;
	esac
	return 1
}

# Checks every header below $1: 0 = all compile.
check() {
	(
		cd "$1" || exit 1
		count=0
		failed=0
		skipped=0
		for h in $(find common ipc backend gateway ctl feeds docs -name '*.h' 2>/dev/null | sort); do
			exempt "$h" && continue
			more=
			if grep -q '^[[:space:]]*#[[:space:]]*include[[:space:]]*<kore/' "$h"; then
				if [ -z "${KORE_CPPFLAGS+set}" ]; then
					echo "SKIPPED $h: it needs kore, and KORE_CPPFLAGS is not set"
					skipped=$((skipped + 1))
					continue
				fi
				more=$KORE_CPPFLAGS
			fi
			for cc in $compilers; do
				# A unit of its own: a header as the main file warns about its guard or pragma.
				# A declaration behind it, since a unit may not be empty.
				# shellcheck disable=SC2086
				if ! printf '#include "%s"\nextern int header_test;\n' "$h" |
				    $cc $flags ${CPPFLAGS-} $more -I. -x c -; then
					echo "FAILED $h with $cc"
					failed=$((failed + 1))
				fi
			done
			count=$((count + 1))
		done
		echo "headers: $count compiled with $compilers, $skipped skipped, $failed failures"
		[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
	)
}

if [ $self_test = yes ]; then
	dir=$(mktemp -d) || exit 1
	trap 'rm -rf "$dir"' EXIT
	mkdir "$dir/common"
	printf '#include <stddef.h>\nsize_t good(void);\n' >"$dir/common/good.h"
	check "$dir" >/dev/null || { echo "self-test: a good header was refused"; exit 1; }
	printf 'size_t bad(void);\n' >"$dir/common/bad.h"
	check "$dir" >"$dir/out" 2>&1 && { echo "self-test: a bad header was not found"; exit 1; }
	grep -q 'FAILED common/bad.h' "$dir/out" || { echo "self-test: not named"; exit 1; }
	rm "$dir/common/bad.h" "$dir/common/good.h"
	check "$dir" >/dev/null && { echo "self-test: no header at all was no failure"; exit 1; }
	echo "headers: self-test passed"
fi
check "$root"
