# eduplan: `make help` lists every verb.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first interpreter that the locked packages support; override: make PYTHON=/usr/bin/python3.12 demo
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; \
	then echo $$p; break; fi; done)
# Superset's environment needs 3.11 or 3.12; override: make BI_PYTHON=/usr/bin/python3.12 bi
BI_PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1; \
	then echo $$p; break; fi; done)
VENV := .venv/bin
EDUPLAN := $(VENV)/eduplan
ARGS ?=

export AIRFLOW__CORE__LOAD_EXAMPLES := False
export DO_NOT_TRACK := 1

.PHONY: help env env-bi demo bi up down status test lint fmt unit bench docs clean purge lock

help: ## List the verbs
	@echo "eduplan: from source files to the plan scorecard"; echo
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'
	@echo; echo "  Settings are EDUPLAN_… variables (docs/runbook.md); the same verbs without make: .venv/bin/eduplan --help"

env: ## Create .venv from requirements.lock (the other verbs do it by themselves)
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11, 3.12 or 3.13 was found (python3 is: $$(python3 --version 2>&1 | head -1))."; \
		echo "  what to do: install one with its venv module (Debian/Ubuntu: apt-get install python3 python3-venv),"; \
		echo "  or name it: make PYTHON=/path/to/python3.12 …"; exit 1; fi
	@$(PYTHON) scripts/bootstrap.py

demo: env ## A whole synthetic city through Airflow, up to the plan scorecard
	@$(EDUPLAN) demo $(ARGS)

up: env ## Start PostgreSQL and Airflow
	@$(EDUPLAN) up

env-bi: ## Create .venv-bi, Superset's own environment, from bi/requirements.lock
	@if [ -z "$(BI_PYTHON)" ]; then \
		echo "Superset needs Python 3.11 or 3.12; neither was found."; \
		echo "  what to do: install one, or name it: make BI_PYTHON=/path/to/python3.12 bi"; exit 1; fi
	@$(BI_PYTHON) scripts/bootstrap.py bi

bi: env env-bi ## Superset with the dashboards on the warehouse, in an environment of its own
	@$(EDUPLAN) bi up

down: ## Stop Airflow, Superset and PostgreSQL; leaves no process
	@if [ -x $(EDUPLAN) ]; then $(EDUPLAN) down; else echo "Nothing was installed, nothing runs."; fi

status: env ## What runs, where, since when
	@$(EDUPLAN) status || true

test: env lint ## Lint, types and every test layer, including one real Airflow run
	@$(VENV)/python -m pytest -n 2 --no-loadscope-reorder $(ARGS)

unit: env ## The quick tests only (no services)
	@$(VENV)/python -m pytest tests/unit tests/contracts $(ARGS)

lint: env ## ruff, ruff format, mypy
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy

fmt: env ## Format and mend what ruff can mend
	@$(VENV)/ruff check --fix . || true
	@$(VENV)/ruff format .

bench: env ## Measure landing and audit against their limits
	@$(VENV)/python -m benchmarks $(ARGS)

docs: env ## Generate the reference pages from contracts and seeds
	@$(EDUPLAN) docs

lock: env ## Resolve the dependencies anew and write requirements.lock
	@scripts/lock.sh

clean: ## Remove caches and build output
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dbt_project/target dbt_project/logs
	@find . -path './.venv*' -prune -o -name __pycache__ -type d -print0 | xargs -0 -r rm -rf

purge: down clean ## Stop everything and remove the state of .eduplan (data!), .venv and .venv-bi
	@if [ -x $(EDUPLAN) ]; then $(EDUPLAN) purge --yes; fi
	@rm -rf .venv .venv-bi
