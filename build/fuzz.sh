#!/bin/sh
# build/fuzz.sh TIME runs every fuzz target in the tree for TIME, one after the
# other. What one finds, Go writes to testdata/fuzz beside it: commit it with the mend.
set -eu

list=$(go test -list '^Fuzz' ./...) # fails where a package does not compile
# A package's targets come first, and then the line of the package.
targets=$(echo "$list" | awk '
	/^Fuzz/ { names[++n] = $1 }
	/^ok/   { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
if [ -z "$targets" ]; then
	echo "no fuzz target was found" >&2
	exit 1
fi
echo "$targets" | while read -r package name; do
	echo "$package $name"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "$package" </dev/null
done
