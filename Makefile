# Everything happens in .venv, which each target sets up as far as it needs it.
# Nothing else is assumed than make and a Python 3.11 or newer with venv.
PYTHON ?= python3
RECIPE ?= training/recipes/signs.toml
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe \
  --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help setup serve test lint format train bench lock containers clean
.DELETE_ON_ERROR:

help: ## List the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: .venv/.all ## Make .venv with everything for serving, training and tests

serve: .venv/.serving ## Serve the committed model on http://127.0.0.1:8000
	$(BIN)/python -m app

test: .venv/.all ## Run the tests; those that need the data sets say so where these are absent
	$(BIN)/python -m pytest

lint: .venv/.all ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict app training tests benchmarks

format: .venv/.all ## Bring the code into the style that lint checks, as far as a machine can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: .venv/.all ## Fit the committed recipe (RECIPE=... for another)
	$(BIN)/python -m training fit $(RECIPE)

bench: .venv/.all ## Measure the service's throughput and latency on this machine
	$(BIN)/python -m benchmarks.service

containers: .venv/.serving ## Build, run and check the containers
	PATH="$(CURDIR)/$(BIN):$$PATH" tests/end_to_end/containers.sh

lock: .venv/.all ## Write requirements/*.txt anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) --extra training --extra dev -o requirements/dev.txt pyproject.toml
	$(COMPILE) -c requirements/dev.txt -o requirements/serving.txt pyproject.toml
	$(COMPILE) -c requirements/dev.txt --extra training -o requirements/training.txt pyproject.toml

clean: ## Remove .venv and the caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; \
	  sys.version_info >= (3, 11) or sys.exit(f"Python 3.11 or newer is needed, found {v}: make PYTHON=... names another")'
	$(PYTHON) -m venv .venv

# The larger set serves as well, so its stamp stands for the smaller set too.
.venv/.serving: requirements/serving.txt | .venv/pyvenv.cfg
	$(INSTALL) -r requirements/serving.txt
	@touch $@

.venv/.all: requirements/dev.txt | .venv/pyvenv.cfg
	$(INSTALL) -r requirements/dev.txt
	@touch .venv/.serving $@
