# Everything a newcomer needs: `make demo` shows it working, `make test` proves it.
# Needs Python 3.11+, make and git; the rest comes from package registries.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup test unit lint demo demo-down bench lock generate kind-up

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements/dev.lock pyproject.toml
	@echo "==> .venv from requirements/dev.lock (hashes checked)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(STAMP) ## Make .venv (then .venv/bin/inferfleet works)

test: setup lint ## Lint, then every test, on a real Kubernetes control plane
	$(BIN)/python -m tests.controlplane
	$(BIN)/python -m pytest tests -n 3 --dist loadfile $(PYTEST_ARGS)

unit: setup ## Only the tests that need no control plane (seconds)
	$(BIN)/python -m pytest tests -m 'not controlplane' $(PYTEST_ARGS)

lint: setup ## ruff, mypy --strict, import layers, generated files current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/inferfleet crds --check crds
	$(BIN)/inferfleet crds --check charts/inferfleet/files/crds

generate: setup ## Rewrite the generated CRDs, also those inside the chart
	$(BIN)/inferfleet crds --write crds
	$(BIN)/inferfleet crds --write charts/inferfleet/files/crds

demo: setup ## Real control plane, simulated GPU nodes, the operator, the examples, and the story
	@$(BIN)/python -m tests.controlplane.demo $(DEMO_ARGS)

demo-down: ## Stop a demo and remove what it left
	@test ! -x $(BIN)/python || $(BIN)/python -m tests.controlplane.demo --down

bench: setup ## Accuracy of the models and writes of the operator, against their baselines
	$(BIN)/python -m benchmarks

kind-up: ## A kind cluster to test against instead (needs Docker and kind)
	kind create cluster --name inferfleet --kubeconfig .kind/kubeconfig
	@echo "now: INFERFLEET_TEST_KUBECONFIG=.kind/kubeconfig make test; afterwards: kind delete cluster --name inferfleet"

lock: ## Pin every dependency again, with hashes
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml -o requirements/runtime.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group dev pyproject.toml -o requirements/dev.lock
	echo 'hatchling==1.27.0' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header - -o requirements/build.lock
