# Each target does its own set-up in .venv; only Python 3.11+, make and a package index are needed.
#
#   make demo     read the shipped weather network and explain its forecasts
#   make test     run every test
#   make check    lint and types
#   make floor    every test with the oldest libraries that pyproject.toml allows
#   make versions a wheel, built here and used outside the clone with Python 3.11, 3.12 and 3.13
#   make bench    every benchmark, and the page of their figures
#   make oracles  contributions against known answers, published figures and the peers' own code
#   make integrations  models of other libraries, read and held against their own forecasts
#   make gallery  a picture of every chart, and the page that shows them
#   make docs     the documentation as a site, in build/docs, every warning an error
#   make languages  the catalogues of sentences, brought up to date with the source and compiled
#   make figures  the pictures, tables and printed lines of README and docs, made anew
#   make clean    remove what the above made
#
# PYTHON=python3.12 chooses an interpreter, VERSIONS="/path/to/python3.12 ..." those of make versions
# (otherwise python3.11 and so on, where they are on the PATH), WORKERS=4 the number of test processes,
# INTEGRATIONS=darts takes one of make integrations' libraries alone (neuralhydrology, neuralforecast,
# scikeras, sktime, pytorch_forecasting), each at the versions for which
# benchmarks/integrations/requirements has a file, ARGS="-k lags" goes to pytest and ARGS=--quick to the
# benchmarks, and TORCH_OPTIONS="--extra-index-url ..." to pip when it installs PyTorch, which only tests
# and benchmarks need (any build of it serves).

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$name -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$name; break; fi; done)
endif
ifeq ($(PYTHON),)
PYTHON := python3
endif

VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
ARGS ?=
VERSIONS ?=
TORCH_OPTIONS ?=
# Each worker begins with a half of its own and takes over what another has left: a file's tests mostly
# stay together, with what they share, and two workers seldom compile the same kernel side by side.
PARALLEL := -n $(WORKERS) --dist worksteal
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
TORCH := $(shell sed -n 's/^ *"\(torch==[0-9.]*\)",$$/\1/p' pyproject.toml)
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1 \
	NUMBA_NUM_THREADS=1 RNNLENS_THREADS=1
# The figures first, then the page that is made from them.
BENCHMARKS := questions diagnostics neighbour forward precision gradient integrated_gradients lag_shapley secant latency memory scaling \
	rest_of_graph growth startup service long_work long_windows estimates tables bulk page report

# Networks and data whose answers are known.
ORACLES := constructed arx toys spike tint_arma tint_hmm linear_var lorenz96 bucket

# Libraries whose models are read live, each in an environment of its own.
INTEGRATIONS := neuralhydrology neuralforecast darts scikeras sktime pytorch_forecasting
REQUIRED := benchmarks/integrations/requirements
# A library, and an older version of it where it has requirements of its own.
ENVIRONMENTS = $(foreach name,$(INTEGRATIONS),$(patsubst $(REQUIRED)/%.txt,%,\
	$(wildcard $(REQUIRED)/$(name).txt $(REQUIRED)/$(name)-older.txt)))

.DEFAULT_GOAL := help
.PHONY: help demo test check floor versions bench oracles integrations gallery docs languages figures clean \
	$(ENVIRONMENTS:%=integrate-%)
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.demo
	@$(BIN)/rnnlens demo

test: $(VENV)/.test
	$(ONE_THREAD) KERAS_BACKEND=torch $(BIN)/python -m pytest $(PARALLEL) $(ARGS)

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

floor: $(VENV)/floor/.made
	$(ONE_THREAD) KERAS_BACKEND=torch $(VENV)/floor/bin/python -m pytest $(PARALLEL) $(ARGS)

versions: $(VENV)/.made
	@$(BIN)/python .ci/versions.py $(VERSIONS)

bench: $(VENV)/bench/.made $(VENV)/bench/demo/.made
	@set -e; for name in $(BENCHMARKS); do \
		echo "== benchmarks/$$name.py"; $(VENV)/bench/bin/python benchmarks/$$name.py $(ARGS); done

oracles: $(VENV)/bench/.oracles
	@set -e; cd benchmarks; export $(ONE_THREAD) $(if $(findstring --quick,$(ARGS)),ORACLES_QUICK=1); \
		for name in $(ORACLES); do $(abspath $(VENV))/bench/bin/python -m oracles.$$name; done; \
		$(abspath $(VENV))/bench/bin/python sampling_error.py $(ARGS); \
		$(abspath $(VENV))/bench/bin/python -m oracles.table $(ORACLES)

# Each environment is tried as soon as it is there; two of a library, which keep their figures in one
# file, one after the other under make -j too.
integrations: $(ENVIRONMENTS:%=integrate-%)
	@$(BIN)/python benchmarks/integrations/table.py
	@$(BIN)/python benchmarks/integrations/adapters_page.py

$(ENVIRONMENTS:%=integrate-%): integrate-%: $(VENV)/integrations/%/.made
	@set -e; for script in with_$* adapted_$(*:-older=); do \
		test -f benchmarks/integrations/$$script.py || continue; \
		echo "== benchmarks/integrations/$$script.py ($*)"; \
		$(VENV)/integrations/$*/bin/python benchmarks/integrations/$$script.py; done

