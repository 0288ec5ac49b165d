# Everything a newcomer needs: `make demo` and `make test`. Each target makes what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow node evm check bench golden lock docs stuck clean

demo: $(VENV)/.run
	$(BIN)/perpbook demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

# What compiles the kernels anew and asks the same laws of thousands: minutes rather than seconds.
test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

# A real EVM node for the tests of layers' health, which are left out where there is none.
node: tests/anvil/node_modules/.package-lock.json

tests/anvil/node_modules/.package-lock.json: tests/anvil/package-lock.json
	npm ci --silent --prefix tests/anvil
	touch $@

# The same tests on eth-tester's EVM, as far as it goes, where there is no npm.
evm: $(VENV)/.evm

$(VENV)/.evm: $(VENV)/.dev requirements/evm.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/evm.txt
	touch $@

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m perpbook.cli.reference --check docs/cli.md

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.stress_grid --json
	$(BIN)/python -m benchmarks.check_latency --json
	$(BIN)/python -m benchmarks.backtest_bars --json
	$(BIN)/python -m benchmarks.sweep --json
	$(BIN)/python -m benchmarks.drill --json
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.hedge --json
	$(BIN)/python -m benchmarks.options --json
	$(BIN)/python -m benchmarks.treasury --json
	$(BIN)/python -m benchmarks.simulated_exchange --json
	$(BIN)/python -m benchmarks.guard_latency --json
	$(BIN)/python -m benchmarks.routing --json

golden: $(VENV)/.dev
	$(BIN)/python -m tests.golden tests/golden/cases

docs: $(VENV)/.dev
	$(BIN)/python -m perpbook.cli.reference docs/cli.md

# The chances that transfers are stuck, after a change of the treasury's facts or of the storms.
stuck: $(VENV)/.dev
	$(BIN)/python -m perpbook.treasury.stuck_kept

# Locks are made for every platform, with hashes and without any index in them; pins.in is what ccxt holds its own needs to.
lock: $(VENV)/.dev
	$(BIN)/uv pip compile --universal --no-header --no-emit-index-url --generate-hashes --python-version 3.11 requirements/build.in -o requirements/build.txt
	$(BIN)/uv pip compile --universal --no-header --no-emit-index-url --generate-hashes --python-version 3.11 -c requirements/pins.in pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --universal --no-header --no-emit-index-url --generate-hashes --python-version 3.11 -c requirements/pins.in --extra dev --extra tails pyproject.toml requirements/build.in -o requirements/dev.txt
	$(BIN)/uv pip compile --universal --no-header --no-emit-index-url --generate-hashes --python-version 3.11 -c requirements/dev.txt --extra live --extra alerts --extra postgres --extra sim pyproject.toml requirements/venues.in -o requirements/venues.txt
	$(BIN)/uv pip compile --universal --no-header --no-emit-index-url --generate-hashes --python-version 3.11 requirements/evm.in -o requirements/evm.txt

$(VENV)/.run: requirements/run.txt requirements/build.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt requirements/venues.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/venues.txt
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
