# The words of this project: make run, test, test-all, check, lint, bench, bench-long, worker.
# A fresh machine needs make, git and Python 3.11 or 3.12 with its venv module, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := run

# Left by hand: PYTHON=/path/to/python, TEST_PROCESSES=4, ARGS="-k leaderboard".
PYTHON ?= $(shell for name in python3.12 python3.11 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; \
	done)
# One more than the cores of CI: many tests wait for browsers, clocks and other processes.
TEST_PROCESSES ?= 3
BIN := .venv/bin
# All of .venv and kaggle-environments over it, for what compares with it: the site runs without.
KAGGLE_BIN := .kaggle-venv/bin
# In the order of the folders: xdist's own leaves the few long tests of a module for the end.
PYTEST = -m pytest -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder

# A stamp is named after its requirements, so that a changed list installs again and no other does.
hash = $(shell cat $(1) 2>/dev/null | sha256sum | cut -c1-16)
RUN_STAMP := .venv/.installed-run-$(call hash,requirements.txt)
DEV_STAMP := .venv/.installed-dev-$(call hash,requirements.txt requirements-dev.txt)
AGENT_STAMP := .agent-venv/.installed-$(call hash,evaluation/packages/numpy.toml)
KAGGLE_STAMP := .kaggle-venv/.installed-$(call hash,requirements-kaggle-environments.txt)
BENCH_STAMP := .kaggle-venv/.installed-bench-$(call hash,requirements-bench.txt)

# A virtual environment whose Python has gone (a system upgrade) is made anew.
$(foreach venv,.venv .agent-venv .kaggle-venv,$(if $(wildcard $(venv)),\
	$(if $(shell $(venv)/bin/python -c 'print(1)' 2>/dev/null),,$(shell rm -rf $(venv)))))

.PHONY: run test test-all check lint bench bench-long worker

run: $(RUN_STAMP) $(AGENT_STAMP)
	@exec $(BIN)/python -m league.run

# The worker sees these and no others: no database, no secret key.
WORKER_SEES := PATH HOME LANG LC_ALL TZ TMPDIR LD_LIBRARY_PATH DATA_DIR EVALUATION_CONCURRENCY \
	SANDBOX_MINIMUM URL_AGENT_ALLOW_PRIVATE

worker: $(RUN_STAMP) $(AGENT_STAMP)
	@test -z "$$REDIS_URL_FILE" || REDIS_URL=$$(cat "$$REDIS_URL_FILE"); \
	exec env -i $(foreach name,$(WORKER_SEES),$(if $($(name)),$(name)="$$$(name)")) \
		REDIS_URL="$$REDIS_URL" WORKER_SLOT="$${WORKER_SLOT:-$$$$}" $(BIN)/python -m evaluation.worker

test: $(DEV_STAMP) $(AGENT_STAMP)
	@$(BIN)/python $(PYTEST) -m "not slow and not gpu" $(ARGS)

test-all: $(DEV_STAMP) $(AGENT_STAMP) $(KAGGLE_STAMP)
	@$(KAGGLE_BIN)/python $(PYTEST) -m "not gpu" $(ARGS)

lint: $(DEV_STAMP)
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports

check: lint $(AGENT_STAMP)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
		&& export DATA_DIR="$$folder" SITE_URL=https://league.example.org \
		&& $(BIN)/python manage.py makemigrations --check --dry-run \
		&& $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(MAKE) --no-print-directory test

bench: $(RUN_STAMP) $(AGENT_STAMP) $(BENCH_STAMP)
	@exec $(KAGGLE_BIN)/python -m benchmarks $(ARGS)

bench-long: $(RUN_STAMP) $(AGENT_STAMP)
	@test -n "$(NAME)" || { echo 'Say which one: make bench-long NAME=…'; exit 1; }
	@exec $(BIN)/python -m benchmarks --long "$(NAME)" $(ARGS)

define install # virtual environment, requirements file, options of pip
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or 3.12 is needed, and none was found on the PATH.'; exit 1; }
	@test -x $(1)/bin/python || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		echo "This Python cannot make virtual environments. Mend it with:"; \
		echo "    sudo apt-get install python$$version-venv"; exit 1; }
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	@echo "Installing $(2) into $(1) (once; it takes a minute or two) …"
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(3) -r $(2)
	@touch $@
endef

$(RUN_STAMP):
	@rm -f .venv/.installed-run-*
	$(call install,.venv,requirements.txt)

$(DEV_STAMP): $(RUN_STAMP)
	@rm -f .venv/.installed-dev-*
	$(call install,.venv,requirements-dev.txt)

# The default set of packages for agents (docs/packages.md), made by the engine as it makes the others.
$(AGENT_STAMP): | $(RUN_STAMP)
	@rm -rf .agent-venv
	@echo "Installing what agents may import into .agent-venv (once) …"
	@$(BIN)/python -m evaluation packages numpy >/dev/null
	@touch $@

# Made anew when .venv was: of the same Python, and with all that .venv holds.
$(KAGGLE_STAMP): $(RUN_STAMP)
	@rm -rf .kaggle-venv
	@$(BIN)/python -m venv .kaggle-venv
	@folder=$$($(KAGGLE_BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
		&& $(BIN)/python -c 'import site; print(*site.getsitepackages(), sep="\n")' \
		> "$$folder/venv.pth"
	$(call install,.kaggle-venv,requirements-kaggle-environments.txt,--no-deps)

$(BENCH_STAMP): $(KAGGLE_STAMP)
	@rm -f .kaggle-venv/.installed-bench-*
	$(call install,.kaggle-venv,requirements-bench.txt,--no-deps)
