# `make demo` and `make test` are all a fresh machine with Python 3.11, pip and make needs.
PYTHON ?= python3
SIZE ?= full
BIN := .venv/bin

# Where this is set, every process of the tests compiles the program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test lint faults mutants bench requirements
install: .venv/installed

.venv/installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: install
	$(BIN)/pension-ledger demo

test: install
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

faults: install
	$(BIN)/python -m tests.faults.many

mutants: install
	$(BIN)/python -m tests.mutants.run

bench: install
	$(BIN)/python -m benchmarks.run --size $(SIZE)

# Whatever names an address comes out as an option line, and is left out.
requirements:
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --no-strip-extras --no-header \
	    --extra dev --output-file requirements-dev.txt pyproject.toml
	sed -i '/^--/d' requirements-dev.txt
