# Everything here needs Python 3.11 or newer and make, nothing else. The first target that is asked
# for makes .venv in this folder; the stamp makes it happen once, and again when pyproject.toml changes.

PYTHON  ?= python3
WORKERS ?= 2

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready

# the checkout must not be on sys.path: its datasets/ would hide another library's
export PYTHONSAFEPATH := 1
# each worker is one core's work
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-servers lint prove bench clean

help:
	@echo "make demo   audit a price model that was trained on real hotel bookings; writes runs/demo/"
	@echo "make test   every check that a change must pass"
	@echo "make test-servers  one plan against real model servers and every kind of model file"
	@echo "make prove  the same code with full counts; writes docs/tables/"
	@echo "make bench  speed beside named peers, one JSON line a case"
	@echo "make lint   style, types and layers only"
	@echo "make clean  remove what make made (never runs/: they are evidence)"

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Evenhand needs Python 3.11 or newer, and '$(PYTHON)' is not: name one, as in 'make $(or $(MAKECMDGOALS),test) PYTHON=python3.12'." >&2; \
	  exit 2; }
	@echo "Setting up .venv in this folder, once: Evenhand with its data and development extras (a few minutes)."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "'$(PYTHON) -m venv' does not work here: install its venv module (Debian and Ubuntu: apt install python3-venv)." >&2; \
	  exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[data,dev]"
	@touch $@

demo: $(READY)
	@echo "Auditing a hotel price model over HTTP on this machine; the report goes to runs/demo/."
	@$(BIN)/evenhand demo

lint: $(READY)
	@echo "Checking style, types and layers."
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: lint
	@echo "Running the tests with doctests, warnings as errors and branch coverage."
	@$(BIN)/python tests/laws/test_docstrings.py
	@$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile --cov --cov-branch --cov-report=term:skip-covered --durations=10

# each server has an environment of its own: they do not agree on the versions of what they share
SERVERS := .venv-servers
mlflow   := mlflow scikit-learn pandas
mlserver := mlserver mlserver-sklearn
kserve   := kserve scikit-learn
bentoml  := bentoml scikit-learn pandas

$(SERVERS)/%/.ready: Makefile
	@echo "Setting up $* in $(SERVERS)/, once (some minutes)."
	@test -x $(SERVERS)/$*/bin/python || $(PYTHON) -m venv $(SERVERS)/$*
	@$(SERVERS)/$*/bin/python -m pip install --quiet --disable-pip-version-check $($*)
	@touch $@

$(VENV)/.models: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[models,logs]"
	@touch $@

test-servers: $(VENV)/.models $(foreach one,mlflow mlserver kserve bentoml,$(SERVERS)/$(one)/.ready)
	@echo "Starting real model servers on loopback and asking each by one plan."
	@$(BIN)/pytest -m "servers or not prove" tests/servers tests/audit/target/test_modelfile.py --durations=10

prove: $(READY)
	@echo "Running the full counts; the tables go to docs/tables/."
	@mkdir -p docs/tables
	@EVENHAND_PROVE=1 $(BIN)/pytest -m prove --numprocesses=$(WORKERS) --dist=load --durations=10

bench: $(READY)
	@echo "Measuring beside the named peers: one JSON line a case." >&2
	@$(BIN)/python benchmarks/run.py

clean:
	@echo "Removing .venv, builds and caches; runs/ stays."
	@rm -rf $(VENV) $(SERVERS) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	@find . -path ./runs -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
