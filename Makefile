# Everything runs from a bare clone with Python 3.11 or newer and make: a target sets up .venv as far as it needs it.
#   make PYTHON=python3.12 test      another interpreter
#   make PYTEST_ARGS='-k vocab' test     some tests
#   make BENCH_ARGS=--smoke bench        tiny inputs
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
PYTEST_ARGS ?=
BENCH_ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo demo-recommend test test-all lint format docs bench clean distclean
.NOTPARALLEL:

help:
	@echo "make demo      embed a bundled graph and list a character's nearest neighbours"
	@echo "make demo-recommend    from who went to which event to what else to propose, judged by what was held out"
	@echo "make test      the tests, without the slow ones"
	@echo "make test-all  every test"
	@echo "make lint      style, types and import floors"
	@echo "make format    let ruff rewrite the files"
	@echo "make docs      build the documentation into site/"
	@echo "make bench     the speed benchmarks"
	@echo "make clean     remove what the targets made; make distclean removes .venv too"

demo: $(VENV)/.base
	@mkdir -p demo-out
	$(BIN)/cleora-jax embed --input examples/lesmis.tsv --weight last --output demo-out/lesmis.parquet --dim 64
	$(BIN)/cleora-jax similar --embeddings demo-out/lesmis.parquet --entity Enjolras --top-k 5
	$(BIN)/cleora-jax info --input examples/davis-women.tsv --columns "event complex::reflexive::woman"

# Each line of the bundled file is an event and the women who went to it; every fifth visit is held out.
demo-recommend: $(VENV)/.base
	@mkdir -p demo-out
	awk -F '\t' '{ n = split($$2, w, " "); for (i = 1; i <= n; i++) \
		print w[i] "\t" $$1 > ("demo-out/" ((NR + i) % 5 ? "known" : "held") ".tsv") }' examples/davis-women.tsv
	$(BIN)/cleora-jax recommend fit --input demo-out/known.tsv --algorithm gf-cf --set rank=2 --output demo-out/events.npz
	$(BIN)/cleora-jax recommend for --model demo-out/events.npz --user Evelyn_Jefferson --user Nora_Fayette --top-k 3
	$(BIN)/cleora-jax recommend for --model demo-out/events.npz --basket E1 E2 --top-k 3
	$(BIN)/cleora-jax recommend evaluate --train demo-out/known.tsv --test demo-out/held.tsv --top-k 3 \
		--algorithm popularity,item-knn,gf-cf

test: $(VENV)/.extra-test
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

test-all: $(VENV)/.extra-test
	$(BIN)/python -m pytest -n $(WORKERS) -m "" $(PYTEST_ARGS)

lint: $(VENV)/.extra-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.extra-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.extra-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/.extra-test
	$(BIN)/python -m experiments.speed.run $(BENCH_ARGS)

clean:
	rm -rf build dist site demo-out .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

# Stamps: the virtual environment, then the package with the extras that a target needs.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "cleora-jax needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: pyproject.toml | $(VENV)/.python
	$(PIP) -e .
	@touch $@

$(VENV)/.extra-test $(VENV)/.extra-dev $(VENV)/.extra-docs: $(VENV)/.extra-%: pyproject.toml | $(VENV)/.python
	$(PIP) -e '.[$*]'
	@touch $@
