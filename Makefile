# Every target does its own set-up; a second run finds it done. `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/ready-to-run
TESTS_READY := $(VENV)/ready-to-test
RELEASE := .venv-release
RELEASE_READY := $(RELEASE)/ready
INTEROP := tests/interop
INTEROP_READY := $(INTEROP)/node_modules/.package-lock.json
MINIPROGRAM := sdk/miniprogram
MINIPROGRAM_READY := $(MINIPROGRAM)/dist/doorstep.whole.js
SPEED ?= 60
ARGS ?=
FUZZ_EXAMPLES ?= 5000
SOAK_MINUTES ?= 40
SEED ?= 0
# Half of what the tests take is waiting for other processes, so half as many more than there are cores.
WORKERS ?= $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))
ARCH ?= $(shell dpkg --print-architecture 2>/dev/null)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

COMPILE := .venv-lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes \
	--no-emit-index-url --python-version 3.11 --custom-compile-command "make lock"

# The first of these that really runs, is new enough and can make a virtual environment. The distribution's comes before
# any in PATH: it is built with profile-guided optimisation, others often are not (a pyenv's 3.11 here took 1.5 times as long).
SYSTEM_PYTHON := /usr/bin/python3
FIND_PYTHON = for name in $(PYTHON) $(SYSTEM_PYTHON) python3.13 python3.12 python3.11 python3; do \
	if $$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then echo >&2 "No Python 3.11 or newer with venv was found (tried $(PYTHON) $(SYSTEM_PYTHON), python3.13 to python3)." ; \
	echo >&2 "On Debian and Ubuntu: apt install python3 python3-venv. Elsewhere: make PYTHON=/path/to/python3.12 $@"; exit 1; fi

.PHONY: help
help: ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 17

.PHONY: demo
demo: $(RUN_READY) ## a living district in this terminal; SPEED=60, ARGS="--seed 3" for more options
	@$(BIN)/doorstep demo --speed $(SPEED) $(ARGS)

.PHONY: miniprogram
miniprogram: $(MINIPROGRAM_READY) ## the client for mini-programs and web pages, built into sdk/miniprogram/dist

.PHONY: venv
venv: $(RUN_READY) ## the virtual environment with the locked dependencies, for running

.PHONY: test
test: lint ## everything: lint, then unit, property, end-to-end, packaging tests
	@tests/setup.sh
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(INTEROP_READY) $(MINIPROGRAM_READY); fi
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

.PHONY: faults
faults: $(TESTS_READY) ## the whole list of faults on real processes, which takes half an hour; a table in fault-data
	@tests/setup.sh
	@mkdir -p fault-data
	$(BIN)/python -m tests.faults --json fault-data/faults.json --markdown fault-data/faults.md $(ARGS)

# Pyright takes longer than the others together, so it runs beside them; both print what they found when they end.
.PHONY: lint
lint: $(TESTS_READY) ## ruff, pyright, import-linter and vulture alone
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync=target .lint-types .lint-rest

.PHONY: .lint-types .lint-rest
.lint-types:
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python
.lint-rest:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/vulture
	$(BIN)/lint-imports

.PHONY: bench
bench: $(RUN_READY) ## a seeded day, 300 times faster than life; figures in bench-data/report.json
	@mkdir -p bench-data
	$(BIN)/doorstep demo --headless --speed 300 --json bench-data/report.json $(ARGS)

.PHONY: pieces
pieces: $(TESTS_READY) ## what each inner piece costs alone; figures in bench-data/pieces.json
	@mkdir -p bench-data
	$(BIN)/pytest tests/benchmarks --benchmark-enable --benchmark-only --benchmark-sort=name \
		--benchmark-columns=min,median,mean,rounds --benchmark-json=bench-data/pieces.json $(ARGS)

.PHONY: report-size
report-size: $(TESTS_READY) ## the structure of the code base, and the files that one order passes through; ARGS="--trace"
	@$(BIN)/doorstep bench size $(ARGS)

.PHONY: fuzz
fuzz: $(TESTS_READY) ## FUZZ_EXAMPLES=5000 damaged inputs for each property of tests/fuzz: about a quarter of an hour
	DOORSTEP_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest tests/fuzz $(ARGS)

