# Reads `go test -v`, leaves out what only says that a test began or that a part
# of one passed, and closes with a count of whole tests.
/^=== / || /^ +--- PASS/ { next }
/^--- PASS/ { passed++ }
/^--- FAIL/ { failed++ }
/^--- SKIP/ { skipped++ }
{ print; fflush() }
END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }
