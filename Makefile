# up · test · check · lint · chaos · bench · lock · clean: each one line that calls a tool. Set-up happens by itself.
PYTHON ?= python3.11
MODELS ?= digits sentiment
SUDO ?= $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: up test check lint chaos bench lock clean

up: .venv/up
	@exec .venv/bin/kmaas up $(MODELS)

test: .venv/dev .venv/clients/ready .venv/clients/node/ready .venv/system
	.venv/bin/python -m pytest $(ARGS)

# The linters run while the environments of the clients are set up; then the tests, on two workers: tests/conftest.py
# says which of them stay together.
check:
	@$(MAKE) --no-print-directory --jobs --output-sync lint .venv/clients/ready .venv/clients/node/ready .venv/system
	@$(MAKE) --no-print-directory test ARGS="-n 2 --dist loadfile --no-loadscope-reorder"

lint: .venv/dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# Ten minutes in which everything breaks: docs/chaos.md.
chaos: .venv/dev .venv/system
	.venv/bin/python -m pytest tests/chaos -m chaos --session-timeout 900 $(ARGS)

# A peer that cannot be had is reported as missing. Those in PyTorch take 6 GB, and are made for the parts that ask them.
bench: .venv/dev .venv/system
	-@$(MAKE) --no-print-directory .venv/peers/ready $(if $(filter embeddings conversations,$(ARGS)),.venv/torch-peers/ready) $(if $(filter speech,$(ARGS)),.venv/whisper-peers/ready)
	.venv/bin/python -m bench.run $(ARGS)

# Pins what pyproject.toml asks for. The smaller sets are cut from the largest, so that one version serves everywhere.
COMPILE = .venv/bin/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe --strip-extras --no-header pyproject.toml
lock: .venv/dev
	$(COMPILE) --extra gateway --extra heic --extra serve --extra train --extra dev -o requirements/dev.lock
	$(COMPILE) --extra gateway --extra serve --extra train -c requirements/dev.lock -o requirements/up.lock
	$(COMPILE) --extra gateway -c requirements/dev.lock -o requirements/gateway.lock
	$(COMPILE) --extra peers -o requirements/peers.lock
	$(COMPILE) --extra torch-peers -o requirements/torch-peers.lock
	$(COMPILE) --extra whisper-peers -o requirements/whisper-peers.lock
	$(COMPILE) --extra clients -o requirements/clients.lock
	cd tests/clients && npm install --package-lock-only

clean:
	rm -rf .venv var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/pip:
	$(PYTHON) -m venv .venv

# pip would compile what it installs on one core.
INSTALL = .venv/bin/pip install --disable-pip-version-check --no-compile --require-hashes -r
BYTECODE = .venv/bin/python -m compileall -qq -j 0 -x /tests/ .venv/lib
EDITABLE = .venv/bin/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .

.venv/up: requirements/up.lock pyproject.toml | .venv/bin/pip
	$(INSTALL) requirements/up.lock
	-$(BYTECODE)
	$(EDITABLE)
	@touch $@

.venv/dev: requirements/dev.lock pyproject.toml | .venv/bin/pip
	$(INSTALL) requirements/dev.lock
	-$(BYTECODE)
	$(EDITABLE)
	@touch $@ .venv/up

# The lock is whole; of its packages some ask for others with extras, which pip's resolver would not find in it.
.venv/peers/ready .venv/torch-peers/ready .venv/whisper-peers/ready: .venv/%/ready: requirements/%.lock | .venv/bin/pip
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

.venv/clients/ready: requirements/clients.lock | .venv/bin/pip
	$(PYTHON) -m venv .venv/clients
	.venv/clients/bin/pip install --disable-pip-version-check --require-hashes -r requirements/clients.lock
	@touch $@

# JavaScript clients, and the schemas of Hugging Face's tasks.
.venv/clients/node/ready: tests/clients/package.json tests/clients/package-lock.json | .venv/bin/pip
	@for tool in node npm; do command -v $$tool >/dev/null || { echo "$$tool is not installed; the tests drive JavaScript clients with Node.js 18 or newer and npm" >&2; exit 1; }; done
	mkdir -p $(@D)
	cp tests/clients/package.json tests/clients/package-lock.json tests/clients/.npmrc $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# What tests and benchmarks drive and no Python package brings: a browser, the compose file's own validator, h2load, and
# a clock that jumps.
SYSTEM = chromium docker-compose nghttp2-client faketime
.venv/system: Makefile | .venv/bin/pip
	dpkg --status $(SYSTEM) >/dev/null 2>&1 || { $(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends $(SYSTEM); }
	@touch $@
