# `make demo` and `make test` are all that a newcomer needs. Everything else is what they do.

PYTHON ?= python3
EXTRA ?= cpu
ONCE ?=
BIN := .venv/bin
PACKAGES := pipeline telephony parley bench

.PHONY: help install weights demo test tests style types bench clean

help:           ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

install:        ## everything into .venv (EXTRA=gpu on a machine with an NVIDIA card)
	@$(PYTHON) -I parley/bootstrap.py --extra $(EXTRA)

weights: install ## fetch and check the model weights, once
	@$(BIN)/parley models fetch

demo: weights   ## a recorded human phones the server; then you can (ONCE=1: end after the call)
	@$(BIN)/python -m parley.demo $(if $(ONCE),--once)

test: weights   ## the whole suite, real models included
	$(BIN)/python -m pytest

tests: install  ## the quick part of the suite: no weights, no servers
	$(BIN)/python -m pytest -m "not real"

style: install  ## formatting and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install  ## static types, strict
	$(BIN)/mypy $(PACKAGES)

bench: weights  ## each engine alone, then real-time callers on the wire
	$(BIN)/python -m bench stages
	$(BIN)/python -m bench latency

clean:          ## remove .venv and caches of tools (weights stay: ~/.cache/parley)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build *.egg-info
