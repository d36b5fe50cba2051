# Every command of the project. `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

STACK ?= dev
NAME ?= rehearsal
TEAMS ?= 0
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

# What the checks and the rehearsal run, and what the tests need besides: Debian package and a command of it.
DEBIAN := shellcheck:shellcheck bind9-dnsutils:dig openssh-client:ssh
TESTED := chromium:chromium chromium-driver:chromedriver npm:npm postgresql:pg_ctlcluster
.PHONY: debian tested
tested: DEBIAN += $(TESTED)
debian tested: setup
	@missing=$$(for pair in $(DEBIAN); do command -v $${pair#*:} >/dev/null || echo $${pair%:*}; done); \
	test -z "$$missing" || (apt-get update -qq && apt-get install -y -qq $$missing)

.PHONY: check
check: debian ## Static checks: format, lint, types, shell scripts, import contract
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright
	@git ls-files '*.sh' | xargs -r shellcheck --external-sources --source-path=SCRIPTDIR
	@$(BIN)/lint-imports

.PHONY: unit
unit: setup ## Fast tests: settings, and the whole program under a mock engine
	@$(BIN)/python -m pytest --numprocesses=auto tests/unit tests/charts

.PHONY: tools
tools: debian ## The engine, its plugins and the control plane: downloaded, or built with Go (half an hour, once)
	@$(BIN)/python -m rehearsal.toolchain

.PHONY: rehearse rehearse-down rehearse-status
rehearse: debian ## Raise the whole game on a local cloud, or bring it up to date: make rehearse NAME=mine TEAMS=2
	@$(BIN)/python -m rehearsal up --name $(NAME) --teams $(TEAMS)
rehearse-down: setup ## Remove a rehearsal and prove that nothing is left of it
	@$(BIN)/python -m rehearsal down --name $(NAME)
rehearse-status: setup ## List the rehearsals of this user
	@$(BIN)/python -m rehearsal status

.PHONY: play
play: tools ## Play the example hunt yourself, beside the real Gitea and Drone, until Ctrl-C
	@$(BIN)/python -m tests.live.play

.PHONY: test
test: check tools tested ## Everything: the static checks and every test
	@$(BIN)/python -m pytest --numprocesses=auto --no-loadscope-reorder --durations=25

.PHONY: pulumi
pulumi:
	@command -v pulumi >/dev/null || { echo "The Pulumi CLI is missing: https://www.pulumi.com/docs/install/"; exit 1; }

.PHONY: sheets
sheets: setup pulumi ## One printable sheet and one kubeconfig for each team, in sheets/: make sheets STACK=dev
	@pulumi stack output --json --show-secrets --stack $(STACK) | $(BIN)/python -m game_app.teams.sheets

.PHONY: bench
bench: setup ## Measure a rehearsal's times and memory: a table, and bench/results/*.json
	@$(BIN)/python -m bench

.PHONY: init
init: setup ## Write a new environment's settings with fresh keys: make init STACK=dev
	@$(BIN)/python -m cli init $(STACK)

.PHONY: recover
recover: setup ## After an update that was killed: adopt what it made and could not write down
	@$(BIN)/python -m cli recover $(STACK)

FILE ?= $(STACK).backup.tar.gz
.PHONY: backup restore
backup: setup ## Save what a new game master could not make by itself (docs/backup.md)
	@$(BIN)/python -m cli backup $(STACK) $(FILE)
restore: setup ## Put what was saved onto a new game master
	@$(BIN)/python -m cli restore $(STACK) $(FILE)

.PHONY: preview up destroy
preview up destroy: setup pulumi ## The program by pulumi itself: make preview STACK=dev
	pulumi $@ --stack $(STACK)
