#!/bin/bash
# SPDX-License-Identifier: ISC
# Documents against what they describe: settings, options, records, errors, resources, names of
# files, and mandoc's own opinion of the pages.
#   test_docs.sh BUILD
set -u
build=${1:?usage: test_docs.sh BUILD}
cd "$(dirname "$0")/.." || exit 1
case $build in /*) ;; *) build=$PWD/$build ;; esac
man=docs/man
bad=0 checked=0

wrong() {
	echo "test_docs: $*"
	bad=$((bad + 1))
}
# same WHAT A B: two sorted lists of names must be equal.
same() {
	local what=$1 line
	checked=$((checked + 1))
	while IFS= read -r line; do
		[ -n "$line" ] && wrong "$what: missing: $line"
	done < <(comm -23 <(sort -u <<<"$2") <(sort -u <<<"$3"))
	while IFS= read -r line; do
		[ -n "$line" ] && wrong "$what: does not exist: $line"
	done < <(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3"))
}

# --- settings: name, default and range -----------------------------------------------------
settings=$(sed -nE 's/^(TEXT|NUMBER|FLAG)\((\w+), (\w+), "([^"]*)".*/\2.\3 = \4/p' common/conf.def)
[ "$(wc -l <<<"$settings")" = "$(grep -cE '^(TEXT|NUMBER|FLAG)\(' common/conf.def)" ] ||
	wrong "common/conf.def has a line that this test cannot read"
