# What people type here. `make` alone lists it.
#
# Choices, each as NAME=value after the target:
#   PYTHON       the Python 3.11 or newer to set up with; found by itself when left out
#   PORT, BATCH_PORT  where `make run` listens (8080 and 8081)
#   BENCH_ARGS   what `make bench` runs and how, e.g. BENCH_ARGS="receive deliver --json"
#   PYTEST_ARGS  what `make test` hands to pytest, e.g. PYTEST_ARGS="-k stripe -x"
#   FAST_ARGS    what `make test-fast` hands to pytest too, e.g. FAST_ARGS="-k stripe"
#   EMULATED_ARGS  what `make emulated` hands to pytest, e.g. EMULATED_ARGS="-k roles -x"
#   DEPLOY_ARGS  what `make deploy` hands to `sam deploy`, e.g. DEPLOY_ARGS="--guided --region eu-west-3"
#   MUTATION_ARGS  which mutations `make mutation-tests` tries and how, e.g. MUTATION_ARGS="unticked-box --json"
#   NAME         the source that `make new-source`, `make new-vendor` and `make remove-source` work on, e.g. NAME=klaviyo
#   LOCK_ARGS    what `make lock` hands to uv: LOCK_ARGS=--upgrade takes newer versions

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTEST_ARGS ?= -n 2 --dist loadfile
FUZZ_SECONDS ?= 600

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export SAM_CLI_TELEMETRY := 0

# macOS has a make of 2006, which cannot keep the output of two targets apart.
OUTPUT_SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

BIN := .venv/bin
SAM := .venv-sam/bin/sam
HERE := .aws-sam/here/.aws-sam

# The lock files name every package, so pip has nothing to resolve; a hash that differs stops it. What is never
# imported is never compiled: that is most of it, and half of the time.
PIP_INSTALL := -m pip install -qq --no-deps --require-hashes --no-compile
PIP_INSTALL_EDITABLE := -m pip install -qq --no-deps --no-build-isolation --no-index --editable .

# $(call environment,FOLDER,PYTHON,REQUIREMENTS,WHAT): make a virtual environment, or add to it, and say what is wrong.
define environment
	[ -n "$(2)" ] || { echo "$(NO_PYTHON)" >&2; exit 1; }; \
	echo "Installing $(4) into $(1): once, under a minute."; \
	$(1)/bin/python -c '' 2>/dev/null || "$(2)" -m venv --clear $(1) || { echo "$(NO_VENV)" >&2; exit 1; }; \
	$(1)/bin/python $(PIP_INSTALL) -r $(3) || { echo "$(NO_PACKAGES)" >&2; exit 1; }
endef