$(foreach name,$(filter %-older,$(ENVIRONMENTS)),$(eval integrate-$(name): | integrate-$(name:-older=)))

gallery: $(VENV)/.demo
	@$(ONE_THREAD) $(BIN)/python docs/make_gallery.py $(ARGS)

docs: $(VENV)/docs/.made
	$(VENV)/docs/bin/sphinx-build -q -W --keep-going -b html -d build/doctrees docs build/docs
	@echo "The documentation begins at build/docs/index.html"

languages: $(VENV)/.test
	@$(BIN)/python .ci/languages.py $(ARGS)

figures: $(VENV)/.test
	@set -e; for script in docs/make_*.py; do \
		echo "== $$script"; KERAS_BACKEND=torch $(BIN)/python $$script; done

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis rnnlens-weather.html
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.made:
	@$(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { echo "rnnlens needs Python 3.11 or newer, but $(PYTHON)" \
		"is $$($(PYTHON) -V 2>/dev/null || echo missing): name a newer one," \
		"as in: make demo PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) could not make a virtual environment in $(VENV):" \
		"its venv module is missing or cut down (on Debian: apt install python3-venv)." >&2; exit 1; }
	@touch $@

$(VENV)/.demo: pyproject.toml | $(VENV)/.made
	@echo "Setting up $(VENV) for the demo; this is done once and takes a minute or two." >&2
	@$(INSTALL) -e '.[demo]'
	@touch $@

# PyTorch goes first, in a call of its own, so that the build that TORCH_OPTIONS chose stays.
$(VENV)/.test: pyproject.toml | $(VENV)/.made
	@echo "Setting up $(VENV) for the tests; this is done once and takes a few minutes." >&2
	@$(INSTALL) $(TORCH_OPTIONS) '$(TORCH)'
	@$(INSTALL) -e '.[test]'
	@touch $@

# The types are checked against the libraries that the tests use, so they are installed too.
$(VENV)/.check: pyproject.toml $(VENV)/.test | $(VENV)/.made
	@$(INSTALL) -e '.[test,check]'
	@touch $@

$(VENV)/floor/.made: pyproject.toml .ci/lower_bounds.py | $(VENV)/.made
	@echo "Setting up $(VENV)/floor with the oldest libraries; this takes a few minutes." >&2
	@$(PYTHON) -m venv $(VENV)/floor
	@$(BIN)/python .ci/lower_bounds.py > $(VENV)/floor/requirements.txt
	@$(VENV)/floor/bin/python -m pip install -qq $(TORCH_OPTIONS) -r $(VENV)/floor/requirements.txt
	@$(VENV)/floor/bin/python -m pip install -qq --no-deps -e .
	@touch $@

# What makes the site is in an environment of its own: no test needs it. Most of what is installed is not
# run, so compiling it all first would take longer than building the site.
$(VENV)/docs/.made: pyproject.toml | $(VENV)/.made
	@echo "Setting up $(VENV)/docs for the documentation; this takes a minute or two." >&2
	@$(PYTHON) -m venv $(VENV)/docs
	@$(VENV)/docs/bin/python -m pip install -qq --no-compile -e '.[docs]'
	@touch $@

$(VENV)/bench/.made: pyproject.toml benchmarks/requirements.txt | $(VENV)/.made
	@echo "Setting up $(VENV)/bench with what rnnlens is compared with; this takes a few minutes." >&2
	@$(PYTHON) -m venv $(VENV)/bench
	@$(VENV)/bench/bin/python -m pip install -qq $(TORCH_OPTIONS) '$(TORCH)'
	@$(VENV)/bench/bin/python -m pip install -qq -r benchmarks/requirements.txt -e .
	@touch $@

# What somebody has who types make demo, and nothing besides.
$(VENV)/bench/demo/.made: pyproject.toml $(VENV)/bench/.made
	@$(PYTHON) -m venv $(VENV)/bench/demo
	@$(VENV)/bench/demo/bin/python -m pip install -qq -e '.[demo]'
	@touch $@

$(VENV)/bench/.oracles: benchmarks/oracles/requirements.txt $(VENV)/bench/.made
	@$(VENV)/bench/bin/python -m pip install -qq -r benchmarks/oracles/requirements.txt
	@touch $@

$(VENV)/integrations/%/.made: pyproject.toml benchmarks/integrations/requirements/%.txt | $(VENV)/.made
	@echo "Setting up $(VENV)/integrations/$* with the library $*; this takes a few minutes." >&2
	@$(PYTHON) -m venv $(VENV)/integrations/$*
	@$(VENV)/integrations/$*/bin/python -m pip install -qq --no-compile $(TORCH_OPTIONS) '$(TORCH)'
	@$(VENV)/integrations/$*/bin/python -m pip install -qq --no-compile $(TORCH_OPTIONS) -r benchmarks/integrations/requirements/$*.txt -e .
	@touch $@
