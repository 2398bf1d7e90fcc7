# Two commands: `make run` and `make test`. Both install what is missing first.
CARGO := $(shell command -v cargo || echo $(HOME)/.cargo/bin/cargo)
export CARGO

.PHONY: run test test-compose test-deb memory kills report-500 beside-openbao instructions scale pgo check setup clients deb fuzz verify-ten-million

run: setup ## Serve on 127.0.0.1:7700; more options: make run ARGS="--region eu-west-1"
	$(CARGO) build --release --locked --quiet
	exec target/release/strongroom dev $(ARGS)

test: setup clients check ## Pass every test
	rm -rf target/tmp/remains
	$(CARGO) test --locked
	$(CARGO) test --locked --test hygiene -- --ignored # looks through what the others have left

test-compose: setup clients ## Pass the tests of docker-compose.yml; as root or with sudo
	$(CARGO) build --locked --quiet
	scripts/with-docker.sh tests/compose/run.sh

# Whatever binary there is; by default what the tests have built.
STRONGROOM_BINARY := target/debug/strongroom
test-deb: setup ## Install, use, upgrade and remove the package in a fresh Debian; as root
	tests/debian/run.sh $(STRONGROOM_BINARY)

memory: setup ## Look for secrets in a gateway's memory; as root
	$(CARGO) test --locked --test door -- --ignored

KILLS := 100
kills: setup ## Kill a gateway under load, KILLS times: nothing that was answered is missing from the audit log
	STRONGROOM_KILLS=$(KILLS) $(CARGO) test --locked --test promises kills:: -- --nocapture

report-500: setup clients ## Make a report of 500 keys and 100,000 events, and open it in Chromium; needs Debian's chromium
	$(CARGO) build --release --locked --quiet
	scripts/report-500.sh target/release/strongroom

instructions: setup clients ## Refuse a change that makes Encrypt, Decrypt or GenerateDataKey dearer, by instructions executed
	scripts/instructions.sh

KEYS := 1000000
TOKEN_KEYS := 10000
scale: setup clients ## Measure a gateway with KEYS keys, TOKEN_KEYS of them on the token too; takes about an hour
	$(CARGO) build --release --locked --quiet
	KEYS=$(KEYS) TOKEN_KEYS=$(TOKEN_KEYS) scripts/scale.sh target/release/strongroom

beside-openbao: setup ## Measure Strongroom beside OpenBao's Transit engine; see docs/bench.md
	$(CARGO) build --release --locked --quiet
	scripts/beside-openbao.sh target/release/strongroom

pgo: setup ## A release build that is laid out for the load of `strongroom bench`, into target/pgo; needs llvm-19
	scripts/pgo.sh

check: ## Formatting and lints, and whether the fuzz targets still compile
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) check --locked --quiet --manifest-path fuzz/Cargo.toml --target-dir target

setup: ## System packages that are missing
	scripts/setup.sh

clients: ## The AWS CLI, boto3 and SOPS, for the tests
	scripts/clients.sh

deb: setup ## The Debian package, into target/debian
	$(CARGO) build --release --locked --quiet
	mkdir -p target/debian
	scripts/deb.sh target/release/strongroom target/debian

verify-ten-million: setup ## Time `strongroom audit verify` on VERIFY_RECORDS records; needs about 9 GB in target/tmp
	$(CARGO) bench --locked --bench verify

FUZZ_SECONDS := 300
fuzz: ## Fuzz each target for FUZZ_SECONDS; needs `cargo install cargo-fuzz`. What is found anew stays in fuzz/target
	for target in sigv4 input form policy blob; do \
		mkdir -p fuzz/target/corpus/$$target; \
		$(CARGO) fuzz run -s none $$target fuzz/target/corpus/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=10 || exit 1; \
	done
