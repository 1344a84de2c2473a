#!/bin/sh
# build/packages-try.sh NFPM SUITE… tries the .deb in a clean Debian of each of
# these suites, booted in namespaces, with its own Postgres: install, set up, run,
# upgrade, remove, purge. `make packages-try` is this. As root.
set -eu
cd "$(dirname "$0")/.."

nfpm=$1
shift
for suite; do
	lab=$(mktemp -d)
	trap 'rm -rf "$lab"' EXIT
	trap 'exit 1' HUP INT TERM
	root=$lab/root
	build/root.sh "$suite" "$root" postgresql man-db zsh fish
	mkdir "$root/lab"
	DIST=$root/lab/old VERSION=0.1.0 build/packages.sh "$nfpm" >/dev/null
	DIST=$root/lab/again VERSION=0.1.0 build/packages.sh "$nfpm" >/dev/null
	(cd "$root/lab/old" && sha256sum ./*) >"$lab/sums"
	(cd "$root/lab/again" && sha256sum --quiet -c "$lab/sums") && echo "ok      made twice, the packages are the same"
	DIST=$root/lab/new VERSION=0.2.0 build/packages.sh "$nfpm" >/dev/null
	CGO_ENABLED=0 build/env.sh go build -o "$root/lab/sinkd" ./internal/lab/cmd/sinkd
	cp build/packages-tried.sh "$root/lab/"
	build/boot.sh "$root" sh /lab/packages-tried.sh
	rm -rf "$lab"
done
