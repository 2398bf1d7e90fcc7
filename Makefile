# Two commands: `make run` and `make test`. Both install what is missing first.
CARGO := $(shell command -v cargo || echo $(HOME)/.cargo/bin/cargo)
export CARGO

.PHONY: run test check setup clients

run: setup ## Serve on 127.0.0.1:7700; more options: make run ARGS="--region eu-west-1"
	$(CARGO) build --release --locked --quiet
	exec target/release/strongroom dev $(ARGS)

test: setup clients check ## Pass every test
	rm -rf target/tmp/remains
	$(CARGO) test --locked
	$(CARGO) test --locked --test hygiene -- --ignored # looks through what the others have left

check: ## Formatting and lints
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

setup: ## System packages that are missing
	scripts/setup.sh

clients: ## The AWS CLI, boto3 and SOPS, for the tests
	scripts/clients.sh
