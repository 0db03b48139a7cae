# Every target makes .venv if it isn't there, installs what it needs once (and again when
# pyproject.toml changes), and then does its work. Nothing needs to be installed by hand.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# A file's tests have what they compile in common: they are run by one worker. The order of the files is
# kept: with the most tests first, the last files would be few and long.
PYTEST = $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The newest Python on this machine that JAX runs on, for test-newest.
NEWEST ?= $(shell for version in 3.13 3.12; do \
  for python in python$$version "$$HOME"/.pyenv/versions/$$version.*/bin/python; do \
    "$$python" -c "import ensurepip, venv" 2>/dev/null && echo "$$python" && exit; done; done)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-optimized test-all test-newest newest lint format reference bench clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed-core  ## train a convolutional network on 8,500 handwritten digits
	$(BIN)/eshkol run examples/mnist.esk

# A third of the time of the tests is XLA's, which optimizes programs that run once: it is told not to. The
# other targets have it optimize as it does for users.
test: export JAX_DISABLE_MOST_OPTIMIZATIONS = 1
test: $(VENV)/installed-test  ## run the tests, except those that take minutes
	$(PYTEST) -m "not slow"

test-all: $(VENV)/installed-test  ## run every test
	$(PYTEST)

test-newest:  ## run the tests on the newest Python here, with the newest JAX
	@test -n "$(NEWEST)" || { echo "there is no Python 3.12 or 3.13 here; make test-newest NEWEST=…"; exit 1; }
	$(MAKE) test-optimized VENV=.venv-newest PYTHON="$(NEWEST)"

test-optimized: $(VENV)/installed-test  ## run the tests that make test runs, of optimized programs
	$(PYTEST) -m "not slow"

newest:  ## say which Python that is; nothing if there is none
	@echo $(NEWEST)

lint: $(VENV)/installed-lint  ## check style, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/installed-lint  ## rewrite the sources in the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

reference: $(VENV)/installed-core  ## write docs/reference anew from the docstrings
	$(BIN)/python -m eshkol.reference docs/reference

bench: $(VENV)/installed-bench  ## measure against hand-written JAX, Flax and Equinox
	$(BIN)/python benchmarks/train_step.py
	$(BIN)/python benchmarks/dispatch.py
	$(BIN)/python benchmarks/eager.py
	$(BIN)/python benchmarks/tensors.py
	$(BIN)/python benchmarks/loop_gradients.py
	$(BIN)/python benchmarks/control_flow.py --picture build/loop_gradients.svg

clean:  ## remove .venv and everything that was generated
	rm -rf $(VENV) .venv-newest build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv that is broken or of too old a Python is made anew. Two --quiet hide pip's warnings,
# never its errors.
$(VENV)/installed-%: pyproject.toml
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "installing eshkol ($*) into $(VENV)"
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check \
	  --editable '.$(if $(filter-out core,$*),[$*])'
	@touch $@
