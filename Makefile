# Everything here works on a machine that has Python 3.11 or newer, make and a package mirror.
# PIP_* variables are pip's own and reach it; VENV, PYTHON and TESTS may be set.

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && exit; done; echo python3)
TESTS ?= tests
DEMO_BOARDS := raspberry-pi-5 visionfive-2 stm32mp157a

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

BIN := $(VENV)/bin
WITH_ENGINE := scripts/in-engine-group $(BIN)/
# What an installation depends on: a stamp of another project file, or of another place, is stale; so is
# every stamp when the Python that the environment was made with has gone.
KEY := $(shell [ -x $(BIN)/python ] || rm -f $(VENV)/.runtime-* $(VENV)/.development-*; \
	{ cat pyproject.toml; pwd; } | cksum | cut -d' ' -f1)
RUNTIME := $(VENV)/.runtime-$(KEY)
DEVELOPMENT := $(VENV)/.development-$(KEY)

.PHONY: help setup demo test lint benchmark docs clean models docs-calibration

help: ## Show what can be made.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUNTIME) ## Install emulab into .venv, and a container engine where none answers.
	@$(BIN)/emulab setup --yes

demo: setup ## Run the health-check service for three boards and print their figures.
	@$(WITH_ENGINE)emulab run healthd $(DEMO_BOARDS:%=--board %)

test: $(DEVELOPMENT) setup ## Run the tests: all, or TESTS=tests/unit.
	@$(WITH_ENGINE)python -m pytest $(TESTS)

lint: $(DEVELOPMENT) ## Check style, types, layers, Go modules and the length of modules.
	@$(BIN)/ruff check --quiet . && echo "ruff check: ok"
	@$(BIN)/ruff format --quiet --check . && echo "ruff format: ok"
	@$(BIN)/mypy --no-error-summary && echo "mypy: ok"
	@$(BIN)/lint-imports >$(VENV)/layers.log 2>&1 || { cat $(VENV)/layers.log; exit 1; }; echo "layers: ok"
	@scripts/check-go-modules
	@find . -name '*.py' -not -path './$(VENV)/*' -exec awk \
		'FNR == 401 { print FILENAME ": more than 400 lines"; long = 1 } END { exit long }' {} + && echo "lengths: ok"

benchmark: $(DEVELOPMENT) setup ## Print the figures that emulab itself is held to.
	@for script in benchmarks/bench_*.py; do $(WITH_ENGINE)python "$$script" || exit; done

docs: setup ## Run what README.md shows tables of and write them there.
	@$(WITH_ENGINE)emulab run healthd $(DEMO_BOARDS:%=--board %) -o markdown=$(VENV)/demo.md
	@$(BIN)/python scripts/fill_block.py README.md table $(VENV)/demo.md && echo "README.md: table written"
	@$(WITH_ENGINE)emulab run healthd $(DEMO_BOARDS:%=--board %) --count --deterministic -o markdown=$(VENV)/counts.md
	@$(BIN)/python scripts/fill_block.py README.md counts $(VENV)/counts.md && echo "README.md: counts written"
	@$(BIN)/emulab predict healthd --markdown > $(VENV)/predictions.md
	@$(BIN)/python scripts/fill_block.py README.md predictions $(VENV)/predictions.md && \
		echo "README.md: predictions written"

models: $(RUNTIME) ## Fit the models that ship to the samples, again.
	@$(BIN)/emulab calibrate fit --output calibration/models

docs-calibration: $(RUNTIME) ## Write the tables of docs/calibration.md from the samples.
	@$(BIN)/emulab calibrate article --markdown > $(VENV)/table.md && \
		$(BIN)/python scripts/fill_block.py docs/calibration.md article $(VENV)/table.md
	@for block in boards flags clocks operations; do \
		option=$$([ $$block = boards ] || echo --$$block); \
		$(BIN)/emulab calibrate show $$option --markdown > $(VENV)/table.md && \
		$(BIN)/python scripts/fill_block.py docs/calibration.md $$block $(VENV)/table.md || exit; done
	@$(BIN)/emulab calibrate evaluate --markdown > $(VENV)/table.md && \
		$(BIN)/python scripts/fill_block.py docs/calibration.md errors $(VENV)/table.md
	@$(BIN)/emulab calibrate rated --markdown > $(VENV)/table.md && \
		$(BIN)/python scripts/fill_block.py docs/calibration.md rated $(VENV)/table.md

clean: ## Remove .venv and what dead runs left; `emulab clean --cache` removes the rest.
	@[ ! -x $(BIN)/emulab ] || $(BIN)/emulab clean
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(RUNTIME):
	@scripts/make-venv "$(PYTHON)" "$(VENV)"
	@echo "installing emulab into $(VENV)"
	@$(BIN)/python -m pip install --quiet --editable .
	@rm -f $(VENV)/.runtime-* && touch $@

$(DEVELOPMENT): $(RUNTIME)
	@echo "installing the development tools into $(VENV)"
	@$(BIN)/python scripts/dependency_group.py dev >$(VENV)/development.txt
	@$(BIN)/python -m pip install --quiet --requirement $(VENV)/development.txt
	@rm -f $(VENV)/.development-* && touch $@
