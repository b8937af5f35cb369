# `make demo` and `make test` each do all set-up on a fresh machine: Python 3.11, git and a C library are enough.
PYTHON ?= python3.11
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -m "not slow" --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
    --durations 15
# A script among the tests, with the helpers that all tests share.
SCRIPT := PYTHONPATH=$(CURDIR)/tests $(BIN)/python
CPU_INDEX := https://download.pytorch.org/whl/cpu

.PHONY: demo compare test test-tools test-homework test-all bench build check lint lock clean

demo: .venv/ready  ## grade a sample class, write its report and feedback pages; about two minutes
	$(SCRIPT) tests/homework/demo.py

compare: .venv/ready  ## grade two notebooks of it with the engine, stock nbgrader, and stock otter; about ten minutes
	$(BIN)/autograder build --no-solved
	$(SCRIPT) tests/homework/compare.py

test: check test-tools test-homework  ## lint, types, tests, and that the committed release is what the source gives

check: .venv/ready  ## lint, types, and that the committed release is what the source gives
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/autograder build --check
	$(BIN)/autograder build --no-solved

test-tools: .venv/ready  ## the tools, on courses made for them
	$(PYTEST) tests/tools

test-homework: .venv/ready  ## every assignment's answers, notebooks and pages
	$(PYTEST) tests/homework

test-all: .venv/ready  ## the tests with the long ones
	$(BIN)/python -m pytest

bench: .venv/ready  ## measure against stock nbgrader and stock otter, about three hours; writes docs/benchmarks.md
	$(BIN)/autograder build --no-solved
	$(BIN)/python bench/grading.py --write
	$(BIN)/python bench/class_stock.py --write
	$(BIN)/python bench/parts.py --write
	$(BIN)/python bench/start.py --write
	$(BIN)/python bench/training_cost.py --write
	$(BIN)/python bench/class_growth.py --write
	$(BIN)/python bench/class_growth.py --runs 2:120 1:120 2:120 --title "Two workers" --write
	$(BIN)/python bench/hostile_stock.py --write

build: .venv/ready  ## release, otter zips, executed solution notebooks
	$(BIN)/autograder build

# PyTorch's own index has its CPU builds, and is asked for nothing else: its entries in the lock go first.
.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $$(command -v $(PYTHON) || echo python3) -m venv .venv
	awk '/^[a-z]/ {is_torch = /^torch==/} is_torch' requirements.lock > .venv/torch.lock
	$(BIN)/python -m pip install --quiet --no-deps --extra-index-url $(CPU_INDEX) --requirement .venv/torch.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

lock: .venv/ready  ## pin what pyproject.toml's pinned dependencies need in turn, with hashes
	$(BIN)/python scripts/lock.py

clean:  ## remove what is built and not committed
	rm -rf autograder/dist build .pytest_cache .mypy_cache .ruff_cache
