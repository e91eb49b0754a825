.DEFAULT_GOAL := help
.PHONY: help demo setup test race lint bench bench-compare microbench fuzz faults vuln

GOTESTFLAGS ?=
# Packages of the root module to test. Default: all, and those of the other modules.
PACKAGES ?=
# SQLite's code is translated from C and puts one lock around each connection.
# Watching its memory with the race detector makes tests ten times as slow, so it
# is left out. No other package may be: if a package that is left out instantiates
# generic code of the standard library, that code is not watched anywhere, and
# correct code is then reported as a race.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false
BENCH ?= .
BENCHFLAGS ?=
FUZZTIME ?= 10s
FAULTS ?= 10m

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the demo shop on http://127.0.0.1:3000
	go run ./cmd/footfall demo

setup: ## install what the tests use, if missing
	@scripts/setup

test: setup ## run all tests (GOTESTFLAGS=… for go test)
	@PACKAGES="$(PACKAGES)" scripts/test $(GOTESTFLAGS)

race: ## run all tests with the race detector
	@$(MAKE) --no-print-directory test GOTESTFLAGS="$(RACE) $(GOTESTFLAGS)"

lint: ## gofmt, go vet, types on other platforms, golangci-lint
	@scripts/lint

bench: setup bench/express/node_modules ## measure whole servers beside others; writes docs/performance.md (BENCHFLAGS=… as in bench/main.go)
	cd bench && go run . -write $(BENCHFLAGS)

bench/express/node_modules: bench/express/package-lock.json
	cd bench/express && npm ci --omit=dev --silent --no-audit --no-fund
	@touch $@

bench-compare: setup ## fail if Footfall costs 10 % more than bench/recorded.json says
	cd bench && go run . -compare $(BENCHFLAGS)

microbench: ## run the Go benchmarks (BENCH=regexp)
	@scripts/modules go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: ## fuzz every target for FUZZTIME (10s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz

faults: setup ## load and faults for ten minutes, against real servers (FAULTS=10m)
	@FOOTFALL_FAULTS=$(FAULTS) go test -count=1 -timeout 60m -v -run TestFaults ./internal/faults

vuln: ## look for known vulnerabilities (needs the network)
	@scripts/vuln
