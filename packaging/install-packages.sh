#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs what packages.txt lists and the machine lacks (a package whose comment says command:NAME
# is not lacking where that command is, wherever it came from): as root, else by "sudo -n", else it
# says the one command that does it and fails.
set -eu
cd "$(dirname "$0")"
missing=
while read -r p comment; do
	case $p in '' | '#'*) continue ;; esac
	case $comment in
	*command:*)
		name=${comment##*command:}
		command -v "${name%%[ ,;]*}" >/dev/null && continue
		;;
	esac
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $p" ;;
	esac
done <packages.txt
[ -n "$missing" ] || exit 0

install="apt-get install -y -q --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
	run=
elif sudo -n true 2>/dev/null; then
	run="sudo -n"
else
	echo "Packages are missing. Please run this command, then try again:" >&2
	echo "  sudo apt-get update && sudo $install" >&2
	exit 1
fi
echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Services that come with packages (nginx) must not start on their own account: policy-rc.d is
# not ours to write, so they are only ever used by path, and a running one is left alone.
if ! { $run env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
	$run env DEBIAN_FRONTEND=noninteractive $install; } >"$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
