PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
READY := .venv/ready
# A set PYTHONDONTWRITEBYTECODE would make every process of the tests compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
# The tests' files are in memory if that has 8 GB to spare: on a disk they take half as long again.
MEMORY := $(shell awk '/^MemAvailable/ {exit $$2 < 8e6}' /proc/meminfo 2>/dev/null && \
	awk '$$2 == "/dev/shm" && !/noexec/ {f = 1} END {exit !f}' /proc/mounts && \
	df -Pk /dev/shm | awk 'NR == 2 && $$4 > 8e6 {print "/dev/shm"}')

test test-all test-latest test-oldest: export TMPDIR := $(or $(TMPDIR),$(MEMORY),/tmp)

.PHONY: demo test test-all test-latest test-oldest check format lock release bench bench-guard bench-readme
demo: $(READY)  ## see a service used; BACKEND=rq|celery|outbox: its worker killed; OUTAGE=1 too: its broker halted
	.venv/bin/python demo.py "$(BACKEND)" "$(OUTAGE)"

test: check  ## all checks and tests, and every combination through its stages
	.venv/bin/python -m pytest -n 3 --dist loadgroup
	.venv/bin/fastapi-tasks matrix test --jobs 2 $(AGAIN)

test-all: check  ## the same, with 500 cases of edits and the own tests of every combination: an hour
	WHOLE_MATRIX=1 HYPOTHESIS_PROFILE=thorough .venv/bin/python -m pytest -n 3 --dist loadgroup
	.venv/bin/fastapi-tasks matrix test --jobs 2 --all-tests --again

test-latest test-oldest: $(READY)  ## the combinations, on the newest or the oldest versions allowed
	.venv/bin/fastapi-tasks matrix test --jobs 2 --lane $(@:test-%=%)

check: $(READY)
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy

format: $(READY)
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

bench: $(READY)  ## measure our services beside their peers; ONLY=outbox,enqueue,… ROUNDS=3
	.venv/bin/python -m benchmarks --only "$(ONLY)" --rounds $(or $(ROUNDS),3)

bench-guard: $(READY)  ## check what was measured last against generous bounds
	.venv/bin/python -m benchmarks --only "$(ONLY)" --guard

bench-readme: $(READY)  ## have the README quote what was measured last
	.venv/bin/python -m benchmarks.readme

release: AGAIN := --again
release: test  ## cut a release: make release VERSION=0.2.0
	.venv/bin/python release.py "$(VERSION)"

lock: $(READY)  ## take newer versions of what development needs
	.venv/bin/uv pip compile --quiet --universal --upgrade --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --python-version 3.11 --group dev pyproject.toml -o requirements-dev.txt
	.venv/bin/python -m generator.matrix.lock | .venv/bin/uv pip compile --quiet --universal --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
		- -o requirements-matrix.txt

$(READY): pyproject.toml requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Error: no Python 3.11 or newer is on PATH: install one."; exit 1; }
	$(PYTHON) -m venv .venv || { echo "Error: Python has no venv: on Debian, apt-get install python3-venv."; exit 1; }
	PIP_USER=0 .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.13.8,<1"
	.venv/bin/uv pip sync --quiet --python .venv/bin/python --compile-bytecode requirements-dev.txt
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable .
	@touch $@
