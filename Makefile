PYTHON ?= python3
CORES ?= all
# LOCKED=1 installs the tested versions of constraints.txt, checked by their hashes, in place of the newest ones.
LOCKED ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# Tests wait for servers and limits of time, so there are more workers than cores.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')
SOURCES := daxa_wf daxa_wf_simulator snakemake_logger_plugin_daxa tests benchmarks workflow/scripts

.PHONY: demo test fuzz lint format constraints clean

demo: $(VENV)/.ready  ## run the default config on simulated observations
	$(BIN)/snakemake --cores $(CORES)

test: $(VENV)/.ready  ## run the tests
	$(BIN)/pytest -n $(WORKERS) --dist load --maxschedchunk 2

fuzz: $(VENV)/.ready  ## give every parser a hundred times as many wrong inputs as the tests do
	DAXA_WF_FUZZ=$(or $(TIMES),100) $(BIN)/pytest -n auto tests/fuzz

lint: $(VENV)/.ready-lint  ## check style, rules and types
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

format: $(VENV)/.ready-lint
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/snakefmt workflow

constraints: $(VENV)/.ready  ## pin the newest versions of everything, with hashes
	$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --all-extras --upgrade pyproject.toml --output-file constraints.txt

clean:
	rm -rf $(VENV) daxa_wf_demo

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
ifneq ($(LOCKED),)
	$(PIP) --require-hashes --requirement constraints.txt
	$(PIP) --no-deps --editable .
else
	$(PIP) --editable '.[test]'
endif
	touch $@

$(VENV)/.ready-lint: $(VENV)/.ready
ifeq ($(LOCKED),)
	$(PIP) --editable '.[test,lint]'
endif
	touch $@
