#!/bin/sh
# build/licences.sh prints the licence of each module that is part of the program,
# and fails where one is unknown or asks for more than to be named:
# docs/licences.md is this list. With --texts it prints the texts themselves,
# which those licences want to be passed on with the program.
set -eu
cd "$(dirname "$0")/.."

# licence FILE names what is in it, by words that no other has.
licence() {
	text=$(tr -s ' \n\t' ' ' <"$1")
	case $text in
	*"Mozilla Public License Version 2.0"* | *"Mozilla Public License, version 2.0"*) echo MPL-2.0 ;;
	*"GNU AFFERO GENERAL PUBLIC"* | *"GNU GENERAL PUBLIC LICENSE"* | *"GNU LESSER GENERAL PUBLIC"*) echo GPL ;;
	*"Apache License Version 2.0"* | *"Apache License, Version 2.0"*) echo Apache-2.0 ;;
	*"Permission to use, copy, modify, and/or distribute"* | *"Permission to use, copy, modify, and distribute this software for any purpose"*) echo ISC ;;
	*"Permission is hereby granted, free of charge"*) echo MIT ;;
	*"Redistribution and use in source and binary forms"*"Neither the name"*) echo BSD-3-Clause ;;
	*"Redistribution and use in source and binary forms"*) echo BSD-2-Clause ;;
	*) echo unknown ;;
	esac
}

build/env.sh go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}{{end}}' ./cmd/convened | sort -u | sed '/^$/d' >"${TMPDIR:-/tmp}/licences.$$"
trap 'rm -f "${TMPDIR:-/tmp}/licences.$$"' EXIT
if [ "${1:-}" != --texts ]; then
	printf '# Licences\n\nWhat the program is built from besides the standard library, by `make licences`; `make check` keeps it so. Each of these may be\n'
	printf 'passed on within a program under MIT, together with its text: the packages have the texts in licences.txt.\n\n| module | licence |\n|---|---|\n'
fi
status=0
while IFS='|' read -r module version dir; do
	file=
	for name in LICENSE LICENSE.txt LICENSE.md LICENCE COPYING License LICENSE.MIT; do
		[ -n "$file" ] || [ ! -f "$dir/$name" ] || file=$dir/$name
	done
	[ -n "$file" ] || { echo "$module has no licence" >&2; status=1; continue; }
	kind=$(licence "$file")
	case $kind in
	unknown | GPL)
		echo "$module: $kind" >&2
		status=1
		;;
	esac
	if [ "${1:-}" = --texts ]; then
		printf '%s %s (%s)\n\n' "$module" "$version" "$kind"
		cat "$file"
		printf '\n----\n\n'
	else
		printf '| %s | %s |\n' "$module" "$kind"
	fi
done <"${TMPDIR:-/tmp}/licences.$$"
# A script that the console's pages load stands in the tree.
if [ "${1:-}" = --texts ]; then
	printf 'htmx\n\n'
	cat console/assets/htmx/LICENSE
else
	printf '| htmx (console/assets/htmx) | 0BSD |\n'
fi
exit $status