# A pyenv shim is on the PATH even where it cannot run, so each candidate has to prove itself.
PYTHON ?= $(shell for python in python3 python3.13 python3.14 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
PYTHON313 ?= $(shell for python in python3.13 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13*/bin/python3.13 \
	"$$HOME"/.local/share/uv/python/cpython-3.13*/bin/python3.13 \
	/opt/homebrew/opt/python@3.13/bin/python3.13 /usr/local/opt/python@3.13/bin/python3.13; do \
	"$$python" -c 'import sys, pip; print(sys.executable)' 2>/dev/null && break; done)

NO_PYTHON = batch-bridge needs Python 3.11 or newer, and python3 here is $$(python3 --version 2>&1). \
	Install one, or name it: make PYTHON=/path/to/python3.13
NO_VENV = $(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv
NO_PACKAGES = pip could not install what $< lists. Look at its message above: is there a network, or a proxy to set?
NO_PYTHON313 = No Python 3.13 that runs and has pip: AWS SAM needs the version that Lambda has. \
	Install one (pyenv install 3.13, uv python install 3.13, brew install python@3.13), or name it: \
	make PYTHON313=/path/to/python3.13

DEPLOYED := $(shell find template.yaml functions layers -type f -not -path '*/__pycache__/*' 2>/dev/null)


##@ Use it

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: .venv/.run ## Start everything locally: the endpoint on PORT, the Batch sandbox on BATCH_PORT, no AWS account needed
	@$(BIN)/python -m local

sandbox: .venv/.run ## Start the Batch sandbox alone, on BATCH_PORT
	@$(BIN)/python -m local.sandbox

setup: .venv/.ready ## Make .venv with everything that development needs


##@ Check it

check: ## Everything that has to hold: format, lint, types, template, links, tests
	@$(MAKE) --jobs=2 $(OUTPUT_SYNC) lint types template checkov audit docs-site
	@$(MAKE) test

test: setup browser artifact ## Install what the tests need, then run them all
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: setup ## The tests of core, sources and architecture that are quick, in about a minute or two: for every change
	@$(BIN)/python -m pytest -q -m "not slow" -n 2 tests/core tests/sources tests/test_architecture.py $(FAST_ARGS)

lint: setup ## Check the format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: setup ## Format the code and mend what the linter can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: setup ## Check the types
	$(BIN)/mypy

template: .venv-sam/.ready ## Lint template.yaml, without an AWS account
	AWS_DEFAULT_REGION=eu-west-1 $(SAM) validate --lint

checkov: setup .venv-checks/.ready ## Hold template.yaml, and what SAM makes of it, against checkov's rules for AWS
	@mkdir -p .local
	@AWS_DEFAULT_REGION=eu-west-1 $(BIN)/python -m tools.translated > .local/translated.json
	.venv-checks/bin/checkov --config-file .checkov.yaml --file template.yaml .local/translated.json

audit: setup ## Look for known vulnerabilities of the pinned packages, where the service that knows them answers
	@$(BIN)/python -m tools.audit

fuzz: .venv-fuzz/.ready ## Throw what nobody expects at the receivers, the mappings and Batch's client, for FUZZ_SECONDS in all
	@.venv-fuzz/bin/python -m tests.fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

emulated: .venv-emulated/.ready ## Deploy the template to a second emulator, with IAM enforced, and send every sample through
	@.venv-emulated/bin/python -m pytest --emulator ministack tests/emulated \
		tests/core/test_ledger.py tests/core/test_queue.py $(EMULATED_ARGS)

mutation-tests: setup ## Break each promise on purpose, in a copy, and see whether a test notices: about half an hour
	@$(BIN)/python -m tools.mutation.run $(MUTATION_ARGS)

sabotage: mutation-tests

bench: setup artifact ## Run the benchmarks, each as a ratio to a baseline measured in the same run
	@$(BIN)/python -m bench $(BENCH_ARGS)


##@ Deploy it

build: .aws-sam/build/template.yaml ## Build what is deployed, without Docker (needs Python 3.13)

deploy: setup build ## Deploy to the AWS account that your credentials name, in AWS_REGION
	@$(BIN)/python -m tools.release .aws-sam/build/template.yaml
	@$(BIN)/python -m tools.deploy $(DEPLOY_ARGS)


##@ Keep it

new-source: setup ## Start the source NAME: its room, its examples, its tests, its pages, its block of the template
	@$(BIN)/python -m tools.new_source "$(NAME)"

new-vendor: setup ## Start the form vendor NAME: its module, its examples, its tests, its page
	@$(BIN)/python -m tools.new_vendor "$(NAME)"

remove-source: setup ## Take the source NAME out again, and list the lines that still name it
	@$(BIN)/python -m tools.remove_source "$(NAME)"

docs: setup ## Write the tables of what arrives, and of mutation tests, into the pages
	@$(BIN)/python -m tools.tables
	@$(BIN)/python -m tools.mutation.page

docs-site: .venv-docs/.ready ## Build the documentation as a site, into site/, with strict links
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs --quiet build --strict

lock: setup ## Pin the requirements again (LOCK_ARGS=--upgrade takes newer versions)
	$(LOCK) requirements/dev.in --output-file requirements/dev.txt
	$(LOCK) --constraints requirements/dev.txt $(UNUSED:%=--no-emit-package %) \
		requirements/run.in --output-file requirements/run.txt
	for name in lambda fuzz; do \
		$(LOCK) --constraints requirements/dev.txt requirements/$$name.in --output-file requirements/$$name.txt; done
	$(LOCK) --constraints requirements/dev.txt $(RUNTIME_BRINGS:%=--no-emit-package %) \
		layers/core/requirements.in --output-file layers/core/requirements.txt
	for name in sam checks docs emulated; do \
		$(LOCK) requirements/$$name.in --output-file requirements/$$name.txt; done

clean: ## Remove everything that make has made
	rm -rf .venv .venv-sam .venv-checks .venv-docs .venv-fuzz .venv-emulated .venv-lambda .aws-sam .local site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help run sandbox setup check test test-fast lint format types template checkov audit fuzz emulated mutation-tests sabotage bench build deploy new-source new-vendor remove-source docs docs-site lock clean browser artifact print-python313


# One lock for every platform and every Python from 3.11 on; neither an index nor a path is written down.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-header --no-annotate $(LOCK_ARGS)

# moto lints templates with these only where it is asked to validate one. They are a third of what runs.
UNUSED = cfn-lint mpmath networkx regex sympy

# aws-xray-sdk asks for botocore, and that for the others. A second botocore in the layer would hide the runtime's own.
RUNTIME_BRINGS = botocore python-dateutil six urllib3

# Two steps: `make run` needs the first alone.
.venv/.run: requirements/run.txt pyproject.toml
	@$(call environment,.venv,$(PYTHON),$<,what runs)
	@$(BIN)/python $(PIP_INSTALL_EDITABLE)
	@touch $@

.venv/.ready: requirements/dev.txt .venv/.run
	@$(call environment,.venv,$(PYTHON),$<,what checks)
	@touch $@

# Each of these has an environment of its own, as its pins and ours need not agree.
.venv-%/.ready: requirements/%.txt
	@$(call environment,.venv-$*,$(PYTHON),$<,$*)
	@$(if $(filter fuzz emulated,$*),.venv-$*/bin/python $(PIP_INSTALL_EDITABLE))
	@touch $@

.venv-fuzz/.ready .venv-emulated/.ready: pyproject.toml

# Python 3.13 with what the Lambda runtime brings: the artifact's tests run the functions in it.
.venv-lambda/.ready: PYTHON = $(PYTHON313)
.venv-lambda/.ready: NO_PYTHON = $(NO_PYTHON313)

SAM_BUILD = PATH="$(dir $(PYTHON313)):$$PATH" AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-eu-west-1} \
	"$(CURDIR)/$(SAM)" build --cached --parallel

# Byte code for the functions too, as layers/core/Makefile has it for the layer: Lambda cannot keep any.
COMPILE = "$(PYTHON313)" -m compileall -q --invalidation-mode unchecked-hash

.aws-sam/build/template.yaml: .venv-sam/.ready $(DEPLOYED)
	@[ -n "$(PYTHON313)" ] || { echo "$(NO_PYTHON313)" >&2; exit 1; }
	$(SAM_BUILD)
	@$(COMPILE) .aws-sam/build/*Function
	@touch $@

# The same build with wheels for this machine's processor, which may not be Lambda's, so that it can be run here.
# It has folders of its own: SAM's cache does not know of the processor, and would mix the two kinds of wheels.
$(HERE)/build/template.yaml: .venv-sam/.ready $(DEPLOYED)
	LAYER_PROCESSOR="$$(uname -m)" $(SAM_BUILD) --build-dir $(HERE)/build --cache-dir $(HERE)/cache
	@$(COMPILE) $(HERE)/build/*Function
	@touch $@

artifact:
ifneq ($(shell uname -s),Linux)
	@echo "Not Linux: the tests of the built artifact will be skipped."
else
	@if [ -z "$(PYTHON313)" ]; then \
		echo "$(NO_PYTHON313)"; echo "The tests of the built artifact will be skipped."; \
	else $(MAKE) PYTHON313="$(PYTHON313)" .venv-lambda/.ready .aws-sam/build/template.yaml $(HERE)/build/template.yaml; fi
endif

browser:
	@if command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing Chromium for the tests of the page."; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
			-o DPkg::Lock::Timeout=300 chromium >/dev/null; \
	else echo "No Chromium on the PATH: the tests of the page will be skipped."; fi

print-python313:
	@echo "$(PYTHON313)"
