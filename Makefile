.DEFAULT_GOAL := help
.PHONY: help demo setup test race lint bench bench-compare microbench fuzz faults vuln

GOTESTFLAGS ?=
# SQLite's own code is C by its nature, with one lock around each connection: watching
# its memory takes ten times as long as the rest of a test. No other package may be
# left out: one that instantiates generic code of the standard library leaves it
# unwatched for all, and what is in order then looks like a race.
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
	@scripts/modules go test $(GOTESTFLAGS) ./...

race: ## run all tests with the race detector
	@$(MAKE) --no-print-directory test GOTESTFLAGS="$(RACE) $(GOTESTFLAGS)"

lint: ## gofmt, go vet, golangci-lint
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
