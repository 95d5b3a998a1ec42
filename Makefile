.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready .venv-emulator/.ready
export PYTHONDONTWRITEBYTECODE ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
T ?= tests

help: ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements/dev.txt
	@echo "setting up $(VENV) (pinned, hashes checked)"
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or later, please"'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

.venv-emulator/.ready: requirements/emulator.txt
	@echo "setting up .venv-emulator (the embedded AWS, apart: it pins an old botocore)"
	@$(PYTHON) -m venv --clear .venv-emulator
	@.venv-emulator/bin/pip install --quiet --require-hashes -r requirements/emulator.txt
	@touch $@

setup: $(READY) ## install the pinned tools

demo: $(READY) ## play a purchase in each funds model, from catalogue to payout, and agree with the bank
	@$(BIN)/python -m local.demo

test: $(READY) ## every test but the long ones; T=tests/orders for some
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup $(T)

soak: $(READY) ## the tests that take long
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m slow $(T)

run: $(READY) ## start everything on loopback and stay; Ctrl-C stops it
	@exec $(BIN)/python -m local

check: $(READY) ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: $(READY) ## format and fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

simulate: $(READY) ## crash points, seeds and planted bugs; SEEDS=100000 for more, SEED=7 tells one story
	@$(BIN)/python -m tests.simulation

bench: $(READY) ## round trips, write units and ratios, measured
	@$(BIN)/python -m benchmarks

cold-start: package ## CPU of a fresh process until its first answer, in bare functions
	@$(BIN)/python -m benchmarks.cold_start

lake-sql: $(READY) ## the numbered list in DuckDB, of `make run` or of AWS; SQL="select …" asks once
	@$(BIN)/python -m local.lake_sql

rebuild: $(READY) ## build the books again from the numbered list, and compare; REPAIR=1 writes them
	@$(BIN)/python -m local.rebuild

doctor: $(READY) ## what is stuck, since when, and what to do about it; JSON=1 for machines
	@$(BIN)/python -m local.doctor

reconcile: $(READY) ## hold a day against the provider's bills; DAY=2026-11-24, JSON=1, HTML=page.html
	@$(BIN)/python -m local.reconcile

redrive: $(READY) ## give dead letters another chance; QUEUE=events, or QUEUE=all
	@$(BIN)/python -m local.redrive

watching: $(READY) ## write the alarms and the dashboard from their tables into the template
	@$(BIN)/python -m local.watching

package: $(READY) ## the deployable template and zip, checked; STAGE=prod ARCH=arm64
	@$(BIN)/python -m local.package

secrets: $(READY) ## keep a stage's secrets in Secrets Manager; STAGE=dev FROM=folder
	@$(BIN)/python -m local.put_secrets --stage $(STAGE) --folder $(FROM)

deploy: package ## deploy a stage after showing what changes; STAGE=dev, YES=1 for machines
	@$(BIN)/python -m local.deploy --stage $(STAGE) $(if $(YES),--yes) \
	  $(if $(ALLOW_REPLACEMENT),--allow-replacement) $(if $(MINUTES),--minutes $(MINUTES))

undeploy: $(READY) ## remove a stage's stack, not its data; STAGE=dev
	@$(BIN)/python -m local.undeploy --stage $(STAGE) $(if $(YES),--yes)

address: $(READY) ## where a deployed API answers; STAGE=dev
	@$(BIN)/python -m local.deploying.address --stage $(STAGE)

cloud: $(READY) ## an empty embedded AWS and a provider to deploy to; Ctrl-C stops it
	@exec $(BIN)/python -m local.cloud

costs: $(READY) ## what a month on AWS costs; ORDERS=1000,100000
	@$(BIN)/python -m benchmarks.bill

deployed: $(READY) ## follow docs/deploy.md on an empty embedded AWS, and play a purchase there
	@$(BIN)/python -m local.deployed

check-deploy: $(READY) ## schemas, linters and promises of deploy/
	@$(BIN)/python -m pytest -q tests/deploy

check-deps: $(READY) ## every requirement pinned by hash, every licence allowed; AUDIT=1 asks for known holes
	@$(BIN)/python -m local.check_deps

lock: ## pin again (needs uv on the path)
	@uv pip compile -q --universal --no-header --generate-hashes --python-version 3.11 requirements/runtime.in -o requirements.txt
	@uv pip compile -q --universal --no-header --generate-hashes --python-version 3.11 requirements/container.in -c requirements.txt -o requirements/container.txt
	@uv pip compile -q --universal --no-header --generate-hashes --python-version 3.11 requirements/dev.in -c requirements.txt -c requirements/container.txt -o requirements/dev.txt
	@uv pip compile -q --universal --no-header --generate-hashes --python-version 3.11 requirements/emulator.in -o requirements/emulator.txt

.PHONY: help setup demo test soak run check fmt simulate bench cold-start lake-sql rebuild doctor reconcile redrive watching package secrets deploy undeploy address cloud costs deployed check-deploy check-deps lock
