PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
SOURCES := daxa_wf tests benchmarks workflow/scripts

.PHONY: demo test fuzz lint format clean

demo: $(VENV)/.ready  ## run the default config on the embedded observatory
	$(BIN)/snakemake --cores $(CORES)

test: $(VENV)/.ready  ## run the tests
	$(BIN)/pytest -n auto

fuzz: $(VENV)/.ready  ## give every parser a hundred times as many wrong inputs as the tests do
	DAXA_WF_FUZZ=$(or $(TIMES),100) $(BIN)/pytest -n auto tests/fuzz

lint: $(VENV)/.ready-lint  ## check style, rules and types
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/snakefmt --check workflow
	$(BIN)/python .ci/lint_workflow.py
	$(BIN)/mypy

format: $(VENV)/.ready-lint
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/snakefmt workflow

clean:
	rm -rf $(VENV) daxa_wf_demo

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(VENV)/.ready-lint: $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	touch $@
