.DEFAULT_GOAL := help
.PHONY: help demo setup test race lint bench fuzz faults vuln

GOTESTFLAGS ?=
BENCH ?= .
FUZZTIME ?= 10s
FAULTS ?= 10m

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the demo shop on http://127.0.0.1:3000
	go run ./cmd/footfall demo

setup: ## install what the tests use, if missing
	@scripts/setup

test: setup ## run all tests (GOTESTFLAGS=… for go test)
	@scripts/modules go test $(GOTESTFLAGS) ./...

race: ## run all tests with the race detector
	@$(MAKE) --no-print-directory test GOTESTFLAGS="-race $(GOTESTFLAGS)"

lint: ## gofmt, go vet, golangci-lint
	@scripts/lint

bench: ## run the benchmarks (BENCH=regexp)
	@scripts/modules go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: ## fuzz every target for FUZZTIME (10s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz

faults: setup ## load and faults for ten minutes, against real servers (FAULTS=10m)
	@FOOTFALL_FAULTS=$(FAULTS) go test -count=1 -timeout 60m -v -run TestFaults ./internal/faults

vuln: ## look for known vulnerabilities (needs the network)
	@scripts/vuln
