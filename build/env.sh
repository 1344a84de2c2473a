#!/bin/sh
# build/env.sh COMMAND [ARGUMENT…] runs a command with a Go that can work: it is
# found, and it may write its caches even where there is no home directory, or
# one that is read-only.
set -eu

if ! command -v go >/dev/null 2>&1; then
	# Where https://go.dev/doc/install puts it; root's and sudo's PATH often lack it.
	PATH=$PATH:/usr/local/go/bin
	export PATH
fi
if ! command -v go >/dev/null 2>&1; then
	echo "convened is built with Go $(sed -n 's/^go //p' go.mod) or newer, and no go is in PATH: https://go.dev/doc/install" >&2
	exit 1
fi

# usable DIRECTORY says whether a file can be made there, by trying. Without a
# home, Go answers with nothing, or with "off".
usable() {
	[ "${1#/}" != "$1" ] && mkdir -p "$1" 2>/dev/null && probe=$(mktemp "$1/probe.XXXXXX" 2>/dev/null) && rm -f "$probe"
}

# The dot keeps it out of ./... and -modcacherw lets `rm -r bin` remove it.
cache=$PWD/bin/.cache
if ! usable "$(go env GOCACHE 2>/dev/null)"; then
	export GOCACHE="$cache/build" GOLANGCI_LINT_CACHE="$cache/lint"
fi
if ! usable "$(go env GOMODCACHE 2>/dev/null)"; then
	export GOPATH="$cache/go" GOMODCACHE="$cache/go/pkg/mod" GOFLAGS="${GOFLAGS:-} -modcacherw"
fi
exec "$@"
