# Every target bootstraps .venv from requirements.lock; a fresh machine needs Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help install demo test test-quick test-interpreted test-hummingbot lint bench bench-lake bench-peer up down status lock audit advisories clean

help:            ## what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## *' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"microvol needs Python 3.11 or later, {sys.executable} is {v.major}.{v.minor}")'
	@echo "installing the pinned packages into $(VENV): a minute or two"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

install: $(READY)  ## make .venv from requirements.lock

demo: $(READY)   ## the whole loop on the local paper venue: no account, no network
	$(BIN)/microvol demo

# a file's tests stay together: they share servers and compiled code
# files in their order, the quick ones of tests/unit last: a long file at the end would keep one process waiting
# a crash ends the run and names its test: pytest-xdist would go on, and wait forever at the end
TOGETHER := -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart=0

test: lint       ## everything CI runs
	$(BIN)/python -m pytest $(TOGETHER)

test-quick: $(READY)  ## the inner loop: no servers, under two minutes
	$(BIN)/python -m pytest -m "not slow"

test-interpreted: $(READY)  ## the whole suite without the compiler: the same numbers, ten times slower
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest $(TOGETHER)

lint: $(READY)   ## ruff, mypy --strict, import contracts, sqlfluff
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/sqlfluff lint sql --disable-progress-bar

bench: $(READY)  ## measured ratios; see bench/README.md
	$(BIN)/python -m bench

bench-lake: $(READY)  ## what a core records, how fast a backlog goes in, what a day takes and how fast it is read
	$(BIN)/python -m bench.lake

# the peer's environment sees everything in .venv and adds hftbacktest
PEER := var/peer-venv
$(PEER)/.ready: $(READY) bench/peer/requirements.txt
	$(BIN)/python -m venv $(PEER)
	$(BIN)/python -c 'import sysconfig as s; print("import site; site.addsitedir(%r)" % s.get_path("purelib"))' \
	  > $$($(PEER)/bin/python -c 'import sysconfig as s; print(s.get_path("purelib"))')/microvol.pth
	$(PEER)/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r bench/peer/requirements.txt
	@touch $@

bench-peer: $(PEER)/.ready  ## the same strategy on hftbacktest: fills compared, time a set
	$(PEER)/bin/python -m bench.peer

# Hummingbot pins versions that differ from ours: an environment of its own, some 730 MB, Python 3.12 or later
HUMMINGBOT := var/hummingbot-venv
HUMMINGBOT_BASE ?= $(or $(lastword $(wildcard ~/.pyenv/versions/3.12*/bin/python)),3.12)
$(HUMMINGBOT)/.ready: $(READY) tests/hummingbot_rig/requirements.txt
	$(BIN)/uv venv --quiet --clear --python $(HUMMINGBOT_BASE) $(HUMMINGBOT)
	$(BIN)/uv pip install --quiet --require-hashes --python $(HUMMINGBOT)/bin/python -r tests/hummingbot_rig/requirements.txt
	@touch $@

test-hummingbot: $(HUMMINGBOT)/.ready  ## exported controllers inside Hummingbot, sample by sample; apart from make test
	HUMMINGBOT_PYTHON=$(CURDIR)/$(HUMMINGBOT)/bin/python $(BIN)/python -m pytest --timeout 3600 --durations 1 \
	  tests/hummingbot_rig/controller_checks.py

up: $(READY)     ## Prefect server, MLflow, worker and deployments on loopback
	$(BIN)/microvol up

down: $(READY)   ## stop what `make up` started
	$(BIN)/microvol down

status: $(READY) ## what runs, which version, how fresh the data is
	$(BIN)/microvol status

# its answer is that of the day; --strict: a package that nobody knows anything of is no good news
AUDIT := var/audit-venv
$(AUDIT)/.ready:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --disable-pip-version-check --quiet pip-audit==2.10.1
	@touch $@

audit: $(AUDIT)/.ready  ## known vulnerabilities of what the lock names, asked of PyPI: needs its network, so apart from make test
	$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

# CI has no network: a test holds the lock to this report
OSV := https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip
advisories: $(READY)  ## write deploy/advisories.json anew from OSV's records of PyPI: needs a network
	@mkdir -p var
	$(BIN)/python -c 'import shutil, urllib.request as u; shutil.copyfileobj(u.urlopen("$(OSV)"), open("var/osv-pypi.zip", "wb"))'
	$(BIN)/python -m deploy.advisories var/osv-pypi.zip

lock: $(READY)   ## write requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet --output-file requirements.lock

clean:           ## remove .venv and every local result
	rm -rf $(VENV) var .mypy_cache .ruff_cache .import_linter_cache
