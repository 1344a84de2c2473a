#!/bin/sh
# build/hardening.sh SUITE… boots the systemd of each of these Debians in
# namespaces and has it run internal/lab/cmd/probe as the daemon, under the unit
# as it is and with the drop-in sealed.conf: what must work works, what must not
# does not. Then the daemon itself runs there. `make hardening` is this. As root.
#
# First the probe runs without any limits, as root: an attempt that fails there
# too proves nothing, and is named.
set -eu
cd "$(dirname "$0")/.."

for suite; do
	lab=$(mktemp -d)
	trap 'rm -rf "$lab"' EXIT
	trap 'exit 1' HUP INT TERM
	root=$lab/root
	build/root.sh "$suite" "$root"
	mkdir "$root/lab" "$root/lab/units"
	CGO_ENABLED=0 build/env.sh go build -o "$root/lab/probe" ./internal/lab/cmd/probe
	CGO_ENABLED=0 build/env.sh go build -trimpath -o "$root/lab/convened" ./cmd/convened
	cp -r systemd/convened.service systemd/convened@.service systemd/convened.service.d "$root/lab/units/"
	cp build/hardened.sh "$root/lab/"
	build/boot.sh "$root" sh /lab/hardened.sh
	rm -rf "$lab"
done
