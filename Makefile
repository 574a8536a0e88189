# Needs Python 3.11 or newer and nothing else; everything else goes into .venv.
PYTHON ?= python3
PORT ?= 8000
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help install serve serve-flights test soak check bench docs format lock dev browser wrk curl mariadb clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.run ## Set up .venv from the hash-locked requirements
	@echo "Kingpost is ready in .venv; make serve shows it."

serve: .venv/.run ## Serve examples/learn on PORT (8000)
	@$(BIN)/kingpost serve examples.learn.app:app --port $(PORT)

serve-flights: .venv/.flights ## Serve examples/flights on PORT (8000); loads 336,776 flights the first time
	@$(BIN)/python -m examples.flights.load
	@$(BIN)/kingpost serve examples.flights.app:app --port $(PORT)

test: dev browser wrk curl mariadb ## Run the tests; ARGS="tests/model -x" picks some
	@$(BIN)/python -m pytest $(ARGS)

soak: dev browser wrk curl mariadb ## Run the long tests at their full counts (hours); ARGS as in test
	@KINGPOST_SOAK=1 $(BIN)/python -m pytest -m soak $(ARGS)

bench: .venv/.bench bench/peers/node/node_modules wrk ## Measure Kingpost beside its peers (half an hour); ARGS="--only kingpost --endpoints one"
	@$(BIN)/python -m bench $(ARGS)

check: dev ## Lint, format, types, import contracts and the docs
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not formatted: make format"; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/pyright --warnings
	@$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory docs

docs: dev ## Run every code block and check every name in the docs
	@$(BIN)/python -m pytest -q tests/docs

format: dev ## Format the code and sort its imports
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

lock: dev ## Renew requirements/*.txt from pyproject.toml
	@$(COMPILE) --all-extras --group dev -o requirements/dev.txt
	@$(COMPILE) --extra postgres --extra site --group build -c requirements/dev.txt -o requirements/run.txt
	@$(COMPILE) --extra postgres --extra site --group bench -c requirements/dev.txt -o requirements/bench.txt
	@$(subst pyproject.toml,--no-deps,$(COMPILE)) --group flights -o requirements/flights.txt
	@$(subst pyproject.toml,--no-deps,$(COMPILE)) --group flights-build -o requirements/flights-build.txt

clean: ## Remove .venv and caches
	@rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist

COMPILE := $(BIN)/uv --quiet pip compile pyproject.toml --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-config --custom-compile-command "make lock"

dev: .venv/.dev .venv/.flights

# Stamps: a second run has nothing to do unless the locks or the package's own metadata changed.
.venv/.run: requirements/run.txt pyproject.toml | .venv/bin/python
	@echo "Installing Kingpost into .venv (a minute the first time) ..."
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# From source, with a tool that is locked too, and without what it asks for: only its files are read.
.venv/.flights: requirements/flights.txt requirements/flights-build.txt .venv/.run
	@echo "Installing the flights of 2013 ..."
	@$(PIP) install --require-hashes -r requirements/flights-build.txt
	@$(PIP) install --require-hashes --no-deps --no-build-isolation -r requirements/flights.txt
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@echo "Installing what the tests and checks need ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.bench: requirements/bench.txt .venv/.dev
	@echo "Installing what Kingpost is measured against ..."
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

# Without Node.js its two are left out.
bench/peers/node/node_modules: bench/peers/node/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "Installing Express and Fastify ..."; \
		npm --prefix $(@D) ci --silent --no-audit --no-fund && touch $@; \
	fi

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Kingpost needs Python 3.11 or newer. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

browser: dev
	@if $(BIN)/python -m tests.services.browser >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests ..."; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			chromium fonts-dejavu-core; } >/dev/null; \
	else \
		echo "There is no Chromium here, and only root on Debian can install it:"; \
		echo "the tests that look at pages in a browser are left out."; \
	fi

curl:
	@if command -v curl >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing curl, with which the pages of docs/ ask ..."; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends curl; } >/dev/null; \
	else \
		echo "There is no curl here, and only root on Debian can install it: the consoles of docs/ are not played."; \
	fi

mariadb:
	@if PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing the MariaDB server, which the tests start for themselves ..."; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			mariadb-server; } >/dev/null; \
	else \
		echo "There is no MariaDB server here, and only root on Debian can install it:"; \
		echo "the tests of the MariaDB store are left out."; \
	fi

wrk:
	@if command -v wrk >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing wrk, which makes the load ..."; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk; } >/dev/null; \
	else \
		echo "There is no wrk here, and only root on Debian can install it: nothing can be measured."; \
	fi
