#!/bin/bash
# SPDX-License-Identifier: ISC
# packaging/users.sh, begun several times at once on a machine without the users: each run succeeds
# and finds all of them. In a mount namespace with an /etc of its own.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "SKIP: only root makes users"
	exit 0
fi
if [ "${1-}" != inside ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cp -a /etc/. "$dir"
	sed -i '/^tandem/d' "$dir"/{passwd,shadow,group,gshadow}
	unshare --mount --propagation unchanged "$0" inside "$dir"
	exit
fi
# In a chroot the root is no mount, see tests/mounts.c.
mount --make-rprivate / 2>/dev/null || true
mount --bind "$2" /etc
names=$(sed -n 's/^u \([^ ]*\) .*/\1/p' packaging/systemd/tandem.sysusers)
for name in $names; do
	! getent passwd "$name" >/dev/null || { echo "$name is there before"; exit 1; }
done

runs=()
for _ in {1..8}; do
	(packaging/users.sh && getent passwd $names >/dev/null) &
	runs+=($!)
done
failed=0
for pid in "${runs[@]}"; do
	wait "$pid" || failed=$((failed + 1))
done
[ $failed = 0 ] || echo "$failed of ${#runs[@]} failed"
twice=$(cut -d: -f1 /etc/passwd | sort | uniq -d)
[ -z "$twice" ] || { echo "made twice: $twice"; exit 1; }
exit $failed
