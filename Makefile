# Every target creates the virtual environment with the locked packages if it is missing or out of date.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test test-all test-slurm coverage mutants faults corpus reproduce bench lint lock clean
.DEFAULT_GOAL := demo

$(READY): requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: $(READY)  ## the demo region, from simulated tiles to a map and a report
	$(BIN)/snakemake --cores all

# Files with long tests first, so that both processes end together.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 15
TESTS := tests/e2e tests/slurm tests/workflow tests/hostile tests/advisories tests/unit

test: $(READY)  ## one run of the demo, one on real imagery where there is some, and every test that is quick
	$(PYTEST) -m "not slow" $(TESTS)

test-all: $(READY)  ## every test
	$(PYTEST) $(TESTS)

test-slurm: $(READY)  ## the workflow on a SLURM cluster that the tests start here, from Debian's packages
	CROPMINE_SLURM=1 $(BIN)/python -m pytest tests/slurm

coverage: $(READY)  ## the lines and branches of the library that its tests reach
	$(BIN)/python -m pip install --quiet coverage==7.17.4
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest tests/unit tests/hostile
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

mutants: $(READY)  ## how many small changes of the library its tests notice, by module
	$(BIN)/python -m pip install --quiet mutmut==3.8.1
	$(BIN)/python tests/mutation/mutants.py

faults: $(READY)  ## kill a small run at 50 moments and compare the result of the next run with an undisturbed one
	PYTHONPATH=tests $(BIN)/python -m workflow.faults.campaign

reproduce: $(READY)  ## the paper's experiments and controls that it lacks, on four simulated landscapes
	$(BIN)/snakemake --cores all --configfile configs/reproduce.yaml

corpus: $(READY)  ## broken and hostile inputs, each alone; writes its table into docs/reliability.md
	PYTHONPATH=tests $(BIN)/python -m hostile.measure

bench: $(READY)  ## cropmine compared with what a user would write instead
	$(BIN)/python -m pip install --quiet xarray-spatial==0.5.3  # for the plain prototype of mining
	$(BIN)/python benchmarks/mining.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/inference.py --memory 4096 20480

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml workflow_scripts
	$(BIN)/python tests/advisories/advisories.py

lock: $(READY)  ## pin every package again, from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --extra dev pyproject.toml -o requirements.txt

clean:  ## remove the outputs of all regions; keep the environment
	find results -mindepth 1 -not -name README.md -delete
	rm -rf .snakemake
