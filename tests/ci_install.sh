#!/bin/bash
# SPDX-License-Identifier: ISC
# make install into a directory: everything is there, with sane modes, and the units name files
# that exist and are accepted by systemd where its tools are present.
#   ci_install.sh BUILD
set -eu
build=$1
dir=$(mktemp -d /tmp/tandem-install.XXXXXX)
trap 'rm -rf "$dir"' EXIT
make -s BUILD="$build" DESTDIR="$dir" install
fail=0
need() {
	[ -e "$dir$1" ] || { echo "missing: $1"; fail=1; }
}
for f in /usr/sbin/tandem-backend /usr/sbin/tandem-gateway /usr/bin/tandemctl /etc/tandem/tandem.conf \
	/lib/systemd/system/tandem-backend.service /lib/systemd/system/tandem-gateway.service \
	/usr/lib/sysusers.d/tandem.conf /usr/lib/tmpfiles.d/tandem.conf \
	/usr/share/doc/tandem/NOTICE /usr/share/doc/tandem/LICENSE \
	/usr/share/man/man8/tandem-gateway.8 /usr/share/man/man8/tandem-backend.8 \
	/usr/sbin/tandem-feed-kamailio /usr/share/man/man8/tandem-feed-kamailio.8 \
	/usr/share/doc/tandem/kamailio/tandem.cfg /lib/systemd/system/tandem-feed@.service \
	/usr/share/man/man1/tandemctl.1 /usr/share/man/man5/tandem.conf.5 /usr/share/man/man7/tandem-protocol.7; do
	need "$f"
done
if find "$dir" -perm /022 ! -type l | grep .; then
	echo "writable for others"
	fail=1
fi
# What is installed is what was built, and finds its libraries.
"$dir/usr/sbin/tandem-backend" --version | grep -q '^tandem-backend ' || fail=1
"$dir/usr/sbin/tandem-gateway" --version | grep -q '^tandem-gateway ' || fail=1
"$dir/usr/bin/tandemctl" --version | grep -q '^tandemctl ' || fail=1
"$dir/usr/sbin/tandem-backend" -c "$dir/etc/tandem/tandem.conf" --check >/dev/null || fail=1
# A second installation leaves the operator's configuration alone.
echo '# mine' >>"$dir/etc/tandem/tandem.conf"
make -s BUILD="$build" DESTDIR="$dir" install
grep -q '^# mine$' "$dir/etc/tandem/tandem.conf" || { echo "the configuration was overwritten"; fail=1; }
for unit in "$dir"/lib/systemd/system/*.service; do
	exec=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
	case $exec in
	*%i) ls "$dir${exec%\%i}"* >/dev/null || fail=1 ;;
	*) need "$exec" ;;
	esac
done
# Hardening: position independent, no lazy binding, no executable stack, a stack protector.
for p in /usr/bin/tandemctl $(cd "$dir" && ls usr/sbin/tandem-* | sed 's:^:/:'); do
	readelf -hW "$dir$p" | grep -q 'DYN (' || { echo "$p is not PIE"; fail=1; }
	readelf -dW "$dir$p" | grep -qE 'BIND_NOW|NOW' || { echo "$p binds lazily"; fail=1; }
	readelf -lW "$dir$p" | grep -q 'GNU_STACK.*RW ' || { echo "$p has an executable stack"; fail=1; }
	nm -D "$dir$p" | grep -q __stack_chk_fail || { echo "$p has no stack protector"; fail=1; }
done
exit $fail
