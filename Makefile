# Everything but KServe's client and Ray happens in .venv, which each target sets up as far as it needs it.
# Nothing else is assumed than make and a Python 3.11 or newer with venv.
PYTHON ?= python3
RECIPE ?= training/recipes/signs.toml
BIN := .venv/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe \
  --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help setup serve test kserve ray lint format train stubs bench lock licences sbom audit containers clean
.DELETE_ON_ERROR:

help: ## List the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: .venv/.all ## Make .venv with everything for serving, training and tests

serve: .venv/.serving ## Serve the committed model on http://127.0.0.1:8000
	$(BIN)/python -m app

test: .venv/.all ## Run the tests; those that need the data sets say so where these are absent
	$(BIN)/python -m pytest

kserve: .venv-kserve/.installed ## Make .venv-kserve with KServe's own client, for its tests

ray: .venv-ray/.installed ## Make .venv-ray with the service and Ray, for the tests on a cluster

lint: .venv/.all ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict app training tests benchmarks supply deploy

format: .venv/.all ## Bring the code into the style that lint checks, as far as a machine can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: .venv/.all ## Fit the committed recipe (RECIPE=... for another)
	$(BIN)/python -m training fit $(RECIPE)

stubs: .venv/.all ## Compile the description of the gRPC service anew
	$(BIN)/python -m grpc_tools.protoc -I app/open_inference \
	  --descriptor_set_out=app/open_inference/service.binpb service.proto

bench: .venv/.all ## Measure the service beside other servers of the same network (about 40 minutes)
	$(BIN)/python -m benchmarks.service

containers: .venv/.all ## Build, run and check the containers
	PATH="$(CURDIR)/$(BIN):$$PATH" tests/end_to_end/containers.sh

lock: .venv/.all ## Write requirements/*.txt anew from what asks for them (UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) --extra training --extra telemetry --extra bulk --extra dev -o requirements/dev.txt pyproject.toml
	$(COMPILE) -c requirements/dev.txt -o requirements/serving.txt pyproject.toml
	$(COMPILE) -c requirements/dev.txt --extra training -o requirements/training.txt pyproject.toml
	$(COMPILE) -c requirements/dev.txt --extra ray -o requirements/ray.txt pyproject.toml
	$(COMPILE) $(UPGRADE) -o requirements/kserve.txt requirements/kserve.in

licences: .venv/.all ## Write docs/licences.md anew, after a change of requirements/
	$(BIN)/python -m supply.licences

sbom: .venv/.all ## Write the service's bill of materials (CycloneDX) to dist/sbom.json
	@mkdir -p dist
	$(BIN)/python -m supply.bill > dist/sbom.json

audit: .venv/.all ## Look for the locked packages among ADVISORIES=..., a folder or zip of OSV advisories
	$(BIN)/python -m supply.audit $(ADVISORIES)

clean: ## Remove .venv, .venv-kserve, .venv-ray and the caches
	rm -rf .venv .venv-kserve .venv-ray .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; \
	  sys.version_info >= (3, 11) or sys.exit(f"Python 3.11 or newer is needed, found {v}: make PYTHON=... names another")'
	$(PYTHON) -m venv .venv

# The larger set serves as well, so its stamp stands for the smaller set too.
.venv/.serving: requirements/serving.txt | .venv/pyvenv.cfg
	$(BIN)/python $(INSTALL) -r requirements/serving.txt
	@touch $@

.venv/.all: requirements/dev.txt | .venv/pyvenv.cfg
	$(BIN)/python $(INSTALL) -r requirements/dev.txt
	@touch .venv/.serving $@

# Most of it is never imported: left uncompiled it is smaller and there sooner.
.venv-kserve/.installed: requirements/kserve.txt
	$(PYTHON) -m venv .venv-kserve
	.venv-kserve/bin/python $(INSTALL) --no-compile -r requirements/kserve.txt
	@touch $@

# Compiled, unlike KServe's client: each of a cluster's dozen processes would else do that for itself.
.venv-ray/.installed: requirements/ray.txt
	$(PYTHON) -m venv .venv-ray
	.venv-ray/bin/python $(INSTALL) -r requirements/ray.txt
	@touch $@