.PHONY: interop-foreign
interop-foreign: $(TESTS_READY) ## clients in Go and Java against a node's endpoint: needs go, and java, javac and mvn, which fetch them
	@for tool in go java javac mvn; do command -v $$tool >/dev/null || echo "$$tool is not installed: what needs it is skipped"; done
	$(BIN)/pytest $(INTEROP)/foreign/clients.py $(ARGS)

.PHONY: mutants
mutants: $(TESTS_READY) ## 60 one-line faults in the pure code, drawn by SEED=0: each is to fail its mirror test
	$(BIN)/python -m tests.mutants --seed $(SEED) $(ARGS)

.PHONY: soak
soak: $(RUN_READY) ## SOAK_MINUTES=40 of load with random faults: nothing may grow; figures and a plot in soak-data
	@mkdir -p soak-data
	$(BIN)/doorstep bench soak --minutes $(SOAK_MINUTES) --json soak-data/soak.json --plot soak-data/soak.svg $(ARGS)

.PHONY: deb
deb: $(RUN_READY) $(RELEASE_READY) ## Debian packages for this release, with checksums and a bill of materials, in dist; ARCH=arm64 for ARM boxes
	$(BIN)/python -m deploy.deb --architecture $(ARCH) --sbom $(RELEASE)/bin/cyclonedx-py $(ARGS)

.PHONY: deb-test
deb-test: $(TESTS_READY) ## the packages in a clean Debian without a network, from install to purge: root, debootstrap and lintian needed
	$(BIN)/python -m tests.deb $(ARGS)

.PHONY: audit
audit: $(RELEASE_READY) ## known vulnerabilities of what is locked; fails where the database of vulnerabilities cannot be asked
	$(RELEASE)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock -r requirements-build.lock

.PHONY: lock
lock: ## choose the versions of all dependencies anew and write the lock files
	@$(FIND_PYTHON); test -x .venv-lock/bin/uv || { $$python -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv; }
	$(COMPILE) --group build --output-file requirements-build.lock
	$(COMPILE) --group release --output-file requirements-release.lock
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra bench --extra postgresql --extra parquet --constraint requirements.lock --output-file requirements-bench.lock pyproject.toml
	$(COMPILE) --group test --constraint requirements-bench.lock --output-file requirements-test.lock pyproject.toml

.PHONY: clean
clean: ## remove what all of the above made
	rm -rf $(VENV) $(RELEASE) .venv-lock $(INTEROP)/node_modules $(MINIPROGRAM)/node_modules $(MINIPROGRAM)/dist build dist bench-data fault-data soak-data demo-data
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks *.egg-info
	find edge central bench sdk tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(FIND_PYTHON); echo "Making the virtual environment $(VENV) with $$($$python --version)"; $$python -m venv --clear $(VENV)

# The build tools are locked too and used without isolation, so nothing unlocked is ever fetched.
# `requirements-bench.lock` is `requirements.lock`, which is all that a node needs, and what draws plots.
$(RUN_READY): requirements-build.lock requirements-bench.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked dependencies"
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --require-hashes --no-build-isolation -r requirements-bench.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(TESTS_READY): requirements-test.lock $(RUN_READY)
	@echo "Installing what the tests need"
	@$(PIP) install --require-hashes --no-build-isolation -r requirements-test.lock
	@touch $@

# Apart from the others: what looks at a release brings an own pip and forty packages along.
$(RELEASE_READY): requirements-release.lock
	@$(FIND_PYTHON); $$python -m venv --clear $(RELEASE)
	@echo "Installing what looks at a release"
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-release.lock
	@touch $@

$(INTEROP_READY): $(INTEROP)/package-lock.json
	npm ci --prefix $(INTEROP) --no-audit --no-fund
	@touch $@

$(MINIPROGRAM)/node_modules/.package-lock.json: $(MINIPROGRAM)/package-lock.json
	npm ci --prefix $(MINIPROGRAM) --no-audit --no-fund
	@touch $@

$(MINIPROGRAM_READY): $(MINIPROGRAM)/node_modules/.package-lock.json $(MINIPROGRAM)/build.mjs $(MINIPROGRAM)/board.mjs $(wildcard $(MINIPROGRAM)/src/*) sdk/protocol/doorstep.d.ts
	npm run --silent --prefix $(MINIPROGRAM) build
