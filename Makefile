# `make` alone lists the targets. Everything happens in .venv, its neighbours and _build; nothing else on the machine is
# touched, except that `make test` may install Chromium from Debian or Ubuntu.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help book contents test check travel lab notebooks refresh student nbgrader chapter readme checkpoints bench clean browser pdf release release-check key slides

VENV := .venv
BIN := $(VENV)/bin
NOTEBOOKS := $(sort $(wildcard notebooks/*/*.ipynb))

# The first Python on this machine that is new enough; `make book PYTHON=/path/to/python` overrides it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

# One thread each: processes side by side are faster than threads that wait for each other.
export OMP_NUM_THREADS := 1
# The kernel called python3 must be the one in .venv, whatever else this user has installed.
export JUPYTER_PREFER_ENV_PATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# What `make test` and `make travel` prove: all chapters, or one; notebooks that were proved here before again, or not.
SUITE := $(BIN)/python tests/suite.py
# The other forms of the book are written by programs that read its outline.
EDITION := PYTHONPATH=book/_ext $(BIN)/python book/editions/
CHOSEN := $(if $(CHAPTER),--chapter "$(CHAPTER)") $(if $(FRESH),--fresh)

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

book: $(VENV)/.installed-book contents ## build the web book from the committed, executed notebooks
	@rm -rf _build/html/notebooks _build/html/book # pages of an earlier time
	$(BIN)/jupyter-book build . --all -W -n --keep-going -q
	@echo
	@echo "The book is built. Open  $$($(BIN)/python -c 'from pathlib import Path; print(Path("_build/html/index.html").resolve().as_uri())')"

test: $(VENV)/.installed-test browser $(if $(CHAPTER),,.venv-colab/.installed book) ## prove everything (CHAPTER=part/chapter: that; FRESH=1: notebooks again)
	$(SUITE) test $(CHOSEN)

check: $(VENV)/.installed-test ## prove in under two minutes what a change touches (since the main branch; CHANGED_SINCE=commit)
	$(SUITE) check $(if $(CHANGED_SINCE),--since $(CHANGED_SINCE))

travel: $(VENV)/.installed-test .venv-lowest/.installed ## prove every notebook as on other machines, and note it for the ledger
	$(SUITE) travel $(CHOSEN)

lab: $(VENV)/.installed-test ## open JupyterLab on the chapters
	$(BIN)/jupyter lab notebooks

notebooks: $(VENV)/.installed-test ## run every notebook again and save it (make notebooks NOTEBOOKS=... for one)
	INTERPBOOK_RENDER=page $(BIN)/jupyter nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.kernel_name=python3 --ExecutePreprocessor.timeout=600 \
		--ExecutePreprocessor.record_timing=False $(NOTEBOOKS)
	@# Lines that were printed one after another are one output, however they happened to arrive.
	$(BIN)/jupyter nbconvert --to notebook --inplace --coalesce-streams --log-level=WARN $(NOTEBOOKS)
	$(BIN)/python -m interpbook.page.executed $(NOTEBOOKS)

refresh: $(VENV)/.installed-book ## write the present scripts and styles of figures into the stored outputs, without running them
	$(BIN)/python -m interpbook.page.refresh $(NOTEBOOKS)

student: $(VENV)/.installed-test ## write the lessons without their solutions, to hand out, into _build/student
	@$(EDITION)student.py

nbgrader: $(VENV)/.installed-test ## write the exercises of a chapter as an assignment for nbgrader (CHAPTER=attribution/fullgrad)
	@$(EDITION)nbgrader_source.py "$(or $(CHAPTER),attribution/fullgrad)"

pdf: $(VENV)/.installed-test browser book ## print the whole book with Chromium into _build/interpbook.pdf
	@$(EDITION)paper.py --browser "$$($(BIN)/python tests/browser.py)"

key: $(VENV)/.installed-test ## write what a lecturer marks by, tasks with their answers, into _build/key
	@$(EDITION)key.py

slides: $(VENV)/.installed-book ## make a deck of slides for each lesson, its figures alive, into _build/slides
	@$(EDITION)slides.py

chapter: $(VENV)/.installed-test ## lay a new chapter from the template, and run its notebooks (NAME=part/chapter)
	@$(BIN)/python book/_ext/lay.py "$(NAME)"
	@$(MAKE) --no-print-directory notebooks NOTEBOOKS="notebooks/$(NAME).ipynb notebooks/$(NAME)_evidence.ipynb"

readme: $(VENV)/.installed-book ## write the list of finished chapters into the README
	$(BIN)/python book/_ext/contents.py readme

checkpoints: $(VENV)/.installed-test ## train the small networks again from their recipes (NAMES="one two": only these)
	$(BIN)/python -m interpbook.models.retrain $(NAMES)

bench: $(VENV)/.installed-bench ## compare speed, memory and values with other libraries, in one run
	@for script in $(filter-out benchmarks/versions.py,$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

release: $(VENV)/.installed-test ## write a version into package, pages, CHANGELOG and citation (VERSION=X.Y.Z; X.Y.Z.dev0 after it)
	@$(BIN)/python book/_ext/release.py release "$(VERSION)"

release-check: $(VENV)/.installed-test browser book ## prove what a release needs besides `make test`, or say what is missing
	@PYTHONPATH=book/_ext $(BIN)/python tests/release_check.py

clean: ## remove the built book and all proofs; the environments stay (remove them with rm -r .venv .venv-*)
	rm -rf _build dist _toc.yml book/api book/teaching/*/

# --- what the targets stand on ---

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "interpbook needs Python 3.11 or newer, and none was found. Name one: make PYTHON=/path/to/python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "interpbook needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	@echo "Installing interpbook[$*] into $(VENV): a few minutes the first time, most of it PyTorch."
	@$(BIN)/python -m pip install -qq --retries 2 --timeout 15 -e ".[$*]" || { \
		echo "The installation failed. It needs a network once, and again when pyproject.toml has changed; without one,"; \
		echo "\`touch $@\` keeps the environment as it is."; exit 1; }
	@touch $@
	@case $* in bench) touch $(VENV)/.installed-test $(VENV)/.installed-book;; test) touch $(VENV)/.installed-book;; esac

# The table of contents and the pages of the reference: made from the notebooks' front matter, ignored by git.
contents: $(VENV)/.installed-book
	@$(BIN)/python book/_ext/contents.py book

browser: $(VENV)/.installed-test
	@$(BIN)/python tests/browser.py >/dev/null 2>&1 || .ci/browser

# An environment with Google Colab's versions of everything that Jupyter consists of; see tests/colab.
.venv-colab/.installed: tests/colab/environment.py tests/colab/requirements.txt $(VENV)/.installed-test
	$(BIN)/python tests/colab/environment.py .venv-colab
	@touch $@

# An environment with the oldest versions that pyproject.toml allows; see tests/travel.
.venv-lowest/.installed: tests/travel/environment.py $(VENV)/.installed-test
	@echo "Installing the lowest supported versions into .venv-lowest: a few minutes, most of it PyTorch."
	$(BIN)/python tests/travel/environment.py .venv-lowest
	@touch $@