in_page=$(awk '/^\.Ss Section \[/ { s = substr($3, 2, length($3) - 2); next }
	/^\.Sh/ { s = "" }
	s != "" && /^\.It Ic / { v = $5; if (v == "empty") v = ""; print s "." $3 " = " v }' \
	$man/tandem.conf.5)
same "tandem.conf.5" "$settings" "$in_page"
in_file=$(awk '/^\[/ { s = substr($0, 2, length($0) - 2) }
	/^#?[a-z0-9_]+ =/ { sub(/^#/, ""); if ($0 ~ /=$/) $0 = $0 " "; print s "." $0 }' etc/tandem.conf)
same "etc/tandem.conf" "$settings" "$in_file"
while read -r section name low high; do
	awk -v s="[$section]" -v n="$name" '/^\.Ss Section/ { on = $3 == s } /^\.Sh/ { on = 0 }
		on && /^\.It Ic / { it = $3 == n } on && it' $man/tandem.conf.5 |
		tr '\n' ' ' | grep -qE "\b$low to $high\b" ||
		wrong "tandem.conf.5: $section.$name: range $low to $high is not there"
done < <(sed -nE 's/^NUMBER\((\w+), (\w+), "[^"]*", (-?[0-9]+), (-?[0-9]+),.*/\1 \2 \3 \4/p' \
	common/conf.def)
# With every comment taken off it must still be a configuration.
if [ -x "$build/tandem-backend" ]; then
	try=$(mktemp)
	sed -E 's/^#([a-z0-9_]+ =)/\1/' etc/tandem.conf >"$try"
	for f in etc/tandem.conf "$try"; do
		"$build/tandem-backend" -c "$f" --check >/dev/null || wrong "etc/tandem.conf is refused"
	done
	rm -f "$try"
fi

# --- options: what --help says and what the page lists --------------------------------------
options_of_help() {
	"$1" --help 2>/dev/null | sed -n '/^settings:/q;p' | grep -oE '(^|[][ ,|(])--?[a-z][a-z-]*' |
		sed -E 's/^[][ ,|(]//'
}
# Options are the names behind Fl, outside of examples.
options_of_page() {
	awk '/^\.Sh EXAMPLES/ { skip = 1 } /^\.Sh/ && !/EXAMPLES/ { skip = 0 } skip { next }
		/^\./ { for (i = 1; i < NF; i++) if ($i == "Fl" || $i == ".Fl") {
			print "-" $(i + 1)
			for (k = i + 2; ($k == "|" || $k == ",") && k < NF && $(k + 1) != "Fl"; k += 2)
				print "-" $(k + 1) } }' "$1"
}
for page in $man/*.[18]; do
	[ -e "$page" ] || continue
	program=$(basename "${page%.*}")
	if [ ! -x "$build/$program" ]; then
		wrong "$page describes a program that is not in $build"
		continue
	fi
	if [ "$program" = tandemctl ]; then
		# The options of its subcommands are in their own help: one direction.
		while IFS= read -r option; do
			grep -qE -- "Fl ${option#-}( |$)" "$page" || wrong "$page: missing: $option"
		done < <(options_of_help "$build/$program" | sort -u)
		continue
	fi
	same "options of $program" "$(options_of_help "$build/$program")" "$(options_of_page "$page")"
done
for program in "$build"/tandem-* "$build"/tandemctl; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	ls $man/"$(basename "$program")".[18] >/dev/null 2>&1 ||
		wrong "$(basename "$program") has no manual page"
done

# --- protocol: every record with tags, names and types; enums; errors -------------------------
fields() {
	awk 'match($0, /^RECORD\([a-z_]+/) { r = substr($0, 8, RLENGTH - 7); print "record " r }
		match($0, /^ENUM\([a-z_]+/) { r = substr($0, 6, RLENGTH - 5); print "enum " r }
		match($0, /^\t(BOOL|INT|STR|BIN|ENU|SUB|LIST|STRS|INTS) *\(/) {
			kind = $1; sub(/\(.*/, "", kind); sub(/^[^(]*\(/, ""); gsub(/,/, ""); must = "no"
			for (i = 4; i <= NF; i++) if ($i == "F_REQ") must = "yes"
			print r " " $2 " " $3 " " must " " kind }
		match($0, /^\tVAL\(/) { sub(/^[^(]*\(/, ""); gsub(/[,")]/, ""); print r " " $3 " " $4 }' "$@"
}
fields_of_page() {
	awk 'BEGIN { split("boolean BOOL int INT text STR bytes BIN enum ENU record SUB", a)
			for (i = 1; i in a; i += 2) kind[a[i]] = a[i + 1] }
		/^\.Ss (Record|Enum) / { r = $3; print tolower($2) " " r; next } /^\.S[sh]/ { r = "" }
		r != "" && /^\.It [0-9]/ && NF > 6 { k = $8; gsub(/"/, "", k); k = kind[k]
			if (k == "") k = /of int"/ ? "INTS" : /of text"/ ? "STRS" : "LIST"
			print r " " $2 " " $4 " " $6 " " k; next }
		r != "" && /^\.It [0-9]/ { print r " " $2 " " $4 }' $man/tandem-protocol.7
}
same "tandem-protocol.7, records" "$(fields ipc/envelope.def backend/cap.def ipc/feed.def common/rec/live.def)" "$(fields_of_page)"
errors=$(sed -nE 's/^E\(\w+, "([^"]*)", ([0-9]+).*/\1 \2/p' common/err.def |
	awk '{ print NR - 1, $0 }')
same "tandem-protocol.7, errors" "$errors" "$(awk '/^\.It [0-9]+ Ta [a-z-]+ Ta [0-9][0-9][0-9] Ta/ {
	print $2, $4, $6 }' $man/tandem-protocol.7)"
version=$(sed -nE 's/.*ENV_MAJOR = ([0-9]+), ENV_MINOR = ([0-9]+).*/\1.\2/p' ipc/env.h)
grep -q "This page describes version $version\.$" $man/tandem-protocol.7 ||
	wrong "tandem-protocol.7 does not describe version $version"

# --- resources ------------------------------------------------------------
same "tandem-gateway.8, resources" \
	"$(tr '\n' ' ' <common/res.def | grep -oE 'R\([0-9]+, \w+, "[^"]*", *[A-Z_| ]+' |
		sed -E 's/^[^"]*"([^"]*)", */\1 /; s/M_|\|//g; s/ +/ /g; s/ $//')" \
	"$(sed -nE 's/^\.It Pa ([^ ]+) Ta ([A-Z ]+) Ta .*/\1 \2/p' $man/tandem-gateway.8)"

# --- designators of rows and fields ------------------------------------------------------------
members() {
	sed -n "/^struct $1 {/,/^};/p" "$2" | sed -nE 's:/\*.*::; s/^\t([^()]*);.*/\1/p' |
		tr ',' '\n' | grep -oE '\w+ *$' | tr -d ' '
}
same "docs/adding-a-resource.md, rows" \
	"$(members res common/res.h | grep -vxE 'number|id|path|methods|family')" \
	"$(sed -n '/^## The row/,/^## The record/p' docs/adding-a-resource.md |
		sed -nE 's/^\| `\.(\w+)` .*/\1/p')"
same "docs/adding-a-resource.md, fields" \
	"$(members field common/rec.h | grep -vxE 'name|tag|off|kind|flags|en|sub'; echo check)" \
	"$(sed -n '/^## The fields/,/^## /p' docs/adding-a-resource.md |
		sed -nE 's/^\| `\.(\w+)` .*/\1/p')"

# --- names of files ------------------------------------------------------------
# Names in backquotes count from the top of the tree, links from the document.
names_in() {
	local folders='\.ci|backend|gateway|feeds|ctl|common|ipc|tests|etc|packaging|docs'

	grep -oE '`[^`]+`' "$1" | tr -d '`' |
		grep -E "^($folders)/[A-Za-z0-9_./*-]*\$|^(Makefile|LICENSE|NOTICE|CHANGELOG|[A-Z]+\.md)\$"
	grep -oE '\]\([^)#]+' "$1" | sed 's/^](//' | grep -v '://' | sed "s:^:$(dirname "$1")/:"
}
for doc in README.md SECURITY.md NOTICE CHANGELOG docs/*.md packaging/kore/README.md; do
	[ -e "$doc" ] || continue
	while IFS= read -r name; do
		checked=$((checked + 1))
		compgen -G "$name" >/dev/null || wrong "$doc names $name, which does not exist"
	# The widget is the exercise of docs/adding-a-resource.md, which nobody keeps.
	done < <(names_in "$doc" | grep -v widget | sort -u)
done
# Test cases that SECURITY.md names.
while IFS=' ' read -r file name; do
	checked=$((checked + 1))
	grep -qE "^START_TEST\($name\)|^$name\(" "$file" || wrong "SECURITY.md: no $name in $file"
done < <(grep -oE '`tests/[a-z_]+\.c`: (`[a-z_0-9]+`(, )?)+' SECURITY.md | sed -E 's/[`,:]//g' |
	awk '{ for (i = 2; i <= NF; i++) print $1, $i }')

# --- mandoc ------------------------------------------------------------
for page in $man/*; do
	checked=$((checked + 1))
	mandoc -Tlint -Wwarning "$page" >&2 || wrong "$page: mandoc complains"
done

echo "test_docs: $checked checks, $bad wrong"
[ "$bad" = 0 ]
