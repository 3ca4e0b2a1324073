# Every target is one line that also works without make; the README lists them.
.DEFAULT_GOAL := help
.PHONY: help report test lab notebooks messages
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
VENV_PYTHON := .venv/Scripts/python
else
VENV_PYTHON := .venv/bin/python
endif
INSTALLED := .venv/installed
PIP_INSTALL := $(VENV_PYTHON) -m pip --disable-pip-version-check install --no-compile

help:
	@echo "make report      set up .venv, run every notebook, write reports/index.html"
	@echo "make test        set up .venv, run every test and compare every notebook output"
	@echo "make lab         open notebooks/ in JupyterLab"
	@echo "make notebooks   run every notebook and store its outputs in notebooks/"
	@echo "make messages    bring the translations up to the notebooks and the library"

report test lab notebooks messages: $(INSTALLED)
	$(VENV_PYTHON) -m analysis $@

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('Python 3.11 or newer is needed; $(PYTHON) is ' + sys.version.split()[0] + '. Try: make PYTHON=python3.11')"
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@$(VENV_PYTHON) -c "import pathlib; pathlib.Path('$(INSTALLED)').touch()"
