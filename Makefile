# Two commands: `make run` serves the demo, `make test` checks the project; `make test-slow` runs the tests that take
# longer. `make setup` makes the .venv alone.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Three processes on two cores: while one waits for a browser or a child process, the others work.
PYTEST_SHARED := $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder
HOST ?= 127.0.0.1
PORT ?= 5000
CONFIG ?= cfg/deep_predictor_demo.cfg

.PHONY: run setup demo-model test test-slow setup-test lint types unit check-slow check-api bench clean help

help:
	@echo "make run    install, train the demo model if there is none, serve it on http://$(HOST):$(PORT)"
	@echo "make test   install, lint, check types, run the tests (about ten minutes)"
	@echo "make test-slow  run the tests that are marked slow, and those that want the machine for themselves (about ten minutes more)"
	@echo "make check-slow  build and run every classifier of keras.applications once (many minutes, up to 8 GB)"
	@echo "make check-api  send 50 examples and every limit of every field to each route, as nobody and as every role (about ten minutes)"
	@echo "make bench  measure the server against a bare loop and its peers (about two hours); BENCH='--only ours' measures a part"
	@echo "make setup  install what serving and training need into $(VENV)"
	@echo "make clean  remove $(VENV) and caches; models, predictions and databases under var/ stay"

run: demo-model
	@echo "==> serving $(CONFIG) on http://$(HOST):$(PORT) (Ctrl-C ends it)"
	@$(BIN)/python waitress_server.py --config $(CONFIG) --host $(HOST) --port $(PORT)

demo-model: setup
	@echo "==> demo model: training it on handwritten digits, unless it is there"
	@$(BIN)/python -m deep_predictor.training train cfg/training/digits.cfg --if-missing

setup: $(VENV)/installed

setup-test: $(VENV)/installed-test

test: setup-test lint
	@$(MAKE) --no-print-directory -j2 types unit

lint:
	@echo "==> linting"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types:
	@echo "==> checking types"
	@$(BIN)/mypy deep_predictor flask_app.py waitress_server.py

unit:
	@echo "==> running the tests that are not marked slow or alone (make test-slow runs those)"
	@$(PYTEST_SHARED) -m "not slow and not alone"

test-slow: setup-test
	@echo "==> running the tests that are marked slow"
	@$(PYTEST_SHARED) -m "slow and not alone"
	@echo "==> running the tests that want the machine for themselves"
	@$(BIN)/pytest -m alone

check-slow: setup-test
	@echo "==> building and running every classifier of keras.applications once, and other long ways (many minutes)"
	@$(BIN)/pytest -o timeout=1200 test/check_slow/*.py

check-api: setup-test
	@echo "==> sending each route what its description allows, and what it does not (about ten minutes)"
	@DEEP_PREDICTOR_API_EXAMPLES=50 $(BIN)/pytest -o timeout=7200 test/web/test_schemathesis.py

bench: $(VENV)/installed-bench
	@echo "==> measuring; tables follow, all figures lie in var/bench/results"
	@$(BIN)/python -m other.benchmarks $(BENCH)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found; name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "==> making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	@echo "==> installing requirements.txt into $(VENV) (some minutes, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-test: $(VENV)/installed other/requirements/test.txt other/requirements/legacy.txt other/requirements/postgresql.txt other/requirements/fast.txt other/requirements/tensorboard.txt other/requirements/torch.txt other/requirements/video.txt
	@echo "==> installing what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r other/requirements/test.txt -r other/requirements/postgresql.txt -r other/requirements/fast.txt -r other/requirements/tensorboard.txt -r other/requirements/torch.txt -r other/requirements/video.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r other/requirements/legacy.txt
	@touch $@

$(VENV)/installed-bench: $(VENV)/installed other/requirements/bench.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r other/requirements/bench.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
