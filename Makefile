# The front door. `make demo` and `make test` are all that a newcomer needs.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3 /usr/bin/python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' \
	>/dev/null 2>&1 && { command -v $$p; break; }; done)
BIN := .venv/bin
WORKERS ?= $(shell echo $$(( $$(nproc) * 2 ))) # tests wait for programs: twice as many workers as cores
STAMP := .venv/.stamp
# Without it each program that a test starts would compile all of Unlost again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo demo-storage demo-servicenow test full coverage check referees browser proxies saml services radosgw spark mutants bench deep docs messages lock clean

ON_POSTGRES := $(addprefix tests/unit/app/test_,nights.py queued_restores.py control.py)

setup: $(STAMP)

$(STAMP): requirements/bootstrap.txt requirements/dev.txt pyproject.toml simulators/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Unlost needs Python 3.12 or newer with venv (Debian: apt install python3 python3-venv); name it with make PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/bootstrap.txt requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . -e simulators
	@$(BIN)/python -m compileall -q src simulators/src
	@touch $(STAMP)

demo: setup
	@$(BIN)/python demo/story.py

demo-servicenow: setup
	@$(BIN)/python demo/servicenow.py

demo-storage: setup
	@$(BIN)/python demo/storage.py

# With more workers than cores, several threads of Polars in each only wait for each other.
test full deep: export POLARS_MAX_THREADS := 1
test full deep services browser: export OPENBLAS_NUM_THREADS := 1

test: setup
	@tests/in_memory.sh $(BIN)/pytest -n $(WORKERS) --dist worksteal -q

full: setup
	@tests/in_memory.sh $(BIN)/pytest -m "(full or security) and not deep" -n $(WORKERS) --dist worksteal -q

coverage: setup
	@.ci/coverage

check: setup
	@.ci/check

referees: setup
	@tests/referees/run.sh

browser: setup
	@tests/browser/run.sh

proxies: setup
	@tests/proxies/run.sh

saml: setup
	@tests/saml/run.sh

services: setup
	@tests/services/install.sh
	@$(BIN)/pytest -m services -q tests/services
	@$(BIN)/pytest --postgres -n auto --dist worksteal -q $(ON_POSTGRES)

radosgw: setup
	@tests/services/radosgw.sh

spark: setup
	@tests/spark/run.sh

mutants: setup
	@tests/in_memory.sh tests/mutants/run.sh

bench: setup
	@benchmarks/run.sh

deep: setup
	@HYPOTHESIS_PROFILE=deep tests/in_memory.sh $(BIN)/pytest -m "not services and not referee and not browser and not proxies and not radosgw and not spark" -n auto -q --timeout 3600
	@$(BIN)/pytest --postgres -n auto -q tests/unit/app tests/unit/cli
	@tests/spark/run.sh
	@UNLOST_WHOLE=1 tests/browser/run.sh

docs: setup
	@$(BIN)/zensical build --strict

messages: setup
	@PYTHONPATH=tests $(BIN)/python tests/house/catalogs.py $(LANGUAGE)

lock: setup
	@UV=$(CURDIR)/$(BIN)/uv requirements/lock.sh

clean:
	rm -rf .venv .referees .browser .saml .spark .mutants .bench .services site demo-home
