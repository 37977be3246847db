# `make help` says what there is. Everything runs in .venv, which `make setup` makes.
SHELL := /bin/sh
PORT ?= 8000
DEMO ?= 1
JSON ?= bench.json
MINUTES ?= 10
ONLY ?=
PY := .venv/bin/python

.PHONY: help setup run test lint format bench soak simulate verify catalogue migration lock clean

help: ## show this text
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready ## make .venv and install what `make run` needs

.venv/.ready: pyproject.toml requirements.lock deploy/setup.sh deploy/front_end.py shared/ui/package-lock.json
	@sh deploy/setup.sh

.venv/.ready-dev: .venv/.ready
	@sh deploy/setup.sh dev

run: export MPP_PORT := $(PORT)
run: .venv/.ready ## serve everything on http://127.0.0.1:$(PORT); DEMO=0 starts empty, PORT=9000 elsewhere
	@exec $(PY) -m services serve $(if $(filter-out 0,$(DEMO)),--demo,)

test: .venv/.ready-dev ## run every test, in parallel
	@$(PY) -m pytest -n auto --dist loadgroup

lint: .venv/.ready-dev ## ruff (style and format) and mypy (types)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: .venv/.ready-dev ## let ruff put the code in form
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: .venv/.ready-dev ## measure speed on PostgreSQL and Kafka against ceilings of the same run; JSON=FILE
	@$(PY) -m tests.bench --json $(JSON) $(if $(ONLY),--only $(ONLY),)

soak: .venv/.ready-dev ## break everything at random under load, and prove that nothing is lost: MINUTES=10
	@$(PY) -m tests.servers.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED),)

simulate: .venv/.ready ## play an edition of 1,000 leagues and prove its boards (report.json)
	@$(PY) -m services simulate --leagues 1000 --players 20000 --completions 300000 --report report.json

verify: .venv/.ready ## compare the boards with the completions they come from
	@$(PY) -m services verify

catalogue: .venv/.ready ## check the catalogue's files
	@$(PY) -m services.challenges load-catalogue --check

migration: .venv/.ready-dev ## write a migration: SERVICE=leagues NUMBER=0002 TEXT="add proofs"
	@$(PY) deploy/migration.py $(SERVICE) $(NUMBER) "$(TEXT)"

lock: .venv/.ready-dev ## choose the newest versions that fit together and write requirements.lock
	@.venv/bin/uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate --upgrade -o requirements.lock

clean: ## remove .venv, the caches and the data of the demo
	@rm -rf .venv data .mypy_cache .ruff_cache *.egg-info
