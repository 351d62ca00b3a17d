# Every target prints the commands it runs.  `make setup` is all a user needs; the others call it.
PYTHON ?= .venv/bin/python
SOURCES := src tests tools bench
# Tests start hundreds of Python processes: without kept bytecode each would compile all of Seawall anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup dev demo test check fuzz-network bench docs lock clean

help:
	@sed -n 's/^## //p' Makefile

## make setup   install what Seawall needs; leaves .venv/bin/seawall
setup: .venv/.installed
.venv/.installed: requirements.txt pyproject.toml tools/setup
	tools/setup requirements.txt
	@touch $@

## make dev     the same, with the tools that check and test
dev: .venv/.installed-dev
.venv/.installed-dev: requirements-dev.txt .venv/.installed
	tools/setup requirements-dev.txt
	@touch $@

## make demo    run the demonstration; KEEP=1 leaves it running
demo: setup
	.venv/bin/seawall demo $(if $(KEEP),--keep)

## make check   format, lint, types, import rules, tree, and the quick tests that need no namespaces
check: dev
	.venv/bin/ruff format --check $(SOURCES)
	.venv/bin/ruff check $(SOURCES)
	.venv/bin/mypy
	.venv/bin/mypy tools bench
	.venv/bin/lint-imports
	$(PYTHON) tools/check_tree.py
	$(PYTHON) -m seawall.app.truth --check docs/coverage.md
	$(PYTHON) -m pytest -q -n 3 --dist worksteal -m "not world and not e2e and not thorough" \
		--hypothesis-profile=everyday

## make test    all tests: plain ones, those inside a private world, and end to end
test: dev
	$(PYTHON) tools/test_everything.py

## make fuzz-network MINUTES=n   random VPCs, real packets, and walk's word about each, until the time is over
MINUTES ?= 10
fuzz-network: dev
	$(PYTHON) -m seawall.host.world run -- $(PYTHON) -m tests.fuzz.network --minutes $(MINUTES)

## make bench   measure against podman, a bare veth, moto and HAProxy; writes build/bench.jsonl
bench: .venv/.installed-bench
	tools/setup --packages podman:podman iperf3:iperf3 wrk:wrk
	$(PYTHON) -m bench
.venv/.installed-bench: requirements-bench.txt .venv/.installed
	tools/setup requirements-bench.txt
	@touch $@

## make docs    write docs/coverage.md anew from the code
docs: setup
	$(PYTHON) -m seawall.app.truth --write docs/coverage.md

## make lock    pin the newest versions of all Python dependencies with their hashes
lock: dev
	tools/lock

## make clean   remove what was built, not the state of any Seawall
clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
