# Every stage of .ci/run by name; each can be called alone.
CARGO ?= cargo

.PHONY: help setup demo test format lint without-pcsc doc no-std verify conformance standard book bench fuzz mutants coverage ci clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | column -t -s "$$(printf '\t')"

setup: ## install what is needed (scripts/setup)
	@scripts/setup

demo: setup ## play the whole story with virtual cards
	@$(CARGO) build --locked --package purse-terminal --bin purse
	@$(CARGO) run --quiet --locked --package purse-terminal --bin purse -- demo

# Tests with readers wait most of the time: more threads than cores.
RUST_TEST_THREADS ?= $(shell echo $$((3 * $$(nproc 2>/dev/null || echo 2))))
test: setup ## run every test
	RUST_TEST_THREADS=$(RUST_TEST_THREADS) $(CARGO) test --locked --workspace --all-features

format: ## check the formatting
	$(CARGO) fmt --all --check

lint: ## clippy, warnings are errors; the lock file of fuzz/ fits what it is built from
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	$(CARGO) fetch --quiet --locked --manifest-path fuzz/Cargo.toml

without-pcsc: ## everything builds without the feature `pcsc` where pkg-config finds no libpcsclite
	PKG_CONFIG_LIBDIR=/nonexistent $(CARGO) clippy --locked --workspace --all-targets --no-default-features -- -D warnings

doc: ## rustdoc, warnings are errors
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps --all-features --document-private-items

no-std: ## card and apdu-spec link without std and without an allocator, and answer a SELECT; P-256 computes
	cd no-std-check && $(CARGO) run --locked --release --quiet && $(CARGO) run --locked --release --quiet --bin curve

verify: ## look at what must hold for MINUTES=10 in all, from SEED=1 (see docs/verification.md)
	@scripts/verify

COMMANDS ?= 1000000
SEED ?= 1
conformance: ## the card is held to the standard's listings, COMMANDS=1000000 from SEED=1; changed listings and faulty cards are noticed
	$(CARGO) build --quiet --locked --workspace --all-features --profile verify --bin purse-conformance
	$(CARGO) run --quiet --locked --package purse-conformance --profile verify -- run --commands $(COMMANDS) --seed $(SEED)
	$(CARGO) run --quiet --locked --package purse-conformance --profile verify -- mutants --seed $(SEED)
	$(CARGO) run --quiet --locked --package purse-conformance --profile verify -- faults --seed $(SEED)
	PROCESS_MUTANTS=1 $(CARGO) test --quiet --locked --workspace --all-features --test process_flows --test process_mutants -- --nocapture

standard: ## write docs/standard.md and its pictures anew, from tables, listings and runs
	@$(CARGO) run --quiet --locked --package purse-document -- standard

book: ## the same as an HTML book, in target/book
	@$(CARGO) run --quiet --locked --package purse-document -- book target/book
	@echo target/book/index.html

bench: ## costs of every flow, and purchases per second
	@$(CARGO) run --release --quiet --locked --package purse-terminal --bin purse -- bench

MINUTES ?= 5
fuzz: ## fuzz every target, MINUTES=5 in all; needs nightly and cargo-fuzz
	@scripts/fuzz --minutes $(MINUTES)

mutants: ## change the card in each place and see a test fail (hours; FILE=card/src/payer.rs for one file)
	@scripts/mutants $(if $(FILE),--file '$(FILE)')

coverage: ## lines and branches of card and apdu-spec that the tests run
	@scripts/coverage

ci: format lint without-pcsc doc no-std test ## all of the above that can fail

clean: ## remove what was built
	$(CARGO) clean
	rm -rf no-std-check/target fuzz/target
