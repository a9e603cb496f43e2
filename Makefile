# `make` or `make help` lists what there is.

GO ?= go

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long generate faults verify check lint bench bench-feed attack release clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

setup: ## Find or install what running needs: PostgreSQL's programs
	@scripts/setup run

run: ## Serve the example data on 127.0.0.1:8080; Ctrl-C stops
	@if [ -z "$$DATABASE_URL$$PARLEY_DATABASE_URL" ]; then scripts/setup run; fi
	@scripts/step "Building Parley (the first time takes minutes)" $(GO) build -v -o bin/parley ./cmd/parley
	@exec bin/parley serve --demo

test: ## Run every check and every test, as CI does
	@scripts/setup test
	@$(MAKE) --no-print-directory verify check
	@scripts/test -timeout 18m ./...

test-long: ## Run the tests with twice the random histories and all that takes long (up to an hour)
	@scripts/setup test
	@PARLEY_TEST_LONG=1 scripts/test -timeout 60m ./...

faults: ## Break the database and the network while clients write and follow the feed (some two minutes; SEED=n for the same faults again)
	@scripts/setup test
	@scripts/step "Building the faults" $(GO) test -c -race -o bin/faults ./server/tests/faults
	@cd server/tests/faults && PARLEY_TEST_LONG=1 ../../../bin/faults -test.parallel 4 -test.timeout 15m $(if $(SEED),-seed $(SEED))

generate: ## Generate code from the schema
	$(GO) run ./graph/generate

verify: ## Check that generated code and go.mod are fresh
	@scripts/verify

check: ## Check formatting, and run go vet and staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
		if [ -n "$$unformatted" ]; then echo "Not formatted (run gofmt -w):"; echo "$$unformatted"; exit 1; fi
	@scripts/step "Running go vet" $(GO) vet ./...
	@scripts/step "Building staticcheck" $(GO) build -v -modfile=tools/go.mod -o bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	@scripts/step "Running staticcheck" bin/staticcheck ./...

lint: ## Check formatting and the code with golangci-lint, as .golangci.yml says
	@scripts/step "Building golangci-lint (takes minutes the first time)" \
		$(GO) build -v -modfile=tools/go.mod -o bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@scripts/step "Checking the code with golangci-lint (takes minutes the first time)" bin/golangci-lint run

bench: setup ## Measure reads, writes and searches beside plain statements (some twelve minutes; nothing else should run)
	$(GO) test -run '^$$' -bench . -benchmem ./server/tests/reading
	$(GO) run ./bench

bench-feed: setup ## Measure the live feed beside a bare centrifuge server (some eight minutes; nothing else should run)
	$(GO) run ./bench/feed

attack: setup ## Send a server what overwhelms, and measure how ordinary requests and memory fare (some five minutes)
	$(GO) run ./bench/attack

release: ## Build archives for Linux and macOS into dist/, of what is committed
	@scripts/release

clean: ## Remove what was built; the data in .data stays
	rm -rf bin dist
