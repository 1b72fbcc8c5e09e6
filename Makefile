# `make help` lists the targets. PYTHON picks the interpreter the environment is made with.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ARGS   ?=
# Compiled modules are kept: without them each process spends ten seconds on importing.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup train test test-quick test-least test-processors test-faults bench lint format dry-run golden pins clean

help:  ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(READY)  ## Make the environment in .venv (Python 3.11 to 3.13).

# uv, because it takes torch, torchvision and torch-fidelity from one place, so that they fit each other.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "PYTHON=$(PYTHON) is Python %d.%d; expected 3.11 to 3.13. Name another one: make setup PYTHON=python3.12" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

train: $(READY)  ## Train on the built-in set (satellite picture to map): `make train`, or `make train ARGS="generator=resnet9 dataset=maps"`.
	$(BIN)/python src/train.py $(or $(ARGS),experiments=first_run)

# Two processes of one thread each; tests of one group (trainings that start processes of their own)
# stay in one of them.
PYTEST := $(BIN)/python -m pytest --numprocesses=2 --dist=loadgroup

test: $(READY)  ## Pass all tests (half an hour on 2 cores).
	$(PYTEST) $(ARGS)

test-quick: $(READY)  ## Pass the unit tests only.
	$(PYTEST) tests/unit tests/config $(ARGS)

# oneDNN and PyTorch choose their kernels by the processor: these settings stand for older ones.
LEAST := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41
test-least: $(READY)  ## Pass the numeric tests as on the oldest processor.
	$(LEAST) $(PYTEST) -m "numeric and not bench and not faults" $(ARGS)

test-processors: $(READY)  ## Pass the numeric tests under six processor settings.
	for setting in "$(LEAST)" "$(LEAST) OMP_NUM_THREADS=2" "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2" \
	  "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OMP_NUM_THREADS=2" "OMP_NUM_THREADS=1" "OMP_NUM_THREADS=2"; do \
	  echo "== $$setting" && env $$setting $(PYTEST) -m "numeric and not bench and not faults" -q $(ARGS) || exit 1; done

test-faults: $(READY)  ## Break what can break: killed savings, full disks, hostile folders, random command lines.
	$(PYTEST) -m "faults" $(ARGS)

bench: $(READY)  ## Measure speed and memory (under 10 minutes on 2 cores): `make bench ARGS="--only training"`.
	$(BIN)/python benchmarks/run.py $(ARGS)

lint: $(READY)  ## Check style and docstrings.
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

format: $(READY)  ## Rewrite the style.
	$(BIN)/ruff check --fix src tests benchmarks
	$(BIN)/ruff format src tests benchmarks

dry-run: $(READY)  ## Print the resolved configuration: `make dry-run ARGS="dataset=facades"`.
	$(BIN)/python src/train.py --cfg job --resolve $(ARGS)

golden: $(READY)  ## Rewrite the golden losses; say why in CHANGELOG.md.
	$(BIN)/python tests/golden/rewrite.py

pins: $(READY)  ## Take the newest versions that fit pyproject.toml into constraints.txt.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --upgrade \
	  --no-header --no-annotate --no-emit-index-url pyproject.toml -o constraints.txt

clean:  ## Remove the environment and caches; runs and data stay.
	rm -rf $(VENV) .pytest_cache .ruff_cache dist build
