# Everything a checkout needs; `make` alone lists it. Variables may be set here or
# in the environment: make run SERVER_PORT=8090

VENV ?= .venv
# The first that runs and is new enough: a shim of pyenv's may do neither.
PYTHON ?= $(shell for each in python3.11 python3 python3.12 python3.13 python3.14; do \
  "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  && command -v "$$each" && break; done)
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
UV := uv==0.13.9
# Of gevent there is none for macOS and Python 3.11: there it is compiled.
MACHINES := $(foreach machine,x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu,\
  $(machine):3.11 $(machine):3.12 $(machine):3.13 $(machine):3.14) \
  $(foreach machine,aarch64-apple-darwin x86_64-apple-darwin,$(machine):3.12 $(machine):3.13 $(machine):3.14)
# For every platform at once; what is locked already stays unless it no longer fits.
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/bin/uv pip compile --quiet \
  --universal --python-version 3.11 --generate-hashes --no-annotate --no-strip-extras
# Much of the time is waiting for other processes, so four share two cores well; each
# takes whole files, for what their tests share. One MongoDB and one Redis serve them all.
PYTEST_ARGS ?= -n 4 --dist loadfile --no-loadscope-reorder
# Files or folders; all of tests/ by default: make test TESTS=tests/tasks
TESTS ?=

# Those that tests/engines drives.
BROWSERS := firefox-esr WebKitWebDriver Xvfb

# Clients of others, which the tests run as they are published.
CLIENTS := tests/clients
CLIENTS_PY := $(VENV)/clients/python/bin/python

PACK := dist/jimeng-linux-x86_64-python3.11.tar.gz
PACKED := app.py wsgi.py gunicorn.conf.py Procfile requirements.txt requirements-s3.txt .env.example jimeng templates static \
  README.md README.en.md LICENSE SECURITY.md CHANGELOG.md docs

export PIP_ROOT_USER_ACTION = ignore

.DEFAULT_GOAL := help
.PHONY: help install install-dev install-all run dev test test-system test-all lint fmt bench chaos contract build build-linux clean
.PHONY: lock wheels audit sbom screenshots
.PHONY: docker-build docker-run deploy
.PHONY: redis-queue-status redis-queue-clear redis-queue-clear-force

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-23s %s\n", $$1, $$2}' Makefile

install: $(VENV)/installed ## Install what running needs, into .venv

install-dev: $(VENV)/installed-dev ## Install what testing needs, too

install-all: install-dev $(VENV)/clients/installed ## The same, and the clients that test-all runs; needs npm
	@for each in $(BROWSERS); do command -v $$each >/dev/null || { \
	  echo "test-all also needs $$each: apt-get install firefox-esr webkit2gtk-driver xvfb"; }; done

run: install ## Run everything: http://localhost:8080
	@exec $(PY) app.py

dev: install ## The same, and start again when a source file changes
	@exec $(PY) app.py --dev

test: install-dev ## Run the tests that need Python alone: about five minutes
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest $(PYTEST_ARGS) -m "not system and not browser" \
	  --ignore tests/browser $(TESTS)

test-system: install-all ## Run the others: a browser, other programs, the whole product
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest $(PYTEST_ARGS) -m "system or browser" $(TESTS)

test-all: install-all ## Run all tests: about 15 minutes
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest $(PYTEST_ARGS) $(TESTS)

lint: install-dev ## Check format, rules, types and messages
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(PY) -c "from jimeng.schemas import reference_texts; reference_texts.chinese()"

fmt: install-dev ## Format the sources and mend what can be mended
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

bench: install-dev ## Measure speed in one table, next to alternatives
	@$(PY) -m tests.bench

screenshots: install-dev ## Take screenshots of all pages in all themes, also for the guides
	@LOOKS=all $(PY) -m pytest -q $(PYTEST_ARGS) tests/browser
	@$(PY) -m tests.sheets
	@$(PY) -m tests.tour

contract: install-dev ## Send thousands of generated requests, check each answer
	@CONTRACT_EXAMPLES=200 $(PY) -m pytest -q -s tests/contract

redis-queue-status: install ## Show what waits, what runs, and who works
	@$(PY) -m flask --app app queue status

redis-queue-clear: install ## Cancel all tasks that have not begun; asks first
	@$(PY) -m flask --app app queue clear

redis-queue-clear-force: install ## The same, without asking
	@$(PY) -m flask --app app queue clear --force

chaos: install-dev ## Break it while it works, for some minutes, and compare the books
	@$(PY) -m tests.chaos
	@$(PY) -m tests.chaos.group_kills

wheels: install ## Ask whether what is locked has wheels for each machine and Python
	@$(PIP) $(UV)
	@for each in $(MACHINES); do MACOSX_DEPLOYMENT_TARGET=15.0 $(VENV)/bin/uv pip install --quiet --dry-run \
	  --target $(VENV)/elsewhere --python-platform $${each%:*} --python-version $${each#*:} --only-binary :all: \
	  --require-hashes -r requirements.txt -r requirements-embedded.txt -r requirements-s3.txt \
	  || { echo "no wheels: $$each" >&2; exit 1; }; done

lock: | $(PY) ## Write what the requirements*.in need, with hashes, to requirements*.txt
	@$(PIP) $(UV)
	@$(LOCK) requirements.in -o requirements.txt
	@$(LOCK) requirements-embedded.in -c requirements.txt -o requirements-embedded.txt
	@$(LOCK) requirements-s3.in -c requirements.txt -o requirements-s3.txt
	@$(LOCK) requirements-dev.in -c requirements.txt -c requirements-embedded.txt \
	  -c requirements-s3.txt -o requirements-dev.txt
	@$(LOCK) simulator/requirements.in -c requirements.txt -o simulator/requirements.txt
	@$(LOCK) $(CLIENTS)/requirements.in -o $(CLIENTS)/requirements.txt

audit: install-dev ## Ask whether a package in use has a known vulnerability, by pip-audit
	@$(PY) -m tests.audit

sbom: install-dev ## List what is shipped, in CycloneDX: dist/sbom.cdx.json
	@$(PY) -m tests.sbom dist/sbom.cdx.json

build: install ## Compile the sources, check that the packages fit together
	@$(PY) -m compileall -q jimeng app.py wsgi.py
	@$(PY) -m pip --disable-pip-version-check check

build-linux: install ## Pack the sources and their packages for a Linux server, x86_64 and Python 3.11
	@rm -rf dist && mkdir -p dist/jimeng/wheels
	@git archive HEAD $(PACKED) | tar xf - -C dist/jimeng
	@$(PY) -m pip --disable-pip-version-check download --quiet --require-hashes -r requirements.txt \
	  -r requirements-s3.txt --only-binary :all: --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 \
	  --python-version 3.11 -d dist/jimeng/wheels
	@tar czf $(PACK) -C dist jimeng && rm -rf dist/jimeng
	@echo "packed: $(PACK)"
	@echo "on the server:"
	@echo "  tar xzf $(notdir $(PACK)) && cd jimeng && python3.11 -m venv .venv"
	@echo "  .venv/bin/pip install --no-index --find-links wheels --require-hashes -r requirements.txt"

docker-build: ## Build the image jimeng
	docker build -t jimeng --build-arg SOURCE_VERSION="$$(git rev-parse HEAD)" .

docker-run: ## Run image and databases: http://localhost:8080
	SOURCE_VERSION="$$(git rev-parse HEAD)" docker compose up --build

deploy: ## Push to a Procfile platform: make deploy DEPLOY_REMOTE=dokku@host:jimeng
	@test -n "$(DEPLOY_REMOTE)" \
	  || { echo "say where to: make deploy DEPLOY_REMOTE=dokku@host:jimeng" >&2; exit 2; }
	git push "$(DEPLOY_REMOTE)" HEAD:main

clean: ## Remove what the other targets created; pictures and data in .data stay
	@rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "jimeng needs Python 3.11 or newer: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "$(PYTHON) cannot make virtual environments: install python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/installed: requirements.txt requirements-embedded.txt | $(PY)
	@echo "installing packages, once"
	@$(PIP) --require-hashes -r requirements.txt -r requirements-embedded.txt || { \
	  echo "The packages are not installed. Where PyPI cannot be reached, set PIP_INDEX_URL to" \
	  "a mirror of it, or https_proxy, and run make again" >&2; exit 1; }
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "installing packages for tests, once"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/clients/installed: $(CLIENTS)/requirements.txt $(CLIENTS)/package-lock.json | $(PY)
	@echo "installing clients for tests, once"
	@mkdir -p $(VENV)/clients
	@cp $(CLIENTS)/package.json $(CLIENTS)/package-lock.json $(VENV)/clients
	@cd $(VENV)/clients && npm ci --silent
	@$(PY) -m venv $(VENV)/clients/python
	@$(CLIENTS_PY) -m pip --disable-pip-version-check install --quiet \
	  --require-hashes -r $(CLIENTS)/requirements.txt
	@touch $@
