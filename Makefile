# Every target works by itself on a machine with make and Python 3.11 or newer.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
LOCALE := kiosk/locale
# Whatever the machine says: a program whose modules are compiled at each start takes half as long again to be there.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-faults soak bench check messages pictures gallery lock

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

run: .venv/.installed ## the kiosk on a throwaway, seeded day
	$(PY) -m kiosk demo

test: .venv/.installed ## all tests; ARGS="-k badge" picks some
	$(PY) -m pytest -n 2 --dist worksteal $(ARGS)

test-faults: .venv/.installed ## what takes minutes: faults of the disk, every page, gap and signal over a pty, the fuzzer
	$(PY) -m pytest -n 2 --dist load --maxschedchunk 1 -m faults $(ARGS)

soak: .venv/.installed ## faults and damage of the disk, hours of the fuzzer; FAULTS=10000 FILES=100000 STATIONS=10000 EVENTS=1000000 SEED=7
	$(PY) -m tests.faults --faults $(or $(FAULTS),10000) $(if $(SEED),--seed $(SEED))
	$(PY) -m tests.faults.damaging --files $(or $(FILES),100000) $(if $(SEED),--seed $(SEED))
	$(PY) -m tests.faults.wholly --files $(or $(STATIONS),10000) $(if $(SEED),--seed $(SEED))
	$(PY) -m tests.forging --codes $(or $(CODES),1000000) $(if $(SEED),--seed $(SEED))
	$(PY) -m tests.fuzzing --events $(or $(EVENTS),1000000) $(if $(SEED),--seed $(SEED))
	$(PY) -m tests.memory --without-screens --visits $(or $(VISITS),10000)
	$(PY) -m tests.memory --visits $(or $(SCREEN_VISITS),300)

bench: .venv/.installed .venv-peers/.installed ## the kiosk beside its peers, some minutes; ARGS="keys scan", --quick or --full
	$(PY) -m benchmarks $(ARGS)

check: .venv/.installed ## style, types, and who imports whom
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --strict kiosk tests
	.venv/bin/lint-imports

messages: .venv/.installed ## collect the texts of kiosk/, update the catalogues, compile them
	mkdir -p $(LOCALE)
	$(PY) -m babel.messages.frontend -q extract -k _ -k ngettext:1,2 -k N_ -k pgettext:1c,2 \
		--project kiosk --version 0.1.0 --copyright-holder "the kiosk authors" \
		--no-location --sort-output --no-wrap -o $(LOCALE)/kiosk.pot kiosk
	@# a date that changes without a text having changed is only noise
	@$(PY) -c 'import pathlib, re; p = pathlib.Path("$(LOCALE)/kiosk.pot"); \
		p.write_text(re.sub(r"POT-Creation-Date: [^\\]*", "POT-Creation-Date: 2026-01-01 00:00+0800", \
		p.read_text("utf-8")), "utf-8")'
	for language in zh_CN $$(test ! -d $(LOCALE)/en || echo en); do \
		$(PY) -m babel.messages.frontend -q update -D kiosk -i $(LOCALE)/kiosk.pot -d $(LOCALE) -l $$language \
			--init-missing --no-fuzzy-matching --ignore-obsolete --no-wrap || exit 1; \
	done
	$(PY) -m babel.messages.frontend compile -D kiosk -d $(LOCALE) --statistics

pictures: .venv/.installed ## make the pictures of the documentation from the app itself
	$(PY) -m docs.pictures

gallery: .venv/.installed ## every screen as a picture in gallery/, to look at; ARGS="--only duty" picks some
	$(PY) -m docs.pictures --gallery gallery $(ARGS)

lock: ## pin every dependency again; UPGRADE=--upgrade takes the newest
	$(call need_python); "$$python" -m venv .venv-lock
	.venv-lock/bin/python -m pip --disable-pip-version-check install -q 'uv>=0.9,<1'
	.venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header $(UPGRADE) -o requirements.lock pyproject.toml
	.venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header $(UPGRADE) -o benchmarks/peers.lock benchmarks/peers.in
	@if grep -nE '://|^ *--?(i|f|index|extra|find|trusted)' requirements.lock benchmarks/peers.lock; then \
		echo "A lock names a server; it must not." >&2; exit 1; fi

# Sets $python to a Python that is new enough and can make virtual environments, or says what to install.
define need_python
@python= bare=; \
for p in "$(PYTHON)" python3.11 python3.12 python3.13 python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	bare=$${bare:-$$p}; \
	"$$p" -c 'import venv, ensurepip' >/dev/null 2>&1 || continue; \
	python=$$p; break; \
done; \
if [ -z "$$python" ] && [ -n "$$bare" ]; then \
	echo "$$bare cannot make virtual environments: venv or ensurepip is missing." \
		"On Debian or Ubuntu: apt install python3-venv. On Fedora: dnf install python3-libs python3-pip." >&2; exit 1; \
elif [ -z "$$python" ]; then \
	echo "The kiosk needs Python 3.11 or newer, and none was found." \
		"On Debian or Ubuntu: apt install python3 python3-venv. On Fedora: dnf install python3 python3-pip." \
		"If it is in another place: make PYTHON=/path/to/python3." >&2; exit 1; \
fi
endef

.venv/.installed: requirements.lock pyproject.toml
	$(call need_python); \
	$(PIP) --version >/dev/null 2>&1 || "$$python" -m venv --clear .venv
	$(PIP) install -q --require-hashes -r requirements.lock
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv-peers/.installed: benchmarks/peers.lock
	$(call need_python); "$$python" -m venv --clear .venv-peers
	.venv-peers/bin/python -m pip --disable-pip-version-check install -q --require-hashes -r benchmarks/peers.lock
	@touch $@
