# Set-up, then the command line: `make help` lists the commands, `.venv/bin/python -m cli --help` their options.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

STACK ?= dev
NAME ?= rehearsal
TEAMS ?= 0
DAYS ?= 2
PYTHON ?= python3
SHAMBHALA := .venv/bin/python -m cli
REHEARSAL := .venv/bin/python -m rehearsal
DEBIAN := $(PYTHON) -m rehearsal.debian_packages

# No step needs an SSH agent, but the command plugin fails where this names one that is gone.
unexport SSH_AUTH_SOCK

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A virtual environment that was cut short in the making has no pip: it is made anew, for .made comes last.
.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) --version): install Python 3.11 or newer, or name it: make PYTHON=python3.13 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(DEBIAN) python3-venv
	@$(PYTHON) -m venv --clear .venv
	@touch $@

# The packages of the program, of a rehearsal and of the tests: each its own, so that nobody waits for another's.
.venv/.program: requirements.txt
.venv/.rehearsal: rehearsal/requirements.txt requirements.txt
.venv/.tests: requirements-dev.txt rehearsal/requirements.txt requirements-github.txt requirements.txt
.venv/.program .venv/.rehearsal .venv/.tests: .venv/.made
	@echo "Installing the Python packages of $(firstword $(filter %.txt,$^)) into .venv (about a minute)"
	@.venv/bin/pip install --quiet --disable-pip-version-check --requirement $(firstword $(filter %.txt,$^))
	@touch $@

.PHONY: setup rehearsal-set-up tests-set-up root
setup: .venv/.program ## Install the program's Python packages into .venv
rehearsal-set-up: root
	@$(PYTHON) -m rehearsal.plan
	@$(MAKE) --no-print-directory .venv/.rehearsal
	@$(DEBIAN) bind9-dnsutils:dig openssh-client:ssh
tests-set-up:
	@$(PYTHON) -m rehearsal.plan --tests
	@$(MAKE) --no-print-directory .venv/.tests
	@$(DEBIAN) bind9-dnsutils:dig openssh-client:ssh shellcheck chromium chromium-driver:chromedriver npm \
	  postgresql:pg_ctlcluster
root:
	@test "$$(id -u)" = 0 || { echo "This needs root, for an Instance is a container with an init of its own: run it with sudo."; exit 1; }

# Without an account: a local cloud.
.PHONY: rehearse cloud rehearse-down rehearse-status tools play
rehearse: rehearsal-set-up ## Raise the whole game on a local cloud, or bring it up to date: make rehearse NAME=mine TEAMS=2
	@$(REHEARSAL) up --name $(NAME) --teams $(TEAMS)
cloud: ## Raise the local cloud alone, for 'pulumi' and 'make' of this shell: eval "$(make -s cloud)"
	@$(MAKE) --no-print-directory rehearsal-set-up >&2
	@$(REHEARSAL) cloud --name $(NAME)
rehearse-down: .venv/.rehearsal ## Remove a rehearsal and prove that nothing is left of it
	@$(REHEARSAL) down --name $(NAME)
rehearse-status: .venv/.rehearsal ## List the rehearsals of this user
	@$(REHEARSAL) status
tools: tests-set-up ## The engine, its plugins and the control plane: downloaded, or built with Go (half an hour, once)
	@.venv/bin/python -m rehearsal.toolchain
play: tools ## Play the example hunt yourself, beside the real Gitea and Drone, until Ctrl-C
	@.venv/bin/python -m local_game

# At Scaleway, or on the local cloud of this shell.
.PHONY: init doctor cost preview up recover sheets backup restore destroy leftovers
init: setup ## Prepare an environment; asks, or takes a file: make init STACK=dev [VALUES=FILE] [OPTIONS=…]
	@$(SHAMBHALA) init $(STACK) $(if $(VALUES),--values "$$VALUES") $(OPTIONS)
doctor: setup ## Find whatever would stop an environment, before a euro is spent: make doctor STACK=dev
	@$(SHAMBHALA) doctor $(STACK) --days $(DAYS) $(OPTIONS)
cost: setup ## Print what an environment costs an hour, a day and for the event: make cost STACK=dev DAYS=3
	@$(SHAMBHALA) cost $(STACK) --days $(DAYS) $(OPTIONS)
preview: setup ## Show what an update would change, and what all of it costs: make preview STACK=dev
	@$(SHAMBHALA) preview $(STACK) --days $(DAYS) $(OPTIONS)
up: setup ## Raise the environment, or change it: previews, asks, updates: make up STACK=dev [OPTIONS=--skip-preview]
	@$(SHAMBHALA) up $(STACK) $(OPTIONS)
recover: setup ## After an update that was killed: adopt the resources that it could not write down
	@$(SHAMBHALA) recover $(STACK) $(OPTIONS)
sheets: setup ## One printable sheet and one kubeconfig for each team, in sheets/: make sheets STACK=dev
	@$(SHAMBHALA) sheets $(STACK) $(OPTIONS)
backup: setup ## Save what a new game master could not make by itself: make backup STACK=dev [FILE=…]
	@$(SHAMBHALA) backup $(STACK) $(FILE) $(OPTIONS)
restore: setup ## Put a backup onto a new game master: make restore STACK=dev FILE=…
	@$(SHAMBHALA) restore $(STACK) $(FILE) $(OPTIONS)
destroy: setup ## End an event: save, destroy, prove that nothing is left: make destroy STACK=dev [OPTIONS=…]
	@$(SHAMBHALA) destroy $(STACK) $(OPTIONS)
leftovers: setup ## Prove that nothing of an environment is left at Scaleway, or list it: make leftovers STACK=dev
	@$(SHAMBHALA) leftovers $(STACK) $(OPTIONS)

# For whoever changes the project: CONTRIBUTING.md.
.PHONY: check unit test bench
check: tests-set-up ## Static checks: format, lint, types, shell scripts, import contract
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/basedpyright
	@git ls-files '*.sh' | xargs -r shellcheck --external-sources --source-path=SCRIPTDIR
	@.venv/bin/lint-imports
unit: .venv/.tests ## Fast tests: settings, and the whole program under a mock engine
	@.venv/bin/python -m pytest --numprocesses=auto tests/unit tests/charts
test: check tools ## Everything: the static checks and every test
	@.venv/bin/python -m pytest --numprocesses=auto --no-loadscope-reorder --durations=25
bench: tests-set-up ## Measure a rehearsal's times and memory: a table, and bench/results/*.json
	@.venv/bin/python -m bench
