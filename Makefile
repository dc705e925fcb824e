# Everything a developer does here, one target each. The work itself is in bin/sidecart (tools/sidecart).
# Each Go module is built alone (GOWORK=off): go.work is for editors.
export GOWORK := off
export GOFLAGS := $(filter-out -buildvcs=%,$(GOFLAGS)) -buildvcs=false

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
SIDECART := bin/sidecart
MODULES := $(patsubst %/go.mod,%,$(wildcard ./go.mod tools/go.mod test/e2e/go.mod))
ARGS ?=
PROFILE ?=
SUITES ?= ./journeys ./chaos
GOTEST ?= go test -timeout 30m
comma := ,
# Every module does its part, and the first failure does not hide the next.
each = @rc=0; for module in $(MODULES); do (cd $$module && $(1)) || rc=1; done; exit $$rc

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: sidecart ## set everything up and serve the shop here, on PROFILE=standard or kafka if named (a second one: ARGS="--port-offset 20 --data .data-2")
	@exec $(SIDECART) up $(if $(PROFILE),--profile $(PROFILE)) $(ARGS)

.PHONY: stop
stop: sidecart ## stop the running shop, keep its data
	@$(SIDECART) down $(ARGS)

.PHONY: reset
reset: sidecart ## stop the shop and wipe its data
	@$(SIDECART) reset $(ARGS)

.PHONY: test
test: sidecart ## prove the whole: format, vet, lint and every test of every module
	@rc=0; for step in format pages-current vet lint; do $(MAKE) $$step || rc=1; done; \
	$(SIDECART) testenv --tags "$$($(SIDECART) infra tags)" -- $(MAKE) go-test || rc=1; $(SIDECART) infra suites || rc=1; exit $$rc

.PHONY: e2e
e2e: sidecart ## run the whole journeys and chaos suites on one PROFILE (SUITES=./journeys for a part, ARGS="-run X")
	@cd test/e2e && $(CURDIR)/$(SIDECART) testenv -- env SIDECART_PROFILE=$(or $(PROFILE),embedded) $(GOTEST) -timeout 60m -p=1 -count=1 $(ARGS) $(SUITES)

.PHONY: check
check: format pages-current lint sidecart ## the fast part of it: format, lint, and the tests of pkg/ and services/
	@tags=$$($(SIDECART) infra tags); $(SIDECART) testenv --tags "$$tags" -- $(GOTEST) -tags "$$tags" ./pkg/... $(if $(wildcard services),./services/...)

.PHONY: bench
bench: sidecart ## measure a shop of its own and write docs/benchmarks.md
	@$(SIDECART) bench $(ARGS)

.PHONY: screenshots
screenshots: sidecart ## take the pictures of docs/screenshots anew, of a shop of its own (needs Chromium)
	@$(SIDECART) testenv -- $(MAKE) take-screenshots

.PHONY: chaos
chaos: sidecart ## break a shop of its own while guests buy, with twenty seeds (ARGS="--seed 7" for one, "--minutes 30" for a soak, PROFILE=kafka)
	@$(SIDECART) chaos $(if $(PROFILE),--profile $(PROFILE)) $(ARGS)

.PHONY: sdks
sdks: ## Braintree's official SDKs for Node, Python and Java against its simulator (needs them: node, npm, python3, java, mvn)
	@tools/simulators/braintree/sdk/run.sh

.PHONY: lint
lint: ## run the linters of .golangci.yml
	$(call each,go tool -modfile=$(CURDIR)/tools/lint/go.mod golangci-lint run --allow-parallel-runners --config $(CURDIR)/.golangci.yml ./...)

.PHONY: vet
vet: ## run go vet
	$(call each,go vet -tags redis$(comma)kafka$(comma)opensearch$(comma)chromium$(comma)pictures ./...)

.PHONY: fmt
fmt: ## format every Go file
	@gofmt -l -w .

.PHONY: generate
generate: pages ## write again what is generated from the code: pages, the drawings of states and docs/events.md
	@go test -count=1 ./services/order/internal/app ./services/checkout/internal/checkout -run Drawing -update
	@cd tools && go test -count=1 ./internal/eventdoc -update

.PHONY: sidecart
sidecart: ## build the command line into bin/sidecart
	@go build -C tools -o ../$(SIDECART) ./sidecart

# The parts below are not for the keyboard.
.PHONY: pages
pages:
	@go tool -modfile=$(CURDIR)/tools/templ/go.mod templ generate -path services/storefront -log-level error

# Pages that were changed without make generate show nothing of it.
.PHONY: pages-current
pages-current:
	@before=$$(cat services/storefront/internal/view/*_templ.go | sha256sum); $(MAKE) pages && \
	[ "$$before" = "$$(cat services/storefront/internal/view/*_templ.go | sha256sum)" ] || { echo "the pages were not generated (make generate mends it)"; exit 1; }

.PHONY: take-screenshots
take-screenshots:
	@cd test/e2e && $(GOTEST) -count=1 -tags pictures ./pictures

.PHONY: format
format:
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "not formatted (make fmt mends it):"; echo "$$bad"; exit 1; fi

# The last module runs whole shops: one at a time. The tests of all modules but the first run always: go remembers which files a test has read
# inside its own module alone, and these read documents, components and migrations of the others. Tests with real servers are built for those
# that the machine has. Of the Dapr build only what is ours is tested, built as the build does.
.PHONY: go-test
go-test:
	@rc=0; (cd tools/dapr && CGO_ENABLED=0 $(GOTEST) -tags stablecomponents ./internal/...) || rc=1; $(MAKE) modules-test || rc=1; exit $$rc

.PHONY: modules-test
modules-test:
	@tags=$$($(SIDECART) infra tags); $(subst @rc=0;,rc=0;,$(call each,$(GOTEST) -tags "$$tags" $$([ "$$module" = . ] || echo -count=1) $$([ "$$module" = test/e2e ] && echo -p=1) ./...))
