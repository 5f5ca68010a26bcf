#!/bin/sh
# SPDX-License-Identifier: ISC
# Makes the system users of packaging/systemd/tandem.sysusers that are missing (as root; with
# nothing but useradd, for machines without systemd-sysusers).
set -eu
file=$(dirname "$0")/systemd/tandem.sysusers
# One at a time: another run may be about to make the user that is found missing here.
exec 9<"$file"
flock 9
sed -n 's/^u \([^ ]*\) .*/\1/p' "$file" | while read -r user; do
	getent passwd "$user" >/dev/null ||
		useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
			--user-group "$user"
done
