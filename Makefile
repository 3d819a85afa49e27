# Two commands do everything: `make run` starts the platform, `make test` sets up and passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROFILE ?= quick
PRODUCT := services gateway infra
PYTEST = $(BIN)/python -m pytest
UV_VERSION := 0.13.9

.PHONY: run test check bench lock clean

run: $(VENV)/.runtime
	@$(BIN)/python -m compileall -q $(PRODUCT)
	$(BIN)/klantreis up

# Tests that kill processes have deadlines for coming back, so they have the machine to themselves.
ifeq ($(PROFILE),full)
test: $(VENV)/.mining
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

bench: $(VENV)/.test
	$(BIN)/python -m tests.benchmarks

# The lock files carry hashes and no registry address, so they work behind any mirror.
lock: $(BIN)/uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --extra test pyproject.toml -o requirements-test.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --constraint requirements-test.lock --extra mining pyproject.toml -o requirements-mining.lock

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
