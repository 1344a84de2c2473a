#!/bin/sh
# build/root.sh SUITE DIRECTORY [PACKAGE…] makes a clean Debian of that suite
# (bookworm, trixie …) with systemd and what else is named, from where this
# machine's apt gets its packages. As root.
set -eu

suite=$1 dir=$2
shift 2

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u | head -n 1)
include=systemd-sysv,dbus,iproute2,ca-certificates,tzdata
for package; do include=$include,$package; done

log=$dir.log
if ! debootstrap --variant=minbase --include="$include" "$suite" "$dir" "${mirror:-http://deb.debian.org/debian}" >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	exit 1
fi
rm -f "$log"
# Nothing of this machine is in it but how names are found.
cp /etc/resolv.conf "$dir/etc/resolv.conf"
