# Two commands: `make search` runs the digits search through Prefect, `make test` passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SLOTS ?= 2
# Processes that share the tests, one more than processors since many wait; 0 runs them in one.
TEST_PROCESSES ?= 3

# Of the comparison, for each problem and oracle.
SEEDS ?= 10

.PHONY: search test quality chaos chaos-resume lint types check clean

search: .venv
	$(BIN)/trialflow search examples/digits.py --slots $(SLOTS)

test: .venv
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal

# Trains and kills at random for some minutes: CHAOS_CASES=100 CHAOS_SEED=7 repeats a run.
chaos-resume: CHAOS_CASES ?= 30
chaos-resume: CHAOS_SEED ?= $(shell date +%s)
chaos-resume: .venv
	CHAOS_CASES=$(CHAOS_CASES) CHAOS_SEED=$(CHAOS_SEED) $(BIN)/python -m pytest -x tests/tuner/test_resuming_chaos.py

# Kills workers and schedulers of a Dask cluster at random while a search of 40 trials runs.
chaos: .venv
	CHAOS_TRIALS=40 $(BIN)/python -m pytest -s --timeout 900 tests/flows/test_dask.py -k whatever

# Compares the oracles with those of other libraries, hours with many SEEDS; writes docs/quality.md.
QUALITY := .venv-quality
quality: $(QUALITY)/.installed
	$(QUALITY)/bin/python -W ignore benchmarks/quality.py --seeds $(SEEDS) $(if $(PROBLEMS),--problems $(PROBLEMS))

# What is in .venv, and the peers: they are no dependencies of ours.
$(QUALITY)/.installed: $(VENV)/.installed
	$(PYTHON) -m venv $(QUALITY)
	$(BIN)/python -c 'import site; print(site.getsitepackages()[0])' \
		> "$$($(QUALITY)/bin/python -c 'import site; print(site.getsitepackages()[0])')/trialflow.pth"
	pwd >> "$$($(QUALITY)/bin/python -c 'import site; print(site.getsitepackages()[0])')/trialflow.pth"
	$(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt keras-tuner optuna 'ray[tune]' matplotlib
	$(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 \
		|| echo "No torch: Optuna's Gaussian process is left out."
	$(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt syne-tune \
		|| echo "No Syne Tune: its ASHA and BOHB are left out."
	@touch $@

lint: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv
	$(BIN)/mypy

check: lint types test

# The set-up alone. Repeated when the dependencies change; a half-made one is made again.
.venv: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Trialflow needs Python 3.11 or newer, this is %s. Try: make PYTHON=python3.11" % sys.version.split()[0])'
	@echo "Creating $(VENV) with $$($(PYTHON) --version) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Trialflow, TensorFlow and Prefect into $(VENV): about 2.5 GB, some minutes the first time ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@echo "Installed."
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
