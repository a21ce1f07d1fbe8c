# Everything runs in .venv, which `make setup` fills from requirements.lock; nothing is installed by hand.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One thread a process: the tests run as two processes, and threads would fight for the same cores.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup test test-all lint format demo bench bench-speed weights spectra clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

setup: $(STAMP)  ## .venv with handful and everything that it needs
	@echo "handful is installed: $(BIN)/handful --help"

test: $(STAMP)  ## the tests, without the slow ones
	$(ONE_THREAD) $(BIN)/python -m pytest -q -m "not slow" -n $(JOBS) $(ARGS)

test-all: $(STAMP)  ## all tests
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n $(JOBS) $(ARGS)

lint: $(STAMP)  ## ruff, mypy, and the design's measures and arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/measures.py

format: $(STAMP)  ## lay out the code as lint wants it
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

demo: $(STAMP)  ## the main job on simulated regions: a map, a table and a report in demo-out
	$(BIN)/handful demo -o demo-out --overwrite

bench: $(STAMP)  ## every protocol of benchmarks/ on the data in $$HANDFUL_DATA; tables beside them
	@test -d "$$HANDFUL_DATA" || { echo "set HANDFUL_DATA to the folder of the data collection"; exit 2; }
	set -e; for script in $$(grep -l __main__ benchmarks/*.py); do $(BIN)/python $$script; done

bench-speed: $(STAMP)  ## speed and memory of second-order MAML beside its peers; no data needed
	$(BIN)/python benchmarks/meta_speed.py $(ARGS)

weights: $(STAMP)  ## train the shipped weights again
	$(BIN)/python tools/make_weights.py

# prosail needs versions of its own, so the spectra are computed in an environment of its own.
$(VENV)-spectra/.installed:
	$(PYTHON) -m venv $(VENV)-spectra
	$(VENV)-spectra/bin/python -m pip install --disable-pip-version-check prosail==2.0.5 numpy==2.4.6 scipy==1.17.1
	touch $@

spectra: $(VENV)-spectra/.installed  ## compute the embedded table of spectra again
	$(VENV)-spectra/bin/python tools/make_spectra.py src/handful/simulate/spectra.npz

clean:  ## remove what was built (not .venv)
	rm -rf build dist demo-out src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
