# Every command of the project. `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

STACK ?= dev
NAME ?= rehearsal
TEAMS ?= 0
DAYS ?= 2
PYTHON ?= python3
BIN := .venv/bin

# No step needs an SSH agent, but the command plugin fails where this names one that is gone.
unexport SSH_AUTH_SOCK

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z ]+(-[a-z]+)?:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A virtual environment that was cut short in the making has no pip: it is made anew, for .made comes last.
.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) --version): install Python 3.11 or newer, or name it: make PYTHON=python3.13 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(call install,python3-venv)
	@$(PYTHON) -m venv --clear .venv
	@touch $@

# What the program, a rehearsal, and the tests need: each its own, so that nobody waits for another's packages.
define packages
	@echo "Installing the Python packages of $1 into .venv (about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement $1
	@touch $@
endef
.venv/.program: requirements.txt .venv/.made
	$(call packages,$<)
.venv/.rehearsal: rehearsal/requirements.txt requirements.txt .venv/.made
	$(call packages,$<)
.venv/.tests: requirements-dev.txt rehearsal/requirements.txt requirements.txt .venv/.made
	$(call packages,$<)

.PHONY: setup
setup: .venv/.program ## Install the program's Python packages into .venv

# Debian's packages, each with a command of it: what a rehearsal needs, and what the checks and tests need besides.
REHEARSED := bind9-dnsutils:dig openssh-client:ssh
TESTED := $(REHEARSED) shellcheck:shellcheck chromium:chromium chromium-driver:chromedriver npm:npm postgresql:pg_ctlcluster
missing = $(strip $(foreach pair,$1,$(if $(shell command -v $(lastword $(subst :, ,$(pair)))),,$(firstword $(subst :, ,$(pair))))))
define install
	{ test "$$(id -u)" = 0 || { echo "Run as root: apt-get install $1"; exit 1; }; \
	  echo "Installing Debian's packages $1"; export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -qq --no-install-recommends $1 >/dev/null; }
endef
.PHONY: rehearsal-set-up tests-set-up root plan plan-tests
rehearsal-set-up: root plan .venv/.rehearsal
	@$(if $(call missing,$(REHEARSED)),$(call install,$(call missing,$(REHEARSED))))
tests-set-up: plan-tests .venv/.tests
	@$(if $(call missing,$(TESTED)),$(call install,$(call missing,$(TESTED))))
plan:
	@$(PYTHON) -m rehearsal.plan
plan-tests:
	@$(PYTHON) -m rehearsal.plan --tests
root:
	@test "$$(id -u)" = 0 || { echo "This needs root, for an Instance is a container with an init of its own: run it with sudo."; exit 1; }

.PHONY: check
check: tests-set-up ## Static checks: format, lint, types, shell scripts, import contract
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright
	@git ls-files '*.sh' | xargs -r shellcheck --external-sources --source-path=SCRIPTDIR
	@$(BIN)/lint-imports

.PHONY: unit
unit: .venv/.tests ## Fast tests: settings, and the whole program under a mock engine
	@$(BIN)/python -m pytest --numprocesses=auto tests/unit tests/charts

.PHONY: tools
tools: tests-set-up ## The engine, its plugins and the control plane: downloaded, or built with Go (half an hour, once)
	@$(BIN)/python -m rehearsal.toolchain

.PHONY: rehearse cloud rehearse-down rehearse-status
rehearse: rehearsal-set-up ## Raise the whole game on a local cloud, or bring it up to date: make rehearse NAME=mine TEAMS=2
	@$(BIN)/python -m rehearsal up --name $(NAME) --teams $(TEAMS)
cloud: ## Raise the local cloud alone, for 'pulumi' and 'make' of this shell: eval "$(make -s cloud)"
	@$(MAKE) --no-print-directory rehearsal-set-up >&2
	@$(BIN)/python -m rehearsal cloud --name $(NAME)
rehearse-down: .venv/.rehearsal ## Remove a rehearsal and prove that nothing is left of it
	@$(BIN)/python -m rehearsal down --name $(NAME)
rehearse-status: .venv/.rehearsal ## List the rehearsals of this user
	@$(BIN)/python -m rehearsal status

.PHONY: play
play: tools ## Play the example hunt yourself, beside the real Gitea and Drone, until Ctrl-C
	@$(BIN)/python -m tests.live.play

.PHONY: test
test: check tools ## Everything: the static checks and every test
	@$(BIN)/python -m pytest --numprocesses=auto --no-loadscope-reorder --durations=25

.PHONY: pulumi
pulumi:
	@command -v pulumi >/dev/null || { echo "The Pulumi CLI is missing: https://www.pulumi.com/docs/install/"; exit 1; }

.PHONY: sheets
sheets: setup pulumi ## One printable sheet and one kubeconfig for each team, in sheets/: make sheets STACK=dev
	@pulumi stack output --json --show-secrets --stack $(STACK) | $(BIN)/python -m game_app.teams.sheets

.PHONY: bench
bench: tests-set-up ## Measure a rehearsal's times and memory: a table, and bench/results/*.json
	@$(BIN)/python -m bench

.PHONY: init
init: setup ## Write a new environment's settings with fresh keys; asks, or takes a file: make init STACK=dev VALUES=FILE
	@$(BIN)/python -m cli init $(STACK) $(if $(VALUES),--values "$$VALUES")

.PHONY: doctor
doctor: setup ## Find what would stop an environment, before a euro is spent: make doctor STACK=dev
	@$(BIN)/python -m cli doctor $(STACK) --days $(DAYS)

.PHONY: cost
cost: setup ## Print what an environment costs an hour, a day and for the event: make cost STACK=dev DAYS=3
	@$(BIN)/python -m cli cost $(STACK) --days $(DAYS)

.PHONY: recover
recover: setup ## After an update that was killed: adopt what it made and could not write down
	@$(BIN)/python -m cli recover $(STACK)

.PHONY: leftovers
leftovers: setup ## Prove that nothing of an environment is left at Scaleway, or name it: make leftovers STACK=dev
	@$(BIN)/python -m cli leftovers $(STACK)

.PHONY: backup restore
backup: setup ## Save what a new game master could not make by itself: make backup STACK=dev [FILE=…]
	@$(BIN)/python -m cli backup $(STACK) $(FILE)
restore: setup ## Put what was saved onto a new game master: make restore STACK=dev FILE=…
	@$(BIN)/python -m cli restore $(STACK) $(FILE)

.PHONY: preview up destroy
preview: setup pulumi ## Show what an update would change, and what all of it costs: make preview STACK=dev
	pulumi preview --stack $(STACK)
	@$(BIN)/python -m cli cost $(STACK) --days $(DAYS) || true
up: setup pulumi ## Raise the environment, or change it: previews, asks, updates (OPTIONS=--skip-preview: runs once, and asks nothing)
	@test "$(ALLOW_COST)" = yes || $(BIN)/python -m cli cost $(STACK) --check
	pulumi up --stack $(STACK) $(if $(filter --skip-preview,$(OPTIONS)),--yes) $(OPTIONS)
destroy: setup pulumi ## End an event: save, destroy, prove that nothing is left: make destroy STACK=dev [OPTIONS=…]
	@$(BIN)/python -m cli destroy $(STACK) $(OPTIONS)
