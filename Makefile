# Every command of the project. `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

STACK ?= dev
NAME ?= rehearsal
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z ]+(-[a-z]+)?:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): requirements.txt rehearsal/requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || (apt-get update -qq && apt-get install -y -qq python3-venv)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.PHONY: setup
setup: $(READY) ## Install the Python packages into .venv
	@command -v shellcheck >/dev/null || (apt-get update -qq && apt-get install -y -qq shellcheck)

.PHONY: check
check: setup ## Static checks: format, lint, types, shell scripts, import contract
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright
	@git ls-files '*.sh' | xargs -r shellcheck --external-sources --source-path=SCRIPTDIR
	@$(BIN)/lint-imports

.PHONY: unit
unit: setup ## Fast tests: settings, and the whole program under a mock engine
	@$(BIN)/python -m pytest tests/unit tests/charts

.PHONY: test
test: check ## Everything: the static checks and every test
	@$(BIN)/python -m pytest

.PHONY: init
init: setup ## Write a new environment's settings with fresh keys: make init STACK=dev
	@$(BIN)/python -m common.init $(STACK)

.PHONY: preview up destroy
preview up destroy: setup ## The program by pulumi itself: make preview STACK=dev
	@command -v pulumi >/dev/null || { echo "The Pulumi CLI is missing: https://www.pulumi.com/docs/install/"; exit 1; }
	pulumi $@ --stack $(STACK)
