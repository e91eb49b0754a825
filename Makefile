.DEFAULT_GOAL := help
.PHONY: help demo setup test race lint bench fuzz vuln

GOTESTFLAGS ?=
BENCH ?= .
FUZZTIME ?= 10s

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

vuln: ## look for known vulnerabilities (needs the network)
	@scripts/vuln
