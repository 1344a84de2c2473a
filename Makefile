# convened: `make` lists what can be made.
#
# On a machine with Go and a package manager, `make demo` and `make test` do all
# of their own set-up: build/setup.sh installs what is missing, once.

# Arguments for the demo and the faults: make demo ARGS='--help'
ARGS ?=
# What the demo and the tests need besides Go: see build/setup.sh.
NEEDS ?= postgres
# Packages to test: make test PKG=./store/...
PKG ?= ./...
# More flags for `go test`: make test TESTFLAGS='-v -run TestClaim'
TESTFLAGS ?=
# How long `make fuzz` looks for trouble in each target.
FUZZTIME ?= 60s
# Which benchmarks `make gobench` runs, as a pattern of their names.
BENCH ?= .
# What `make bench` measures: BENCHFLAGS='-what burst -letters 20000 -rounds 1'
BENCHFLAGS ?=

# The Debians that `make hardening` and `make packages-try` are for.
SUITES ?= bookworm trixie

LINT_VERSION := 2.15.0
LINT := bin/golangci-lint-$(LINT_VERSION)
NFPM_VERSION := 2.45.0
NFPM := bin/nfpm-$(NFPM_VERSION)
VULN_VERSION := 1.9.0
VULN := bin/govulncheck-$(VULN_VERSION)

# Runs a command with a Go that has somewhere to keep its caches.
RUN := build/env.sh
# Runs a command beside a Postgres of its own, which is gone when it ends.
WITHPG := $(RUN) go run ./internal/lab/cmd/withpg --

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: setup build ## Postgres, a mailbox, a sample event and the daemon, all private, to look at
	@bin/convened demo $(ARGS)

.PHONY: test
test: NEEDS += chromium systemd
test: setup ## All tests, beside a Postgres of their own; some minutes
	@$(WITHPG) go test -shuffle=on $(TESTFLAGS) $(PKG)

.PHONY: check
check: vet lint licences vuln race ## All that must pass before a change lands: vet, lint, licences, vuln, race

.PHONY: vet
vet: ## The quick checks: gofmt and go vet
	@unformatted=$$(find . -path ./bin -prune -o -name '*.go' -print | xargs $(RUN) gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	@$(RUN) go vet ./...

.PHONY: lint
lint: $(LINT) ## golangci-lint, and its opinion of the formatting
	@$(RUN) $(LINT) fmt --diff
	@$(RUN) $(LINT) run

.PHONY: race
race: NEEDS += cc chromium systemd
race: setup ## All tests with the race detector
	@$(WITHPG) go test -race -shuffle=on $(TESTFLAGS) $(PKG)

.PHONY: postfix
postfix: NEEDS += postfix
postfix: setup ## A real Postfix, private too, that brings a bounce back and gets no letter twice; as root
	@$(WITHPG) go test -tags postfix -count=1 -run TestPostfix $(TESTFLAGS) ./cmd/convened

.PHONY: systemd
systemd: setup ## The daemon killed again and again under your own systemd (--user), and nobody gets a letter twice
	@$(WITHPG) go test -tags systemd -count=1 -run TestSystemd $(TESTFLAGS) ./cmd/convened

.PHONY: chaos
chaos: NEEDS += pgbouncer
chaos: setup ## Every fault of docs/faults.md, played against the daemon; ARGS='--help' says how
	@$(RUN) go run ./internal/lab/chaos $(ARGS)

.PHONY: hardening
hardening: NEEDS := debootstrap systemd
hardening: setup ## The unit, proven on Debian's systemd 252 and 257, booted in namespaces; as root
	@build/hardening.sh $(SUITES)

.PHONY: adopt
adopt: setup ## A table of a million rows adopted both ways while eight clients write to it; some minutes
	@$(WITHPG) go test -count=1 -timeout 60m -v -run TestEveryRowOfALargeTable ./store -adopt.rows 1000000 -adopt.hold 10s -adopt.for 60s

.PHONY: packages
packages: $(NFPM) ## dist/: a .deb and an .rpm, the same bytes each time
	@build/packages.sh $(NFPM)

.PHONY: packages-try
packages-try: NEEDS := debootstrap
packages-try: setup $(NFPM) ## Install, run, upgrade and purge in clean Debians, booted in namespaces; as root
	@build/packages-try.sh $(abspath $(NFPM)) $(SUITES)

.PHONY: rules
rules: NEEDS := prometheus
rules: setup ## The alert rules of docs/monitoring, tested by promtool
	@promtool check rules docs/monitoring/rules.yaml
	@promtool test rules docs/monitoring/rules_test.yaml

.PHONY: fmt
fmt: $(LINT) ## Formats every Go file
	@$(RUN) $(LINT) fmt

.PHONY: fuzz
fuzz: setup ## Every fuzz target, for FUZZTIME (60s) each
	@$(WITHPG) build/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: NEEDS += postfix node
bench: setup build ## convened beside what one would build instead; twenty minutes, see bench/README.md
	@CGO_ENABLED=0 $(RUN) go build -trimpath -o bin/bench-sink ./bench/sink
	@CGO_ENABLED=0 $(RUN) go build -C bench/peers/river -trimpath -o ../../../bin/bench-river .
	@cd bench/peers/node && npm ci --silent --no-audit --no-fund
	@$(RUN) go run ./bench -bin bin -out bench/results/$$(date -u +%Y-%m-%dT%H%M).json $(BENCHFLAGS)

.PHONY: gobench
gobench: setup ## Every Go benchmark in the tree, with allocations
	@$(WITHPG) go test -run '^$$' -bench '$(BENCH)' -benchmem $(PKG)

.PHONY: build
build: ## bin/convened, one static program
	@CGO_ENABLED=0 $(RUN) go build -trimpath -o bin/convened ./cmd/convened

.PHONY: licences
licences: ## Whether docs/licences.md lists each library's licence, and each allows what is done with it
	@build/licences.sh | diff -u docs/licences.md - || { echo "build/licences.sh >docs/licences.md, and look at what is new"; exit 1; }

# govulncheck says 3 where it found something. Without a way to vuln.go.dev nothing
# is known, which is no reason to stop and one to say so.
.PHONY: vuln
vuln: $(VULN) ## Known vulnerabilities in what is used; asks vuln.go.dev
	@status=0; $(RUN) $(VULN) ./... || status=$$?; \
	if [ $$status = 3 ]; then exit 1; fi; \
	if [ $$status != 0 ]; then echo "NOT CHECKED for known vulnerabilities: see above"; fi

.PHONY: setup
setup:
	@build/setup.sh $(NEEDS)

$(LINT):
	@echo "Building golangci-lint $(LINT_VERSION), once; it takes some minutes."
	@GOBIN='$(CURDIR)/bin' $(RUN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION)
	@mv bin/golangci-lint $@

$(NFPM):
	@echo "Building nfpm $(NFPM_VERSION), once."
	@GOBIN='$(CURDIR)/bin' $(RUN) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v$(NFPM_VERSION)
	@mv bin/nfpm $@

$(VULN):
	@GOBIN='$(CURDIR)/bin' $(RUN) go install golang.org/x/vuln/cmd/govulncheck@v$(VULN_VERSION)
	@mv bin/govulncheck $@
